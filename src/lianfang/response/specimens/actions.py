"""Writing specimens: tubes with the people in them, seals, hand-overs, results and their corrections. All set-based."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import response_now
from lianfang.kit.codes import county_of
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Conflict, Refusal
from lianfang.response.specimens.permissions import (
    CORRECT_RESULT,
    HAND_OVER_TUBES,
    RECORD_RESULTS,
    REGISTER_TUBES,
    SEAL_TUBES,
)
from lianfang.response.specimens.rules import (
    Accept,
    ItemsRefused,
    Known,
    KnownSample,
    KnownTube,
    Person,
    RefusedItem,
    ResultEntry,
    ResultUnchanged,
    SampleEntry,
    TubeEntry,
    TubeStanding,
    TubeUnknown,
    Value,
    Verdict,
    chosen,
    county_hand,
    judge,
    judge_result,
)

PEOPLE = """
SELECT id, CASE WHEN division_code / 1000000000 = %(county)s THEN division_code ELSE present_code END, household
FROM people_resident WHERE id = ANY(%(residents)s) AND merged_into IS NULL
"""

TUBES = """
SELECT t.id, t.code, t.mode, t.capacity, t.purpose, t.round, t.filled, t.sealed_at,
       CASE WHEN t.mode = 'household' THEN (
           SELECT r.household FROM specimens_sample s JOIN people_resident r ON r.id = s.resident
           WHERE s.county = t.county AND s.tube = t.id ORDER BY s.taken_at LIMIT 1) END
FROM specimens_tube t WHERE t.county = %(county)s AND (t.id = ANY(%(tubes)s) OR t.code = ANY(%(codes)s))
"""

SAMPLES = "SELECT tube, id, resident FROM specimens_sample WHERE county = %(county)s AND tube = ANY(%(known)s)"

IN_ROUND = """
SELECT DISTINCT ON (s.round, s.resident) s.round, s.resident, t.code, s.taken_at, s.attempt,
       (SELECT r.value FROM specimens_result r WHERE r.county = s.county AND r.tube = s.tube
        ORDER BY r.number DESC LIMIT 1) IS DISTINCT FROM 'insufficient'
FROM specimens_sample s JOIN specimens_tube t ON t.county = s.county AND t.id = s.tube
WHERE s.county = %(county)s AND s.round = ANY(%(rounds)s) AND s.resident = ANY(%(residents)s)
ORDER BY s.round, s.resident, s.attempt DESC
"""

INSERT_TUBES = """
INSERT INTO specimens_tube AS tube (county, id, code, mode, capacity, purpose, round, order_id, division_code, site, filled,
                                    opened_at, sealed_at, recorded_at, recorded_by)
SELECT %(county)s, id, code, mode, capacity, purpose, round, order_id, division_code, site, filled, opened_at, sealed_at,
       %(now)s, %(account)s
FROM unnest(%(ids)s::uuid[], %(codes)s::text[], %(modes)s::text[], %(capacities)s::int[], %(purposes)s::text[],
            %(rounds)s::uuid[], %(orders)s::uuid[], %(divisions)s::bigint[], %(sites)s::uuid[], %(filled)s::int[],
            %(opened)s::timestamptz[], %(sealed)s::timestamptz[])
     AS sent (id, code, mode, capacity, purpose, round, order_id, division_code, site, filled, opened_at, sealed_at)
ON CONFLICT (county, id) DO UPDATE
SET filled = tube.filled + excluded.filled, sealed_at = coalesce(tube.sealed_at, excluded.sealed_at)
"""

INSERT_SAMPLES = """
INSERT INTO specimens_sample (county, tube, id, resident, purpose, round, order_id, attempt, taken_at, taken_by,
                              division_code, site_code, recorded_at)
SELECT %(county)s, tube, id, resident, purpose, round, order_id, attempt, taken_at, taken_by, division_code, site_code,
       %(now)s
FROM unnest(%(tubes)s::uuid[], %(ids)s::uuid[], %(residents)s::uuid[], %(purposes)s::text[], %(rounds)s::uuid[],
            %(orders)s::uuid[], %(attempts)s::int[], %(taken)s::timestamptz[], %(takers)s::uuid[],
            %(divisions)s::bigint[], %(sites)s::bigint[])
     AS sent (tube, id, resident, purpose, round, order_id, attempt, taken_at, taken_by, division_code, site_code)
