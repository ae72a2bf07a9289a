"""Field work: what was given, what is owed and overdue on it, what was found; giving and withdrawing it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lianfang.core.duties.rules import COULD_NOT
from lianfang.core.territory.queries import standing
from lianfang.kit.clock import LOCAL, local_date, response_now
from lianfang.kit.codes import CodeRange
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.tasks import queries
from lianfang.response.tasks.permissions import GIVE_TASK, READ_TASKS
from lianfang.response.tasks.queries import AttemptRow, FindingRow, RecordRow, TaskRow
from lianfang.response.tasks.rules import CATEGORIES, CHECKS, DELIVERY, DOERS, INSPECTION, TASK_KINDS, TASK_NAMES
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import MINUTE, address
from lianfang.surfaces.console.asking import area_asked, confirmed, instant_given, send, words_given
from lianfang.surfaces.console.lists import Column, Filter, Listing, Section, answer_list, answer_record, as_text, whole
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.session import ActingRequest

TONES = {"overdue": "overdue", "open": "warn", "done": "good"}


def show_field_work(request: ActingRequest) -> HttpResponse:
    """List field work, overdue first; with ``give`` the page begins with a form for a piece of that kind."""
    area, kind, state = area_asked(request), request.GET.get("kind", ""), request.GET.get("state", "")
    asked: dict[str, Any] = {"by": request.actor, "at": request.instant, "within": area, "kind": kind, "state": state}
    acts = request.at is None and request.actor.may(GIVE_TASK)
    wanted = request.GET.get("give", "")
    listing = Listing(
        "field_work", task_columns(request), queries.count_tasks(**asked),
        lambda limit, offset: queries.tasks(**asked, limit=limit, offset=offset),
        _("No field work is given here. Press a button above to give a patrol, a clean-up, a delivery or an inspection.")
        if acts else _("No field work is given here. A desk gives it, and reported hazards call for it."),
        (
            Filter("kind", _("Kind"), [("", _("all")), *((one, kind_word(one)) for one in TASK_KINDS)]),
            Filter("state", _("State"), [("", _("all")), *((one, state_word(one)) for one in queries.STATES)]),
        ),
    )  # fmt: skip
    more: dict[str, Any] = {}
    if acts and wanted in TASK_KINDS:
        more = _giving(request, wanted)
    return answer_list(
        request, listing, template="console/field_work.html", heading=_("Field work"), pages=pages(request),
        gives=[(one, kind_word(one)) for one in TASK_KINDS] if acts else [], **more,
    )  # fmt: skip


def pages(request: ActingRequest) -> list[tuple[str, str]]:
    """Return the pages beside this one: work, findings, hazards."""
    return [
        (_("Field work"), address(request, "field_work")),
        (_("Findings"), address(request, "findings")),
        (_("Hazards"), address(request, "hazards")),
    ]


def kind_word(kind: str) -> str:
    """Return the words for a kind of field work."""
    return words.in_language(*TASK_NAMES[kind])


def state_word(state: str) -> str:
    """Return the words for how a piece of field work stands."""
    return {"open": _("to do"), "overdue": _("overdue"), "done": _("done"), "withdrawn": _("withdrawn")}[state]


def task_columns(request: ActingRequest) -> list[Column]:
    """Return the columns of a list of field work."""
    places: dict[int, str] = {}

    def place(row: TaskRow) -> str:
        if row.done_in not in places:
            places.update(place_names([row.done_in]))
        return f"{places[row.done_in]} {row.place}".strip()

    return [
        Column(_("Kind"), lambda t: kind_word(t.kind)),
        Column(_("What"), lambda t: t.title, lambda t: address(request, "task", t.id)),
        Column(_("State"), lambda t: state_word(t.state), look="mark", tone=lambda t: TONES.get(t.state, "")),
        Column(_("Place"), place),
        Column(_("Who"), lambda t: words.role_word(t.role)),
        Column(_("Due next"), lambda t: t.next_due_at, look="time", tone=lambda t: "overdue" if t.overdue else ""),
        Column(_("Comes round"), comes_round),
        Column(_("Times done"), lambda t: t.times, look="number"),
        Column(_("Last done"), lambda t: t.last_at, look="time"),
        Column(_("Could not"), lambda t: t.attempts or "", look="number"),
        Column(_("To put right"), lambda t: t.unfixed or "", look="number", tone=lambda t: "warn" if t.unfixed else ""),
    ]


def comes_round(row: TaskRow) -> str:
    """Return how often a piece of work is to be done."""
    if row.every_hours is None:
        return _("once")
    return _("every %(hours)s h until %(end)s") % {"hours": row.every_hours, "end": as_text(row.until)}


def _giving(request: ActingRequest, kind: str) -> dict[str, Any]:
    now = response_now().astimezone(LOCAL)
    return {
        "giving": kind,
        "giving_title": kind_word(kind),
        "command": str(new_id()),
        "units": units(request),
        "roles": [(role, words.role_word(role)) for role in DOERS[kind]],
        "categories": [(code, words.in_language(zh, en)) for code, (zh, en, _list) in CATEGORIES.items()],
        "delivers": kind == DELIVERY,
        "inspects": kind == INSPECTION,
        "starts": now.strftime(MINUTE),
        "due": (now + timedelta(hours=4)).strftime(MINUTE),
    }


def units(request: ActingRequest) -> list[tuple[int, str]]:
    """Return where work may be done: the villages of the post's area, and its grids where that is one village."""
    scope, day = request.actor.scope, local_date(response_now())
    level = ("village", "grid") if scope.lo // 1000 == scope.hi // 1000 else ("village",)
    found = list(standing(CodeRange(scope.lo, scope.hi), day).filter(level__in=level).values_list("code", "name"))
    return found or [(scope.lo, place_names([scope.lo])[scope.lo])]


