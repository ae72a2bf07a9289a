"""Where the tubes are: at sites, in boxes, with couriers, at laboratories, missing; each number opens its list."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lianfang.core.access.audit import record_audit
from lianfang.kit.refusals import NotFound
from lianfang.response.specimens import queries
from lianfang.response.specimens.permissions import FIND_TUBES, READ_CUSTODY, READ_RESULTS, RECORD_TOLD
from lianfang.response.specimens.queries import CustodyCount, DifferenceRow, NoticeRow, PlacedTube, TubeRecord
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Filter, Listing, Section, answer_list, answer_record, whole
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.session import ActingRequest

STAGES = ("open", "site", "box", "courier", "lab", "missing", "lost")


def stage_word(stage: str) -> str:
    """Return where a tube is, in the reader's language."""
    return {
        "open": _("being filled"),
        "site": _("at the site"),
        "box": _("in a box"),
        "courier": _("with a courier"),
        "lab": _("at a laboratory"),
        "missing": _("gone missing"),
        "lost": _("lost"),
        "reported": _("reported"),
    }.get(stage, stage)


def stage_tone(stage: str) -> str:
    """Return how a stage is marked: what nobody has in the hand stands out."""
    return "overdue" if stage in ("missing", "lost") else ""


def custody_figures(request: ActingRequest) -> Iterator[Figure]:
    """Count the tubes that wait for a result by where they are, and those past their clock."""
    if request.at is not None:  # custody is told of the present: no number here, rather than a wrong one
        return
    clocks = queries.clocks_in_force(by=request.actor)
    counts = queries.where_tubes_are(by=request.actor, clocks=clocks)
    yield from (figure for figure in _stage_figures(request, counts) if figure.value)
    yield _late_figure(request, counts)


def show_custody(request: ActingRequest) -> HttpResponse:
    """Show where the tubes are, who has them, and what hand-overs lacked."""
    request.actor.require(READ_CUSTODY)
    clocks = queries.clocks_in_force(by=request.actor)
    counts = queries.where_tubes_are(by=request.actor, clocks=clocks)
    open = queries.differences(by=request.actor)
    figures = [*_stage_figures(request, counts), _late_figure(request, counts)]
    sections = [
        Section(_("Tubes without a result"), holder_listing(request, counts), figures),
        Section(_("Hand-overs"), hand_over_listing(request), page_size=10),
    ]
    if open:  # what must be done comes before what is so
        sections.insert(0, Section(_("To be cleared up now"), difference_listing(request, open)))
    lead = present_only(request) or _what_now(open, sum(count.late for count in counts))
    tone = "warn" if request.at or open else ""
    return answer_record(request, sections, heading=_("Custody"), lead=lead, lead_tone=tone)


def _what_now(open: list[DifferenceRow], late: int) -> str:
    if open:
        return ngettext(
            "%(n)s difference at a hand-over waits to be cleared up: start there.",
            "%(n)s differences at hand-overs wait to be cleared up: start there.", len(open),
        ) % {"n": len(open)}  # fmt: skip
    if late:
        return ngettext(
            "Every count agreed. The result of %(n)s tube is late: ask who has it.",
            "Every count agreed. Results of %(n)s tubes are late: ask who has them.", late,
        ) % {"n": late}  # fmt: skip
    return _("Every count agreed and no result is late.")


def present_only(request: ActingRequest) -> str:
    """Say that custody is told of the present, to whoever looks at another instant."""
    return (
        _("Custody and laboratories are shown as they are now, not as of the instant you chose.") if request.at else ""
    )


def _people(n: int) -> str:
    return ngettext("%(n)s person", "%(n)s people", n) % {"n": n}


def _stage_figures(request: ActingRequest, counts: list[CustodyCount]) -> Iterator[Figure]:
    for stage in STAGES:
        here = [count for count in counts if count.stage == stage]
        tubes, people = sum(one.tubes for one in here), sum(one.people for one in here)
        yield Figure(
            stage_word(stage), tubes, address(request, "custody_tubes", stage=stage),
            _people(people) if tubes else "", stage_tone(stage) if tubes else "",
        )  # fmt: skip


