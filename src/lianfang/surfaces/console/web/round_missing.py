"""The missing of a round, worked down one by one: where somebody is, when they come, why not, or why nobody got hold of them."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.kit.clock import LOCAL, response_now
from lianfang.kit.ids import derived_id
from lianfang.kit.refusals import Refusal
from lianfang.response.screening import queries
from lianfang.response.screening.permissions import EXCLUDE_PEOPLE, READ_ROUNDS, RECORD_VISITS
from lianfang.response.screening.queries import Asked, MissingPerson
from lianfang.response.screening.rules import NEEDS_WHERE, REASONS, VISIT_OUTCOMES, ExclusionUnknown
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import MINUTE, address
from lianfang.surfaces.console.asking import area_asked, confirmed, instant_given, send, words_given
from lianfang.surfaces.console.lists import Column, Filter, Listing, answer_list, answer_record
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.console.web.rounds import code_text, id_asked, round_title
from lianfang.surfaces.session import ActingRequest


def show_missing(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """List the missing of a round by grid and household, phones masked, with who is responsible and what to do."""
    request.actor.require(READ_ROUNDS)
    if not request.actor.may(READ_PEOPLE):
        # whoever counts and does not visit sees how many and where, without addresses and phones
        within = request.GET.get("within", "")
        return redirect(address(request, "round_people", round, standing="missing", within=within))
    area = area_asked(request)
    row = queries.round_row(round, by=request.actor, at=request.at)
    grids = queries.missing_by_grid(round, by=request.actor, at=request.at, within=request.actor.scope)
    names = place_names([grid.code for grid in grids])
    seen: list[MissingPerson] = []

    def read(limit: int, offset: int) -> list[MissingPerson]:
        seen[:] = queries.missing(round, by=request.actor, at=request.at, within=area, limit=limit, offset=offset)
        return seen

    total = queries.accounted(round, by=request.actor, at=request.at, within=area).missing
    places = [(code_text(grid.code), f"{names[grid.code]} ({grid.missing})") for grid in grids]
    listing = Listing(
        "missing", missing_columns(request), total, read,
        _("Nobody is missing here: everybody is sampled or excluded with a reason."),
        (Filter("within", _("Grid"), [("", _("all")), *_with_chosen(request, places)]),),
    )  # fmt: skip
    return answer_list(
        request, listing, template="console/missing.html", people=seen, round=round,
        heading=_("Missing in %(round)s") % {"round": round_title(row)},
        lead=_("A missed test opens a visit and never a sanction. Sampled at the door: scan the tube, and the name leaves this list."),
        may_visit=request.at is None and request.actor.may(RECORD_VISITS), undo=id_asked(request, "undo"),
        within=request.GET.get("within", ""), page=request.GET.get("page", ""), reasons=reason_choices(),
        where_reasons=", ".join(words.word(one) for one in REASONS if one in NEEDS_WHERE),
        soon=response_now().astimezone(LOCAL).strftime(MINUTE), back=address(request, "round", round),
    )  # fmt: skip


def missing_columns(request: ActingRequest) -> list[Column]:
    """Return the columns of a list of the missing."""
    return [
        Column(_("Name"), lambda m: m.name, lambda m: address(request, "resident", m.resident)),
        Column(_("Sex"), lambda m: words.word(m.sex)),
        Column(_("Born"), lambda m: m.birth_date.year, look="number"),
        Column(_("Phone"), lambda m: m.phone),
        Column(_("Grid"), lambda m: m.grid or m.division_code),
        Column(_("Address"), lambda m: m.address),
        Column(_("Responsible"), lambda m: m.holder or m.post_title or _("nobody: name one")),
        Column(_("Visits"), lambda m: m.visits, look="number"),
        Column(_("Last visit"), lambda m: words.word(m.last_outcome)),
        Column(_("Appointment"), lambda m: m.appointment_at, look="time"),
    ]


def reason_choices() -> list[tuple[str, str]]:
    """Return the reasons for which somebody may be excluded, with their words."""
    return [(one, words.word(one)) for one in REASONS]


@require_POST
def record_visit(request: ActingRequest, round: uuid.UUID, resident: uuid.UUID) -> HttpResponse:
    """Record what came of a visit to one missing person; what takes somebody out of the count is asked again first."""
    request.actor.require(RECORD_VISITS)
    entry = _visit(request, resident)
    back = _back(request, round)
    if entry["outcome"] in ("found_elsewhere", "excluded"):
        return _excuse(request, round, entry, back)
    send(request, "record_visits", {"round": str(round), "people": [entry]}, response_now())
    messages.success(request, _("Recorded: %(outcome)s.") % {"outcome": words.word(entry["outcome"])})
    return redirect(back)


def _visit(request: ActingRequest, resident: uuid.UUID) -> dict[str, Any]:
    outcome = request.POST.get("outcome", "")
    if outcome not in VISIT_OUTCOMES:
        raise Refusal(_("This form is not complete. Open the page again and send it again."))
    command = request.POST.get("command", "")
    entry: dict[str, Any] = {
        "id": str(derived_id("visit", command, resident)),
        "resident": str(resident),
        "outcome": outcome,
    }
    if outcome == "appointment":
        words_given(request, "appointment_at", _("When"))
        entry["appointment_at"] = instant_given(request, "appointment_at").isoformat()
    if outcome == "could_not":
        entry["note"] = words_given(request, "note", _("Why not"))[:200]
    if outcome == "found_elsewhere":
        entry["where"] = words_given(request, "where", _("Where"))[:120]
    if outcome == "excluded":
        entry["reason"] = words_given(request, "reason", _("Reason"))
        entry["where"] = request.POST.get("where", "").strip()[:120]
        if entry["reason"] in NEEDS_WHERE:
            words_given(request, "where", _("Where"))
    return entry


def _excuse(request: ActingRequest, round: uuid.UUID, entry: dict[str, Any], back: str) -> HttpResponse:
    resident = uuid.UUID(entry["resident"])
    people = queries.missing(round, by=request.actor, residents=[resident], limit=1)
    reason = entry.get("reason", "sampled_elsewhere")
    sign = "&" if "?" in back else "?"
    return confirmed(
        request, "record_visits", {"round": str(round), "people": [entry]},
        heading=_("Take off the list: %(name)s") % {"name": people[0].name if people else ""},
        question=_("Nobody visits this person in this round any more. A second person may call back; you can take it back yourself. Is it so?"),
        yes=_("Yes, it is so"),
        facts=[(_("Reason"), words.word(reason)), (_("Where"), entry.get("where", "") or "—")],
        back=f"{back}{sign}undo={entry['id']}" if request.POST.get("confirmed") == "yes" else back,
        done=_("Recorded: %(outcome)s.") % {"outcome": words.word(reason)},
    )  # fmt: skip


def _back(request: ActingRequest, round: uuid.UUID) -> str:
    asked = {name: request.POST.get(name, "") for name in ("within", "page")}
    kept = {name: text for name, text in asked.items() if text.isascii() and text.isdigit()}
    return address(request, "missing", round, **kept)


def show_exclusion(request: ActingRequest, round: uuid.UUID, exclusion: uuid.UUID) -> HttpResponse:
    """Show one exclusion that stands; whoever wrote it may take it back."""
    request.actor.require(READ_ROUNDS)
    row = queries.round_row(round, by=request.actor, at=request.at)
    found = queries.round_people(round, by=request.actor, at=request.at, asked=Asked(exclusion=exclusion), limit=1)
    if not found:
        raise ExclusionUnknown(
            _("No such exclusion stands in your area. It may have been taken back: look at the list of the missing.")
        )
    person = found[0]
    own = person.excluded_by == request.actor.account_id
    return answer_record(
        request, [], template="console/exclusion.html", heading=_("Exclusion: %(name)s") % {"name": person.name},
        facts=[
            (_("Person"), person.name, address(request, "resident", person.resident)),
            (_("Round"), round_title(row), address(request, "round", round)),
            (_("Reason"), words.word(person.reason), ""), (_("Where"), person.where, ""),
        ],
        round=round, exclusion=exclusion, own=own, may_withdraw=own and request.at is None and _may_withdraw(request),
    )  # fmt: skip


def _may_withdraw(request: ActingRequest) -> bool:
    return request.actor.may(EXCLUDE_PEOPLE) or request.actor.may(RECORD_VISITS)


@require_POST
def withdraw_exclusion(request: ActingRequest, round: uuid.UUID, exclusion: uuid.UUID) -> HttpResponse:
    """Take back an exclusion that one wrote oneself: the person is missing again."""
    send(request, "withdraw_exclusion", {"round": str(round), "exclusion": str(exclusion)}, response_now())
    messages.success(request, _("Taken back: this person is on the list of the missing again."))
    return redirect(address(request, "missing", round))


def _with_chosen(request: ActingRequest, places: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Keep the place that is looked at among the choices, even when it is a village or nobody is missing there."""
    here = request.GET.get("within", "")
    if not here or here in dict(places):
        return places
    return [(here, place_names([int(here)])[int(here)]), *places]