@require_POST
def give(request: ActingRequest) -> HttpResponse:
    """Give one piece of field work."""
    kind = request.POST.get("kind", "")
    starts = instant_given(request, "starts_at")
    task: dict[str, Any] = {
        "id": request.POST.get("command", ""), "kind": kind, "division_code": unit_given(request),
        "title": words_given(request, "title", _("What is to be done")), "place": request.POST.get("place", "").strip(),
        "role": request.POST.get("role", ""), "starts_at": starts.isoformat(),
        "due_at": instant_given(request, "due_at").isoformat(), "category": request.POST.get("category", ""),
        "person": request.POST.get("person", "").strip(), "address": request.POST.get("address", "").strip(),
        "items": [item.strip() for item in request.POST.get("items", "").splitlines() if item.strip()],
    }  # fmt: skip
    if request.POST.get("unannounced"):
        task["unannounced"] = True
    if every := request.POST.get("every_hours", "").strip():
        task |= {"every_hours": every, "until": instant_given(request, "until").isoformat()}
    send(request, "give_tasks", {"tasks": [task]}, response_now())
    messages.success(request, _("The work is given. It is on the phones of those who do it."))
    return redirect(address(request, "field_work"))


def unit_given(request: ActingRequest) -> str:
    """Return the 15-digit code of the place that a form names."""
    code = request.POST.get("unit", "")
    if not (code.isascii() and code.isdigit() and len(code) == 15):
        raise Refusal(_("Choose where the work is to be done."))
    return code


def show_task(request: ActingRequest, task: UUID) -> HttpResponse:
    """Show one piece of field work: what was done, what could not be, what was found."""
    asked: dict[str, Any] = {"by": request.actor, "at": request.instant}
    row = queries.task(task, **asked)
    place = place_names([row.done_in])[row.done_in]
    found = queries.findings(task=task, **asked, limit=1000)
    sections = [
        Section(_("Done"), _record_listing(queries.records(task, **asked))),
        Section(_("Could not be done"), _attempt_listing(queries.attempts(task, **asked))),
    ]
    if row.kind == INSPECTION:
        sections.append(
            Section(
                _("Findings"),
                finding_listing(request, len(found), lambda limit, offset: found[offset : offset + limit]),
            )
        )
    acts = request.at is None and request.actor.may(GIVE_TASK, row.division_code) and row.state in ("open", "overdue")
    facts = [
        (_("Kind"), kind_word(row.kind), ""), (_("State"), state_word(row.state), ""),
        (_("Place"), f"{place} {row.place}".strip(), ""), (_("Who"), words.role_word(row.role), ""),
        (_("Begins"), as_text(row.starts_at), ""), (_("Due next"), as_text(row.next_due_at), ""),
        (_("Comes round"), comes_round(row), ""),
        *_more_facts(request, row),
    ]  # fmt: skip
    return answer_record(
        request, sections, template="console/task.html", heading=row.title, facts=facts, task=task if acts else None,
        above=[(_("All field work"), address(request, "field_work"))],
    )  # fmt: skip


def _more_facts(request: ActingRequest, row: TaskRow) -> list[tuple[str, str, str]]:
    facts = []
    if row.kind == DELIVERY:
        facts += [
            (_("To whom"), row.person, ""),
            (_("Address"), row.address, ""),
            (_("What to bring"), "、".join(row.items), ""),
        ]
    if row.category:
        facts.append((_("Kind of place"), category_word(row.category), ""))
    if row.hazard:
        facts.append((_("Because of"), _("a reported hazard"), address(request, "hazard", row.hazard)))
    if row.withdrawn_at:
        facts.append((_("Withdrawn because"), row.withdrawn_reason, ""))
    return facts


def category_word(category: str) -> str:
    """Return the words for a kind of place that is inspected."""
    return words.in_language(*CATEGORIES[category][:2]) if category in CATEGORIES else category


