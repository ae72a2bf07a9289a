"""Writing checkpoints, their orders, and passages."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duties, reconcile
from lianfang.core.people.actions import county_cipher
from lianfang.kit.clock import LOCAL, response_now
from lianfang.kit.codes import county_of
from lianfang.kit.ids import new_id
from lianfang.response.checkpoints.duties import REVIEW, desired_reviews
from lianfang.response.checkpoints.models import Checkpoint, CheckpointOrder, Passage
from lianfang.response.checkpoints.permissions import OPEN_CHECKPOINT, OPEN_IDENTIFIER, RECORD_PASSAGE
from lianfang.response.checkpoints.rules import (
    ADVISED_BACK,
    CheckpointClosed,
    CheckpointNotFound,
    CheckpointRefused,
    NewPassage,
    PassageNotFound,
    PassageRefused,
    order_fault,
    passage_fault,
)
from lianfang.response.command.queries import is_running


def open_checkpoint(
    *,
    by: Actor,
    incident: uuid.UUID,
    name: str,
    division_code: int,
    road: str,
    emergency_lane: str,
    reason: str,
    authority: str,
    appeal_to: str,
    ends_at: datetime,
    lon: float | None = None,
    lat: float | None = None,
    issued_by: str = "",
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Checkpoint:
    """Open a checkpoint on an order that ends, and oblige whoever issues it to close or renew it by then.

    ``appeal_to`` is where people who are stopped may object, to somebody else than the crew; shifts are planned for its
    id by the workforce room.
    """
    by.require(OPEN_CHECKPOINT, division_code)
    if fault := order_fault(reason, authority, appeal_to, emergency_lane, valid_at, ends_at):
        raise CheckpointRefused(fault)
    with acting(by):
        id = id or new_id()
        if known := Checkpoint.objects.filter(id=id).first():
            return known
        if not is_running(incident, by=by):
            raise CheckpointRefused("The incident is over or unknown here: a checkpoint needs one that runs.")
        if Checkpoint.objects.filter(
            incident=incident, division_code=division_code, name=name, closed_at=None
        ).exists():
            raise CheckpointRefused(f"“{name}” stands there already: give the new one another name.")
        checkpoint = Checkpoint.objects.create(
            id=id, county=county_of(division_code), incident=incident, name=name, division_code=division_code, lon=lon,
            lat=lat, road=road, emergency_lane=emergency_lane, opened_at=valid_at, recorded_at=response_now(),
            account=by.account_id, command=cause,
        )  # fmt: skip
        record_audit(by, "checkpoints.open_checkpoint", subject=("checkpoint", id), division_code=division_code)
        _order(checkpoint, 1, valid_at, ends_at, (reason, authority, appeal_to, issued_by or by.title), by, cause)
        return checkpoint


def renew_checkpoint(
    *,
    by: Actor,
    checkpoint: uuid.UUID,
    reason: str,
    authority: str,
    appeal_to: str,
    ends_at: datetime,
    issued_by: str = "",
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> CheckpointOrder:
    """Order a checkpoint anew for a time, for a reason of its own; this ends the review of the order before."""
    found = _standing(checkpoint)
    by.require(OPEN_CHECKPOINT, found.division_code)
    if fault := order_fault(reason, authority, appeal_to, found.emergency_lane, valid_at, ends_at):
        raise CheckpointRefused(fault)
    with acting(by):
        former = Checkpoint.objects.select_for_update().get(id=checkpoint).orders.latest("number")
        if ends_at <= former.until:
            raise CheckpointRefused(
                f"The order in force holds until {_clock(former.until)}: a new one ends later, or close the checkpoint."
            )
        _review(found, former.number, "renewed", by, valid_at, cause)
        order = _order(found, former.number + 1, valid_at, ends_at, (reason, authority, appeal_to, issued_by or by.title), by, cause)  # fmt: skip
        record_audit(by, "checkpoints.renew_checkpoint", subject=("checkpoint", checkpoint),
                     division_code=found.division_code, order=order.id)  # fmt: skip
        return order


def close_checkpoint(
    *, by: Actor, checkpoint: uuid.UUID, reason: str, valid_at: datetime, cause: uuid.UUID | None = None
) -> None:
    """Close a checkpoint for a reason. Raises `CheckpointClosed` when it was closed before."""
    found = _standing(checkpoint)
    by.require(OPEN_CHECKPOINT, found.division_code)
    if not reason.strip() or valid_at < found.opened_at:
        raise CheckpointRefused("A checkpoint is closed for a reason, after it was opened: fill in both.")
    with acting(by):
        Checkpoint.objects.filter(id=checkpoint).update(closed_at=valid_at, closed_reason=reason)
        record_audit(by, "checkpoints.close_checkpoint", subject=("checkpoint", checkpoint), division_code=found.division_code)  # fmt: skip
        _review(found, found.orders.latest("number").number, "closed", by, valid_at, cause)


def record_passages(
    *, by: Actor, passages: Sequence[NewPassage], valid_at: datetime, cause: uuid.UUID | None = None
) -> int:
    """Record screened vehicles and people, and return how many are new; repeats (by id) are harmless.

    Raises `PassageRefused` naming the entry: patients, emergencies, people going home and essential freight are never
    turned back, nobody is without reason and destination, nor when the checkpoint's order has ended.
    """
    with acting(by):
        known = set(Passage.objects.filter(id__in=[one.id for one in passages]).values_list("id", flat=True))
        new = [one for one in passages if one.id not in known]
        standing = Checkpoint.objects.prefetch_related("orders").in_bulk({one.checkpoint for one in new})
        for place, one in enumerate(new):
            if fault := passage_fault(one) or _stood_fault(one, standing):
                raise PassageRefused(f"Entry {place + 1} of {len(new)}: {fault} Nothing of the list was recorded.")
        for checkpoint in standing.values():
            by.require(RECORD_PASSAGE, checkpoint.division_code)
        Passage.objects.bulk_create(_passage(one, standing[one.checkpoint], by, cause) for one in new)
        for checkpoint in standing.values():
            number = sum(one.checkpoint == checkpoint.id for one in new)
            record_audit(by, "checkpoints.record_passages", subject=("checkpoint", checkpoint.id),
                         division_code=checkpoint.division_code, count=number, valid_at=valid_at)  # fmt: skip
        return len(new)


def open_identifier(passage: uuid.UUID, *, by: Actor, reason: str) -> str:
    """Return the plate or ID kept of a passage, and log who looked and why (a code without blanks)."""
    by.require(OPEN_IDENTIFIER)
    if not reason.strip():
        raise PassageRefused("Say why you need it: the reason is kept with your name.")
    with acting(by):
        found = Passage.objects.filter(id=passage, identifier_cipher__isnull=False).first()
        if found is None or found.identifier_cipher is None:
            raise PassageNotFound("There is no such passage in your area, or nothing is kept of who it was.")
        record_audit(by, "checkpoints.open_identifier", subject=("passage", passage), division_code=found.division_code, reason=reason)  # fmt: skip
        return county_cipher(found.county).open(bytes(found.identifier_cipher))


# ------------------------------------------------------------------------------------------------------ inside


def _standing(checkpoint: uuid.UUID) -> Checkpoint:
    found = Checkpoint.objects.filter(id=checkpoint).first()
    if found is None:
        raise CheckpointNotFound("There is no such checkpoint in your area. Refresh your list.")
    if found.closed_at is not None:
        raise CheckpointClosed(f"“{found.name}” was closed at {_clock(found.closed_at)}. Open another one instead.")
    return found


def _clock(at: datetime) -> str:
    return f"{at.astimezone(LOCAL):%Y-%m-%d %H:%M}"


def _order(
    checkpoint: Checkpoint,
    number: int,
    since: datetime,
    until: datetime,
    words: tuple[str, str, str, str],
    by: Actor,
    cause: uuid.UUID | None,
) -> CheckpointOrder:
    reason, authority, appeal_to, issued_by = words
    order = CheckpointOrder.objects.create(
        checkpoint=checkpoint, number=number, since=since, until=until, reason=reason, authority=authority,
        issued_by=issued_by, appeal_to=appeal_to, issuer_role=by.role, issuer_code=by.scope.lo,
        recorded_at=response_now(), account=by.account_id, command=cause,
    )  # fmt: skip
    desired = desired_reviews(checkpoint.id)
    reconcile(desired, by=by, county=checkpoint.county, valid_at=since, cause=cause)
    return order


def _review(
    checkpoint: Checkpoint, number: int, outcome: str, by: Actor, at: datetime, cause: uuid.UUID | None
) -> None:
    keys = [(checkpoint.id, f"order {number}")]
    finish_duties(keys, kind=REVIEW.code, by=by, county=checkpoint.county, outcome=outcome, valid_at=at, cause=cause)


def _stood_fault(passage: NewPassage, standing: Mapping[uuid.UUID, Checkpoint]) -> str | None:
    checkpoint = standing.get(passage.checkpoint)
    if checkpoint is None:
        return f"there is no checkpoint {passage.checkpoint}: choose yours from the list."
    closed = checkpoint.closed_at is not None and passage.at >= checkpoint.closed_at
    if closed or passage.at < checkpoint.opened_at:
        return f"“{checkpoint.name}” did not stand at {_clock(passage.at)}: check the time."
    ordered = any(order.since <= passage.at < order.until for order in checkpoint.orders.all())
    if passage.outcome == ADVISED_BACK and not ordered:
        return f"the order of “{checkpoint.name}” had ended by {_clock(passage.at)}: nobody may be turned back there."
    return None


def _passage(one: NewPassage, checkpoint: Checkpoint, by: Actor, cause: uuid.UUID | None) -> Passage:
    cipher = county_cipher(checkpoint.county) if one.identifier else None
    return Passage(
        county=checkpoint.county, id=one.id, checkpoint=checkpoint.id, division_code=checkpoint.division_code, at=one.at,
        subject=one.subject, people=one.people, direction=one.direction, purpose=one.purpose,
        temperature=one.temperature, list_hit=one.list_hit, outcome=one.outcome, reason=one.reason,
        destination=one.destination, identifier_cipher=cipher.seal(one.identifier) if cipher else None,
        identifier_lookup=cipher.lookup(one.identifier) if cipher else None, recorded_at=response_now(),
        account=by.account_id, command=cause,
    )  # fmt: skip
