"""The lists behind a round's figures, and what a desk works down: people, areas, exclusions, sampling at home, the next round."""

import uuid
from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema

from lianfang.engines.protocol import load_pack
from lianfang.response.sampling.queries import Candidate, home_sampling_candidates
from lianfang.response.screening import queries
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.surfaces.field.gate import actor_of, looked_at
from lianfang.surfaces.field.rounds import At, Limit, Offset, Within, inside, known
from lianfang.workflows.propose_exclusions import propose_exclusions

router = Router(tags=["rounds"])

Reason = Annotated[str, Query(max_length=40, description="only with this reason")]


class ProposalOut(Schema):
    """What the pack proposes after the closed rounds; a person decides."""

    proposal: str
    not_before: date | None
    rule: str
    sentence: str


@router.get("/{uuid:round}/people", response=list[queries.RoundPerson], summary="List a round's people")
def get_people(
    request: HttpRequest,
    round: uuid.UUID,
    standing: Literal["", "sampled", "excluded", "missing", "counted"] = "",
    origin: Literal["", "frozen", "found"] = "",
    reason: Reason = "",
    within: Within = None,
    at: At = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Any:
    """List the people behind a figure of the round's account: how each stands, why, and how they came to the round."""
    by, asked = actor_of(request), queries.Asked(standing, origin, reason)
    people = queries.round_people(
        round, by=by, at=known(at), within=inside(within), asked=asked, limit=limit, offset=offset
    )
    return looked_at("screening.list_people", ("round", round), people, by=by)


@router.get("/{uuid:round}/areas", response=list[queries.AreaRow], summary="How a round samples where")
def get_areas(request: HttpRequest, round: uuid.UUID) -> Any:
    """List the areas of a round with the zone's level, the mode of their tubes and how many people share one."""
    by = actor_of(request)
    by.require(READ_ROUNDS)
    return queries.round_areas(round, by=by)


@router.get("/{uuid:round}/exclusions/proposed", response=list[queries.ProposedExclusion], summary="Propose exclusions")
def get_proposed(
    request: HttpRequest, round: uuid.UUID, reason: Reason = "", within: Within = None, limit: Limit = 100, offset: Offset = 0
) -> Any:  # fmt: skip
    """List the missing whom a record gives a reason to exclude. It excludes nobody: `exclude_people` names who is confirmed."""
    by = actor_of(request)
    people = propose_exclusions(round, by=by, within=inside(within), reason=reason, limit=limit, offset=offset)
    return looked_at("screening.list_proposed", ("round", round), people, by=by)


@router.get(
    "/{uuid:round}/exclusions/to-recall", response=list[queries.RecallToMake], summary="Exclusions to call back"
)
def get_to_recall(request: HttpRequest, round: uuid.UUID) -> Any:
    """List the exclusions drawn for a second person's call that nobody has called back yet."""
    by = actor_of(request)
    return looked_at("screening.list_recalls", ("round", round), queries.recalls_to_make(round, by=by), by=by)


@router.get("/{uuid:round}/home-sampling/candidates", response=list[Candidate], summary="Who may not be able to come")
def get_candidates(request: HttpRequest, round: uuid.UUID, within: Within = None) -> Any:
    """List who of the missing may have to be sampled at home, and why. Health data: the look is logged."""
    return home_sampling_candidates(round, by=actor_of(request), within=inside(within))


@router.get("/{uuid:round}/acceptors", response=list[queries.Acceptor], summary="Who may accept the remainder")
def get_acceptors(request: HttpRequest, round: uuid.UUID) -> Any:
    """List the accounts that may accept whoever remains when the round is signed off."""
    by = actor_of(request)
    by.require(READ_ROUNDS)
    return queries.possible_acceptors(round, by=by)


@router.get("/{uuid:round}/next", response=ProposalOut, summary="What the pack proposes next")
def get_next(
    request: HttpRequest, round: uuid.UUID, situation: Annotated[str, Query(max_length=40)] = "chain_clear"
) -> Any:
    """Say what the pack of a round proposes after the closed rounds of its area, counted anew; a person decides."""
    by = actor_of(request)
    by.require(READ_ROUNDS)
    row = queries.round_row(round, by=by)
    return queries.propose_next_round(
        by=by, incident=row.incident, area_code=row.area_code, pack=load_pack(row.pack), situation=situation
    )
