"""Reading orders: lists for the day's work, the overstays, and an order as the person under it would see it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import read_rows
from lianfang.engines.protocol import pack_of_protocol, tier_of
from lianfang.kit.clock import local_date, response_now
from lianfang.response.quarantine import permissions as may
from lianfang.response.quarantine.rules import OrderNotFound

#: list → what puts an order on it; counts and lists are made from the same words
LISTS = {
    "in_force": "true",
    "check_due": "NOT EXISTS (SELECT FROM quarantine_dailycheck c WHERE c.order_id = o.id AND c.day = %(today)s"
    " AND c.could_not = '' AND c.valid_at <= %(at)s)",
    "abnormal": "EXISTS (SELECT FROM quarantine_dailycheck c WHERE c.order_id = o.id AND c.abnormal AND c.valid_at <= %(at)s"
    " AND NOT EXISTS (SELECT FROM quarantine_transport t WHERE t.order_id = o.id AND t.purpose = 'hospital'"
    " AND t.valid_at BETWEEN c.valid_at AND %(at)s))",
    "overdue": "EXISTS (SELECT FROM duties_duty d WHERE d.county = o.county AND d.subject = o.id AND d.state = 'outstanding'"
    " AND d.due_at < %(at)s)",
    "ending": "l.last_day = %(today)s",
    "overstay": "l.ends_at <= %(at)s",
    "not_started": "o.started_at IS NULL OR o.started_at > %(at)s",
    "appealed": "EXISTS (SELECT FROM quarantine_appeal a WHERE a.order_id = o.id AND a.valid_at <= %(at)s"
    " AND (a.decided_at IS NULL OR a.decided_at > %(at)s))",
}

# An order as it stood at an instant, in the leg that had not been left by then.
ORDERS = """
FROM quarantine_order o
JOIN LATERAL (SELECT l.position, l.kind, l.held_code, l.place, l.first_day, l.last_day, l.ends_at FROM quarantine_leg l
              WHERE l.order_id = o.id AND (l.left_at IS NULL OR l.left_at > %(at)s) ORDER BY l.position LIMIT 1) l ON true
LEFT JOIN people_resident r ON r.id = o.resident
LEFT JOIN LATERAL (SELECT d.name FROM territory_division d WHERE d.code = l.held_code / 1000 * 1000
                   ORDER BY d.valid_from DESC LIMIT 1) village ON true
WHERE o.issued_at <= %(at)s AND o.recorded_at <= %(known_at)s AND (o.closed_at IS NULL OR o.closed_at > %(at)s)
  AND (%(incident)s::uuid IS NULL OR o.incident = %(incident)s)
  AND (%(tier)s::text IS NULL OR o.tier = %(tier)s)
  AND (o.division_code BETWEEN %(lo)s AND %(hi)s OR o.site_code BETWEEN %(lo)s AND %(hi)s)
"""

SEEN = """
SELECT o.id, o.tier, o.reason, o.authority, o.issued_title, o.issued_at, o.ends_at, o.appeal_to, o.status, o.closed_at,
       (SELECT json_agg(json_build_object('kind', l.kind, 'place', l.place, 'first_day', l.first_day, 'last_day', l.last_day)
                        ORDER BY l.position) FROM quarantine_leg l WHERE l.order_id = o.id),
       (SELECT json_agg(json_build_object('filed_at', a.valid_at, 'granted', a.granted, 'answer', a.answer)
                        ORDER BY a.valid_at) FROM quarantine_appeal a WHERE a.order_id = o.id),
       (SELECT json_agg(DISTINCT jsonb_build_object('sampled_at', t.valid_at, 'result', t.result))
        FROM (SELECT DISTINCT ON (valid_at) valid_at, result FROM quarantine_quarantinetest
              WHERE order_id = o.id AND NOT environment
              ORDER BY valid_at, recorded_at DESC, result = 'pending') t)
