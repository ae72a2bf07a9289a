"""Open a round of area testing over zones in force and over units outside of them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field

from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.core.access.rules import Actor
from lianfang.core.territory.queries import standing
from lianfang.engines.protocol import Pack, PointPlan, clock, load_pack, round_target, sizing
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import CodeRange, unit_range
from lianfang.kit.refusals import NotFound, Refusal
from lianfang.response.screening import actions
from lianfang.response.screening.permissions import OPEN_ROUND
from lianfang.response.screening.queries import roster_sizes
from lianfang.response.screening.rules import AreaEntry, RosterEmpty, ZonePiece, areas_of, plan_areas, visits_from
from lianfang.response.zones.queries import zones as zones_in_force
from lianfang.response.zones.rules import common_unit


class ZoneNotInForce(NotFound):
    """A round was to be held over a zone that is not in force under its incident."""


class UnitNamedTwice(Refusal):
    """A zone or unit stands twice in the list of where a round is to be held."""


@dataclass(frozen=True)
class PlannedArea:
    """One area of a round that may be opened: the zone's level, how its people are sampled, how many they are."""

    code_lo: int
    code_hi: int
    zone_level: str | None
    mode: str
    pool: int
    people: int


@dataclass(frozen=True)
class ZoneRoundPlan:
    """What opening a round would freeze and ask for; ``sites`` is empty where the pack does not size sampling points."""

    areas: tuple[PlannedArea, ...]
    area_code: int
    population: int
    target_at: datetime
    visits_from: datetime
    sites: PointPlan | None


class OpenZoneRound(Payload):
    """A round to open over zones in force and units outside of them (15-digit codes)."""

    id: uuid.UUID | None = None
    incident: uuid.UUID
    zones: list[uuid.UUID] = Field(default=[], max_length=500)
    units: list[int] = Field(default=[], max_length=500)
    title: str = Field(min_length=1, max_length=120)
    pack: str
    overlays: list[str] = []
    area_code: int | None = None
    number: int | None = Field(default=None, ge=1)


def plan_zone_round(
    *,
    by: Actor,
    incident: uuid.UUID,
    zones: Sequence[uuid.UUID],
    units: Sequence[int],
    pack: str,
    overlays: Sequence[str] = (),
    area_code: int | None = None,
    at: datetime | None = None,
) -> ZoneRoundPlan:
    """Say what a round over zones and units would be, before anybody opens it: people, modes, target, sites, samplers."""
    by.require(OPEN_ROUND)
    opens_at = at or response_now()
    rules = load_pack(pack, overlays=overlays, on=local_date(opens_at))
    areas = _areas(by, incident, zones, units, opens_at)
    counted = roster_sizes(areas, by=by)
    population = sum(counted.values())
    if not population:
        raise RosterEmpty("Nobody is registered there: choose other places, or import the residents first.")
    target = opens_at + round_target(rules, population)
    planned = tuple(
        PlannedArea(
            plan.area.code_lo,
            plan.area.code_hi,
            plan.area.zone_level,
            plan.mode,
            plan.pool,
            counted.get(plan.area.code_lo, 0),
        )
        for plan in plan_areas(rules, areas)
    )
    visits = visits_from(opens_at, target, clock(rules, "door_visit"))
    return ZoneRoundPlan(planned, area_code or _unit(areas), population, target, visits, _sites(rules, population))


def _sites(rules: Pack, population: int) -> PointPlan | None:
    return sizing(rules, population) if rules.sizing is not None else None


def open_zone_round(
    *,
    by: Actor,
    incident: uuid.UUID,
    zones: Sequence[uuid.UUID],
    units: Sequence[int],
    title: str,
    pack: str,
    valid_at: datetime,
    overlays: Sequence[str] = (),
    area_code: int | None = None,
    number: int | None = None,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> dict[str, Any]:
    """Open a round over zones in force at ``valid_at`` and units; each area gets the pack's mode for its zone's level.

    Where zones lie in each other the stricter counts, and a unit is what of it lies outside the zones named. A zone
    around single buildings brings the whole grids they stand in: a roster is kept by grid. ``area_code`` is the unit in
    which the round is numbered, by default the smallest that holds everything. Raises `ZoneNotInForce`,
    `UnitNamedTwice` and whatever opening a round raises.
    """
    by.require(OPEN_ROUND)
    areas = _areas(by, incident, zones, units, valid_at)
    made = actions.open_round(
        by=by, incident=incident, area_code=area_code or _unit(areas), title=title, areas=areas, pack=pack,
        overlays=overlays, number=number, valid_at=valid_at, cause=cause, id=id,
    )  # fmt: skip
    return {"id": made.id, "number": made.number, "frozen": made.frozen, "target_at": made.target_at}


def _areas(
    by: Actor, incident: uuid.UUID, zones: Sequence[uuid.UUID], units: Sequence[int], at: datetime
) -> tuple[AreaEntry, ...]:
    if len({*zones, *units}) < len(zones) + len(units):
        raise UnitNamedTwice("A zone or unit stands twice in the list: name each once.")
    return areas_of(_pieces(by, incident, zones, at) if zones else [], [_range(code, at) for code in units])


def _pieces(by: Actor, incident: uuid.UUID, wanted: Sequence[uuid.UUID], at: datetime) -> list[ZonePiece]:
    found = {zone.id: zone for zone in zones_in_force(by=by, incident=incident, at=at)}
    for zone in wanted:
        if zone not in found:
            raise ZoneNotInForce(
                f"Zone {zone} is not in force under this incident at {local_date(at)}: choose one from the list of zones, "
                "or name its villages and grids."
            )
    return [ZonePiece(lo, hi, found[zone].level, found[zone].rank) for zone in wanted for lo, hi in found[zone].areas]


def _range(code: int, at: datetime) -> CodeRange:
    known = standing(CodeRange(code, code), local_date(at)).first()
    return known.range if known else unit_range(code)


def _unit(areas: Sequence[AreaEntry]) -> int:
    return common_unit(CodeRange(area.code_lo, area.code_hi) for area in areas)


COMMANDS: Commands = {"open_zone_round": (OpenZoneRound, calls(open_zone_round))}
