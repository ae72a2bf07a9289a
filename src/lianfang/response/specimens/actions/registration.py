"""Writing tubes and the people in them: one statement for each look and each write, whatever the size of the batch."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import starmap
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected

from lianfang.core.access.audit import record_audit
from lianfang.core.access.commands import AHEAD
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import response_now
from lianfang.kit.codes import county_of
from lianfang.kit.refusals import Conflict, Refusal
from lianfang.response.specimens.permissions import (
    REGISTER_TUBES,
)
from lianfang.response.specimens.rules import (
    Accept,
    Known,
    KnownSample,
    KnownTube,
    Person,
    RefusedItem,
    SampleEntry,
    TubeEntry,
    Verdict,
    chosen,
    county_hand,
    judge,
)

PEOPLE = """
SELECT id, CASE WHEN division_code / 1000000000 = %(county)s THEN division_code ELSE present_code END, household
FROM people_resident WHERE id = ANY(%(residents)s) AND merged_into IS NULL
"""

TUBES = """
SELECT t.id, t.code, t.mode, t.capacity, t.purpose, t.round, t.filled, t.sealed_at,
       CASE WHEN t.mode = 'household' THEN (
           SELECT r.household FROM specimens_sample s JOIN people_resident r ON r.id = s.resident
           WHERE s.county = t.county AND s.tube = t.id AND NOT EXISTS (
               SELECT 1 FROM specimens_samplevoid v WHERE v.county = s.county AND v.tube = s.tube AND v.sample = s.id)
           ORDER BY s.taken_at LIMIT 1) END
FROM specimens_tube t WHERE t.county = %(county)s AND (t.id = ANY(%(tubes)s) OR t.code = ANY(%(codes)s))
"""

LOCK_TUBES = """
SELECT 1 FROM specimens_tube WHERE county = %(county)s AND id = ANY(%(tubes)s) ORDER BY id FOR NO KEY UPDATE
"""

SAMPLES = "SELECT tube, id, resident FROM specimens_sample WHERE county = %(county)s AND tube = ANY(%(known)s)"

# Of several samples of a person the usable one is told, under the number of the last one.
IN_ROUND = """
SELECT DISTINCT ON (s.round, s.resident) s.round, s.resident, s.code, s.taken_at, s.last, s.usable
FROM (SELECT s.round, s.resident, t.code, s.taken_at, s.attempt,
             max(s.attempt) OVER (PARTITION BY s.round, s.resident) AS last,
             (SELECT r.value FROM specimens_result r WHERE r.county = s.county AND r.tube = s.tube
              ORDER BY r.number DESC LIMIT 1) IS DISTINCT FROM 'insufficient'
             AND NOT EXISTS (SELECT 1 FROM specimens_tubeloss l
                             WHERE l.county = s.county AND l.tube = s.tube AND l.found_at IS NULL)
             AND NOT EXISTS (SELECT 1 FROM specimens_samplevoid v
                             WHERE v.county = s.county AND v.tube = s.tube AND v.sample = s.id) AS usable
      FROM specimens_sample s JOIN specimens_tube t ON t.county = s.county AND t.id = s.tube
      WHERE s.county = %(county)s AND s.round = ANY(%(rounds)s) AND s.resident = ANY(%(residents)s)) AS s
ORDER BY s.round, s.resident, s.usable DESC, s.attempt DESC
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
SET filled = tube.filled + excluded.filled, opened_at = least(tube.opened_at, excluded.opened_at),
    sealed_at = least(tube.sealed_at, excluded.sealed_at)
RETURNING id, filled, sealed_at
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


class _OvertakenBySomebody(Exception):
    """Another device wrote the same people or tubes between our look and our write: look again."""


class SeveralAtOnce(Conflict):
    """Other devices went on writing the same people or tubes while this batch was written."""


#: how often a batch looks at the records while others write the same people or tubes
LOOKS = 5


@dataclass(frozen=True)
class TubesReceipt:
    """What of a batch is in the records now, whether it came with this sending or an earlier one, and what is not."""

    tubes: int
    samples: int
    refused: tuple[RefusedItem, ...]


