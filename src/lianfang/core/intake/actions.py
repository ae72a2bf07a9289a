"""Keeping what came in: parcels with their receipts, decisions about them, photos for some days."""

import base64
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.queries import duty_standing
from lianfang.core.duties.rules import DutyNotFound
from lianfang.core.intake.models import Parcel, Photo
from lianfang.core.intake.permissions import ATTACH_PHOTO, DECIDE_PARCELS
from lianfang.core.intake.rules import (
    ParcelDecided,
    ParcelReceipt,
    ParcelUnknown,
    PhotoRefused,
    bare_jpeg,
    receipt_of,
)
from lianfang.core.intake.sealing import seal_note, seal_photo
from lianfang.kit.clock import response_now
from lianfang.kit.codes import EVERYWHERE, county_of, unit_range

RECEIVER = uuid.UUID(int=5)


#: whoever sits at the machine itself and takes in what a phone saved
OPERATOR = Actor(
    RECEIVER, RECEIVER, "administrator", "administration", EVERYWHERE, frozenset({DECIDE_PARCELS}), "operator"
)


@dataclass(frozen=True)
class Arrival:
    """A parcel that came in and what its content says of itself, as far as it can be read."""

    id: uuid.UUID
    sealed: bytes
    fingerprint: bytes
    kind: str = ""
    form: str = ""
    duty: int | None = None
    valid_at: datetime | None = None
    made_at: datetime | None = None


@dataclass(frozen=True)
class Judgement:
    """What the rules say to a parcel, whose it is, and what its command answered.

    ``said`` and ``outcome`` stay beside a parcel that is kept: the sentence of the refusal, the outcome it would have had.
    """

    state: str
    code: str = ""
    result: dict[str, Any] | None = None
    worker: Actor | None = None
    said: str = ""
    outcome: str = ""
    urgent: bool = False


def intake_hand(device_code: int) -> Actor:
    """Return the hand that takes parcels in: as wide as the county of the device, because what was done in one village
    may belong to another by the time it arrives."""
    county = unit_range(county_of(device_code) * 10**9)
    return Actor(RECEIVER, RECEIVER, "worker", "intake", county, frozenset(), "intake")


def keep_parcel(
    kept_as: uuid.UUID, arrival: Arrival, judged: Judgement, *, device: uuid.UUID, device_code: int
) -> ParcelReceipt:
    """Keep a parcel under its receipt, in the transaction that did what it asks for; return the receipt.

    Its content is kept only when it was not applied: as it came, behind the id it was sealed under.
    """
    worker, applied = judged.worker, judged.state in ("applied", "repeated")
    here = county_of(device_code)
    code = worker.scope.lo if worker and county_of(worker.scope.lo) == here else device_code
    note = {"said": judged.said, "outcome": judged.outcome}
    Parcel.objects.create(
        id=kept_as, sent_as=arrival.id if kept_as != arrival.id else None, county=here, division_code=code, device=device,
        account_id=worker.account_id if worker else None, grant_id=worker.grant_id if worker else None,
        kind=arrival.kind[:60], form=arrival.form[:60], duty=arrival.duty, valid_at=arrival.valid_at,
        made_at=arrival.made_at, received_at=response_now(), state="applied" if applied else judged.state,
        code=judged.code, urgent=judged.urgent, fingerprint=arrival.fingerprint, result=judged.result or {},
        sealed=None if applied else arrival.id.bytes + arrival.sealed,
        note=None if applied else seal_note(kept_as, note),
    )  # fmt: skip
    return receipt_of(arrival.id, judged.state, judged.code, judged.result)


def note_file(*, by: Actor, device: uuid.UUID, device_code: int, counts: dict[str, int]) -> None:
    """Record that somebody took a phone's file of parcels in, and what became of how many. Raises `NotPermitted`."""
    by.require(DECIDE_PARCELS)
    with acting(by):
        record_audit(
            by, "intake.take_file", subject=("device", device), division_code=device_code, count=sum(counts.values()),
            **counts,
        )  # fmt: skip