def _check_words(items: Sequence[str]) -> str:
    return "、".join(words.in_language(*CHECKS[item]) if item in CHECKS else item for item in items)


def _record_listing(rows: list[RecordRow]) -> Listing:
    columns = [
        Column(_("When"), lambda r: r.done_at, look="time"),
        Column(_("Turn"), lambda r: words.word(r.period)),
        Column(_("Outcome"), lambda r: words.word(r.outcome), look="mark", tone=lambda r: "warn" if r.outcome == "findings" else "good"),
        Column(_("Points"), lambda r: r.points, look="number"),
        Column(_("People"), lambda r: r.people, look="number"),
        Column(_("Hours it took"), lambda r: r.hours, look="number"),
        Column(_("Details"), _details),
        Column(_("Note"), lambda r: r.note),
        Column(_("By"), lambda r: r.title),
    ]  # fmt: skip
    return Listing(
        "records", columns, *whole(rows), _("Nothing is recorded yet. Whoever does it records it on the phone.")
    )


def _details(row: RecordRow) -> str:
    parts = [words.word(row.handed)] if row.handed else []
    if row.disinfected is not None:
        parts.append(_("disinfected") if row.disinfected else _("not disinfected"))
    if row.category:
        parts += [category_word(row.category), *([_check_words(row.checked)] if row.checked else [])]
    if row.measure != "none":
        parts.append(words.word(row.measure))
    return " · ".join(parts)


def _attempt_listing(rows: list[AttemptRow]) -> Listing:
    reasons = {one.code: one for one in COULD_NOT}
    columns = [
        Column(_("When"), lambda a: a.tried_at, look="time"),
        Column(_("Why not"), lambda a: words.in_language(reasons[a.reason].zh, reasons[a.reason].en)),
        Column(_("Note"), lambda a: a.note),
        Column(_("Again at"), lambda a: a.next_at, look="time"),
        Column(_("Turn"), lambda a: words.word(a.period)),
    ]
    return Listing("attempts", columns, *whole(rows), _("Nobody had to turn back."))


def show_findings(request: ActingRequest) -> HttpResponse:
    """List what inspections found, what is to be put right soonest on top."""
    state = request.GET.get("state", "")
    asked: dict[str, Any] = {"by": request.actor, "at": request.instant, "state": state}
    listing = finding_listing(
        request, queries.count_findings(**asked),
        lambda limit, offset: queries.findings(**asked, limit=limit, offset=offset), filtered=True,
    )  # fmt: skip
    return answer_list(
        request, listing, template="console/field_work.html", heading=_("Findings"), pages=pages(request)
    )


def finding_listing(request: ActingRequest, total: int, read: Any, *, filtered: bool = False) -> Listing:
    """Return a list of findings."""
    request.actor.require(READ_TASKS)
    now, names = request.instant, {"to_fix": _("to put right"), "late": _("past its day"), "fixed": _("put right")}

    def state(row: FindingRow) -> str:
        if row.must_fix_by is None or (row.fixed_at is not None and row.fixed_at <= now):
            return "fixed"
        return "late" if row.must_fix_by < now else "to_fix"

    tones = {"late": "overdue", "to_fix": "warn", "fixed": "good"}
    columns = [
        Column(_("What"), lambda f: _check_words([f.item])),
        Column(_("State"), lambda f: names[state(f)], look="mark", tone=lambda f: tones[state(f)]),
        Column(_("In words"), lambda f: f.text),
        Column(_("Inspection"), lambda f: f.title, lambda f: address(request, "task", f.task)),
        Column(_("Kind of place"), lambda f: category_word(f.category)),
        Column(_("Found"), lambda f: f.found_at, look="time"),
        Column(_("Put right by"), lambda f: f.must_fix_by, look="time"),
        Column(_("Put right"), lambda f: f.fixed_at if state(f) == "fixed" else None, look="time"),
        Column(_("How"), lambda f: f.fixed_note),
    ]
    filters = (Filter("state", _("State"), [("", _("all")), *names.items()]),) if filtered else ()
    return Listing("findings", columns, total, read, _("Nothing was found out of order."), filters)


@require_POST
def withdraw(request: ActingRequest, task: UUID) -> HttpResponse:
    """Withdraw a piece of field work, after asking."""
    row = queries.task(task, by=request.actor, at=request.instant)
    reason = words_given(request, "reason", _("Reason"))
    return confirmed(
        request, "withdraw_task", {"task": str(task), "reason": reason}, heading=_("Withdraw field work"),
        question=_("What is still owed on it is cancelled and leaves the phones; what was done stays. Is it so?"),
        yes=_("Yes, withdraw it"), facts=[(_("What"), row.title), (_("Reason"), reason)],
        back=address(request, "task", task), done=_("The work is withdrawn."),
    )  # fmt: skip
