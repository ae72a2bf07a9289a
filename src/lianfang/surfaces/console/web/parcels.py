"""Parcels from the field that wait for a human: why, what is on record, what the phone says, and the decision."""

import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lianfang.core.access.queries import device_titles, titles_of
from lianfang.core.duties.rules import DutyNotFound
from lianfang.core.intake.permissions import DECIDE_PARCELS, VIEW_PHOTOS
from lianfang.core.intake.queries import (
    ParcelInside,
    PhotoRow,
    came_before,
    count_by_rule,
    count_parcels,
    count_urgent,
    look_inside,
    parcel_row,
    photos,
    view_photo,
)
from lianfang.core.intake.queries import parcels as parcels_of
from lianfang.core.intake.rules import RULES, HeldParcel, next_step
from lianfang.kit.refusals import Refusal
from lianfang.surfaces.console import queries, words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import confirmed, words_given
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import (
    Column,
    Filter,
    Listing,
    Section,
    answer_list,
    answer_record,
    as_text,
    shown,
    whole,
)
from lianfang.surfaces.console.queries import DutyLine, place_names
from lianfang.surfaces.session import ActingRequest
from lianfang.workflows.forms import FORMS
from lianfang.workflows.take_parcel_file import MOST_BYTES, take_parcel_file

STATES = ("held", "noted", "set_aside")
#: lines of what a phone says, on one page
MOST_LINES = 60
DECISIONS = ("apply", "set_aside")
TONES = {"refused": "overdue", "held": "warn", "later": "warn"}


def parcel_figures(request: ActingRequest) -> Iterator[Figure]:
    """Count what waits for a decision of this desk."""
    waiting, urgent = count_parcels(by=request.actor).get("held", 0), count_urgent(by=request.actor)
    note = _("%(n)s of them alarming") % {"n": urgent} if urgent else _("what the rules do not apply by themselves")
    yield Figure(
        _("Parcels to be decided"), waiting, address(request, "parcels"), note,
        "overdue" if urgent else "warn" if waiting else "",
    )  # fmt: skip


def show_parcels(request: ActingRequest) -> HttpResponse:
    """List the parcels that are kept: those that wait first, without anything about a person."""
    state, code = request.GET.get("state") or "held", request.GET.get("rule", "")
    state = state if state in STATES else "held"
    counted, rules = count_parcels(by=request.actor, code=code), count_by_rule(by=request.actor)
    names: dict[str, dict[Any, str]] = {"places": {}, "posts": {}}

    def read(limit: int, offset: int) -> list[HeldParcel]:
        rows = parcels_of(by=request.actor, state=state, code=code, limit=limit, offset=offset)
        names["places"].update(place_names({row.division_code for row in rows}))
        names["posts"].update(titles_of(row.account_id for row in rows))
        return rows

    listing = Listing(
        "parcels", _columns(request, names), counted.get(state, 0), read,
        _("Nothing waits here: the rules have applied everything that came in.") if state == "held"
        else _("No parcel here fits these questions."),
        (
            Filter("state", _("State"), [(one, words.word(f"parcel_{one}")) for one in STATES]),
            Filter("rule", _("Why"), [("", _("all")), *((one, _why(one)) for one in sorted(rules))]),
        ),
    )  # fmt: skip
    every = count_parcels(by=request.actor)
    figures = [
        Figure(
            words.word(f"parcel_{one}"), every.get(one, 0), address(request, "parcels", state=one),
            tone="warn" if one == "held" and every.get(one) else "",
        )
        for one in STATES
    ]  # fmt: skip
    return answer_list(
        request, listing, template="console/parcels.html", heading=_("Parcels from the field"), figures=figures,
        may_take=request.at is None and request.actor.may(DECIDE_PARCELS),
        lead=_("What phones brought in and the rules do not apply by themselves. Open one: each look is logged."),
    )  # fmt: skip


