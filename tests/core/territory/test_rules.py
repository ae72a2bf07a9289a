from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.core.territory.rules import (
    BEGINNING,
    LEVELS,
    LayoutRefused,
    Overlay,
    OverlayRefused,
    Period,
    PeriodEmpty,
    Scope,
    VillageDoesNotFit,
    level_of,
    own_range,
    parent_of,
    split_village,
    spread,
    uncovered,
)
from lianfang.kit.codes import CodeRange, ancestors, code_range

XINZHU = 469021101201000


@pytest.mark.parametrize(
    ("code", "level", "parent", "last"),
    [
        (460000000000000, "province", None, 469999999999999),
        (469000000000000, "prefecture", 460000000000000, 469099999999999),
        (469021000000000, "county", 469000000000000, 469021999999999),
        (469021101000000, "township", 469021000000000, 469021101999999),
        (XINZHU, "village", 469021101000000, 469021101201999),
        (XINZHU + 10, "hamlet", XINZHU, XINZHU + 19),
        (XINZHU + 11, "grid", XINZHU, XINZHU + 11),
        # a prefecture without counties: its towns hang from it at once
        (441900003000000, "township", 441900000000000, 441900003999999),
    ],
)
def test_level_parent_and_range_of_a_code(code, level, parent, last):
    assert (level_of(code), parent_of(code), own_range(code).hi) == (level, parent, last)


@given(st.integers(min_value=11 * 10**13, max_value=10**15 - 1))
def test_parents_agree_with_the_digits(code):
    assert LEVELS.index(level_of(code)) >= 0
    above = ancestors(code)
    assert parent_of(code) == (above[-1] if above else None)


# ---------------------------------------------------------------------------------------------------------- scope

ranges = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda pair: CodeRange(pair[0], pair[0] + pair[1])),
    max_size=6,
)


def codes_of(some: list[CodeRange]) -> set[int]:
    return {code for one in some for code in range(one.lo, one.hi + 1)}


@given(ranges, ranges)
def test_a_scope_is_the_set_of_its_codes(left, right):
    one, other = Scope(tuple(left)), Scope(tuple(right))
    assert {code for code in range(80) if code in one} == codes_of(left)
    assert codes_of(list(one | other)) == codes_of(left) | codes_of(right)
    assert codes_of(list(one - other)) == codes_of(left) - codes_of(right)
    assert one.covers(other) == (codes_of(right) <= codes_of(left))


@given(ranges)
def test_a_scope_is_sorted_apart_and_the_same_however_it_is_given(some):
    scope = Scope(tuple(some))
    assert scope == Scope(tuple(reversed(some)))
    assert all(a.hi + 1 < b.lo for a, b in zip(scope.ranges, scope.ranges[1:], strict=False))


def test_neighbouring_villages_make_one_range():
    assert Scope.of("469021101200", "469021101201").ranges == (CodeRange(469021101200000, 469021101201999),)


# ------------------------------------------------------------------------------------------------ splitting villages

hamlet_sizes = st.lists(st.integers(0, 400), max_size=12)


@given(hamlet_sizes, st.integers(0, 3000), st.integers(20, 500))
def test_a_split_loses_no_household_and_names_each_grid_once(sizes, rest, per_grid):
    hamlets = [(f"第{at}村", size) for at, size in enumerate(sizes)]
    plan = split_village("469021101201", hamlets=hamlets, households=rest, households_per_grid=per_grid)
    codes = [grid.code for grid in plan.grids]
    assert sum(grid.households for grid in plan.grids) == sum(sizes) + rest
    assert len(plan.grid_of_household()) == sum(sizes) + rest
    assert len(set(codes)) == len(codes)
    assert all(level_of(code) == "grid" and code in own_range(XINZHU) for code in codes)
    assert all(0 < grid.households <= per_grid for grid in plan.grids)
    assert plan == split_village("469021101201", hamlets=hamlets, households=rest, households_per_grid=per_grid)


@given(hamlet_sizes, st.integers(0, 3000), st.integers(20, 500))
def test_hamlets_hold_their_grids_and_no_others(sizes, rest, per_grid):
    hamlets = [(f"第{at}村", size) for at, size in enumerate(sizes)]
    plan = split_village("469021101201", hamlets=hamlets, households=rest, households_per_grid=per_grid)
    held = [CodeRange(one.code, one.code_hi) for one in plan.hamlets]
    assert all(not a.overlaps(b) for at, a in enumerate(held) for b in held[at + 1 :])
    for hamlet, (name, size), span in zip(plan.hamlets, hamlets, held, strict=True):
        assert (hamlet.name, level_of(hamlet.code), hamlet.code_hi % 10) == (name, "hamlet", 9)
        assert sum(grid.households for grid in hamlet.grids) == size
        assert all(grid.code in span for grid in hamlet.grids)
    assert not any(grid.code in span for grid in plan.direct for span in held)


