"""Reading positive pools: who is held where, what is done, what a person still has to decide. Behind ``queries``."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, read_rows
from lianfang.core.duties.actions import ledger_keeper
from lianfang.core.people.actions import county_cipher
from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.core.people.queries import mask_phone, masked_name
from lianfang.kit.clock import LOCAL, response_now
from lianfang.response.cases import permissions as may
from lianfang.response.cases.duties import RETESTS
from lianfang.response.cases.rules import PoolNotFound, release_notice
from lianfang.response.command.queries import county_in_view

#: how a member stands; the first six wait for somebody, the others have come to an end
WAITING = ("to_resample", "awaiting_result", "retest_negative", "retest_positive", "confirmed", "not_held")
ENDED = ("released", "corrected", "case", "handed_over", "cleared", "found_positive")

# One row for each sample of each pool in a range of codes. Read with the county's hand, since a person's resample may lie in
# a neighbour's area, and bounded by the actor's own range. Params: county, lo, hi.
STANDINGS = f"""
SELECT m.id, m.pool_id, m.resident, coalesce(p.resident, m.resident) AS person, m.positive_id, m.division_code, m.joined_at,
       m.told_at, m.police_told_at, m.notified_at, m.unreached, p.status, p.decided_at, p.handed_to, p.division_code AS held_code,
       retest.taken, retest.unusable, retest.taken_at, ill.id AS case_id, ill.number AS case_number,
       CASE WHEN ill.id IS NOT NULL THEN 'case'
            WHEN q.value = 'indeterminate' AND retest.positive > 0 THEN 'found_positive'
            WHEN q.value = 'indeterminate' AND retest.negative > 0 THEN 'cleared'
            WHEN q.value = 'indeterminate' AND q.withdrawn_at IS NOT NULL OR p.status = 'withdrawn' THEN 'corrected'
            WHEN p.status = 'negative' THEN 'released' WHEN p.status IN ('handed_over', 'confirmed') THEN p.status
            WHEN q.value = 'positive' AND p.id IS NULL THEN 'not_held'
            WHEN retest.positive > 0 THEN 'retest_positive' WHEN retest.waiting > 0 THEN 'awaiting_result'
            WHEN retest.negative > 0 THEN 'retest_negative' ELSE 'to_resample' END AS state
FROM cases_poolmember m JOIN cases_pool q ON q.id = m.pool_id
LEFT JOIN cases_screenpositive p ON p.id = m.positive_id {RETESTS}
LEFT JOIN LATERAL (
    SELECT c.id, c.number FROM cases_case c
    WHERE c.county = m.county AND c.incident = q.incident
      AND (c.resident IN (m.resident, p.resident) OR c.screen_positive_id = p.id)
      AND (SELECT k.class_code FROM cases_classification k WHERE k.case_id = c.id
           ORDER BY k.valid_at DESC, k.recorded_at DESC LIMIT 1) <> 'ruled_out' LIMIT 1) AS ill ON true
WHERE m.county = %(county)s AND m.division_code BETWEEN %(lo)s AND %(hi)s
"""  # noqa: S608 - made of the constant above

POOLS = f"""
SELECT q.id, q.incident, q.code, q.mode, q.purpose, q.value, q.round, q.tube, q.division_code, q.reported_at, q.due_at,
       q.withdrawn_at, q.withdrawn_why, count(s.id),
       count(*) FILTER (WHERE s.state = 'to_resample'), count(*) FILTER (WHERE s.state = 'awaiting_result'),
       count(*) FILTER (WHERE s.state = 'retest_negative'),
       count(*) FILTER (WHERE s.state IN ('retest_positive', 'confirmed', 'not_held')),
       count(*) FILTER (WHERE s.state IN ('released', 'corrected', 'cleared')),
       count(*) FILTER (WHERE s.state IN ('case', 'found_positive')), count(*) FILTER (WHERE s.state = 'handed_over'),
       count(*) FILTER (WHERE s.status = 'open' AND s.told_at IS NULL),
       coalesce((SELECT count(*) FROM duties_duty d WHERE d.county = q.county AND d.state = 'outstanding'
                 AND d.due_at < %(now)s AND d.subject = ANY(array_agg(s.id) || array_agg(s.positive_id) || q.id)), 0)
