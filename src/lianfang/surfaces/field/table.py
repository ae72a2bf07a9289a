"""The sampling table: who stands before it. People are written by the commands; here they are only recognised."""

import uuid
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from lianfang.core.access.rules import Actor
from lianfang.response.screening.queries import find_at_table

router = Router(tags=["sampling table"])


class LookUp(Schema):
    """One way to say who is meant: ``code``, ``document`` (with its kind), ``phone``, or the id of a look-up before."""

    round: uuid.UUID
    table: int | None = Field(default=None, ge=0, lt=10**15)
    code: str = Field(default="", max_length=40)
    document: str = Field(default="", max_length=40)
    kind: Literal["resident_id", "passport", "travel_permit", "other"] = "resident_id"
    phone: str = Field(default="", max_length=30)
    resident: uuid.UUID | None = None
    whole_household: bool = False


class PersonOut(Schema):
    """Somebody before the table: enough to recognise them by asking, how they stand, how they are sampled."""

    resident: uuid.UUID
    name: str
    sex: str
    birth_year: int
    household: uuid.UUID | None
    household_number: int | None
    division_code: int | None
    standing: Literal["missing", "sampled", "excluded", "not_on_roster"]
    reason: str | None
    tube_code: str | None
    taken_at: datetime | None
    mode: str | None
    pool: int | None


@router.post("people", response=list[PersonOut])
def post_look_up(request: HttpRequest, body: LookUp) -> Any:
    """Recognise who stands before the table, or their whole household; nobody is an empty list. Each look-up is logged.

    It is sent as a body, so that no number ever stands in an address or its logs.
    """
    by: Actor = request.auth  # type: ignore[attr-defined]
    return find_at_table(by=by, **body.model_dump())
