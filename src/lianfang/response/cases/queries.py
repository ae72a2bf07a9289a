"""Reading cases and contacts as they stood at an instant, as known at another; every count has its list."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from lianfang.core.access.queries import desk_phone
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import read_rows
from lianfang.core.territory.queries import standing
from lianfang.kit.clock import response_now
from lianfang.kit.codes import unit_range
from lianfang.response.cases import permissions as may
from lianfang.response.cases.pool_queries import (
    WAITING,
    InformRow,
    MemberRow,
    PoolRow,
    pool_disagreements,
    pool_informs,
    pool_members,
    pool_protocol,
    pool_row,
    pools,
)

__all__ = [
    "WAITING", "CaseEntry", "CaseRow", "ChainRow", "ContactRow", "InformRow", "MemberRow", "PoolRow", "PositiveRow", "case_counts",
    "case_history", "cases", "chain", "community_count", "community_positives", "contact_counts", "contacts", "hanging_on",
    "is_held",
    "pool_disagreements", "pool_informs", "pool_members", "pool_protocol", "pool_row", "pools", "positives", "trajectory",
    "where_to_object",
]  # fmt: skip
from lianfang.response.cases.rules import object_to

VILLAGE = """
LEFT JOIN LATERAL (SELECT d.name FROM territory_division d WHERE d.code = {table}.division_code / 1000 * 1000
                   ORDER BY d.valid_from DESC LIMIT 1) village ON true
"""

CASES = f"""
FROM cases_case c
JOIN LATERAL (SELECT k.class_code, k.severity, k.valid_at FROM cases_classification k
              WHERE k.case_id = c.id AND k.valid_at <= %(at)s AND k.recorded_at <= %(known_at)s
              ORDER BY k.valid_at DESC, k.recorded_at DESC LIMIT 1) k ON true
LEFT JOIN people_resident r ON r.id = c.resident
{VILLAGE.format(table="c")}
WHERE c.recorded_at <= %(known_at)s
  AND c.division_code BETWEEN %(lo)s AND %(hi)s
  AND (%(incident)s::uuid IS NULL OR c.incident = %(incident)s)
  AND (%(class_code)s::text IS NULL OR k.class_code = %(class_code)s)
  AND (NOT %(community)s OR c.community_detected AND k.class_code <> 'ruled_out')
  AND (%(since)s::timestamptz IS NULL OR c.known_at > %(since)s)
"""  # noqa: S608 - made of the constant above

# A contact's state at an instant is the last row of its history by then; determinations only move the exposure.
CONTACTS = f"""
FROM cases_contact k
JOIN LATERAL (SELECT h.status, h.upgraded_to, h.reason, h.valid_at FROM cases_contacthistory h
              WHERE h.contact_id = k.id AND h.valid_at <= %(at)s AND h.recorded_at <= %(known_at)s
              ORDER BY h.status = 'active', h.valid_at DESC, h.recorded_at DESC LIMIT 1) h ON true
LEFT JOIN people_resident r ON r.id = k.resident
{VILLAGE.format(table="k")}
WHERE k.division_code BETWEEN %(lo)s AND %(hi)s
  AND (%(incident)s::uuid IS NULL OR k.incident = %(incident)s)
  AND (%(tier)s::text IS NULL OR k.tier = %(tier)s)
  AND (%(status)s::text IS NULL OR h.status = %(status)s)
  AND (NOT %(unplaced)s OR k.placed_at IS NULL OR k.placed_at > %(at)s)
"""  # noqa: S608 - made of the constant above

CHAIN = """
WITH RECURSIVE chain AS (
    SELECT h.contact_id AS contact, h.last_exposure_at, 1 AS degree, ARRAY[h.contact_id] AS path
    FROM cases_contacthistory h WHERE h.case_id = %(case)s AND h.status = 'active'
    UNION ALL
    SELECT h.contact_id, h.last_exposure_at, chain.degree + 1, chain.path || h.contact_id
    FROM chain JOIN cases_contacthistory h ON h.via_id = chain.contact AND h.status = 'active'
    WHERE NOT h.contact_id = ANY(chain.path)
)
SELECT DISTINCT ON (chain.degree, k.id) chain.degree, k.id, k.resident, r.name, k.tier, k.status, chain.last_exposure_at,
       k.case_id, k.via_id, led.id, led.number