FROM cases_pool q LEFT JOIN ({STANDINGS}) AS s ON s.pool_id = q.id
WHERE q.county = %(county)s AND q.reported_at <= %(at)s {{where}}
GROUP BY q.id
HAVING count(s.id) > 0 OR q.division_code BETWEEN %(lo)s AND %(hi)s
ORDER BY bool_or(coalesce(s.state, '') = ANY(%(waiting)s)) DESC, q.due_at, q.id
"""  # noqa: S608 - made of the constant above

MEMBERS = f"""
SELECT s.id, s.pool_id, s.positive_id, s.person, coalesce(r.name, ''), r.phone_cipher, s.division_code,
       coalesce(village.name, ''), s.state, h.place, h.held_at, h.ends_at, h.reason, h.authority, h.appeal_to, h.lifted_at,
       h.lift_reason, lifter.title, s.joined_at, s.told_at, s.police_told_at, s.notified_at, s.unreached, s.decided_at,
       s.handed_to, s.taken, s.unusable, s.taken_at, s.case_id, s.case_number, coalesce(due.kind, ''), coalesce(due.name_zh, ''),
       coalesce(due.name_en, ''), coalesce(due.role, ''), due.due_at,
       s.status = 'open' AND coalesce(h.ends_at <= %(now)s AND h.lifted_at IS NULL, true)
FROM ({STANDINGS} AND m.pool_id = %(pool)s) AS s
LEFT JOIN people_resident r ON r.id = s.person
LEFT JOIN LATERAL (SELECT * FROM cases_hold h WHERE h.positive_id = s.positive_id
                   ORDER BY h.held_at DESC, h.recorded_at DESC, h.lifted_at IS NULL DESC LIMIT 1) AS h ON true
LEFT JOIN access_account lifter ON lifter.id = h.lifted_by
LEFT JOIN LATERAL (SELECT d.kind, k.name_zh, k.name_en, d.role, d.due_at FROM duties_duty d
                   JOIN duties_dutykind k ON k.code = d.kind
                   WHERE d.county = %(county)s AND d.state = 'outstanding' AND d.subject IN (s.id, s.positive_id)
                   ORDER BY d.due_at, d.id LIMIT 1) AS due ON true
LEFT JOIN LATERAL (SELECT v.name FROM territory_division v WHERE v.code = s.division_code / 1000 * 1000
                   ORDER BY v.valid_from DESC LIMIT 1) AS village ON true
ORDER BY s.state = ANY(%(ended)s), s.division_code, s.id
"""  # noqa: S608 - made of the constant above

INFORMED = """
SELECT d.kind, k.name_zh, k.name_en, d.division_code, d.role, d.opens_at, d.due_at, d.state, d.finished_at,
       d.state = 'outstanding' AND d.due_at < %(now)s, d.id
FROM duties_duty d JOIN duties_dutykind k ON k.code = d.kind
WHERE d.county = %(county)s AND d.subject = %(pool)s AND d.state <> 'cancelled'
  AND d.division_code BETWEEN %(lo)s AND %(hi)s ORDER BY d.opens_at, d.kind, d.division_code
"""

# Everybody whose sample stands in a tube that stands as positive is held, let go, a case or in another county's hands.
DISAGREEMENTS = f"""
WITH latest AS (
    SELECT DISTINCT ON (r.tube) r.tube, r.number, r.value FROM specimens_result r WHERE r.county = %(county)s
      AND (r.tube IN (SELECT tube FROM specimens_result WHERE county = %(county)s AND value = 'positive'))
    ORDER BY r.tube, r.number DESC
), standing AS ({STANDINGS})
SELECT 'not in its pool', s.tube, s.id FROM latest l
JOIN specimens_sample s ON s.county = %(county)s AND s.tube = l.tube
WHERE l.value = 'positive' AND NOT EXISTS (
        SELECT FROM cases_poolmember m JOIN cases_pool q ON q.id = m.pool_id
        WHERE q.county = %(county)s AND q.tube = l.tube AND q.number = l.number AND q.withdrawn_at IS NULL AND m.sample = s.id)
  AND NOT EXISTS (SELECT FROM specimens_samplevoid v WHERE v.county = s.county AND v.tube = s.tube AND v.sample = s.id)