def _columns(request: ActingRequest, names: dict[str, dict[Any, str]]) -> list[Column]:
    return [
        Column(
            _("State"), lambda p: _("alarming") if p.urgent else words.word(f"parcel_{p.state}"), look="mark",
            tone=lambda p: "overdue" if p.urgent else "warn" if p.state == "held" else "",
        ),
        Column(_("Work"), lambda p: _work(p.kind), lambda p: address(request, "parcel", p.id)),
        Column(_("Why"), lambda p: _why(p.code)),
        Column(_("Done by"), lambda p: names["posts"].get(p.account_id) or _("nobody can say")),
        Column(_("Place"), lambda p: names["places"].get(p.division_code, p.division_code)),
        Column(_("Done at"), lambda p: p.valid_at, look="time"),
        Column(_("Came in"), lambda p: p.received_at, look="time"),
        Column(_("Decided"), lambda p: p.decided_at, look="time"),
        Column(_("Reason"), lambda p: p.reason),
    ]  # fmt: skip


def _why(code: str) -> str:
    return words.word(f"parcel_{code}")


def _work(kind: str) -> str:
    """Return what a command is called on the forms that send it."""
    form = next((one for one in FORMS if one.command == kind), None)
    return words.in_language(form.zh, form.en) if form else _("other work")


def show_parcel(request: ActingRequest, parcel: uuid.UUID) -> HttpResponse:
    """Show one parcel with both findings side by side; the look is logged."""
    row = parcel_row(parcel, by=request.actor)
    inside = look_inside(row.id, by=request.actor)
    duty = _duty(request, row)
    taken = photos(by=request.actor, duty=row.duty) if row.duty and request.actor.may(VIEW_PHOTOS) else []
    rule = RULES[row.state, row.code]
    waits, own = row.state == "held", row.account_id == request.actor.account_id
    asked = (
        _("This is your own work: somebody else of your desk, or of the unit above, decides it.") if own
        else _("Compare both sides, ask whoever was there, then decide.")
    )  # fmt: skip
    return answer_record(
        request, [Section(_("Photos"), photo_listing(request, taken))] if taken else [],
        template="console/parcel.html", heading=f"{_work(row.kind)} · {_why(row.code)}",
        lead=asked if waits else "",
        lead_tone="overdue" if row.urgent else "",
        facts=[*_facts(row), (_("What the phone was told"), words.in_language(rule.zh, rule.en), "")], recorded=[*_came_before(request, row), *_recorded(request, duty)], said=_said(row, inside), refusal=inside.said,
        parcel=row, open=waits and not own and request.at is None, readable=bool(inside.content),
        may_apply=row.account_id is not None and row.code not in ("old_form", "token_unknown"),
    )  # fmt: skip


def _duty(request: ActingRequest, row: HeldParcel) -> DutyLine | None:
    if row.duty is None:
        return None
    try:
        return queries.duty_line(row.duty, by=request.actor)
    except DutyNotFound:  # in another area now
        return None


def _facts(row: HeldParcel) -> list[tuple[str, Any, str]]:
    posts = titles_of([row.account_id, row.decided_by])
    facts = [
        (_("State"), words.word(f"parcel_{row.state}"), ""),
        (_("Done by"), posts.get(row.account_id, "") if row.account_id else _("nobody can say"), ""),
        (_("Device"), device_titles([row.device]).get(row.device, ""), ""),
        (_("Place"), place_names([row.division_code])[row.division_code], ""),
        (_("Done at"), as_text(row.valid_at), ""),
        (_("Came in"), as_text(row.received_at), ""),
    ]
    if row.decided_by:
        facts += [
            (_("Decided by"), posts.get(row.decided_by, ""), ""),
            (_("Decided"), as_text(row.decided_at), ""),
            (_("Reason"), row.reason, ""),
        ]
    return facts