def _late_figure(request: ActingRequest, counts: list[CustodyCount]) -> Figure:
    late = sum(count.late for count in counts)
    return Figure(_("past their clock"), late, address(request, "late_results"), tone="overdue" if late else "good")


def holder_listing(request: ActingRequest, counts: list[CustodyCount]) -> Listing:
    """Return the list of who has how many tubes."""

    def tubes(row: CustodyCount, **more: Any) -> str:
        return address(request, "custody_tubes", stage=row.stage, holder=row.holder, **more)

    columns = [
        Column(_("Where"), lambda c: stage_word(c.stage), look="mark", tone=lambda c: stage_tone(c.stage)),
        Column(_("Who has them"), lambda c: c.holder or _("sampling sites"), lambda c: _lab_address(request, c.lab)),
        Column(_("Tubes"), lambda c: c.tubes, tubes, look="number"),
        Column(_("People in them"), lambda c: c.people, look="number"),
        Column(_("Filled first"), lambda c: c.oldest_at, look="time"),
        Column(
            _("Past their clock"), lambda c: c.late, lambda c: tubes(c, late="yes"), look="number",
            tone=lambda c: "overdue" if c.late else "",
        ),
    ]  # fmt: skip
    return Listing(
        "custody", columns, *whole(counts), _("No tube waits for a result. Tubes appear here as soon as they are registered.")
    )  # fmt: skip


def _lab_address(request: ActingRequest, lab: UUID | None) -> str:
    return address(request, "lab", lab) if lab else ""


def show_tubes(request: ActingRequest) -> HttpResponse:
    """List the tubes at a stage or with a holder, those due first on top."""
    request.actor.require(READ_CUSTODY)
    return answer_list(
        request, tube_listing(request, queries.clocks_in_force(by=request.actor)), heading=_("Tubes without a result"),
        lead=present_only(request),
    )  # fmt: skip


def tube_listing(request: ActingRequest, clocks: Mapping[str, timedelta], late: bool = False) -> Listing:
    """Return the list of tubes that the address asks for."""
    get = request.GET.get
    stage = get("stage", "") if get("stage", "") in STAGES else ""
    asked: dict[str, Any] = {
        "by": request.actor, "clocks": clocks, "stage": stage, "holder": get("holder", ""),
        "late": late or get("late") == "yes",
    }  # fmt: skip
    places: dict[int, str] = {}

    def read(limit: int, offset: int) -> list[PlacedTube]:
        rows = queries.tubes_placed(**asked, limit=limit, offset=offset)
        places.update(place_names([row.division_code for row in rows]))
        return rows

    holders = sorted({c.holder for c in queries.where_tubes_are(by=request.actor, clocks=clocks) if c.holder})
    filters = [
        Filter("stage", _("Where"), [("", _("all")), *((one, stage_word(one)) for one in STAGES)]),
        Filter("holder", _("Who has them"), [("", _("all")), *((one, one) for one in holders)]),
    ]
    if not late:
        filters.append(Filter("late", _("Only past their clock"), [("", _("no")), ("yes", _("yes"))]))
    return Listing(
        "tubes", tube_columns(request, places), queries.count_placed(**asked), read,
        _("No tube fits these questions. Choose another place or holder."), tuple(filters),
    )  # fmt: skip


def tube_columns(request: ActingRequest, places: Mapping[int, str]) -> list[Column]:
    """Return the columns of a list of tubes; ``places`` is filled when rows are read."""
    return [
        Column(_("Tube"), lambda t: t.code, lambda t: address(request, "tube", t.code)),
        Column(_("Where"), lambda t: stage_word(t.stage), look="mark", tone=lambda t: stage_tone(t.stage)),
        Column(_("Who has it"), lambda t: t.holder),
        Column(_("Since"), lambda t: t.since, look="time"),
        Column(_("Filled at"), lambda t: places.get(t.division_code, t.division_code)),
        Column(_("People"), lambda t: t.people, look="number"),
        Column(
            _("Result due"), lambda t: t.due_at, look="time",
            tone=lambda t: "overdue" if t.due_at < request.instant else "",
        ),
    ]  # fmt: skip


