"""Hazards: reported from the field or over the residents' line, seen to, and told of."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lianfang.kit.clock import response_now
from lianfang.response.tasks import queries
from lianfang.response.tasks.actions import open_contact
from lianfang.response.tasks.permissions import REPORT_HAZARD, TELL_REPORTER
from lianfang.response.tasks.queries import HazardRow
from lianfang.response.tasks.rules import HAZARDS
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import send, words_given
from lianfang.surfaces.console.lists import Column, Filter, Listing, answer_list, answer_record, as_text
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.console.web.field_work import pages, unit_given, units
from lianfang.surfaces.session import ActingRequest


def _state(row: HazardRow) -> str:
    if row.told_at is not None:
        return "told"
    return "to_tell" if row.done_at or row.withdrawn_at else "to_do"


def _names() -> dict[str, str]:
    return {"to_do": _("to be seen to"), "to_tell": _("reporter waits for word"), "told": _("told")}


def hazard_word(kind: str) -> str:
    """Return the words for a kind of hazard."""
    return words.in_language(*HAZARDS[kind][:2])


def channel_word(channel: str) -> str:
    """Return the words for how a hazard was reported."""
    return _("residents' line") if channel == "hotline" else _("from the field")


def show_hazards(request: ActingRequest) -> HttpResponse:
    """List hazards, those to be seen to first; a caller's report is entered above the list."""
    state = request.GET.get("state", "")
    asked: dict[str, Any] = {"by": request.actor, "at": request.instant, "state": state}
    tones = {"to_do": "warn", "to_tell": "warn", "told": "good"}
    names = _names()
    columns = [
        Column(_("What"), lambda h: hazard_word(h.kind), lambda h: address(request, "hazard", h.id)),
        Column(_("State"), lambda h: names[_state(h)], look="mark", tone=lambda h: tones[_state(h)]),
        Column(_("Where"), lambda h: h.place),
        Column(_("In words"), lambda h: h.text),
        Column(_("Reported"), lambda h: h.reported_at, look="time"),
        Column(_("How"), lambda h: channel_word(h.channel)),
        Column(_("Seen to"), lambda h: h.done_at, look="time"),
        Column(_("Told"), lambda h: h.told_at, look="time"),
    ]
    listing = Listing(
        "hazards", columns, queries.count_hazards(**asked),
        lambda limit, offset: queries.hazards(**asked, limit=limit, offset=offset),
        _("No hazard is reported here. Enter what a caller says above; phones report what they see."),
        (Filter("state", _("State"), [("", _("all")), *names.items()]),),
    )  # fmt: skip
    acts = request.at is None and request.actor.may(REPORT_HAZARD)
    return answer_list(
        request, listing, template="console/hazards.html", heading=_("Hazards"), pages=pages(request),
        units=units(request) if acts else [], kinds=[(one, hazard_word(one)) for one in HAZARDS],
    )  # fmt: skip


@require_POST
def report(request: ActingRequest) -> HttpResponse:
    """Enter a hazard that somebody told over the residents' line."""
    payload = {
        "kind": request.POST.get("kind", ""), "division_code": unit_given(request), "channel": "hotline",
        "place": words_given(request, "place", _("Where")), "text": request.POST.get("text", "").strip(),
        "contact": request.POST.get("contact", "").strip(),
    }  # fmt: skip
    made = send(request, "report_hazard", payload, response_now()).result
    messages.success(request, _("The hazard is entered, and somebody is given the work."))
    return redirect(address(request, "hazard", UUID(made["id"])))


def show_hazard(request: ActingRequest, hazard: UUID) -> HttpResponse:
    """Show one hazard, the work it called for, and whether whoever reported it was told."""
    row = queries.hazard(hazard, by=request.actor, at=request.instant)
    facts = [
        (_("State"), _names()[_state(row)], ""), (_("Where"), f"{place_names([row.division_code])[row.division_code]} {row.place}", ""),
        (_("In words"), row.text, ""), (_("Reported"), f"{as_text(row.reported_at)} · {channel_word(row.channel)}", ""),
        (_("The work it called for"), _("open it"), address(request, "task", row.task)),
        (_("Seen to"), as_text(row.done_at), ""), (_("Told"), as_text(row.told_at), ""),
    ]  # fmt: skip
    acts = request.at is None and request.actor.may(TELL_REPORTER, row.division_code)
    return answer_record(
        request, [], template="console/hazard.html", heading=hazard_word(row.kind), facts=facts, hazard=row,
        opens=acts and row.left, tells=acts and _state(row) == "to_tell",
        above=[(_("All hazards"), address(request, "hazards"))],
    )  # fmt: skip


@require_POST
def show_contact(request: ActingRequest, hazard: UUID) -> HttpResponse:
    """Open how a caller wishes to be told; who looked is logged."""
    left = open_contact(hazard, by=request.actor)
    messages.success(request, _("The caller left this word: %(contact)s") % {"contact": left or "—"})
    return redirect(address(request, "hazard", hazard))


@require_POST
def tell(request: ActingRequest, hazard: UUID) -> HttpResponse:
    """Record that whoever reported a hazard was told."""
    payload = {"hazard": str(hazard), "note": request.POST.get("note", "").strip()}
    send(request, "record_reporter_told", payload, response_now())
    messages.success(request, _("It is recorded that the reporter was told."))
    return redirect(address(request, "hazard", hazard))
