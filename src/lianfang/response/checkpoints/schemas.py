"""What the commands of this room carry, and which action each one calls."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from lianfang.core.access.commands import Envelope
from lianfang.core.access.rules import Actor
from lianfang.response.checkpoints import actions
from lianfang.response.checkpoints.rules import NewPassage


class Payload(BaseModel):
    model_config = ConfigDict(extra="forbid")


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
    ends_at: datetime
    lon: float | None = None
    lat: float | None = None
    issued_by: str = ""


class RenewCheckpoint(Payload):
    checkpoint: uuid.UUID
    reason: str
    authority: str
    appeal_to: str
    ends_at: datetime
    issued_by: str = ""


class CloseCheckpoint(Payload):
    checkpoint: uuid.UUID
    reason: str


class RecordPassages(Payload):
    passages: tuple[NewPassage, ...]


Handler = Callable[[Actor, Envelope, Any], dict[str, Any]]


def _calls(action: Callable[..., Any]) -> Handler:
    """Hand a payload's fields to the action of the same names; the receipt holds the new record's id or a count."""

    def handle(by: Actor, envelope: Envelope, payload: BaseModel) -> dict[str, Any]:
        made = action(by=by, valid_at=envelope.valid_at, cause=envelope.id, **dict(payload))
        if isinstance(made, int):
            return {"count": made}
        return {"id": str(made.id)} if made is not None else {}

    return handle


COMMANDS: Mapping[str, tuple[type[BaseModel], Handler]] = {
    "open_checkpoint": (OpenCheckpoint, _calls(actions.open_checkpoint)),
    "renew_checkpoint": (RenewCheckpoint, _calls(actions.renew_checkpoint)),
    "close_checkpoint": (CloseCheckpoint, _calls(actions.close_checkpoint)),
    "record_passages": (RecordPassages, _calls(actions.record_passages)),
}