UNION ALL SELECT 'neither held nor settled', q.tube, t.id FROM standing t JOIN cases_pool q ON q.id = t.pool_id
WHERE q.withdrawn_at IS NULL AND (t.state IN ('not_held', 'corrected') OR t.status = 'open' AND NOT EXISTS (
    SELECT FROM cases_hold h WHERE h.positive_id = t.positive_id AND h.lifted_at IS NULL))
UNION ALL SELECT 'held for nothing', q.tube, t.id FROM standing t JOIN cases_pool q ON q.id = t.pool_id
WHERE t.status <> 'open' AND EXISTS (SELECT FROM cases_hold h WHERE h.positive_id = t.positive_id AND h.lifted_at IS NULL)
UNION ALL SELECT 'held by a corrected result', q.tube, t.id FROM standing t JOIN cases_pool q ON q.id = t.pool_id
JOIN cases_screenpositive p ON p.id = t.positive_id AND p.tube = q.tube
WHERE t.status = 'open' AND q.withdrawn_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM cases_poolmember m JOIN cases_pool other ON other.id = m.pool_id
    WHERE m.positive_id = t.positive_id AND other.withdrawn_at IS NULL AND other.value = 'positive')
UNION ALL SELECT 'in no list of duties', q.tube, t.id FROM standing t JOIN cases_pool q ON q.id = t.pool_id
WHERE t.status = 'open' AND NOT EXISTS (
    SELECT FROM duties_duty d WHERE d.county = %(county)s AND d.subject = t.positive_id AND d.kind = 'confirmatory_retest'
      AND d.state IN ('outstanding', 'waived'))
UNION ALL SELECT 'stands against the laboratory', q.tube, q.id FROM cases_pool q JOIN latest l ON l.tube = q.tube
WHERE q.county = %(county)s AND q.withdrawn_at IS NULL AND q.number <> l.number
LIMIT 100
"""  # noqa: S608 - made of the constant above


@dataclass(frozen=True)
class PoolRow:
    """A pool with its people in the actor's area by how they stand; ``overdue`` counts their duties past due."""

    id: uuid.UUID
    incident: uuid.UUID
    code: str
    mode: str
    purpose: str
    value: str
    round: uuid.UUID | None
    tube: uuid.UUID
    division_code: int
    reported_at: datetime
    due_at: datetime
    withdrawn_at: datetime | None
    withdrawn_why: str
    members: int
    to_resample: int
    awaiting_result: int
    to_release: int
    to_decide: int
    released: int
    cases: int
    handed_over: int
    untold: int
    overdue: int

    @property
    def open(self) -> int:
        """How many people wait for somebody."""
        return self.to_resample + self.awaiting_result + self.to_release + self.to_decide


@dataclass(frozen=True)
class MemberRow:
    """Somebody of a pool: how they stand, where and on whose authority they are held until when, and who is due next.

    ``phone`` is masked; ``past_end`` says that a hold ran out, or was never given, before anybody decided.
    """

    id: uuid.UUID
    pool: uuid.UUID
    positive: uuid.UUID | None
    resident: uuid.UUID
    name: str
    phone: str
    division_code: int
    village: str
    state: str
    place: str | None
    held_at: datetime | None
    ends_at: datetime | None
    reason: str | None
    authority: str | None
    appeal_to: str | None
    lifted_at: datetime | None
    lift_reason: str | None
    lifted_title: str | None
    joined_at: datetime
    told_at: datetime | None
    police_told_at: datetime | None
    notified_at: datetime | None
    unreached: str
    decided_at: datetime | None
    handed_to: str | None
    resamples: int
    unusable: int
    resampled_at: datetime | None
    case: uuid.UUID | None
    case_number: int | None
    next_kind: str
    next_zh: str
    next_en: str
    next_role: str
    next_due_at: datetime | None
    past_end: bool

    def notice(self, code: str) -> str:
        """Return the notice of release (``code``: printed on the tube), or "" while nobody has let the person go."""
        if self.lifted_at is None or self.held_at is None or self.state not in ("released", "corrected"):
            return ""
        return release_notice(
            self.name, code, self.held_at.astimezone(LOCAL), self.lifted_at.astimezone(LOCAL), self.lifted_title or "指挥部",
            self.lift_reason or "", self.appeal_to or "",
        )  # fmt: skip


