"""Writing shifts, their crews, and who came and went."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duties, reconcile
from lianfang.kit.clock import LOCAL, at_local, local_date, response_now
from lianfang.kit.codes import county_of
from lianfang.kit.refusals import Refusal
from lianfang.response.workforce.actions.deployments import county_hand
from lianfang.response.workforce.duties import ATTENDANCE, desired_attendance
from lianfang.response.workforce.models import Attendance, Responder, Shift, ShiftAssignment, Team
from lianfang.response.workforce.permissions import CHECK_IN, PLAN_SHIFTS, WAIVE_REST
from lianfang.response.workforce.rules import (
    VOLUNTARY,
    VOLUNTEER,
    CheckIn,
    CheckOut,
    Crew,
    NewAttendance,
    NewShift,
    NotFit,
    NotOnTheRegister,
    RestRuleBroken,
    RestRules,
    ShiftAlreadyPlanned,
    Watch,
    fitness_fault,
    refuse_entries,
    rest_faults,
    shift_fault,
)

#: how far around new shifts a person's other shifts bear on their rest
NEARBY = timedelta(days=2)


def plan_shifts(
    *,
    by: Actor,
    shifts: Sequence[NewShift],
    incident: uuid.UUID | None = None,
    rest_waiver: str = "",
    rest: RestRules = RestRules(),  # noqa: B008 - frozen
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Plan shifts with their crews, oblige those due today, and return how many are new; repeats (by id) are harmless.

    Raises `RestRuleBroken` unless ``rest_waiver`` gives a reason, which takes a permission of its own; fitness and age
    are never waived. A team rotates its own people, so rest is checked for persons.
    """
    for code in {shift.division_code for shift in shifts}:
        by.require(PLAN_SHIFTS, code)
    with acting(by):
        known = set(Shift.objects.filter(id__in=[shift.id for shift in shifts]).values_list("id", flat=True))
        new = [shift for shift in shifts if shift.id not in known]
        refuse_entries({n: f"“{s.name}”: {why}" for n, s in enumerate(new) if (why := shift_fault(s))}, len(new))
        _refuse_planned_twice(new)
        tired = _check_crews([(shift, crew) for shift in new for crew in shift.crews], by, rest, rest_waiver)
        Shift.objects.bulk_create(_shift(shift, by, incident, cause) for shift in new)
        ShiftAssignment.objects.bulk_create(
            _assignment(shift, crew, by, rest_waiver if crew.responder in tired else "", cause)
            for shift in new
            for crew in shift.crews
        )
        record_audit(by, "workforce.plan_shifts", subject=("shift", None), division_code=by.scope.lo, count=len(new),
                     waived=len(tired))  # fmt: skip
        _oblige([shift.id for shift in new], by, valid_at, cause)
        return len(new)


