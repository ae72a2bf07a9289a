"""Parcels from the field: opened, judged by the table of conflicts, applied exactly once, or kept for a human."""

import logging
import traceback
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, ValidationError

from lianfang.core.access.commands import Envelope
from lianfang.core.access.limits import take_people
from lianfang.core.access.rules import Actor, SignInRefused, TooMuch
from lianfang.core.access.scope import acting
from lianfang.core.access.sign_in import KnownDevice, actor_at, read_claims
from lianfang.core.duties.actions import reopen_duty
from lianfang.core.duties.queries import DutyStanding, duty_standing
from lianfang.core.intake.actions import Arrival, Judgement, intake_hand, keep_parcel
from lianfang.core.intake.queries import former_receipt, opened
from lianfang.core.intake.rules import (
    ALARMING,
    FOUND_NOTHING,
    STANDS_BY_ITSELF,
    ParcelReceipt,
    code_of_refusal,
    ids_in,
    receipt_of,
    speaks_only_of,
    with_survivors,
)
from lianfang.core.people.queries import survivors_of
from lianfang.kit.clock import machine_now, response_now
from lianfang.kit.codes import county_of, unit_range
from lianfang.kit.parcels import KeyUnknown, ParcelDamaged, from_text
from lianfang.kit.refusals import Refusal
from lianfang.workflows.commands import PayloadRefused, UnknownCommand, people_in, submit

LOG = logging.getLogger(__name__)
#: seconds after which a phone sends again what the database could not take just now
BUSY = 2.0
#: rules that say more about a refused command than the refusal itself
SAYS_MORE = frozenset({"duty_cancelled", "person_moved"})


def _within_reach(moment: datetime) -> datetime:
    # the database keeps years that Python cannot read back: one such row would blind the whole list
    if not 1900 <= moment.year <= 2999:
        raise ValueError("no instant of any response")
    return moment


