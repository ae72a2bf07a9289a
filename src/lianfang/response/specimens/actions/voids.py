"""Putting mistakes of the sampling table right: samples voided, and moved to the right person or tube."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.queries import holds_post
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import response_now
from lianfang.kit.codes import CodeRange, county_of
from lianfang.kit.refusals import Refusal
from lianfang.response.specimens.actions.registration import register_tubes
from lianfang.response.specimens.permissions import VOID_SAMPLES
from lianfang.response.specimens.rules import (
    ItemsRefused,
    RefusedItem,
    StandingSample,
    TubeEntry,
    TubeToVoid,
    TubeUnknown,
    VoidEntry,
    VoidReason,
    VoidRefused,
    WitnessUnfit,
    check_void,
    county_hand,
    judge_void,
)

# Both tubes of a move are locked in one order, so that two moves that cross do not wait for each other.
LOCK_TUBES = """
SELECT id, code, division_code, round, sealed_at, resulted_at IS NOT NULL FROM specimens_tube
WHERE county = %(county)s AND id = ANY(%(tubes)s) ORDER BY id FOR NO KEY UPDATE
"""

STANDING = """
SELECT s.id, s.resident, s.taken_at, v.sample IS NOT NULL, v.instead
FROM specimens_sample s
LEFT JOIN specimens_samplevoid v ON v.county = s.county AND v.tube = s.tube AND v.sample = s.id
WHERE s.county = %(county)s AND s.tube = %(tube)s AND s.id = ANY(%(samples)s)
"""

INSERT_VOIDS = """
WITH voided AS (
    INSERT INTO specimens_samplevoid (county, tube, sample, round, reason, instead_tube, instead, witness, voided_at,
                                      recorded_at, recorded_by)
    SELECT %(county)s, %(tube)s, sample, %(round)s, %(reason)s, %(instead_tube)s, %(instead)s, %(witness)s,
           %(valid_at)s, %(now)s, %(account)s
    FROM unnest(%(fresh)s::uuid[]) AS sent (sample)
    ON CONFLICT DO NOTHING RETURNING sample
)
UPDATE specimens_tube SET filled = filled - (SELECT count(*) FROM voided)
WHERE county = %(county)s AND id = %(tube)s
"""


@dataclass(frozen=True)
class VoidReceipt:
    """How many of the samples named are voided now, by this command or an earlier one."""

    voided: int


@dataclass(frozen=True)
class MoveReceipt:
    """The sample that stands no more and the one that stands in its place."""

    voided: uuid.UUID
    tube: uuid.UUID
    sample: uuid.UUID
    resident: uuid.UUID


def void_samples(
    tube: uuid.UUID,
    samples: Sequence[VoidEntry],
    *,
    by: Actor,
    code: str,
    reason: VoidReason,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    witness: uuid.UUID | None = None,
    on_record: bool = False,
) -> VoidReceipt:
    """Void samples that were registered by mistake: their people are missing again in the round and may be sampled again.

    ``code`` is read again from the tube and each sample names its person again; once the tube is sealed a second person
    is named as ``witness``, who may void samples there too (``on_record``: what they saw is in a record of theirs, so that
    nobody names them). Voiding twice keeps the first. Raises `TubeUnknown`, `TubeHasResult`, `SecondLookMissing`,
    `WitnessUnfit`, `VoidRefused`, or `ItemsRefused` with every sample that does not fit, and then nothing is written.
    """
    by.require(VOID_SAMPLES)
    county = county_of(by.scope.lo)
    with acting(county_hand(by, county)):
        record = _locked(county, by, tube, tube)
        check_void(record, code, by.account_id, witness)
        _check_witness(record, witness, on_record)
        there = _standing(county, tube, [entry.sample for entry in samples])
        faults = [(entry, judge_void(entry, record, there.get(entry.sample))) for entry in samples]
        refused = [RefusedItem(tube, entry.sample, *fault) for entry, fault in faults if fault]
        if refused:
            raise ItemsRefused(refused)
        fresh = [entry.sample for entry in samples if not there[entry.sample].voided]
        _write_voids(record, fresh, by, county, reason, witness, valid_at)
        if fresh:
            record_audit(by, VOID_SAMPLES, subject=("tube", tube), division_code=record.division_code,
                         count=len(fresh), reason=reason, witness=witness, command=cause)  # fmt: skip
    return VoidReceipt(len({entry.sample for entry in samples}))


def move_sample(
    tube: uuid.UUID,
    sample: uuid.UUID,
    resident: uuid.UUID,
    *,
    by: Actor,
    code: str,
    reason: VoidReason,
    to: TubeEntry,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    witness: uuid.UUID | None = None,
    on_record: bool = False,
) -> MoveReceipt:
    """Void one sample and register the one that is true, in ``to``: of another person or in another tube.

    ``to`` is the right tube with exactly one sample; without a time of its own it was taken when the voided one was.
    Raises what `void_samples` and `register_tubes` raise, and then nothing is written.
    """
    by.require(VOID_SAMPLES)
    if len(to.samples) != 1 or reason not in ("wrong_person", "wrong_tube"):
        raise Refusal("A sample is moved to one other person or one other tube: name that one sample, and the reason.")
    instead, county = to.samples[0], county_of(by.scope.lo)
    if (tube, resident) == (to.id, instead.resident):
        raise VoidRefused("Tube and person are the same as before: nothing to move.")
    with acting(county_hand(by, county)):
        record = _locked(county, by, tube, tube, to.id)
        there = _standing(county, tube, [sample]).get(sample)
        if there is None or not (there.voided and there.instead == instead.id):
            check_void(record, code, by.account_id, witness)
            _check_witness(record, witness, on_record)
            _void_for(VoidEntry(sample, resident), record, there, to, by, county, reason, witness, valid_at)
            record_audit(by, VOID_SAMPLES, subject=("tube", tube), division_code=record.division_code, reason=reason,
                         instead_tube=to.id, witness=witness, command=cause)  # fmt: skip
        taken_at = instead.taken_at or (there.taken_at if there else None)
        moved = replace(to, samples=(replace(instead, taken_at=taken_at),))
        register_tubes([moved], by=by, valid_at=valid_at, cause=cause)
    return MoveReceipt(sample, to.id, instead.id, instead.resident)


def _check_witness(tube: TubeToVoid, witness: uuid.UUID | None, on_record: bool) -> None:
    """Refuse a witness who is nobody, or who could not void these samples: a number is no second look."""
    here = CodeRange(tube.division_code, tube.division_code)
    if witness is not None and not on_record and not holds_post(witness, (VOID_SAMPLES,), here):
        raise WitnessUnfit(
            f"Account {witness} may not void samples where tube {tube.code} was filled: name a second person who may, and "
            "who looked at the tube and the sheet."
        )


def _void_for(
    entry: VoidEntry,
    record: TubeToVoid,
    there: StandingSample | None,
    to: TubeEntry,
    by: Actor,
    county: int,
    reason: VoidReason,
    witness: uuid.UUID | None,
    valid_at: datetime,
) -> None:
    fault = judge_void(entry, record, there)
    if fault is None and there is not None and there.voided:
        fault = (
            "voided_before",
            f"This sample of tube {record.code} was voided before: register the right one as a new sample.",
        )
    if fault is not None:
        raise ItemsRefused([RefusedItem(record.id, entry.sample, *fault)])
    _write_voids(record, [entry.sample], by, county, reason, witness, valid_at, (to.id, to.samples[0].id))


def _locked(county: int, by: Actor, tube: uuid.UUID, *tubes: uuid.UUID) -> TubeToVoid:
    with connection.cursor() as cursor:
        cursor.execute(LOCK_TUBES, {"county": county, "tubes": list(tubes)})
        found = {row[0]: TubeToVoid(*row) for row in cursor.fetchall()}
    if tube not in found or found[tube].division_code not in by.scope:
        raise TubeUnknown(
            f"Tube {tube} is not registered in your area: send its registration first, then void what is wrong in it."
        )
    return found[tube]


def _standing(county: int, tube: uuid.UUID, samples: Sequence[uuid.UUID]) -> dict[uuid.UUID, StandingSample]:
    with connection.cursor() as cursor:
        cursor.execute(STANDING, {"county": county, "tube": tube, "samples": list(samples)})
        return {row[0]: StandingSample(*row[1:]) for row in cursor.fetchall()}


def _write_voids(
    tube: TubeToVoid,
    fresh: Sequence[uuid.UUID],
    by: Actor,
    county: int,
    reason: VoidReason,
    witness: uuid.UUID | None,
    valid_at: datetime,
    instead: tuple[uuid.UUID, uuid.UUID] | None = None,
) -> None:
    params: dict[str, Any] = {
        "county": county, "tube": tube.id, "round": tube.round, "reason": reason, "witness": witness,
        "instead_tube": instead[0] if instead else None, "instead": instead[1] if instead else None,
        "valid_at": valid_at, "now": response_now(), "account": by.account_id, "fresh": list(dict.fromkeys(fresh)),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(INSERT_VOIDS, params)
