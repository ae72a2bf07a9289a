"""What the commands of this room carry, and which action each one calls."""

import uuid

from pydantic import AwareDatetime

from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.kit.codes import CodeRange
from lianfang.response.command import actions
from lianfang.response.command.rules import Recipient, Seat


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
    acknowledge_by: AwareDatetime
    feedback_by: AwareDatetime | None = None
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


COMMANDS: Commands = {
    "declare_incident": (DeclareIncident, calls(actions.declare_incident)),
    "add_incident_area": (AddIncidentArea, calls(actions.add_incident_area)),
    "end_incident_area": (EndIncidentArea, calls(actions.end_incident_area)),
    "close_incident": (CloseIncident, calls(actions.close_incident)),
    "set_response_level": (SetResponseLevel, calls(actions.set_response_level)),
    "form_task_force": (FormTaskForce, calls(actions.form_task_force)),
    "seat_task_force": (SeatTaskForce, calls(actions.seat_task_force)),
    "dissolve_task_force": (DissolveTaskForce, calls(actions.dissolve_task_force)),
    "record_meeting": (RecordMeeting, calls(actions.record_meeting)),
    "issue_directive": (IssueDirective, calls(actions.issue_directive)),
    "withdraw_directive": (WithdrawDirective, calls(actions.withdraw_directive)),
    "acknowledge_directive": (AcknowledgeDirective, calls(actions.acknowledge_directive)),
    "report_back": (ReportBack, calls(actions.report_back)),
}