FROM chain JOIN cases_contact k ON k.id = chain.contact
LEFT JOIN people_resident r ON r.id = k.resident
LEFT JOIN cases_case led ON led.incident = k.incident AND led.resident = k.resident
ORDER BY chain.degree, k.id, chain.last_exposure_at DESC
"""

HISTORY = """
SELECT valid_at, recorded_at, kind, what, severity, words, account FROM (
    SELECT c.known_at AS valid_at, c.recorded_at, 'registered' AS kind, c.detected_by AS what, NULL AS severity,
           '' AS words, c.recorded_by AS account FROM cases_case c WHERE c.id = %(case)s
    UNION ALL SELECT valid_at, recorded_at, 'classified', class_code, severity, reason, decided_by
           FROM cases_classification WHERE case_id = %(case)s
    UNION ALL SELECT reported_at, recorded_at, 'reported', class_code, NULL, number, reported_by
           FROM cases_casereport WHERE case_id = %(case)s
    UNION ALL SELECT valid_at, recorded_at, 'investigated', stage, NULL, summary, investigator
           FROM cases_investigation WHERE case_id = %(case)s
    UNION ALL SELECT transferred_at, transferred_at, 'transferred', vehicle, NULL, hospital, NULL
           FROM cases_case WHERE id = %(case)s AND transferred_at IS NOT NULL
) AS history ORDER BY valid_at, recorded_at, kind
"""


@dataclass(frozen=True)
class CaseRow:
    """A case as it stood at the instant asked for; ``since`` is when its class began."""

    id: uuid.UUID
    incident: uuid.UUID
    number: int
    resident: uuid.UUID
    name: str | None
    division_code: int
    village: str | None
    detected_by: str
    community_detected: bool
    class_code: str
    severity: str | None
    since: datetime
    known_at: datetime
    sampled_at: datetime
    onset_at: datetime | None
    hospital: str


@dataclass(frozen=True)
class ContactRow:
    """A contact as it stood at the instant asked for; ``since`` is when its status began."""

    id: uuid.UUID
    incident: uuid.UUID
    resident: uuid.UUID
    name: str | None
    division_code: int
    village: str | None
    tier: str
    status: str
    upgraded_to: str
    reason: str
    since: datetime
    case: uuid.UUID | None
    via: uuid.UUID | None
    relation: str
    first_exposure_at: datetime | None
    last_exposure_at: datetime
    determined_at: datetime
    placed_at: datetime | None


@dataclass(frozen=True)
class ChainRow:
    """A contact of a case, ``degree`` links away; ``led_to`` is the case that the person became."""

    degree: int
    contact: uuid.UUID
    resident: uuid.UUID
    name: str | None
    tier: str
    status: str
    last_exposure_at: datetime
    case: uuid.UUID | None
    via: uuid.UUID | None
    led_to: uuid.UUID | None
    led_to_number: int | None


@dataclass(frozen=True)
class CaseEntry:
    """One line of a case's history: registered, classified, reported, investigated or transferred."""

    valid_at: datetime
    recorded_at: datetime
    kind: str
    what: str
    severity: str | None
    words: str
    account: uuid.UUID | None


@dataclass(frozen=True)
class PositiveRow:
    """A preliminary positive with its latest hold; ``past_end`` says that the hold ended without a decision."""

    id: uuid.UUID
    incident: uuid.UUID
    resident: uuid.UUID
    name: str | None
    division_code: int
    detected_by: str
    found_at: datetime
    status: str
    decided_at: datetime | None
    place: str | None
    hold_ends_at: datetime | None
    past_end: bool


