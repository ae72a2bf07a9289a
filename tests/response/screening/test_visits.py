"""The missing are worked down by visits: opened late, finished by whatever happens, carried on after sign-off."""

import uuid
from datetime import timedelta

import pytest

from lianfang.core.duties.queries import balance, duties
from lianfang.kit.clock import clock_at
from lianfang.kit.codes import CodeRange
from lianfang.kit.ids import new_id
from lianfang.response.screening import actions, queries
from lianfang.response.screening.rules import ExclusionEntry, PeopleRefused, VisitEntry
from making import appointed, make_resident
from response.screening.round_making import GRID, NEXT_GRID, NOON, county_actor, opened, report, sample, village_actor

pytestmark = pytest.mark.django_db

EVENING = NOON + timedelta(hours=18)
TARGET = NOON + timedelta(hours=24)


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def county():
    return county_actor()


@pytest.fixture
def people(county):
    return [make_resident(by=county, grid=grid).id for grid in (GRID, GRID, NEXT_GRID, NEXT_GRID)]


def tick(by, at):
    with clock_at(at):
        return actions.update_visits(by=by, county=469021, valid_at=at)


def live(by, at=NOON):
    with clock_at(at):
        return {duty.subject: duty for duty in duties(by=by, kind="round_visit")}


def done(by):
    return {duty.subject: duty.outcome for duty in duties(by=by, kind="round_visit", state="done")}


def visit(by, round, resident, outcome, at, **fields):
    with clock_at(at):
        return actions.record_visits(round, [VisitEntry(new_id(), resident, outcome, **fields)], by=by, valid_at=at)


def test_a_round_opens_no_visit_before_its_end_is_near(county, people):
    opened(county)
    assert tick(county, NOON + timedelta(hours=17)).opened == 0
    assert tick(county, EVENING).opened == 4
    assert tick(county, EVENING).astuple() == (0, 0, 0, 0, 0)
    assert {(duty.role, duty.opens_at, duty.due_at) for duty in live(county).values()} == {
        ("grid_worker", EVENING, TARGET)
    }
    assert {person: duty.division_code for person, duty in live(county).items()} == dict(
        zip(people, (GRID, GRID, NEXT_GRID, NEXT_GRID), strict=True)
    )


def test_visits_can_be_ordered_earlier_for_a_part(county, people):
    round, order = opened(county), new_id()
    for _ in range(2):
        actions.order_visits(round.id, by=county, within=CodeRange(NEXT_GRID, NEXT_GRID), valid_at=NOON, id=order)
    assert {(person, duty.opens_at, duty.due_at) for person, duty in live(county).items()} == {
        (person, NOON, TARGET) for person in people[2:]
    }
    assert tick(county, EVENING).astuple() == (2, 0, 0, 0, 0)


def test_a_sample_or_an_exclusion_ends_a_visit(county, people):
    round = opened(county)
    tick(county, EVENING)
    sample(county, round.id, people[0], at=EVENING)
    with clock_at(EVENING):
        entry = ExclusionEntry(new_id(), people[1], "away", "Haikou")
        actions.exclude_people(round.id, [entry], by=county, valid_at=EVENING)
    assert done(county) == {people[1]: "excluded"}
    tick(county, EVENING)
    assert done(county) == {people[0]: "sampled", people[1]: "excluded"}
    assert set(live(county)) == set(people[2:])
    assert balance(by=county, kind="round_visit", at=EVENING).holds


def test_what_a_visit_found_is_recorded_and_the_next_one_opened(county, people):
    round, worker = opened(county), village_actor()
    tick(county, EVENING)
    later, tomorrow = EVENING + timedelta(minutes=30), TARGET + timedelta(hours=20)
    visit(worker, round.id, people[0], "could_not", later, note="nobody home")
    visit(worker, round.id, people[1], "appointment", later, appointment_at=EVENING + timedelta(hours=2))
    visit(worker, round.id, people[2], "found_elsewhere", later, where="Haikou, sampled there")
    visit(worker, round.id, people[3], "appointment", later, appointment_at=tomorrow)
    assert done(county) == dict(
        zip(people, ("could_not", "appointment", "found_elsewhere", "appointment"), strict=True)
    )
    assert {person: (duty.opens_at, duty.due_at) for person, duty in live(county).items()} == {
        people[0]: (later, later + timedelta(hours=12)),
        people[1]: (EVENING + timedelta(hours=2), EVENING + timedelta(hours=14)),
    }
    assert tick(county, tomorrow).opened == 1
    account = queries.accounted(round.id, by=county, at=tomorrow)
    assert (account.reasoned, account.missing) == (1, 3)


def test_a_visit_sent_twice_counts_once(county, people):
    round = opened(county)
    entry = VisitEntry(new_id(), people[0], "could_not", note="nobody home")
    receipts = [actions.record_visits(round.id, [entry], by=county, valid_at=NOON) for _ in range(2)]
    assert receipts[0] == receipts[1]
    (person,) = [row for row in queries.missing(round.id, by=county) if row.resident == people[0]]
    assert (person.visits, person.last_outcome) == (1, "could_not")


