"""Reading checkpoints with their staffing, and passages."""

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import read_rows
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import CodeRange
from lianfang.response.checkpoints.permissions import READ_CHECKPOINTS
from lianfang.response.workforce.queries import staffing_of
from lianfang.response.workforce.rules import Staffing

CHECKPOINTS = """
SELECT c.id, c.incident, c.name, c.division_code, coalesce((
           SELECT v.name FROM territory_division v
           WHERE v.code = c.division_code AND v.valid_from <= %(day)s AND (v.valid_until IS NULL OR v.valid_until > %(day)s)
           LIMIT 1), ''),
       c.lon, c.lat, c.road, c.emergency_lane, c.opened_at, c.closed_at, o.until, o.reason, o.authority, o.issued_by,
       o.appeal_to,
       (SELECT coalesce(sum(p.people), 0)::int FROM checkpoints_passage p
        WHERE p.division_code = c.division_code AND p.checkpoint = c.id AND p.at <= %(at)s)
FROM checkpoints_checkpoint c
JOIN LATERAL (
    SELECT * FROM checkpoints_checkpointorder o WHERE o.checkpoint_id = c.id AND o.since <= %(at)s
    ORDER BY o.number DESC LIMIT 1
) AS o ON true
WHERE c.division_code BETWEEN %(lo)s AND %(hi)s AND c.opened_at <= %(at)s
  AND (%(incident)s::uuid IS NULL OR c.incident = %(incident)s)
  AND (%(closed)s OR c.closed_at IS NULL OR c.closed_at > %(at)s)
ORDER BY c.division_code, c.name
"""

# Every count of passages, and the list behind it, is over these rows.
PASSED = """
FROM checkpoints_passage p JOIN checkpoints_checkpoint c ON c.id = p.checkpoint
WHERE p.division_code BETWEEN %(lo)s AND %(hi)s AND p.at >= %(since)s AND p.at <= %(until)s
  AND (%(checkpoint)s::uuid IS NULL OR p.checkpoint = %(checkpoint)s)
  AND (%(outcome)s::text IS NULL OR p.outcome = %(outcome)s)
  AND (%(direction)s::text IS NULL OR p.direction = %(direction)s)
"""

PASSAGES = """
SELECT p.id, p.checkpoint, c.name, p.division_code, p.at, p.subject, p.people, p.direction, p.purpose, p.temperature,
       p.list_hit, p.outcome, p.reason, p.destination, p.identifier_cipher IS NOT NULL
{passed} ORDER BY p.at DESC, p.id LIMIT %(limit)s OFFSET %(offset)s
"""

PASSAGE_COUNTS = """
SELECT p.checkpoint, c.name, p.direction, p.outcome, count(*), sum(p.people)::int
{passed} GROUP BY p.checkpoint, c.name, p.direction, p.outcome ORDER BY c.name, p.direction, p.outcome
"""


@dataclass(frozen=True)
class CheckpointRow:
    """A checkpoint at an instant with the order it stands on, how it was staffed since it opened, and people screened."""

    id: uuid.UUID
    incident: uuid.UUID
    name: str
    division_code: int
    place: str
    lon: float | None
    lat: float | None
    road: str
    emergency_lane: str
    opened_at: datetime
    closed_at: datetime | None
    ordered_until: datetime
    reason: str
    authority: str
    issued_by: str
    appeal_to: str
    people: int
    staffing: Staffing
    overdue: bool


@dataclass(frozen=True)
class PassageRow:
    """One passage; ``identified`` says that a plate or ID is kept, which is opened and logged apart."""

    id: uuid.UUID
    checkpoint: uuid.UUID
    name: str
    division_code: int
    at: datetime
    subject: str
    people: int
    direction: str
    purpose: str
    temperature: Decimal | None
    list_hit: bool
    outcome: str
    reason: str
    destination: str
    identified: bool


@dataclass(frozen=True)
class PassageCount:
    """Passages, and the people in them, of one checkpoint, direction and outcome."""

    checkpoint: uuid.UUID
    name: str
    direction: str
    outcome: str
    passages: int
    people: int


@dataclass(frozen=True)
class Passed:
    """Which passages to look at."""

    since: datetime
    until: datetime | None = None
    within: CodeRange | None = None
    checkpoint: uuid.UUID | None = None
    outcome: str | None = None
    direction: str | None = None


def checkpoints(
    *,
    by: Actor,
    incident: uuid.UUID | None = None,
    within: CodeRange | None = None,
    at: datetime | None = None,
    closed: bool = False,
) -> list[CheckpointRow]:
    """List the checkpoints standing at an instant (``closed``: also those closed by then), with the share of their time
    that check-ins prove them staffed and every gap; ``overdue`` ones stand on an order that has ended."""
    instant, span = at or response_now(), within or by.scope
    params = {"lo": span.lo, "hi": span.hi, "at": instant, "day": local_date(instant), "incident": incident}
    rows = _read(CHECKPOINTS, by, params | {"closed": closed})
    periods = defaultdict(list)
    for row in rows:
        periods[row[9], min(row[10] or instant, instant)].append(row[0])
    staffed: dict[uuid.UUID, Staffing] = {}
    for (since, until), ids in periods.items():
        staffed |= staffing_of(ids, by=by, since=since, until=until)
    return [CheckpointRow(*[*row, staffed[row[0]], _overdue(row[10], row[11], instant)]) for row in rows]


def passages(*, by: Actor, passed: Passed, limit: int = 500, offset: int = 0) -> list[PassageRow]:
    """List passages, the latest first: the list behind `passage_counts`."""
    params = _passed(by, passed) | {"limit": limit, "offset": offset}
    return [PassageRow(*row) for row in _read(PASSAGES.format(passed=PASSED), by, params)]


def passage_counts(*, by: Actor, passed: Passed) -> list[PassageCount]:
    """Count passages and people by checkpoint, direction and outcome."""
    return [PassageCount(*row) for row in _read(PASSAGE_COUNTS.format(passed=PASSED), by, _passed(by, passed))]


def _overdue(closed_at: datetime | None, ordered_until: datetime, at: datetime) -> bool:
    return ordered_until < at and (closed_at is None or closed_at > at)


def _passed(by: Actor, passed: Passed) -> dict[str, Any]:
    span = passed.within or by.scope
    return {
        "lo": span.lo, "hi": span.hi, "since": passed.since, "until": passed.until or response_now(),
        "checkpoint": passed.checkpoint, "outcome": passed.outcome, "direction": passed.direction,
    }  # fmt: skip


def _read(query: str, by: Actor, params: dict[str, Any]) -> list[Any]:
    by.require(READ_CHECKPOINTS)
    return read_rows(by, query, params)
