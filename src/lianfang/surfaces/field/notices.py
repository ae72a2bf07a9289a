"""What an account was told, marked as read; the number for text messages."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from lianfang.core.notices.actions import read_notices, set_phone
from lianfang.core.notices.queries import NoticeRow, masked_phone
from lianfang.surfaces.field.gate import actor_of
from lianfang.surfaces.field.phone.duties import notices_for

router = Router(tags=["notices"])


class ReadIn(Schema):
    ids: list[int] = Field(max_length=1000)


class ReadOut(Schema):
    """How many of the notices had not been read before."""

    read: int


class PhoneIn(Schema):
    """A mobile number, or "" for none."""

    phone: str = Field(max_length=20, examples=["13800001234", ""])


class PhoneOut(Schema):
    """The number without its middle, or "" when there is none."""

    phone: str


@router.get("notices", response=list[NoticeRow], summary="List one's notices")
def get_notices(request: HttpRequest, after: int | None = None) -> Any:
    """List what the caller was told, oldest first: all after an id, or the last 200.

    Roles that need not know who has what read the duty's plain name.
    """
    return notices_for(actor_of(request), after)


@router.post("notices/read", response=ReadOut, summary="Mark notices as read")
def post_read(request: HttpRequest, body: ReadIn) -> Any:
    """Mark the caller's own notices as read; others' ids change nothing."""
    return {"read": read_notices(body.ids, by=actor_of(request))}


@router.get("notices/phone", response=PhoneOut, summary="Where one's text messages go")
def get_phone(request: HttpRequest) -> Any:
    """Show the caller's own number without its middle."""
    return {"phone": masked_phone(by=actor_of(request))}


@router.post("notices/phone", response=PhoneOut, summary="Set one's number for text messages")
def post_phone(request: HttpRequest, body: PhoneIn) -> Any:
    """Set the caller's own number, or take it away with "". Text messages only say that something waits in the app."""
    by = actor_of(request)
    set_phone(by=by, phone=body.phone)
    return {"phone": masked_phone(by=by)}
