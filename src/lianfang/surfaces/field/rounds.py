"""Rounds of testing, read: where they stand by unit, who is missing, which sites are open."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router

from lianfang.kit.codes import LEVELS, CodeRange, unit_range
from lianfang.response.screening import queries
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.surfaces.field.gate import actor_of, check_zone, looked_at

router = Router(tags=["rounds"])

At = Annotated[datetime | None, Query(description="as known at this instant, with its time zone; left out: now")]
Within = Annotated[int | None, Query(ge=0, lt=10**15, description="only inside this unit (its code at 15 digits)")]
Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=10**9)]


@router.get("", response=list[queries.RoundRow], summary="List rounds")
def get_rounds(request: HttpRequest, incident: uuid.UUID | None = None, at: At = None) -> Any:
    """List the rounds that touch the caller's area, each with the account of its people there."""
    by = actor_of(request)
    by.require(READ_ROUNDS)
    return queries.rounds(by=by, incident=incident, at=known(at))


@router.get("/{uuid:round}", response=queries.RoundRow, summary="Show a round")
def get_round(request: HttpRequest, round: uuid.UUID, at: At = None) -> Any:
    """Show one round with the account of its people in the caller's area."""
    by = actor_of(request)
    by.require(READ_ROUNDS)
    return queries.round_row(round, by=by, at=known(at))


@router.get("/{uuid:round}/coverage", response=list[queries.UnitCoverage], summary="Coverage by unit")
def get_coverage(
    request: HttpRequest,
    round: uuid.UUID,
    level: Literal["township", "village", "grid"] = "grid",
    within: Within = None,
    at: At = None,
) -> Any:
    """Account for everybody by unit: on the roster, found, sampled, excluded with a reason, missing."""
    by = actor_of(request)
    by.require(READ_ROUNDS)
    return queries.coverage(round, by=by, digits=LEVELS[level], within=inside(within), at=known(at))


@router.get("/{uuid:round}/missing", response=list[queries.MissingPerson], summary="List the missing")
def get_missing(
    request: HttpRequest, round: uuid.UUID, within: Within = None, at: At = None, limit: Limit = 100, offset: Offset = 0
) -> Any:
    """List the missing by grid and household: phone masked, who is responsible, what came of earlier visits."""
    by = actor_of(request)
    people = queries.missing(round, by=by, at=known(at), within=inside(within), limit=limit, offset=offset)
    return looked_at("screening.list_missing", ("round", round), people, by=by)


@router.get("/{uuid:round}/missing/grids", response=list[queries.MissingGrid], summary="Count the missing by grid")
def get_missing_grids(request: HttpRequest, round: uuid.UUID, within: Within = None, at: At = None) -> Any:
    """Count the missing of each grid, most first, with the post and the account that answers for it."""
    by = actor_of(request)
    by.require(READ_ROUNDS)
    return queries.missing_by_grid(round, by=by, at=known(at), within=inside(within))


@router.get("/{uuid:round}/sites", response=list[queries.SiteRow], summary="List sampling sites")
def get_sites(request: HttpRequest, round: uuid.UUID) -> Any:
    """List the open sampling sites of a round in the caller's area, with their crews and what they have done so far."""
    by = actor_of(request)
    by.require(READ_ROUNDS)
    return queries.sampling_sites(round, by=by)


def known(at: datetime | None) -> datetime | None:
    """Return an instant asked for, once it has its zone."""
    if at:
        check_zone("at", at)
    return at


def inside(code: int | None) -> CodeRange | None:
    """Return the range of a unit asked for."""
    return None if code is None else unit_range(code)
