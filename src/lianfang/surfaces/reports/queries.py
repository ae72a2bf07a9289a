"""Reading reports: a unit's report and what its revisions changed, who has not reported, the situation, press figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import connection
from django.db.models import Max
from django.urls import reverse

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import local_date
from lianfang.kit.codes import county_of
from lianfang.response.command.queries import county_in_view
from lianfang.surfaces.reports.counts import counted, list_query
from lianfang.surfaces.reports.figures import BY_CODE, FIGURES, numbers_statement
from lianfang.surfaces.reports.lists import narrowed, now_or
from lianfang.surfaces.reports.models import DailyReport, Quotation
from lianfang.surfaces.reports.permissions import READ_REPORTS
from lianfang.surfaces.reports.rules import (
    Change,
    CountUnknown,
    ReportsNotFrozen,
    Value,
    agrees,
    differences_between,
    read_value,
)

# Every unit that owes a report on the day, by the duty that says so, with the latest revision and its confirmation.
STATUS = """
SELECT d.division_code, unit.name, unit.level, d.role, d.due_at, latest.revision, latest.nil,
       confirmed.submitted_at, d.due_at < %(at)s AND confirmed.submitted_at IS NULL
FROM duties_duty d
JOIN territory_division unit ON unit.code = d.division_code AND unit.valid_from <= %(day)s
     AND (unit.valid_until IS NULL OR unit.valid_until > %(day)s)
LEFT JOIN LATERAL (
    SELECT r.revision, r.nil FROM reports_dailyreport r
    WHERE r.county = d.county AND r.day = %(day)s AND r.division_code = d.division_code AND r.frozen_at <= %(at)s
    ORDER BY r.revision DESC LIMIT 1
) AS latest ON true
LEFT JOIN LATERAL (
    SELECT min(r.submitted_at) AS submitted_at FROM reports_dailyreport r
    WHERE r.county = d.county AND r.day = %(day)s AND r.division_code = d.division_code AND r.submitted_at <= %(at)s
) AS confirmed ON true
WHERE d.county = %(county)s AND d.kind = 'daily_report' AND d.period = %(day)s::text AND d.state <> 'cancelled'
  AND d.recorded_at <= %(at)s AND d.division_code BETWEEN %(lo)s AND %(hi)s {where}
ORDER BY CASE unit.level WHEN 'county' THEN 1 WHEN 'township' THEN 2 ELSE 3 END, d.division_code
"""
MISSING = "AND confirmed.submitted_at IS NULL"

SITUATION = f"""
WITH number AS ({numbers_statement()})
SELECT code, coalesce(sum(number), 0)::bigint FROM number GROUP BY code
"""  # noqa: S608 - made of constants


@dataclass(frozen=True)
class FigureRow:
    """One figure of a report or of the situation, in both languages, with the address of its list."""

    code: str
    zh: str
    en: str
    value: int
    list_url: str


@dataclass(frozen=True)
class Report:
    """A unit's report as frozen: one revision."""

    division_code: int
    level: str
    day: date
    revision: int
    latest: int
    since: datetime
    as_of: datetime
    frozen_at: datetime
    nil: bool
    submitted_at: datetime | None
    figures: tuple[FigureRow, ...]


@dataclass(frozen=True)
class Difference:
    """What one revision of a report changed against the one before it."""

    revision: int
    frozen_at: datetime
    code: str
    zh: str
    en: str
    before: int
    after: int


@dataclass(frozen=True)
class ReportStatus:
    """Whether a unit that owes a report has one and has confirmed it; ``late``: the hour passed without that."""

    division_code: int
    name: str
    level: str
    role: str
    due_at: datetime
    revision: int | None
    nil: bool | None
    submitted_at: datetime | None
    late: bool


@dataclass(frozen=True)
class Figure:
    """A press report's words beside what the records count; ``agrees`` is judged by the comparator."""

    id: str
    order: int
    quote: str
    value: str
    comparator: str
    count: str
    counted: Value
    agrees: bool
    list_url: str


def report(*, by: Actor, unit: int, day: date, revision: int | None = None) -> Report:
    """Return a unit's report of a day: the revision asked for, else the latest. Raises `ReportsNotFrozen`."""
    by.require(READ_REPORTS, unit)
    revisions = _revisions(by, unit, day)
    found = next((row for row in revisions if revision in (None, row.revision)), None)
    if found is None:
        raise ReportsNotFrozen(f"There is no such report of {unit} for {day}. Choose one from the day's list.")
    return Report(
        unit, found.level, day, found.revision, revisions[0].revision, found.since, found.as_of, found.frozen_at,
        found.nil, found.submitted_at, _figure_rows(found.figures, unit, found.since, found.as_of, found.frozen_at),
    )  # fmt: skip


def differences(*, by: Actor, unit: int, day: date) -> list[Difference]:
    """List what each revision of a unit's report changed, the latest revision first."""
    by.require(READ_REPORTS, unit)
    revisions = _revisions(by, unit, day)
    return [
        Difference(later.revision, later.frozen_at, change.code, *_names(change), change.before, change.after)
        for later, former in pairwise(revisions)
        for change in differences_between(former.figures, later.figures)
    ]


