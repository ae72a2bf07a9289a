"""Reading specimens: what was found in whom, what waits too long, and who shares a positive tube."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import read_rows
from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.kit.clock import response_now
from lianfang.response.command.queries import county_in_view
from lianfang.response.specimens.permissions import READ_RESULTS
from lianfang.response.specimens.rules import KnownTube, county_hand, void_doubt

#: The tubes of a county in which there was too little material or that are lost, as far as known at an instant: whoever is
#: in them must be sampled again. For the rooms that count rounds. Params: county, at.
UNUSABLE_TUBES = """
SELECT bad.tube FROM specimens_result bad
WHERE bad.county = %(county)s AND bad.value = 'insufficient' AND bad.recorded_at <= %(at)s AND NOT EXISTS (
    SELECT 1 FROM specimens_result better WHERE better.county = bad.county AND better.tube = bad.tube
      AND better.number > bad.number AND better.recorded_at <= %(at)s)
UNION ALL
SELECT lost.tube FROM specimens_tubeloss lost
WHERE lost.county = %(county)s AND lost.recorded_at <= %(at)s
  AND (lost.found_recorded_at IS NULL OR lost.found_recorded_at > %(at)s)
"""

#: The samples of a county that were voided, as far as known at an instant, by tube and sample: whoever they name must be
#: sampled again. For the rooms that count rounds. Params: county, at.
VOIDED_SAMPLES = """
SELECT gone.tube, gone.sample FROM specimens_samplevoid gone
WHERE gone.county = %(county)s AND gone.recorded_at <= %(at)s
"""

#: Usable samples of some rounds as known at an instant: one row per person for ``attempt = 1``, few rows at all for
#: ``attempt > 1``. A plain join to it goes by the index of rounds, also while the planner has no statistics yet.
#: Params: county, rounds, at.
SAMPLED_IN_ROUNDS = f"""
SELECT s.round, s.resident, s.attempt, s.site_code FROM specimens_sample s
WHERE s.county = %(county)s AND s.round = ANY(%(rounds)s) AND s.recorded_at <= %(at)s
  AND s.tube NOT IN ({UNUSABLE_TUBES})
  AND (s.tube, s.id) NOT IN ({VOIDED_SAMPLES})
"""  # noqa: S608 - made of constants

# Params: at; needs the sample as s.
STANDS = """
NOT EXISTS (SELECT 1 FROM specimens_samplevoid v
            WHERE v.county = s.county AND v.tube = s.tube AND v.sample = s.id AND v.recorded_at <= %(at)s)
"""

# The rounds of the county are few, so they are found by jumps along the index that begins with them, and a person's
# samples by one look into each: a second index on every sample of every round would cost each registration.
OF_PEOPLE = f"""
WITH RECURSIVE known_round (round) AS (
    SELECT (SELECT s.round FROM specimens_sample s WHERE s.county = %(county)s AND s.round IS NOT NULL
            ORDER BY s.round LIMIT 1)
    UNION ALL
    SELECT (SELECT s.round FROM specimens_sample s WHERE s.county = %(county)s AND s.round > k.round
            ORDER BY s.round LIMIT 1)
    FROM known_round k WHERE k.round IS NOT NULL
), sample AS (
    SELECT * FROM specimens_sample WHERE county = %(county)s AND round IS NULL AND resident = ANY(%(residents)s)
    UNION ALL
    SELECT * FROM specimens_sample WHERE county = %(county)s AND resident = ANY(%(residents)s)
       AND round IN (SELECT round FROM known_round WHERE round IS NOT NULL)
)
SELECT s.resident, s.id, s.tube, t.code, t.mode, s.purpose, s.round, s.order_id, s.taken_at, s.site_code, r.value, r.ct,
       r.tested_at, r.reported_at, r.number > 1
FROM sample s JOIN specimens_tube t ON t.county = s.county AND t.id = s.tube
LEFT JOIN LATERAL (SELECT * FROM specimens_result r WHERE r.county = s.county AND r.tube = s.tube
                   AND r.recorded_at <= %(at)s ORDER BY r.number DESC LIMIT 1) AS r ON true
