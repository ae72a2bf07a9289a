"""Duties and their books, read."""

import uuid
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from lianfang.core.access.rules import Actor
from lianfang.core.duties.permissions import READ_DUTIES
from lianfang.core.duties.queries import balance, duties
from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.kit.clock import response_now
from lianfang.surfaces.field.gate import actor_of, check_zone
from lianfang.surfaces.field.phone.least import PLAIN_KINDS

router = Router(tags=["duties"])
#: kinds whose name and rule say what somebody has or may have
TELLING = tuple(PLAIN_KINDS)


class DutyOut(Schema):
    """Something that must be done, by when, by which role, under which rule; overdue is counted, never written."""

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
    """The books: opened = done + waived + cancelled + outstanding."""

    opened: int
    done: int
    waived: int
    cancelled: int
    outstanding: int


@router.get("", response=list[DutyOut], summary="List duties")
def get_duties(
    request: HttpRequest,
    kind: str = "",
    state: str = "outstanding",
    overdue: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> Any:
    """List the duties in the caller's area, overdue ones first.

    Roles that need not know who has what get those about people from `/api/field/sync` alone, under plain names.
    """
    by = actor_of(request)
    by.require(READ_DUTIES)
    return duties(
        by=by, kind=kind, state=state, overdue=overdue, without=_untold(by), limit=min(max(limit, 1), 1000), offset=max(offset, 0)
    )  # fmt: skip


@router.get("/balance", response=BalanceOut, summary="Count the books")
def get_balance(request: HttpRequest, at: datetime | None = None, kind: str = "") -> Any:
    """Count the books of the caller's area at an instant: opened = done + waived + cancelled + outstanding.

    For roles that need not know who has what without the kinds that tell it: one held person is a count as well.
    """
    by = actor_of(request)
    by.require(READ_DUTIES)
    if at:
        check_zone("at", at)
    return balance(by=by, at=at or response_now(), kind=kind, without=_untold(by))


def _untold(by: Actor) -> tuple[str, ...]:
    return () if by.may(READ_PEOPLE) else TELLING
