"""A tube from a table without signal: its people named by what was scanned, recognised when it arrives."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field, model_validator

from lianfang.core.access.audit import record_audit
from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.people.actions import register_visitor
from lianfang.core.people.queries import recognised
from lianfang.core.people.rules import ResidentRefused, VisitorEntry
from lianfang.kit.codes import county_of
from lianfang.kit.refusals import Refusal
from lianfang.response.screening.actions import register_walk_in
from lianfang.response.screening.permissions import LOOK_UP
from lianfang.response.screening.rules import RoundAlreadyClosed
from lianfang.response.specimens.permissions import REGISTER_TUBES
from lianfang.response.specimens.rules import LARGEST_POOL, RefusedItem, SampleEntry, TubeEntry, county_hand
from lianfang.workflows.positive_pool import register_tubes

#: name and place of somebody of whom a table without signal had no more than the number of their document
NAME_TO_COME, PLACE_TO_COME = "姓名待补", "住址待补"


@dataclass(frozen=True)
class ScannedEntry:
    """One person's swab: who it is by the register, by their printed code, or by a document (``visitor``): exactly one.

    Whoever is in no register becomes known by ``visitor``, and is counted as found for ``reason``.
    """

    id: uuid.UUID
    taken_at: AwareDatetime
    resident: uuid.UUID | None = None
    code: str = ""
    visitor: VisitorEntry | None = None
    reason: Literal["visitor", "newcomer", "unregistered"] = "unregistered"


class RegisterScanned(Payload):
    """A tube (without samples of its own) and its people as they were scanned."""

    tube: TubeEntry
    samples: list[ScannedEntry] = Field(min_length=1, max_length=LARGEST_POOL)

    @model_validator(mode="after")
    def _one_way_each(self) -> "RegisterScanned":
        if self.tube.samples:
            raise ValueError("the tube comes without samples of its own: name its people under samples")
        for entry in self.samples:
            if sum((entry.resident is not None, bool(entry.code.strip()), entry.visitor is not None)) != 1:
                raise ValueError(f"sample {entry.id} names its person in one way: resident, code or visitor")
        return self


@dataclass(frozen=True)
class ScannedReceipt:
    """What of a scanned tube is in the records now, and whom it names that nobody could be found for."""

    tubes: int
    samples: int
    refused: tuple[RefusedItem, ...]


def register_scanned(
    tube: TubeEntry,
    samples: Sequence[ScannedEntry],
    *,
    by: Actor,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> ScannedReceipt:
    """Register a tube whose people are named by what was scanned; who is in no register is registered by their document.

    Every sample without fault goes in. A printed code that nobody has is listed as refused: a person at a desk finds
    out who it was, since their swab is in the tube.
    """
    by.require(REGISTER_TUBES, tube.division_code)
    if any(sample.resident is None for sample in samples):
        by.require(LOOK_UP, tube.division_code)
    entries: list[SampleEntry] = []
    refused: list[RefusedItem] = []
    for sample in samples:
        try:
            resident = _resident_of(sample, tube, by, valid_at, cause)
        except Refusal as fault:
            refused.append(RefusedItem(tube.id, sample.id, "unknown_person", str(fault)))
        else:
            entries.append(SampleEntry(sample.id, resident, sample.taken_at))
    filled = replace(tube, samples=tuple(entries))
    made = register_tubes([filled], by=by, valid_at=valid_at, cause=cause, accept="samples")
    return ScannedReceipt(made.tubes, made.samples, (*refused, *made.refused))


def _resident_of(
    sample: ScannedEntry, tube: TubeEntry, by: Actor, valid_at: datetime, cause: uuid.UUID | None
) -> uuid.UUID:
    if sample.resident is not None:
        return sample.resident
    found = _recognised(sample, tube, by)
    if found:
        return found[0]
    if sample.visitor is None:
        raise ResidentRefused(
            f"Nobody has the code that was scanned into tube {tube.code}: it was revoked, or is of another county. Find "
            "out whose swab this is, then register them into this tube."
        )
    return _registered(sample.visitor, sample.reason, tube, by, valid_at, cause)


def _recognised(sample: ScannedEntry, tube: TubeEntry, by: Actor) -> list[uuid.UUID]:
    """Return who has the code or document, in the whole county as at a table; the look-up is logged."""
    county = county_of(tube.division_code)
    visitor = sample.visitor
    document, kind = (visitor.number, visitor.document) if visitor else ("", "resident_id")
    with acting(county_hand(by, county)):
        found = recognised(county=county, code=sample.code, document=document, kind=kind)
        record_audit(by, LOOK_UP, subject=("tube", tube.id), division_code=tube.division_code, count=len(found),
                     way="document" if visitor else "code", found=found[0] if len(found) == 1 else None)  # fmt: skip
    return found


def _registered(
    visitor: VisitorEntry,
    reason: Literal["visitor", "newcomer", "unregistered"],
    tube: TubeEntry,
    by: Actor,
    valid_at: datetime,
    cause: uuid.UUID | None,
) -> uuid.UUID:
    """Register somebody who is in no register; after the sign-off their sample itself counts them as found."""
    named = replace(visitor, name=visitor.name.strip() or NAME_TO_COME)
    if named.home_code is None and not named.stays_at.strip():
        named = replace(named, stays_at=PLACE_TO_COME)
    code = tube.division_code
    if tube.round is not None:
        try:
            return register_walk_in(
                tube.round, named, by=by, division_code=code, reason=reason, valid_at=valid_at, cause=cause
            ).resident
        except RoundAlreadyClosed:
            pass
    return register_visitor(named, by=by, here=code, valid_at=valid_at, cause=cause).resident


COMMANDS: Commands = {"register_scanned": (RegisterScanned, calls(register_scanned))}