def replace_crew(
    *,
    by: Actor,
    shift: uuid.UUID,
    leave: Sequence[uuid.UUID] = (),
    crews: Sequence[Crew] = (),
    reason: str,
    rest_waiver: str = "",
    rest: RestRules = RestRules(),  # noqa: B008 - frozen
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Take assignments (ids) off a shift for a reason and put crews on it; return how many assignments changed."""
    found = _planned([shift])[0]
    by.require(PLAN_SHIFTS, found.division_code)
    if not reason.strip():
        raise Refusal("A roster is changed for a reason: fill it in.")
    with acting(by):
        off = ShiftAssignment.objects.filter(id__in=leave, shift=shift, cancelled_at=None, attendance__isnull=True)
        left = off.update(cancelled_at=valid_at, cancelled_reason=reason)
        if left < len(set(leave)):
            raise NotOnTheRegister("Somebody to be taken off is not on this shift, or has come already. Refresh it.")
        plan = NewShift(
            found.staffs, found.subject, found.name, found.division_code, found.starts_at, found.ends_at, found.role,
            found.headcount, found.protective, tuple(crews), found.id,
        )  # fmt: skip
        refuse_entries({0: why} if (why := shift_fault(plan)) else {}, 1)
        tired = _check_crews([(plan, crew) for crew in crews], by, rest, rest_waiver)
        ShiftAssignment.objects.bulk_create(
            _assignment(plan, crew, by, rest_waiver if crew.responder in tired else "", cause) for crew in crews
        )
        record_audit(by, "workforce.replace_crew", subject=("shift", shift), division_code=found.division_code,
                     count=left + len(crews), waived=len(tired))  # fmt: skip
        _oblige([shift], by, valid_at, cause)
        return left + len(crews)


def cancel_shifts(
    *,
    by: Actor,
    shifts: Sequence[uuid.UUID],
    reason: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Cancel shifts for a reason, with the duties they gave; return how many were still planned."""
    found = Shift.objects.filter(id__in=shifts, cancelled_at=None)
    for code in set(found.values_list("division_code", flat=True)):
        by.require(PLAN_SHIFTS, code)
    if not reason.strip():
        raise Refusal("A shift is cancelled for a reason: fill it in.")
    with acting(by):
        number = found.update(cancelled_at=valid_at, cancelled_reason=reason)
        record_audit(by, "workforce.cancel_shifts", subject=("shift", None), division_code=by.scope.lo, count=number)
        _oblige(shifts, by, valid_at, cause)
        return number


def check_in(*, by: Actor, checks: Sequence[CheckIn], valid_at: datetime, cause: uuid.UUID | None = None) -> int:
    """Record that people took up their assignments, finish these duties, and return how many are new."""
    with acting(by):
        found = _assignments([check.assignment for check in checks], by)
        before = Attendance.objects.filter(assignment__in=found).values_list("assignment_id", flat=True)
        new = {check.assignment: check for check in checks if check.assignment not in set(before)}
        there = _there([one.responder_id for one in found.values()], [check.at for check in new.values()])
        refuse_entries({place: f"{_name(found[key])} came at this time to other work; correct one of the two"
                        for place, (key, check) in enumerate(new.items())
                        if (found[key].responder_id, check.at) in there}, len(new))  # fmt: skip
        Attendance.objects.bulk_create(_attended(found[key], check, by, cause) for key, check in new.items())
        record_audit(by, "workforce.check_in", subject=("shift_assignment", None), division_code=by.scope.lo,
                     count=len(new), valid_at=valid_at)  # fmt: skip
        if new:
            # The ledger may not have opened these duties yet: they are opened first, so that the work is counted.
            _oblige([found[key].shift_id for key in new], by, valid_at, cause)
            keys = [(key, "once") for key in new]
            finish_duties(keys, kind=ATTENDANCE.code, by=by, county=next(iter(found.values())).county,
                          outcome="attended", valid_at=valid_at, cause=cause)  # fmt: skip
        return len(new)


def check_out(*, by: Actor, checks: Sequence[CheckOut], valid_at: datetime, cause: uuid.UUID | None = None) -> int:
    """Record that people left their assignments and who relieved them; return how many were still there."""
    with acting(by):
        found = _assignments([check.assignment for check in checks], by)
        there = {one.assignment_id: one for one in Attendance.objects.filter(assignment__in=found)}
        refuse_entries(_cannot_leave(checks, there), len(checks))
        leaving = []
        for check in checks:
            attendance = there[check.assignment]
            if attendance.checked_out_at is None:
                attendance.checked_out_at, attendance.relieved_by = check.at, check.relieved_by
                leaving.append(attendance)
        Attendance.objects.bulk_update(leaving, ["checked_out_at", "relieved_by"])
        record_audit(by, "workforce.check_out", subject=("shift_assignment", None), division_code=by.scope.lo,
                     count=len(leaving), valid_at=valid_at, command=cause)  # fmt: skip
        return len(leaving)


def record_attendance(
    *, by: Actor, attendances: Sequence[NewAttendance], valid_at: datetime, cause: uuid.UUID | None = None
) -> int:
    """Record times at work outside of rosters, each one person-time (人次), and return how many are new."""
    for code in {one.division_code for one in attendances}:
        by.require(CHECK_IN, code)
    with acting(by):
        known = set(Attendance.objects.filter(id__in=[one.id for one in attendances]).values_list("id", flat=True))
        new = [one for one in attendances if one.id not in known]
        people = Responder.objects.in_bulk({one.responder for one in new})
        refuse_entries(_cannot_attend(new, people), len(new))
        Attendance.objects.bulk_create(
            Attendance(
                id=one.id, county=county_of(one.division_code), responder_id=one.responder, line=one.line,
                division_code=one.division_code, checked_in_at=one.checked_in_at, checked_out_at=one.checked_out_at,
                voluntary=people[one.responder].kind in VOLUNTARY if one.voluntary is None else one.voluntary,
                recorded_at=response_now(), account=by.account_id, command=cause,
            )
            for one in new
        )  # fmt: skip
        record_audit(by, "workforce.record_attendance", subject=("attendance", None), division_code=by.scope.lo,
                     count=len(new), valid_at=valid_at)  # fmt: skip
        return len(new)


def open_shift_duties(*, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None = None) -> int:
    """Oblige everybody due on a shift of the response clock's day (run when the day rolls over); return the number opened."""
    shifts = Shift.objects.filter(
        county=county, starts_at__lt=_horizon(), ends_at__gt=response_now() - timedelta(days=1)
    )
    return _oblige(list(shifts.values_list("id", flat=True)), by, valid_at, cause)


# ------------------------------------------------------------------------------------------------------ inside


def _horizon() -> datetime:
    return at_local(local_date(response_now()) + timedelta(days=1), time())


def _oblige(shifts: Sequence[uuid.UUID], by: Actor, valid_at: datetime, cause: uuid.UUID | None) -> int:
    with acting(county_hand(by)):
        mine = list(Shift.objects.filter(id__in=shifts).values_list("county", "id", "assignments__id"))
    opened = 0
    for county in {row[0] for row in mine}:
        ids = {row[1] for row in mine if row[0] == county}
        assignments = [row[2] for row in mine if row[0] == county and row[2]]
        desired = desired_attendance(county, list(ids), assignments, _horizon())
        opened += reconcile(desired, by=by, county=county, valid_at=valid_at, cause=cause).opened
    return opened


def _planned(shifts: Sequence[uuid.UUID]) -> list[Shift]:
    found = list(Shift.objects.filter(id__in=shifts, cancelled_at=None))
    if len(found) < len(shifts):
        raise NotOnTheRegister("There is no such shift, or it was cancelled. Refresh the roster.")
    return found


def _refuse_planned_twice(new: Sequence[NewShift]) -> None:
    wanted = {(shift.subject, shift.starts_at): shift.name for shift in new}
    taken = Shift.objects.filter(subject__in={shift.subject for shift in new}, cancelled_at=None,
                                 starts_at__in={shift.starts_at for shift in new})  # fmt: skip
    for subject, starts_at in taken.values_list("subject", "starts_at"):
        if name := wanted.get((subject, starts_at)):
            raise ShiftAlreadyPlanned(
                f"“{name}” has a shift from {starts_at.astimezone(LOCAL):%Y-%m-%d %H:%M} already: change its crew instead."
            )


def _check_crews(crews: Sequence[tuple[NewShift, Crew]], by: Actor, rest: RestRules, waiver: str) -> set[uuid.UUID]:
    """Return who breaks the rules of rest under a waiver; raise when somebody is unknown, unfit or owed rest."""
    people = Responder.objects.in_bulk({crew.responder for _, crew in crews if crew.responder})
    teams = Team.objects.in_bulk({crew.team for _, crew in crews if crew.team})
    problems = {}
    for place, (shift, crew) in enumerate(crews):
        if crew.team is not None:
            if crew.team not in teams:
                problems[place] = f"“{shift.name}”: team {crew.team} is not formed; form it first"
        elif crew.responder not in people:
            problems[place] = f"“{shift.name}”: {crew.responder} is not on duty in your area; have them deployed to you"
    refuse_entries(problems, len(crews))
    _refuse_unfit(crews, people)
    faults = _rest_faults_of(crews, people, by, rest)
    if faults and not waiver.strip():
        said = "; ".join(f"{people[who].name} {fault[0]}" for who, fault in list(faults.items())[:5])
        raise RestRuleBroken(f"{said}. Assign somebody else, or waive the rule with a reason.")
    if faults:
        by.require(WAIVE_REST)
    return set(faults)


def _refuse_unfit(crews: Sequence[tuple[NewShift, Crew]], people: Mapping[uuid.UUID, Responder]) -> None:
    for shift, crew in crews:
        if crew.responder is None:
            continue
        person, day = people[crew.responder], local_date(shift.starts_at)
        if why := fitness_fault(person.birth_year, person.protective, person.rests_until, day, shift.protective):
            raise NotFit(f"{person.name} {why}: assign somebody else to “{shift.name}”.")


def _rest_faults_of(
    crews: Sequence[tuple[NewShift, Crew]], people: Iterable[uuid.UUID], by: Actor, rest: RestRules
) -> dict[uuid.UUID, list[str]]:
    watches: dict[uuid.UUID, list[Watch]] = defaultdict(list)
    for shift, crew in crews:
        if crew.responder is not None:
            watches[crew.responder].append(Watch(shift.starts_at, shift.ends_at, shift.protective))
    if not watches:
        return {}
    first, last = min(shift.starts_at for shift, _ in crews) - NEARBY, max(s.ends_at for s, _ in crews) + NEARBY
    # rest protects a person wherever else in the county they are on duty
    with acting(county_hand(by)):
        others = ShiftAssignment.objects.filter(
            responder__in=people, cancelled_at=None, shift__cancelled_at=None, starts_at__range=(first, last)
        )
        for who, starts_at, ends_at, protective in others.values_list(
            "responder_id", "starts_at", "shift__ends_at", "shift__protective"
        ):
            watches[who].append(Watch(starts_at, ends_at, protective))
    return {who: faults for who, mine in watches.items() if (faults := rest_faults(mine, rest))}


def _shift(shift: NewShift, by: Actor, incident: uuid.UUID | None, cause: uuid.UUID | None) -> Shift:
    return Shift(
        id=shift.id, county=county_of(shift.division_code), incident=incident, staffs=shift.staffs,
        subject=shift.subject, name=shift.name, division_code=shift.division_code, starts_at=shift.starts_at,
        ends_at=shift.ends_at, role=shift.role, headcount=shift.headcount, protective=shift.protective,
        recorded_at=response_now(), account=by.account_id, command=cause,
    )  # fmt: skip


def _assignment(shift: NewShift, crew: Crew, by: Actor, waived: str, cause: uuid.UUID | None) -> ShiftAssignment:
    return ShiftAssignment(
        id=crew.id, county=county_of(shift.division_code), shift_id=shift.id, responder_id=crew.responder,
        team_id=crew.team, people=crew.people, division_code=shift.division_code, starts_at=shift.starts_at,
        rest_waived=waived, recorded_at=response_now(), account=by.account_id, command=cause,
    )  # fmt: skip


def _assignments(ids: Sequence[uuid.UUID], by: Actor) -> dict[uuid.UUID, ShiftAssignment]:
    found = ShiftAssignment.objects.select_related("shift", "team", "responder").filter(
        id__in=ids, cancelled_at=None, shift__cancelled_at=None
    )
    known = {one.id: one for one in found}
    for code in {one.division_code for one in known.values()}:
        by.require(CHECK_IN, code)
    missing = {n: f"{one} is on no roster of your area, or was taken off" for n, one in enumerate(ids) if one not in known}  # fmt: skip
    refuse_entries(missing, len(ids))
    return known


def _attended(assignment: ShiftAssignment, check: CheckIn, by: Actor, cause: uuid.UUID | None) -> Attendance:
    team, person = assignment.team, assignment.responder
    return Attendance(
        id=check.id, county=assignment.county, responder_id=assignment.responder_id, team=team,
        people=check.people or assignment.people, assignment=assignment, division_code=assignment.division_code,
        line=assignment.shift.staffs,
        voluntary=team.kind == VOLUNTEER if team else person is not None and person.kind in VOLUNTARY,
        checked_in_at=check.at, recorded_at=response_now(), account=by.account_id, command=cause,
    )  # fmt: skip


def _cannot_leave(checks: Sequence[CheckOut], there: Mapping[uuid.UUID | None, Attendance]) -> dict[int, str]:
    problems = {}
    for place, check in enumerate(checks):
        attendance = there.get(check.assignment)
        if attendance is None:
            problems[place] = f"{check.assignment} has not checked in; check them in first"
        elif attendance.checked_out_at is None and check.at < attendance.checked_in_at:
            problems[place] = f"{check.assignment} would leave before coming; correct the time"
    return problems


def _name(assignment: ShiftAssignment) -> str:
    return assignment.responder.name if assignment.responder else "this team"


def _there(
    responders: Iterable[uuid.UUID | None], instants: Iterable[datetime]
) -> set[tuple[uuid.UUID | None, datetime]]:
    """Return who came at which of these instants; nobody begins two stretches of work at once."""
    mine = Attendance.objects.filter(responder__in=[one for one in responders if one], checked_in_at__in=set(instants))
    return set(mine.values_list("responder_id", "checked_in_at"))


def _cannot_attend(new: Sequence[NewAttendance], people: Mapping[uuid.UUID, Responder]) -> dict[int, str]:
    problems = {}
    there = _there(people, [one.checked_in_at for one in new])
    for place, one in enumerate(new):
        if one.responder not in people:
            problems[place] = (
                f"{one.responder} is not on duty in your area; register them, or have them deployed to you"
            )
        elif one.checked_out_at is not None and one.checked_out_at < one.checked_in_at:
            problems[place] = f"{people[one.responder].name} would leave before coming; correct the times"
        elif (one.responder, one.checked_in_at) in there:
            problems[place] = f"{people[one.responder].name} came at this time already; leave the second record out"
        there.add((one.responder, one.checked_in_at))
    return problems