ON CONFLICT DO NOTHING
"""

STANDING = """
SELECT t.id, t.code, t.division_code, t.filled,
       (SELECT r.value FROM specimens_result r WHERE r.county = t.county AND r.tube = t.id ORDER BY r.number DESC LIMIT 1)
FROM specimens_tube t WHERE t.county = %(county)s AND (t.id = ANY(%(tubes)s) OR t.code = ANY(%(codes)s))
FOR NO KEY UPDATE
"""

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


class _OvertakenBySomebody(Exception):
    """Another device wrote the same people or tubes between our look and our write: look again."""


@dataclass(frozen=True)
class TubesReceipt:
    """What of a batch is in the records now, whether it came with this sending or an earlier one, and what is not."""

    tubes: int
    samples: int
    refused: tuple[RefusedItem, ...]


@dataclass(frozen=True)
class ResultsReceipt:
    """How many tubes of a list have the result it names, and what was refused."""

    results: int
    refused: tuple[RefusedItem, ...]


def register_tubes(
    tubes: Sequence[TubeEntry],
    *,
    by: Actor,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    accept: Accept = "nothing",
) -> TubesReceipt:
    """Register tubes and the people in them; the same ids again give the same receipt and double nothing.

    ``accept`` says what goes in when something is refused: nothing (then `ItemsRefused` lists every item), the tubes
    without fault, or every faultless sample.
    """
    if not tubes:
        raise Refusal("This batch holds no tube: scan one first.")
    county = county_of(tubes[0].division_code)
    for code in {tube.division_code for tube in tubes}:
        by.require(REGISTER_TUBES, code)
        if county_of(code) != county:
            raise Refusal("A batch is sent to one county: split it by county and send each part.")
    with acting(county_hand(by, county)):
        verdict, accepted = _write_batch(tubes, by, county, valid_at, accept)
        receipt = TubesReceipt(
            len(accepted), verdict.repeated + sum(map(len, accepted.values())), verdict.refused
        )  # fmt: skip
        record_audit(
            by, REGISTER_TUBES, subject=("tube_batch", cause), division_code=tubes[0].division_code,
            count=receipt.samples, tubes=receipt.tubes, refused=len(verdict.refused), round=tubes[0].round,
        )  # fmt: skip
    return receipt


def _write_batch(
    tubes: Sequence[TubeEntry], by: Actor, county: int, valid_at: datetime, accept: Accept
) -> tuple[Verdict, Mapping[uuid.UUID, tuple[SampleEntry, ...]]]:
    for last in (False, False, True):
        known = _known(tubes, county)
        verdict = judge(tubes, known, valid_at)
        accepted = chosen(verdict, accept)
        try:
            with transaction.atomic():
                _insert(tubes, accepted, known, by, county, valid_at)
            return verdict, accepted
        except (IntegrityError, _OvertakenBySomebody):
            if last:
                raise
    raise AssertionError("the third look ends in a return or a raise")


def _known(tubes: Sequence[TubeEntry], county: int) -> Known:
    residents = [sample.resident for tube in tubes for sample in tube.samples]
    params: dict[str, Any] = {
        "county": county, "residents": residents, "tubes": [tube.id for tube in tubes],
        "codes": [tube.code for tube in tubes], "rounds": list({tube.round for tube in tubes if tube.round}),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE, params)
        people = {row[0]: Person(*row[1:]) for row in cursor.fetchall()}
        cursor.execute(TUBES, params)
        there = [KnownTube(*row) for row in cursor.fetchall()]
        samples: dict[tuple[uuid.UUID, uuid.UUID], uuid.UUID] = {}
        if there:
            cursor.execute(SAMPLES, params | {"known": [tube.id for tube in there]})
            samples = {(tube, sample): resident for tube, sample, resident in cursor.fetchall()}
        cursor.execute(IN_ROUND, params)
        in_round = {(row[0], row[1]): KnownSample(*row[2:]) for row in cursor.fetchall()}
    return Known(
        people, {tube.id: tube for tube in there}, {tube.code: tube.id for tube in there}, samples, in_round
    )  # fmt: skip


def _insert(
    tubes: Sequence[TubeEntry],
    accepted: Mapping[uuid.UUID, tuple[SampleEntry, ...]],
    known: Known,
    by: Actor,
    county: int,
    valid_at: datetime,
) -> None:
    shared: dict[str, Any] = {"county": county, "now": response_now(), "account": by.account_id}
    sent = [tube for tube in tubes if tube.id in accepted]
    rows = [(tube, sample) for tube in sent for sample in accepted[tube.id]]
    with connection.cursor() as cursor:
        cursor.execute(INSERT_TUBES, shared | _tube_columns(sent, accepted))
        if not rows:
            return
        cursor.execute(INSERT_SAMPLES, shared | _sample_columns(rows, known, by, valid_at))
        if cursor.rowcount != len(rows):
            raise _OvertakenBySomebody


def _tube_columns(sent: Sequence[TubeEntry], accepted: Mapping[uuid.UUID, tuple[SampleEntry, ...]]) -> dict[str, Any]:
    return {
        "ids": [tube.id for tube in sent],
        "codes": [tube.code for tube in sent],
        "modes": [tube.mode for tube in sent],
        "capacities": [tube.capacity for tube in sent],
        "purposes": [tube.purpose for tube in sent],
        "rounds": [tube.round for tube in sent],
        "orders": [tube.order_id for tube in sent],
        "divisions": [tube.division_code for tube in sent],
        "sites": [tube.site for tube in sent],
        "filled": [len(accepted[tube.id]) for tube in sent],
        "opened": [tube.opened_at for tube in sent],
        "sealed": [tube.sealed_at for tube in sent],
    }


def _sample_columns(
    rows: Sequence[tuple[TubeEntry, SampleEntry]], known: Known, by: Actor, valid_at: datetime
) -> dict[str, Any]:
    before = [known.in_round.get((tube.round, sample.resident)) if tube.round else None for tube, sample in rows]
    return {
        "tubes": [tube.id for tube, _ in rows],
        "ids": [sample.id for _, sample in rows],
        "residents": [sample.resident for _, sample in rows],
        "purposes": [tube.purpose for tube, _ in rows],
        "rounds": [tube.round for tube, _ in rows],
        "orders": [tube.order_id for tube, _ in rows],
        "attempts": [former.attempt + 1 if former else 1 for former in before],
        "taken": [sample.taken_at or valid_at for _, sample in rows],
        "takers": [sample.taken_by or by.account_id for _, sample in rows],
        "divisions": [known.people[sample.resident].division_code for _, sample in rows],
        "sites": [tube.division_code for tube, _ in rows],
    }


def seal_tubes(tubes: Sequence[uuid.UUID], *, by: Actor, valid_at: datetime, cause: uuid.UUID | None = None) -> int:
    """Seal tubes of the actor's area and return how many of them are sealed now; sealing twice keeps the first time."""
    by.require(SEAL_TUBES)
    with acting(by), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE specimens_tube SET sealed_at = coalesce(sealed_at, %(at)s)
            WHERE county = %(county)s AND id = ANY(%(tubes)s) AND division_code BETWEEN %(lo)s AND %(hi)s RETURNING id
            """,
            {
                "county": county_of(by.scope.lo), "tubes": list(tubes), "lo": by.scope.lo, "hi": by.scope.hi,
                "at": valid_at,
            },
        )  # fmt: skip
        sealed = {row[0] for row in cursor.fetchall()}
        _refuse_unknown(tubes, sealed, "seal")
        record_audit(by, SEAL_TUBES, subject=("tube_batch", cause), division_code=by.scope.lo, count=len(sealed))
    return len(sealed)


def _refuse_unknown(tubes: Sequence[uuid.UUID], known: set[uuid.UUID], verb: str) -> None:
    unknown = [tube for tube in tubes if tube not in known]
    if unknown:
        raise TubeUnknown(
            f"{len(unknown)} of {len(tubes)} tubes to {verb} are not registered in your area, the first {unknown[0]}: "
            "send their registration first."
        )


def hand_over_tubes(
    tubes: Sequence[uuid.UUID],
    *,
    by: Actor,
    giver: str,
    taker: str,
    tubes_counted: int,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> int:
    """Record that tubes changed hands and return counted minus given: anything but 0 is a tube lost or too many.

    The step is recorded either way, because what happened is a fact; unsealed or unknown tubes are refused.
    """
    by.require(HAND_OVER_TUBES)
    if giver.strip() == taker.strip() or not giver.strip() or not taker.strip():
        raise Refusal("Tubes are handed over from one post to another: name both.")
    county, step = county_of(by.scope.lo), id or new_id()
    with acting(by), connection.cursor() as cursor:
        _check_sealed(tubes, county)
        cursor.execute(
            """
            WITH step AS (
                INSERT INTO specimens_custodystep (county, id, giver, taker, division_code, tubes, tubes_counted, handed_at,
                                                   recorded_at, recorded_by)
                VALUES (%(county)s, %(step)s, %(giver)s, %(taker)s, %(code)s, %(given)s, %(counted)s, %(at)s, %(now)s,
                        %(account)s) ON CONFLICT (county, id) DO NOTHING RETURNING id
            )
            INSERT INTO specimens_custodyentry (county, tube, step)
            SELECT %(county)s, tube, step.id FROM step, unnest(%(tubes)s::uuid[]) AS given (tube)
            """,
            {
                "county": county, "step": step, "giver": giver, "taker": taker, "code": by.scope.lo,
                "given": len(set(tubes)), "counted": tubes_counted, "at": valid_at, "now": response_now(),
                "account": by.account_id, "tubes": list(set(tubes)),
            },
        )  # fmt: skip
        if cursor.rowcount:
            record_audit(by, HAND_OVER_TUBES, subject=("custody_step", step), division_code=by.scope.lo,
                         count=len(set(tubes)), counted=tubes_counted, command=cause)  # fmt: skip
    return tubes_counted - len(set(tubes))


def _check_sealed(tubes: Sequence[uuid.UUID], county: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, code, sealed_at FROM specimens_tube WHERE county = %s AND id = ANY(%s)", [county, list(tubes)]
        )
        rows = cursor.fetchall()
    _refuse_unknown(tubes, {row[0] for row in rows}, "hand over")
    unsealed = [code for _, code, sealed_at in rows if sealed_at is None]
    if unsealed:
        raise Conflict(f"{len(unsealed)} tubes are not sealed, the first {unsealed[0]}: seal them, then hand over.")


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

    With anything refused nothing is written and `ItemsRefused` is raised, unless ``accept_good``.
    """
    by.require(RECORD_RESULTS)
    county = county_of(by.scope.lo)
    with acting(by):
        standing = _tube_standings(results, county)
        fresh, known, refused = _judge_results(results, standing, by)
        if refused and not accept_good:
            raise ItemsRefused(refused)
        _insert_results(fresh, by, county, lab, valid_at)
        record_audit(by, RECORD_RESULTS, subject=("result_list", cause), division_code=by.scope.lo, count=len(fresh),
                     refused=len(refused))  # fmt: skip
    return ResultsReceipt(len(fresh) + known, tuple(refused))