def register_tubes(
    tubes: Sequence[TubeEntry],
    *,
    by: Actor,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    accept: Accept = "nothing",
    rounds: Mapping[uuid.UUID, datetime] | None = None,
) -> TubesReceipt:
    """Register tubes and the people in them; the same ids again give the same receipt and double nothing.

    ``rounds`` are those of the county with their opening, when whoever calls has not looked at the round already.

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
        verdict, accepted = _write_batch(tubes, by, county, valid_at, accept, rounds)
        receipt = TubesReceipt(
            len(accepted), verdict.repeated + sum(map(len, accepted.values())), verdict.refused
        )  # fmt: skip
        record_audit(
            by, REGISTER_TUBES, subject=("tube_batch", cause), division_code=tubes[0].division_code,
            count=receipt.samples, tubes=receipt.tubes, refused=len(verdict.refused), round=tubes[0].round,
        )  # fmt: skip
    return receipt


def registered_tubes(codes: Iterable[str], *, by: Actor, county: int) -> dict[str, KnownTube]:
    """Return those tubes of a county that are registered already, by printed code: paper typed in later goes on with them."""
    by.require(REGISTER_TUBES)
    params: dict[str, Any] = {"county": county, "tubes": [], "codes": list(codes)}
    with acting(county_hand(by, county)), connection.cursor() as cursor:
        cursor.execute(TUBES, params)
        return {row[1]: KnownTube(*row) for row in cursor.fetchall()}


def _write_batch(
    tubes: Sequence[TubeEntry],
    by: Actor,
    county: int,
    valid_at: datetime,
    accept: Accept,
    rounds: Mapping[uuid.UUID, datetime] | None,
) -> tuple[Verdict, Mapping[uuid.UUID, tuple[SampleEntry, ...]]]:
    for look in range(LOOKS):
        try:
            if look:  # somebody fills the same tubes: from now on they wait for us
                _lock(tubes, county)
            known = replace(_known(tubes, county), rounds=rounds, latest=max(valid_at, response_now()) + AHEAD)
            verdict = judge(tubes, known, valid_at)
            accepted = chosen(verdict, accept)
            with transaction.atomic():
                _insert(tubes, accepted, known, by, county, valid_at)
            return verdict, accepted
        except (IntegrityError, _OvertakenBySomebody):
            continue
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
    raise SeveralAtOnce(
        "Other devices are writing the same people or tubes at this moment: nothing of this batch was written. Send it again."
    )


def _lock(tubes: Sequence[TubeEntry], county: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK_TUBES, {"county": county, "tubes": [tube.id for tube in tubes]})


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
    # in one order, so that two batches of the same people wait for each other once and not in a circle
    sent = sorted((tube for tube in tubes if tube.id in accepted), key=lambda tube: tube.id)
    rows = sorted(((tube, sample) for tube in sent for sample in accepted[tube.id]), key=lambda row: row[1].resident)
    with connection.cursor() as cursor:
        cursor.execute(INSERT_TUBES, shared | _tube_columns(sent, accepted))
        if not all(starmap(_as_judged(sent, accepted, known), cursor.fetchall())):
            raise _OvertakenBySomebody
        if not rows:
            return
        cursor.execute(INSERT_SAMPLES, shared | _sample_columns(rows, known, by, valid_at))
        if cursor.rowcount != len(rows):
            raise _OvertakenBySomebody


def _as_judged(
    sent: Sequence[TubeEntry], accepted: Mapping[uuid.UUID, tuple[SampleEntry, ...]], known: Known
) -> Callable[[uuid.UUID, int, datetime | None], bool]:
    """Return whether a tube holds what it was judged by: nobody else filled or closed it since the look."""
    expected = {}
    for tube in sent:
        there = known.tubes.get(tube.id)
        sealed = [moment for moment in (tube.sealed_at, there.sealed_at if there else None) if moment is not None]
        expected[tube.id] = (there.filled if there else 0) + len(accepted[tube.id]), min(sealed, default=None)
    return lambda id, filled, sealed_at: expected[id] == (filled, sealed_at)


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
