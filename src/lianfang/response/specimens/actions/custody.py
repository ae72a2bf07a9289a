"""Writing what happens to closed tubes before they leave: seals and boxes."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import response_now
from lianfang.kit.codes import county_of
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Conflict, Refusal
from lianfang.response.specimens.permissions import PACK_BOXES, SEAL_TUBES
from lianfang.response.specimens.reconciling import BoxInUse, TubeInBox
from lianfang.response.specimens.rules import TubeUnknown

LISTED = """
SELECT id, code, sealed_at, division_code FROM specimens_tube
WHERE county = %(county)s AND (id = ANY(%(tubes)s) OR code = ANY(%(codes)s)) ORDER BY id FOR NO KEY UPDATE
"""

ELSEWHERE = """
SELECT t.code, b.code, p.stage, p.holder
FROM specimens_tube t
LEFT JOIN specimens_boxentry e ON e.county = t.county AND e.tube = t.id AND e.removed_at IS NULL AND e.box <> %(box)s
LEFT JOIN specimens_box b ON b.county = e.county AND b.id = e.box
LEFT JOIN specimens_tubeplace p ON p.county = t.county AND p.tube = t.id AND p.stage IN ('courier', 'lab', 'lost')
     AND p.since <= %(at)s
WHERE t.county = %(county)s AND t.id = ANY(%(tubes)s) AND (b.id IS NOT NULL OR p.tube IS NOT NULL) ORDER BY t.code LIMIT 1
"""

LOAD = """
INSERT INTO specimens_box (county, id, code, division_code, site, packed_at, recorded_at, recorded_by)
VALUES (%(county)s, %(box)s, %(code)s, %(division_code)s, %(site)s, %(at)s, %(now)s, %(account)s)
ON CONFLICT (county, id) DO NOTHING
"""

# A packing that is told late was of tubes that have left the box since.
FILL = """
WITH packed AS (
    INSERT INTO specimens_boxentry (county, box, tube, packed_at, removed_at)
    SELECT %(county)s, %(box)s, sent.tube, %(at)s, p.since FROM unnest(%(tubes)s::uuid[]) AS sent (tube)
    LEFT JOIN specimens_tubeplace p ON p.county = %(county)s AND p.tube = sent.tube AND p.since > %(at)s
    ON CONFLICT (county, box, tube) DO NOTHING RETURNING tube
)
INSERT INTO specimens_tubeplace AS place (county, tube, stage, holder, since)
SELECT %(county)s, tube, 'box', %(code)s, %(at)s FROM packed
ON CONFLICT (county, tube) DO UPDATE SET stage = 'box', holder = excluded.holder, lab = NULL, since = excluded.since
WHERE place.since <= excluded.since
"""


@dataclass(frozen=True)
class BoxReceipt:
    """A box's load: its id, the printed code, and how many tubes were packed into it."""

    box: uuid.UUID
    code: str
    tubes: int


@dataclass(frozen=True)
class ListedTube:
    """A tube that somebody packs or hands over."""

    id: uuid.UUID
    code: str
    sealed_at: datetime | None
    division_code: int


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


