"""Reading accounts, grants and devices: who is this, and what may they do now."""

import uuid
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from lianfang.core.access.models import Account, Device, Grant, ResponseClock
from lianfang.core.access.permissions import MANAGE_DEVICES
from lianfang.core.access.rules import Actor, SignInRefused
from lianfang.kit.codes import CodeRange


def actors_of(account: uuid.UUID, at: datetime, device: uuid.UUID | None = None) -> list[Actor]:
    """Return what an account may act as at an instant (its valid grants) from a device, the widest range first."""
    grants = Grant.objects.select_related("role", "account").filter(
        account_id=account, account__is_active=True, valid_from__lte=at
    )
    valid = [grant for grant in grants if grant.valid_until is None or grant.valid_until > at]
    return [actor_of(grant, device) for grant in sorted(valid, key=lambda grant: grant.code_lo - grant.code_hi)]


def actor_of(grant: Grant, device: uuid.UUID | None = None) -> Actor:
    """Return the actor that a grant makes of its account."""
    return Actor(
        grant.account_id, grant.id, grant.role_id, grant.line_id, CodeRange(grant.code_lo, grant.code_hi),
        frozenset(grant.role.permissions), grant.account.title, device,
    )  # fmt: skip


def response_clock_offset() -> timedelta:
    """Return how far the response clock runs from the machine clock in this database."""
    row = ResponseClock.objects.filter(id=1).values_list("offset_seconds", flat=True).first()
    return timedelta(seconds=row or 0)


def response_clock_reason() -> str:
    """Return why the response clock was moved in this database, or "" when it runs with the machine's."""
    return ResponseClock.objects.filter(id=1).values_list("reason", flat=True).first() or ""


def actor_named(username: str, at: datetime) -> Actor:
    """Return what the account of a name acts as at an instant; raises `SignInRefused` when it holds no valid grant."""
    account = Account.objects.filter(username=username).values_list("id", flat=True).first()
    actors = actors_of(account, at) if account else []
    if not actors:
        raise SignInRefused(f"There is no account “{username}” with a valid grant.")
    return actors[0]


@dataclass(frozen=True)
class DeviceRow:
    """A device of the actor's area, and whether it is enrolled or revoked."""

    id: uuid.UUID
    title: str
    division_code: int
    account_id: uuid.UUID | None
    registered_at: datetime
    enrolled_at: datetime | None
    revoked_at: datetime | None
    revoked_reason: str


def devices(*, by: Actor, limit: int = 100, offset: int = 0) -> list[DeviceRow]:
    """List the devices of the actor's area by title and id."""
    by.require(MANAGE_DEVICES)
    found = Device.objects.filter(division_code__range=(by.scope.lo, by.scope.hi)).order_by("title", "id")
    names = [field.name for field in fields(DeviceRow)]
    return [DeviceRow(*row) for row in found.values_list(*names)[offset : offset + limit]]