def show_late(request: ActingRequest) -> HttpResponse:
    """List the tubes past their clock: who has how many, then each of them."""
    request.actor.require(READ_CUSTODY)
    clocks = queries.clocks_in_force(by=request.actor)
    groups = queries.late_by_holder(by=request.actor, clocks=clocks)
    columns = [
        Column(_("Where"), lambda g: stage_word(g.stage), look="mark", tone=lambda g: stage_tone(g.stage)),
        Column(_("Who has them"), lambda g: g.holder or _("sampling sites"), lambda g: _lab_address(request, g.lab)),
        Column(
            _("Past their clock"), lambda g: g.tubes,
            lambda g: address(request, "custody_tubes", stage=g.stage, holder=g.holder, late="yes"), look="number",
            tone=lambda g: "overdue",
        ),
        Column(_("People waiting"), lambda g: g.people, look="number"),
        Column(_("Due since"), lambda g: g.oldest_due_at, look="time"),
    ]  # fmt: skip
    empty = _("No result is late: every tube is within its clock.")
    sections = [
        Section(_("Who has them"), Listing("late_by_holder", columns, *whole(groups), empty)),
        Section(_("The tubes"), _late_tubes(request, clocks, empty)),
    ]
    facts = [(mode_word(mode), _hours(wait), "") for mode, wait in clocks.items()]
    return answer_record(
        request, sections, heading=_("Late results"), facts=facts, lead=present_only(request), lead_tone="warn"
    )  # fmt: skip


def _late_tubes(request: ActingRequest, clocks: Mapping[str, timedelta], empty: str) -> Listing:
    one = tube_listing(request, clocks, late=True)
    return Listing("late_tubes", one.columns, one.total, one.read, empty)


def mode_word(mode: str) -> str:
    """Return the kind of a tube in the reader's language."""
    return _("household tube") if mode == "household" else words.word(mode)


def _hours(wait: timedelta) -> str:
    return _("within %(hours)g hours of filling") % {"hours": wait.total_seconds() / 3600}


def show_differences(request: ActingRequest) -> HttpResponse:
    """List everything that hand-overs lacked or had too much, and how it was cleared up."""
    request.actor.require(READ_CUSTODY)
    rows = queries.differences(by=request.actor, open=False)
    return answer_list(
        request, difference_listing(request, rows), heading=_("Missing and extra tubes"), lead=present_only(request)
    )  # fmt: skip


def difference_listing(request: ActingRequest, rows: list[DifferenceRow]) -> Listing:
    """Return the list of differences of hand-overs."""
    may = request.actor.may(FIND_TUBES)
    columns = [
        Column(
            _("What"), difference_word, look="mark",
            tone=lambda d: "good" if d.outcome else "overdue" if d.due_at < request.instant else "warn",
        ),
        Column(
            _("Tube"), lambda d: d.code or ngettext("not named: %(n)s tube", "not named: %(n)s tubes", d.number) % {"n": d.number},
            lambda d: address(request, "tube", d.code) if d.tube else "",
        ),
        Column(_("Given by"), lambda d: d.giver),
        Column(_("Received by"), lambda d: d.taker),
        Column(_("Noticed"), lambda d: d.noticed_at, look="time"),
        Column(_("Clear up by"), lambda d: d.due_at, look="time"),
        Column(_("Responsible"), lambda d: words.role_word(d.role)),
        Column(
            _("Outcome"), lambda d: _ended(d, may),
            lambda d: address(request, "custody_difference", d.id) if may and not d.settled_at and request.at is None else "",
        ),
    ]  # fmt: skip
    return Listing(
        "differences", columns, *whole(rows), _("No tube is missing or extra: every count agreed with its list.")
    )  # fmt: skip


