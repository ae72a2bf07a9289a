"""The payloads of the commands that reach specimens from outside, and what each of them does."""

import uuid
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lianfang.core.access.commands import Envelope
from lianfang.core.access.rules import Actor
from lianfang.response.specimens import actions
from lianfang.response.specimens.rules import Accept, ResultEntry, TubeEntry, Value


class Payload(BaseModel):
    """Refuses fields that nobody declared, so that a misspelt one is told."""

    model_config = ConfigDict(extra="forbid")


class RegisterTubes(Payload):
    """Tubes of one device with the samples in them."""

    tubes: list[TubeEntry] = Field(min_length=1, max_length=200)
    accept: Accept = "samples"


class SealTubes(Payload):
    """Tubes that were closed."""

    tubes: list[uuid.UUID] = Field(min_length=1)


class HandOverTubes(Payload):
    """Tubes that changed hands, and how many were counted."""

    id: uuid.UUID | None = None
    tubes: list[uuid.UUID] = Field(min_length=1)
    giver: str = Field(max_length=80)
    taker: str = Field(max_length=80)
    tubes_counted: int = Field(ge=0)


class RecordResults(Payload):
    """A laboratory's list of findings."""

    results: list[ResultEntry] = Field(min_length=1, max_length=5000)
    lab: str = Field(max_length=80)
    accept_good: bool = False


class CorrectResult(Payload):
    """Another finding for a tube that has one."""

    tube: uuid.UUID
    value: Value
    lab: str = Field(max_length=80)
    reason: str = Field(min_length=1, max_length=200)
    tested_at: datetime
    ct: float | None = None


def register_tubes(by: Actor, envelope: Envelope, payload: RegisterTubes) -> dict[str, Any]:
    """Register a device's batch."""
    return asdict(actions.register_tubes(**_arguments(by, envelope, payload)))


def seal_tubes(by: Actor, envelope: Envelope, payload: SealTubes) -> dict[str, Any]:
    """Seal tubes."""
    return {"sealed": actions.seal_tubes(**_arguments(by, envelope, payload))}


def hand_over_tubes(by: Actor, envelope: Envelope, payload: HandOverTubes) -> dict[str, Any]:
    """Record a hand-over; without an id of its own the step takes the command's."""
    arguments = _arguments(by, envelope, payload)
    return {"difference": actions.hand_over_tubes(**arguments | {"id": payload.id or envelope.id})}


def record_results(by: Actor, envelope: Envelope, payload: RecordResults) -> dict[str, Any]:
    """Record a laboratory's list."""
    return asdict(actions.record_results(**_arguments(by, envelope, payload)))


def correct_result(by: Actor, envelope: Envelope, payload: CorrectResult) -> dict[str, Any]:
    """Correct one result."""
    return {"number": actions.correct_result(**_arguments(by, envelope, payload))}


def _arguments(by: Actor, envelope: Envelope, payload: BaseModel) -> dict[str, Any]:
    fields = {name: getattr(payload, name) for name in type(payload).model_fields}
    return {"by": by, "valid_at": envelope.valid_at, "cause": envelope.id, **fields}


COMMANDS: dict[str, tuple[type[BaseModel], Callable[[Actor, Envelope, Any], dict[str, Any]]]] = {
    "register_tubes": (RegisterTubes, register_tubes),
    "seal_tubes": (SealTubes, seal_tubes),
    "hand_over_tubes": (HandOverTubes, hand_over_tubes),
    "record_results": (RecordResults, record_results),
    "correct_result": (CorrectResult, correct_result),
}
