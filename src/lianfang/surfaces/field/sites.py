"""Sampling sites, read: what a round needs, and when each building is called."""

import uuid
from typing import Any

from django.http import HttpRequest
from ninja import Router

from lianfang.response.sampling.queries import PlaceNeed, SlotRow, site_needs, slots
from lianfang.surfaces.field.gate import actor_of

router = Router(tags=["rounds"])


@router.get("/rounds/{uuid:round}/site-needs", response=list[PlaceNeed], summary="Sites a round needs")
def get_needs(request: HttpRequest, round: uuid.UUID) -> Any:
    """Say what each village and community needs by the pack: sites, tables, samplers, crew, beside what is open there."""
    return site_needs(round, by=actor_of(request))


@router.get("/sites/{uuid:site}/slots", response=list[SlotRow], summary="List the slots of a site")
def get_slots(request: HttpRequest, site: uuid.UUID, plan: uuid.UUID | None = None) -> Any:
    """List when which building is called to a site by the plan in force (or by one plan), and who has come since."""
    return slots(site, by=actor_of(request), plan=plan)
