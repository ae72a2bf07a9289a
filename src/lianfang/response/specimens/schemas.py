"""The payloads of the commands that reach specimens from outside, and what each of them does."""

import uuid
from datetime import time
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.response.specimens import actions
from lianfang.response.specimens.reconciling import Channel, Holder, Outcome, Recipient
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


Code = Annotated[str, Field(min_length=1, max_length=40)]


class PackBox(Payload):
    """Tubes, by id or printed code, that were packed into the box with a printed code."""

    id: uuid.UUID | None = None
    code: Code
    tubes: list[uuid.UUID] = Field(default=[], max_length=1000)
    codes: list[Code] = Field(default=[], max_length=1000)
    counted: int | None = Field(default=None, ge=1)
    division_code: int | None = None
    site: uuid.UUID | None = None


class HandOverTubes(Payload):
    """Boxes (by printed code) and loose tubes that changed hands, and how many giver and taker counted and scanned."""

    id: uuid.UUID | None = None
    tubes: list[uuid.UUID] = Field(default=[], max_length=10_000)
    codes: list[Code] = Field(default=[], max_length=10_000)
    boxes: list[Code] = Field(default=[], max_length=500)
    giver: str = Field(max_length=80)
    taker: str = Field(max_length=80)
    giver_kind: Holder | None = None
    taker_kind: Holder | None = None
    tubes_given: int | None = Field(default=None, ge=0)
    tubes_counted: int = Field(ge=0)
    scanned: list[Code] | None = Field(default=None, max_length=10_000)


class ReceiveTubes(Payload):
    """Boxes and loose tubes that arrived at a registered laboratory, counted and scanned there."""

    id: uuid.UUID | None = None
    lab: uuid.UUID
    giver: str = Field(max_length=80)
    giver_kind: Holder | None = None
    tubes: list[uuid.UUID] = Field(default=[], max_length=10_000)
    codes: list[Code] = Field(default=[], max_length=10_000)
    boxes: list[Code] = Field(default=[], max_length=500)
    tubes_given: int | None = Field(default=None, ge=0)
    tubes_counted: int = Field(ge=0)
    scanned: list[Code] | None = Field(default=None, max_length=10_000)


class RecordTubeFound(Payload):
    """What came of looking for tubes that a hand-over lacked or had too much, or that somebody broke or lost."""

    id: uuid.UUID | None = None
    outcome: Outcome
    difference: uuid.UUID | None = None
    codes: list[Code] = Field(default=[], max_length=1000)
    place: str = Field(default="", max_length=80)
    reason: str = Field(default="", max_length=200)


class RegisterLab(Payload):
    """A laboratory and what it can do; the same id again says what it can do from now on."""

    id: uuid.UUID | None = None
    name: str = Field(min_length=1, max_length=80)
    division_code: int
    tubes_per_hour: int = Field(ge=1, le=1_000_000)
    tubes_per_day: int = Field(ge=1, le=10_000_000)
    opens_at: time | None = None
    closes_at: time | None = None
    accounts: list[uuid.UUID] | None = Field(default=None, max_length=1000)
    county: int | None = None


class ImportResults(Payload):
    """A laboratory's file of results (CSV or XLSX), its bytes in base64."""

    name: str = Field(min_length=1, max_length=120)
    content: str = Field(min_length=1, max_length=2_100_000)
    lab: str = Field(max_length=80)
    accept_good: bool = False


class RecordTold(Payload):
    """That a tube's finding was told; without recipients, to everybody who still had to be told."""

    tube: uuid.UUID
    channel: Channel
    told_to: str = Field(min_length=1, max_length=80)
    recipients: list[Recipient] = Field(default=[], max_length=100)


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


def _lab(made: uuid.UUID) -> dict[str, str]:
    return {"id": str(made)}


COMMANDS: Commands = {
    "register_tubes": (RegisterTubes, calls(actions.register_tubes)),
    "seal_tubes": (SealTubes, calls(actions.seal_tubes, "sealed")),
    "void_samples": (VoidSamples, calls(actions.void_samples)),
    "move_sample": (MoveSample, calls(actions.move_sample)),
    "pack_box": (PackBox, calls(actions.pack_box)),
    "hand_over_tubes": (HandOverTubes, calls(actions.hand_over_tubes)),
    "receive_tubes": (ReceiveTubes, calls(actions.receive_tubes)),
    "record_tube_found": (RecordTubeFound, calls(actions.record_tube_found)),
    "register_lab": (RegisterLab, calls(actions.register_lab, _lab)),
    "import_results": (ImportResults, calls(actions.import_results)),
    "record_told": (RecordTold, calls(actions.record_told)),
    "record_results": (RecordResults, calls(actions.record_results)),
    "correct_result": (CorrectResult, calls(actions.correct_result, "number")),
}
