"""Commands in: one operation for any kind, and one typed operation for each kind, which do the same."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from lianfang.core.access.commands import Envelope
from lianfang.core.access.limits import take_people_of
from lianfang.core.access.rules import need_device
from lianfang.surfaces.field.gate import actor_of, check_zone
from lianfang.workflows.commands import COMMANDS, people_in, submit

router = Router(tags=["commands"])
ID = Field(description="made by the sender (UUIDv7 or any other); sent again with the same content it changes nothing")
VALID_AT = Field(description="when it held, with its time zone", examples=["2022-07-13T09:20:00+08:00"])


class TypedCommandIn(Schema):
    """A command of one kind: its id, when it held, and the payload of the kind."""

    id: uuid.UUID = ID
    valid_at: datetime = VALID_AT
    payload: dict[str, Any] = {}


class CommandIn(TypedCommandIn):
    """A command of any kind."""

    kind: str = Field(description="one of the kinds of docs/reference/commands.md")


class ReceiptOut(Schema):
    """What the sender keeps: ``repeated`` says that the command had been applied before."""

    id: uuid.UUID
    kind: str
    recorded_at: datetime
    result: dict[str, Any] = Field(description="what the kind answers: ids, numbers, refused items")
    repeated: bool


@router.post("", response=ReceiptOut, summary="Send a command of any kind")
def post_command(request: HttpRequest, body: CommandIn) -> Any:
    """Apply a command exactly once; sending it again returns the same receipt with `repeated`."""
    return _apply(request, body.kind, body)


def _apply(request: HttpRequest, kind: str, body: TypedCommandIn) -> Any:
    by = actor_of(request)
    check_zone("valid_at", body.valid_at)
    if settings.DEVICES_REQUIRED:
        need_device(by, kind)
    take_people_of(by, people_in(body.payload))
    return submit(Envelope(body.id, kind, body.valid_at, body.payload), by=by)


def _typed(kind: str) -> Callable[[HttpRequest, TypedCommandIn], Any]:
    def operation(request: HttpRequest, body: TypedCommandIn) -> Any:
        return _apply(request, kind, body)

    operation.__name__ = kind
    return operation


for _kind, (_model, _handler) in COMMANDS.items():
    router.post(
        f"/{_kind}", response=ReceiptOut, operation_id=_kind, url_name=f"command_{_kind}",
        summary=_kind.replace("_", " ").capitalize(), description=_handler.__doc__ or _model.__doc__ or post_command.__doc__,
    )(_typed(_kind))  # fmt: skip
