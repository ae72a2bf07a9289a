"""What the rules did not apply by themselves: a human decides, once, and it is recorded as the worker meant it or set aside."""

import uuid
from dataclasses import replace
from typing import Literal

from django.db import transaction
from pydantic import Field

from lianfang.core.access.commands import Commands, Envelope, Payload, calls
from lianfang.core.access.rules import Actor, SignInRefused
from lianfang.core.access.scope import acting
from lianfang.core.access.sign_in import actor_at, read_claims
from lianfang.core.duties.actions import reopen_duty
from lianfang.core.duties.queries import duty_standing
from lianfang.core.intake import actions, queries
from lianfang.core.intake.permissions import DECIDE_PARCELS
from lianfang.core.intake.rules import ParcelCannotBeApplied, ParcelIsOnesOwn, ids_in, with_survivors
from lianfang.core.notices.actions import notify
from lianfang.core.notices.rules import NewNotice
from lianfang.core.people.queries import survivors_of
from lianfang.kit.codes import county_of, unit_range
from lianfang.workflows.take_parcels import Content, Judgement, attempt, has_moved, on_the_machine, read_content


class DecideParcel(Payload):
    """What becomes of a held parcel: applied as the worker meant it, or set aside; with a reason either way."""

    parcel: uuid.UUID
    decision: Literal["apply", "set_aside"]
    reason: str = Field(min_length=1, max_length=200, pattern=r"\S")


def decide_parcel(
    *, by: Actor, valid_at: object, cause: uuid.UUID, parcel: uuid.UUID, decision: str, reason: str
) -> dict[str, object]:
    """Decide a held parcel, once: apply it under the worker's own post as it was then, or set it aside with a reason.

    Raises `ParcelIsOnesOwn`, or `ParcelCannotBeApplied` with what the rules say to it now; then it still waits.
    """
    by.require(DECIDE_PARCELS)
    with acting(by):
        held, sealed = actions.waiting_parcel(parcel, by=by)
        if held.account_id == by.account_id:
            raise ParcelIsOnesOwn(
                "This is your own work: somebody else of your desk, or of the unit above, decides it."
            )
        if decision == "set_aside":
            actions.set_aside(held, by=by, reason=reason)
            _tell(held.account_id, parcel, held.duty, "parcel_declined", by)
            return {"parcel": parcel, "decision": decision}
        # Behind its first 16 bytes, the id that it was sealed under, the parcel is kept as it came.
        inside = queries.opened(uuid.UUID(bytes=sealed[:16]), sealed[16:])
        content = read_content(inside)
        if content is None:
            raise ParcelCannotBeApplied(
                "This version cannot read the parcel. Record by hand what it says, then set it aside with that reason."
            )
        with acting(actions.intake_hand(held.division_code)) as hand:
            done = _as_the_worker_meant(parcel, content, hand, reason, cause)
        if done.state not in ("applied", "repeated"):
            raise ParcelCannotBeApplied(
                f"The rules refuse it now too: {done.said} Set it aside, or correct the record."
            )
        actions.mark_applied(held, by=by, reason=reason, result=done.result or {})
        _tell(held.account_id, parcel, held.duty, "parcel_accepted", by)
        return {"parcel": parcel, "decision": decision}


def _tell(worker: uuid.UUID | None, parcel: uuid.UUID, duty: int | None, kind: str, by: Actor) -> None:
    """Tell whoever did the work; the reason stands with the parcel on the phone."""
    if worker:
        notify([NewNotice(worker, kind, str(parcel), duty)], by=by)


def _as_the_worker_meant(parcel: uuid.UUID, content: Content, hand: Actor, reason: str, cause: uuid.UUID) -> Judgement:
    worker = _worker(content)
    named = {str(old): str(new) for old, new in survivors_of(ids_in(content.envelope.payload), by=hand).items()}
    envelope = Envelope(
        parcel, content.envelope.kind, content.envelope.valid_at, with_survivors(content.envelope.payload, named)
    )
    duty = duty_standing(content.duty, by=hand) if content.duty else None
    if duty and has_moved(duty, worker, envelope.payload):
        worker = replace(worker, scope=unit_range(duty.division_code))
    if duty is None or duty.state != "done":
        return attempt(worker, envelope, "")
    try:
        with transaction.atomic():
            reopen_duty(
                duty.id, by=worker, county=county_of(duty.division_code), valid_at=envelope.valid_at, reason=reason,
                cause=cause,
            )  # fmt: skip
            done = attempt(worker, envelope, "")
            after = duty_standing(duty.id, by=hand)
            if done.state == "held" or (after and after.state != "done"):
                raise _DutyNotFinished
            return done
    except _DutyNotFinished:
        return attempt(worker, envelope, "")


class _DutyNotFinished(Exception):
    """The command does not finish the duty again: it stands beside the finding on record."""


def _worker(content: Content) -> Actor:
    try:
        claims = read_claims(content.token)
    except SignInRefused:
        claims = None
    found = actor_at(claims, on_the_machine(content.envelope.valid_at)) if claims else None
    if found is None:
        raise ParcelCannotBeApplied(
            "Nobody can say whose work this is. Ask the worker, record it by hand, then set it aside with that reason."
        )
    return found[0]


COMMANDS: Commands = {"decide_parcel": (DecideParcel, calls(decide_parcel))}
