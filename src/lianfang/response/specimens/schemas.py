"""The payloads of the commands that reach specimens from outside, and what each of them does."""

import uuid

from pydantic import AwareDatetime, Field

from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.response.specimens import actions
from lianfang.response.specimens.rules import Accept, ResultEntry, TubeEntry, Value


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
    tested_at: AwareDatetime
    ct: float | None = None


COMMANDS: Commands = {
    "register_tubes": (RegisterTubes, calls(actions.register_tubes)),
    "seal_tubes": (SealTubes, calls(actions.seal_tubes, "sealed")),
    "hand_over_tubes": (HandOverTubes, calls(actions.hand_over_tubes, "difference")),
    "record_results": (RecordResults, calls(actions.record_results)),
    "correct_result": (CorrectResult, calls(actions.correct_result, "number")),
}
