"""The express lane of the busiest request: a batch of tubes in which nothing needs a decision is answered at once.

It stands before everything else that a request passes through. Whatever it does not answer goes the common way and
meets the typed operation of the same address, which says what is wrong with it.
"""

import json
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from io import BytesIO
from typing import Any

from lianfang.core.access.commands import Envelope, Receipt
from lianfang.core.access.limits import count, has_room
from lianfang.core.access.rules import SignInRefused
from lianfang.core.access.sign_in import read_token
from lianfang.response.specimens.actions import register_express
from lianfang.surfaces.field.commands import people_in

KIND = "register_tubes"
PATH = f"/api/commands/{KIND}"
FIELDS = {"id", "valid_at", "payload"}
BEARER = "Bearer "


#: no plain batch is longer; a longer one is read where its length is refused with a sentence
LONGEST = 1 << 20

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class ExpressLane:
    """A WSGI application before the house's own: plain registrations from enrolled devices end here."""

    def __init__(self, house: Application) -> None:
        self.house = house

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == PATH and environ["REQUEST_METHOD"] == "POST":
            body = _body(environ)
            receipt = registered(environ.get("HTTP_AUTHORIZATION", ""), body) if body else None
            if receipt:
                return _answer(receipt, start_response)
        return self.house(environ, start_response)


def _body(environ: Environ) -> bytes:
    """Return a body and leave it to be read again; nothing when it is compressed or longer than any plain batch."""
    length = environ.get("CONTENT_LENGTH", "")
    if not length.isdecimal() or int(length) > LONGEST or environ.get("HTTP_CONTENT_ENCODING"):
        return b""
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = BytesIO(body)
    return body


def registered(authorization: str, body: bytes) -> Receipt | None:
    """Register the batch of a request and return its receipt, or None when it has to go the common way."""
    if not authorization.startswith(BEARER):
        return None
    try:
        claims = read_token(authorization[len(BEARER) :])
        envelope = _envelope(json.loads(body))
    except (SignInRefused, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if envelope is None or claims.device is None:
        return None
    people = people_in(envelope.payload)
    if not has_room(claims.device, claims.grant, people):
        return None
    receipt = register_express(envelope, account=claims.account, grant=claims.grant, device=claims.device)
    if receipt:  # what goes the common way is counted there
        count(claims.device, claims.grant, people)
    return receipt


def _envelope(body: dict[str, object]) -> Envelope | None:
    """Return the command that a body holds, or None when it holds anything else or its time has no zone."""
    valid_at = datetime.fromisoformat(body["valid_at"])  # type: ignore[arg-type]
    if body.keys() != FIELDS or valid_at.tzinfo is None or not isinstance(body["payload"], dict):
        return None
    return Envelope(uuid.UUID(body["id"]), KIND, valid_at, body["payload"])  # type: ignore[arg-type]


def _answer(receipt: Receipt, start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = {
        "id": str(receipt.id), "kind": receipt.kind, "recorded_at": receipt.recorded_at.isoformat(),
        "result": receipt.result, "repeated": False,
    }  # fmt: skip
    content = json.dumps(body).encode()
    headers = [
        ("Content-Type", "application/json; charset=utf-8"), ("Content-Length", str(len(content))),
        ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
    ]  # fmt: skip
    start_response("200 OK", headers)
    return [content]