WHERE s.recorded_at <= %(at)s AND (%(since)s::timestamptz IS NULL OR s.taken_at >= %(since)s) AND {STANDS}
ORDER BY s.resident, s.taken_at, s.id
"""  # noqa: S608 - made of constants

#: a tube (t) whose result is still expected: nobody waits for one that was given up as lost
EXPECTED = """
NOT EXISTS (SELECT 1 FROM specimens_tubeloss g WHERE g.county = t.county AND g.tube = t.id AND g.found_at IS NULL)
"""

AWAITING = f"""
FROM specimens_tube t JOIN unnest(%(modes)s::text[], %(waits)s::interval[]) AS clock (mode, wait) USING (mode)
WHERE t.county = %(county)s AND t.resulted_at IS NULL AND t.filled > 0 AND t.opened_at + clock.wait < %(now)s
  AND t.division_code BETWEEN %(lo)s AND %(hi)s AND {EXPECTED}
"""

POSITIVE = f"""
SELECT t.id, t.code, t.mode, t.purpose, t.round, t.division_code, t.site, t.filled, r.reported_at, r.ct,
       s.id, s.resident, s.taken_at, s.division_code, p.name, p.household, p.present_code
FROM specimens_result r JOIN specimens_tube t ON t.county = r.county AND t.id = r.tube
LEFT JOIN specimens_sample s ON s.county = t.county AND s.tube = t.id AND {STANDS}
LEFT JOIN people_resident p ON p.id = s.resident
WHERE r.county = %(county)s AND r.value = 'positive' AND r.recorded_at <= %(at)s AND NOT EXISTS (
        SELECT 1 FROM specimens_result later WHERE later.county = r.county AND later.tube = r.tube
          AND later.number > r.number AND later.recorded_at <= %(at)s)
  {{where}}
ORDER BY r.reported_at, t.id, s.taken_at, s.id
"""  # noqa: S608 - made of constants

VOIDED_IN = """
SELECT v.tube, v.sample, s.resident, v.reason, v.instead_tube, v.instead, v.voided_at
FROM specimens_samplevoid v
LEFT JOIN specimens_sample s ON s.county = v.county AND s.tube = v.tube AND s.id = v.sample
WHERE v.county = %(county)s AND v.tube = ANY(%(tubes)s) AND v.recorded_at <= %(at)s ORDER BY v.tube, v.voided_at, v.sample
"""


@dataclass(frozen=True)
class PersonResult:
    """One sample of a person and what is known of it; ``value`` is empty until the laboratory has reported."""

    resident: uuid.UUID
    sample: uuid.UUID
    tube: uuid.UUID
    code: str
    mode: str
    purpose: str
    round: uuid.UUID | None
    order_id: uuid.UUID | None
    taken_at: datetime
    site_code: int
    value: str | None
    ct: float | None
    tested_at: datetime | None
    reported_at: datetime | None
    corrected: bool | None


@dataclass(frozen=True)
class WaitingTube:
    """A tube without a result past the pack's clock; ``due_at`` is when that clock ran out."""

    tube: uuid.UUID
    code: str
    mode: str
    round: uuid.UUID | None
    division_code: int
    people: int
    opened_at: datetime
    due_at: datetime
    held_by: str | None


@dataclass(frozen=True)
class PoolMember:
    """Somebody whose sample is in a positive tube."""

    sample: uuid.UUID
    resident: uuid.UUID
    taken_at: datetime
    division_code: int
    name: str
    household: uuid.UUID | None
    present_code: int


@dataclass(frozen=True)
class VoidedSample:
    """A sample that stands no more: whose (of the actor's area), why, which stands instead, and what stays open."""

    sample: uuid.UUID
    resident: uuid.UUID | None
    reason: str
    instead_tube: uuid.UUID | None
    instead: uuid.UUID | None
    voided_at: datetime

    @property
    def doubt(self) -> str | None:
        """What the void leaves open about the people of its tube, as a sentence, or None."""
        return void_doubt(self.reason, self.instead)


@dataclass(frozen=True)
class PositiveTube:
    """A tube that stands as positive. ``filled`` counts all its people, ``members`` are those in the actor's area.

    ``voided`` are samples that stand no more and are nobody's in this pool; each says what it leaves in doubt.
    """

    tube: uuid.UUID
    code: str
    mode: str
    purpose: str
    round: uuid.UUID | None
    division_code: int
    site: uuid.UUID | None
    filled: int
    reported_at: datetime
    ct: float | None
    members: tuple[PoolMember, ...]
    voided: tuple[VoidedSample, ...] = ()