FROM quarantine_order o WHERE o.id = %(order)s
"""


@dataclass(frozen=True)
class OrderRow:
    """An order as it stood, in the leg the person was in; ``days_left`` of that leg, today included, below zero when over."""

    id: uuid.UUID
    incident: uuid.UUID
    resident: uuid.UUID
    name: str | None
    tier: str
    leg: int
    leg_kind: str
    held_code: int
    village: str | None
    place: str
    division_code: int
    first_day: date
    last_day: date
    ends_at: datetime
    issued_at: datetime
    started_at: datetime | None
    last_exposure_at: datetime
    contact: uuid.UUID | None
    linked_resident: uuid.UUID | None
    days_left: int


@dataclass(frozen=True)
class PersonOrder:
    """An order as the person under it sees it: why, by whom, until when, how to appeal, and what came of it."""

    id: uuid.UUID
    tier: str
    reason: str
    authority: str
    issued_by: str
    issued_at: datetime
    ends_at: datetime
    appeal_to: str
    status: str
    closed_at: datetime | None
    legs: list[dict[str, Any]]
    appeals: list[dict[str, Any]]
    tests: list[dict[str, Any]]
    days_left: int


@dataclass(frozen=True)
class AppealRow:
    """An undecided appeal, and until when it must be answered by somebody other than the issuer."""

    id: uuid.UUID
    order: uuid.UUID
    division_code: int
    filed_by: str
    reason: str
    filed_at: datetime
    issued_by: uuid.UUID


def orders(*, by: Actor, listed: str = "in_force", limit: int = 1000, offset: int = 0, **asked: Any) -> list[OrderRow]:
    """List orders in force by end; ``listed`` is one of `LISTS`.

    Asked by ``incident``, ``tier``, ``at`` (when it held), ``known_at`` (when we knew).
    """
    columns = """
    SELECT o.id, o.incident, o.resident, r.name, o.tier, l.position, l.kind, l.held_code, village.name, l.place,
           o.division_code, l.first_day, l.last_day, l.ends_at, o.issued_at, o.started_at, o.last_exposure_at, o.contact,
           o.linked_resident, l.last_day - %(today)s + 1
    """
    params = _asked(by, **asked) | {"limit": limit, "offset": offset}
    rows = _read(
        by,
        f"{columns} {ORDERS} AND ({LISTS[listed]}) ORDER BY l.ends_at, o.id LIMIT %(limit)s OFFSET %(offset)s",
        params,
    )
    return [OrderRow(*row) for row in rows]


def order_counts(*, by: Actor, **asked: Any) -> dict[str, int]:
    """Count what each of the lists holds, in one pass."""
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in LISTS.values())
    (row,) = _read(by, f"SELECT {counts} {ORDERS}", _asked(by, **asked))
    return dict(zip(LISTS, row, strict=True))


def linked_orders(*, by: Actor, residents: list[uuid.UUID], incident: uuid.UUID) -> list[OrderRow]:
    """List the orders that hang on these people: to be upgraded when one of them becomes positive."""
    wanted = set(residents)
    return [row for row in orders(by=by, incident=incident, limit=100_000) if row.linked_resident in wanted]


def orders_of_contacts(*, by: Actor, contacts: list[uuid.UUID]) -> list[uuid.UUID]:
    """Return the orders in force that were issued for these contacts: to be lifted when they are withdrawn."""
    sql = "SELECT id FROM quarantine_order WHERE contact = ANY(%(contacts)s) AND status = 'in_force' ORDER BY id"
    return [row[0] for row in _read(by, sql, {"contacts": contacts})]


def person_order(*, by: Actor, order: uuid.UUID) -> PersonOrder:
    """Return an order as the person under it sees it."""
    rows = _read(by, SEEN, {"order": order})
    if not rows:
        raise OrderNotFound(f"There is no order {order} in your area.")
    *plain, legs, appeals, tests = rows[0]
    left = (local_date(plain[6] - timedelta(seconds=1)) - local_date(response_now())).days + 1
    return PersonOrder(*[*plain, legs or [], appeals or [], tests or [], max(left, 0)])


def open_appeals(*, by: Actor) -> list[AppealRow]:
    """List appeals nobody has decided, the oldest first."""
    sql = """
    SELECT id, order_id, division_code, filed_by, reason, valid_at, issued_by FROM quarantine_appeal
    WHERE granted IS NULL ORDER BY valid_at, id
    """
    return [AppealRow(*row) for row in _read(by, sql, {})]


def must_stay(residents: Sequence[uuid.UUID], *, by: Actor) -> bool:
    """Say whether one of these people is under an order in a leg in which one does not go out by its protocol.

    Nothing else is said: it is for whoever may know no more than that. A leg that has ended holds nobody.
    """
    sql = """
    SELECT o.protocol, o.tier, l.position FROM quarantine_order o
    JOIN LATERAL (SELECT position FROM quarantine_leg WHERE order_id = o.id AND left_at IS NULL AND ends_at > %(now)s
                  ORDER BY position LIMIT 1) l ON true
    WHERE o.resident = ANY(%(residents)s) AND o.status = 'in_force' AND o.issued_at <= %(now)s
    """
    rows = read_rows(by, sql, {"residents": list(residents), "now": response_now()})
    return any(
        not tier_of(pack_of_protocol(protocol), tier).legs[position].may_go_out for protocol, tier, position in rows
    )


def _asked(
    by: Actor,
    *,
    incident: uuid.UUID | None = None,
    tier: str | None = None,
    at: datetime | None = None,
    known_at: datetime | None = None,
) -> dict[str, Any]:
    now = response_now()
    return {
        "incident": incident, "tier": tier, "at": at or now, "known_at": known_at or now,
        "today": local_date(at or now), "lo": by.scope.lo, "hi": by.scope.hi,
    }  # fmt: skip


def _read(by: Actor, sql: str, params: dict[str, Any]) -> list[Any]:
    by.require(may.READ_ORDERS)
    return read_rows(by, sql, params)


def known_orders(orders: list[uuid.UUID], *, by: Actor) -> list[uuid.UUID]:
    """Return which of these ids are orders that the actor sees."""
    sql = "SELECT id FROM quarantine_order WHERE id = ANY(%(orders)s::uuid[])"
    return [row[0] for row in read_rows(by, sql, {"orders": orders})]