def _came_before(request: ActingRequest, row: HeldParcel) -> list[tuple[str, str, str]]:
    """Return what came first under the same id, with the way to it while it is kept; what was applied has no page."""
    first = came_before(row, by=request.actor)
    if first is None:
        return []
    way = "" if first.state == "applied" else address(request, "parcel", first.id)
    posts = titles_of([first.account_id])
    return [
        (_("Came before under the same id"), _work(first.kind), way),
        (_("State"), words.word(f"parcel_{first.state}"), ""),
        (_("Done by"), posts.get(first.account_id, "") if first.account_id else _("nobody can say"), ""),
        (_("Done at"), as_text(first.valid_at), ""),
    ]


def _recorded(request: ActingRequest, duty: DutyLine | None) -> list[tuple[str, str, str]]:
    """Return what is on record about the duty, or nothing when there is none in this area."""
    if duty is None:
        return []
    steps = [step for step in queries.duty_log(duty, by=request.actor) if step.kind in ("done", "waived", "cancelled")]
    last = steps[-1] if steps else None
    return [
        (_("Duty"), words.in_language(duty.name_zh, duty.name_en), address(request, "duty", duty.id)),
        (_("Person"), duty.person or "", ""),
        (_("State"), words.word(duty.state), ""),
        (_("Outcome"), words.word(duty.outcome), ""),
        (_("By"), last.title or "" if last else "", ""),
        (_("Held at"), as_text(last.valid_at) if last else "", ""),
        (_("Reason"), last.reason or "" if last else "", ""),
    ]


def _said(row: HeldParcel, inside: ParcelInside) -> list[tuple[str, str]]:
    """Return what the phone says, in the words of the form that it was filled in on."""
    envelope = inside.content.get("envelope")
    payload = envelope.get("payload") if isinstance(envelope, dict) else None
    form = next((one for one in FORMS if one.code == inside.content.get("form")), None)
    form = form or next((one for one in FORMS if one.command == row.kind), None)
    lines = [(_("Outcome"), words.word(inside.outcome))] if inside.outcome else []
    labels: dict[str, str] = {}
    answers: dict[str, str] = {}
    for field in form.fields if form else ():
        labels[field.name] = words.in_language(field.zh, field.en)
        answers |= {option.code: words.in_language(option.zh, option.en) for option in field.options}
    for name, value in _leaves(payload, ""):
        lines.append((labels.get(name) or words.word(name), answers.get(value) or words.word(value)))
    if len(lines) > MOST_LINES:  # said first: nobody applies what they have not seen without knowing it
        lines.insert(0, (_("Not shown"), _("%(n)s further answers") % {"n": len(lines) - MOST_LINES}))
    return lines[: MOST_LINES + 1]


def _leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield every answer with its name; ids say nothing to a reader, and pictures are too long."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _leaves(one, str(key))
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one, name)
    elif isinstance(value, bool):
        yield name, _("yes") if value else _("no")
    elif value not in (None, "") and not _is_id(value):
        text = str(value)
        yield name, text if len(text) <= 300 else _("%(n)s characters") % {"n": len(text)}


def _is_id(value: object) -> bool:
    try:
        uuid.UUID(str(value))
    except ValueError:
        return False
    return True


@require_POST
def decide(request: ActingRequest, parcel: uuid.UUID) -> HttpResponse:
    """Decide a held parcel, asked once more: it cannot be taken back."""
    row = parcel_row(parcel, by=request.actor)
    decision, reason = request.POST.get("decision", ""), words_given(request, "reason", _("Reason"))[:200]
    if decision not in DECISIONS:
        raise Refusal(_("This form is not complete. Open the page again and send it again."))
    applies = decision == "apply"
    return confirmed(
        request, "decide_parcel", {"parcel": str(parcel), "decision": decision, "reason": reason},
        heading=_("Apply as the worker meant it") if applies else _("Set aside"),
        question=_("It is recorded under the worker's post, with your name as the one who decided. It cannot be taken back. Is it so?")
        if applies
        else _("It is not used; what the phone said is kept beside your reason. It cannot be taken back. Is it so?"),
        yes=_("Yes, apply it") if applies else _("Yes, set it aside"),
        facts=[(_("Work"), _work(row.kind)), (_("Why"), _why(row.code)), (_("Done at"), as_text(row.valid_at)), (_("Reason"), reason)],
        back=address(request, "parcels"), done=_("Decided. The worker's phone hears of it at its next contact."),
    )  # fmt: skip


