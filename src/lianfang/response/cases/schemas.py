"""What commands about cases carry, and the action each calls."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from lianfang.core.access.commands import Envelope
from lianfang.core.access.rules import Actor
from lianfang.kit.ids import new_id
from lianfang.response.cases import actions
from lianfang.response.cases.rules import NewContact


class Payload(BaseModel):
    """Fields that nobody defined are refused."""

    model_config = ConfigDict(extra="forbid")


class ReportPositive(Payload):
    incident: UUID
    resident: UUID
    protocol: str
    detected_by: str
    sample: UUID | None = None
    tube: UUID | None = None
    id: UUID | None = None


class HoldInPlace(Payload):
    positive: UUID
    place: str
    reason: str
    authority: str
    appeal_to: str
    ends_at: datetime | None = None
    id: UUID | None = None


class RecordRetest(Payload):
    positive: UUID
    result: str
    sampled_at: datetime


class RegisterCase(Payload):
    incident: UUID
    resident: UUID
    protocol: str
    detected_by: str
    class_code: str
    reason: str
    sampled_at: datetime
    severity: str | None = None
    findings: list[str] = []
    community_detected: bool | None = None
    onset_at: datetime | None = None
    screen_positive: UUID | None = None
    hospital: str = ""
    id: UUID | None = None


class ClassifyCase(Payload):
    case: UUID
    class_code: str
    reason: str
    severity: str | None = None
    findings: list[str] = []
    id: UUID | None = None


class ReportCase(Payload):
    case: UUID
    class_code: str
    number: str = ""
    id: UUID | None = None


class TransferCase(Payload):
    case: UUID
    hospital: str
    vehicle: str = ""


class RecordInvestigation(Payload):
    case: UUID
    stage: str
    summary: str
    id: UUID | None = None


class Stay(Payload):
    place_text: str
    since: datetime
    until: datetime
    place: UUID | None = None
    place_code: int | None = None
    note: str = ""
    replaces: UUID | None = None
    id: UUID | None = None


class AddTrajectory(Payload):
    case: UUID
    entries: list[Stay]


class MarkRiskSite(Payload):
    incident: UUID
    division_code: int
    name: str
    since: datetime
    until: datetime
    case: UUID | None = None
    place: UUID | None = None
    note: str = ""
    id: UUID | None = None


class ContactGiven(Payload):
    resident: UUID
    tier: str
    last_exposure_at: datetime
    first_exposure_at: datetime | None = None
    case: UUID | None = None
    via: UUID | None = None
    relation: str = ""
    category: str = ""
    id: UUID = Field(default_factory=new_id)


class DetermineContacts(Payload):
    incident: UUID
    protocol: str
    division_code: int
    contacts: list[ContactGiven]


class RecordPlaced(Payload):
    contacts: list[UUID]


class UpgradeContacts(Payload):
    contacts: list[UUID]
    to: str
    reason: str


class WithdrawContacts(Payload):
    contacts: list[UUID]
    reason: str


def _handler(action: Any) -> Any:
    def handle(by: Actor, envelope: Envelope, payload: Payload) -> dict[str, Any]:
        given = {name: getattr(payload, name) for name in type(payload).model_fields}
        made = action(by=by, valid_at=envelope.valid_at, cause=envelope.id, **given)
        return {"id": made.id} if hasattr(made, "id") else {"count": made if isinstance(made, int) else len(made or ())}

    return handle


def _add_trajectory(by: Actor, envelope: Envelope, payload: AddTrajectory) -> dict[str, Any]:
    stays = [stay.model_dump() for stay in payload.entries]
    return {"entries": actions.add_trajectory(by=by, case=payload.case, entries=stays)}


def _determine_contacts(by: Actor, envelope: Envelope, payload: DetermineContacts) -> dict[str, Any]:
    done = actions.determine_contacts(
        by=by, incident=payload.incident, protocol=payload.protocol, division_code=payload.division_code,
        contacts=[NewContact(**given.model_dump()) for given in payload.contacts],
        valid_at=envelope.valid_at, cause=envelope.id,
    )  # fmt: skip
    contacts = {str(resident): contact for resident, contact in done.contacts.items()}
    return {"contacts": contacts, "new": done.new, "known": done.known, "upgraded": done.upgraded}


COMMANDS: dict[str, tuple[type[Payload], Any]] = {
    "report_positive": (ReportPositive, _handler(actions.report_positive)),
    "hold_in_place": (HoldInPlace, _handler(actions.hold_in_place)),
    "record_retest": (RecordRetest, _handler(actions.record_retest)),
    "register_case": (RegisterCase, _handler(actions.register_case)),
    "classify_case": (ClassifyCase, _handler(actions.classify_case)),
    "report_case": (ReportCase, _handler(actions.report_case)),
    "transfer_case": (TransferCase, _handler(actions.transfer_case)),
    "record_investigation": (RecordInvestigation, _handler(actions.record_investigation)),
    "add_trajectory": (AddTrajectory, _add_trajectory),
    "mark_risk_site": (MarkRiskSite, _handler(actions.mark_risk_site)),
    "determine_contacts": (DetermineContacts, _determine_contacts),
    "record_placed": (RecordPlaced, _handler(actions.record_placed)),
    "upgrade_contacts": (UpgradeContacts, _handler(actions.upgrade_contacts)),
    "withdraw_contacts": (WithdrawContacts, _handler(actions.withdraw_contacts)),
}
