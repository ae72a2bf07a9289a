"""Writing hand-overs: tubes and boxes from one post to the next, counts compared each time, differences made duties."""

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
from lianfang.kit.ids import derived_id, new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.specimens.actions.custody import ListedTube, listed_tubes
from lianfang.response.specimens.actions.differences import open_differences, tubes_turned_up
from lianfang.response.specimens.actions.labs import check_speaks
from lianfang.response.specimens.permissions import HAND_OVER_TUBES, RECEIVE_TUBES
from lianfang.response.specimens.reconciling import (
    BoxUnknown,
    Counted,
    Custodian,
    Holder,
    LabUnknown,
    StepIdTaken,
    answers_for,
    count_tubes,
    custodian,
    due,
    stage_of,
)
from lianfang.response.specimens.waiting import missing_within

LABS = "SELECT name, id FROM specimens_lab WHERE county = %(county)s AND (name = ANY(%(names)s) OR id = %(lab)s)"

# The load that a printed code meant when the box was handed over: the last one packed by then.
LOADS = """
SELECT DISTINCT ON (code) code, id FROM specimens_box
WHERE county = %(county)s AND code = ANY(%(boxes)s) AND packed_at <= %(at)s ORDER BY code, packed_at DESC
"""

LOADED = """
SELECT tube FROM specimens_boxentry
WHERE county = %(county)s AND box = ANY(%(loads)s) AND (removed_at IS NULL OR removed_at > %(at)s)
"""

STEP = """
INSERT INTO specimens_custodystep (county, id, giver, giver_kind, taker, taker_kind, lab, division_code, tubes, tubes_given,
                                   tubes_counted, scanned, handed_at, recorded_at, recorded_by)
VALUES (%(county)s, %(step)s, %(giver)s, %(giver_kind)s, %(taker)s, %(taker_kind)s, %(lab)s, %(code)s, %(given)s,
        %(tubes_given)s, %(counted)s, %(scanned)s, %(at)s, %(now)s, %(account)s)
ON CONFLICT (county, id) DO NOTHING
"""

# What was handed over earlier and is told later does not move a tube back.
ENTRIES = """
WITH moved (tube, standing, stage, holder) AS (
    SELECT * FROM unnest(%(tubes)s::uuid[], %(standings)s::text[], %(stages)s::text[], %(holders)s::text[])
), entry AS (
    INSERT INTO specimens_custodyentry (county, tube, step, standing)
    SELECT %(county)s, tube, %(step)s, standing FROM moved
), unpacked AS (
    UPDATE specimens_boxentry e SET removed_at = %(at)s FROM moved
    WHERE e.county = %(county)s AND e.tube = moved.tube AND e.removed_at IS NULL AND e.packed_at <= %(at)s
      AND (%(taker_kind)s = 'lab' OR moved.standing = 'missing' OR e.box <> ALL(%(loads)s::uuid[]))
), emptied AS (
    UPDATE specimens_box SET emptied_at = %(at)s
    WHERE county = %(county)s AND id = ANY(%(loads)s::uuid[]) AND emptied_at IS NULL AND %(taker_kind)s = 'lab'
)
INSERT INTO specimens_tubeplace AS place (county, tube, stage, holder, lab, since)
SELECT %(county)s, tube, stage, holder, CASE WHEN standing <> 'missing' THEN %(lab)s::uuid END, %(at)s FROM moved
ON CONFLICT (county, tube) DO UPDATE
SET stage = excluded.stage, holder = excluded.holder, lab = excluded.lab, since = excluded.since
WHERE place.since <= excluded.since
"""

FORMER = """
SELECT s.giver, s.taker, s.tubes, s.tubes_counted, s.scanned,
       ARRAY(SELECT t.code FROM specimens_custodyentry e JOIN specimens_tube t ON t.county = e.county AND t.id = e.tube
             WHERE e.county = s.county AND e.step = s.id AND e.standing = 'missing' ORDER BY t.code),
       ARRAY(SELECT t.code FROM specimens_custodyentry e JOIN specimens_tube t ON t.county = e.county AND t.id = e.tube
             WHERE e.county = s.county AND e.step = s.id AND e.standing = 'extra'
             UNION SELECT d.code FROM specimens_custodydifference d
             WHERE d.county = s.county AND d.step = s.id AND d.kind = 'extra' AND d.code <> '' ORDER BY 1),
       (SELECT coalesce(sum(CASE d.kind WHEN 'extra' THEN d.number ELSE -d.number END), 0) FROM specimens_custodydifference d
        WHERE d.county = s.county AND d.step = s.id AND d.code = ''),
       (SELECT min(d.due_at) FROM specimens_custodydifference d WHERE d.county = s.county AND d.step = s.id)
FROM specimens_custodystep s WHERE s.county = %(county)s AND s.id = %(step)s
"""


