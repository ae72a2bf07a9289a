"""What commands about zones carry, and the action each calls."""

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime

from lianfang.core.access.commands import Commands, Envelope, Payload, calls
from lianfang.core.access.rules import Actor
from lianfang.engines.protocol import ZoneDecision, ZoneScreen
from lianfang.response.zones import actions
from lianfang.response.zones.models import Zone, ZoneCheck
from lianfang.response.zones.rules import NewArea, plain_conditions


class CheckZone(Payload):
    """What was looked at: ``egress`` building by building, or ``buildings`` with those among them that are ``blocked``."""

    zone: UUID
    areas: list[NewArea]
    egress: dict[UUID, bool] = {}
    buildings: list[UUID] = []
    blocked: list[UUID] = []
    medical_plan: str = ""
    id: UUID | None = None


class DrawZone(Payload):
    incident: UUID
    name: str
    level: str
    protocol: str
    areas: list[NewArea]
    reason: str
    authority: str
    appeal_to: str
    ends_at: AwareDatetime | None = None
    emergency: str = ""
    id: UUID | None = None


class ReviewZone(Payload):
    zone: UUID
    last_new_on: date | None = None
    last_contact_exposure_on: date | None = None
    screens: list[ZoneScreen] = []
    id: UUID | None = None


class DecideZone(Payload):
    zone: UUID
    level: str | None
    reason: str
    authority: str
    ends_at: AwareDatetime | None = None
    emergency: str = ""


def _check_zone(by: Actor, envelope: Envelope, payload: CheckZone) -> dict[str, Any]:
    egress = {building: building not in payload.blocked for building in payload.buildings} | payload.egress
    check = actions.check_zone(
        by=by, zone=payload.zone, areas=payload.areas, egress=egress, medical_plan=payload.medical_plan,
        valid_at=envelope.valid_at, cause=envelope.id, id=payload.id or envelope.id,
    )  # fmt: skip
    return _checked(check)


_check_zone.__doc__ = actions.check_zone.__doc__


def _checked(check: ZoneCheck) -> dict[str, Any]:
    return {"id": check.id, "vulnerable": check.vulnerable, "medical": check.medical}


def _reviewed(decision: ZoneDecision) -> dict[str, Any]:
    proposed = {"may_change": decision.may_change, "next_level": decision.next_level}
    return proposed | {"conditions": plain_conditions(decision)}


def _decided(zone: Zone) -> dict[str, Any]:
    return {"id": zone.id, "level": zone.level, "lifted": zone.lifted_at is not None}


COMMANDS: Commands = {
    "check_zone": (CheckZone, _check_zone),
    "draw_zone": (DrawZone, calls(actions.draw_zone)),
    "review_zone": (ReviewZone, calls(actions.review_zone, _reviewed)),
    "decide_zone": (DecideZone, calls(actions.decide_zone, _decided)),
}
