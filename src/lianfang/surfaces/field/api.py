"""The typed HTTP interface: sign in, send commands, read duties and the books. Errors are problem details (RFC 9457)."""

import uuid
from datetime import datetime
from typing import Any

from django.db import DataError
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI, Schema
from ninja.errors import ValidationError
from ninja.security import HttpBearer

from lianfang.core.access.commands import Envelope
from lianfang.core.access.rules import Actor, NotPermitted, SignInRefused
from lianfang.core.access.sign_in import actor_of_token, sign_in, token_of
from lianfang.core.duties.permissions import READ_DUTIES
from lianfang.core.duties.queries import balance, duties
from lianfang.kit.clock import response_now
from lianfang.kit.refusals import Conflict, NotFound, Refusal
from lianfang.surfaces.field.table import router as table
from lianfang.workflows.commands import submit

#: the most specific refusal first
STATUS = ((SignInRefused, 401), (NotPermitted, 403), (NotFound, 404), (Conflict, 409), (Refusal, 422))


class Bearer(HttpBearer):
    """A token of `sign-in`, checked against its grant at every request."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        return actor_of_token(token)


api = NinjaAPI(title="Lianfang 联防", version="1", auth=Bearer(), urls_namespace="api", docs_url=None)

api.add_router("table", table)


class SignIn(Schema):
    username: str
    password: str


class GrantOut(Schema):
    token: str
    role: str
    line: str
    lo: int
    hi: int
    title: str


class CommandIn(Schema):
    id: uuid.UUID
    kind: str
    valid_at: datetime
    payload: dict[str, Any] = {}


class ReceiptOut(Schema):
    id: uuid.UUID
    kind: str
    recorded_at: datetime
    result: dict[str, Any]
    repeated: bool


class DutyOut(Schema):
    id: int
    kind: str
    name_zh: str
    name_en: str
    subject_kind: str
    subject: uuid.UUID
    period: str
    division_code: int
    role: str
    rule: str
    opens_at: datetime
    due_at: datetime
    state: str
    outcome: str | None
    overdue: bool


class BalanceOut(Schema):
    opened: int
    done: int
    waived: int
    cancelled: int
    outstanding: int


@api.post("sign-in", auth=None, response=list[GrantOut])
def post_sign_in(request: HttpRequest, body: SignIn) -> list[dict[str, Any]]:
    """Exchange name and password for one token per valid grant."""
    return [
        {"token": token_of(actor), "role": actor.role, "line": actor.line, "lo": actor.scope.lo,
         "hi": actor.scope.hi, "title": actor.title}
        for actor in sign_in(body.username, body.password)
    ]  # fmt: skip


@api.post("commands", response=ReceiptOut)
def post_command(request: HttpRequest, body: CommandIn) -> Any:
    """Apply a command exactly once; sending it again returns the same receipt with ``repeated``."""
    check_zone("valid_at", body.valid_at)
    return submit(Envelope(body.id, body.kind, body.valid_at, body.payload), by=actor_of(request))


@api.get("duties", response=list[DutyOut])
def get_duties(
    request: HttpRequest,
    kind: str = "",
    state: str = "outstanding",
    overdue: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> Any:
    """List the duties in the caller's area, overdue ones first."""
    by = actor_of(request)
    by.require(READ_DUTIES)
    return duties(by=by, kind=kind, state=state, overdue=overdue, limit=min(max(limit, 1), 1000), offset=max(offset, 0))


@api.get("duties/balance", response=BalanceOut)
def get_balance(request: HttpRequest, at: datetime | None = None, kind: str = "") -> Any:
    """Count the books of the caller's area at an instant: opened = done + waived + cancelled + outstanding."""
    by = actor_of(request)
    by.require(READ_DUTIES)
    if at:
        check_zone("at", at)
    return balance(by=by, at=at or response_now(), kind=kind)


def check_zone(name: str, moment: datetime) -> None:
    """Refuse a time without its zone: it would be taken for another hour than was meant."""
    if moment.tzinfo is None:
        raise Refusal(f"{name} needs a time zone, for example 2022-07-13T09:20:00+08:00.")


def actor_of(request: HttpRequest) -> Actor:
    """Return who the bearer token made of this request."""
    actor: Actor = request.auth  # type: ignore[attr-defined]
    return actor


@api.exception_handler(Refusal)
def refused(request: HttpRequest, error: Refusal) -> HttpResponse:
    """Answer a refusal as a problem: its sentence is for the person who asked."""
    status = next(code for kind, code in STATUS if isinstance(error, kind))
    return problem(status, type(error).__name__, str(error))


@api.exception_handler(ValidationError)
def not_understood(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Name every field that could not be read."""
    fields = "; ".join(f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors)
    return problem(422, "NotUnderstood", f"The request cannot be read: {fields}.")


@api.exception_handler(DataError)
@api.exception_handler(UnicodeError)
@api.exception_handler(OverflowError)
def not_storable(request: HttpRequest, error: Exception) -> HttpResponse:
    """Refuse what no field can hold (a NUL, half a character, a number or date out of bounds), without quoting it."""
    return problem(
        422, "NotUnderstood", "A value is out of bounds or holds characters that cannot be kept: correct it."
    )


def problem(status: int, title: str, detail: str) -> JsonResponse:
    """Return a problem-details response."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JsonResponse(body, status=status, content_type="application/problem+json")