@given(st.integers(1, 5000), st.integers(1, 600))
def test_grids_are_as_few_and_as_even_as_can_be(households, per_grid):
    if -(-households // per_grid) > 900:
        with pytest.raises(VillageDoesNotFit):
            split_village(XINZHU, households=households, households_per_grid=per_grid)
        return
    sizes = Counter(
        grid.households for grid in split_village(XINZHU, households=households, households_per_grid=per_grid).grids
    )
    assert sum(sizes.values()) == -(-households // per_grid)
    assert max(sizes) - min(sizes) <= 1


def test_the_scheme_of_codes():
    plan = split_village(XINZHU, hamlets=[("中安村", 480), ("大村", 40)], households=500, households_per_grid=40)
    zhongan, next_one = plan.hamlets
    assert (zhongan.code - XINZHU, zhongan.code_hi - XINZHU) == (10, 29)
    assert [grid.code - XINZHU for grid in zhongan.grids] == [*range(11, 20), 21, 22, 23]
    assert (next_one.code - XINZHU, [grid.code - XINZHU for grid in next_one.grids]) == (30, [31])
    assert [grid.code - XINZHU for grid in plan.direct] == [*range(1, 10), 41, 42, 43, 44]


@pytest.mark.parametrize(
    ("village", "wrong", "words"),
    [
        ("469021101", {}, "not a village"),
        (XINZHU, {"households_per_grid": 0}, "one or more"),
        (XINZHU, {"households": -1}, "below nought"),
        (XINZHU, {"hamlets": [("中安村", 1), ("中安村", 2)]}, "names, each its own"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(village, wrong, words):
    with pytest.raises(LayoutRefused, match=words):
        split_village(village, **{"households_per_grid": 40, **wrong})


# --------------------------------------------------------------------------------------------------------- periods

days = st.integers(0, 40).map(lambda number: date(2022, 1, 1) + timedelta(number))
periods = st.tuples(days, st.one_of(st.none(), st.integers(1, 15))).map(
    lambda pair: Period(pair[0], None if pair[1] is None else pair[0] + timedelta(pair[1]))
)
CALENDAR = [date(2022, 1, 1) + timedelta(number) for number in range(70)]


@given(periods, periods)
def test_periods_are_sets_of_days(one, other):
    mine, yours = ({day for day in CALENDAR if day in period} for period in (one, other))
    overlap = one.overlap(other)
    assert {day for day in CALENDAR if overlap and day in overlap} == mine & yours
    assert {day for day in CALENDAR if any(day in piece for piece in one.minus(other))} == mine - yours


@given(periods, st.lists(periods, max_size=5))
def test_what_no_taken_period_holds_is_left(wanted, taken):
    left = {day for day in CALENDAR if any(day in piece for piece in uncovered(wanted, taken))}
    assert left == {day for day in CALENDAR if day in wanted and not any(day in one for one in taken)}


def test_a_period_without_a_day_is_refused():
    with pytest.raises(PeriodEmpty, match="no day"):
        Period(date(2022, 7, 1), date(2022, 7, 1))


def test_an_overlay_says_what_it_changes():
    with pytest.raises(OverlayRefused, match="give the name"):
        Overlay("rename", XINZHU, Period(BEGINNING), "report")
    with pytest.raises(OverlayRefused, match="give the code"):
        Overlay("reparent", XINZHU, Period(BEGINNING), "report")


def test_code_ranges_of_the_kit_agree():
    assert own_range(XINZHU) == code_range("469021101201")


def test_a_made_up_map_puts_every_building_somewhere_else_and_near_its_village():
    spots = {spread(110.3, 19.7, compound, building) for compound in range(1, 20) for building in range(31)}
    assert len({(round(lon, 5), round(lat, 5)) for lon, lat in spots}) == 19 * 31
    assert all(abs(lon - 110.3) < 0.02 and abs(lat - 19.7) < 0.02 for lon, lat in spots)
    assert spread(110.3, 19.7, 3, 4) == spread(110.3, 19.7, 3, 4)
