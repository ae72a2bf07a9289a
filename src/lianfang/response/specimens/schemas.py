"""The payloads of the commands that reach specimens from outside, and what each of them does."""

import uuid
from typing import Literal

from pydantic import AwareDatetime, Field

from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.response.specimens import actions
from lianfang.response.specimens.rules import (
    LARGEST_POOL,
    Accept,
    ResultEntry,
    TubeEntry,
    Value,
    VoidEntry,
    VoidReason,
)


class RegisterTubes(Payload):
    """Tubes of one device with the samples in them."""

    tubes: list[TubeEntry] = Field(min_length=1, max_length=200)
    accept: Accept = "samples"


class SealTubes(Payload):
    """Tubes that were closed."""

    tubes: list[uuid.UUID] = Field(min_length=1)


class VoidSamples(Payload):
    """Samples of one tube that were registered by mistake; tube and people are read again as a second look."""

    tube: uuid.UUID
    code: str = Field(min_length=1, max_length=40)
    reason: VoidReason
    samples: list[VoidEntry] = Field(min_length=1, max_length=LARGEST_POOL)
    witness: uuid.UUID | None = None


class MoveSample(Payload):
    """A sample that is of another person or in another tube, and the true one (``to``: that tube with that one sample)."""

    tube: uuid.UUID
    code: str = Field(min_length=1, max_length=40)
    sample: uuid.UUID
    resident: uuid.UUID
    reason: Literal["wrong_person", "wrong_tube"]
    to: TubeEntry
    witness: uuid.UUID | None = None


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
    "void_samples": (VoidSamples, calls(actions.void_samples)),
    "move_sample": (MoveSample, calls(actions.move_sample)),
    "hand_over_tubes": (HandOverTubes, calls(actions.hand_over_tubes, "difference")),
    "record_results": (RecordResults, calls(actions.record_results)),
    "correct_result": (CorrectResult, calls(actions.correct_result, "number")),
}
