"""Gaps, rest and fitness as tables of cases and as properties."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.kit.clock import local
from lianfang.kit.ids import new_id
from lianfang.response.workforce.rules import (
    Crew,
    EntriesRefused,
    NewShift,
    Presence,
    ShiftAttendance,
    Watch,
    fitness_fault,
    gaps,
    refuse_entries,
    rest_faults,
    shift_fault,
    staffing,
)

ZERO = local("2022-07-13 00:00")


def hour(number: float):
    return ZERO + timedelta(hours=number)


def shift(starts, ends, *present, headcount=1):
    return ShiftAttendance(
        hour(starts), hour(ends), headcount, tuple(Presence(hour(a), hour(b), n) for a, b, n in present)
    )


def told(shifts, until=24.0):
    zero = ZERO
    return [
        (
            (gap.starts_at - zero) / timedelta(hours=1),
            (gap.ends_at - zero) / timedelta(hours=1),
            gap.needed,
            gap.present,
        )
        for gap in gaps(shifts, ZERO, hour(until))
    ]


@pytest.mark.parametrize(
    ("shifts", "expected"),
    [
        ([], [(0, 24, 1, 0)]),
        ([shift(0, 8, (0, 8, 1)), shift(8, 16, (8, 16, 1)), shift(16, 24, (16, 24, 1))], []),
        ([shift(0, 24)], [(0, 24, 1, 0)]),
        ([shift(0, 12, (0, 12, 1)), shift(12, 24, (12.5, 24, 1))], [(12, 12.5, 1, 0)]),
        ([shift(0, 12, (0, 12.5, 1)), shift(12, 24, (12.5, 24, 1))], []),  # relieved late, and waited
        ([shift(0, 24, (0, 24, 1), headcount=2)], [(0, 24, 2, 1)]),
        ([shift(0, 24, (0, 10, 1), (10, 24, 2), headcount=2)], [(0, 10, 2, 1)]),
        ([shift(0, 10, (0, 10, 3)), shift(20, 24, (20, 24, 1))], [(10, 20, 1, 0)]),  # nothing planned is a gap too
        ([shift(0, 24, (0, 6, 1), (6, 24, 1), headcount=1)], []),
        ([shift(-8, 4, (-8, 4, 1)), shift(4, 30, (3, 30, 1))], []),
    ],
)
def test_gaps(shifts, expected):
    assert told(shifts) == expected


def test_staffing_tells_nobody_there_from_too_few():
    seen = staffing([shift(0, 24, (0, 18, 1), (6, 12, 1), headcount=2)], ZERO, hour(24))
    assert (seen.staffed_share, seen.full_share, seen.round_the_clock) == (0.75, 0.25, False)
    short = staffing([shift(0, 24, (0, 24, 1), headcount=2)], ZERO, hour(24))
    assert (short.staffed_share, short.full_share, short.round_the_clock) == (1, 0, True)
    assert staffing([], ZERO, ZERO).round_the_clock is False


HOURS = st.integers(0, 48)
SHIFTS = st.lists(
    st.builds(
        lambda start, length, headcount, present: shift(start, start + length, *present, headcount=headcount),
        HOURS, st.integers(1, 12), st.integers(1, 3),
        st.lists(st.tuples(HOURS, HOURS, st.integers(1, 2)).filter(lambda p: p[0] < p[1]), max_size=3),
    ),
    max_size=5,
)  # fmt: skip


@given(SHIFTS)
def test_gaps_are_the_hours_with_too_few_people_counted_one_by_one(shifts):
    expected = set()
    for number in range(48):
        needed = max(sum(s.headcount for s in shifts if s.starts_at <= hour(number) < s.ends_at), 1)
        present = sum(p.people for s in shifts for p in s.present if p.since <= hour(number) < p.until)
        if present < needed:
            expected.add((number, needed, present))
    found = {
        (number, needed, present)
        for start, end, needed, present in told(shifts, 48)
        for number in range(int(start), int(end))
    }
    assert found == expected


@pytest.mark.parametrize(
    ("watches", "says"),
    [
        ([(0, 12)], []),
        ([(0, 13)], ["13 h"]),
        ([(0, 8), (16, 24)], []),
        ([(0, 8), (12, 20)], ["16 h"]),
        ([(0, 6), (6, 12)], []),
        ([(0, 6), (6, 12), (13, 14)], ["13 h"]),
        ([(0, 8), (6, 10)], ["two shifts at once"]),
        ([(0, 4, True)], []),
        ([(0, 5, True)], ["protective clothing for 5 h"]),
        ([(0, 4, True), (4.25, 5, True)], ["protective clothing for 4.75 h"]),
        ([(0, 4, True), (5, 9, True)], []),
    ],
)
def test_rest(watches, says):
    faults = rest_faults([Watch(hour(w[0]), hour(w[1]), *w[2:]) for w in watches])
    assert [part in fault for part, fault in zip(says, faults, strict=True)] == [True] * len(says)


@given(st.permutations([(0, 8), (8, 12), (20, 32), (30, 36)]))
def test_rest_does_not_depend_on_the_order_of_shifts(order):
    faults = rest_faults([Watch(hour(a), hour(b)) for a, b in order])
    assert faults == rest_faults(sorted(Watch(hour(a), hour(b)) for a, b in order)) != []


@pytest.mark.parametrize(
    ("born", "protective", "rests", "suit", "says"),
    [
        (1990, True, None, True, None),
        (None, True, None, True, None),
        (2004, True, None, False, "not surely 18"),  # perhaps born in December
        (2003, True, None, False, None),
        (1961, True, None, True, "over 60"),
        (1961, True, None, False, None),
        (1962, True, None, True, None),
        (1990, False, None, True, "not cleared"),
        (1990, False, None, False, None),
        (1990, True, date(2022, 7, 14), False, "rests until"),
        (1990, True, date(2022, 7, 13), False, None),
    ],
)
def test_fitness(born, protective, rests, suit, says):
    fault = fitness_fault(born, protective, rests, date(2022, 7, 13), suit)
    assert fault is None if says is None else says in fault


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, None),
        ({"staffs": "kitchen"}, "nothing that is staffed"),
        ({"ends_at": hour(0)}, "ends after it begins"),
        ({"ends_at": hour(25)}, "within 24 hours"),
        ({"headcount": 0}, "at least one person"),
        ({"crews": (Crew(),)}, "one responder or one team"),
        ({"crews": (Crew(new_id(), new_id()),)}, "one responder or one team"),
        ({"crews": (Crew(team=new_id(), people=0),)}, "at least one person"),
    ],
)
def test_what_makes_a_shift(fields, says):
    plain = {"staffs": "checkpoint", "subject": new_id(), "name": "1号卡口", "division_code": 469021101201000, "starts_at": hour(0), "ends_at": hour(8), "role": "checkpoint"}  # fmt: skip
    fault = shift_fault(NewShift(**plain | fields))
    assert fault is None if says is None else says in fault


def test_refused_entries_are_named_by_their_place_and_counted():
    refuse_entries({}, 5)
    with pytest.raises(EntriesRefused, match=r"12 of 20 entries.*entry 1: why 0.*entry 10: why 9; and 2 more"):
        refuse_entries({number: f"why {number}" for number in range(12)}, 20)
