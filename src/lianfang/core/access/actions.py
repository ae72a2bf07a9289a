"""Writing accounts, devices, grants, posts and the response clock; reading roles from their file into the database."""

import hashlib
import re
import secrets
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection, connections
from django.db.models import QuerySet

from lianfang.core.access.audit import record_audit
from lianfang.core.access.models import Account, DeskPhone, Device, Grant, LineOfWork, Post, ResponseClock, Role
from lianfang.core.access.permissions import MANAGE_ACCOUNTS, MANAGE_DEVICES, MOVE_CLOCK, REVOKE_DEVICE
from lianfang.core.access.rules import (
    DESK_PHONE,
    ENROL_AGAIN,
    ENROL_WITHIN,
    AccountRefused,
    Actor,
    DeskPhoneRefused,
    DeviceEntry,
    DeviceRefused,
    DeviceUnknown,
    NewPost,
    NewSeat,
    code_lookup,
    enrolment_code,
)
from lianfang.core.access.scope import acting
from lianfang.kit.clock import machine_now
from lianfang.kit.codes import EVERYWHERE, CodeRange
from lianfang.kit.ids import derived_id, new_id

ROLES_FILE = Path(__file__).with_name("roles.yaml")

#: what no password hashes to (Django takes a leading "!" for an unusable one)
NO_PASSWORD = "!"

REGISTER_DEVICES = """
INSERT INTO access_device (id, account_id, title, division_code, registered_at, registered_by, enrolment_lookup,
                           revoked_reason, wipe_reason)
SELECT id, account_id, title, division_code, %(now)s, %(by)s, lookup, '', ''
FROM unnest(%(ids)s::uuid[], %(accounts)s::uuid[], %(titles)s::text[], %(codes)s::bigint[], %(lookups)s::bytea[])
     AS sent (id, account_id, title, division_code, lookup)
ON CONFLICT (id) DO NOTHING
"""

#: the installation itself, for what happens before anybody can sign in
ADMINISTRATION = Actor(
    uuid.UUID(int=2), uuid.UUID(int=2), "administrator", "administration", EVERYWHERE,
    frozenset({MANAGE_ACCOUNTS, MOVE_CLOCK}), "installation",
)  # fmt: skip


def read_roles(path: Path = ROLES_FILE) -> dict[str, Any]:
    """Read lines of work and roles from their YAML file; a role's permissions are grouped there by room."""
    data = dict(yaml.safe_load(path.read_text(encoding="utf-8")))
    for role in data["roles"].values():
        role["may"] = [permission for room in role["may"] for permission in room]
    return data


def declare_roles(path: Path = ROLES_FILE) -> None:
    """Write lines of work and roles into the database (as owner, when it is prepared); idempotent."""
    data = read_roles(path)
    LineOfWork.objects.using("owner").bulk_create(
        [LineOfWork(code=code, name_zh=zh, name_en=en) for code, (zh, en) in data["lines"].items()],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["name_zh", "name_en"],
    )
    Role.objects.using("owner").bulk_create(
        [
            Role(code=code, name_zh=role["zh"], name_en=role["en"], permissions=sorted(role["may"]))
            for code, role in data["roles"].items()
        ],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["name_zh", "name_en", "permissions"],
    )


def create_account(
    *, by: Actor, username: str, title: str, password: str | None = None, id: uuid.UUID | None = None
) -> Account:
    """Create an account for a post; without a password nobody can sign in with it yet."""
    by.require(MANAGE_ACCOUNTS)
    if Account.objects.filter(username=username).exists():
        raise AccountRefused(f"There is an account “{username}” already. Choose another name.")
    with acting(by):
        account = Account(
            id=id or new_id(),
            username=username,
            title=title,
            password=make_password(password),
            created_at=machine_now(),
        )
        account.save(force_insert=True)
        record_audit(by, "access.create_account", subject=("account", account.id), division_code=by.scope.lo)
        return account


