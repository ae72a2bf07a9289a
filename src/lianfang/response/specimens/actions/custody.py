"""Writing what happens to closed tubes: seals and hand-overs."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import response_now
from lianfang.kit.codes import county_of
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Conflict, Refusal
from lianfang.response.specimens.permissions import (
    HAND_OVER_TUBES,
    SEAL_TUBES,
)
from lianfang.response.specimens.rules import (
    TubeUnknown,
)


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
