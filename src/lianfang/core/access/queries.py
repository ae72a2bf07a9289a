"""Reading accounts, grants and devices: who is this, and what may they do now."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from lianfang.core.access.models import Account, DeskPhone, Device, Grant, ResponseClock
from lianfang.core.access.permissions import MANAGE_DEVICES, REVOKE_DEVICE
from lianfang.core.access.rules import (
    DEVICE_STATES,
    ENROL_WITHIN,
    Actor,
    DeviceUnknown,
    SignInRefused,
    device_state,
)
from lianfang.kit.clock import machine_now
from lianfang.kit.codes import CodeRange, unit_range


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


def holds_post(account: uuid.UUID, permissions: Iterable[str], area: CodeRange) -> bool:
    """Say whether an open account holds a grant now that covers an area with one of some permissions.

    For whoever is named by somebody else, as a witness or as who accepts a list: a name alone binds nobody.
    """
    now, wanted = machine_now(), frozenset(permissions)
    grants = Grant.objects.select_related("role").filter(
        Q(valid_until=None) | Q(valid_until__gt=now), account_id=account, account__is_active=True, valid_from__lte=now,
        code_lo__lte=area.lo, code_hi__gte=area.hi,
    )  # fmt: skip
    return any(wanted & set(grant.role.permissions) for grant in grants)


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
    wipe_ordered_at: datetime | None
    wipe_reason: str
    wiped_at: datetime | None

    def state(self, now: datetime) -> str:
        """Return one of `DEVICE_STATES` at an instant of the machine's clock."""
        return device_state(self.registered_at, self.enrolled_at, self.revoked_at, now)


DEVICE_FIELDS = tuple(field.name for field in fields(DeviceRow))


def devices(*, by: Actor, state: str = "", title: str = "", limit: int = 100, offset: int = 0) -> list[DeviceRow]:
    """List the devices of the actor's area by title and id; ``title``: how it begins, ``state``: of `DEVICE_STATES`."""
    found = _devices_of(by, title).filter(_in_state(state)).order_by("title", "id")
    return [DeviceRow(*row) for row in found.values_list(*DEVICE_FIELDS)[offset : offset + limit]]


def count_devices(*, by: Actor, title: str = "") -> dict[str, int]:
    """Count the devices of the actor's area in each of `DEVICE_STATES`."""
    counts = {state: Count("id", filter=_in_state(state)) for state in DEVICE_STATES}
    return _devices_of(by, title).aggregate(**counts)


def device_row(device: uuid.UUID, *, by: Actor) -> DeviceRow:
    """Return one device of the actor's area. Raises `DeviceUnknown`."""
    row = _devices_of(by).filter(id=device).values_list(*DEVICE_FIELDS).first()
    if row is None:
        raise DeviceUnknown("There is no such device in your area: choose one from the list.")
    return DeviceRow(*row)


def _devices_of(by: Actor, title: str = "") -> QuerySet[Device]:
    if not by.may(REVOKE_DEVICE):
        by.require(MANAGE_DEVICES)
    return Device.objects.filter(division_code__range=(by.scope.lo, by.scope.hi), title__startswith=title)


def _in_state(state: str) -> Q:
    """Return the condition of a state, as `device_state` has it; no state: every device."""
    unused, fresh = Q(revoked_at=None, enrolled_at=None), Q(registered_at__gt=machine_now() - ENROL_WITHIN)
    return {
        "waiting": unused & fresh, "expired": unused & ~fresh, "revoked": Q(revoked_at__isnull=False),
        "enrolled": Q(revoked_at=None, enrolled_at__isnull=False), "": Q(),
    }[state]  # fmt: skip


def desk_phone(area: CodeRange) -> str:
    """Return the telephone of the narrowest unit with one that holds a whole area, or "" when none has one."""
    above = {area.lo // size * size for size in (1, 10**3, 10**6, 10**9)}
    rows = DeskPhone.objects.filter(division_code__in=above).order_by("-division_code")
    held = (phone for code, phone in rows.values_list("division_code", "phone") if unit_range(code).covers(area))
    return next(held, "")


def desk_phones(*, by: Actor) -> dict[int, str]:
    """Return the telephones of desks in the actor's area, by unit."""
    by.require(MANAGE_DEVICES)
    inside = DeskPhone.objects.filter(division_code__range=(by.scope.lo, by.scope.hi)).order_by("division_code")
    return dict(inside.values_list("division_code", "phone"))


def wipe_parties(device: uuid.UUID) -> tuple[str, uuid.UUID | None, uuid.UUID | None]:
    """Return a device's title, the account it belongs to, and the account that last ordered it wiped."""
    title, owner, ordered_by = Device.objects.values_list("title", "account_id", "wipe_ordered_by").get(id=device)
    return title, owner, ordered_by


def wipe_ordered(device: uuid.UUID | None) -> bool:
    """Say whether a device is to wipe itself and has not confirmed it yet; asked at every contact."""
    return (
        device is not None
        and Device.objects.filter(id=device, wipe_ordered_at__isnull=False, wiped_at__isnull=True).exists()
    )


def device_owners(rows: Iterable[DeviceRow]) -> dict[uuid.UUID, str]:
    """Return the names of the accounts to which devices are bound."""
    asked = {row.account_id for row in rows if row.account_id}
    found = Account.objects.filter(id__in=asked).values_list("id", "username", "title")
    return {id: f"{title} ({username})" if title else username for id, username, title in found}


def titles_of(accounts: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """Return the titles of accounts: a post's, never a person's name."""
    return dict(Account.objects.filter(id__in={one for one in accounts if one}).values_list("id", "title"))


def device_titles(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the titles of devices."""
    return dict(Device.objects.filter(id__in=set(ids)).values_list("id", "title"))


def device_owner(username: str, *, by: Actor) -> uuid.UUID | None:
    """Return the account of that name which holds a valid grant inside the actor's area, for whoever binds a device to it."""
    by.require(MANAGE_DEVICES)
    account = Account.objects.filter(username=username).values_list("id", flat=True).first()
    actors = actors_of(account, machine_now()) if account else []
    return account if any(by.scope.covers(actor.scope) for actor in actors) else None