def _tube_standings(results: Sequence[ResultEntry], county: int) -> dict[object, TubeStanding]:
    with connection.cursor() as cursor:
        cursor.execute(
            STANDING,
            {
                "county": county,
                "tubes": [entry.tube for entry in results if entry.tube],
                "codes": [entry.code for entry in results if not entry.tube],
            },
        )
        tubes = [TubeStanding(*row) for row in cursor.fetchall()]
    return {tube.id: tube for tube in tubes} | {tube.code: tube for tube in tubes}


def _judge_results(
    results: Sequence[ResultEntry], standing: Mapping[object, TubeStanding], by: Actor
) -> tuple[dict[uuid.UUID, ResultEntry], int, list[RefusedItem]]:
    fresh: dict[uuid.UUID, ResultEntry] = {}
    known, refused = 0, list[RefusedItem]()
    for entry in results:
        tube = standing.get(entry.tube or entry.code)
        fault = judge_result(entry, tube, by.scope.__contains__)
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
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT_RESULTS,
            {
                "county": county, "lab": lab, "now": response_now(), "account": by.account_id, "tubes": list(fresh),
                "values": [entry.value for entry in entries], "cts": [entry.ct for entry in entries],
                "tested": [entry.tested_at for entry in entries],
                "reported": [entry.reported_at or valid_at for entry in entries],
            },
        )  # fmt: skip


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

    Raises `TubeUnknown` outside the actor's area and `ResultUnchanged` when there is nothing to correct.
    """
    by.require(CORRECT_RESULT)
    if not reason.strip():
        raise Refusal("A result is corrected for a reason: say what was found wrong.")
    county = county_of(by.scope.lo)
    with acting(by), connection.cursor() as cursor:
        standing = _tube_standings([ResultEntry(value, tested_at, tube)], county).get(tube)
        if standing is None or standing.division_code not in by.scope:
            raise TubeUnknown(f"There is no tube {tube} in your area: look it up by its printed code.")
        if standing.value in (None, value):
            raise ResultUnchanged(
                f"Tube {standing.code} stands as {standing.value or 'not yet reported'}: nothing to correct."
            )
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
        record_audit(by, CORRECT_RESULT, subject=("tube", tube), division_code=standing.division_code, number=number,
                     value=value, command=cause)  # fmt: skip
    return number