def difference_word(row: DifferenceRow) -> str:
    """Return what is wrong, in the reader's language."""
    return _("gone missing") if row.kind == "missing" else _("extra")


def _ended(row: DifferenceRow, may: bool) -> str:
    if row.outcome is None:
        return _("record what came of it") if may else ""
    return " · ".join(part for part in (words.word(row.outcome), row.place, row.reason) if part)


def hand_over_listing(request: ActingRequest, lab: UUID | None = None) -> Listing:
    """Return the list of hand-overs, the latest first; of one laboratory's intake if asked."""
    columns = [
        Column(_("When"), lambda s: s.handed_at, look="time"),
        Column(_("Given by"), lambda s: s.giver),
        Column(_("Received by"), lambda s: s.taker, lambda s: _lab_address(request, s.lab)),
        Column(_("On the list"), lambda s: s.tubes, look="number"),
        Column(_("Giver counted"), lambda s: s.tubes_given, look="number"),
        Column(
            _("Taker counted"), lambda s: s.tubes_counted, look="number",
            tone=lambda s: "overdue" if s.tubes_counted != s.tubes else "",
        ),
        Column(_("Scanned"), lambda s: _("yes") if s.scanned else _("no")),
        Column(
            _("To be cleared up"), lambda s: s.open, lambda s: address(request, "differences"), look="number",
            tone=lambda s: "overdue" if s.open else "",
        ),
    ]  # fmt: skip
    return Listing(
        "hand_overs", columns, queries.count_steps(by=request.actor, lab=lab),
        lambda limit, offset: queries.hand_overs(by=request.actor, lab=lab, limit=limit, offset=offset),
        _("Nothing was handed over yet. Couriers and laboratories record it on their phones."),
    )  # fmt: skip


def show_hand_overs(request: ActingRequest) -> HttpResponse:
    """List all hand-overs of the area's tubes."""
    request.actor.require(READ_CUSTODY)
    return answer_list(request, hand_over_listing(request), heading=_("Hand-overs"), lead=present_only(request))


def show_tube(request: ActingRequest, code: str) -> HttpResponse:
    """Show one tube's whole way; who is in it and what was found only to those who may read results."""
    request.actor.require(READ_CUSTODY)
    tube = queries.tube_record(code, by=request.actor)
    if tube is None:
        raise NotFound(_("There is no tube of this code in your area. Read the printed code again."))
    sections = [Section(_("Its way"), _way(request, tube))]
    may_read = request.actor.may(READ_RESULTS)
    if may_read:
        sections += [
            Section(_("What was found"), _findings(request, tube)),
            Section(_("Who had to be told, and was"), _notices(request, tube)),
            Section(_("Who is in it"), _members(request, tube)),
        ]
    return answer_record(
        request, sections, template="console/tube.html", heading=_("Tube %(code)s") % {"code": tube.code},
        tube=tube, facts=_tube_facts(request, tube, may_read), lead=present_only(request), lead_tone="warn",
        may_tell=may_read and tube.value is not None and request.at is None and request.actor.may(RECORD_TOLD),
    )  # fmt: skip


def _tube_facts(request: ActingRequest, tube: TubeRecord, may_read: bool) -> list[tuple[str, str, str]]:
    place = place_names([tube.division_code])[tube.division_code]
    facts = [
        (_("Where"), stage_word(tube.stage), ""),
        (_("Who has it"), tube.holder, _lab_address(request, tube.lab)),
        (_("Filled at"), place, ""),
        (_("Kind"), mode_word(tube.mode), ""),
        (_("For"), words.word(tube.purpose), address(request, "round", tube.round) if tube.round else ""),
        (_("People in it"), _("%(n)s of %(most)s") % {"n": tube.people, "most": tube.capacity}, ""),
    ]
    if may_read:
        facts.append((_("Found"), words.word(tube.value) or _("not yet reported"), ""))
    return facts


