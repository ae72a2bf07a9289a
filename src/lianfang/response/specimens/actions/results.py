"""Writing what laboratories find, and its corrections."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import response_now
from lianfang.kit.codes import county_of
from lianfang.kit.refusals import Refusal
from lianfang.response.specimens.actions.differences import tubes_turned_up
from lianfang.response.specimens.actions.labs import check_speaks
from lianfang.response.specimens.actions.notices import Finding, notices_of, open_notices
from lianfang.response.specimens.permissions import (
    CORRECT_RESULT,
    RECORD_RESULTS,
)
from lianfang.response.specimens.reconciling import must_be_told
from lianfang.response.specimens.rules import (
    ItemsRefused,
    RefusedItem,
    ResultEntry,
    ResultUnchanged,
    TubeStanding,
    TubeUnknown,
    Value,
    judge_result,
)

# Locked by a statement of its own: the next one sees what whoever held the lock before has written.
LOCK_TUBES = """
SELECT 1 FROM specimens_tube t WHERE t.county = %(county)s AND (t.id = ANY(%(tubes)s) OR t.code = ANY(%(codes)s))
ORDER BY t.id FOR NO KEY UPDATE
"""

STANDING = """
SELECT t.id, t.code, t.division_code, t.filled,
       (SELECT r.value FROM specimens_result r WHERE r.county = t.county AND r.tube = t.id ORDER BY r.number DESC LIMIT 1),
       (SELECT l.name FROM specimens_tubeplace p JOIN specimens_lab l ON l.county = p.county AND l.id = p.lab
        WHERE p.county = t.county AND p.tube = t.id AND p.stage = 'lab')
FROM specimens_tube t WHERE t.county = %(county)s AND (t.id = ANY(%(tubes)s) OR t.code = ANY(%(codes)s))
"""

# Who reports a tube has it: a registered laboratory that left its intake out has received it by that.
RECEIVED_BY_RESULT = """
INSERT INTO specimens_tubeplace AS place (county, tube, stage, holder, lab, since)
SELECT %(county)s, tube, 'lab', %(lab)s, (SELECT l.id FROM specimens_lab l WHERE l.county = %(county)s AND l.name = %(lab)s),
       tested_at
