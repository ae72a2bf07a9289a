"""When a laboratory will be through with its tubes, and which one should take the next box: pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from lianfang.kit.clock import at_local, local_date

#: a backlog that takes longer than this is told as never done: the answer is another laboratory, not a date
HORIZON = timedelta(days=14)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Capacity:
    """What a laboratory can do: tubes an hour and a day, its local hours (none of both: round the clock)."""

    tubes_per_hour: int
    tubes_per_day: int
    opens_at: time | None = None
    closes_at: time | None = None


@dataclass(frozen=True)
class Stretch:
    """A time without a break in which a laboratory works, and how many tubes it can do in it."""

    start: datetime
    end: datetime
    tubes: float


def stretches(capacity: Capacity, now: datetime, done_today: int) -> Iterator[Stretch]:
    """Yield the working stretches from now on, one for each day's hours, what was done today taken off the first.

    A day's shift that runs past midnight counts on the day it began.
    """
    day = local_date(now) - timedelta(days=1)
    last = now + HORIZON
    while (opening := _opening(capacity, day)) < last:
        closing = _closing(capacity, day)
        start = max(opening, now)
        if closing > start:
            spent = done_today if opening <= now else 0
            left = max(0, capacity.tubes_per_day - spent)
            tubes = min(capacity.tubes_per_hour * ((closing - start) / HOUR), left)
            yield Stretch(start, closing, tubes)
        day += timedelta(days=1)


def finish(capacity: Capacity, now: datetime, tubes: int, done_today: int = 0) -> datetime | None:
    """Return when so many tubes will be done, or None when not within the horizon."""
    left = float(tubes)
    if left <= 0:
        return now
    for stretch in stretches(capacity, now, done_today):
        if stretch.tubes >= left:
            return stretch.start + left / capacity.tubes_per_hour * HOUR
        left -= stretch.tubes
    return None


def done_by(capacity: Capacity, now: datetime, moment: datetime, done_today: int = 0) -> int:
    """Return how many tubes can be done between now and a moment."""
    total = 0.0
    for stretch in stretches(capacity, now, done_today):
        if stretch.start >= moment:
            break
        share = (min(stretch.end, moment) - stretch.start) / HOUR
        total += min(stretch.tubes, capacity.tubes_per_hour * share)
    return int(total)


def projected_late(capacity: Capacity, now: datetime, dues: Sequence[tuple[datetime, int]], done_today: int = 0) -> int:
    """Return how many tubes of a backlog will be late, if those due first are done first.

    ``dues``: (due, tubes) of the backlog. Tubes whose clock has run out already count.
    """
    late, before = 0, 0
    for due, tubes in sorted(dues):
        possible = done_by(capacity, now, due, done_today)
        late += min(tubes, max(0, before + tubes - possible))
        before += tubes
    return late


def left_today(capacity: Capacity, now: datetime, done_today: int, backlog: int) -> int:
    """Return how many more tubes a laboratory can take and still finish within its present or next working day."""
    first = next(iter(stretches(capacity, now, done_today)), None)
    return max(0, int(first.tubes) - backlog) if first else 0


def _opening(capacity: Capacity, day: date) -> datetime:
    return at_local(day, capacity.opens_at or time())


def _closing(capacity: Capacity, day: date) -> datetime:
    opens, closes = capacity.opens_at, capacity.closes_at
    if opens is None or closes is None:
        return at_local(day + timedelta(days=1))
    return at_local(day if closes > opens else day + timedelta(days=1), closes)