@dataclass(frozen=True)
class HandOverReceipt:
    """What a hand-over left: tubes on the list, tubes in hand minus those, the missing and extra by their codes,
    how many more nobody could name (negative: missing), and by when a difference must be cleared up."""

    step: uuid.UUID
    tubes: int
    difference: int
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    unnamed: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True)
class Loads:
    """The loads that boxes hold, and the tubes in them."""

    boxes: Sequence[uuid.UUID]
    tubes: Sequence[uuid.UUID]


def hand_over_tubes(
    tubes: Sequence[uuid.UUID] = (),
    *,
    by: Actor,
    giver: str,
    taker: str,
    tubes_counted: int,
    valid_at: datetime,
    codes: Sequence[str] = (),
    boxes: Sequence[str] = (),
    tubes_given: int | None = None,
    scanned: Sequence[str] | None = None,
    giver_kind: Holder | None = None,
    taker_kind: Holder | None = None,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> HandOverReceipt:
    """Record that boxes (by printed code) and loose tubes (by id or code) changed hands, and compare the counts.

    ``tubes_given`` and ``tubes_counted`` are the giver's and the taker's count, ``scanned`` the codes the taker scanned,
    which names what is missing or extra. The step is recorded either way, because what happened is a fact; each
    difference opens its duty with it. Unsealed or unknown tubes on the list are refused. The same id again gives the
    same receipt.
    """
    by.require(HAND_OVER_TUBES)
    county, step = county_of(by.scope.lo), id or cause or new_id()
    with acting(by):
        known = _labs(county, [giver.strip(), taker.strip()])
        parties = (custodian(giver, giver_kind, known, "site"), custodian(taker, taker_kind, known, "courier"))
        return _pass_on(
            _HandOver(county, step, *parties, tubes, codes, boxes, tubes_given, tubes_counted, scanned, valid_at),
            HAND_OVER_TUBES, by, cause,
        )  # fmt: skip


def receive_tubes(
    lab: uuid.UUID,
    *,
    by: Actor,
    giver: str,
    tubes_counted: int,
    valid_at: datetime,
    tubes: Sequence[uuid.UUID] = (),
    codes: Sequence[str] = (),
    boxes: Sequence[str] = (),
    tubes_given: int | None = None,
    scanned: Sequence[str] | None = None,
    giver_kind: Holder | None = None,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> HandOverReceipt:
    """Take boxes and loose tubes in at a registered laboratory, counts compared as at every hand-over.

    ``valid_at`` is when they arrived. Boxes are empty afterwards and may be packed again. Without a list, what was
    scanned is the list. Raises `LabUnknown`.
    """
    by.require(RECEIVE_TUBES)
    county, step = county_of(by.scope.lo), id or cause or new_id()
    with acting(by):
        check_speaks(by, county, lab=lab)
        known = _labs(county, [giver.strip()], lab)
        name = next((name for name, one in known.items() if one == lab), None)
        if name is None:
            raise LabUnknown(f"There is no laboratory {lab} in this county: register it, then receive its tubes.")
        parties = (custodian(giver, giver_kind, known, "courier"), Custodian(name, "lab", lab))
        if scanned and not (tubes or codes or boxes):
            codes = _registered(county, scanned)
        return _pass_on(
            _HandOver(county, step, *parties, tubes, codes, boxes, tubes_given, tubes_counted, scanned, valid_at),
            RECEIVE_TUBES, by, cause,
        )  # fmt: skip


@dataclass(frozen=True)
class _HandOver:
    county: int
    step: uuid.UUID
    giver: Custodian
    taker: Custodian
    tubes: Sequence[uuid.UUID]
    codes: Sequence[str]
    boxes: Sequence[str]
    given: int | None
    counted: int
    scanned: Sequence[str] | None
    at: datetime


def _pass_on(over: _HandOver, verb: str, by: Actor, cause: uuid.UUID | None) -> HandOverReceipt:
    if over.giver.name == over.taker.name or not over.giver.name or not over.taker.name:
        raise Refusal("Tubes are handed over from one post to another: name both.")
    if former := _former(over):
        return former
    loads = _loads(over)
    listed = listed_tubes(over.county, {*over.tubes, *loads.tubes}, over.codes, "hand over")
    if not listed:
        raise Refusal("No tube is named: scan the boxes or the tubes that change hands.")
    counted = count_tubes({tube.code for tube in listed}, over.counted, over.scanned)
    extra = _by_code(over.county, counted.extra)
    if _write_step(over, listed, loads, counted, extra, by):
        _settle(over, listed, counted, extra, by, cause)
        record_audit(
            by, verb, subject=("custody_step", over.step), division_code=by.scope.lo, count=len(listed),
            counted=over.counted, missing=len(counted.missing), extra=len(counted.extra), unnamed=counted.unnamed,
            command=cause,
        )  # fmt: skip
    receipt = _former(over)
    assert receipt is not None
    return receipt


def _former(over: _HandOver) -> HandOverReceipt | None:
    """Return the receipt of a step on record; raises when its id was used for another hand-over."""
    with connection.cursor() as cursor:
        cursor.execute(FORMER, {"county": over.county, "step": over.step})
        row = cursor.fetchone()
    if row is None:
        return None
    giver, taker, tubes, counted, scanned, missing, extra, unnamed, due_at = row
    if (giver.strip(), taker.strip(), counted) != (over.giver.name, over.taker.name, over.counted):
        raise StepIdTaken(f"The id {over.step} belongs to a hand-over from {giver} to {taker}: make a new id.")
    unnamed = int(unnamed) if scanned else counted - tubes
    found = len(extra) - len(missing) + unnamed
    return HandOverReceipt(over.step, tubes, found, tuple(missing), tuple(extra), unnamed, due_at)


def _labs(county: int, names: Sequence[str], lab: uuid.UUID | None = None) -> Mapping[str, uuid.UUID]:
    with connection.cursor() as cursor:
        cursor.execute(LABS, {"county": county, "names": list(names), "lab": lab})
        return dict(cursor.fetchall())


def _registered(county: int, codes: Sequence[str]) -> list[str]:
    return list(_by_code(county, codes))


def _by_code(county: int, codes: Sequence[str]) -> dict[str, uuid.UUID]:
    if not codes:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT code, id FROM specimens_tube WHERE county = %s AND code = ANY(%s)", [county, list(codes)]
        )
        return dict(cursor.fetchall())


def _loads(over: _HandOver) -> Loads:
    if not over.boxes:
        return Loads((), ())
    params: dict[str, Any] = {"county": over.county, "boxes": list(over.boxes), "at": over.at}
    with connection.cursor() as cursor:
        cursor.execute(LOADS, params)
        found = dict(cursor.fetchall())
        unknown = [code for code in over.boxes if code not in found]
        if unknown:
            raise BoxUnknown(f"Nothing is packed in box {unknown[0]}: send its packing first, then the hand-over.")
        cursor.execute(LOADED, params | {"loads": list(found.values())})
        return Loads(list(found.values()), [row[0] for row in cursor.fetchall()])


def _write_step(
    over: _HandOver,
    listed: Sequence[ListedTube],
    loads: Loads,
    counted: Counted,
    extra: Mapping[str, uuid.UUID],
    by: Actor,
) -> bool:
    missing = set(counted.missing)
    rows = [
        (tube.id, "missing", "missing", over.giver.name)
        if tube.code in missing
        else (tube.id, "taken", stage_of(over.taker.kind), over.taker.name)
        for tube in listed
    ]
    rows += [(tube, "extra", stage_of(over.taker.kind), over.taker.name) for tube in extra.values()]
    params: dict[str, Any] = {
        "county": over.county, "step": over.step, "giver": over.giver.name, "giver_kind": over.giver.kind,
        "taker": over.taker.name, "taker_kind": over.taker.kind, "lab": over.taker.lab, "code": by.scope.lo,
        "given": len(listed), "tubes_given": over.given, "counted": over.counted, "scanned": over.scanned is not None,
        "at": over.at, "now": response_now(), "account": by.account_id, "loads": list(loads.boxes),
    }  # fmt: skip
    columns = dict(zip(("tubes", "standings", "stages", "holders"), map(list, zip(*rows, strict=True)), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(STEP, params)
        if not cursor.rowcount:
            return False
        cursor.execute(ENTRIES, params | columns)
    return True


def _settle(
    over: _HandOver,
    listed: Sequence[ListedTube],
    counted: Counted,
    extra: Mapping[str, uuid.UUID],
    by: Actor,
    cause: uuid.UUID | None,
) -> None:
    """Close what this hand-over clears up (a tube sought elsewhere is here), then open what it lacks."""
    here = [tube.id for tube in listed if tube.code not in set(counted.missing)] if over.scanned is not None else []
    explained = tubes_turned_up(
        [*here, *extra.values()], by=by, county=over.county, place=over.taker.name, valid_at=over.at, cause=cause,
        reason=f"scanned by {over.taker.name}"[:200],
    )  # fmt: skip
    if not counted:
        return
    by_code = {tube.code: tube for tube in listed}
    answers = {kind: answers_for(kind, over.giver.kind, over.taker.kind) for kind in ("missing", "extra")}
    place = listed[0].division_code
    rows: list[tuple[str, uuid.UUID | None, str, int, int]] = [
        ("missing", by_code[code].id, code, 1, by_code[code].division_code) for code in counted.missing
    ]
    rows += [("extra", extra.get(code), code, 1, place) for code in counted.extra if extra.get(code) not in explained]
    if counted.unnamed:
        rows.append(("extra" if counted.unnamed > 0 else "missing", None, "", abs(counted.unnamed), place))
    open_differences(
        [
            (derived_id("custody_difference", over.step, kind, code), kind, tube, code, number, at, answers[kind])
            for kind, tube, code, number, at in rows
        ],
        step=over.step, by=by, county=over.county, valid_at=over.at, due_at=due(over.at, missing_within(by)), cause=cause,
    )  # fmt: skip
