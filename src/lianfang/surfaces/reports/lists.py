"""A figure with its list: columns, rows read a page at a time, and the value that the rows make."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import read_rows
from lianfang.core.territory.queries import range_of
from lianfang.core.territory.rules import DivisionUnknown
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import CodeRange
from lianfang.response.command.queries import county_in_view
from lianfang.surfaces.reports.figures import DailyFigure, list_statement, total_statement
from lianfang.surfaces.reports.permissions import READ_REPORTS
from lianfang.surfaces.reports.rules import CountRefused, Value

Row = TypeVar("Row")


@dataclass(frozen=True)
class Heading:
    """A column's titles; ``look`` is text, number, time (instant), day or code (a word to be translated)."""

    zh: str
    en: str
    look: str = "text"


@dataclass(frozen=True)
class Cell:
    """One value of a row and, where it leads to a record, that record's kind and id."""

    value: Any
    link: str = ""
    link_id: uuid.UUID | int | str | None = None


@dataclass(frozen=True)
class CountedList:
    """What a count found: ``value`` is the number of rows unless the count measures something on them.

    ``read`` (limit, offset) returns rows in the list's order, each a tuple of cells as long as ``columns``.
    """

    columns: tuple[Heading, ...]
    total: int
    read: Callable[[int, int], list[tuple[Cell, ...]]]
    value: Value

    def rows(self) -> list[tuple[Cell, ...]]:
        """Return the whole list."""
        return self.read(self.total, 0)


@dataclass(frozen=True)
class Shown(Generic[Row]):
    """One column over the rows of a room's query: titles, how to read it, and the record that it leads to."""

    zh: str
    en: str
    read: Callable[[Row], Any]
    look: str = "text"
    link: str = ""
    link_id: Callable[[Row], Any] = lambda row: None

    def cell(self, row: Row) -> Cell:
        """Return this column's cell of a row."""
        return Cell(self.read(row), self.link, self.link_id(row) if self.link else None)


def headings(columns: Sequence[Shown[Any]]) -> tuple[Heading, ...]:
    """Return the headings of columns."""
    return tuple(Heading(column.zh, column.en, column.look) for column in columns)


def listed(
    rows: Sequence[Row], columns: Sequence[Shown[Row]], *, value: Value = None, measured: bool = False
) -> CountedList:
    """Return the list of rows already in hand; ``measured``: the value is the one given, not the number of rows."""
    return CountedList(
        headings(columns), len(rows),
        lambda limit, offset: [tuple(column.cell(row) for column in columns) for row in rows[offset : offset + limit]],
        value if measured else len(rows),
    )  # fmt: skip


def narrowed(by: Actor, place: int | None, at: datetime) -> Actor:
    """Return the actor seeing no more than a place (a division's code) of their own area, and refuse a place outside it."""
    by.require(READ_REPORTS)
    if place is None:
        return by
    span = place_range(place, at)
    by.require(READ_REPORTS, span.lo)
    by.require(READ_REPORTS, span.hi)
    return replace(by, scope=span)


def place_range(place: int, at: datetime) -> CodeRange:
    """Return the codes of a division as it stood at an instant; raises `CountRefused` when there was none."""
    try:
        return range_of(place, local_date(at))
    except (DivisionUnknown, ValueError) as fault:
        raise CountRefused(f"place: {fault}") from None


def figure_list(figure: DailyFigure, *, by: Actor, since: datetime, until: datetime, known_at: datetime) -> CountedList:
    """Return the list behind a daily figure for the actor's whole range; asks for the room's own permission."""
    by.require(figure.permission)
    params = {
        "county": county_in_view(by), "since": since, "at": until, "known_at": known_at, "day": local_date(until),
        "lo": by.scope.lo, "hi": by.scope.hi,
    }  # fmt: skip

    def read(limit: int, offset: int) -> list[tuple[Cell, ...]]:
        rows = read_rows(by, list_statement(figure), params | {"limit": limit, "offset": offset})
        return [_figure_row(figure, row) for row in rows]

    total, value = read_rows(by, total_statement(figure), params)[0]
    columns = (Heading("地点", "place"), *(Heading(column.zh, column.en, column.look) for column in figure.columns))
    return CountedList(columns, total, read, value)


def _figure_row(figure: DailyFigure, row: Sequence[Any]) -> tuple[Cell, ...]:
    name, code, *values = row
    cells = [
        Cell(values[2 * number], column.link, values[2 * number + 1]) for number, column in enumerate(figure.columns)
    ]
    return (Cell(name or code), *cells)


def now_or(at: datetime | None) -> datetime:
    """Return an instant, or the response clock's now."""
    return at or response_now()