def cases(*, by: Actor, **asked: Any) -> list[CaseRow]:
    """List cases by number, as they stood.

    Asked by ``incident``, ``at`` (when it held), ``known_at`` (when we knew), ``class_code``, ``community``
    (community-detected and not ruled out), ``since`` (known after that instant).
    """
    columns = """
    SELECT c.id, c.incident, c.number, c.resident, r.name, c.division_code, village.name, c.detected_by,
           c.community_detected, k.class_code, k.severity, k.valid_at, c.known_at, c.sampled_at, c.onset_at, c.hospital
    """
    return [CaseRow(*row) for row in _read(by, f"{columns} {CASES} ORDER BY c.number", _asked_cases(by, **asked))]


def case_counts(*, by: Actor, **asked: Any) -> dict[tuple[str, str | None], int]:
    """Count the cases that `cases` lists, by class and severity."""
    rows = _read(by, f"SELECT k.class_code, k.severity, count(*) {CASES} GROUP BY 1, 2", _asked_cases(by, **asked))
    return {(row[0], row[1]): row[2] for row in rows}


def community_positives(
    *, by: Actor, since: datetime, until: datetime, incident: uuid.UUID | None = None, known_at: datetime | None = None
) -> list[CaseRow]:
    """List the community-detected cases that became known after ``since`` and up to ``until``."""
    return cases(by=by, incident=incident, community=True, since=since, at=until, known_at=known_at)


def community_count(
    *, by: Actor, since: datetime, until: datetime, incident: uuid.UUID | None = None, known_at: datetime | None = None
) -> int:
    """Count what `community_positives` lists."""
    return sum(case_counts(by=by, incident=incident, community=True, since=since, at=until, known_at=known_at).values())


def contacts(*, by: Actor, limit: int = 1000, offset: int = 0, **asked: Any) -> list[ContactRow]:
    """List contacts by determination, as they stood.

    Asked by ``incident``, ``tier``, ``status`` (active, upgraded, withdrawn), ``at``, ``known_at``, ``unplaced``.
    """
    columns = """
    SELECT k.id, k.incident, k.resident, r.name, k.division_code, village.name, k.tier, h.status, h.upgraded_to, h.reason,
           h.valid_at, k.case_id, k.via_id, k.relation, k.first_exposure_at, k.last_exposure_at, k.determined_at, k.placed_at
    """
    params = _asked_contacts(by, **asked) | {"limit": limit, "offset": offset}
    rows = _read(by, f"{columns} {CONTACTS} ORDER BY k.determined_at, k.id LIMIT %(limit)s OFFSET %(offset)s", params)
    return [ContactRow(*row) for row in rows]


def contact_counts(*, by: Actor, **asked: Any) -> dict[tuple[str, str], int]:
    """Count the contacts that `contacts` lists, by tier and status."""
    rows = _read(by, f"SELECT k.tier, h.status, count(*) {CONTACTS} GROUP BY 1, 2", _asked_contacts(by, **asked))
    return {(row[0], row[1]): row[2] for row in rows}


def chain(*, by: Actor, case: uuid.UUID) -> list[ChainRow]:
    """List everybody linked to a case, through contacts of any degree, nearest first."""
    return [ChainRow(*row) for row in _read(by, CHAIN, {"case": case})]