def give_grant(
    *,
    by: Actor,
    account: uuid.UUID,
    role: str,
    line: str,
    scope: CodeRange,
    valid_from: datetime,
    valid_until: datetime | None = None,
    post: uuid.UUID | None = None,
    reason: str,
    id: uuid.UUID | None = None,
) -> Grant:
    """Give an account a role on a line of work for one range of codes, inside the giver's own range, for a reason."""
    by.require(MANAGE_ACCOUNTS, scope.lo)
    by.require(MANAGE_ACCOUNTS, scope.hi)
    for model, code, name in ((Role, role, "role"), (LineOfWork, line, "line of work")):
        if not model.objects.filter(code=code).exists():
            known = ", ".join(model.objects.order_by("code").values_list("code", flat=True))
            raise AccountRefused(f"There is no {name} “{code}”. Known: {known}.")
    with acting(by):
        grant = Grant.objects.create(
            id=id or new_id(), account_id=account, role_id=role, line_id=line, code_lo=scope.lo, code_hi=scope.hi,
            valid_from=valid_from, valid_until=valid_until, post_id=post, reason=reason, granted_by=by.account_id,
        )  # fmt: skip
        record_audit(by, "access.give_grant", subject=("grant", grant.id), division_code=scope.lo, role=role, line=line)
        return grant


def revoke_grant(grant: uuid.UUID, *, by: Actor, at: datetime) -> None:
    """End a grant: whoever holds it is refused from that instant on."""
    by.require(MANAGE_ACCOUNTS)
    with acting(by):
        ended = Grant.objects.filter(id=grant).update(valid_until=at)
        record_audit(by, "access.revoke_grant", subject=("grant", grant), division_code=by.scope.lo, count=ended)


def create_posts(posts: Iterable[NewPost], *, by: Actor) -> int:
    """Create seats of the response, many at once; those that exist stay as they are. Returns how many are new."""
    rows = list(posts)
    for post in rows:
        by.require(MANAGE_ACCOUNTS, post.scope.lo)
    with acting(by):
        before = Post.objects.count()
        Post.objects.bulk_create(
            [
                Post(
                    id=post.id, role_id=post.role, line_id=post.line, title=post.title, division_code=post.scope.lo,
                    code_hi=post.scope.hi, reports_to_id=post.reports_to,
                )
                for post in rows
            ],
            ignore_conflicts=True,
            batch_size=1000,
        )  # fmt: skip
        added = Post.objects.count() - before
        if added:
            record_audit(by, "access.create_posts", subject=("post", None), division_code=by.scope.lo, count=added)
        return added


def seat_accounts(seats: Iterable[NewSeat], *, by: Actor, valid_from: datetime, reason: str) -> int:
    """Create accounts and seat each on its post, many at once; those that exist stay. Returns how many are new.

    A seat without a password cannot be signed in with until one is set.
    """
    rows = list(seats)
    by.require(MANAGE_ACCOUNTS)
    with acting(by):
        known = set(Account.objects.values_list("id", flat=True))
        new = [seat for seat in rows if seat.account not in known]
        Account.objects.bulk_create(
            [
                Account(
                    id=seat.account, username=seat.username, title=seat.post.title, created_at=machine_now(),
                    password=make_password(seat.password) if seat.password else NO_PASSWORD,
                )
                for seat in new
            ],
            batch_size=1000,
        )  # fmt: skip
        Grant.objects.bulk_create(
            [
                Grant(
                    id=derived_id("grant", seat.account, seat.post.id), account_id=seat.account,
                    role_id=seat.post.role, line_id=seat.post.line, code_lo=seat.post.scope.lo,
                    code_hi=seat.post.scope.hi, valid_from=valid_from, post_id=seat.post.id, reason=reason,
                    granted_by=by.account_id,
                )
                for seat in new
            ],
            batch_size=1000,
        )  # fmt: skip
        if new:
            record_audit(
                by, "access.seat_accounts", subject=("account", None), division_code=by.scope.lo, count=len(new)
            )
        return len(new)


def register_devices(
    *, by: Actor, valid_at: datetime, cause: uuid.UUID, devices: Sequence[DeviceEntry]
) -> list[uuid.UUID]:
    """Register phones and tablets of the actor's units, however many in one statement; those registered stay as they are.

    Returns their ids in order. `open_enrolment_codes` shows the code that each is enrolled with. Raises `DeviceRefused`
    when an account is unknown or an id is another device's.
    """
    for code in {device.division_code for device in devices}:
        by.require(MANAGE_DEVICES, code)
    ids = [device.id or derived_id("device", cause, index) for index, device in enumerate(devices)]
    with acting(device_keeper(by)), connection.cursor() as cursor:
        _check_owners(devices)
        cursor.execute(REGISTER_DEVICES, _device_columns(ids, devices) | {"by": by.account_id, "now": machine_now()})
        added = cursor.rowcount
        _check_same(ids, devices)
        if added:
            record_audit(
                by, "access.register_devices", subject=("device", None), division_code=by.scope.lo, count=added
            )
    return ids


