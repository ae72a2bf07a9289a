"""What the commands of this room carry, and which action each one calls."""

import uuid
from decimal import Decimal

from pydantic import Field

from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.response.tasks import actions
from lianfang.response.tasks.rules import NewFinding, NewTask


class GiveTasks(Payload):
    tasks: list[NewTask] = Field(min_length=1, max_length=1000)


class WithdrawTask(Payload):
    task: uuid.UUID
    reason: str = Field(min_length=1, max_length=200)


class RecordWork(Payload):
    """What every record of field work carries; without ``period`` it belongs to the turn that had begun."""

    id: uuid.UUID | None = None
    task: uuid.UUID
    period: str = Field(default="", max_length=24)
    note: str = Field(default="", max_length=300)


class RecordPatrol(RecordWork):
    points: int = Field(ge=0, le=100_000)
    people: int = Field(default=1, ge=1, le=1000)
    hours: Decimal | None = Field(default=None, ge=0, le=72)


class RecordCleanUp(RecordPatrol):
    disinfected: bool


class RecordDelivery(RecordWork):
    handed: str


class RecordInspection(RecordWork):
    category: str = ""
    checked: list[str] = Field(default=[], max_length=50)
    findings: list[NewFinding] = Field(default=[], max_length=50)
    measure: str = "none"
    people: int = Field(default=1, ge=1, le=1000)


class RecordFixed(Payload):
    finding: uuid.UUID
    note: str = Field(default="", max_length=200)


class ReportHazard(Payload):
    """A hazard; ``contact`` is how a caller of the residents' line wishes to hear what came of it."""

    id: uuid.UUID | None = None
    kind: str
    division_code: int
    place: str = Field(min_length=1, max_length=120)
    text: str = Field(default="", max_length=300)
    lon: float | None = Field(default=None, ge=-180, le=180)
    lat: float | None = Field(default=None, ge=-90, le=90)
    channel: str = "field"
    contact: str = Field(default="", max_length=80)


class RecordReporterTold(Payload):
    hazard: uuid.UUID
    note: str = Field(default="", max_length=200)


COMMANDS: Commands = {
    "give_tasks": (GiveTasks, calls(actions.give_tasks, "tasks")),
    "withdraw_task": (WithdrawTask, calls(actions.withdraw_task)),
    "record_patrol": (RecordPatrol, calls(actions.record_patrol)),
    "record_clean_up": (RecordCleanUp, calls(actions.record_clean_up)),
    "record_delivery": (RecordDelivery, calls(actions.record_delivery)),
    "record_inspection": (RecordInspection, calls(actions.record_inspection)),
    "record_fixed": (RecordFixed, calls(actions.record_fixed)),
    "report_hazard": (ReportHazard, calls(actions.report_hazard)),
    "record_reporter_told": (RecordReporterTold, calls(actions.record_reporter_told)),
}
