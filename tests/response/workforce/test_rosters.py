"""Shifts, their crews and attendance: written, refused, proven without a gap."""

import uuid
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.commands import Envelope, apply_command
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties.queries import balance, duties
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import code_range
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.workforce import actions, queries
from lianfang.response.workforce.models import Attendance, ShiftAssignment
from lianfang.response.workforce.permissions import PERMISSIONS, WAIVE_REST
from lianfang.response.workforce.rules import (
    CheckIn,
    CheckOut,
    Crew,
    EntriesRefused,
    NewAttendance,
    NewDeployment,
    NewOrganisation,
    NewResponder,
    NewShift,
    NewTeam,
    NotFit,
    NotOnTheRegister,
    RestRuleBroken,
    ShiftAlreadyPlanned,
)
from lianfang.response.workforce.schemas import COMMANDS

pytestmark = pytest.mark.django_db

COUNTY = DINGAN * 10**9
VILLAGE = XINZHU * 1000
MIDNIGHT = local("2022-07-14 00:00")
GATE = uuid.uuid4()
EIGHT = timedelta(hours=8)


@pytest.fixture(autouse=True)
def midnight():
    with clock_at(MIDNIGHT):
        yield


@pytest.fixture
def hq():
    return make_actor(*PERMISSIONS, "duties.read_duties", "duties.finish_duty")


@pytest.fixture
def people(hq):
    return register(hq, 6)


def register(hq, number, kind="village_cadre", **fields):
    office = NewOrganisation(f"新竹村委会{new_id()}", "village_committee", "village", VILLAGE)
    actions.register_organisations(by=hq, organisations=[office], valid_at=MIDNIGHT)
    new = [NewResponder(f"值守{n}", kind, office.id, **fields) for n in range(number)]
    actions.register_responders(by=hq, responders=new, valid_at=MIDNIGHT)
    return [one.id for one in new]


def shift(number=0, *crews, start=MIDNIGHT, length=EIGHT, subject=GATE, **fields):
    crew = tuple(one if isinstance(one, Crew) else Crew(one) for one in crews)
    return NewShift("checkpoint", subject, "1号卡口", VILLAGE, start + number * length, start + (number + 1) * length, "checkpoint_lead", crews=crew, **fields)  # fmt: skip


def plan(hq, *shifts, **fields):
    return actions.plan_shifts(by=hq, shifts=shifts, valid_at=MIDNIGHT, **fields)


def attend(hq, planned, until=None):
    """Everybody of these shifts comes at its beginning and goes at its end."""
    for one in planned:
        for crew in one.crews:
            actions.check_in(by=hq, checks=[CheckIn(crew.id, one.starts_at)], valid_at=one.starts_at)
            actions.check_out(by=hq, checks=[CheckOut(crew.id, until or one.ends_at)], valid_at=one.ends_at)


def staffing(hq, days=1):
    with clock_at(MIDNIGHT + timedelta(days=days)):
        return queries.staffing_of([GATE], by=hq, since=MIDNIGHT, until=MIDNIGHT + timedelta(days=days))[GATE]


def test_three_shifts_attended_prove_a_day_without_a_gap_and_one_missing_shows(hq, people):
    planned = [shift(n, people[n]) for n in range(3)]
    plan(hq, *planned)
    assert not staffing(hq).round_the_clock
    attend(hq, planned)
    assert staffing(hq).round_the_clock
    with acting(hq):
        Attendance.objects.filter(responder=people[1]).delete()
    seen = staffing(hq)
    assert [(gap.starts_at, gap.ends_at, gap.unstaffed) for gap in seen.gaps] == [(MIDNIGHT + EIGHT, MIDNIGHT + 2 * EIGHT, True)]  # fmt: skip
    assert seen.staffed_share == pytest.approx(2 / 3)


def test_staffing_is_not_claimed_beyond_now_or_past_the_end_of_an_open_shift(hq, people):
    planned = shift(0, people[0])
    plan(hq, planned)
    actions.check_in(by=hq, checks=[CheckIn(planned.crews[0].id, MIDNIGHT)], valid_at=MIDNIGHT)
    with clock_at(MIDNIGHT + timedelta(hours=4)):
        seen = queries.staffing_of([GATE], by=hq, since=MIDNIGHT, until=MIDNIGHT + timedelta(days=1))[GATE]
    assert (seen.until, seen.round_the_clock) == (MIDNIGHT + timedelta(hours=4), True)
    assert staffing(hq).gaps[0].starts_at == planned.ends_at


