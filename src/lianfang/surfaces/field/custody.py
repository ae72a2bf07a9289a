"""The way of tubes to the laboratory, read: where they are, what hand-overs lacked, which laboratories there are."""

import uuid
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router

from lianfang.response.specimens import queries
from lianfang.surfaces.field.gate import actor_of
from lianfang.surfaces.field.rounds import Limit, Offset

router = Router(tags=["custody"])

Stage = Literal["", "open", "site", "box", "courier", "lab", "missing", "lost"]
Holder = Annotated[str, Query(max_length=80)]


@router.get("", response=list[queries.CustodyCount], summary="Where tubes are")
def get_counts(request: HttpRequest) -> Any:
    """Count the tubes of the caller's area that wait for a result, each once: by stage and by who has them."""
    by = actor_of(request)
    return queries.where_tubes_are(by=by, clocks=queries.clocks_in_force(by=by))


@router.get("/tubes", response=list[queries.PlacedTube], summary="List tubes by where they are")
def get_tubes(
    request: HttpRequest, stage: Stage = "", holder: Holder = "", lab: uuid.UUID | None = None, late: bool = False,
    limit: Limit = 100, offset: Offset = 0,
) -> Any:  # fmt: skip
    """List the tubes behind one of these counts, those first whose result is due first."""
    by = actor_of(request)
    return queries.tubes_placed(
        by=by, clocks=queries.clocks_in_force(by=by), stage=stage, holder=holder, lab=lab, late=late, limit=limit,
        offset=offset,
    )  # fmt: skip


@router.get("/differences", response=list[queries.DifferenceRow], summary="What hand-overs lacked or had too much")
def get_differences(request: HttpRequest, open: bool = True) -> Any:
    """List missing and extra tubes, those not cleared up first, by due time; `record_tube_found` takes their ids."""
    return queries.differences(by=actor_of(request), open=open)


@router.get("/labs", response=list[queries.LabRow], summary="List laboratories")
def get_labs(request: HttpRequest) -> Any:
    """List the laboratories that work for the county, and what they can do."""
    return queries.labs(by=actor_of(request))
