"""When a count agrees with a report's words, whether a report is nil, and how two revisions differ: pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from lianfang.kit.clock import LOCAL, at_local, local, local_date
from lianfang.kit.refusals import Conflict, NotFound, Refusal

EQUAL, AT_LEAST, AT_MOST, ABOUT = COMPARATORS = ("=", ">=", "<=", "~")
#: "about" allows a tenth of the report's own value on either side
TOLERANCE = 0.1
#: who answers for the daily report of a unit, by its level
ROLE_OF = {"village": "community", "township": "township", "county": "commander"}

#: what a count answers: a number of records, or the instant that a record tells; nothing when there is no record
Value = int | float | datetime | None


class QuotationRefused(Refusal):
    """A quotation that cannot be compared with anything."""


class CountUnknown(NotFound):
    """No count has this code."""


class CountRefused(Refusal):
    """A count was asked with values it cannot take."""


class ReportsNotFrozen(NotFound):
    """The reports of a day, or of a unit on it, have not been frozen."""


class ReportsFrozenAlready(Conflict):
    """The reports of a day were frozen before: what is known now goes into a revision."""


class ReportAlreadySubmitted(Conflict):
    """Somebody confirmed this revision of the report before."""


@dataclass(frozen=True)
class NewQuotation:
    """One figure of a press report as it is entered: its words, its value, and the count to hold it against."""

    __pydantic_config__ = {"extra": "forbid"}
    name: str
    order: int
    quote: str
    value: str
    comparator: str
    count: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One figure of a report that a revision changed."""

    code: str
    before: int
    after: int

    @property
    def by(self) -> int:
        """Return how much more (or less, negative) there is now."""
        return self.after - self.before


def read_value(text: str) -> int | float | datetime:
    """Read a report's value: a number (``2000``, ``16.5``) or a local time to the minute (``2022-07-14 12:59``)."""
    bare = text.strip().replace(",", "")
    try:
        number = float(bare)
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return int(number) if number.is_integer() else number
    try:
        return local(text.strip())
    except ValueError:
        raise QuotationRefused(
            f"“{text}” is neither a number nor a local time such as 2022-07-14 12:59. Write what the report says as one."
        ) from None


def agrees(counted: Value, comparator: str, value: int | float | datetime) -> bool:
    """Say whether a count agrees with a report's value: ``=``, ``>=``, ``<=``, or ``~`` (within a tenth of the value).

    Instants are compared to the minute. Nothing counted agrees with nothing. Raises `QuotationRefused` for a
    comparator that does not fit.
    """
    check_comparator(comparator, value)
    if counted is None or isinstance(counted, datetime) != isinstance(value, datetime):
        return False
    if isinstance(counted, datetime):
        counted, value = counted.timestamp() // 60, value.timestamp() // 60  # type: ignore[union-attr]
    assert not isinstance(value, datetime)
    if comparator == ABOUT:
        # rounded, so that exactly a tenth away is still within it
        return round(abs(counted - value), 9) <= round(abs(value) * TOLERANCE, 9)
    return {EQUAL: counted == value, AT_LEAST: counted >= value, AT_MOST: counted <= value}[comparator]


def check_comparator(comparator: str, value: int | float | datetime) -> None:
    """Raise `QuotationRefused` unless a comparator is known and can compare such a value."""
    if comparator not in COMPARATORS:
        raise QuotationRefused(f"“{comparator}” is no comparator. Use one of: {'  '.join(COMPARATORS)}.")
    if comparator == ABOUT and isinstance(value, datetime):
        raise QuotationRefused("An instant is told to the minute: compare it with =, >= or <=, not with ~.")


def value_text(value: Value) -> str:
    """Return a value as lists and exports show it: instants in local time to the minute, nothing for nothing."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M")
    return str(value)


def differences_between(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[Change, ...]:
    """Return every figure that two revisions of a report tell differently, in the later one's order.

    A figure that only one of them has counts as 0 in the other.
    """
    codes = [*after, *(code for code in before if code not in after)]
    changes = (Change(code, before.get(code, 0), after.get(code, 0)) for code in codes)
    return tuple(change for change in changes if change.by)


def earlier(one: datetime, other: datetime | None) -> datetime:
    """Return the earlier of two instants; an open end never comes first."""
    return one if other is None else min(one, other)


#: before every record there is
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Running:
    """An incident as far as reports are concerned: from when until when it ran, and the hour its pack asks for."""

    since: datetime
    until: datetime | None
    hour: timedelta


def reports_due(incidents: Iterable[Running], up_to: date) -> dict[date, datetime]:
    """Return day → when its report is due, for every day up to one on which an incident ran when it fell due.

    Where several run, the earliest hour holds: one report a day tells all.
    """
    due: dict[date, datetime] = {}
    for incident in incidents:
        day = local_date(incident.since)
        while day <= up_to and (incident.until is None or at_local(day) + incident.hour <= incident.until):
            at = at_local(day) + incident.hour
            if at > incident.since:
                due[day] = earlier(at, due.get(day))
            day += timedelta(days=1)
    return due
