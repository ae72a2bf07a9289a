"""The ledger by territory: the tree, the list with overdue duties first, one duty with its log, finish and waive."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lianfang.core.duties.permissions import FINISH_DUTY, READ_DUTIES, WAIVE_DUTY
from lianfang.core.intake.permissions import VIEW_PHOTOS
from lianfang.core.intake.queries import photos
from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.core.territory.queries import children, path, standing
from lianfang.core.territory.rules import DivisionUnknown
from lianfang.kit.clock import LOCAL, local_date, response_now
from lianfang.kit.codes import CodeRange
from lianfang.response.cases.permissions import READ_CASES, READ_POOLS
from lianfang.response.quarantine.permissions import READ_ORDERS
from lianfang.response.specimens.permissions import READ_CUSTODY
from lianfang.response.zones.permissions import READ_ZONES
from lianfang.surfaces.console import queries, words
from lianfang.surfaces.console.addresses import MINUTE, address
from lianfang.surfaces.console.asking import area_asked, confirmed, instant_given, words_given
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Filter, Listing, Section, answer_list, answer_record, as_text, whole
from lianfang.surfaces.console.queries import DutyLine, DutyStep
from lianfang.surfaces.console.templatetags.console import place_of
from lianfang.surfaces.console.web.parcels import photo_listing
from lianfang.surfaces.session import ActingRequest

#: kinds of subject that have a page of their own, of the same name, and what it takes to see it
RECORDS = {
    "pool": READ_POOLS,
    "custody_difference": READ_CUSTODY,
    "result_notice": READ_CUSTODY,
    "case": READ_CASES,
    "order": READ_ORDERS,
    "zone": READ_ZONES,
    "resident": READ_PEOPLE,
}
STATES = ("outstanding", "done", "waived", "cancelled")


def show_duties(request: ActingRequest) -> HttpResponse:
    """Show an area's duties: its units, its kinds, and the list, overdue ones first."""
    request.actor.require(READ_DUTIES)
    area = area_asked(request)
    kinds = queries.duties_by_kind(by=request.actor, within=area, at=request.at)
    listing = duty_listing(request, area, [(k.kind, words.in_language(k.name_zh, k.name_en)) for k in kinds])
    here = request.GET.get("within", "")
    return answer_list(
        request, listing, template="console/duties.html",
        place=place_of(area), trail=_trail(request, area), figures=_figures(request, area, kinds),
        units=_branches(request, area), kept=[("within", here)] if here else [],
        kinds=[
            {"title": words.in_language(k.name_zh, k.name_en), "overdue": k.overdue, "outstanding": k.outstanding,
             "href": address(request, "duties", kind=k.kind, within=here)}
            for k in kinds
        ],
    )  # fmt: skip


def show_branches(request: ActingRequest) -> HttpResponse:
    """Return the units inside of one, for the tree to unfold."""
    request.actor.require(READ_DUTIES)
    return render(request, "console/tree.html", {"units": _branches(request, area_asked(request))})


def duty_listing(request: ActingRequest, area: CodeRange, kinds: list[tuple[str, str]]) -> Listing:
    """Return the list of duties that the address asks for."""
    get, by = request.GET.get, request.actor
    state = get("state") or "outstanding"
    asked: dict[str, Any] = {
        "by": by, "within": area, "at": request.at, "kind": get("kind", ""), "role": get("role", ""),
        "state": "" if state == "all" else state, "overdue": get("overdue") == "yes",
    }  # fmt: skip
    states = [(code, words.word(code)) for code in STATES] + [("all", _("all"))]
    return Listing(
        name="duties",
        columns=duty_columns(request),
        total=queries.count_duties(**asked),
        read=lambda limit, offset: queries.duty_lines(**asked, limit=limit, offset=offset),
        empty=_("No duty here fits these questions. Choose another state, kind or place."),
        filters=(
            Filter("state", _("State"), states),
            Filter("kind", _("Kind"), [("", _("all")), *kinds]),
            Filter("overdue", _("Only overdue"), [("", _("no")), ("yes", _("yes"))]),
        ),
    )


