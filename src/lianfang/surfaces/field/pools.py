"""Positive pools, read: who is held where until when, who knows, what is due next."""

import uuid
from typing import Any

from django.http import HttpRequest
from ninja import Router

from lianfang.response.cases.queries import MemberRow, PoolRow, pool_members, pools
from lianfang.surfaces.field.gate import actor_of
from lianfang.surfaces.field.rounds import At, known

router = Router(tags=["pools"])


@router.get("", response=list[PoolRow], summary="List positive pools")
def get_pools(request: HttpRequest, at: At = None) -> Any:
    """List the pools with people in the caller's area, those in which somebody waits first, each with its account."""
    return pools(by=actor_of(request), at=known(at))


@router.get("/{uuid:pool}/members", response=list[MemberRow], summary="List the people of a pool")
def get_members(request: HttpRequest, pool: uuid.UUID) -> Any:
    """List the people of a pool in the caller's area: how they stand, where and until when they are held, who is due next."""
    return pool_members(pool, by=actor_of(request))
