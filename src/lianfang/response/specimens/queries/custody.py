"""Reading custody: where tubes are now, what hand-overs lacked, one tube's whole way."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, planned_wide, read_rows
from lianfang.kit.clock import response_now
from lianfang.response.command.queries import county_in_view
from lianfang.response.specimens.permissions import READ_CUSTODY
from lianfang.response.specimens.queries.results import EXPECTED, _area
from lianfang.response.specimens.rules import county_hand

#: a tube's stage: told by its place, else it is where it was filled, still open or sealed
STAGE = "coalesce(p.stage, CASE WHEN t.sealed_at IS NULL THEN 'open' ELSE 'site' END)"

# Only tubes that wait for a result are anywhere; those without anybody in them are not waited for.
WAITING = """
FROM specimens_tube t
JOIN unnest(%(modes)s::text[], %(waits)s::interval[]) AS clock (mode, wait) ON clock.mode = t.mode
LEFT JOIN specimens_tubeplace p ON p.county = t.county AND p.tube = t.id
WHERE t.county = %(county)s AND t.resulted_at IS NULL AND t.filled > 0 AND t.division_code BETWEEN %(lo)s AND %(hi)s
"""

COUNTS = f"""
SELECT {STAGE}, coalesce(p.holder, ''), p.lab, count(*), sum(t.filled), min(t.opened_at),
       count(*) FILTER (WHERE t.opened_at + clock.wait < %(now)s AND {EXPECTED})
{WAITING} GROUP BY 1, 2, 3 ORDER BY 4 DESC, 2
"""

PLACED_FILTER = f"""
AND (%(stage)s = '' OR {STAGE} = %(stage)s) AND (%(holder)s = '' OR p.holder = %(holder)s)
AND (%(lab)s::uuid IS NULL OR p.lab = %(lab)s) AND (NOT %(late)s OR t.opened_at + clock.wait < %(now)s AND {EXPECTED})
"""

PLACED = f"""
SELECT t.id, t.code, t.mode, t.round, t.division_code, t.filled, t.opened_at, t.opened_at + clock.wait, {STAGE},
       coalesce(p.holder, ''), p.lab, coalesce(p.since, t.sealed_at, t.opened_at)
{WAITING} {PLACED_FILTER} ORDER BY t.opened_at + clock.wait, t.id LIMIT %(limit)s OFFSET %(offset)s
"""

DIFFERENCES = """
SELECT d.id, d.kind, d.tube, d.code, d.number, d.division_code, d.role, d.noticed_at, d.due_at, d.outcome, d.place,
       d.reason, d.settled_at, s.giver, s.taker
FROM specimens_custodydifference d JOIN specimens_custodystep s ON s.county = d.county AND s.id = d.step
WHERE d.county = %(county)s AND d.division_code BETWEEN %(lo)s AND %(hi)s AND (NOT %(open)s OR d.settled_at IS NULL)
ORDER BY d.settled_at IS NOT NULL, d.due_at, d.id
"""

# A hand-over concerns whoever's area holds one of its tubes.
STEPS = """
FROM specimens_custodystep s
WHERE s.county = %(county)s AND (%(lab)s::uuid IS NULL OR s.lab = %(lab)s)
  AND (s.division_code BETWEEN %(lo)s AND %(hi)s OR EXISTS (
    SELECT 1 FROM specimens_custodyentry e JOIN specimens_tube t ON t.county = e.county AND t.id = e.tube
    WHERE e.county = s.county AND e.step = s.id AND t.division_code BETWEEN %(lo)s AND %(hi)s))