def test_a_visit_without_its_reason_is_refused(county, people):
    round = opened(county)
    with pytest.raises(PeopleRefused, match="whoever goes next"):
        visit(county, round.id, people[0], "could_not", NOON)
    with pytest.raises(PeopleRefused, match="check whom you visited"):
        visit(county, round.id, uuid.uuid4(), "could_not", NOON, note="x")
    entries = [VisitEntry(new_id(), people[0], "could_not", note="x"), VisitEntry(new_id(), people[1], "excluded")]
    receipt = actions.record_visits(round.id, entries, by=county, valid_at=NOON, accept_good=True)
    assert (receipt.people, [person.why for person in receipt.refused]) == (1, ["reason_missing"])


def test_an_exclusion_that_was_not_true_opens_another_visit(county, people):
    round = opened(county)
    tick(county, EVENING)
    with clock_at(EVENING):
        entry = ExclusionEntry(new_id(), people[0], "away", "Haikou")
        actions.exclude_people(round.id, [entry], by=village_actor(), valid_at=EVENING)
        assert people[0] not in live(county)
        actions.record_recall(round.id, entry.id, by=county, confirmed=False, valid_at=EVENING)
    assert people[0] in live(county)


def test_too_little_material_opens_another_visit(county, people):
    round = opened(county)
    tick(county, EVENING)
    tube = sample(county, round.id, people[0], at=EVENING)
    tick(county, EVENING)
    assert people[0] not in live(county)
    report(county, tube, "insufficient", EVENING)
    assert tick(county, EVENING).opened == 1
    assert people[0] in live(county)


def test_who_remains_is_carried_on_until_a_later_round_has_sampled_them(county, people):
    first = opened(county)
    tick(county, EVENING)
    sample(county, first.id, *people[:2], at=EVENING)
    with clock_at(TARGET):
        actions.close_round(first.id, by=county, valid_at=TARGET, accepted_by=appointed(), accepted_title="township")
    assert {duty.due_at for duty in live(county).values()} == {TARGET + timedelta(hours=12)}
    assert set(live(county)) == set(people[2:])
    day_two = TARGET + timedelta(hours=1)
    second = opened(county, at=day_two)
    sample(county, second.id, people[2], at=day_two)
    tick(county, day_two)
    assert set(live(county)) == {people[3]}
    sample(county, first.id, people[3], at=EVENING)
    tick(county, day_two)
    assert live(county) == {} and done(county)[people[3]] == "sampled"
    assert queries.accounted(first.id, by=county, at=day_two).missing == 1
    books = balance(by=county, kind="round_visit", at=day_two)
    assert books.holds and books.outstanding == 0


def test_rounds_side_by_side_keep_their_visits_apart(county, people):
    opened(county)
    other = opened(county, area_code=GRID)
    assert tick(county, EVENING).opened == 8
    sample(county, other.id, *people, at=EVENING)
    tick(county, EVENING)
    assert {duty.source for duty in live(county).values()} != {other.id}
    assert balance(by=county, kind="round_visit", at=EVENING).outstanding == 4


def closed(by, round, at):
    with clock_at(at):
        return actions.close_round(round, by=by, valid_at=at, accepted_by=appointed(), accepted_title="township")


def test_an_exclusion_found_untrue_after_sign_off_is_visited(county, people):
    round, worker = opened(county), village_actor()
    entries = [ExclusionEntry(new_id(), person, "away", "Haikou") for person in people]
    with clock_at(EVENING):
        actions.exclude_people(round.id, entries, by=worker, valid_at=EVENING)
    assert closed(county, round.id, TARGET).remaining == 0
    later = TARGET + timedelta(hours=3)
    with clock_at(later):
        actions.record_recall(round.id, entries[0].id, by=county, confirmed=False, valid_at=later)
        actions.withdraw_exclusion(round.id, entries[1].id, by=worker, valid_at=later)
    within = round.visit_within
    assert {person: duty.due_at for person, duty in live(county, later).items()} == {
        people[0]: later + within, people[1]: later + within
    }  # fmt: skip
    with clock_at(later):
        assert queries.round_row(round.id, by=county).remaining == 0
        assert queries.accounted(round.id, by=county).missing == 2


def test_a_tube_that_held_too_little_is_told_after_sign_off_and_its_people_are_visited(county, people):
    round = opened(county)
    tube = sample(county, round.id, *people)
    assert closed(county, round.id, TARGET).remaining == 0
    later = TARGET + timedelta(hours=3)
    report(county, tube, "insufficient", at=later)
    tick(county, later)
    assert {person: duty.due_at for person, duty in live(county, later).items()} == dict.fromkeys(
        people, later + round.visit_within
    )
    sample(county, round.id, people[0], at=later)
    tick(county, later)
    assert set(live(county, later)) == set(people[1:])
