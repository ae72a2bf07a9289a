"""The two clocks.

The *response clock* dates duties, quarantine legs, zones and reports; replays move it. The *machine clock* dates
sessions, jobs, rate limits and ids and is never moved. No SQL statement of ours calls ``now()``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Shanghai")

_moved: ContextVar[datetime | None] = ContextVar("response_clock", default=None)
_offset: ContextVar[timedelta] = ContextVar("response_clock_offset", default=timedelta())


def machine_now() -> datetime:
    """Return the real time of this machine, in UTC."""
    return datetime.now(UTC)


def machine_seconds() -> float:
    """Return the real time of this machine as seconds since 1970."""
    return machine_now().timestamp()


def response_now() -> datetime:
    """Return the time of the response, in UTC: the machine's, unless a replay or drill has moved it."""
    return _moved.get() or machine_now() + _offset.get()


@contextmanager
def clock_at(instant: datetime) -> Iterator[None]:
    """Hold the response clock still at an instant (timezone-aware) for the length of a block."""
    if instant.tzinfo is None:
        raise ValueError("the response clock needs a time zone")
    token = _moved.set(instant)
    try:
        yield
    finally:
        _moved.reset(token)


@contextmanager
def clock_offset(offset: timedelta) -> Iterator[None]:
    """Run the response clock ahead of (or behind) the machine clock by an offset for the length of a block."""
    token = _offset.set(offset)
    try:
        yield
    finally:
        _offset.reset(token)


def local(text: str) -> datetime:
    """Read a local (Asia/Shanghai) time such as ``2022-07-13 08:30`` or a date, and return an aware datetime."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=LOCAL) if moment.tzinfo is None else moment


def local_date(instant: datetime) -> date:
    """Return the calendar day in China on which an instant falls."""
    return instant.astimezone(LOCAL).date()


def at_local(day: date, clock: time = time()) -> datetime:
    """Return the instant at which a wall clock in China shows ``clock`` on ``day``."""
    return datetime.combine(day, clock, LOCAL)