def _device_columns(ids: Sequence[uuid.UUID], devices: Sequence[DeviceEntry]) -> dict[str, Any]:
    key = device_key()
    return {
        "ids": list(ids), "titles": [device.title for device in devices],
        "codes": [device.division_code for device in devices], "accounts": [device.account for device in devices],
        "lookups": [code_lookup(key, enrolment_code(key, id)) for id in ids],
    }  # fmt: skip


def _check_owners(devices: Sequence[DeviceEntry]) -> None:
    asked = {device.account for device in devices if device.account}
    unknown = asked - set(Account.objects.filter(id__in=asked).values_list("id", flat=True))
    if unknown:
        raise DeviceRefused(f"There is no account {min(unknown)}. Create it first, or leave the account empty.")


def _check_same(ids: Sequence[uuid.UUID], devices: Sequence[DeviceEntry]) -> None:
    kept = {id: of for id, *of in Device.objects.filter(id__in=ids).values_list("id", "division_code", "account_id")}
    for id, device in zip(ids, devices, strict=True):
        if kept.get(id) != [device.division_code, device.account]:
            raise DeviceRefused(f"The id {id} belongs to another device already. Make a new id for “{device.title}”.")


def open_enrolment_codes(devices: Sequence[uuid.UUID], *, by: Actor) -> list[tuple[uuid.UUID, str, str, datetime]]:
    """Show the codes that devices are enrolled with: (device, title, code, until). The look is written to the audit.

    Devices that are enrolled or revoked already, outside the actor's area or registered more than a day ago have none.
    """
    by.require(MANAGE_DEVICES)
    waiting = Device.objects.filter(
        id__in=devices, enrolled_at__isnull=True, revoked_at__isnull=True,
        division_code__range=(by.scope.lo, by.scope.hi), registered_at__gt=machine_now() - ENROL_WITHIN,
    ).order_by("title", "id")  # fmt: skip
    key = device_key()
    found = [(one.id, one.title, enrolment_code(key, one.id), one.registered_at + ENROL_WITHIN) for one in waiting]
    if found:
        with acting(by):
            record_audit(
                by, "access.open_enrolment_codes", subject=("device", None), division_code=by.scope.lo, count=len(found)
            )
    return found


def enrol_device(code: str) -> tuple[uuid.UUID, str, str]:
    """Enrol the device whose code is typed in: (device, title, secret). The secret is shown this once.

    The same code answers again for ten minutes, with a new secret, because the first answer may have been lost; then it
    is used up. Raises `DeviceRefused`.
    """
    now = machine_now()
    lookup = code_lookup(device_key(), code)
    with acting(ADMINISTRATION):
        device = Device.objects.select_for_update().filter(enrolment_lookup=lookup, revoked_at__isnull=True).first()
        if device is None or now > device.registered_at + ENROL_WITHIN or _used_up(device, now):
            raise DeviceRefused("This code is wrong, used up or older than a day. Ask your duty desk for a new one.")
        secret = secrets.token_urlsafe(32)
        device.secret_hash, device.enrolled_at = hashlib.sha256(secret.encode()).digest(), device.enrolled_at or now
        device.save(update_fields=["secret_hash", "enrolled_at"])
        record_audit(
            ADMINISTRATION, "access.enrol_device", subject=("device", device.id), division_code=device.division_code
        )
        return device.id, device.title, secret


def _used_up(device: Device, now: datetime) -> bool:
    return device.enrolled_at is not None and now > device.enrolled_at + ENROL_AGAIN


def revoke_device(*, by: Actor, valid_at: datetime, cause: uuid.UUID, device: uuid.UUID, reason: str) -> int:
    """End a device that was lost or given back: refused from its very next request on. Returns how many ended (1 or 0).

    ``valid_at`` is since when it was out of hand: what it did before still counts. It is also told to wipe itself.
    Raises `DeviceUnknown`.
    """
    with _device_of(device, by) as mine:
        ended = mine.filter(revoked_at__isnull=True).update(
            revoked_at=machine_now(), revoked_by=by.account_id, revoked_reason=reason, lost_since=valid_at
        )
        if ended:
            record_audit(
                by, "access.revoke_device", subject=("device", device), division_code=by.scope.lo,
                since=valid_at.isoformat(),
            )  # fmt: skip
            _order_wipe(mine, device, by, reason)
        return ended


