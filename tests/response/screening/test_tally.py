"""A city's coverage is summed from a tally: whatever happens in whatever order, it says what counting each person says."""

import sys
import uuid

import pytest
from django.db import ProgrammingError, connection, connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from round_making import GRID, NEXT_GRID, NOON, county_actor, opened, report, sample, village_actor

from conftest import JIANGNAN
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import clock_at, response_now
from lianfang.kit.codes import CodeRange
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.screening import queries
from lianfang.response.screening.actions import exclude_people, record_found, record_recall, tally_samples
from lianfang.response.screening.queries.coverage import accounts_by
from lianfang.response.screening.queries.tally import tallied
from lianfang.response.screening.rules import ExclusionEntry, FoundEntry
from lianfang.response.specimens.actions import void_samples
from lianfang.response.specimens.models import Sample
from lianfang.response.specimens.rules import VoidEntry
from making import make_resident

ELSEWHERE = JIANGNAN * 1000 + 1
KEY = "division_code"

# what has ended is told by transactions, so that these tests commit
pytestmark = pytest.mark.usefixtures("committing")


@pytest.fixture
def county():
    return county_actor()


def person_by_person(by, round, key=KEY):
    """The account at the present instant by the statement that counts everybody."""
    with clock_at(NOON):
        return accounts_by(by, [round.id], key, response_now())


def by_tally(by, round, key=KEY):
    with clock_at(NOON):
        return tallied(by, [round.id], key, None)


def test_the_account_of_an_opened_round_is_its_tally(county):
    make_resident(by=county, grid=GRID)
    round = opened(county)
    assert by_tally(county, round) == person_by_person(county, round)
    assert by_tally(county, round)[GRID].frozen == 1


def test_a_sample_is_counted_once_before_and_after_the_tally(county):
    people = [make_resident(by=county, grid=GRID) for _ in range(3)]
    round = opened(county)
    tally_samples()
    sample(county, round.id, people[0].id)
    assert by_tally(county, round)[GRID].found == 1
    assert tally_samples() == 1  # a grid
    assert by_tally(county, round)[GRID].found == 1
    assert tally_samples() == 0
    assert by_tally(county, round)[GRID].found == 1


def test_while_nothing_waits_nothing_is_written(county):
    make_resident(by=county, grid=GRID)
    opened(county)
    tally_samples()
    before = last_writer()
    assert [tally_samples() for _ in range(5)] == [0] * 5
    assert last_writer() == before


def last_writer():
    """The transactions that wrote or locked a tally last."""
    with acting(county_actor(), "owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SELECT xmin::text, xmax::text FROM screening_rostertally ORDER BY round, division_code")
        return cursor.fetchall()


def test_people_are_counted_where_the_roster_places_them(county):
    moved, guest = make_resident(by=county, grid=NEXT_GRID), make_resident(by=county, grid=ELSEWHERE)
    round = opened(county)
    with acting(county):
        type(moved).objects.filter(id=moved.id).update(division_code=GRID, present_code=GRID)
    sample(county, round.id, moved.id, guest.id)
    for _ in range(2):  # before and after the count
        assert by_tally(county, round) == person_by_person(county, round)
        assert by_tally(county, round)[NEXT_GRID].found == 1
        assert tally_samples() in (0, 1)


def test_slips_are_taken_up(county):
    people = [make_resident(by=county, grid=(GRID, NEXT_GRID)[n % 2]).id for n in range(4)]
    round = opened(county)
    sample(county, round.id, *people)
    assert slips(county) == [(GRID, 2), (NEXT_GRID, 2)]
    assert tally_samples() == 2
    assert slips(county) == []


def test_who_sees_less_than_the_county_cannot_write_samples_of_a_round(county):
    """The roster may place the person outside that sight, and then nobody would be counted."""
    person = make_resident(by=county, grid=GRID)
    round = opened(county)
    with pytest.raises(ProgrammingError, match="whole county in scope"), acting(village_actor()):
        Sample.objects.create(
            county=469021, tube=uuid.uuid4(), id=uuid.uuid4(), resident=person.id, purpose="area_screening",
            round=round.id, taken_at=NOON, taken_by=county.account_id, division_code=GRID, site_code=GRID,
            recorded_at=NOON,
        )  # fmt: skip


def slips(by):
    with acting(by), connection.cursor() as cursor:
        cursor.execute("SELECT division_code, people FROM screening_rosterslip ORDER BY 1")
        return cursor.fetchall()


def test_wide_areas_are_counted_by_the_tally_and_narrow_ones_are_not(county, monkeypatch):
    make_resident(by=county, grid=GRID)
    round = opened(county)
    tally_samples()
    asked = []
    monkeypatch.setattr(
        sys.modules[accounts_by.__module__], "tallied", lambda *args: asked.append(args) or tallied(*args)
    )
    with clock_at(NOON):
        assert queries.coverage(round.id, by=county)[0].account.missing == 1
        assert len(asked) == 1
        queries.coverage(round.id, by=county, at=NOON)
        queries.coverage(round.id, by=county, within=CodeRange(GRID, NEXT_GRID))
    assert len(asked) == 1


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["sample", "exclude", "untrue", "insufficient", "void", "found", "count", "guest"]),
        st.integers(0, 5),
    ),
    min_size=3, max_size=14,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_the_tally_says_what_counting_each_person_says(county, steps):
    people = [make_resident(by=county, grid=(GRID, NEXT_GRID)[n % 2]).id for n in range(6)]
    round = opened(county, incident=new_id())
    guests = [make_resident(by=county, grid=ELSEWHERE).id for _ in range(6)]
    tally_samples()
    tubes, exclusions = [], []
    for step, number in steps:
        with clock_at(NOON):
            _take(step, people[number], guests[number], round, county, tubes, exclusions)
        assert by_tally(county, round) == person_by_person(county, round), step
        assert by_tally(county, round, "round") == person_by_person(county, round, "round")


def _take(step, person, guest, round, by, tubes, exclusions):
    second = Actor(uuid.uuid4(), uuid.uuid4(), by.role, by.line, by.scope, by.permissions)
    try:
        if step in ("sample", "guest"):
            tubes.append(sample(by, round.id, person if step == "sample" else guest))
        elif step == "exclude":
            exclusions.append(ExclusionEntry(new_id(), person, "away", "Haikou"))
            exclude_people(round.id, [exclusions[-1]], by=by, valid_at=NOON)
        elif step == "untrue" and exclusions:
            record_recall(round.id, exclusions[-1].id, by=second, confirmed=False, valid_at=NOON)
        elif step == "insufficient" and tubes:
            report(by, tubes[-1], "insufficient")
        elif step == "void" and tubes:
            void(tubes[-1], by)
        elif step == "found":
            record_found(round.id, [FoundEntry(guest, "visitor", GRID)], by=by, valid_at=NOON)
        elif step == "count":
            tally_samples()
    except Refusal:
        pass


def void(tube, by):
    void_samples(
        tube.id,
        [VoidEntry(tube.samples[0].id, tube.samples[0].resident)],
        by=by,
        code=tube.code,
        reason="wrong_person",
        valid_at=NOON,
    )