def report_statuses(*, by: Actor, day: date, at: datetime | None = None) -> list[ReportStatus]:
    """List every unit of the actor's area that owes a report on a day, the county first."""
    return _statuses(by, day, at, "")


def missing_reports(*, by: Actor, day: date, at: datetime | None = None) -> list[ReportStatus]:
    """List the units that have confirmed no report of a day by an instant: who has not reported."""
    return _statuses(by, day, at, MISSING)


def situation(
    *, by: Actor, at: datetime | None = None, since: datetime | None = None, place: int | None = None
) -> list[FigureRow]:
    """Return every figure of a daily report at an instant for the actor's area (or a place of it), each with its list.

    What happens is counted since ``since``: a day back unless told.
    """
    instant = now_or(at)
    begin = since or instant - timedelta(days=1)
    hand = narrowed(by, place, instant)
    params: dict[str, Any] = {
        "county": county_in_view(hand), "since": begin, "at": instant, "known_at": instant, "day": local_date(instant),
        "lo": hand.scope.lo, "hi": hand.scope.hi,
    }  # fmt: skip
    with acting(hand), connection.cursor() as cursor:
        cursor.execute(SITUATION, params)
        numbers = dict(cursor.fetchall())
    values = {figure.code: numbers.get(figure.code, 0) for figure in FIGURES}
    return list(_figure_rows(values, place, begin, instant, instant))


def scenarios(*, by: Actor) -> list[tuple[str, int]]:
    """List the press reports that are quoted: (scenario, number of figures)."""
    by.require(READ_REPORTS)
    with acting(by):
        rows = Quotation.objects.values("scenario").annotate(figures=Max("order")).order_by("scenario")
        names = [row["scenario"] for row in rows]
        return [(name, Quotation.objects.filter(scenario=name).count()) for name in names]


def figures(*, by: Actor, scenario: str, at: datetime | None = None) -> list[Figure]:
    """Count every figure that a press report quotes, as known at an instant, beside its words and in their order."""
    by.require(READ_REPORTS)
    with acting(by):
        return [
            _figure(quotation, by, at) for quotation in Quotation.objects.filter(scenario=scenario).order_by("order")
        ]


def quotation_of(*, by: Actor, scenario: str, id: str) -> Quotation:
    """Return one quotation of a scenario by its id; raises `CountUnknown` naming those there are."""
    by.require(READ_REPORTS)
    with acting(by):
        found = {row.name: row for row in Quotation.objects.filter(scenario=scenario)}
    if id not in found:
        raise CountUnknown(f"“{scenario}” has no figure “{id}”. It has: {', '.join(found)}.")
    return found[id]


def list_url(code: str, asked: Mapping[str, Any], at: datetime | None = None) -> str:
    """Return the address of a count's list, at an instant if one is given."""
    query = list_query(dict(asked) | ({"at": at.isoformat()} if at else {}))
    return reverse("count", args=[code]) + (f"?{query}" if query else "")


def _figure(quotation: Quotation, by: Actor, at: datetime | None) -> Figure:
    value = counted(quotation.count, by=by, at=at, **quotation.params).value
    return Figure(
        quotation.name, quotation.order, quotation.quote, quotation.value, quotation.comparator, quotation.count, value,
        agrees(value, quotation.comparator, read_value(quotation.value)), list_url(quotation.count, quotation.params, at),
    )  # fmt: skip


def _revisions(by: Actor, unit: int, day: date) -> list[DailyReport]:
    with acting(by):
        rows = DailyReport.objects.filter(county=county_of(unit), day=day, division_code=unit)
        return list(rows.order_by("-revision"))


def _figure_rows(
    values: Mapping[str, int], place: int | None, since: datetime, until: datetime, known_at: datetime
) -> tuple[FigureRow, ...]:
    period = {"since": since.isoformat(), "until": until.isoformat(), "known_at": known_at.isoformat()}
    asked = ({} if place is None else {"place": place}) | period
    return tuple(
        FigureRow(one.code, one.zh, one.en, values[one.code], list_url(one.code, asked))
        for one in FIGURES
        if one.code in values
    )


def _names(change: Change) -> tuple[str, str]:
    known = BY_CODE.get(change.code)
    return (known.zh, known.en) if known else (change.code, change.code)


def _statuses(by: Actor, day: date, at: datetime | None, where: str) -> list[ReportStatus]:
    by.require(READ_REPORTS)
    params: dict[str, Any] = {
        "county": county_in_view(by), "day": day, "at": now_or(at), "lo": by.scope.lo, "hi": by.scope.hi,
    }  # fmt: skip
    with acting(by), connection.cursor() as cursor:
        cursor.execute(STATUS.format(where=where), params)
        return [ReportStatus(*row) for row in cursor.fetchall()]
