"""Reading zones as they stood at an instant, who is under them, and the level of a place."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import read_rows
from lianfang.kit.clock import response_now
from lianfang.response.zones import permissions as may

# A zone is in force from its last decision until that decision's end, unless it was lifted.
LIVE = """
live AS MATERIALIZED (
    SELECT z.*, h.to_level, h.rank AS rank_then, h.valid_at AS since, h.ends_at AS ends_then, h.reason AS reason_then
    FROM zones_zone z
    JOIN LATERAL (SELECT * FROM zones_zonehistory h WHERE h.zone_id = z.id AND h.valid_at <= %(at)s
                  AND h.recorded_at <= %(known_at)s ORDER BY h.valid_at DESC, h.recorded_at DESC LIMIT 1) h
         ON h.decision <> 'lifted' AND h.ends_at > %(at)s
    WHERE %(incident)s::uuid IS NULL OR z.incident = %(incident)s
), area AS MATERIALIZED (
    SELECT live.id AS zone, live.rank_then, a.code_lo, a.code_hi, a.building FROM live JOIN zones_zonearea a ON a.zone_id = live.id
)
"""

# Everybody present counts in the strictest zone they are in, and only there.
UNDER = """
FROM area a JOIN people_resident r ON r.present_code BETWEEN a.code_lo AND a.code_hi AND r.merged_into IS NULL
WHERE (a.building IS NULL OR EXISTS (SELECT FROM people_household h WHERE h.id = r.household AND h.building = a.building))
  AND NOT EXISTS (
      SELECT FROM area s WHERE s.rank_then > a.rank_then AND r.present_code BETWEEN s.code_lo AND s.code_hi
      AND (s.building IS NULL OR EXISTS (SELECT FROM people_household h WHERE h.id = r.household AND h.building = s.building)))
"""

ZONES = f"""
WITH {LIVE}, under AS (SELECT a.zone, count(DISTINCT r.id) AS residents {UNDER} GROUP BY a.zone)
SELECT live.id, live.incident, live.name, live.to_level, live.rank_then, live.division_code, live.effective_at, live.since,
       live.ends_then, live.reason_then, live.authority, live.appeal_to, coalesce(under.residents, 0),
       (SELECT array_agg(ARRAY[a.code_lo, a.code_hi] ORDER BY a.code_lo) FROM area a WHERE a.zone = live.id),
       seen.day, seen.may_change, seen.next_level,
       live.check_due_at IS NOT NULL AND NOT EXISTS (
           SELECT FROM zones_zonecheck c WHERE c.zone = live.id AND c.valid_at <= %(at)s)
FROM live LEFT JOIN under ON under.zone = live.id
LEFT JOIN LATERAL (SELECT c.day, c.may_change, c.next_level FROM zones_zonecondition c WHERE c.zone_id = live.id
                   AND c.level = live.to_level AND c.valid_at <= %(at)s AND c.recorded_at <= %(known_at)s
                   ORDER BY c.valid_at DESC, c.recorded_at DESC LIMIT 1) seen ON true
ORDER BY live.rank_then DESC, live.division_code, live.name
"""  # noqa: S608 - made of the constants above

RESIDENTS = f"""
WITH {LIVE}
SELECT DISTINCT r.name_key, r.id, r.name, r.present_code {UNDER} AND a.zone = %(zone)s
ORDER BY r.name_key, r.id LIMIT %(limit)s OFFSET %(offset)s
"""

LEVEL = f"""
WITH {LIVE}
SELECT live.to_level, live.id, live.name, live.ends_then FROM area a JOIN live ON live.id = a.zone
WHERE %(code)s BETWEEN a.code_lo AND a.code_hi AND (a.building IS NULL OR a.building = %(building)s)
ORDER BY a.rank_then DESC, live.ends_then DESC LIMIT 1
"""  # noqa: S608 - made of the constant above


@dataclass(frozen=True)
class ZoneRow:
    """A zone as it stood; ``residents`` are those in the actor's area whom no stricter zone holds.

    ``proposed_on``, ``may_change`` and ``next_level`` are the latest evaluation at this level, empty before the first.
    """

    id: uuid.UUID
    incident: uuid.UUID
    name: str
    level: str
    rank: int
    division_code: int
    effective_at: datetime
    since: datetime
    ends_at: datetime
    reason: str
    authority: str
    appeal_to: str
    residents: int
    areas: list[list[int]]
    proposed_on: Any
    may_change: bool | None
    next_level: str | None
    check_owed: bool


@dataclass(frozen=True)
class PlaceLevel:
    """The level that holds at a place, and the zone it comes from."""

    level: str
    zone: uuid.UUID
    name: str
    ends_at: datetime


@dataclass(frozen=True)
class ZoneEntry:
    """One decision of a zone's history."""

    valid_at: datetime
    recorded_at: datetime
    decision: str
    from_level: str
    to_level: str
    ends_at: datetime | None
    reason: str
    authority: str
    account: uuid.UUID
    conditions: list[dict[str, Any]]


@dataclass(frozen=True)
class ResidentUnderZone:
    """Somebody present in a zone."""

    id: uuid.UUID
    name: str
    present_code: int


def zones(
    *, by: Actor, incident: uuid.UUID | None = None, at: datetime | None = None, known_at: datetime | None = None
) -> list[ZoneRow]:
    """List the zones in force, the strictest first, each with how many people of the actor's area are under it."""
    return [ZoneRow(*row) for row in _read(by, ZONES, _asked(incident, at, known_at))]


def zone_residents(
    *, by: Actor, zone: uuid.UUID, at: datetime | None = None, limit: int = 1000, offset: int = 0
) -> list[ResidentUnderZone]:
    """List by name the people whom `zones` counts under a zone."""
    params = _asked(None, at, None) | {"zone": zone, "limit": limit, "offset": offset}
    sql = "SELECT incident FROM zones_zone WHERE id = %(zone)s"
    for (incident,) in _read(by, sql, params):
        params["incident"] = incident
    return [ResidentUnderZone(*row[1:]) for row in _read(by, RESIDENTS, params)]


def level_at(
    *,
    by: Actor,
    code: int,
    building: uuid.UUID | None = None,
    incident: uuid.UUID | None = None,
    at: datetime | None = None,
    known_at: datetime | None = None,
) -> PlaceLevel | None:
    """Return the strictest level that holds at a place (grid code, and building where it matters), or None."""
    rows = _read(by, LEVEL, _asked(incident, at, known_at) | {"code": code, "building": building})
    return PlaceLevel(*rows[0]) if rows else None


def zone_history(*, by: Actor, zone: uuid.UUID) -> list[ZoneEntry]:
    """List the decisions about a zone in the order in which they held."""
    sql = """
    SELECT valid_at, recorded_at, decision, from_level, to_level, ends_at, reason, authority, account, conditions::json
    FROM zones_zonehistory WHERE zone_id = %(zone)s ORDER BY valid_at, recorded_at
    """
    return [ZoneEntry(*row) for row in _read(by, sql, {"zone": zone})]


def _asked(incident: uuid.UUID | None, at: datetime | None, known_at: datetime | None) -> dict[str, Any]:
    now = response_now()
    return {"incident": incident, "at": at or now, "known_at": known_at or now}


def _read(by: Actor, sql: str, params: dict[str, Any]) -> list[Any]:
    by.require(may.READ_ZONES)
    return read_rows(by, sql, params)