def hanging_on(*, by: Actor, contacts: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return the open contacts determined through these contacts: to be upgraded or withdrawn with them."""
    sql = "SELECT id FROM cases_contact WHERE via_id = ANY(%(ids)s) AND status = 'active' ORDER BY id"
    return [row[0] for row in _read(by, sql, {"ids": list(contacts)})]


def case_history(*, by: Actor, case: uuid.UUID) -> list[CaseEntry]:
    """List all that happened to a case in the order in which it held."""
    return [CaseEntry(*row) for row in _read(by, HISTORY, {"case": case})]


def trajectory(*, by: Actor, case: uuid.UUID) -> list[dict[str, Any]]:
    """List the stays of a case, corrected ones left out: since, until, place_text, place, place_code, note, id."""
    sql = """
    SELECT t.id, t.since, t.until, t.place_text, t.place, t.place_code, t.note FROM cases_trajectoryentry t
    WHERE t.case_id = %(case)s AND NOT EXISTS (SELECT FROM cases_trajectoryentry n WHERE n.replaces_id = t.id)
    ORDER BY t.since, t.id
    """
    names = ("id", "since", "until", "place_text", "place", "place_code", "note")
    return [dict(zip(names, row, strict=True)) for row in _read(by, sql, {"case": case})]


def positives(*, by: Actor, incident: uuid.UUID | None = None, status: str | None = None) -> list[PositiveRow]:
    """List preliminary positives, the oldest first, with whether a hold ran out before the retest was known."""
    sql = """
    SELECT p.id, p.incident, p.resident, r.name, p.division_code, p.detected_by, p.found_at, p.status, p.decided_at,
           h.place, h.ends_at, p.status = 'open' AND coalesce(h.ends_at <= %(now)s, false)
    FROM cases_screenpositive p
    LEFT JOIN LATERAL (SELECT place, ends_at FROM cases_hold WHERE positive_id = p.id ORDER BY held_at DESC LIMIT 1) h ON true
    LEFT JOIN people_resident r ON r.id = p.resident
    WHERE p.division_code BETWEEN %(lo)s AND %(hi)s AND (%(incident)s::uuid IS NULL OR p.incident = %(incident)s)
      AND (%(status)s::text IS NULL OR p.status = %(status)s)
    ORDER BY p.found_at, p.id
    """
    params = {"incident": incident, "status": status, "now": response_now(), "lo": by.scope.lo, "hi": by.scope.hi}
    return [PositiveRow(*row) for row in _read(by, sql, params)]


def is_held(residents: Sequence[uuid.UUID], *, by: Actor) -> bool:
    """Say whether one of these people is held in place now, and nothing else: for whoever may know no more than that."""
    sql = """
    SELECT FROM cases_hold h JOIN cases_screenpositive p ON p.id = h.positive_id
    WHERE p.resident = ANY(%(residents)s) AND h.lifted_at IS NULL AND h.held_at <= %(now)s AND h.ends_at > %(now)s LIMIT 1
    """
    return bool(read_rows(by, sql, {"residents": list(residents), "now": response_now()}))


def _asked_cases(
    by: Actor,
    *,
    incident: uuid.UUID | None = None,
    at: datetime | None = None,
    known_at: datetime | None = None,
    class_code: str | None = None,
    community: bool = False,
    since: datetime | None = None,
) -> dict[str, Any]:
    now = response_now()
    return {
        "incident": incident, "at": at or now, "known_at": known_at or now, "class_code": class_code,
        "community": community, "since": since, "lo": by.scope.lo, "hi": by.scope.hi,
    }  # fmt: skip


def _asked_contacts(
    by: Actor,
    *,
    incident: uuid.UUID | None = None,
    tier: str | None = None,
    status: str | None = None,
    at: datetime | None = None,
    known_at: datetime | None = None,
    unplaced: bool = False,
) -> dict[str, Any]:
    now = response_now()
    return {
        "incident": incident, "tier": tier, "status": status, "at": at or now, "known_at": known_at or now,
        "unplaced": unplaced, "lo": by.scope.lo, "hi": by.scope.hi,
    }  # fmt: skip


def _read(by: Actor, sql: str, params: dict[str, Any]) -> list[Any]:
    by.require(may.READ_CASES)
    return read_rows(by, sql, params)


def where_to_object(county: int) -> str:
    """Return where whoever is held in a county may object: its duty desk by name, with the telephone it has now."""
    area = unit_range(county * 10**9)
    name = standing(area).filter(code=area.lo).values_list("name", flat=True).first()
    return object_to(name or "", desk_phone(area) or settings.DESK_PHONE)