"""

STEP_ROWS = f"""
SELECT s.id, s.giver, s.giver_kind, s.taker, s.taker_kind, s.lab, s.tubes, s.tubes_given, s.tubes_counted, s.scanned,
       s.handed_at, (SELECT count(*) FROM specimens_custodydifference d
                     WHERE d.county = s.county AND d.step = s.id AND d.settled_at IS NULL)
{STEPS} ORDER BY s.handed_at DESC, s.id LIMIT %(limit)s OFFSET %(offset)s
"""  # noqa: S608 - made of constants

RECORD = f"""
SELECT t.id, t.code, t.mode, t.capacity, t.purpose, t.round, t.division_code, t.filled, t.opened_at, t.sealed_at,
       CASE WHEN t.resulted_at IS NOT NULL THEN 'reported' ELSE {STAGE} END, coalesce(p.holder, ''), p.lab,
       (SELECT r.value FROM specimens_result r WHERE r.county = t.county AND r.tube = t.id ORDER BY r.number DESC LIMIT 1)
FROM specimens_tube t LEFT JOIN specimens_tubeplace p ON p.county = t.county AND p.tube = t.id
WHERE t.county = %(county)s AND t.code = %(code)s
  AND (t.division_code BETWEEN %(lo)s AND %(hi)s OR EXISTS (
       SELECT 1 FROM specimens_sample s WHERE s.county = t.county AND s.tube = t.id))
