"""Signing in: a password makes a token, a token makes an actor as long as its grant and its device are valid."""

import base64
import binascii
import hashlib
import hmac
import json
import struct
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import connection

from lianfang.core.access.models import Account, Device, Grant
from lianfang.core.access.queries import actor_of, actors_of
from lianfang.core.access.rules import Actor, DeviceUnknown, SignInRefused
from lianfang.kit.clock import machine_now, machine_seconds
from lianfang.kit.codes import EVERYWHERE, CodeRange, unit_range

SHIFT = timedelta(hours=12)
SHIFT_SECONDS = SHIFT.total_seconds()
#: how far the clock of the machine that issued a token may run ahead of the one that reads it, in seconds
SKEW_SECONDS = 60
WRONG = "The name or the password is wrong. Ask your duty desk for a new password if you have forgotten it."
OVER = "This sign-in is over or not valid. Sign in again."
REVOKED = "This device is not valid any more. Hand it to your duty desk, and sign in on another one."
NO_GRANT = "This grant is not valid any more. Sign in again or ask the administrator of your unit."

#: version, account, grant, device (zeros: none), seconds since 1970; then 16 bytes of HMAC-SHA-256
CLAIMS = struct.Struct(">B16s16s16sI")
VERSION = 1
SEAL_BYTES = 16
TOKEN_LETTERS = (CLAIMS.size + SEAL_BYTES) * 4 // 3
NONE = bytes(16)

# One look decides whether the grant and the device both hold at this instant.
ACTING = """
SELECT g.role_id, g.line_id, g.code_lo, g.code_hi, r.permissions::text, a.title,
       %(device)s::uuid IS NULL OR EXISTS (
           SELECT 1 FROM access_device d WHERE d.id = %(device)s AND d.revoked_at IS NULL AND d.enrolled_at IS NOT NULL
             AND (d.account_id IS NULL OR d.account_id = g.account_id))
FROM access_grant g JOIN access_account a ON a.id = g.account_id JOIN access_role r ON r.code = g.role_id
WHERE g.id = %(grant)s AND g.account_id = %(account)s AND a.is_active
  AND g.valid_from <= %(now)s AND (g.valid_until IS NULL OR g.valid_until > %(now)s)
"""


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token says: who, under which grant, from which device (none: a program), issued when (UTC)."""

    account: uuid.UUID
    grant: uuid.UUID
    device: uuid.UUID | None
    issued_at: datetime

    def covers(self, instant: datetime) -> bool:
        """Say whether the token was valid at an instant of the machine's clock."""
        return -SKEW_SECONDS <= (instant - self.issued_at).total_seconds() <= SHIFT_SECONDS


