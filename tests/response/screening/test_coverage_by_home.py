"""Coverage by building and household, what the denominator is made of, the lists behind it, the plan of the missing list."""

import pytest
from django.db import connection

from conftest import JIANGNAN
from lianfang.core.access.scope import acting
from lianfang.core.people.models import Household
from lianfang.core.territory.models import Building
from lianfang.kit.clock import clock_at
from lianfang.kit.codes import CodeRange
from lianfang.kit.ids import new_id
from lianfang.response.screening import actions, queries
from lianfang.response.screening.queries import Asked
from lianfang.response.screening.rules import ExclusionEntry, FoundEntry
from making import make_household, make_resident
from response.screening.round_making import GRID, NEXT_GRID, NOON, VILLAGE, county_actor, opened, sample, village_actor

pytestmark = pytest.mark.django_db

ELSEWHERE = JIANGNAN * 1000 + 1


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def county():
    return county_actor()


def building(grid, name):
    return Building.objects.create(division_code=grid, kind="residential", name=name)


def home(by, grid, building, room, people):
    with acting(by):
        made = make_household(by=by, grid=grid)
        Household.objects.filter(id=made.id).update(building=building and building.id, room=room)
    return made.id, [make_resident(by=by, grid=grid, household=made.id).id for _ in range(people)]


@pytest.fixture
def doors(county):
    """Two homes in building 2, one in building 10, one in no building, one in the next grid."""
    second, tenth = building(GRID, "2栋"), building(GRID, "10栋")
    return second, tenth, {
        "a": home(county, GRID, second, "101", 2), "b": home(county, GRID, second, "102", 1),
        "c": home(county, GRID, tenth, "101", 3), "d": home(county, GRID, None, "", 1),
        "e": home(county, NEXT_GRID, None, "", 1),
    }  # fmt: skip


def numbers(account):
    return account.everybody, account.found, account.reasoned, account.missing


def test_coverage_by_building_adds_up_to_the_grid(county, doors):
    second, tenth, homes = doors
    round = opened(county)
    sample(county, round.id, *homes["a"][1], homes["c"][1][0])
    rows = queries.coverage_by_building(round.id, by=county)
    assert [(r.division_code, r.building, r.name, r.households, r.whole, numbers(r.account)) for r in rows] == [
        (GRID, second.id, "2栋", 2, 1, (3, 2, 0, 1)),
        (GRID, tenth.id, "10栋", 1, 0, (3, 1, 0, 2)),
        (GRID, None, None, 1, 0, (1, 0, 0, 1)),
        (NEXT_GRID, None, None, 1, 0, (1, 0, 0, 1)),
    ]
    grids = {row.code: numbers(row.account) for row in queries.coverage(round.id, by=county)}
    for grid, whole in grids.items():
        parts = [numbers(row.account) for row in rows if row.division_code == grid]
        assert tuple(map(sum, zip(*parts, strict=True))) == whole
    (only,) = queries.coverage_by_building(round.id, by=county, within=CodeRange(NEXT_GRID, NEXT_GRID))
    assert only == rows[-1]


def test_coverage_by_household_by_door(county, doors):
    second, _tenth, homes = doors
    round = opened(county)
    sample(county, round.id, *homes["a"][1])
    asked = {"by": county, "building": second.id}
    rows = queries.coverage_by_household(round.id, **asked)
    assert [(r.household, r.building_name, r.room, numbers(r.account)) for r in rows] == [
        (homes["a"][0], "2栋", "101", (2, 2, 0, 0)), (homes["b"][0], "2栋", "102", (1, 0, 0, 1))
    ]  # fmt: skip
    assert queries.count_households(round.id, **asked) == 2
    unfinished = queries.coverage_by_household(round.id, unfinished=True, **asked)
    assert [row.household for row in unfinished] == [homes["b"][0]]
    assert queries.count_households(round.id, unfinished=True, **asked) == 1
    everywhere = queries.coverage_by_household(round.id, by=county)
    assert [row.household for row in everywhere][-1] == homes["e"][0] and len(everywhere) == 5
    assert queries.coverage_by_household(round.id, by=county, limit=2, offset=1) == everywhere[1:3]
    abroad = village_actor()
    assert len(queries.coverage_by_household(round.id, by=abroad)) == 5


