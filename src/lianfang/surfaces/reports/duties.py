"""While an incident runs, every unit of the chain owes a report each day, by the hour of the protocol, nil included."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime

from lianfang.core.duties.rules import Desired, Kind
from lianfang.kit.clock import at_local
from lianfang.kit.codes import unit_range
from lianfang.surfaces.reports.rules import ROLE_OF

KIND = Kind(
    "daily_report", "日报告（零报告）", "daily report, nil included", "reports", ("reported", "nil"), rank=35,
    command="submit_report",
)  # fmt: skip
KINDS: tuple[Kind, ...] = (KIND,)

# Units are those that stood on each day, so that a unit put elsewhere later still owes what it owed then.
QUERY = """
SELECT 'division', lpad(to_hex(unit.code), 32, '0')::uuid, 'daily_report', day.day::text, unit.code, of_level.role, NULL::uuid,
       'daily and nil report', lpad(to_hex(unit.code), 32, '0')::uuid, day.opens_at, day.due_at
FROM unnest(%(days)s::date[], %(opens)s::timestamptz[], %(dues)s::timestamptz[]) AS day (day, opens_at, due_at)
JOIN territory_division unit ON unit.code BETWEEN %(lo)s AND %(hi)s AND unit.valid_from <= day.day
     AND (unit.valid_until IS NULL OR unit.valid_until > day.day)
JOIN unnest(%(levels)s::text[], %(roles)s::text[]) AS of_level (level, role) ON of_level.level = unit.level
"""


def unit_id(code: int) -> uuid.UUID:
    """Return the id that stands for a unit (15-digit code) where a duty needs one: the code itself."""
    return uuid.UUID(int=code)


def desired_reports(county: int, due: Mapping[date, datetime]) -> Desired:
    """Return the reports owed in a county on the days of ``due`` (day → when it is due)."""
    area = unit_range(county * 10**9)
    params: dict[str, object] = {
        "lo": area.lo, "hi": area.hi, "days": list(due), "opens": [at_local(day) for day in due],
        "dues": list(due.values()), "levels": list(ROLE_OF), "roles": list(ROLE_OF.values()),
    }  # fmt: skip
    return Desired((KIND.code,), QUERY, params, reason="no incident ran on that day")
