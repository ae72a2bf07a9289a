"""The ledger keeps its books whatever happens, in whatever order."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import (
    declare_kinds,
    finish_duties,
    finish_duty,
    reconcile,
    record_attempt,
    waive_duties,
)
from lianfang.core.duties.models import Attempt
from lianfang.core.duties.queries import balance, duties, ledger_disagreements
from lianfang.core.duties.rules import AttemptRefused, Desired, DutyAlreadyFinished, DutyNotFound, Kind, UnknownOutcome
from lianfang.kit.clock import clock_at, local
from lianfang.kit.refusals import Refusal

pytestmark = pytest.mark.django_db

GRID = XINZHU * 1000 + 1
NOON = local("2022-07-14 12:00")
VISIT = Kind("test_visit", "测试", "test visit", "tests", ("seen", "nobody_home"))


@pytest.fixture(autouse=True, scope="module")
def kind(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds([VISIT])


def wanted(people: dict[uuid.UUID, int], place: int = GRID) -> Desired:
    """Desire one visit per person, due so many hours after noon."""
    query = """
    SELECT 'resident', subject, 'test_visit', 'once', %(place)s::bigint, 'grid_worker', NULL::uuid, 'rule', subject,
           %(noon)s::timestamptz, %(noon)s::timestamptz + make_interval(hours => hours)
    FROM unnest(%(people)s::uuid[], %(hours)s::int[]) AS person (subject, hours)
    """
    params = {"people": list(people), "hours": list(people.values()), "noon": NOON, "place": place}
    return Desired(("test_visit",), query, params)


def open_visits(by, people, place=GRID, at=NOON):
    with clock_at(at):
        return reconcile(wanted(people, place), by=by, county=DINGAN, valid_at=at, cause=uuid.uuid4())


def people(number: int) -> dict[uuid.UUID, int]:
    return {uuid.uuid4(): 4 for _ in range(number)}


def test_reconciling_twice_changes_nothing_the_second_time(commander):
    some = people(3)
    assert open_visits(commander, some).opened == 3
    assert open_visits(commander, some).astuple() == (0, 0, 0, 0, 0)


def test_a_change_re_dates_or_reassigns_what_is_outstanding(commander):
    some = people(2)
    open_visits(commander, some)
    assert open_visits(commander, dict.fromkeys(some, 8)).redated == 2
    changes = open_visits(commander, dict.fromkeys(some, 8), place=GRID + 1)
    assert (changes.redated, changes.reassigned) == (0, 2)
    assert {duty.division_code for duty in duties(by=commander)} == {GRID + 1}


def test_done_work_is_never_touched_and_is_marked_when_superseded(commander):
    some = people(2)
    open_visits(commander, some)
    first = duties(by=commander)[0]
    finish_duty(first.id, by=commander, outcome="seen", valid_at=NOON)
    changes = open_visits(commander, {})
    assert (changes.cancelled, changes.superseded) == (1, 1)
    assert [duty.id for duty in duties(by=commander, state="done")] == [first.id]
    assert open_visits(commander, {}).astuple() == (0, 0, 0, 0, 0)
    assert balance(by=commander).holds


def test_a_cancelled_duty_that_is_desired_again_is_opened_anew(commander):
    some = people(1)
    open_visits(commander, some)
    open_visits(commander, {})
    assert open_visits(commander, some).opened == 1
    books = balance(by=commander)
    assert (books.opened, books.cancelled, books.outstanding) == (2, 1, 1)


def test_a_slice_leaves_other_subjects_alone(commander):
    kept, dropped = people(1), people(1)
    open_visits(commander, kept | dropped)
    desire = Desired(("test_visit",), wanted({}).query, wanted({}).params, subjects=list(dropped))
    assert reconcile(desire, by=commander, county=DINGAN, valid_at=NOON, cause=uuid.uuid4()).cancelled == 1
    assert [duty.subject for duty in duties(by=commander)] == list(kept)


def test_the_books_can_be_read_at_any_instant(commander):
    some = people(2)
    open_visits(commander, some, at=NOON)
    with clock_at(NOON + timedelta(hours=2)):
        finish_duty(duties(by=commander)[0].id, by=commander, outcome="seen", valid_at=NOON + timedelta(hours=1))
        later = balance(by=commander)
    assert (later.opened, later.done, later.outstanding) == (2, 1, 1)
    before = balance(by=commander, at=NOON + timedelta(minutes=1))
    assert (before.opened, before.done, before.outstanding) == (2, 0, 2)
    assert balance(by=commander, at=NOON - timedelta(minutes=1)).opened == 0


def test_finishing_twice_is_refused_with_a_sentence(commander):
    open_visits(commander, people(1))
    duty = duties(by=commander)[0].id
    finish_duty(duty, by=commander, outcome="seen", valid_at=NOON)
    with pytest.raises(DutyAlreadyFinished, match="finished or cancelled before"):
        finish_duty(duty, by=commander, outcome="seen", valid_at=NOON)


def test_an_outcome_the_kind_does_not_know_is_refused(commander):
    open_visits(commander, people(1))
    with pytest.raises(UnknownOutcome, match="seen, nobody_home"):
        finish_duty(duties(by=commander)[0].id, by=commander, outcome="vanished", valid_at=NOON)


def test_another_villages_duty_cannot_be_finished(commander):
    open_visits(commander, people(1))
    outsider = make_actor("duties.finish_duty", scope="469021100004")
    with pytest.raises(DutyNotFound, match="in your area"):
        finish_duty(duties(by=commander)[0].id, by=outsider, outcome="seen", valid_at=NOON)


def test_waiving_needs_a_reason_and_an_authority(commander):
    open_visits(commander, people(1))
    duty = duties(by=commander)[0].id
    with pytest.raises(Refusal, match="authority"):
        waive_duties([duty], by=commander, reason="in hospital", authority=" ", valid_at=NOON)
    assert waive_duties([duty], by=commander, reason="in hospital", authority="duty desk", valid_at=NOON) == 1
    assert balance(by=commander).waived == 1


def test_the_database_refuses_a_waiver_without_an_authority(commander):
    with acting(commander), pytest.raises(DatabaseError, match="waived_by_authority"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO duties_transition (county, duty, kind, division_code, valid_at, recorded_at, account, reason)"
                " VALUES (469021, 1, 'waived', %s, %s, %s, %s, 'why')",
                [GRID, NOON, NOON, commander.account_id],
            )


def test_many_are_finished_at_once_and_the_log_agrees(commander):
    some = people(20)
    open_visits(commander, some)
    keys = [(person, "once") for person in list(some)[:15]]
    number = finish_duties(keys, kind="test_visit", by=commander, county=DINGAN, outcome="seen", valid_at=NOON)
    assert number == 15
    assert ledger_disagreements(by=commander) == []
    assert (balance(by=commander).done, balance(by=commander).outstanding) == (15, 5)


def test_a_duty_out_of_line_with_its_log_is_found(commander):
    open_visits(commander, people(1))
    with acting(commander), connection.cursor() as cursor:
        cursor.execute("UPDATE duties_duty SET state = 'cancelled', finished_at = %s", [NOON])
    assert [(row[2], row[3]) for row in ledger_disagreements(by=commander)] == [("cancelled", "outstanding")]


PEOPLE = [uuid.UUID(int=n) for n in range(1, 5)]
FACTS = st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from([None, 2, 5, 9])), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=FACTS, seed=st.randoms(use_true_random=False), done=st.sets(st.sampled_from(PEOPLE)))
def test_live_duties_do_not_depend_on_the_order_of_facts(facts, seed, done):
    """Each fact says when a person's visit is due (or that none is); the latest-numbered fact of a person counts."""
    numbered = list(enumerate(facts))
    final = {person: hours for _, (person, hours) in numbered}
    live = []
    for order in (numbered, seed.sample(numbered, len(numbered))):
        by = make_actor("duties.read_duties", "duties.finish_duty")
        with transaction.atomic():
            known: dict[uuid.UUID, tuple[int, int | None]] = {}
            for number, (person, hours) in order:
                if person not in known or known[person][0] < number:
                    known[person] = (number, hours)
                open_visits(by, {p: h for p, (_, h) in known.items() if h is not None})
            assert balance(by=by).holds
            live.append(sorted((d.subject, d.due_at, d.role, d.division_code) for d in duties(by=by)))
            keys = [(person, "once") for person in done]
            finish_duties(keys, kind="test_visit", by=by, county=DINGAN, outcome="seen", valid_at=NOON)
            before = {d.id: d.finished_at for d in duties(by=by, state="done")}
            open_visits(by, {})
            assert {d.id: d.finished_at for d in duties(by=by, state="done")} == before
            books = balance(by=by)
            assert books.holds and books.outstanding == 0
            assert ledger_disagreements(by=by) == []
            transaction.set_rollback(True)
    assert live[0] == live[1]
    assert len(live[0]) == sum(hours is not None for hours in final.values())