@dataclass(frozen=True)
class InformRow:
    """A duty that a community or the police know of a pool."""

    kind: str
    name_zh: str
    name_en: str
    division_code: int
    role: str
    opens_at: datetime
    due_at: datetime
    state: str
    finished_at: datetime | None
    overdue: bool
    duty: int


def pools(*, by: Actor, at: datetime | None = None, resamples: bool = False, **asked: Any) -> list[PoolRow]:
    """List pools: those in which somebody waits first, by the clock.

    Asked by ``round``, ``incident``, ``value`` (positive, indeterminate), ``pool``. The tubes of single resamples are
    left out unless ``resamples``: what they found stands beside the person in the pool that called for them.
    """
    where = " ".join(f"AND q.{COLUMN_OF[name]} = %({name})s" for name, value in asked.items() if value)
    where += "" if resamples or asked.get("pool") else " AND q.purpose <> 'confirmatory_retest'"
    params = {"waiting": list(WAITING), "at": at or response_now(), "now": at or response_now(), **asked}
    return [PoolRow(*row) for row in _read(by, POOLS.format(where=where), params)]


COLUMN_OF = {"round": "round", "incident": "incident", "value": "value", "pool": "id"}


def pool_row(pool: uuid.UUID, *, by: Actor) -> PoolRow:
    """Return one pool, or raise `PoolNotFound` when neither its tube nor any of its people is of the actor's area."""
    rows = pools(by=by, pool=pool)
    if not rows:
        raise PoolNotFound(f"There is no pool {pool} in your area. Open the list of pools.")
    return rows[0]


def pool_protocol(pool: uuid.UUID, *, by: Actor) -> str:
    """Return the dated protocol under which a pool was formed."""
    rows = _read(by, "SELECT protocol FROM cases_pool WHERE county = %(county)s AND id = %(pool)s", {"pool": pool})
    if not rows:
        raise PoolNotFound(f"There is no pool {pool} in your area. Open the list of pools.")
    return str(rows[0][0])


def pool_members(pool: uuid.UUID, *, by: Actor) -> list[MemberRow]:
    """List the people of a pool in the actor's area, those who wait for somebody first; the look is logged.

    Whoever follows pools and may not read people (a superior level) sees surnames, no phone and no place.
    """
    params = {"pool": pool, "now": response_now(), "ended": list(ENDED)}
    rows = _read(by, MEMBERS, params)
    with acting(by):
        record_audit(by, "cases.read_pool", subject=("pool", pool), division_code=by.scope.lo, count=len(rows))
    county = county_in_view(by)
    people = [MemberRow(*[*row[:5], _masked(row[5], county), *row[6:]]) for row in rows]
    if by.may(READ_PEOPLE):
        return people
    return [replace(one, name=masked_name(one.name), phone="", place="") for one in people]


def pool_informs(pool: uuid.UUID, *, by: Actor) -> list[InformRow]:
    """List who is to know of a pool, and since when they do."""
    return [InformRow(*row) for row in _read(by, INFORMED, {"pool": pool, "now": response_now()})]


def pool_disagreements(*, by: Actor, county: int) -> list[tuple[str, uuid.UUID, uuid.UUID]]:
    """List up to 100 breaches (what, tube, sample or member) of nobody being forgotten in a positive tube: none, ever."""
    hand = ledger_keeper(by, county)
    return read_rows(hand, DISAGREEMENTS, {"county": county, "lo": hand.scope.lo, "hi": hand.scope.hi})


def _masked(cipher: bytes | None, county: int) -> str:
    return mask_phone(county_cipher(county).open(bytes(cipher))) if cipher is not None else ""


def _read(by: Actor, sql: str, params: Mapping[str, Any]) -> list[Any]:
    by.require(may.READ_POOLS)
    county = county_in_view(by)
    here = {"county": county, "lo": by.scope.lo, "hi": by.scope.hi}
    return read_rows(ledger_keeper(by, county), sql, dict(params) | here)