@dataclass(frozen=True)
class ResultVersion:
    """One finding in the history of a tube."""

    number: int
    value: str
    ct: float | None
    tested_at: datetime
    reported_at: datetime
    lab: str
    reason: str | None
    recorded_at: datetime
    recorded_by: uuid.UUID


def results_of(
    residents: Iterable[uuid.UUID], *, by: Actor, since: datetime | None = None, at: datetime | None = None
) -> list[PersonResult]:
    """List the samples of people in the actor's area with their results as known at an instant, by person and time."""
    by.require(READ_RESULTS)
    params = {
        "county": county_in_view(by), "residents": list(residents), "since": since, "at": at or response_now(),
    }  # fmt: skip
    return [PersonResult(*row) for row in read_rows(by, OF_PEOPLE, params)]


def last_negatives(
    residents: Iterable[uuid.UUID], *, by: Actor, at: datetime | None = None
) -> dict[uuid.UUID, PersonResult]:
    """Return each person's latest sample that stands as negative; its age runs from ``taken_at``. Nobody without one."""
    negatives = (result for result in results_of(residents, by=by, at=at) if result.value == "negative")
    return {result.resident: result for result in negatives}


def result_history(tube: uuid.UUID, *, by: Actor) -> list[ResultVersion]:
    """List everything ever reported of one tube, the first finding first."""
    by.require(READ_RESULTS)
    statement = """
    SELECT r.number, r.value, r.ct, r.tested_at, r.reported_at, r.lab, r.reason, r.recorded_at, r.recorded_by
    FROM specimens_result r JOIN specimens_tube t ON t.county = r.county AND t.id = r.tube
    WHERE r.county = %(county)s AND r.tube = %(tube)s AND t.division_code BETWEEN %(lo)s AND %(hi)s ORDER BY r.number
    """
    return [ResultVersion(*row) for row in read_rows(by, statement, _area(by) | {"tube": tube})]


def tubes_awaiting_result(
    *, by: Actor, clocks: Mapping[str, timedelta], at: datetime | None = None, limit: int = 100, offset: int = 0
) -> list[WaitingTube]:
    """List tubes filled in the actor's area whose result is late, the longest wait first, with who has them now.

    ``clocks``: how long each mode may wait, as `rules.result_clocks` reads it from the pack.
    """
    statement = f"""
    SELECT t.id, t.code, t.mode, t.round, t.division_code, t.filled, t.opened_at, t.opened_at + clock.wait,
           (SELECT s.taker FROM specimens_custodyentry e JOIN specimens_custodystep s ON s.county = e.county AND s.id = e.step
            WHERE e.county = t.county AND e.tube = t.id ORDER BY s.handed_at DESC LIMIT 1)
    {AWAITING} ORDER BY t.opened_at + clock.wait, t.id LIMIT %(limit)s OFFSET %(offset)s
    """  # noqa: S608 - made of constants
    params = _awaiting(by, clocks, at) | {"limit": limit, "offset": offset}
    return [WaitingTube(*row) for row in read_rows(by, statement, params)]


def count_tubes_awaiting_result(*, by: Actor, clocks: Mapping[str, timedelta], at: datetime | None = None) -> int:
    """Count the tubes of `tubes_awaiting_result`."""
    return int(read_rows(by, f"SELECT count(*) {AWAITING}", _awaiting(by, clocks, at))[0][0])


def positive_tubes(
    *,
    by: Actor,
    round: uuid.UUID | None = None,
    tubes: Sequence[uuid.UUID] | None = None,
    at: datetime | None = None,
) -> list[PositiveTube]:
    """List the tubes that stand as positive at an instant, filled in the actor's area or holding its people, with members.

    For one round, for these tubes, or all. Whoever may not read people (a laboratory) gets tubes without members.
    """
    by.require(READ_RESULTS)
    where = "AND (t.division_code BETWEEN %(lo)s AND %(hi)s OR s.resident IS NOT NULL)"
    where += " AND t.round = %(round)s" if round else ""
    where += " AND t.id = ANY(%(tubes)s)" if tubes is not None else ""
    params = _area(by) | {"round": round, "tubes": tubes and list(tubes), "at": at or response_now()}
    listed = read_rows(by, POSITIVE.format(where=where), params)
    gone = voided_in({row[0] for row in listed}, by=by, at=at)
    found = []
    for tube, group in groupby(listed, key=itemgetter(0)):
        rows: list[Any] = list(group)
        members = tuple(PoolMember(*row[10:]) for row in rows if row[10] is not None and by.may(READ_PEOPLE))
        found.append(PositiveTube(*[*rows[0][:10], members, gone.get(tube, ())]))
    return found