def test_what_could_not_be_done_stays_open_with_a_next_time(grid_worker):
    open_visits(grid_worker, people(1))
    (visit,) = duties(by=grid_worker)
    id, again = uuid.uuid4(), NOON + timedelta(hours=6)
    fields = {"duty": visit.id, "reason": "no_answer", "valid_at": NOON + timedelta(hours=1)}
    with clock_at(NOON + timedelta(hours=1)):
        for _ in range(2):
            record_attempt(by=grid_worker, id=id, next_at=again, note=" dog ", **fields)
        record_attempt(by=grid_worker, **fields)
    (still,) = duties(by=grid_worker)
    assert (still.state, still.due_at) == ("outstanding", visit.due_at)
    with acting(grid_worker):
        tried = Attempt.objects.order_by("next_at").values_list("reason", "note", "next_at")
        assert list(tried) == [("no_answer", "dog", again), ("no_answer", "", NOON + timedelta(hours=13))]
    assert balance(by=grid_worker).holds
    assert open_visits(grid_worker, {still.subject: 4}).astuple() == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [({"reason": "lazy"}, AttemptRefused), ({"next_at": NOON}, AttemptRefused), ({"duty": 999_999_999}, DutyNotFound)],
)
def test_an_attempt_is_refused_with_a_sentence(grid_worker, fields, refusal):
    open_visits(grid_worker, people(1))
    given = {"duty": duties(by=grid_worker)[0].id, "reason": "no_answer", "valid_at": NOON} | fields
    with pytest.raises(refusal):
        record_attempt(by=grid_worker, **given)


def test_nobody_comes_again_for_what_is_done(grid_worker):
    open_visits(grid_worker, people(1))
    (visit,) = duties(by=grid_worker)
    finish_duty(visit.id, by=grid_worker, outcome="seen", valid_at=NOON)
    with pytest.raises(DutyAlreadyFinished, match="come again"):
        record_attempt(by=grid_worker, duty=visit.id, reason="no_answer", valid_at=NOON)


def test_an_attempt_elsewhere_is_nobodys_business_here(grid_worker):
    stranger = make_actor("duties.read_duties", "duties.finish_duty", scope=str(JIANGNAN), role="grid_worker")
    open_visits(grid_worker, people(1))
    (visit,) = duties(by=grid_worker)
    with pytest.raises(DutyNotFound):
        record_attempt(by=stranger, duty=visit.id, reason="no_answer", valid_at=NOON)


def test_attempts_are_never_changed(grid_worker):
    open_visits(grid_worker, people(1))
    record_attempt(by=grid_worker, duty=duties(by=grid_worker)[0].id, reason="unsafe", valid_at=NOON)
    for change in ("UPDATE duties_attempt SET reason = 'other'", "DELETE FROM duties_attempt"):
        with acting(grid_worker), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
