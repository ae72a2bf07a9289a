"""When a laboratory will be through: pure."""

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.kit.clock import local
from lianfang.response.specimens.capacity import HORIZON, Capacity, done_by, finish, left_today, projected_late

NOON = local("2022-07-14 12:00")
CLOCK = Capacity(100, 1000)
DAYTIME = Capacity(100, 1000, time(8), time(18))
NIGHT = Capacity(100, 1000, time(20), time(6))


@pytest.mark.parametrize(
    ("capacity", "now", "tubes", "done", "at"),
    [
        (CLOCK, "12:00", 250, 0, "2022-07-14 14:30"),
        (CLOCK, "12:00", 0, 0, "2022-07-14 12:00"),
        (CLOCK, "12:00", 300, 800, "2022-07-15 01:00"),
        (DAYTIME, "12:00", 600, 0, "2022-07-14 18:00"),
        (DAYTIME, "12:00", 601, 0, "2022-07-15 08:00:36"),
        (DAYTIME, "20:00", 100, 900, "2022-07-15 09:00"),
        (NIGHT, "12:00", 100, 0, "2022-07-14 21:00"),
        (NIGHT, "03:00", 400, 0, "2022-07-14 21:00"),
    ],
)
def test_the_backlog_is_done_within_the_hours_and_the_day(capacity, now, tubes, done, at):
    assert finish(capacity, local(f"2022-07-14 {now}"), tubes, done) == local(at)


def test_what_takes_longer_than_two_weeks_is_never_done():
    assert finish(CLOCK, NOON, 1000 * 20) is None


CAPACITIES = st.builds(
    lambda hour, day, hours: Capacity(hour, hour * day, *hours),
    st.integers(1, 200), st.integers(1, 24), st.sampled_from([(None, None), (time(8), time(18)), (time(22), time(6))]),
)  # fmt: skip


@given(CAPACITIES, st.integers(1, 20_000), st.integers(0, 500))
def test_what_is_finished_by_then_is_done_by_then(capacity, tubes, done):
    at = finish(capacity, NOON, tubes, done)
    if at is None:
        assert done_by(capacity, NOON, NOON + HORIZON, done) < tubes
    else:
        assert done_by(capacity, NOON, at + timedelta(seconds=1), done) >= tubes - 1
        assert done_by(capacity, NOON, at - timedelta(minutes=1), done) <= tubes


@given(CAPACITIES, st.lists(st.tuples(st.integers(-5, 60), st.integers(1, 300)), max_size=8))
def test_late_tubes_are_no_more_than_the_backlog_and_those_overdue_count(capacity, hours):
    dues = [(NOON + timedelta(hours=hour), tubes) for hour, tubes in hours]
    late = projected_late(capacity, NOON, dues)
    overdue = sum(tubes for hour, tubes in hours if hour <= 0)
    assert overdue <= late <= sum(tubes for _, tubes in hours)


@given(CAPACITIES, st.lists(st.tuples(st.integers(1, 60), st.integers(1, 300)), min_size=1, max_size=8))
def test_nothing_is_late_exactly_when_every_due_time_can_be_kept(capacity, hours):
    dues = sorted((NOON + timedelta(hours=hour), tubes) for hour, tubes in hours)
    sums = [sum(tubes for due, tubes in dues if due <= moment) for moment, _ in dues]
    kept = all(done_by(capacity, NOON, due) >= total for (due, _), total in zip(dues, sums, strict=True))
    assert (projected_late(capacity, NOON, dues) == 0) == kept


def test_a_laboratory_takes_no_more_than_its_day_still_holds():
    assert left_today(DAYTIME, NOON, 0, 100) == 500
    assert left_today(DAYTIME, NOON, 900, 50) == 50
    assert left_today(DAYTIME, NOON, 1000, 50) == 0
