"""Writing what hand-overs lacked or had too much, and what came of looking for it: found, given up, explained."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duties, reconcile
from lianfang.kit.clock import response_now
from lianfang.kit.codes import county_of
from lianfang.kit.ids import derived_id, new_id
from lianfang.response.specimens.duties import desired_search
from lianfang.response.specimens.permissions import FIND_TUBES
from lianfang.response.specimens.reconciling import (
    Difference,
    DifferenceUnknown,
    Outcome,
    Sought,
    judge_search,
)
from lianfang.response.specimens.rules import TubeUnknown

#: id, kind, tube, code, number, division code, role
Row = tuple[uuid.UUID, str, uuid.UUID | None, str, int, int, str]

OPEN = """
INSERT INTO specimens_custodydifference (county, id, step, kind, tube, code, number, division_code, role, noticed_at,
                                         due_at, place, reason, recorded_at)
SELECT %(county)s, id, %(step)s, kind, tube, code, number, division_code, role, %(at)s, %(due_at)s, '', '', %(now)s
FROM unnest(%(ids)s::uuid[], %(kinds)s::text[], %(tubes)s::uuid[], %(codes)s::text[], %(numbers)s::int[],
            %(divisions)s::bigint[], %(roles)s::text[])
     AS sent (id, kind, tube, code, number, division_code, role)
ON CONFLICT (county, id) DO NOTHING
"""

# A hand-over that is told late may lack a tube that somebody has had in the hand since.
SEEN_SINCE = """
SELECT p.tube, p.holder FROM specimens_tubeplace p
WHERE p.county = %(county)s AND p.tube = ANY(%(tubes)s) AND p.since > %(at)s AND p.stage IN ('box', 'courier', 'lab')
"""

TURNED_UP = """
WITH open AS (
    SELECT d.id, d.tube FROM specimens_custodydifference d
    WHERE d.county = %(county)s AND d.tube = ANY(%(tubes)s) AND d.kind = 'missing'
      AND (d.settled_at IS NULL OR d.outcome = 'lost') AND d.noticed_at <= %(at)s
    FOR UPDATE
), settled AS (
    UPDATE specimens_custodydifference d
    SET outcome = 'found', place = %(place)s, reason = %(reason)s, settled_at = %(at)s, settled_by = %(account)s
    FROM open WHERE d.county = %(county)s AND d.id = open.id
), found AS (
    UPDATE specimens_tubeloss l SET found_at = %(at)s, found_recorded_at = %(now)s, place = %(place)s
    WHERE l.county = %(county)s AND l.tube = ANY(%(tubes)s) AND l.found_at IS NULL AND l.lost_at <= %(at)s
    RETURNING l.tube
)
SELECT id, tube FROM open UNION ALL SELECT NULL, tube FROM found
"""

SOUGHT = """
SELECT t.id, t.code, (SELECT r.value FROM specimens_result r WHERE r.county = t.county AND r.tube = t.id
                      ORDER BY r.number DESC LIMIT 1)
FROM specimens_tube t WHERE t.county = %(county)s
  AND (t.code = ANY(%(codes)s) AND t.division_code BETWEEN %(lo)s AND %(hi)s OR t.id = %(tube)s)
ORDER BY t.id FOR NO KEY UPDATE
"""

DIFFERENCE = """
SELECT id, kind, tube, code, number, outcome FROM specimens_custodydifference
WHERE county = %(county)s AND id = %(difference)s AND division_code BETWEEN %(lo)s AND %(hi)s FOR UPDATE
"""

SETTLE = """
UPDATE specimens_custodydifference
SET outcome = %(outcome)s, place = %(place)s, reason = %(reason)s, settled_at = %(at)s, settled_by = %(account)s
WHERE county = %(county)s AND id = %(difference)s AND outcome IS DISTINCT FROM %(outcome)s
"""

LOSE = """
INSERT INTO specimens_tubeloss (county, id, tube, difference, reason, lost_at, recorded_at, recorded_by, place)
SELECT %(county)s, id, tube, %(difference)s, %(reason)s, %(at)s, %(now)s, %(account)s, ''
FROM unnest(%(ids)s::uuid[], %(tubes)s::uuid[]) AS sent (id, tube) ON CONFLICT DO NOTHING
"""

# Whoever gives a tube up by its code ends every search for it: nobody need know which hand-over had lacked it.
GIVEN_UP = """
UPDATE specimens_custodydifference
SET outcome = 'lost', place = '', reason = %(reason)s, settled_at = %(at)s, settled_by = %(account)s
WHERE county = %(county)s AND tube = ANY(%(tubes)s) AND kind = 'missing' AND settled_at IS NULL
  AND id IS DISTINCT FROM %(difference)s
