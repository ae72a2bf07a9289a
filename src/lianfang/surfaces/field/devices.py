"""Signing in, and the devices that one signs in on: listed, enrolled with a code."""

import uuid
from datetime import datetime
from functools import cache
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from lianfang.core.access.actions import enrol_device, open_enrolment_codes, read_roles
from lianfang.core.access.limits import check_tries, count_wrong_try, forget_wrong_tries
from lianfang.core.access.queries import DeviceRow, devices
from lianfang.core.access.rules import Actor, DeviceRefused, SignInRefused
from lianfang.core.access.sign_in import sign_in, token_of
from lianfang.core.territory.queries import standing
from lianfang.kit.clock import local_date, response_now
from lianfang.surfaces.field.gate import actor_of, address_of

router = Router(tags=["access"])


class SignIn(Schema):
    """Name and password; from a device also its id and the secret that enrolling gave it."""

    username: str
    password: str
    device: uuid.UUID | None = None
    device_secret: str = ""


class GrantOut(Schema):
    """One post that the account may act as, in words to choose it by, and the token for it (12 hours)."""

    token: str
    role: str
    role_zh: str
    role_en: str
    area: str = Field(description="the unit that the post is for, empty where no one unit has its codes")
    line: str
    lo: int
    hi: int
    title: str
    device: uuid.UUID | None


class Enrolment(Schema):
    """The code that the duty desk shows."""

    code: str = Field(max_length=40, examples=["7K2QF-9XW0D"])


class EnrolledOut(Schema):
    """The device that the code was for, and its secret: shown this once, kept by the device."""

    device: uuid.UUID
    title: str
    secret: str


class CodesIn(Schema):
    devices: list[uuid.UUID] = Field(max_length=5000)


class CodeOut(Schema):
    """A code to type in or to show as a QR code, and until when it works."""

    device: uuid.UUID
    title: str
    code: str
    until: datetime


@router.post("sign-in", auth=None, response=list[GrantOut], summary="Sign in")
def post_sign_in(request: HttpRequest, body: SignIn) -> list[dict[str, Any]]:
    """Exchange name and password for one token per valid grant; on a device also its id and secret.

    Programs sign in without a device. What is recorded with people in front of one (tubes, hand-overs, visits) is taken
    from a registered device, or from roles that work at a desk. Eight wrong passwords of a name, or forty of an
    address, within five minutes have to wait.
    """
    check_tries(body.username, address_of(request))
    try:
        actors = sign_in(body.username, body.password, body.device, body.device_secret)
    except SignInRefused:
        count_wrong_try(body.username, address_of(request))
        raise
    forget_wrong_tries(body.username)
    return [_post_of(actor) for actor in actors]


def _post_of(actor: Actor) -> dict[str, Any]:
    role = _roles().get(actor.role, {"zh": actor.role, "en": actor.role})
    unit = standing(actor.scope, local_date(response_now())).filter(code=actor.scope.lo, code_hi=actor.scope.hi).first()
    return {
        "token": token_of(actor), "role": actor.role, "role_zh": role["zh"], "role_en": role["en"],
        "area": unit.name if unit else "", "line": actor.line, "lo": actor.scope.lo, "hi": actor.scope.hi,
        "title": actor.title, "device": actor.device_id,
    }  # fmt: skip


@cache
def _roles() -> dict[str, Any]:
    return dict(read_roles()["roles"])


@router.post("devices/enrol", auth=None, response=EnrolledOut, summary="Enrol this device")
def post_enrol(request: HttpRequest, body: Enrolment) -> dict[str, Any]:
    """Exchange a code of the duty desk for this device's id and secret.

    The secret is shown once. The same code answers again for ten minutes, with a new secret, because the first answer
    may have been lost; then it is used up. An unused code works for 24 hours.
    """
    check_tries(None, address_of(request))
    try:
        device, title, secret = enrol_device(body.code)
    except DeviceRefused:
        count_wrong_try(None, address_of(request))
        raise
    return {"device": device, "title": title, "secret": secret}


@router.get("devices", response=list[DeviceRow], summary="List devices")
def get_devices(request: HttpRequest, limit: int = 100, offset: int = 0) -> Any:
    """List the devices of the caller's area by title: enrolled, waiting for their code, revoked."""
    return devices(by=actor_of(request), limit=min(max(limit, 1), 1000), offset=max(offset, 0))


@router.post("devices/codes", response=list[CodeOut], summary="Show enrolment codes")
def post_codes(request: HttpRequest, body: CodesIn) -> Any:
    """Show the codes of registered devices that wait to be enrolled; the look is written to the audit."""
    names = ("device", "title", "code", "until")
    return [dict(zip(names, row, strict=True)) for row in open_enrolment_codes(body.devices, by=actor_of(request))]