def test_a_guest_counts_in_the_grid_and_in_no_building_of_it(county, doors):
    second, _tenth, homes = doors
    abroad = building(ELSEWHERE, "9栋")
    household, _ = home(county, ELSEWHERE, abroad, "1", 0)
    guest = make_resident(by=county, grid=ELSEWHERE, household=household, present_code=GRID, present_since=NOON).id
    round = opened(county)
    rows = queries.coverage_by_building(round.id, by=county)
    assert abroad.id not in {row.building for row in rows}
    assert sum(row.account.everybody for row in rows if row.building is None and row.division_code == GRID) == 2
    listed = queries.round_people(round.id, by=county, asked=Asked(building=second.id), limit=10)
    assert {person.resident for person in listed} == {*homes["a"][1], *homes["b"][1]} and guest not in listed


def test_the_denominator_is_frozen_and_found_less_whoever_left_each_with_its_reason(county, doors):
    _second, _tenth, homes = doors
    round = opened(county)
    visitor, newcomer = (make_resident(by=county, grid=ELSEWHERE).id for _ in range(2))
    found = [FoundEntry(visitor, "visitor", GRID), FoundEntry(newcomer, "newcomer", NEXT_GRID)]
    actions.record_found(round.id, found, by=county, valid_at=NOON)
    (one, two), (three, *_) = homes["a"][1], homes["c"][1]
    entries = [
        ExclusionEntry(new_id(), one, "away", "Haikou"), ExclusionEntry(new_id(), two, "away", "Sanya"),
        ExclusionEntry(new_id(), three, "medical"), ExclusionEntry(new_id(), visitor, "deceased"),
    ]  # fmt: skip
    actions.exclude_people(round.id, entries, by=county, valid_at=NOON)
    sample(county, round.id, two)
    parts = [(p.part, p.reason, p.people) for p in queries.denominator_parts(round.id, by=county)]
    assert parts == [
        ("frozen", "", 8), ("found", "visitor", 1), ("found", "newcomer", 1), ("left", "away", 1), ("left", "medical", 1),
        ("left", "deceased", 1),
    ]  # fmt: skip
    account = queries.accounted(round.id, by=county)
    assert account.denominator == 8 + 2 - 3 == queries.count_round_people(round.id, Asked("counted"), by=county)
    (excluded,) = queries.round_people(round.id, by=county, asked=Asked(exclusion=entries[2].id))
    assert (excluded.resident, excluded.excluded_by) == (three, county.account_id)
    for part, reason, people in parts:
        asked = Asked("excluded" if part == "left" else "", "" if part == "left" else part, reason)
        listed = queries.round_people(round.id, by=county, asked=asked)
        assert len(listed) == people == queries.count_round_people(round.id, asked, by=county)


def test_the_people_of_one_household_are_listed(county, doors):
    _second, _tenth, homes = doors
    round = opened(county)
    asked = Asked(household=homes["c"][0])
    assert {one.resident for one in queries.round_people(round.id, by=county, asked=asked)} == set(homes["c"][1])
    assert queries.count_round_people(round.id, asked, by=county) == 3


def test_the_missing_can_be_narrowed_to_some_people(county, doors):
    _second, _tenth, homes = doors
    round, later = opened(county), opened(county)
    sample(county, round.id, *homes["a"][1])
    sample(county, later.id, *homes["c"][1])
    both = queries.missing_in_both(round.id, later.id, by=county)
    rows = queries.missing(later.id, by=county, residents=both)
    assert {row.resident for row in rows} == set(both) == {homes[key][1][0] for key in "bde"}
    assert queries.missing(later.id, by=county, residents=[]) == []


def test_the_missing_list_of_one_grid_goes_by_the_index_of_its_place(county):
    """Among other grids of the round and other rounds, the plan reads the roster by county, round and place alone."""
    people = [make_resident(by=county, grid=grid).id for grid in (GRID, NEXT_GRID)]
    round = opened(county)
    with acting(county), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO screening_rosterentry (county, round, resident, division_code)"
            " SELECT 469021, %s, gen_random_uuid(), %s + n %% 300 FROM generate_series(1, 20000) n",
            [round.id, VILLAGE + 100],
        )
    seen = []

    def look(execute, sql, params, many, context):
        if "page AS" in sql:
            seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        rows = queries.missing(round.id, by=county, within=CodeRange(GRID, GRID))
    assert [row.resident for row in rows] == people[:1]
    with acting(county), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {seen[0][0]}", seen[0][1])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "using roster_place on screening_rosterentry" in plan, plan
    assert "Seq Scan on screening_rosterentry" not in plan