RETURNING id
"""

PUT = """
WITH unpacked AS (
    UPDATE specimens_boxentry SET removed_at = greatest(%(at)s, packed_at)
    WHERE county = %(county)s AND tube = ANY(%(tubes)s) AND removed_at IS NULL
)
INSERT INTO specimens_tubeplace AS place (county, tube, stage, holder, since)
SELECT %(county)s, tube, %(stage)s, %(place)s, %(at)s FROM unnest(%(tubes)s::uuid[]) AS sent (tube)
ON CONFLICT (county, tube) DO UPDATE SET stage = excluded.stage, holder = excluded.holder, lab = NULL, since = excluded.since
WHERE place.since <= excluded.since
"""


@dataclass(frozen=True)
class SearchReceipt:
    """How a search ended, for how many tubes, and how many people must be sampled again because of it."""

    outcome: str
    tubes: int
    people: int


def open_differences(
    rows: Sequence[Row],
    *,
    step: uuid.UUID,
    by: Actor,
    county: int,
    valid_at: datetime,
    due_at: datetime,
    cause: uuid.UUID | None = None,
) -> None:
    """Write what a hand-over lacked or had too much and open a duty for each, inside the hand-over's transaction."""
    if not rows:
        return
    ids, kinds, tubes, codes, numbers, divisions, roles = map(list, zip(*rows, strict=True))
    params: dict[str, Any] = {
        "county": county, "step": step, "at": valid_at, "due_at": due_at, "now": response_now(), "ids": ids,
        "kinds": kinds, "tubes": tubes, "codes": codes, "numbers": numbers, "divisions": divisions, "roles": roles,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(OPEN, params)
        missing = [tube for tube, kind in zip(tubes, kinds, strict=True) if tube and kind == "missing"]
        cursor.execute(SEEN_SINCE, params | {"tubes": missing})
        seen = cursor.fetchall()
    reconcile(desired_search(ids), by=by, county=county, valid_at=valid_at, cause=cause)
    for tube, holder in seen:
        tubes_turned_up(
            [tube], by=by, county=county, place=holder, reason="handed on since", valid_at=response_now(), cause=cause
        )  # fmt: skip


def tubes_turned_up(
    tubes: Collection[uuid.UUID],
    *,
    by: Actor,
    county: int,
    place: str,
    reason: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> set[uuid.UUID]:
    """Settle every search for these tubes, because somebody has them in the hand; return those that were sought."""
    if not tubes:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            TURNED_UP,
            {
                "county": county, "tubes": list(tubes), "place": place[:80], "reason": reason, "at": valid_at,
                "now": response_now(), "account": by.account_id,
            },
        )  # fmt: skip
        rows = cursor.fetchall()
    settled = [(id, "once") for id, _ in rows if id]
    if settled:
        finish_duties(
            settled, kind="missing_tube", by=by, county=county, outcome="found", valid_at=valid_at, cause=cause
        )  # fmt: skip
    return {tube for _, tube in rows}


def record_tube_found(
    outcome: Outcome,
    *,
    by: Actor,
    valid_at: datetime,
    difference: uuid.UUID | None = None,
    codes: Sequence[str] = (),
    place: str = "",
    reason: str = "",
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> SearchReceipt:
    """Record what came of looking for tubes: found at a place, lost for a reason, or the difference explained.

    ``difference`` is what a hand-over lacked or had too much (the subject of the duty); ``codes`` name the tubes where
    it does not, or alone when no hand-over noticed it (a broken tube). People in a lost tube are missing in their round
    again, as after too little material. The same outcome again changes nothing; a lost tube may still be found. Tubes and
    differences of another area are unknown here.
    """
    by.require(FIND_TUBES)
    county = county_of(by.scope.lo)
    with acting(by):
        open = _difference(by, county, difference)
        sought = _sought(by, county, open, codes)
        judge_search(outcome, open, sought, place, reason)
        params: dict[str, Any] = {
            "county": county, "difference": difference, "outcome": outcome, "place": place.strip(),
            "reason": reason.strip(), "at": valid_at, "now": response_now(), "account": by.account_id,
            "tubes": [tube.id for tube in sought],
        }  # fmt: skip
        if outcome == "found":
            _found(open, sought, params, by, cause)
        elif outcome == "lost":
            _lost(sought, params, id or cause or new_id(), by, cause)
        if open is not None:
            _settle(open, outcome, params, by, cause)
        people = _people(county, params["tubes"]) if outcome == "lost" else 0
        record_audit(
            by, FIND_TUBES, subject=("custody_difference", difference), division_code=by.scope.lo, count=len(sought),
            outcome=outcome, people=people, command=cause,
        )  # fmt: skip
    return SearchReceipt(outcome, len(sought) or (open.number if open else 0), people)


def _difference(by: Actor, county: int, difference: uuid.UUID | None) -> Difference | None:
    if difference is None:
        return None
    with connection.cursor() as cursor:
        area = {"lo": by.scope.lo, "hi": by.scope.hi}
        cursor.execute(DIFFERENCE, area | {"county": county, "difference": difference})
        row = cursor.fetchone()
    if row is None:
        raise DifferenceUnknown("There is no such difference of a hand-over in your area. Refresh your list.")
    return Difference(*row)


def _sought(by: Actor, county: int, difference: Difference | None, codes: Sequence[str]) -> list[Sought]:
    own = difference.tube if difference else None
    if not codes and own is None:
        return []
    with connection.cursor() as cursor:
        area = {"lo": by.scope.lo, "hi": by.scope.hi}
        cursor.execute(SOUGHT, area | {"county": county, "codes": list(codes), "tube": own})
        found = [Sought(*row) for row in cursor.fetchall()]
    unknown = set(codes) - {tube.code for tube in found}
    if unknown:
        raise TubeUnknown(
            f"Tube {min(unknown)} is not registered in your area: read its code again, or send its registration first."
        )
    return found


def _found(
    difference: Difference | None, sought: Sequence[Sought], params: dict[str, Any], by: Actor, cause: uuid.UUID | None
) -> None:
    stage = {"courier": "courier", "lab": "lab"}.get(by.role, "site")
    with connection.cursor() as cursor:
        cursor.execute(PUT, params | {"stage": stage})
    tubes_turned_up(
        params["tubes"], by=by, county=params["county"], place=params["place"], reason=params["reason"],
        valid_at=params["at"], cause=cause,
    )  # fmt: skip


def _lost(
    sought: Sequence[Sought], params: dict[str, Any], root: uuid.UUID, by: Actor, cause: uuid.UUID | None
) -> None:
    ids = [derived_id("tube_loss", root, tube.id) for tube in sought]
    with connection.cursor() as cursor:
        cursor.execute(LOSE, params | {"ids": ids})
        cursor.execute(PUT, params | {"stage": "lost"})
        cursor.execute(GIVEN_UP, params)
        ended = [(row[0], "once") for row in cursor.fetchall()]
    if ended:
        finish_duties(
            ended, kind="missing_tube", by=by, county=params["county"], outcome="lost", valid_at=params["at"], cause=cause
        )  # fmt: skip


def _settle(difference: Difference, outcome: str, params: dict[str, Any], by: Actor, cause: uuid.UUID | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, params)
    finish_duties(
        [(difference.id, "once")], kind=f"{difference.kind}_tube", by=by, county=params["county"], outcome=outcome,
        valid_at=params["at"], cause=cause,
    )  # fmt: skip


def _people(county: int, tubes: Sequence[uuid.UUID]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(filled), 0) FROM specimens_tube WHERE county = %s AND id = ANY(%s)",
            [county, list(tubes)],
        )
        return int(cursor.fetchone()[0])