def sign_in(username: str, password: str, device: uuid.UUID | None = None, device_secret: str = "") -> list[Actor]:
    """Return what the account may act as, the widest grant first; raises `SignInRefused` with a sentence.

    With a device its secret is asked for too, and only what the account holds in the device's unit, or around it. An unknown name costs as much time as a wrong password, so that nobody
    can try out names.
    """
    # no account has a name that cannot be printed, and the database cannot even look for a NUL
    known = (
        Account.objects.filter(username=username, is_active=True) if username.isprintable() else Account.objects.none()
    )
    account = known.first()
    if account is None:
        make_password(password)
        raise SignInRefused(WRONG)
    if not check_password(password, account.password):
        raise SignInRefused(WRONG)
    unit = check_device(device, device_secret, account.id) if device else EVERYWHERE
    actors = actors_of(account.id, machine_now(), device)
    if not actors:
        raise SignInRefused("This account holds no post at this time. Ask the administrator of your unit.")
    here = [actor for actor in actors if actor.scope.overlaps(unit)]
    if not here:
        raise SignInRefused(
            "This device belongs to another unit. Sign in on one of your own, or have your duty desk register it for you."
        )
    return here


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device that proved its secret, revoked or not: its unit, and since when it was out of hand (response clock)."""

    id: uuid.UUID
    division_code: int
    lost_since: datetime | None
    revoked: bool
    wipe: bool


def known_device(device: uuid.UUID, secret: str) -> KnownDevice:
    """Return the device of an id and its secret, also a revoked one: what was done on it is taken from it all the same.

    Raises `SignInRefused` for an unknown id or a wrong secret, which are told apart to nobody.
    """
    return _known(_proven(device, secret))


def device_handed_in(device: uuid.UUID, within: CodeRange) -> KnownDevice:
    """Return an enrolled device of an area without its secret: a desk holds it, or a file that it saved.

    Raises `DeviceUnknown` for one that is not enrolled there.
    """
    row = Device.objects.filter(
        id=device, secret_hash__isnull=False, division_code__range=(within.lo, within.hi)
    ).first()
    if row is None:
        raise DeviceUnknown(
            "The phone that saved this file is not enrolled in your area. Take it to the desk that enrolled it."
        )
    return _known(row)


def _known(row: Device) -> KnownDevice:
    return KnownDevice(
        row.id, row.division_code, row.lost_since or row.revoked_at, row.revoked_at is not None,
        row.wipe_ordered_at is not None and row.wiped_at is None,
    )  # fmt: skip


def _proven(device: uuid.UUID, secret: str) -> Device:
    row = Device.objects.filter(id=device, secret_hash__isnull=False).first()
    given = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
    if row is None or not hmac.compare_digest(bytes(row.secret_hash or b""), given):
        raise SignInRefused("This device is not enrolled here. Ask your duty desk for an enrolment code.")
    return row


def check_device(device: uuid.UUID, secret: str, account: uuid.UUID) -> CodeRange:
    """Refuse a device that is unknown, revoked, another account's, or does not know its secret; return its unit's range."""
    row = _proven(device, secret)
    if row.revoked_at:
        raise SignInRefused(REVOKED)
    if row.account_id and row.account_id != account:
        raise SignInRefused("This device belongs to somebody else. Sign in on your own, or ask your duty desk.")
    return unit_range(row.division_code)


def token_of(actor: Actor) -> str:
    """Return the sealed text (92 letters) with which a phone or program acts under one grant for one shift (12 h)."""
    device = actor.device_id.bytes if actor.device_id else NONE
    body = CLAIMS.pack(VERSION, actor.account_id.bytes, actor.grant_id.bytes, device, int(machine_seconds()))
    return base64.urlsafe_b64encode(body + _seal(body)).decode()


def read_token(token: str) -> TokenClaims:
    """Return what a token says without asking the database; raises `SignInRefused` when forged or older than a shift.

    About 5 µs. Whether its grant and device still hold is `actor_of_claims`'s to ask.
    """
    claims = read_claims(token)
    if not claims.covers(datetime.fromtimestamp(machine_seconds(), UTC)):
        raise SignInRefused(OVER)
    return claims


def read_claims(token: str) -> TokenClaims:
    """Return what a token of any age says; raises `SignInRefused` when it is forged.

    For what was done while it was valid and comes in later; nobody acts now with an old one.
    """
    try:
        sealed = (
            binascii.a2b_base64(token.translate(_URL_SAFE), strict_mode=True) if len(token) == TOKEN_LETTERS else b""
        )
    except ValueError:  # not base 64, or not ASCII
        sealed = b""
    body = sealed[: CLAIMS.size]
    if not sealed or not hmac.compare_digest(sealed[CLAIMS.size :], _seal(body)):
        raise SignInRefused(OVER)
    version, account, grant, device, issued = CLAIMS.unpack(body)
    if version != VERSION:
        raise SignInRefused(OVER)
    return TokenClaims(
        uuid.UUID(bytes=account), uuid.UUID(bytes=grant), uuid.UUID(bytes=device) if device != NONE else None,
        datetime.fromtimestamp(issued, UTC),
    )  # fmt: skip


_URL_SAFE = str.maketrans("-_", "+/")


def _seal(body: bytes) -> bytes:
    return hmac.digest(_token_key(), body, "sha256")[:SEAL_BYTES]


@cache
def _token_key() -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), b"lianfang.token", "sha256")


def actor_of_claims(claims: TokenClaims) -> Actor:
    """Return who acts with a token, by one query; raises `SignInRefused` when its grant or device is not valid now."""
    params = {"account": claims.account, "grant": claims.grant, "device": claims.device, "now": machine_now()}
    with connection.cursor() as cursor:
        cursor.execute(ACTING, params)
        row: Any = cursor.fetchone()
    if row is None:
        raise SignInRefused(NO_GRANT)
    role, line, lo, hi, permissions, title, device_holds = row
    if not device_holds:
        raise SignInRefused(REVOKED)
    return Actor(
        claims.account, claims.grant, role, line, CodeRange(lo, hi), _permissions(permissions), title, claims.device
    )


def actor_at(claims: TokenClaims, instant: datetime) -> tuple[Actor, bool] | None:
    """Return who a token's grant makes, and whether the grant held at an instant of the machine's clock.

    For what was done in the field and comes in, or is decided, later; None when there is no such grant of the account.
    """
    grant = Grant.objects.select_related("role", "account").filter(id=claims.grant, account_id=claims.account).first()
    if grant is None:
        return None
    held = grant.valid_from <= instant and (grant.valid_until is None or grant.valid_until > instant)
    return actor_of(grant, claims.device), held and grant.account.is_active


@lru_cache(maxsize=256)
def _permissions(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))


def actor_of_token(token: str) -> Actor:
    """Return who acts with a token; raises `SignInRefused` when it is forged, older than a shift, or revoked."""
    return actor_of_claims(read_token(token))


def acting_grant(account: uuid.UUID, grant: uuid.UUID | None) -> Actor:
    """Return the actor for one of an account's valid grants (the widest when none is named)."""
    actors = actors_of(account, machine_now())
    for actor in actors:
        if grant in (None, actor.grant_id):
            return actor
    raise SignInRefused(NO_GRANT)
