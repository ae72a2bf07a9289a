"""What the commands of this room carry, and which action each one calls."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from lianfang.core.access.commands import Envelope
from lianfang.core.access.rules import Actor
from lianfang.kit.codes import CodeRange
from lianfang.response.command import actions
from lianfang.response.command.rules import Recipient, Seat


class Payload(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DeclareIncident(Payload):
    id: uuid.UUID | None = None
    division_code: int
    title_zh: str
    title_en: str
    disease: str
    pack: str
    overlays: tuple[str, ...] = ()
    authority: str
    areas: tuple[CodeRange, ...] = ()


class AddIncidentArea(Payload):
    incident: uuid.UUID
    area: CodeRange
    reason: str


class EndIncidentArea(Payload):
    area: uuid.UUID


class CloseIncident(Payload):
    incident: uuid.UUID
    reason: str
    authority: str


class SetResponseLevel(Payload):
    id: uuid.UUID | None = None
    incident: uuid.UUID
    level: int | None
    mode: str
    government: str
    authority: str
    reason: str


class FormTaskForce(Payload):
    id: uuid.UUID | None = None
    incident: uuid.UUID
    division_code: int
    kind: str
    name_zh: str
    name_en: str
    line: str
    lead_title: str
    lead_post: uuid.UUID | None = None
    work_place: str = ""
    parent: uuid.UUID | None = None
    seats: tuple[Seat, ...] = ()
    authority: str


class SeatTaskForce(Payload):
    task_force: uuid.UUID
    seats: tuple[Seat, ...]


class DissolveTaskForce(Payload):
    task_force: uuid.UUID


class RecordMeeting(Payload):
    id: uuid.UUID | None = None
    incident: uuid.UUID
    division_code: int
    kind: str
    title: str
    conclusions: str
    chaired_by: str


class IssueDirective(Payload):
    id: uuid.UUID | None = None
    incident: uuid.UUID
    division_code: int
    title: str
    text: str
    authority: str
    recipients: tuple[Recipient, ...]
    acknowledge_by: datetime
    feedback_by: datetime | None = None
    issued_by: str = ""
    meeting: uuid.UUID | None = None


class WithdrawDirective(Payload):
    directive: uuid.UUID
    reason: str


class AcknowledgeDirective(Payload):
    recipient: uuid.UUID


class ReportBack(Payload):
    id: uuid.UUID | None = None
    recipient: uuid.UUID
    state: str
    text: str


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
    "declare_incident": (DeclareIncident, _calls(actions.declare_incident)),
    "add_incident_area": (AddIncidentArea, _calls(actions.add_incident_area)),
    "end_incident_area": (EndIncidentArea, _calls(actions.end_incident_area)),
    "close_incident": (CloseIncident, _calls(actions.close_incident)),
    "set_response_level": (SetResponseLevel, _calls(actions.set_response_level)),
    "form_task_force": (FormTaskForce, _calls(actions.form_task_force)),
    "seat_task_force": (SeatTaskForce, _calls(actions.seat_task_force)),
    "dissolve_task_force": (DissolveTaskForce, _calls(actions.dissolve_task_force)),
    "record_meeting": (RecordMeeting, _calls(actions.record_meeting)),
    "issue_directive": (IssueDirective, _calls(actions.issue_directive)),
    "withdraw_directive": (WithdrawDirective, _calls(actions.withdraw_directive)),
    "acknowledge_directive": (AcknowledgeDirective, _calls(actions.acknowledge_directive)),
    "report_back": (ReportBack, _calls(actions.report_back)),
}