def test_a_crew_that_waits_for_its_relief_over_midnight_leaves_no_gap(hq, people):
    first = shift(0, people[0], start=MIDNIGHT - EIGHT)
    second = shift(0, people[1])
    plan(hq, first, second)
    late = MIDNIGHT + timedelta(minutes=10)
    actions.check_in(by=hq, checks=[CheckIn(first.crews[0].id, first.starts_at)], valid_at=MIDNIGHT)
    actions.check_in(by=hq, checks=[CheckIn(second.crews[0].id, late)], valid_at=late)
    actions.check_out(by=hq, checks=[CheckOut(first.crews[0].id, late, relieved_by=second.crews[0].id)], valid_at=late)
    with clock_at(MIDNIGHT + EIGHT):
        seen = queries.staffing_of([GATE], by=hq, since=MIDNIGHT, until=MIDNIGHT + EIGHT)[GATE]
    assert seen.round_the_clock
    rows = queries.roster(by=hq, since=MIDNIGHT - EIGHT, until=MIDNIGHT + EIGHT, subjects=[GATE])
    assert rows[0].crews[0].relieved_by == second.crews[0].id


def test_a_shift_obliges_its_crew_and_whoever_answers_for_it_while_it_is_unfilled(hq, people):
    plan(hq, shift(0, people[0], headcount=2), shift(3, people[1]))  # the second begins tomorrow
    owed = duties(by=hq)
    assert sorted((duty.subject_kind, duty.assignee) for duty in owed) == [
        ("shift", None),
        ("shift_assignment", people[0]),
    ]
    assert {duty.role for duty in owed} == {"checkpoint_lead"}
    [row] = queries.roster(by=hq, since=MIDNIGHT, until=MIDNIGHT + EIGHT)
    assert row.missing == 1
    assert (
        actions.replace_crew(by=hq, shift=row.id, crews=[Crew(people[2])], reason="second post", valid_at=MIDNIGHT) == 1
    )
    assert sorted(duty.assignee for duty in duties(by=hq)) == sorted([people[0], people[2]])
    assert (balance(by=hq).cancelled, balance(by=hq).holds) == (1, True)


def test_checking_in_finishes_the_duty_and_repeats_do_nothing(hq, people):
    planned = shift(0, people[0])
    plan(hq, planned)
    check = CheckIn(planned.crews[0].id, MIDNIGHT)
    assert actions.check_in(by=hq, checks=[check, check], valid_at=MIDNIGHT) == 1
    assert actions.check_in(by=hq, checks=[check], valid_at=MIDNIGHT) == 0
    assert (balance(by=hq).done, balance(by=hq).outstanding) == (1, 0)
    out = CheckOut(check.assignment, MIDNIGHT + EIGHT)
    assert [actions.check_out(by=hq, checks=[out], valid_at=MIDNIGHT) for _ in range(2)] == [1, 0]


def test_work_the_ledger_had_not_opened_yet_is_counted(hq, people):
    tomorrow = shift(3, people[0])
    plan(hq, tomorrow)
    assert balance(by=hq).opened == 0
    with clock_at(tomorrow.starts_at):
        actions.check_in(by=hq, checks=[CheckIn(tomorrow.crews[0].id, tomorrow.starts_at)], valid_at=tomorrow.starts_at)
        assert (balance(by=hq).done, balance(by=hq).outstanding) == (1, 0)
        assert actions.open_shift_duties(by=hq, county=DINGAN, valid_at=tomorrow.starts_at) == 0


def test_a_new_day_opens_its_shifts(hq, people):
    plan(hq, shift(3, people[0]), shift(6, people[1]))
    with clock_at(MIDNIGHT + timedelta(days=1)):
        assert actions.open_shift_duties(by=hq, county=DINGAN, valid_at=MIDNIGHT) == 1
        assert actions.open_shift_duties(by=hq, county=DINGAN, valid_at=MIDNIGHT) == 0
        assert [duty.assignee for duty in duties(by=hq)] == [people[0]]


