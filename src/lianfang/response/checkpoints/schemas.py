"""What the commands of this room carry, and which action each one calls."""

import uuid

from pydantic import AwareDatetime

from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.response.checkpoints import actions
from lianfang.response.checkpoints.rules import NewPassage


class OpenCheckpoint(Payload):
    id: uuid.UUID | None = None
    incident: uuid.UUID
    name: str
    division_code: int
    road: str
    emergency_lane: str
    reason: str
    authority: str
    appeal_to: str
    ends_at: AwareDatetime
    lon: float | None = None
    lat: float | None = None
    issued_by: str = ""


class RenewCheckpoint(Payload):
    checkpoint: uuid.UUID
    reason: str
    authority: str
    appeal_to: str
    ends_at: AwareDatetime
    issued_by: str = ""


class CloseCheckpoint(Payload):
    checkpoint: uuid.UUID
    reason: str


class RecordPassages(Payload):
    passages: tuple[NewPassage, ...]


COMMANDS: Commands = {
    "open_checkpoint": (OpenCheckpoint, calls(actions.open_checkpoint)),
    "renew_checkpoint": (RenewCheckpoint, calls(actions.renew_checkpoint)),
    "close_checkpoint": (CloseCheckpoint, calls(actions.close_checkpoint)),
    "record_passages": (RecordPassages, calls(actions.record_passages)),
}