def pack_box(
    code: str,
    *,
    by: Actor,
    valid_at: datetime,
    tubes: Sequence[uuid.UUID] = (),
    codes: Sequence[str] = (),
    counted: int | None = None,
    division_code: int | None = None,
    site: uuid.UUID | None = None,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> BoxReceipt:
    """Pack sealed tubes, named by id or printed code, into the box with a printed code, and return its load.

    The same id packs more into the same load until it is handed over. ``counted`` is how many tubes the packer has in
    the hand: another number than on the list is refused, because it is put right where it happens.
    """
    place = division_code or by.scope.lo
    by.require(PACK_BOXES, place)
    county, box, code = county_of(place), id or cause or new_id(), code.strip()
    if not code:
        raise Refusal("A box is known by the code printed on it: scan it.")
    with acting(by), connection.cursor() as cursor:
        listed = listed_tubes(county, tubes, codes, "pack")
        ids = [tube.id for tube in listed]
        if (former := _load_of(county, box)) and former.code == code and _packed(county, box, ids):
            return former
        _check_packing(listed, box, county, code, counted, valid_at)
        params: dict[str, Any] = {
            "county": county, "box": box, "code": code, "division_code": place, "site": site, "at": valid_at,
            "now": response_now(), "account": by.account_id, "tubes": ids,
        }  # fmt: skip
        cursor.execute(LOAD, params)
        cursor.execute(FILL, params)
        packed = cursor.rowcount
        load = _load_of(county, box)
        assert load is not None
        record_audit(
            by, PACK_BOXES, subject=("box", box), division_code=place, count=packed, held=load.tubes, command=cause
        )  # fmt: skip
    return load


def _load_of(county: int, box: uuid.UUID) -> BoxReceipt | None:
    """Return a load as it was packed, also when it has left or was emptied."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT b.id, b.code, (SELECT count(*) FROM specimens_boxentry e WHERE e.county = b.county AND e.box = b.id)"
            " FROM specimens_box b WHERE b.county = %s AND b.id = %s",
            [county, box],
        )
        row = cursor.fetchone()
    return BoxReceipt(*row) if row else None


def _packed(county: int, box: uuid.UUID, tubes: Collection[uuid.UUID]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM specimens_boxentry WHERE county = %s AND box = %s AND tube = ANY(%s)",
            [county, box, list(tubes)],
        )
        return bool(tubes) and int(cursor.fetchone()[0]) == len(tubes)


def listed_tubes(county: int, tubes: Collection[uuid.UUID], codes: Collection[str], verb: str) -> list[ListedTube]:
    """Return the tubes of a list and hold them still; raises when one is not registered or not sealed."""
    with connection.cursor() as cursor:
        cursor.execute(LISTED, {"county": county, "tubes": list(tubes), "codes": list(codes)})
        found = [ListedTube(*row) for row in cursor.fetchall()]
    _refuse_unknown(tubes, {tube.id for tube in found}, verb)
    known = {tube.code for tube in found}
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise TubeUnknown(
            f"{len(unknown)} of {len(codes)} tubes to {verb} are not registered, the first {unknown[0]}: "
            "send their registration first."
        )
    unsealed = [tube.code for tube in found if tube.sealed_at is None]
    if unsealed:
        raise Conflict(f"{len(unsealed)} tubes are not sealed, the first {unsealed[0]}: seal them, then {verb}.")
    return found


def _check_packing(
    listed: Sequence[ListedTube], box: uuid.UUID, county: int, code: str, counted: int | None, at: datetime
) -> None:
    if not listed:
        raise Refusal("No tube is named: scan the tubes that go into the box.")
    if counted is not None and counted != len(listed):
        raise Refusal(
            f"You counted {counted} tubes and {len(listed)} are on the list: count and scan again before the box is closed."
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, code FROM specimens_box WHERE county = %s AND (id = %s OR code = %s AND emptied_at IS NULL)",
            [county, box, code],
        )
        for other, printed in cursor.fetchall():
            if other != box:
                raise BoxInUse(f"Box {code} still holds another load: take another box, or have that load received.")
            if printed != code:
                raise BoxInUse(f"This load is in box {printed}, not in {code}: make a new id for another box.")
        cursor.execute(ELSEWHERE, {"county": county, "tubes": [tube.id for tube in listed], "box": box, "at": at})
        row = cursor.fetchone()
    if row is not None:
        tube, other, stage, holder = row
        where = f"in box {other}" if other else "given up for lost" if stage == "lost" else f"with {holder} already"
        raise TubeInBox(
            f"Tube {tube} is {where}: a tube is in one place, so correct the list or find out which is right."
        )


def _refuse_unknown(tubes: Collection[uuid.UUID], known: set[uuid.UUID], verb: str) -> None:
    unknown = [tube for tube in tubes if tube not in known]
    if unknown:
        raise TubeUnknown(
            f"{len(unknown)} of {len(tubes)} tubes to {verb} are not registered in your area, the first {unknown[0]}: "
            "send their registration first."
        )
