"""Writing reports: what each unit owes, freezing and revising figures, confirming them; a press report's words."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NoReturn

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duties, reconcile
from lianfang.core.duties.rules import Changes
from lianfang.engines.protocol import load_pack, report_due
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import county_of, unit_range
from lianfang.kit.ids import derived_id
from lianfang.kit.refusals import Refusal
from lianfang.response.command.permissions import READ_COMMAND
from lianfang.response.command.queries import incidents
from lianfang.surfaces.reports.counts import checked_params
from lianfang.surfaces.reports.duties import KIND, desired_reports, unit_id
from lianfang.surfaces.reports.figures import FIGURES, numbers_statement
from lianfang.surfaces.reports.models import DailyReport, Quotation
from lianfang.surfaces.reports.permissions import FREEZE_REPORTS, QUOTE_REPORT, SUBMIT_REPORT
from lianfang.surfaces.reports.rules import (
    ROLE_OF,
    NewQuotation,
    QuotationRefused,
    ReportAlreadySubmitted,
    ReportsFrozenAlready,
    ReportsNotFrozen,
    Running,
    check_comparator,
    read_value,
    reports_due,
)

# One statement for every unit of a county: what the records say per place, added up village by township by county.
FREEZE = f"""
WITH number AS MATERIALIZED ({numbers_statement()}),
total AS (
    SELECT unit.code AS unit, n.code, sum(n.number) AS number FROM number n
    CROSS JOIN LATERAL (SELECT DISTINCT n.division_code / step * step FROM unnest(%(steps)s::bigint[]) AS step) AS unit (code)
    GROUP BY 1, 2
),
report AS (
    SELECT unit.code AS division_code, unit.level, jsonb_object_agg(figure.code, coalesce(t.number, 0)) AS figures,
           coalesce(sum(t.number) FILTER (WHERE figure.event), 0) = 0 AS nil
    FROM territory_division unit
    CROSS JOIN unnest(%(figures)s::text[], %(events)s::boolean[]) AS figure (code, event)
    LEFT JOIN total t ON t.unit = unit.code AND t.code = figure.code
    WHERE unit.level = ANY(%(levels)s) AND unit.code BETWEEN %(lo)s AND %(hi)s AND unit.valid_from <= %(day)s
      AND (unit.valid_until IS NULL OR unit.valid_until > %(day)s)
    GROUP BY unit.code, unit.level
),
former AS (
    SELECT DISTINCT ON (division_code) division_code, revision, figures FROM reports_dailyreport
    WHERE county = %(county)s AND day = %(day)s ORDER BY division_code, revision DESC
)
INSERT INTO reports_dailyreport (county, day, division_code, revision, level, since, as_of, figures, nil, frozen_at,
                                 frozen_by, command)
SELECT %(county)s, %(day)s, r.division_code, coalesce(f.revision, 0) + 1, r.level, %(since)s, %(at)s, r.figures, r.nil,
       %(known_at)s, %(account)s, %(cause)s::uuid
FROM report r LEFT JOIN former f USING (division_code) WHERE f.figures IS DISTINCT FROM r.figures
"""  # noqa: S608 - made of constants

SUBMIT = """
UPDATE reports_dailyreport SET submitted_at = %(valid_at)s, submitted_by = %(account)s, submit_command = %(cause)s::uuid
WHERE (county, day, division_code, revision) = (
        SELECT county, day, division_code, revision FROM reports_dailyreport
        WHERE county = %(county)s AND day = %(day)s AND division_code = %(unit)s ORDER BY revision DESC LIMIT 1)
  AND submitted_at IS NULL