def duty_columns(request: ActingRequest) -> list[Column]:
    """Return the columns of a list of duties."""
    return [
        Column(_("State"), standing_of, look="mark", tone=lambda d: "overdue" if d.overdue else _tone(d.state)),
        Column(_("Duty"), lambda d: words.in_language(d.name_zh, d.name_en), lambda d: address(request, "duty", d.id)),
        Column(
            _("About"), lambda d: d.person or words.word(d.subject_kind),
            lambda d: record_address(request, d),
        ),
        Column(_("Place"), lambda d: d.place),
        Column(_("Responsible"), lambda d: words.role_word(d.role)),
        Column(_("Due"), lambda d: d.due_at, look="time"),
        Column(_("Outcome"), lambda d: words.word(d.outcome)),
    ]  # fmt: skip


def record_address(request: ActingRequest, duty: DutyLine) -> str:
    """Return where the record stands that a duty is about, else the person's page, else nothing."""
    if duty.subject_kind in RECORDS and request.actor.may(RECORDS[duty.subject_kind]):
        return address(request, duty.subject_kind, duty.subject)
    return person_address(request, duty)


def person_address(request: ActingRequest, duty: DutyLine) -> str:
    """Return the page of the person whom a duty is about, for whoever may see it."""
    return address(request, "resident", duty.resident) if duty.person and request.actor.may(READ_PEOPLE) else ""


def standing_of(duty: DutyLine) -> str:
    """Return a duty's state in words: overdue before all."""
    return words.word("overdue" if duty.overdue else duty.state)


def _tone(state: str) -> str:
    return "good" if state == "done" else ""


def _figures(request: ActingRequest, area: CodeRange, kinds: list[queries.KindLine]) -> list[Figure]:
    here = request.GET.get("within", "")
    overdue, outstanding = sum(k.overdue for k in kinds), sum(k.outstanding for k in kinds)
    done = queries.count_duties(by=request.actor, within=area, at=request.at, state="done")
    return [
        Figure(_("overdue"), overdue, address(request, "duties", overdue="yes", within=here), tone="overdue" if overdue else ""),
        Figure(_("outstanding"), outstanding, address(request, "duties", within=here)),
        Figure(_("done"), done, address(request, "duties", state="done", within=here)),
    ]  # fmt: skip


def _trail(request: ActingRequest, area: CodeRange) -> list[dict[str, str]]:
    """Return the way from the actor's own area down to the one shown."""
    try:
        units = path(area.lo, local_date(request.instant))
    except DivisionUnknown:
        return []
    return [
        {"name": unit.name, "href": address(request, "duties", within=unit.code)}
        for unit in units
        if request.actor.scope.covers(unit.range)
    ]


def _branches(request: ActingRequest, area: CodeRange) -> list[dict[str, Any]]:
    day = local_date(request.instant)
    units = list(children(area.lo, day)) if standing(CodeRange(area.lo, area.lo), day).exists() else []
    counted = queries.duties_by_unit(units, by=request.actor, within=area, at=request.at)
    return [
        {"code": unit.code, "name": unit.name, "level": words.word(unit.level), "overdue": unit.overdue,
         "outstanding": unit.outstanding, "href": address(request, "duties", within=unit.code),
         "branches": "" if unit.level == "grid" else address(request, "duty_branches", within=unit.code)}
        for unit in counted
    ]  # fmt: skip


def show_duty(request: ActingRequest, duty: int) -> HttpResponse:
    """Show one duty with everything that happened to it."""
    line = queries.duty_line(duty, by=request.actor, at=request.at)
    taken = photos(by=request.actor, duty=duty) if request.actor.may(VIEW_PHOTOS) and request.at is None else []
    pictures = [Section(_("Photos"), photo_listing(request, taken))] if taken else []
    return answer_record(
        request, [Section(_("What happened to it"), _log(request, line)), *pictures], template="console/duty.html",
        heading=f"{words.in_language(line.name_zh, line.name_en)} · {line.place}",
        duty=line, lead=standing_of(line), lead_tone="overdue" if line.overdue else _tone(line.state),
        facts=_facts(request, line), open=line.state == "outstanding" and request.at is None,
        may_finish=not line.command and request.actor.may(FINISH_DUTY, line.division_code),
        may_waive=request.actor.may(WAIVE_DUTY, line.division_code),
        now=response_now().astimezone(LOCAL).strftime(MINUTE),
    )  # fmt: skip


