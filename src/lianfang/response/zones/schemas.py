"""What commands about zones carry, and the action each calls."""

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime

from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.engines.protocol import ZoneDecision, ZoneScreen
from lianfang.response.zones import actions
from lianfang.response.zones.models import Zone, ZoneCheck
from lianfang.response.zones.rules import NewArea, plain_conditions


class CheckZone(Payload):
    zone: UUID
    areas: list[NewArea]
    egress: dict[UUID, bool] = {}
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


def _checked(check: ZoneCheck) -> dict[str, Any]:
    return {"id": check.id, "vulnerable": check.vulnerable, "medical": check.medical}


def _reviewed(decision: ZoneDecision) -> dict[str, Any]:
    proposed = {"may_change": decision.may_change, "next_level": decision.next_level}
    return proposed | {"conditions": plain_conditions(decision)}


def _decided(zone: Zone) -> dict[str, Any]:
    return {"id": zone.id, "level": zone.level, "lifted": zone.lifted_at is not None}


COMMANDS: Commands = {
    "check_zone": (CheckZone, calls(actions.check_zone, _checked)),
    "draw_zone": (DrawZone, calls(actions.draw_zone)),
    "review_zone": (ReviewZone, calls(actions.review_zone, _reviewed)),
    "decide_zone": (DecideZone, calls(actions.decide_zone, _decided)),
}
