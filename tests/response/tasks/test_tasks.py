"""Field work from a desk or a report to what came of it; nothing is owed twice and nothing is lost."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import declare_kinds, record_attempt
from lianfang.core.duties.queries import balance, duties, ledger_disagreements
from lianfang.kit.clock import clock_at, local
from lianfang.response.tasks import actions, queries
from lianfang.response.tasks.duties import KINDS
from lianfang.response.tasks.models import Hazard, Task
from lianfang.response.tasks.permissions import PERMISSIONS
from lianfang.response.tasks.rules import (
    FindingAlreadyFixed,
    NewFinding,
    NewTask,
    TaskNotFound,
    TaskRefused,
    TaskWithdrawn,
)

pytestmark = pytest.mark.django_db
NOON = local("2022-07-14 12:00")
ONE = local("2022-07-14 13:00")
GRID = XINZHU * 1000 + 1
LEDGER = ("duties.read_duties", "duties.finish_duty")


@pytest.fixture(autouse=True, scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.fixture
def desk():
    return make_actor(*PERMISSIONS, *LEDGER, role="township", line="community")


def hours(number):
    return timedelta(hours=number)


def give(by, at=NOON, **fields):
    usual = {"kind": "patrol", "division_code": GRID, "title": "河边巡查", "starts_at": NOON, "due_at": NOON + hours(2)}
    task = NewTask(**usual | fields)
    with clock_at(at):
        actions.give_tasks(by=by, tasks=[task], valid_at=at)
    return task.id


def owed(by, kind="patrol", state="outstanding"):
    return sorted((duty.period, duty.due_at) for duty in duties(by=by, kind=kind, state=state, limit=1000))


def patrol(by, task, at=ONE, **fields):
    with clock_at(at):
        return actions.record_patrol(by=by, task=task, points=6, valid_at=at, **fields)


def test_work_given_is_owed_by_its_role_and_done_by_its_record(desk):
    task = give(desk)
    (duty,) = duties(by=desk, kind="patrol")
    assert (duty.subject, duty.role, duty.division_code, duty.due_at) == (task, "grid_worker", GRID, NOON + hours(2))
    made = patrol(desk, task, people=10, note=" 无异常 ")
    assert (made.period, made.points, made.people, made.note) == ("once", 6, 10, "无异常")
    (done,) = duties(by=desk, kind="patrol", state="done")
    assert (done.id, done.outcome) == (duty.id, "patrolled")


def test_given_twice_it_is_owed_once(desk):
    id = uuid.uuid4()
    give(desk, id=id)
    give(desk, id=id)
    assert len(owed(desk)) == 1


def test_one_that_is_wrong_keeps_all_from_being_given(desk):
    good = NewTask("patrol", GRID, "巡查", NOON, NOON + hours(1))
    bad = NewTask("patrol", GRID, "", NOON, NOON + hours(1))
    with pytest.raises(TaskRefused, match="Entry 2 of 2"):
        actions.give_tasks(by=desk, tasks=[good, bad], valid_at=NOON)
    assert owed(desk) == []


def test_nothing_is_given_outside_of_ones_area():
    officer = make_actor(*PERMISSIONS, *LEDGER, scope=str(JIANGNAN), role="community")
    with pytest.raises(NotPermitted):
        give(officer)


def test_work_that_comes_round_is_owed_turn_by_turn_as_the_days_come(desk):
    task = give(desk, every_hours=4, until=NOON + hours(24))
    assert [period for period, _ in owed(desk)] == ["2022-07-14 12:00", "2022-07-14 16:00", "2022-07-14 20:00"]
    patrol(desk, task, NOON + hours(5))
    assert [period for period, _ in owed(desk)] == ["2022-07-14 12:00", "2022-07-14 20:00"]
    midnight = local("2022-07-15")
    with clock_at(midnight):
        actions.roll_tasks(by=desk, county=DINGAN, valid_at=midnight)
    later = ["2022-07-15 00:00", "2022-07-15 04:00", "2022-07-15 08:00"]
    assert [period for period, _ in owed(desk)] == ["2022-07-14 12:00", "2022-07-14 20:00", *later]
    with clock_at(NOON + hours(27)):
        actions.roll_tasks(by=desk, county=DINGAN, valid_at=NOON + hours(27))
    assert owed(desk)[0][0] == "2022-07-14 20:00", "a turn missed for a day is let go, and the log keeps it"
    assert ledger_disagreements(by=desk) == []


def test_a_turn_may_be_named(desk):
    task = give(desk, every_hours=4, until=NOON + hours(24))
    patrol(desk, task, NOON + hours(9), period="2022-07-14 12:00")
    assert owed(desk, state="done") == [("2022-07-14 12:00", NOON + hours(2))]
    with pytest.raises(TaskRefused, match="no turn"):
        patrol(desk, task, period="2022-07-14 13:00")


def test_a_repeated_record_is_one_and_another_stays_beside_it(desk):
    task, id = give(desk), uuid.uuid4()
    for one in (id, id, uuid.uuid4()):
        patrol(desk, task, id=one)
    assert len(queries.records(task, by=desk, at=NOON + hours(2))) == 2
    assert balance(by=desk).done == 1


def test_withdrawn_work_is_owed_by_nobody_and_what_was_done_stays(desk):
    task = give(desk, every_hours=4, until=NOON + hours(24))
    patrol(desk, task)
    with clock_at(NOON + hours(3)):
        for _ in range(2):
            actions.withdraw_task(by=desk, task=task, reason="汛情", valid_at=NOON + hours(3))
    assert owed(desk) == []
    assert len(owed(desk, state="done")) == 1
    with pytest.raises(TaskWithdrawn, match="汛情"):
        patrol(desk, task, NOON + hours(4))
    patrol(desk, task, NOON + hours(2), period="2022-07-14 16:00")
    assert len(owed(desk, state="done")) == 2
    with pytest.raises(TaskRefused, match="reason"):
        actions.withdraw_task(by=desk, task=task, reason=" ", valid_at=NOON)


def test_clean_up_and_delivery_say_what_was_done(desk):
    waste = give(desk, kind="clean_up", title="九个垃圾点")
    rice = give(desk, kind="delivery", title="送米", person="李婆婆", address="3 号", items=("米 5 公斤", " "))
    with clock_at(NOON + hours(16)):
        actions.record_clean_up(by=desk, task=waste, points=9, disinfected=True, hours="16.5", people=10, valid_at=NOON + hours(16))  # fmt: skip
        actions.record_delivery(by=desk, task=rice, handed="at_the_door", valid_at=NOON + hours(16))
        with pytest.raises(TaskRefused, match="no way to hand over"):
            actions.record_delivery(by=desk, task=rice, handed="thrown", valid_at=NOON)
    assert {duty.outcome for duty in duties(by=desk, state="done")} == {"cleaned", "delivered"}
    with pytest.raises(TaskRefused, match="another kind"):
        patrol(desk, waste)


def inspect(by, task, at=ONE, **fields):
    with clock_at(at):
        return actions.record_inspection(by=by, task=task, valid_at=at, **fields)


def test_a_finding_becomes_the_duty_to_put_it_right(desk):
    task = give(desk, kind="field_inspection", title="查市场", category="market")
    by_when = NOON + hours(24)
    found = (NewFinding("masks", "三人没戴", by_when), NewFinding("waste", "当场清了"))
    made = inspect(desk, task, findings=found, checked=["masks", "waste", "exits"], measure="closed")
    assert (made.outcome, made.category) == ("findings", "market")
    (fix,) = duties(by=desk, kind="fix_finding")
    assert (fix.subject, fix.due_at, fix.role) == (found[0].id, by_when, "community")
    with clock_at(NOON + hours(3)):
        actions.record_fixed(by=desk, finding=found[0].id, note="已戴", valid_at=NOON + hours(3))
        assert duties(by=desk, kind="fix_finding") == []
        with pytest.raises(FindingAlreadyFixed):
            actions.record_fixed(by=desk, finding=found[0].id, valid_at=NOON + hours(4))
    assert queries.count_findings(by=desk, at=NOON + hours(4), state="to_fix") == 0
    assert queries.count_findings(by=desk, at=NOON + hours(2), state="to_fix") == 1, "as it stood before"


def test_all_in_order_is_an_outcome(desk):
    task = give(desk, kind="field_inspection", title="查市场", category="market")
    assert inspect(desk, task, checked=["masks"]).outcome == "in_order"
    with pytest.raises(TaskRefused, match="no measure"):
        inspect(desk, task, measure="burnt")


def report(by, kind="rubbish", at=NOON, **fields):
    with clock_at(at):
        return actions.report_hazard(by=by, kind=kind, division_code=GRID, place="桥头", valid_at=at, **fields)


@pytest.mark.parametrize(
    ("kind", "work", "role"),
    [("rubbish", "clean_up", "disinfection"), ("blocked_exit", "field_inspection", "grid_worker")],
)
def test_a_hazard_becomes_work_and_whoever_reported_it_hears_of_it(desk, kind, work, role):
    id = uuid.uuid4()
    hazard = report(desk, kind, channel="hotline", contact="13907550000", id=id)
    assert report(desk, kind, id=id).task == hazard.task
    (duty,) = duties(by=desk, kind=work)
    assert (duty.subject, duty.role, duty.due_at, duty.source) == (hazard.task, role, NOON + hours(24), hazard.id)
    assert duties(by=desk, kind="tell_reporter") == []
    done = NOON + hours(5)
    if work == "clean_up":
        with clock_at(done):
            actions.record_clean_up(by=desk, task=hazard.task, points=1, disinfected=True, valid_at=done)
    else:
        inspect(desk, hazard.task, done)
    (tell,) = duties(by=desk, kind="tell_reporter")
    assert (tell.subject, tell.role, tell.opens_at) == (hazard.id, "service_desk", done)
    assert actions.open_contact(hazard.id, by=desk) == "13907550000"
    with clock_at(NOON + hours(6)):
        for _ in range(2):
            actions.record_reporter_told(by=desk, hazard=hazard.id, valid_at=NOON + hours(6))
    assert [duty.outcome for duty in duties(by=desk, kind="tell_reporter", state="done")] == ["told"]
    with acting(desk), connection.cursor() as cursor:
        cursor.execute("SELECT contact_cipher FROM tasks_hazard")
        assert b"13907550000" not in bytes(cursor.fetchone()[0])


def test_work_on_a_hazard_that_is_withdrawn_is_told_too(desk):
    hazard = report(desk, "crowd")
    with clock_at(NOON + hours(1)):
        actions.withdraw_task(by=desk, task=hazard.task, reason="已散去", valid_at=NOON + hours(1))
    assert [duty.role for duty in duties(by=desk, kind="tell_reporter")] == ["community"]


@pytest.mark.parametrize("fields", [{"kind": "volcano"}, {"channel": "dream"}, {"place": " "}])
def test_a_hazard_that_nobody_could_find_is_refused(desk, fields):
    with pytest.raises(TaskRefused):
        actions.report_hazard(
            **{"by": desk, "kind": "rubbish", "division_code": GRID, "place": "桥头", "valid_at": NOON} | fields
        )


def test_neighbours_see_and_change_nothing(desk):
    task, hazard = give(desk), report(desk)
    stranger = make_actor(*PERMISSIONS, *LEDGER, scope=str(JIANGNAN), role="community")
    assert queries.tasks(by=stranger, at=NOON + hours(1)) == []
    assert queries.hazards(by=stranger, at=NOON + hours(1)) == []
    for change in (
        lambda: patrol(stranger, task),
        lambda: actions.withdraw_task(by=stranger, task=task, reason="x", valid_at=NOON),
        lambda: actions.record_fixed(by=stranger, finding=task, valid_at=NOON),
        lambda: actions.open_contact(hazard.id, by=stranger),
        lambda: queries.task(task, by=stranger, at=NOON),
        lambda: queries.hazard(hazard.id, by=stranger, at=NOON),
    ):
        with pytest.raises(TaskNotFound):
            change()


def test_what_may_be_recorded_takes_its_permission(desk):
    task = give(desk)
    volunteer = make_actor(*LEDGER, role="volunteer")
    for change in (
        lambda: patrol(volunteer, task),
        lambda: report(volunteer),
        lambda: give(volunteer),
        lambda: queries.tasks(by=volunteer, at=NOON),
    ):
        with pytest.raises(NotPermitted):
            change()


def test_what_was_done_is_never_changed(desk):
    patrol(desk, give(desk))
    with acting(desk), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE tasks_taskrecord SET points = 99")


def test_lists_count_what_they_show(desk):
    late, once = give(desk), give(desk, title="另一处", due_at=NOON + hours(12))
    patrol(desk, once)
    report(desk)
    with clock_at(NOON + hours(3)):
        (duty, *_) = duties(by=desk, kind="patrol")
        record_attempt(by=desk, duty=duty.id, reason="no_access", valid_at=NOON + hours(3))
    at = NOON + hours(4)
    by_state = {state: [row.id for row in queries.tasks(by=desk, at=at, state=state)] for state in queries.STATES}
    assert by_state["overdue"] == [late]
    assert by_state["done"] == [once]
    assert len(by_state["open"]) == 2
    for state, rows in by_state.items():
        assert queries.count_tasks(by=desk, at=at, state=state) == len(rows)
    assert [row.state for row in queries.tasks(by=desk, at=at, kind="patrol")] == ["overdue", "done"]
    assert queries.tasks(by=desk, at=NOON - hours(1)) == []
    assert [one.reason for one in queries.attempts(late, by=desk, at=at)] == ["no_access"]
    assert queries.task(late, by=desk, at=at).attempts == 1
    assert [queries.count_hazards(by=desk, at=at, state=state) for state in queries.HAZARD_STATES] == [1, 0, 0]
    assert len(queries.hazards(by=desk, at=at)) == 1


STEP = st.sampled_from(
    ["give", "round", "patrol", "late", "clean", "inspect", "fix", "hazard", "tell", "withdraw", "tried", "roll"]
)


def _one(by, rng, kind):
    rows = [duty.subject for duty in duties(by=by, kind=kind, limit=1000)]
    return rng.choice(rows) if rows else None


def _step(by, rng, step, at):
    anything = _one(by, rng, "patrol")
    if step in ("give", "round"):
        give(
            by,
            at,
            starts_at=at,
            due_at=at + hours(1),
            **({"every_hours": 3, "until": at + hours(20)} if step == "round" else {}),
        )
    elif step in ("patrol", "late") and anything:
        patrol(by, anything, at + hours(30) if step == "late" else at)
    elif step == "hazard":
        report(by, rng.choice(["rubbish", "crowd"]), at)
    elif step == "clean" and (task := _one(by, rng, "clean_up")):
        actions.record_clean_up(by=by, task=task, points=1, disinfected=False, valid_at=at)
    elif step == "inspect" and (task := _one(by, rng, "field_inspection")):
        inspect(by, task, at, findings=(NewFinding("exits", "堵", at + hours(5)),))
    elif step == "fix" and (finding := _one(by, rng, "fix_finding")):
        actions.record_fixed(by=by, finding=finding, valid_at=at)
    elif step == "tell" and (hazard := _one(by, rng, "tell_reporter")):
        actions.record_reporter_told(by=by, hazard=hazard, valid_at=at)
    elif step == "withdraw" and anything:
        actions.withdraw_task(by=by, task=anything, reason="r", valid_at=at)
    elif step == "tried" and (rows := duties(by=by, limit=1000)):
        record_attempt(by=by, duty=rng.choice(rows).id, reason="unsafe", valid_at=at)
    else:
        actions.roll_tasks(by=by, county=DINGAN, valid_at=at)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(STEP, st.integers(0, 9)), max_size=25), rng=st.randoms(use_true_random=False))
def test_whatever_happens_in_whatever_order_the_books_hold(desk, steps, rng):
    with transaction.atomic():
        at = NOON
        for step, later in steps:
            at += hours(later)
            with clock_at(at):
                _step(desk, rng, step, at)
        assert balance(by=desk, at=at + hours(100)).holds
        assert ledger_disagreements(by=desk) == []
        with acting(desk):
            reported = Hazard.objects.count()
        rows = duties(by=desk, limit=1000) + duties(by=desk, state="done", limit=1000)
        of_hazards = [row for row in rows if row.rule == "hazard reported" and row.kind != "tell_reporter"]
        assert len(of_hazards) == reported, "every hazard is somebody's work, once"
        keys = [(row.subject, row.kind, row.period) for row in rows]
        assert len(keys) == len(set(keys))
        transaction.set_rollback(True)


def test_whoever_is_inspected_sees_an_unannounced_inspection_once_it_has_taken_place():
    county = make_actor(*PERMISSIONS, *LEDGER, role="inspector")
    town = make_actor(*PERMISSIONS, *LEDGER, scope=str(XINZHU)[:9], role="township")
    village = make_actor(*PERMISSIONS, *LEDGER, scope=str(XINZHU), role="community")
    look = {"kind": "field_inspection", "category": "pharmacy", "title": "暗访药店", "unannounced": True}
    task = give(county, **look)
    seen = [(duty.subject, duty.role) for duty in duties(by=county, kind="field_inspection")]
    assert seen == [(task, "inspector")] and queries.task(task, by=county, at=NOON).done_in == GRID
    for below in (town, village):
        assert queries.tasks(by=below, at=NOON) == [] and duties(by=below, state="") == []
        assert balance(by=below).opened == 0
        with pytest.raises(TaskNotFound):
            actions.record_inspection(by=below, task=task, valid_at=ONE)
        with acting(below):
            assert not Task.objects.filter(id=task).exists()
            assert not AuditEntry.objects.filter(subject_id=task).exists()
    with clock_at(ONE):
        finding = NewFinding("medicine_register", "两笔未登记", must_fix_by=ONE + hours(24))
        actions.record_inspection(by=county, task=task, findings=[finding], valid_at=ONE)
    for below in (town, village):
        assert [row.id for row in queries.tasks(by=below, at=ONE)] == [task]
        assert [duty.subject for duty in duties(by=below, kind="fix_finding")] == [finding.id]
        assert [duty.state for duty in duties(by=below, kind="field_inspection", state="done")] == ["done"]
    assert ledger_disagreements(by=county) == []


def test_an_unannounced_inspection_comes_from_above_and_once():
    village = make_actor(*PERMISSIONS, *LEDGER, scope=str(XINZHU), role="community")
    look = {"kind": "field_inspection", "category": "pharmacy", "unannounced": True}
    with pytest.raises(TaskRefused, match="from above"):
        give(village, **look, division_code=XINZHU * 1000)
    with pytest.raises(TaskRefused, match="takes place once"):
        give(village, **look, every_hours=4, until=NOON + hours(24))
    with pytest.raises(TaskRefused, match="takes place once"):
        give(village, unannounced=True)
