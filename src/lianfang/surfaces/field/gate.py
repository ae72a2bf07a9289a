"""Who sends a request: the bearer token, the device's allowance, and the actor that both make."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from lianfang.core.access.audit import record_audit
from lianfang.core.access.limits import take_request
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.access.sign_in import actor_of_claims, read_token
from lianfang.kit.refusals import Refusal


class Bearer(HttpBearer):
    """A token of `sign-in`: read, counted against its device's allowance, then checked against grant and device."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        claims = read_token(token)
        take_request(claims.device, claims.grant)
        return actor_of_claims(claims)


def actor_of(request: HttpRequest) -> Actor:
    """Return who the bearer token made of this request."""
    actor: Actor = request.auth  # type: ignore[attr-defined]
    return actor


def address_of(request: HttpRequest) -> str:
    """Return the network address that a request came from."""
    return str(request.META.get("REMOTE_ADDR", ""))


def check_zone(name: str, moment: datetime) -> None:
    """Refuse a time without its zone: it would be taken for another hour than was meant."""
    if moment.tzinfo is None:
        raise Refusal(f"{name} needs a time zone, for example 2022-07-13T09:20:00+08:00.")


def looked_at(
    verb: str, subject: tuple[str, uuid.UUID | None], people: Sequence[Any], *, by: Actor, count: int = -1
) -> Any:
    """Return a list of people that leaves the house, and log who took it: how many, never who is on it.

    ``count`` tells the number of people where they are not the rows themselves.
    """
    number = len(people) if count < 0 else count
    if number:
        with acting(by):
            record_audit(by, verb, subject=subject, division_code=by.scope.lo, count=number)
    return people
