"""The sampling table: who stands before it. People are written by the commands; here they are only recognised."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from pydantic import Field

from lianfang.core.access.limits import found_somebody, take_look_up
from lianfang.core.access.rules import Actor, need_device
from lianfang.response.screening.queries import find_at_table, sheet_by_code, sheet_people, sheets

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

    A device may look up so many people as one table samples; look-ups that find nobody count tenfold.

    It is sent as a body, so that no number ever stands in an address or its logs.
    """
    by = _by(request)
    if settings.DEVICES_REQUIRED:
        need_device(by, "look_up")
    take_look_up(by)
    people = find_at_table(by=by, **body.model_dump())
    if people:
        found_somebody(by)
    return people


class SheetOut(Schema):
    """A paper sheet as it stands."""

    id: uuid.UUID
    code: str
    number: int
    run: uuid.UUID
    division_code: int
    mode: str
    pool: int
    tubes: int
    lines: int
    printed_at: datetime
    typed_at: datetime | None
    total: int | None
    ticked: int | None
    state: Literal["printed", "typed", "agreed", "differing", "settled"]
    differing: int


class SheetPersonOut(Schema):
    """One printed line of a sheet, the ID masked, and the person's usable sample in the round if there is one."""

    line: int
    tube: int
    resident: uuid.UUID
    name: str
    sex: str
    birth_year: int
    national_id: str
    household_number: int | None
    address: str
    tube_code: str | None
    taken_at: datetime | None


@router.get("sheets", response=list[SheetOut])
def get_sheets(
    request: HttpRequest,
    round: uuid.UUID,
    state: Literal["", "printed", "typed", "agreed", "differing", "settled"] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> Any:
    """List a round's paper sheets in the caller's area by number: all, or those of one state (`printed` are still out)."""
    return sheets(round, by=_by(request), state=state, limit=limit, offset=offset)


@router.get("sheets/{code}", response=list[SheetPersonOut])
def get_sheet(request: HttpRequest, code: Annotated[str, Path(max_length=40)]) -> Any:
    """List the printed lines of the sheet that bears a code, scanned or typed; the look is logged."""
    by = _by(request)
    return sheet_people(sheet_by_code(code, by=by), by=by)


def _by(request: HttpRequest) -> Actor:
    by: Actor = request.auth  # type: ignore[attr-defined]
    return by