def _facts(request: ActingRequest, line: DutyLine) -> list[tuple[str, str, str]]:
    return [
        (_("Person"), line.person or "", person_address(request, line)),
        (_("Record"), words.word(line.subject_kind), record_address(request, line)),
        (_("Place"), line.place, ""),
        (_("Responsible"), words.role_word(line.role), ""),
        (_("Opens"), as_text(line.opens_at), ""),
        (_("Due"), as_text(line.due_at), ""),
        (_("By the rule"), line.rule, ""),
        (_("Period"), _period(line), ""),
        (_("Outcome"), words.word(line.outcome), ""),
    ]


def _period(line: DutyLine) -> str:
    # some rooms number their periods for the ledger alone; only a day or a word says something to a reader
    if line.period in words.WORDS:
        return words.word(line.period)
    return line.period if line.period[:4].isdigit() else ""


def _log(request: ActingRequest, line: DutyLine) -> Listing:
    steps = [step for step in queries.duty_log(line, by=request.actor) if step.recorded_at <= request.instant]
    total, read = whole(steps)
    columns = [
        Column(_("Step"), lambda s: words.word(s.kind), look="mark"),
        Column(_("Held at"), lambda s: s.valid_at, look="time"),
        Column(_("Learned at"), lambda s: s.recorded_at, look="time"),
        Column(_("By"), lambda s: s.title),
        Column(_("What changed"), _change),
    ]
    return Listing("duty_log", columns, total, read, _("Nothing was logged about it."))


def _change(step: DutyStep) -> str:
    parts = [
        step.reason or "",
        step.authority or "",
        f"{as_text(step.opens_at)} → {as_text(step.due_at)}" if step.due_at else "",
        words.role_word(step.role) if step.role else "",
    ]
    return " · ".join(part for part in parts if part)


@require_POST
def finish(request: ActingRequest, duty: int) -> HttpResponse:
    """Record a duty's outcome, after asking."""
    line = queries.duty_line(duty, by=request.actor)
    outcome = words_given(request, "outcome", _("Outcome"))
    name = words.in_language(line.name_zh, line.name_en)
    return confirmed(
        request, "finish_duty", {"duty": duty, "outcome": outcome},
        heading=_("Finish: %(duty)s") % {"duty": name},
        question=_("This is kept for good and cannot be taken back. Is it so?"),
        yes=_("Yes, finish it"),
        facts=[
            (_("About"), line.person or words.word(line.subject_kind)), (_("Place"), line.place),
            (_("Outcome"), words.word(outcome)), (_("When it happened"), as_text(instant_given(request))),
        ],
        back=address(request, "duty", duty), done=_("The outcome is recorded."),
    )  # fmt: skip


@require_POST
def waive(request: ActingRequest, duty: int) -> HttpResponse:
    """Waive a duty for a reason and on an authority, after asking."""
    line = queries.duty_line(duty, by=request.actor)
    reason = words_given(request, "reason", _("Reason"))
    authority = words_given(request, "authority", _("On whose authority"))
    return confirmed(
        request, "waive_duties", {"duties": [duty], "reason": reason, "authority": authority},
        heading=_("Waive: %(duty)s") % {"duty": words.in_language(line.name_zh, line.name_en)},
        question=_("Nobody will do this work. Reason and authority are kept with your name. Is it so?"),
        yes=_("Yes, waive it"),
        facts=[
            (_("About"), line.person or words.word(line.subject_kind)), (_("Place"), line.place),
            (_("Reason"), reason), (_("On whose authority"), authority),
        ],
        back=address(request, "duty", duty), done=_("The duty is waived."),
    )  # fmt: skip