def test_a_cancelled_shift_obliges_nobody_and_takes_no_check_in(hq, people):
    planned = shift(0, people[0])
    plan(hq, planned)
    with pytest.raises(Refusal, match="for a reason"):
        actions.cancel_shifts(by=hq, shifts=[planned.id], reason=" ", valid_at=MIDNIGHT)
    assert actions.cancel_shifts(by=hq, shifts=[planned.id], reason="gate closed", valid_at=MIDNIGHT) == 1
    assert actions.cancel_shifts(by=hq, shifts=[planned.id], reason="gate closed", valid_at=MIDNIGHT) == 0
    assert balance(by=hq).cancelled == 1
    with pytest.raises(EntriesRefused, match="on no roster of your area"):
        actions.check_in(by=hq, checks=[CheckIn(planned.crews[0].id, MIDNIGHT)], valid_at=MIDNIGHT)
    with pytest.raises(NotOnTheRegister, match="was cancelled"):
        actions.replace_crew(by=hq, shift=planned.id, reason="r", valid_at=MIDNIGHT)


def test_rest_is_refused_with_a_sentence_and_waived_only_with_a_reason_and_a_permission(hq, people):
    plan(hq, shift(0, people[0]))
    double = shift(1, people[0])
    with pytest.raises(RestRuleBroken, match="值守0 would work 16 h from 07-14 00:00 without 8 h of rest"):
        plan(hq, double)
    planner = make_actor(*(set(PERMISSIONS) - {WAIVE_REST}))
    with pytest.raises(NotPermitted, match="waive_rest"):
        plan(planner, double, rest_waiver="nobody else")
    assert plan(hq, double, rest_waiver="nobody else") == 1
    rows = queries.roster(by=hq, since=MIDNIGHT, until=MIDNIGHT + 2 * EIGHT)
    assert [row.crews[0].rest_waived for row in rows] == ["", "nobody else"]


def test_rest_counts_shifts_in_villages_the_planner_cannot_see(hq, people):
    town = 469021100 * 10**6
    far = NewShift("checkpoint", uuid.uuid4(), "江南卡口", JIANGNAN * 1000, MIDNIGHT, MIDNIGHT + EIGHT, "checkpoint_lead", crews=(Crew(people[0]),))  # fmt: skip
    plan(hq, far)
    sent = [NewDeployment(people[0], town, "support", "checkpoints")]
    actions.deploy(by=hq, deployments=sent, reason="r", authority="a", valid_at=MIDNIGHT)
    village = make_actor(*PERMISSIONS, scope=str(XINZHU))
    with pytest.raises(RestRuleBroken, match="16 h"):
        plan(village, shift(1, people[0]))


def test_the_unfit_are_never_assigned_whatever_the_waiver(hq):
    young = register(hq, 1, kind="student", birth_year=2006)
    unwell = register(hq, 1, kind="medic", protective=False)
    with pytest.raises(NotFit, match="not surely 18"):
        plan(hq, shift(0, *young), rest_waiver="nobody else")
    with pytest.raises(NotFit, match="protective clothing"):
        plan(hq, shift(0, *unwell, protective=True, length=timedelta(hours=4)))
    actions.rest_responder(by=hq, responder=unwell[0], until=date(2022, 7, 15), valid_at=MIDNIGHT)
    with pytest.raises(NotFit, match="rests until 2022-07-15"):
        plan(hq, shift(0, *unwell))
    assert plan(hq, shift(3, *unwell)) == 1


def test_shifts_that_cannot_be_planned(hq, people):
    with pytest.raises(EntriesRefused, match="at least one person"):
        plan(hq, shift(0, headcount=0))
    with pytest.raises(EntriesRefused, match="have them deployed to you"):
        plan(hq, shift(0, uuid.uuid4()))
    with pytest.raises(EntriesRefused, match="form it first"):
        plan(hq, shift(0, Crew(team=uuid.uuid4())))
    first = shift(0, people[0])
    assert (plan(hq, first), plan(hq, first)) == (1, 0)
    with pytest.raises(ShiftAlreadyPlanned, match="change its crew"):
        plan(hq, shift(0, people[1]))
    elsewhere = make_actor(*PERMISSIONS, scope=str(JIANGNAN))
    with pytest.raises(NotPermitted):
        plan(elsewhere, shift(2))


