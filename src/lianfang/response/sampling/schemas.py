"""The payloads of the commands that reach sampling sites from outside, and what each of them does."""

import uuid
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field

from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.response.sampling import actions
from lianfang.response.sampling.rules import CrewEntry, HomeAttemptEntry, HomeEntry, LaneEntry


class PlanSlots(Payload):
    """A plan to make for all open sites of a round in the sender's area; it holds once it is confirmed."""

    id: uuid.UUID | None = None
    round: uuid.UUID
    starts_at: AwareDatetime
    seconds_per_person: float | None = Field(default=None, ge=5, le=600)


class ConfirmSlots(Payload):
    """A plan that a person confirms, for all of its sites."""

    plan: uuid.UUID


class ReplanSlots(Payload):
    """A site whose plan is made anew for those not called yet, and why."""

    id: uuid.UUID | None = None
    site: uuid.UUID
    reason: str = Field(min_length=1, max_length=200)


class CallSlot(Payload):
    """A building that was called."""

    slot: uuid.UUID


class RecordQueue(Payload):
    """How many people stand in line at a site."""

    id: uuid.UUID | None = None
    site: uuid.UUID
    waiting: int = Field(ge=0)


class OpenLanes(Payload):
    """The lanes that a site has from now on."""

    site: uuid.UUID
    lanes: list[LaneEntry] = Field(min_length=1, max_length=3)


class AssignCrew(Payload):
    """Posts and people put to functions of a site's crew."""

    site: uuid.UUID
    crew: list[CrewEntry] = Field(min_length=1, max_length=200)


class RelieveCrew(Payload):
    """Assignments that end."""

    site: uuid.UUID
    crew: list[uuid.UUID] = Field(min_length=1, max_length=200)


class OrderHomeSampling(Payload):
    """People who cannot come to a site, each with the reason."""

    round: uuid.UUID
    people: list[HomeEntry] = Field(min_length=1, max_length=1000)
    accept_good: bool = False


class RecordHomeSampling(Payload):
    """Samplings at home that have not come about."""

    round: uuid.UUID
    people: list[HomeAttemptEntry] = Field(min_length=1, max_length=1000)
    accept_good: bool = False


def _called(at: datetime) -> dict[str, Any]:
    return {"called_at": at}


COMMANDS: Commands = {
    "plan_slots": (PlanSlots, calls(actions.plan_slots)),
    "confirm_slots": (ConfirmSlots, calls(actions.confirm_slots)),
    "replan_slots": (ReplanSlots, calls(actions.replan_slots)),
    "call_slot": (CallSlot, calls(actions.call_slot, _called)),
    "record_queue": (RecordQueue, calls(actions.record_queue)),
    "open_lanes": (OpenLanes, calls(actions.open_lanes, "lanes")),
    "assign_crew": (AssignCrew, calls(actions.assign_crew, "crew")),
    "relieve_crew": (RelieveCrew, calls(actions.relieve_crew, "relieved")),
    "order_home_sampling": (OrderHomeSampling, calls(actions.order_home_sampling)),
    "record_home_sampling": (RecordHomeSampling, calls(actions.record_home_sampling)),
}
