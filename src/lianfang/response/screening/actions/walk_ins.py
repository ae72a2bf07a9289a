"""Writing who comes to a table and is in no register: registered, counted as found, and sampled in the same step."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.people.actions import register_visitor
from lianfang.core.people.rules import VisitorEntry
from lianfang.kit.refusals import Refusal
from lianfang.response.screening.actions.people import INSERT_FOUND, SENT
from lianfang.response.screening.actions.records import round_of, stamp
from lianfang.response.screening.actions.visits import bring_visits_up_to_date
from lianfang.response.screening.models import Round
from lianfang.response.screening.permissions import REGISTER_WALK_IN
from lianfang.response.screening.rules import FoundReason, RoundAlreadyClosed, walk_in_fault
from lianfang.response.specimens.actions import register_tubes
from lianfang.response.specimens.rules import SampleEntry, TubeEntry, county_hand


@dataclass(frozen=True)
class WalkInReceipt:
    """Who a walk-in is, whether they were registered before, whether the roster had them, and whether they are sampled."""

    resident: uuid.UUID
    known: bool
    on_roster: bool
    sampled: bool


def register_walk_in(
    round: uuid.UUID,
    visitor: VisitorEntry,
    *,
    by: Actor,
    division_code: int,
    reason: FoundReason,
    valid_at: datetime,
    tube: TubeEntry | None = None,
    sample: uuid.UUID | None = None,
    cause: uuid.UUID | None = None,
) -> WalkInReceipt:
    """Register somebody who is here and in no register, count them as found, and put their sample into a tube if one is named.

    ``division_code`` (15 digits) is where the table stands. The same document finds the same person: whoever is on the
    roster is only sampled. ``tube`` comes without samples of its own and ``sample`` is the id of this one. Raises
    `ResidentRefused`, `RoundAlreadyClosed` or what `register_tubes` raises, and then nothing is written.
    """
    by.require(REGISTER_WALK_IN, division_code)
    if fault := walk_in_fault(reason, visitor.home_code, division_code, tube is not None, sample is not None):
        raise Refusal(fault)
    with acting(by):
        record = round_of(round, by)
        if record.closed_at is not None:
            raise RoundAlreadyClosed(f"{record.title} was signed off: register this person in the next round.")
        made = register_visitor(visitor, by=by, here=division_code, valid_at=valid_at, cause=cause)
        added = count_as_found(record, made.resident, reason, division_code, by, valid_at)
        if tube is not None and sample is not None:
            filled = replace(tube, round=round, samples=(SampleEntry(sample, made.resident),))
            register_tubes([filled], by=by, valid_at=valid_at, cause=cause)
        record_audit(by, REGISTER_WALK_IN, subject=("round", round), division_code=division_code, reason=reason,
                     known=made.known, sampled=tube is not None, command=cause)  # fmt: skip
        if added:
            bring_visits_up_to_date(by, record.county, valid_at, cause, [made.resident])
    return WalkInReceipt(made.resident, made.known, not added, tube is not None)


def count_as_found(
    round: Round, resident: uuid.UUID, reason: FoundReason, code: int, by: Actor, valid_at: datetime
) -> bool:
    """Count somebody as found who is not on the roster; whether they are counted so now, by this or an earlier call."""
    sent = {"residents": [resident], "reasons": [reason], "codes": [code]}
    with acting(county_hand(by, round.county)), connection.cursor() as cursor:
        cursor.execute(INSERT_FOUND.format(found=SENT), stamp(round, by, valid_at) | sent)
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM screening_foundentry WHERE county = %s AND round = %s AND resident = %s)",
            [round.county, round.id, resident],
        )
        return bool(cursor.fetchone()[0])