Instant = Annotated[AwareDatetime, AfterValidator(_within_reach)]
#: words of catalogues, which a list may show and a database can keep
Word = Annotated[str, Field(max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")]


class EnvelopeInside(BaseModel):
    """The command inside of a parcel."""

    kind: Word
    valid_at: Instant
    payload: dict[str, Any]


class Content(BaseModel):
    """What a phone seals: the sign-in under which it was done, the command, and what it was done for."""

    token: str
    envelope: EnvelopeInside
    made_at: Instant
    duty: int | None = Field(default=None, ge=1, lt=2**63)
    form: Word | None = None
    shadow: bool = False


@dataclass(frozen=True)
class SentParcel:
    """A parcel as a phone sends it: its id, and its bytes in base64url."""

    id: uuid.UUID
    sealed: str


def take_parcels(device: KnownDevice, sent: Sequence[SentParcel]) -> list[ParcelReceipt]:
    """Take parcels in order, each in a transaction of its own, and return a receipt for each.

    What cannot be taken just now stops the rest of the batch: a tube is opened before it is sealed.
    """
    receipts: list[ParcelReceipt] = []
    for number, one in enumerate(sent):
        receipt = _take(device, one)
        receipts.append(receipt)
        if receipt.status == "later":
            rest = sent[number + 1 :]
            receipts += [receipt_of(left.id, "later", receipt.code, retry_after=receipt.retry_after) for left in rest]
            break
    return receipts


def _take(device: KnownDevice, sent: SentParcel) -> ParcelReceipt:
    try:
        sealed = from_text(sent.sealed)
        inside = opened(sent.id, sealed)
    except KeyUnknown:
        return receipt_of(sent.id, "refused", "unknown_key")
    except ParcelDamaged:
        return receipt_of(sent.id, "refused", "damaged")
    content = read_content(inside)
    arrival = _arrival(sent.id, sealed, inside, content)
    try:
        take_people(device.id, device.id, people_in(content.envelope.payload) if content else 0)
        return _settled(device, arrival, content)
    except TooMuch as error:
        return receipt_of(sent.id, "later", "too_much", retry_after=error.wait)
    except (OperationalError, InterfaceError):
        return _later(sent.id)
    except Exception as error:
        # One parcel's fault, whatever it is, must not stop the others. What an error says may quote a person's row: the log
        # gets its name and the way to it.
        way = "".join(traceback.format_tb(error.__traceback__))
        LOG.error("parcel %s of kind %s broke: %s\n%s", sent.id, arrival.kind, type(error).__name__, way)
    try:
        return _settled(device, arrival, None, broken=True)
    except (OperationalError, InterfaceError, IntegrityError):
        return _later(sent.id)


def _later(id: uuid.UUID) -> ParcelReceipt:
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    return receipt_of(id, "later", "busy", retry_after=BUSY)


def read_content(inside: bytes) -> Content | None:
    """Return the content of an opened parcel, or None when it is not of this version's form."""
    try:
        return Content.model_validate_json(inside)
    except ValidationError:
        return None


def _arrival(id: uuid.UUID, sealed: bytes, inside: bytes, content: Content | None) -> Arrival:
    if content is None:
        return Arrival(id, sealed, sha256(inside).digest())
    return Arrival(
        id, sealed, envelope_of(id, content).fingerprint(), content.envelope.kind, content.form or "", content.duty,
        content.envelope.valid_at, content.made_at,
    )  # fmt: skip


def envelope_of(id: uuid.UUID, content: Content) -> Envelope:
    """Return the command of a parcel: its id is the parcel's."""
    return Envelope(id, content.envelope.kind, content.envelope.valid_at, content.envelope.payload)


def _settled(device: KnownDevice, arrival: Arrival, content: Content | None, *, broken: bool = False) -> ParcelReceipt:
    """Judge a parcel and keep its receipt in one transaction, or return the receipt it had before."""
    hand = intake_hand(device.division_code)
    with acting(hand):
        kept_as, former = former_receipt(arrival.id, arrival.fingerprint)
        if former:
            return former
        if broken:
            judged = Judgement("held", "broken")
        elif content is None:
            judged = Judgement("held", "old_form")
        else:
            judged = judge(device, arrival.id, content, hand=hand, taken=kept_as != arrival.id)
        return keep_parcel(kept_as, arrival, judged, device=device.id, device_code=device.division_code)


def judge(device: KnownDevice, id: uuid.UUID, content: Content, *, hand: Actor, taken: bool = False) -> Judgement:
    """Say what becomes of a parcel, and do what it asks for when the rules allow it, in the open transaction."""
    worker, code = worker_of(device, content)
    if taken:
        code = "id_taken"
    if worker is None or code:
        return Judgement("held", code, worker=worker)
    judged = _applied(worker, envelope_of(id, content), content.duty, hand)
    return replace(judged, worker=worker)


def worker_of(device: KnownDevice, content: Content) -> tuple[Actor | None, str]:
    """Return whose work a parcel is, and the rule that keeps it from being theirs without a human ("" for none)."""
    valid_at = content.envelope.valid_at
    instant = on_the_machine(valid_at)
    try:
        claims = read_claims(content.token)
    except SignInRefused:
        return None, "token_unknown"
    found = actor_at(claims, instant)
    if found is None:
        return None, "token_unknown"
    worker, grant_held = found
    if claims.device != device.id:
        return worker, "other_device"
    if device.lost_since is not None and valid_at >= device.lost_since:
        return worker, "device_revoked"
    if not claims.covers(instant):
        return worker, "after_session"
    return worker, "" if grant_held else "after_grant"


def on_the_machine(valid_at: datetime) -> datetime:
    """Return an instant of the response's clock on the machine's, by which sign-ins and grants are dated."""
    return valid_at - (response_now() - machine_now())


def _applied(worker: Actor, envelope: Envelope, duty_id: int | None, hand: Actor) -> Judgement:
    by, code = worker, ""
    survivors = survivors_of(ids_in(envelope.payload), by=hand)
    if survivors:
        named = {str(old): str(new) for old, new in survivors.items()}
        envelope, code = replace(envelope, payload=with_survivors(envelope.payload, named)), "person_merged"
    duty = duty_standing(duty_id, by=hand) if duty_id else None
    if duty is None:
        return attempt(by, envelope, code)
    if duty.state != "outstanding" and envelope.kind in FOUND_NOTHING:
        return Judgement("noted", "tried_in_vain")
    if has_moved(duty, by, envelope.payload):
        by, code = replace(by, scope=unit_range(duty.division_code)), "person_moved"
    if duty.state == "done":
        return _second(by, envelope, duty, hand, code)
    return attempt(by, envelope, "duty_cancelled" if duty.state in ("cancelled", "waived") else code)


def has_moved(duty: DutyStanding, by: Actor, payload: dict[str, Any]) -> bool:
    """Say whether a duty was in the worker's area and is in another one now: its person moved.

    Only with a payload about that duty and nobody else: naming a duty that went away opens nobody's door beside it.
    """
    gone = duty.division_code not in by.scope and any(place in by.scope for place in duty.places)
    return gone and speaks_only_of(payload, duty.subject, duty.id)


def _second(by: Actor, envelope: Envelope, duty: DutyStanding, hand: Actor, code: str) -> Judgement:
    """Judge a finding whose duty is done: the same outcome is noted, an alarming one recorded, another one held."""
    if envelope.kind in STANDS_BY_ITSELF or _came_before(envelope.id, by):
        return attempt(by, envelope, code or "duty_done")
    tried = would_be(by, envelope, duty, hand)
    if tried.state != "applied":
        return replace(tried, code="duty_done", urgent=tried.outcome in ALARMING)
    if not tried.outcome:  # the command does not finish this duty: it stands by itself
        return attempt(by, envelope, code or "duty_done")
    if tried.outcome == duty.outcome:
        return Judgement("noted", "duty_done", outcome=tried.outcome)
    if tried.outcome in ALARMING:
        told = attempt(by, envelope, "alarming")
        return told if told.state == "applied" else replace(told, outcome=tried.outcome, urgent=True)
    return Judgement("held", "duty_done", outcome=tried.outcome)


def _came_before(id: uuid.UUID, by: Actor) -> bool:
    with acting(by), connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM access_command WHERE id = %s)", [id])
        return bool(cursor.fetchone()[0])


class _Undone(Exception):
    """A trial is over: whatever it wrote is taken back."""


def would_be(by: Actor, envelope: Envelope, duty: DutyStanding, hand: Actor) -> Judgement:
    """Try a command as if its duty were not done yet, take everything back, and say what the outcome would be.

    The outcome is "" when the command would not finish the duty.
    """
    found = Judgement("held")
    try:
        with transaction.atomic():
            reopen_duty(
                duty.id, by=by, county=county_of(duty.division_code), valid_at=envelope.valid_at, reason="trial",
                cause=envelope.id,
            )  # fmt: skip
            found = attempt(by, envelope, "")
            after = duty_standing(duty.id, by=hand)
            done = after is not None and after.state == "done"
            found = replace(found, outcome=(after.outcome or "") if after and done else "")
            raise _Undone
    except _Undone:
        return found


def attempt(by: Actor, envelope: Envelope, code: str) -> Judgement:
    """Apply a command, or say under which rule it waits; a refused one leaves nothing behind."""
    try:
        with transaction.atomic():
            receipt = submit(envelope, by=by)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except TooMuch:
        raise
    except (UnknownCommand, PayloadRefused) as error:
        return Judgement("held", "old_form", said=str(error))
    except Refusal as error:
        return Judgement("held", code if code in SAYS_MORE else code_of_refusal(error), said=str(error))
    except IntegrityError as error:
        return Judgement("held", "contradicts", said=str(error).partition("\n")[0])
    if receipt.repeated:
        return Judgement("repeated", "", receipt.result)
    return Judgement("applied", code, receipt.result)