def waiting_parcel(parcel: uuid.UUID, *, by: Actor) -> tuple[Parcel, bytes]:
    """Return a held parcel of the actor's area and its sealed bytes, locked until the transaction ends.

    Raises `ParcelUnknown`, or `ParcelDecided` when it does not wait for anybody.
    """
    by.require(DECIDE_PARCELS)
    found = Parcel.objects.select_for_update().filter(id=parcel).first()
    if found is None:
        raise ParcelUnknown("There is no such parcel in your area. Open the list again.")
    if found.state != "held" or found.sealed is None:
        raise ParcelDecided("This parcel waits for nobody: somebody decided it before. Open the list again.")
    return found, bytes(found.sealed)


def mark_applied(parcel: Parcel, *, by: Actor, reason: str, result: dict[str, Any]) -> None:
    """Record that a held parcel was applied as the worker meant it; its content is not kept any longer."""
    parcel.state, parcel.code, parcel.result = "applied", "decided", result
    parcel.sealed = parcel.note = None
    _decide(parcel, by, reason, "intake.apply_parcel")


def set_aside(parcel: Parcel, *, by: Actor, reason: str) -> None:
    """Record that a held parcel is not used, and why; its content is kept beside the decision."""
    parcel.state, parcel.code = "set_aside", "set_aside"
    _decide(parcel, by, reason, "intake.set_aside_parcel")


def _decide(parcel: Parcel, by: Actor, reason: str, verb: str) -> None:
    rule = Parcel.objects.values_list("code", flat=True).get(id=parcel.id)
    parcel.decided_at, parcel.decided_by, parcel.reason = response_now(), by.account_id, reason
    parcel.save()
    record_audit(
        by, verb, subject=("parcel", parcel.id), division_code=parcel.division_code, rule=rule, kind=parcel.kind,
        worker=parcel.account_id,
    )  # fmt: skip


def attach_photo(
    *,
    by: Actor,
    valid_at: datetime,
    cause: uuid.UUID,
    jpeg: str,
    caption: str,
    duty: int | None = None,
    subject: uuid.UUID | None = None,
) -> uuid.UUID:
    """Keep a photo (base64, at most 300 kB) beside a duty of the actor's area or a record, encrypted, for some days.

    Of places, notices and hazards, never of faces; what the camera wrote into the file is taken out. Returns its id.
    """
    by.require(ATTACH_PHOTO)
    if duty is None and subject is None:
        raise PhotoRefused("Say which duty or record the photo belongs to.")
    try:
        picture = bare_jpeg(base64.b64decode(jpeg, validate=True))
    except ValueError:  # no base 64, or not ASCII
        raise PhotoRefused("The photo is no base64: send it again.") from None
    with acting(by):
        place = by.scope.lo
        if duty is not None:
            found = duty_standing(duty, by=by)
            if found is None:
                raise DutyNotFound(f"There is no duty {duty} in your area. Refresh your list.")
            place = found.division_code
        Photo.objects.create(
            id=cause, county=county_of(place), division_code=place, duty=duty, subject=subject, account_id=by.account_id,
            caption=caption, taken_at=valid_at, recorded_at=response_now(), sealed=seal_photo(cause, picture),
        )  # fmt: skip
        record_audit(by, "intake.attach_photo", subject=("photo", cause), division_code=place, duty=duty)
    return cause


#: the clock's hand: deletes what is too old, and sees nothing of it
FORGETTER = Actor(RECEIVER, RECEIVER, "worker", "intake", EVERYWHERE, frozenset(), "forgetter")


def forget_photos() -> int:
    """Delete the photos that are older than the days of the settings, and return how many."""
    with acting(FORGETTER):
        return Photo.objects.filter(recorded_at__lt=response_now() - timedelta(days=settings.PHOTO_DAYS)).delete()[0]
