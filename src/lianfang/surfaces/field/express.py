"""The express lane of the busiest request: a batch of tubes in which nothing needs a decision is answered at once.

It stands before everything else that a request passes through. Whatever it does not answer goes the common way and
meets the typed operation of the same address, which says what is wrong with it.
"""

import json
import uuid
from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest, HttpResponse

from lianfang.core.access.commands import Envelope, Receipt
from lianfang.core.access.limits import count, has_room
from lianfang.core.access.rules import SignInRefused
from lianfang.core.access.sign_in import read_token
from lianfang.response.specimens.actions import register_express
from lianfang.surfaces.field.commands import people_in

PATH = "/api/commands/register_tubes"
KIND = "register_tubes"
FIELDS = {"id", "valid_at", "payload"}
BEARER = "Bearer "


class ExpressMiddleware:
    """Answer plain registrations from enrolled devices; hand every other request on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == PATH and request.method == "POST":
            receipt = _registered(request)
            if receipt:
                return _answer(receipt)
        return self.get_response(request)


def _registered(request: HttpRequest) -> Receipt | None:
    authorization = request.META.get("HTTP_AUTHORIZATION", "")
    if not authorization.startswith(BEARER) or request.META.get("HTTP_CONTENT_ENCODING"):
        return None
    try:
        claims = read_token(authorization[len(BEARER) :])
        envelope = _envelope(json.loads(request.body))
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


def _answer(receipt: Receipt) -> HttpResponse:
    body = {
        "id": str(receipt.id), "kind": receipt.kind, "recorded_at": receipt.recorded_at.isoformat(),
        "result": receipt.result, "repeated": False,
    }  # fmt: skip
    content = json.dumps(body).encode()
    headers = {"Content-Length": str(len(content))}
    return HttpResponse(content, content_type="application/json; charset=utf-8", headers=headers)
