"""What commands about zones carry, and the action each calls."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from lianfang.core.access.commands import Envelope
from lianfang.core.access.rules import Actor
from lianfang.engines.protocol import ZoneScreen
from lianfang.response.zones import actions
from lianfang.response.zones.rules import NewArea, plain_conditions


class Payload(BaseModel):
    """Fields that nobody defined are refused."""

    model_config = ConfigDict(extra="forbid")


class AreaGiven(Payload):
    code_lo: int
    code_hi: int
    building: UUID | None = None


class CheckZone(Payload):
    zone: UUID
    areas: list[AreaGiven]
    egress: dict[UUID, bool] = {}
    medical_plan: str = ""
    id: UUID | None = None


class DrawZone(Payload):
    incident: UUID
    name: str
    level: str
    protocol: str
    areas: list[AreaGiven]
    reason: str
    authority: str
    appeal_to: str
    ends_at: datetime | None = None
    emergency: str = ""
    id: UUID | None = None


class ScreenGiven(Payload):
    completed_on: date
    missed: int = 0
    positives: int = 0


class ReviewZone(Payload):
    zone: UUID
    last_new_on: date | None = None
    last_contact_exposure_on: date | None = None
    screens: list[ScreenGiven] = []
    id: UUID | None = None


class DecideZone(Payload):
    zone: UUID
    level: str | None
    reason: str
    authority: str
    ends_at: datetime | None = None
    emergency: str = ""


def _fields(payload: Payload, **own: Any) -> dict[str, Any]:
    return {name: getattr(payload, name) for name in type(payload).model_fields} | own


def _areas(given: list[AreaGiven]) -> list[NewArea]:
    return [NewArea(area.code_lo, area.code_hi, area.building) for area in given]


def _check_zone(by: Actor, envelope: Envelope, payload: CheckZone) -> dict[str, Any]:
    fields = _fields(payload, areas=_areas(payload.areas))
    check = actions.check_zone(by=by, valid_at=envelope.valid_at, cause=envelope.id, **fields)
    return {"id": check.id, "vulnerable": check.vulnerable, "medical": check.medical}


def _draw_zone(by: Actor, envelope: Envelope, payload: DrawZone) -> dict[str, Any]:
    fields = _fields(payload, areas=_areas(payload.areas))
    return {"id": actions.draw_zone(by=by, valid_at=envelope.valid_at, cause=envelope.id, **fields).id}


def _review_zone(by: Actor, envelope: Envelope, payload: ReviewZone) -> dict[str, Any]:
    screens = [ZoneScreen(given.completed_on, given.missed, given.positives) for given in payload.screens]
    fields = _fields(payload, screens=screens)
    decision = actions.review_zone(by=by, valid_at=envelope.valid_at, cause=envelope.id, **fields)
    proposed = {"may_change": decision.may_change, "next_level": decision.next_level}
    return proposed | {"conditions": plain_conditions(decision)}


def _decide_zone(by: Actor, envelope: Envelope, payload: DecideZone) -> dict[str, Any]:
    zone = actions.decide_zone(by=by, valid_at=envelope.valid_at, cause=envelope.id, **_fields(payload))
    return {"id": zone.id, "level": zone.level, "lifted": zone.lifted_at is not None}


COMMANDS: dict[str, tuple[type[Payload], Any]] = {
    "check_zone": (CheckZone, _check_zone),
    "draw_zone": (DrawZone, _draw_zone),
    "review_zone": (ReviewZone, _review_zone),
    "decide_zone": (DecideZone, _decide_zone),
}
