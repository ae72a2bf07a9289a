"""Tubes, read: by printed code, late at the laboratory, positive; and everything ever reported of one."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Router, Schema

from lianfang.engines.protocol import load_pack
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.screening.queries import round_row
from lianfang.response.specimens.queries import (
    PoolMember,
    PositiveTube,
    ResultVersion,
    WaitingTube,
    positive_tubes,
    result_history,
    tube_with_members,
    tubes_awaiting_result,
)
from lianfang.response.specimens.rules import TubeUnknown, result_clocks
from lianfang.surfaces.field.gate import actor_of, looked_at
from lianfang.surfaces.field.rounds import At, Limit, Offset, known

router = Router(tags=["tubes"])


class TubeOut(Schema):
    """A tube as it stands, and those in it who live in the caller's area."""

    id: uuid.UUID
    code: str
    mode: str
    capacity: int
    purpose: str
    round: uuid.UUID | None
    filled: int
    sealed_at: datetime | None
    members: list[PoolMember]


@router.get("/late", response=list[WaitingTube], summary="List late tubes")
def get_late(request: HttpRequest, round: uuid.UUID, at: At = None, limit: Limit = 100, offset: Offset = 0) -> Any:
    """List tubes of the caller's area, of any round, whose result is late by the clocks of one round's pack; longest first."""
    by = actor_of(request)
    by.require(READ_ROUNDS)
    clocks = result_clocks(load_pack(round_row(round, by=by).pack))
    return tubes_awaiting_result(by=by, clocks=clocks, at=known(at), limit=limit, offset=offset)


@router.get("/positive", response=list[PositiveTube], summary="List positive tubes")
def get_positive(request: HttpRequest, round: uuid.UUID | None = None, at: At = None) -> Any:
    """List the tubes that stand as positive, of one round or all, with those in them who are in the caller's area."""
    by = actor_of(request)
    tubes = positive_tubes(by=by, round=round, at=known(at))
    people = sum(len(tube.members) for tube in tubes)
    return looked_at("specimens.list_positive", ("round", round), tubes, by=by, count=people)


@router.get("/{uuid:tube}/results", response=list[ResultVersion], summary="Everything reported of a tube")
def get_results(request: HttpRequest, tube: uuid.UUID) -> Any:
    """List every finding of one tube of the caller's area, the first one first; corrections carry their reason."""
    return result_history(tube, by=actor_of(request))


@router.get("/by-code/{code}", response=TubeOut, summary="Find a tube by its printed code")
def get_tube(request: HttpRequest, code: Annotated[str, Path(max_length=40)]) -> Any:
    """Return a tube of the county by the code printed on it, with those in it who live in the caller's area."""
    by = actor_of(request)
    found = tube_with_members(code, by=by)
    if found is None:
        raise TubeUnknown("There is no tube of this code in the county: check the digits under the bar code.")
    tube, members = found
    looked_at("specimens.view_members", ("tube", tube.id), members, by=by)
    return {name: getattr(tube, name) for name in TubeOut.model_fields if name != "members"} | {"members": members}