def _way(request: ActingRequest, tube: TubeRecord) -> Listing:
    steps = {
        "opened": _("opened"), "sealed": _("sealed"), "packed": _("packed into box"), "handed_over": _("handed over"),
        "received": _("received by the laboratory"), "missing": _("missing at the hand-over"),
        "extra": _("extra at the hand-over"), "found": _("found"), "lost": _("given up for lost"),
        "miscounted": _("miscounted"), "explained": _("explained"), "returned": _("returned"),
    }  # fmt: skip
    columns = [
        Column(_("When"), lambda e: e.at, look="time"),
        Column(_("What happened"), lambda e: steps.get(e.what, e.what), look="mark", tone=lambda e: stage_tone(e.what)),
        Column(_("Who"), lambda e: e.who),
        Column(_("Reason"), lambda e: e.note),
    ]
    way = queries.tube_way(tube.tube, by=request.actor)
    return Listing("way", columns, *whole(way), _("Nothing was recorded of this tube."))


def _findings(request: ActingRequest, tube: TubeRecord) -> Listing:
    columns = [
        Column(_("Reported"), lambda r: r.reported_at, look="time"),
        Column(_("Found"), lambda r: words.word(r.value), look="mark", tone=lambda r: finding_tone(r.value)),
        Column(_("Ct"), lambda r: r.ct, look="number"),
        Column(_("Laboratory"), lambda r: r.lab),
        Column(_("Corrected because"), lambda r: r.reason or ""),
    ]
    rows = queries.result_history(tube.tube, by=request.actor)
    return Listing("findings", columns, *whole(rows), _("Nothing was reported yet."))


def finding_tone(value: str) -> str:
    """Return how a finding is marked."""
    return {"positive": "overdue", "indeterminate": "warn", "insufficient": "warn", "negative": "good"}[value]


def _notices(request: ActingRequest, tube: TubeRecord) -> Listing:
    rows = queries.notices(tube.tube, by=request.actor)
    places = place_names({row.division_code for row in rows})
    columns = [
        Column(_("Whom"), lambda n: words.role_word(n.role)),
        Column(_("Place"), lambda n: places.get(n.division_code, n.division_code)),
        Column(_("Finding"), lambda n: words.word(n.value), look="mark", tone=lambda n: finding_tone(n.value)),
        Column(_("Tell by"), lambda n: n.due_at, look="time", tone=lambda n: _untold_tone(request, n)),
        Column(_("Told"), lambda n: n.told_at or _untold(n), look="time"),
        Column(_("To"), lambda n: n.told_to),
        Column(_("How"), lambda n: words.word(n.channel)),
    ]
    empty = _("Nobody had to be told: a negative waits for whoever looks.")
    if not queries.result_history(tube.tube, by=request.actor):
        empty = _("No result yet. When it is positive, whoever must be told stands here at once.")
    return Listing("notices", columns, *whole(rows), empty)


def _untold(notice: NoticeRow) -> str:
    return _("no longer: corrected") if notice.corrected else _("not yet")


def _untold_tone(request: ActingRequest, notice: NoticeRow) -> str:
    late = notice.told_at is None and not notice.corrected and notice.due_at < request.instant
    return "overdue" if late else ""


def _members(request: ActingRequest, tube: TubeRecord) -> Listing:
    found = queries.tube_with_members(tube.code, by=request.actor)
    members = found[1] if found else []
    if members:
        record_audit(
            request.actor, "specimens.view_members", subject=("tube", tube.tube), division_code=tube.division_code,
            count=len(members),
        )  # fmt: skip
    places = place_names({member.division_code for member in members})
    columns = [
        Column(_("Name"), lambda m: m.name, lambda m: address(request, "resident", m.resident)),
        Column(_("Place"), lambda m: places.get(m.division_code, m.division_code)),
        Column(_("Sampled at"), lambda m: m.taken_at, look="time"),
    ]
    return Listing("members", columns, *whole(members), _("Nobody in this tube lives in your area."))