FROM unnest(%(tubes)s::uuid[], %(tested)s::timestamptz[]) AS sent (tube, tested_at)
ON CONFLICT (county, tube) DO UPDATE
SET stage = 'lab', holder = excluded.holder, lab = excluded.lab, since = greatest(place.since, excluded.since)
WHERE place.stage <> 'lab'
"""

LAST_LAB = "SELECT lab FROM specimens_result WHERE county = %s AND tube = %s ORDER BY number DESC LIMIT 1"

INSERT_RESULTS = """
WITH fresh AS (
    INSERT INTO specimens_result (county, tube, number, value, ct, tested_at, reported_at, lab, recorded_at, recorded_by)
    SELECT %(county)s, tube, 1, value, ct, tested_at, reported_at, %(lab)s, %(now)s, %(account)s
    FROM unnest(%(tubes)s::uuid[], %(values)s::text[], %(cts)s::float[], %(tested)s::timestamptz[],
                %(reported)s::timestamptz[]) AS sent (tube, value, ct, tested_at, reported_at)
    RETURNING tube, reported_at
)
UPDATE specimens_tube t SET resulted_at = fresh.reported_at FROM fresh WHERE t.county = %(county)s AND t.id = fresh.tube
"""


@dataclass(frozen=True)
class ResultsReceipt:
    """How many tubes of a list have the result it names, what was refused, and how many posts must be told because of it."""

    results: int
    refused: tuple[RefusedItem, ...]
    to_tell: int = 0


def record_results(
    results: Sequence[ResultEntry],
    *,
    by: Actor,
    lab: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    accept_good: bool = False,
) -> ResultsReceipt:
    """Record a laboratory's results, one per tube at most; the same list again gives the same receipt.

    Findings that ask for action open the duties to tell them; a tube that was sought has turned up. With anything refused nothing is written and `ItemsRefused` is raised, unless ``accept_good``.
    """
    by.require(RECORD_RESULTS)
    county = county_of(by.scope.lo)
    with acting(by):
        check_speaks(by, county, name=lab)
        standing = _tube_standings(results, county)
        fresh, known, refused = _judge_results(results, standing, by, lab)
        if refused and not accept_good:
            raise ItemsRefused(refused)
        _insert_results(fresh, by, county, lab, valid_at)
        tubes_turned_up(
            list(fresh), by=by, county=county, place=lab, reason="reported", valid_at=valid_at, cause=cause
        )  # fmt: skip
        open_notices(_findings(fresh, valid_at), by=by, county=county, valid_at=valid_at, cause=cause)
        to_tell = notices_of([tube.id for tube in set(standing.values())], county) if fresh or known else 0
        record_audit(by, RECORD_RESULTS, subject=("result_list", cause), division_code=by.scope.lo, count=len(fresh),
                     refused=len(refused))  # fmt: skip
    return ResultsReceipt(len(fresh) + known, tuple(refused), to_tell)


def _findings(fresh: Mapping[uuid.UUID, ResultEntry], valid_at: datetime) -> list[Finding]:
    """Return what somebody must be told; negatives and too little material wait for whoever looks."""
    return [
        Finding(tube, 1, entry.value, entry.reported_at or valid_at)
        for tube, entry in fresh.items()
        if must_be_told(entry.value)
    ]


def refused_results(results: Sequence[ResultEntry], *, by: Actor, lab: str) -> list[RefusedItem | None]:
    """Say for each result of a list why `record_results` would refuse it, or None; nothing is written."""
    by.require(RECORD_RESULTS)
    with acting(by):
        check_speaks(by, county_of(by.scope.lo), name=lab)
        standing = _tube_standings(results, county_of(by.scope.lo))
    found: list[RefusedItem | None] = []
    for entry in results:
        tube = standing.get(entry.tube or entry.code)
        fault = judge_result(entry, tube, by.scope.__contains__, lab)
        found.append(RefusedItem(tube.id if tube else entry.tube, None, *fault) if fault else None)
    return found


def _tube_standings(results: Sequence[ResultEntry], county: int) -> dict[object, TubeStanding]:
    params: dict[str, Any] = {
        "county": county, "tubes": [entry.tube for entry in results if entry.tube],
        "codes": [entry.code for entry in results if not entry.tube],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(LOCK_TUBES, params)
        cursor.execute(STANDING, params)
        tubes = [TubeStanding(*row) for row in cursor.fetchall()]
    return {tube.id: tube for tube in tubes} | {tube.code: tube for tube in tubes}


def _judge_results(
    results: Sequence[ResultEntry], standing: Mapping[object, TubeStanding], by: Actor, lab: str
) -> tuple[dict[uuid.UUID, ResultEntry], int, list[RefusedItem]]:
    fresh: dict[uuid.UUID, ResultEntry] = {}
    known, refused = 0, list[RefusedItem]()
    for entry in results:
        tube = standing.get(entry.tube or entry.code)
        fault = judge_result(entry, tube, by.scope.__contains__, lab)
        if fault is None and tube is not None and tube.id in fresh:
            fault = "twice", f"Tube {tube.code} stands twice in this list: keep one line."
        if fault is not None:
            refused.append(RefusedItem(tube.id if tube else entry.tube, None, *fault))
        elif tube is not None and tube.value is None:
            fresh[tube.id] = entry
        else:
            known += 1
    return fresh, known, refused


def _insert_results(
    fresh: Mapping[uuid.UUID, ResultEntry], by: Actor, county: int, lab: str, valid_at: datetime
) -> None:
    if not fresh:
        return
    entries = list(fresh.values())
    params: dict[str, Any] = {
        "county": county, "lab": lab, "now": response_now(), "account": by.account_id, "tubes": list(fresh),
        "values": [entry.value for entry in entries], "cts": [entry.ct for entry in entries],
        "tested": [entry.tested_at for entry in entries],
        "reported": [entry.reported_at or valid_at for entry in entries],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(INSERT_RESULTS, params)
        cursor.execute(RECEIVED_BY_RESULT, params)


def correct_result(
    tube: uuid.UUID,
    *,
    by: Actor,
    value: Value,
    lab: str,
    reason: str,
    tested_at: datetime,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    ct: float | None = None,
) -> int:
    """Add a correction to a tube's result, with its reason, and return its number; what was reported before stays.

    Everybody who was told what it corrects must be told again. Raises `TubeUnknown` outside the actor's area and `ResultUnchanged` when there is nothing to correct.
    """
    by.require(CORRECT_RESULT)
    if not reason.strip():
        raise Refusal("A result is corrected for a reason: say what was found wrong.")
    county = county_of(by.scope.lo)
    with acting(by), connection.cursor() as cursor:
        check_speaks(by, county, name=lab)
        standing = _tube_standings([ResultEntry(value, tested_at, tube)], county).get(tube)
        if standing is None or standing.division_code not in by.scope:
            raise TubeUnknown(f"There is no tube {tube} in your area: look it up by its printed code.")
        if standing.value in (None, value):
            raise ResultUnchanged(
                f"Tube {standing.code} stands as {standing.value or 'not yet reported'}: nothing to correct."
            )
        # whoever corrects a finding is the laboratory that reported it, where that one named who speaks for it
        cursor.execute(LAST_LAB, [county, tube])
        check_speaks(by, county, name=cursor.fetchone()[0])
        cursor.execute(
            """
            INSERT INTO specimens_result (county, tube, number, value, ct, tested_at, reported_at, lab, reason, recorded_at,
                                          recorded_by)
            SELECT county, tube, max(number) + 1, %(value)s, %(ct)s, %(tested)s, %(at)s, %(lab)s, %(reason)s, %(now)s,
                   %(account)s
            FROM specimens_result WHERE county = %(county)s AND tube = %(tube)s GROUP BY county, tube RETURNING number
            """,
            {
                "county": county, "tube": tube, "value": value, "ct": ct, "tested": tested_at, "at": valid_at, "lab": lab,
                "reason": reason, "now": response_now(), "account": by.account_id,
            },
        )  # fmt: skip
        number = int(cursor.fetchone()[0])
        open_notices([Finding(tube, number, value, valid_at)], by=by, county=county, valid_at=valid_at, cause=cause)
        record_audit(by, CORRECT_RESULT, subject=("tube", tube), division_code=standing.division_code, number=number,
                     value=value, command=cause)  # fmt: skip
    return number