def voided_in(
    tubes: Iterable[uuid.UUID], *, by: Actor, at: datetime | None = None
) -> dict[uuid.UUID, tuple[VoidedSample, ...]]:
    """Return the voided samples of some tubes as known at an instant, by tube; tubes without one are left out."""
    by.require(READ_RESULTS)
    params = _area(by) | {"tubes": list(tubes), "at": at or response_now()}
    rows = read_rows(by, VOIDED_IN, params) if params["tubes"] else []
    if not by.may(READ_PEOPLE):
        rows = [(*row[:2], None, *row[3:]) for row in rows]
    return {
        tube: tuple(VoidedSample(*row[1:]) for row in group) for tube, group in groupby(rows, key=itemgetter(0))
    }  # fmt: skip


def count_positive_tubes(*, by: Actor, rounds: Sequence[uuid.UUID], at: datetime | None = None) -> dict[uuid.UUID, int]:
    """Count the tubes of each round that stand as positive, wherever in the county they were filled; 0 is left out."""
    statement = """
    SELECT t.round, count(*) FROM specimens_result r JOIN specimens_tube t ON t.county = r.county AND t.id = r.tube
    WHERE r.county = %(county)s AND r.value = 'positive' AND r.recorded_at <= %(at)s AND t.round = ANY(%(rounds)s)
      AND NOT EXISTS (SELECT 1 FROM specimens_result later WHERE later.county = r.county AND later.tube = r.tube
                      AND later.number > r.number AND later.recorded_at <= %(at)s)
    GROUP BY t.round
    """
    params = _area(by) | {"rounds": list(rounds), "at": at or response_now()}
    return dict(read_rows(by, statement, params))


def tube_with_members(code: str, *, by: Actor) -> tuple[KnownTube, list[PoolMember]] | None:
    """Return a tube of the county by its printed code, and those in it who live in the actor's area.

    A laboratory, which reads results and no people, learns of nobody in it.
    """
    by.require(READ_RESULTS)
    tube = read_rows(
        by,
        "SELECT id, code, mode, capacity, purpose, round, filled, sealed_at FROM specimens_tube"
        " WHERE county = %(county)s AND code = %(code)s",
        _area(by) | {"code": code},
    )
    if not tube:
        return None
    if not by.may(READ_PEOPLE):
        return KnownTube(*tube[0]), []
    statement = f"""
    SELECT s.id, s.resident, s.taken_at, s.division_code, p.name, p.household, p.present_code
    FROM specimens_sample s JOIN people_resident p ON p.id = s.resident
    WHERE s.county = %(county)s AND s.tube = %(tube)s AND {STANDS} ORDER BY s.taken_at, s.id
    """  # noqa: S608 - made of constants
    members = read_rows(by, statement, _area(by) | {"tube": tube[0][0], "at": response_now()})
    return KnownTube(*tube[0]), [PoolMember(*row) for row in members]


def tube_disagreements(*, by: Actor) -> list[tuple[uuid.UUID, str]]:
    """List up to 100 tubes of the county (id, what) whose count or time of result is not what the records say: none, ever."""
    standing = f"""(SELECT count(*) FROM specimens_sample s WHERE s.county = t.county AND s.tube = t.id AND {STANDS})"""  # noqa: S608
    statement = f"""
    SELECT t.id, CASE WHEN t.filled <> {standing} THEN 'filled' ELSE 'resulted_at' END
    FROM specimens_tube t WHERE t.county = %(county)s AND (
        t.filled <> {standing}
        OR t.resulted_at IS DISTINCT FROM (SELECT r.reported_at FROM specimens_result r
                                           WHERE r.county = t.county AND r.tube = t.id AND r.number = 1))
    LIMIT 100
    """  # noqa: S608 - made of constants
    return read_rows(county_hand(by, county_in_view(by)), statement, _area(by) | {"at": response_now()})


def _area(by: Actor) -> dict[str, Any]:
    return {"county": county_in_view(by), "lo": by.scope.lo, "hi": by.scope.hi}


def _awaiting(by: Actor, clocks: Mapping[str, timedelta], at: datetime | None) -> dict[str, Any]:
    return _area(by) | {"modes": list(clocks), "waits": list(clocks.values()), "now": at or response_now()}