"""  # noqa: S608 - made of constants

WAY = """
SELECT * FROM (
    SELECT 'opened' AS what, t.opened_at AS at, '' AS who, '' AS note FROM specimens_tube t
    WHERE t.county = %(county)s AND t.id = %(tube)s
    UNION ALL
    SELECT 'sealed', t.sealed_at, '', '' FROM specimens_tube t
    WHERE t.county = %(county)s AND t.id = %(tube)s AND t.sealed_at IS NOT NULL
    UNION ALL
    SELECT 'packed', e.packed_at, b.code, '' FROM specimens_boxentry e
    JOIN specimens_box b ON b.county = e.county AND b.id = e.box WHERE e.county = %(county)s AND e.tube = %(tube)s
    UNION ALL
    SELECT CASE e.standing WHEN 'taken' THEN CASE WHEN s.lab IS NULL THEN 'handed_over' ELSE 'received' END
                           ELSE e.standing END, s.handed_at, s.giver || ' → ' || s.taker, ''
    FROM specimens_custodyentry e JOIN specimens_custodystep s ON s.county = e.county AND s.id = e.step
    WHERE e.county = %(county)s AND e.tube = %(tube)s
    UNION ALL
    SELECT d.outcome, d.settled_at, d.place, d.reason FROM specimens_custodydifference d
    WHERE d.county = %(county)s AND d.tube = %(tube)s AND d.outcome <> 'lost'
    UNION ALL
    SELECT 'lost', l.lost_at, '', l.reason FROM specimens_tubeloss l WHERE l.county = %(county)s AND l.tube = %(tube)s
    UNION ALL
    SELECT 'found', l.found_at, l.place, '' FROM specimens_tubeloss l
    WHERE l.county = %(county)s AND l.tube = %(tube)s AND l.found_at IS NOT NULL AND l.difference IS NULL
) AS way ORDER BY at, what = 'opened' DESC, what = 'sealed' DESC
"""

# Whatever puts a tube somewhere is dated: no record may be later than its place, and one of that instant must say it.
PLACES_WRONG = """
WITH put (tube, stage, at) AS (
    SELECT e.tube, 'box', e.packed_at FROM specimens_boxentry e WHERE e.county = %(county)s
    UNION ALL
    SELECT e.tube, CASE e.standing WHEN 'missing' THEN 'missing' ELSE s.taker_kind END, s.handed_at
    FROM specimens_custodyentry e JOIN specimens_custodystep s ON s.county = e.county AND s.id = e.step
    WHERE e.county = %(county)s
    UNION ALL
    SELECT l.tube, 'lost', l.lost_at FROM specimens_tubeloss l WHERE l.county = %(county)s
    UNION ALL
    -- found: with whoever found it, so that any stage but lost is right; by a result, from when the laboratory had it
    SELECT l.tube, p.stage, CASE p.stage WHEN 'lab' THEN least(l.found_at, p.since) ELSE l.found_at END FROM specimens_tubeloss l
    JOIN specimens_tubeplace p ON p.county = l.county AND p.tube = l.tube AND p.stage <> 'lost'
    WHERE l.county = %(county)s AND l.found_at IS NOT NULL
    UNION ALL
    -- reported: with the laboratory, also when what was tested before is packed by a later record
    SELECT r.tube, 'lab', p.since FROM specimens_result r
    JOIN specimens_tubeplace p ON p.county = r.county AND p.tube = r.tube AND p.stage = 'lab'
    WHERE r.county = %(county)s
)
SELECT put.tube, coalesce(p.stage, ''), min(put.stage) FROM put
LEFT JOIN specimens_tubeplace p ON p.county = %(county)s AND p.tube = put.tube
GROUP BY put.tube, p.stage, p.since
HAVING p.since IS NULL OR max(put.at) > p.since OR max(put.at) = p.since AND NOT bool_or(put.at = p.since AND put.stage = p.stage)
LIMIT 100
"""


@dataclass(frozen=True)
class CustodyCount:
    """How many tubes without a result are at one stage with one holder; ``people`` wait for them, ``late`` are past
    their clock."""

    stage: str
    holder: str
    lab: uuid.UUID | None
    tubes: int
    people: int
    oldest_at: datetime
    late: int


@dataclass(frozen=True)
class PlacedTube:
    """A tube without a result and where it is; ``due_at`` is when its result must be known."""

    tube: uuid.UUID
    code: str
    mode: str
    round: uuid.UUID | None
    division_code: int
    people: int
    opened_at: datetime
    due_at: datetime
    stage: str
    holder: str
    lab: uuid.UUID | None
    since: datetime


@dataclass(frozen=True)
class DifferenceRow:
    """What a hand-over lacked or had too much, who clears it up by when, and how it ended."""

    id: uuid.UUID
    kind: str
    tube: uuid.UUID | None
    code: str
    number: int
    division_code: int
    role: str
    noticed_at: datetime
    due_at: datetime
    outcome: str | None
    place: str
    reason: str
    settled_at: datetime | None
    giver: str
    taker: str


@dataclass(frozen=True)
class StepRow:
    """A hand-over with what each side counted; ``open`` are its differences that nobody has cleared up."""

    id: uuid.UUID
    giver: str
    giver_kind: str
    taker: str
    taker_kind: str
    lab: uuid.UUID | None
    tubes: int
    tubes_given: int | None
    tubes_counted: int
    scanned: bool
    handed_at: datetime
    open: int


@dataclass(frozen=True)
class TubeRecord:
    """A tube, where it is, and what stands as found in it."""

    tube: uuid.UUID
    code: str
    mode: str
    capacity: int
    purpose: str
    round: uuid.UUID | None
    division_code: int
    people: int
    opened_at: datetime
    sealed_at: datetime | None
    stage: str
    holder: str
    lab: uuid.UUID | None
    value: str | None


@dataclass(frozen=True)
class TubeEvent:
    """One step of a tube's way: what happened, when, who had it then, and why."""

    what: str
    at: datetime
    who: str
    note: str


def where_tubes_are(*, by: Actor, clocks: Mapping[str, timedelta]) -> list[CustodyCount]:
    """Count the tubes of the actor's area that wait for a result, by stage and holder: every such tube in one row."""
    by.require(READ_CUSTODY)
    return [CustodyCount(*row) for row in wide_rows(by, COUNTS, _now(by, clocks))]