@require_POST
def take_file(request: ActingRequest) -> HttpResponse:
    """Take in the unsent work that a phone saved as a file, and show what became of each parcel.

    The same file again changes nothing: what is here keeps its receipt.
    """
    upload = request.FILES.get("file")
    if upload is None:
        raise Refusal(_("No file was chosen. Choose the file that the phone saved, then take it in."))
    if (upload.size or 0) > MOST_BYTES:
        raise Refusal(
            _("This file is larger than %(most)s MB: no phone saves so much.") % {"most": MOST_BYTES // 1_000_000}
        )
    filed = take_parcel_file(upload.read(), by=request.actor)
    listing = Listing("parcel_file", _filed_columns(), *whole(filed), "")
    # a file is taken in once: there is nothing to turn pages of or to export from by an address
    table = shown(request, listing, page_size=len(filed)) | {"exports": []}
    counted = Counter(one.receipt.status for one in filed)
    here = sum(counted[one] for one in ("applied", "repeated", "noted"))
    back = address(request, "parcels")
    figures = [
        Figure(_("Recorded"), here, back, tone="good" if here else ""),
        *(
            Figure(words.word(f"parcel_{one}"), counted[one], back, tone=TONES[one] if counted[one] else "")
            for one in ("held", "later", "refused")
        ),
    ]
    whole_file = not counted["refused"] and not counted["later"]
    lead = (
        _("Everything in this file is here. The phone may be wiped.") if whole_file
        else _("Not everything in this file is here. Keep the phone and the file, and do what stands in the last column.")
    )  # fmt: skip
    return render(
        request, "console/list.html",
        {"heading": _("Unsent work of a phone"), "lead": lead, "figures": figures, "table": table, "filters": [],
         "above": [(_("All parcels"), back)]},
    )  # fmt: skip


def _filed_columns() -> list[Column]:
    return [
        Column(_("No."), lambda f: f.number, look="number"),
        Column(_("Parcel"), lambda f: f"…{f.id[-8:]}" if f.id else _("without a number")),
        Column(_("Work"), lambda f: _work(f.kind) if f.kind else ""),
        Column(_("Done at"), lambda f: f.valid_at, look="time"),
        Column(
            _("State"), lambda f: words.word(f"parcel_{f.receipt.status}"), look="mark",
            tone=lambda f: TONES.get(f.receipt.status, "good"),
        ),
        Column(_("Why"), lambda f: words.in_language(f.receipt.zh, f.receipt.en)),
        Column(_("What to do"), lambda f: words.in_language(*next_step(f.receipt.status, f.receipt.code))),
    ]  # fmt: skip


def photo_listing(request: ActingRequest, taken: list[PhotoRow]) -> Listing:
    """Return the list of photos beside a duty; opening one is logged."""
    posts = titles_of(one.account_id for one in taken)
    columns = [
        Column(_("Photo of"), lambda p: words.word(f"photo_{p.caption}"), lambda p: address(request, "photo", p.id)),
        Column(_("Photographed at"), lambda p: p.taken_at, look="time"),
        Column(_("By"), lambda p: posts.get(p.account_id, "")),
    ]
    return Listing("photos", columns, *whole(taken), _("No photo."))


def show_photo(request: ActingRequest, photo: uuid.UUID) -> HttpResponse:
    """Show one photo; the look is logged, and no browser keeps it."""
    answer = HttpResponse(view_photo(photo, by=request.actor), content_type="image/jpeg")
    answer["Cache-Control"] = "no-store"
    answer["Content-Disposition"] = "inline"
    return answer