def set_desk_phone(*, by: Actor, valid_at: datetime, cause: uuid.UUID, division_code: int, phone: str) -> bool:
    """Set the telephone of a unit's duty desk, or take it away with ""; every phone of the unit shows it from its next sync.

    Returns whether there is a number now. Raises `DeskPhoneRefused` for a text that is no number.
    """
    by.require(MANAGE_DEVICES, division_code)
    number = phone.strip()
    if number and not re.fullmatch(DESK_PHONE, number):
        raise DeskPhoneRefused("This is no telephone number: write digits, like 0898-63822110.")
    with acting(device_keeper(by)):
        if number:
            row = {"phone": number, "set_by": by.account_id, "set_at": machine_now()}
            DeskPhone.objects.update_or_create(division_code=division_code, defaults=row)
        else:
            DeskPhone.objects.filter(division_code=division_code).delete()
        record_audit(
            by, "access.set_desk_phone", subject=("division", None), division_code=division_code, cleared=not number
        )
    return bool(number)


def order_wipe(*, by: Actor, valid_at: datetime, cause: uuid.UUID, device: uuid.UUID, reason: str) -> int:
    """Tell a device to empty its readable store at its next contact, after sending what was done on it.

    Returns 1, or 0 when it was told before and has not confirmed yet. Raises `DeviceUnknown`.
    """
    with _device_of(device, by) as mine:
        return _order_wipe(mine, device, by, reason)


def _order_wipe(mine: QuerySet[Device], device: uuid.UUID, by: Actor, reason: str) -> int:
    told = mine.exclude(wipe_ordered_at__isnull=False, wiped_at__isnull=True).update(
        wipe_ordered_at=machine_now(), wipe_ordered_by=by.account_id, wipe_reason=reason, wiped_at=None
    )
    if told:
        record_audit(by, "access.order_wipe", subject=("device", device), division_code=by.scope.lo)
    return told


def confirm_wipe(device: uuid.UUID) -> bool:
    """Record that a device says it has wiped itself; False when nobody had told it to, or it has said so before."""
    with acting(ADMINISTRATION):
        waiting = Device.objects.filter(id=device, wipe_ordered_at__isnull=False, wiped_at__isnull=True)
        done = waiting.update(wiped_at=machine_now())
        if done:
            place = Device.objects.values_list("division_code", flat=True).get(id=device)
            record_audit(ADMINISTRATION, "access.confirm_wipe", subject=("device", device), division_code=place)
        return bool(done)


@contextmanager
def _device_of(device: uuid.UUID, by: Actor) -> Iterator[QuerySet[Device]]:
    """Open the hand that writes devices for one device of the actor's area; raises `DeviceUnknown`."""
    by.require(REVOKE_DEVICE)
    with acting(device_keeper(by)):
        mine = Device.objects.filter(id=device, division_code__range=(by.scope.lo, by.scope.hi))
        if not mine.exists():
            raise DeviceUnknown("There is no such device in your area: choose one from the list.")
        yield mine


def device_keeper(by: Actor) -> Actor:
    """Return the hand that writes devices: the actor's own account and area, on the line that may write that table."""
    return replace(by, line="administration", permissions=frozenset())


def device_key() -> bytes:
    """Return the installation's key of enrolment codes."""
    return bytes(settings.HOME.secrets.device_key)


def move_response_clock(offset: timedelta, *, by: Actor, reason: str) -> None:
    """Set how far the response clock runs from the machine clock: for replays and drills, in a database of their own."""
    by.require(MOVE_CLOCK)
    with acting(by):
        ResponseClock.objects.update_or_create(
            id=1,
            defaults={
                "offset_seconds": int(offset.total_seconds()),
                "moved_at": machine_now(),
                "reason": reason,
            },
        )
        record_audit(by, "access.move_clock", subject=("clock", None), division_code=by.scope.lo)


def write_scope_key(key: bytes) -> None:
    """Give the database the two padded halves of the scope key (RFC 2104), which only the owner's functions read."""
    padded = key.ljust(64, b"\0")
    pads = [bytes(byte ^ pad for byte in padded) for pad in (0x36, 0x5C)]
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO scope_key (inner_pad, outer_pad) VALUES (%s, %s) "
            "ON CONFLICT (only_row) DO UPDATE SET inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad",
            pads,
        )