RETURNING revision, nil
"""


def open_reports(*, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None = None) -> Changes:
    """Open the daily reports that the units of a county owe up to the end of the day; repeated, it changes nothing."""
    by.require(FREEZE_REPORTS, county * 10**9)
    with acting(by):
        due = reports_due(_running(by, county), local_date(valid_at))
        changes = reconcile(desired_reports(county, due), by=by, county=county, valid_at=valid_at, cause=cause)
        if changes.opened or changes.cancelled:
            record_audit(
                by, "reports.open_reports", subject=("county", None), division_code=county * 10**9,
                count=changes.opened, cancelled=changes.cancelled,
            )  # fmt: skip
        return changes


def freeze_reports(*, by: Actor, day: date, county: int, valid_at: datetime, cause: uuid.UUID | None = None) -> int:
    """Freeze a day's reports of every unit of a county as of an instant, from the records, and return their number.

    They tell what happened since the reports before (a day back, for the first ones). Raises `ReportsFrozenAlready`.
    """
    _require_county(by, county)
    with acting(by):
        if _period(county, day):
            raise ReportsFrozenAlready(f"The reports of {day} are frozen. Enter what came in later, then revise them.")
        before = DailyReport.objects.filter(county=county, day__lt=day).order_by("-day").values_list("as_of").first()
        since = before[0] if before else valid_at - timedelta(days=1)
        open_reports(by=by, county=county, valid_at=valid_at, cause=cause)
        frozen = _freeze(by, day, county, since, valid_at, cause)
        record_audit(
            by, "reports.freeze_reports", subject=("county", None), division_code=county * 10**9, count=frozen, day=day
        )
        return frozen


def revise_reports(*, by: Actor, day: date, county: int, valid_at: datetime, cause: uuid.UUID | None = None) -> int:
    """Ask the records again about a frozen day, and write a revision for each unit whose figures changed; their number.

    The period stays; only what was learned since makes a difference. Raises `ReportsNotFrozen`.
    """
    _require_county(by, county)
    with acting(by):
        period = _period(county, day)
        if period is None:
            raise ReportsNotFrozen(f"The reports of {day} have not been frozen yet: freeze them first.")
        revised = _freeze(by, day, county, *period, cause)
        record_audit(
            by, "reports.revise_reports", subject=("county", None), division_code=county * 10**9, count=revised, day=day
        )
        return revised


def submit_report(
    *, by: Actor, unit: int, day: date, valid_at: datetime, cause: uuid.UUID | None = None
) -> dict[str, Any]:
    """Confirm the latest revision of a unit's report; a nil report takes no more than this. Returns revision and nil.

    Raises `ReportsNotFrozen` and `ReportAlreadySubmitted`.
    """
    by.require(SUBMIT_REPORT, unit)
    county = county_of(unit)
    with acting(by):
        with connection.cursor() as cursor:
            cursor.execute(
                SUBMIT,
                {"county": county, "day": day, "unit": unit, "valid_at": valid_at, "account": by.account_id,
                 "cause": cause},
            )  # fmt: skip
            row = cursor.fetchone()
        if row is None:
            _refuse_submission(county, unit, day)
        finish_duties(
            [(unit_id(unit), str(day))], kind=KIND.code, by=by, county=county, outcome="nil" if row[1] else "reported",
            valid_at=valid_at, cause=cause,
        )  # fmt: skip
        record_audit(
            by, "reports.submit_report", subject=("report", unit_id(unit)), division_code=unit, day=day,
            revision=row[0], nil=row[1],
        )  # fmt: skip
        return {"revision": row[0], "nil": row[1]}


def quote(
    *,
    by: Actor,
    scenario: str,
    published_at: datetime,
    quotations: Sequence[NewQuotation],
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Enter the words of a press report, each beside the count it is held against; those entered before stay.

    Raises `QuotationRefused`, naming the entry, for a value, comparator, count or question that does not fit.
    """
    by.require(QUOTE_REPORT)
    with acting(by):
        rows = [_quotation(by, scenario, published_at, entry, cause) for entry in quotations]
        before = Quotation.objects.filter(scenario=scenario).count()
        Quotation.objects.bulk_create(rows, ignore_conflicts=True)
        added = Quotation.objects.filter(scenario=scenario).count() - before
        record_audit(by, "reports.quote", subject=("quotation", None), division_code=by.scope.lo, count=added)
        return added


def _quotation(
    by: Actor, scenario: str, published_at: datetime, entry: NewQuotation, cause: uuid.UUID | None
) -> Quotation:
    try:
        check_comparator(entry.comparator, read_value(entry.value))
        params = checked_params(entry.count, entry.params).model_dump(mode="json", exclude_none=True)
        if not entry.quote.strip():
            raise QuotationRefused("it has no words: copy what the report says.")
    except Refusal as fault:
        raise QuotationRefused(f"Quotation “{entry.name}”: {fault}") from None
    return Quotation(
        id=derived_id("quotation", scenario, entry.name), scenario=scenario, name=entry.name, order=entry.order,
        quote=entry.quote, value=entry.value, comparator=entry.comparator, count=entry.count, params=params,
        published_at=published_at, recorded_at=response_now(), account=by.account_id, command=cause,
    )  # fmt: skip


def _require_county(by: Actor, county: int) -> None:
    """Figures added up from part of a county would be wrong without a word: the actor must see all of it."""
    area = unit_range(county * 10**9)
    by.require(FREEZE_REPORTS, area.lo)
    by.require(FREEZE_REPORTS, area.hi)


def _period(county: int, day: date) -> tuple[datetime, datetime] | None:
    frozen = DailyReport.objects.filter(county=county, day=day).values_list("since", "as_of").first()
    return (frozen[0], frozen[1]) if frozen else None


def _freeze(by: Actor, day: date, county: int, since: datetime, at: datetime, cause: uuid.UUID | None) -> int:
    area = unit_range(county * 10**9)
    params: dict[str, Any] = {
        "county": county, "day": day, "since": since, "at": at, "known_at": response_now(), "lo": area.lo, "hi": area.hi,
        "account": by.account_id, "cause": cause, "steps": [10**3, 10**6, 10**9], "levels": list(ROLE_OF),
        "figures": [figure.code for figure in FIGURES], "events": [figure.event for figure in FIGURES],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(FREEZE, params)
        return int(cursor.rowcount)


def _running(by: Actor, county: int) -> list[Running]:
    # Which reports are owed follows from the incidents, not from who happens to act and what that post may read.
    reader = Actor(by.account_id, by.grant_id, by.role, by.line, unit_range(county * 10**9), frozenset({READ_COMMAND}))
    found = [one for one in incidents(by=reader, current=False) if one.county == county]
    return [
        Running(
            one.declared_at, one.closed_at,
            report_due(load_pack(one.pack, overlays=one.overlays, on=local_date(one.declared_at)), "daily_report"),
        )
        for one in found
    ]  # fmt: skip


def _refuse_submission(county: int, unit: int, day: date) -> NoReturn:
    if DailyReport.objects.filter(county=county, day=day, division_code=unit).exists():
        raise ReportAlreadySubmitted(f"The report of {day} was confirmed before. Nothing more is needed.")
    raise ReportsNotFrozen(f"There is no report of {unit} for {day} yet: the county freezes it at the day's hour.")
