"""The queueing model against a simulation that follows every single person."""

import heapq
import random
from itertools import pairwise
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.engines.planning.queues import (
    Backlog,
    Call,
    Station,
    backlog,
    chance_wait,
    expected_waits,
    largest_call,
    measured,
    pace,
)

TEN_MINUTES = 600.0
SITE = Station(tables=4, service=30, spread=480, tube_people=10, tube_change=60)
stations = st.builds(
    Station, tables=st.integers(1, 12), service=st.floats(15, 90), spread=st.floats(240, 720),
    tube_people=st.sampled_from([1, 10, 20]), tube_change=st.floats(0, 90), variation=st.floats(0, 1),
    load=st.floats(0.5, 0.95),
)  # fmt: skip


def simulated(calls, station, *, waiting=0, runs=60, seed=1):
    """Mean seconds from call to sample of each call's people, each walking, standing in line and being served."""
    luck = random.Random(seed)
    sums, counts = [0.0] * len(calls), [0] * len(calls)
    for _ in range(runs):
        people = [
            (call.at + luck.random() * station.spread, n) for n, call in enumerate(calls) for _ in range(call.people)
        ]
        arrivals = [(0.0, -1)] * waiting + sorted(people)
        free, filled = [(0.0, table) for table in range(station.tables)], [0] * station.tables
        heapq.heapify(free)
        for came, of in arrivals:
            ready, table = heapq.heappop(free)
            done = max(ready, came) + drawn(luck, station)
            filled[table] += 1
            change = station.tube_change if filled[table] % station.tube_people == 0 else 0.0
            heapq.heappush(free, (done + change, table))
            if of >= 0:
                sums[of] += done - calls[of].at
                counts[of] += 1
    return [total / count for total, count in zip(sums, counts, strict=True)]


def drawn(luck, station):
    if not station.variation:
        return station.service
    shape = 1 / station.variation**2
    return luck.gammavariate(shape, station.service / shape)


@pytest.mark.parametrize("tables", [1, 2, 4, 8])
@pytest.mark.parametrize("service", [20, 40])
@pytest.mark.parametrize("size", [15, 40, 80])
def test_the_model_agrees_with_people_followed_one_by_one(tables, service, size):
    station = Station(tables=tables, service=service, spread=480, tube_people=10, tube_change=60)
    calls = pace([size] * max(4, 1200 // size), station)
    said, seen = fmean(expected_waits(calls, station)), fmean(simulated(calls, station, runs=30))
    assert said == pytest.approx(seen, rel=0.1)


def test_a_line_that_stood_before_is_counted():
    calls = [Call(0, 60), Call(700, 60)]
    said, seen = expected_waits(calls, SITE, waiting=80), simulated(calls, SITE, waiting=80, runs=200)
    assert said == pytest.approx(seen, rel=0.1)
    assert said[0] > expected_waits(calls, SITE)[0] + 200


@pytest.mark.parametrize("tables", [2, 4, 8])
def test_calls_of_the_largest_size_keep_to_ten_minutes(tables):
    station = Station(tables=tables, service=30, spread=480, tube_people=10, tube_change=60)
    size = largest_call(station, TEN_MINUTES)
    calls = pace([size] * 12, station)
    assert max(expected_waits(calls, station)) == pytest.approx(TEN_MINUTES, rel=0.1)
    assert fmean(simulated(calls, station)) == pytest.approx(TEN_MINUTES, rel=0.1)


def test_everybody_called_at_once_waits_for_hours():
    calls = [Call(0, 1200)]
    said, seen = expected_waits(calls, SITE), simulated(calls, SITE, runs=10)
    assert said == pytest.approx(seen, rel=0.05)
    assert said[0] > 4 * TEN_MINUTES


@given(st.lists(st.integers(1, 200), min_size=1, max_size=30), stations, st.floats(0, 300))
def test_a_plan_keeps_order_and_its_load(sizes, station, waiting):
    calls = pace(sizes, station, waiting=waiting)
    assert [call.people for call in calls] == sizes
    assert all(b.at > a.at for a, b in pairwise(calls))
    taken = (calls[-1].at - calls[0].at) * station.rate * station.load
    assert taken == pytest.approx(sum(sizes[:-1]), rel=1e-6, abs=1e-6)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=12), stations, st.floats(0, 300))
def test_the_line_is_never_shorter_than_empty_and_all_are_served(sizes, station, waiting):
    line = backlog(pace(sizes, station, waiting=waiting), station, waiting=waiting)
    assert min(line.people) >= 0 and line.people[-1] == pytest.approx(0, abs=1e-6)
    assert line.people[0] == waiting
    # nobody is served faster than the tables can
    assert line.times[-1] >= (sum(sizes) + waiting) / station.rate - station.spread - 1


@given(st.lists(st.integers(1, 100), min_size=1, max_size=8), stations, st.integers(1, 100))
def test_more_people_in_line_never_shorten_a_wait(sizes, station, more):
    calls = pace(sizes, station)
    before, after = expected_waits(calls, station), expected_waits(calls, station, waiting=more)
    assert all(b >= a - 1e-6 for a, b in zip(before, after, strict=True))


@given(stations)
def test_chance_adds_more_the_fuller_the_tables_are(station):
    fuller = Station(**{**vars(station), "load": station.load + (1 - station.load) / 2})
    assert 0 < chance_wait(station, 1000) <= chance_wait(fuller, 1000)
    assert chance_wait(station, 1) <= chance_wait(station, 1000)
    assert chance_wait(station, 0) == 0


def test_a_line_is_straight_between_its_moments():
    line = Backlog((0.0, 10.0, 20.0), (0.0, 10.0, 0.0))
    assert [line.at(t) for t in (-5, 0, 5, 10, 15, 20, 99)] == [0, 0, 5, 10, 5, 0, 0]


def test_what_was_served_measures_the_tables():
    seen = measured(SITE, served=120, seconds=1800)
    assert seen.rate == pytest.approx(120 / 1800)
    assert measured(SITE, served=9, seconds=1800) == SITE
    assert measured(SITE, served=10**6, seconds=1).service == 1


@pytest.mark.parametrize(
    "wrong", [{"tables": 0}, {"service": 0}, {"spread": 0}, {"tube_change": -1}, {"load": 1}, {"tube_people": 0}]
)
def test_a_station_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=r"needs|are above|leaves"):
        Station(**{**vars(SITE), **wrong})