def test_a_crew_is_replaced_before_it_comes_and_not_after(hq, people):
    planned = shift(0, people[0])
    plan(hq, planned)
    old = planned.crews[0].id
    with pytest.raises(Refusal, match="for a reason"):
        actions.replace_crew(by=hq, shift=planned.id, leave=[old], reason="", valid_at=MIDNIGHT)
    fresh = Crew(people[1])
    actions.replace_crew(by=hq, shift=planned.id, leave=[old], crews=[fresh], reason="fell ill", valid_at=MIDNIGHT)
    assert [duty.assignee for duty in duties(by=hq)] == [people[1]]
    actions.check_in(by=hq, checks=[CheckIn(fresh.id, MIDNIGHT)], valid_at=MIDNIGHT)
    with pytest.raises(NotOnTheRegister, match="has come already"):
        actions.replace_crew(by=hq, shift=planned.id, leave=[fresh.id], reason="too late", valid_at=MIDNIGHT)


def test_a_team_comes_with_so_many_people(hq, people):
    team = NewTeam("volunteer", "青年志愿队", VILLAGE, people[0], tuple(people))
    actions.form_teams(by=hq, teams=[team], valid_at=MIDNIGHT)
    planned = shift(0, Crew(team=team.id, people=3), headcount=3)
    plan(hq, planned)
    actions.check_in(by=hq, checks=[CheckIn(planned.crews[0].id, MIDNIGHT, people=2)], valid_at=MIDNIGHT)
    [there] = queries.on_duty(by=hq, within=code_range(str(XINZHU)), at=MIDNIGHT)
    assert (there.name, there.people, there.voluntary) == ("青年志愿队", 2, True)
    with clock_at(MIDNIGHT + EIGHT):
        [gap] = queries.staffing_of([GATE], by=hq, since=MIDNIGHT, until=MIDNIGHT + EIGHT)[GATE].gaps
    assert (gap.needed, gap.present, gap.unstaffed) == (3, 2, False)
    assert queries.person_times(by=hq, since=MIDNIGHT, until=MIDNIGHT + EIGHT, voluntary=True) == (2, 0)


def test_who_is_on_duty_ends_with_the_shift_or_the_check_out(hq, people):
    planned = [shift(0, people[0]), shift(1, people[1])]
    plan(hq, *planned)
    for one in planned:
        actions.check_in(by=hq, checks=[CheckIn(one.crews[0].id, one.starts_at)], valid_at=MIDNIGHT)
    leaves = MIDNIGHT + timedelta(hours=9)
    actions.check_out(by=hq, checks=[CheckOut(planned[1].crews[0].id, leaves)], valid_at=MIDNIGHT)
    for hours, names in ((1, ["值守0"]), (8, ["值守1"]), (9, [])):
        assert [row.name for row in queries.on_duty(by=hq, at=MIDNIGHT + timedelta(hours=hours))] == names


def volunteer(who, day=0, **fields):
    start = MIDNIGHT + timedelta(days=day, hours=8)
    return NewAttendance(who, VILLAGE, "testing", start, start + timedelta(hours=4), **fields)


def test_each_attendance_of_a_volunteer_is_one_person_time(hq, people):
    helpers = register(hq, 2, kind="student")
    records = [volunteer(who, day) for who in helpers for day in range(3)] + [volunteer(people[0]), volunteer(people[1], voluntary=True)]  # fmt: skip
    assert actions.record_attendance(by=hq, attendances=records, valid_at=MIDNIGHT) == 8
    assert actions.record_attendance(by=hq, attendances=records, valid_at=MIDNIGHT) == 0
    period = {"since": MIDNIGHT, "until": MIDNIGHT + timedelta(days=5)}
    assert queries.person_times(by=hq, **period, voluntary=True) == (7, 3)
    assert queries.person_times(by=hq, **period) == (8, 4)
    listed = queries.attendances(by=hq, **period, voluntary=True)
    assert sum(row.people for row in listed) == 7
    assert queries.person_times(by=hq, since=MIDNIGHT, until=MIDNIGHT + timedelta(days=1), voluntary=True) == (3, 3)
    with acting(hq):
        Attendance.objects.filter(id=records[0].id).delete()
    assert queries.person_times(by=hq, **period, voluntary=True) == (6, 3)