def tubes_placed(
    *,
    by: Actor,
    clocks: Mapping[str, timedelta],
    stage: str = "",
    holder: str = "",
    lab: uuid.UUID | None = None,
    late: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> list[PlacedTube]:
    """List the tubes that one count of `where_tubes_are` counted, those first whose result is due first."""
    by.require(READ_CUSTODY)
    asked = {"stage": stage, "holder": holder, "lab": lab, "late": late, "limit": limit, "offset": offset}
    return [PlacedTube(*row) for row in wide_rows(by, PLACED, _now(by, clocks) | asked)]


def count_placed(
    *,
    by: Actor,
    clocks: Mapping[str, timedelta],
    stage: str = "",
    holder: str = "",
    lab: uuid.UUID | None = None,
    late: bool = False,
) -> int:
    """Count the tubes of `tubes_placed`."""
    by.require(READ_CUSTODY)
    asked = {"stage": stage, "holder": holder, "lab": lab, "late": late}
    return int(wide_rows(by, f"SELECT count(*) {WAITING} {PLACED_FILTER}", _now(by, clocks) | asked)[0][0])


def differences(*, by: Actor, open: bool = True) -> list[DifferenceRow]:
    """List what hand-overs lacked or had too much in the actor's area, those not cleared up first, by due time."""
    by.require(READ_CUSTODY)
    return [DifferenceRow(*row) for row in read_rows(by, DIFFERENCES, _area(by) | {"open": open})]


def hand_overs(*, by: Actor, lab: uuid.UUID | None = None, limit: int = 100, offset: int = 0) -> list[StepRow]:
    """List the hand-overs of tubes of the actor's area, the latest first; of one laboratory's intake if asked."""
    by.require(READ_CUSTODY)
    params = _area(by) | {"lab": lab, "limit": limit, "offset": offset}
    return [StepRow(*row) for row in read_rows(by, STEP_ROWS, params)]


def count_steps(*, by: Actor, lab: uuid.UUID | None = None) -> int:
    """Count the hand-overs of `hand_overs`."""
    by.require(READ_CUSTODY)
    return int(read_rows(by, f"SELECT count(*) {STEPS}", _area(by) | {"lab": lab})[0][0])


def tube_record(code: str, *, by: Actor) -> TubeRecord | None:
    """Return a tube by its printed code: filled in the actor's area, or holding somebody of it; else None."""
    by.require(READ_CUSTODY)
    rows = read_rows(by, RECORD, _area(by) | {"code": code})
    return TubeRecord(*rows[0]) if rows else None


def tube_way(tube: uuid.UUID, *, by: Actor) -> list[TubeEvent]:
    """List everything that happened to a tube before its result, in order: opened, sealed, packed, handed over, sought."""
    by.require(READ_CUSTODY)
    return [TubeEvent(*row) for row in read_rows(by, WAY, _area(by) | {"tube": tube})]


def custody_disagreements(*, by: Actor) -> list[tuple[uuid.UUID, str, str, int, int, datetime]]:
    """List hand-overs whose counts differ: (step, giver, taker, tubes given, tubes counted, when)."""
    return read_rows(
        by,
        "SELECT id, giver, taker, tubes, tubes_counted, handed_at FROM specimens_custodystep"
        " WHERE county = %(county)s AND tubes <> tubes_counted AND division_code BETWEEN %(lo)s AND %(hi)s"
        " ORDER BY handed_at, id",
        _area(by),
    )


def place_disagreements(*, by: Actor) -> list[tuple[uuid.UUID, str, str]]:
    """List up to 100 tubes (id, where it is said to be, where its last record puts it) that disagree: none, ever."""
    return read_rows(county_hand(by, county_in_view(by)), PLACES_WRONG, _area(by))


def wide_rows(by: Actor, statement: str, params: dict[str, Any]) -> list[Any]:
    """Read a statement that joins every tube that waits with its place: 100,000 of each looped took a second."""
    with acting(by), planned_wide(True):
        return read_rows(by, statement, params)


def _now(by: Actor, clocks: Mapping[str, timedelta]) -> dict[str, Any]:
    return _area(by) | {"modes": list(clocks), "waits": list(clocks.values()), "now": response_now()}