def test_attendance_that_cannot_be_true(hq, people):
    start = MIDNIGHT
    wrong = [NewAttendance(uuid.uuid4(), VILLAGE, "testing", start), NewAttendance(people[0], VILLAGE, "testing", start, start - EIGHT)]  # fmt: skip
    with pytest.raises(EntriesRefused, match=r"2 of 2.*not on duty in your area.*would leave before coming"):
        actions.record_attendance(by=hq, attendances=wrong, valid_at=MIDNIGHT)
    twice = [volunteer(people[0]), volunteer(people[0])]
    with pytest.raises(EntriesRefused, match="entry 2: 值守0 came at this time already"):
        actions.record_attendance(by=hq, attendances=twice, valid_at=MIDNIGHT)
    planned = shift(0, people[0])
    plan(hq, planned)
    actions.record_attendance(by=hq, attendances=[NewAttendance(people[0], VILLAGE, "testing", start)], valid_at=start)
    with pytest.raises(EntriesRefused, match="值守0 came at this time to other work"):
        actions.check_in(by=hq, checks=[CheckIn(planned.crews[0].id, start)], valid_at=start)
    with acting(hq):
        Attendance.objects.all().delete()
    with pytest.raises(EntriesRefused, match="has not checked in"):
        actions.check_out(by=hq, checks=[CheckOut(planned.crews[0].id, MIDNIGHT)], valid_at=MIDNIGHT)
    actions.check_in(by=hq, checks=[CheckIn(planned.crews[0].id, MIDNIGHT)], valid_at=MIDNIGHT)
    with pytest.raises(EntriesRefused, match="leave before coming"):
        actions.check_out(by=hq, checks=[CheckOut(planned.crews[0].id, MIDNIGHT - EIGHT)], valid_at=MIDNIGHT)


def test_a_roster_elsewhere_is_out_of_sight_and_reach(hq, people):
    planned = shift(0, people[0])
    plan(hq, planned)
    elsewhere = make_actor(*PERMISSIONS, scope=str(JIANGNAN))
    with pytest.raises(EntriesRefused, match="on no roster of your area"):
        actions.check_in(by=elsewhere, checks=[CheckIn(planned.crews[0].id, MIDNIGHT)], valid_at=MIDNIGHT)
    with acting(elsewhere):
        assert ShiftAssignment.objects.count() == 0
    assert queries.roster(by=elsewhere, since=MIDNIGHT, until=MIDNIGHT + EIGHT) == []


def test_the_database_refuses_an_assignment_of_nobody(hq, people):
    planned = shift(0, people[0])
    plan(hq, planned)
    with acting(hq), pytest.raises(IntegrityError, match="assignment_of_one"), transaction.atomic():
        ShiftAssignment.objects.filter(id=planned.crews[0].id).update(responder=None)


def test_a_roster_sent_as_a_command_is_planned_once(hq, people):
    payload = {"shifts": [{"staffs": "checkpoint", "subject": str(GATE), "name": "1号卡口", "division_code": VILLAGE,
                           "starts_at": "2022-07-14T00:00:00+08:00", "ends_at": "2022-07-14T08:00:00+08:00",
                           "role": "checkpoint_lead", "crews": [{"responder": str(people[0])}]}]}  # fmt: skip
    model, handler = COMMANDS["plan_shifts"]
    read = model.model_validate(payload)
    envelope = Envelope(new_id(), "plan_shifts", MIDNIGHT, payload)
    receipts = [apply_command(envelope, lambda by, sent: handler(by, sent, read), by=hq) for _ in range(2)]
    assert [(one.result, one.repeated) for one in receipts] == [({"count": 1}, False), ({"count": 1}, True)]
    assert len(queries.roster(by=hq, since=MIDNIGHT, until=MIDNIGHT + EIGHT)) == 1


def test_two_thousand_people_are_registered_and_deployed_in_a_few_statements(hq, django_assert_max_num_queries):
    office = NewOrganisation("县直机关", "department", "county", COUNTY)
    actions.register_organisations(by=hq, organisations=[office], valid_at=MIDNIGHT)
    new = [NewResponder(f"干部{n}", "cadre", office.id) for n in range(2000)]
    with django_assert_max_num_queries(8):
        assert actions.register_responders(by=hq, responders=new, valid_at=MIDNIGHT) == 2000
    sent = [NewDeployment(one.id, VILLAGE, "sent_down", "community") for one in new]
    with django_assert_max_num_queries(16):
        actions.deploy(by=hq, deployments=sent, reason="r", authority="a", valid_at=MIDNIGHT)
    assert queries.deployed_counts(by=hq).persons == 2000


def test_a_roster_is_found_by_its_index_under_scope(hq):
    with acting(hq), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN SELECT count(*) FROM workforce_shiftassignment WHERE division_code BETWEEN {VILLAGE} AND {VILLAGE + 999}")  # fmt: skip
        assert "assignment_place" in str(cursor.fetchall())
