"""What commands about cases carry, and the action each calls."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from lianfang.core.access.commands import Commands, Envelope, Payload, calls
from lianfang.core.access.rules import Actor
from lianfang.response.cases import actions
from lianfang.response.cases.contacts import Determined
from lianfang.response.cases.pool_people import NewAttempt, Unreached
from lianfang.response.cases.rules import NewContact


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
    ends_at: AwareDatetime | None = None
    id: UUID | None = None


class RecordRetest(Payload):
    positive: UUID
    result: str
    sampled_at: AwareDatetime


class RegisterCase(Payload):
    incident: UUID
    resident: UUID
    protocol: str
    detected_by: str
    class_code: str
    reason: str
    sampled_at: AwareDatetime
    severity: str | None = None
    findings: list[str] = []
    community_detected: bool | None = None
    onset_at: AwareDatetime | None = None
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
    since: AwareDatetime
    until: AwareDatetime
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
    since: AwareDatetime
    until: AwareDatetime
    case: UUID | None = None
    place: UUID | None = None
    note: str = ""
    id: UUID | None = None


class DetermineContacts(Payload):
    incident: UUID
    protocol: str
    division_code: int
    contacts: list[NewContact]


class RecordPlaced(Payload):
    contacts: list[UUID]


class UpgradeContacts(Payload):
    contacts: list[UUID]
    to: str
    reason: str


class WithdrawContacts(Payload):
    contacts: list[UUID]
    reason: str


class ReleasePoolMembers(Payload):
    """People of pools whose single resample was negative, to be let go."""

    positives: list[UUID] = Field(min_length=1, max_length=1000)
    reason: str = Field(default="单采复核阴性", min_length=1, max_length=200)


class HandOverPositive(Payload):
    """Somebody who is in another county, and which post there took them over."""

    positive: UUID
    county_name: str = Field(min_length=1, max_length=60)
    taken_over_by: str = Field(min_length=1, max_length=60)
    reason: str = Field(min_length=1, max_length=200)


class TellPoolMembers(Payload):
    """Members who were told, and those whom nobody reached."""

    members: list[UUID] = Field(default=[], max_length=1000)
    unreached: list[Unreached] = Field(default=[], max_length=1000)


class AcknowledgePool(Payload):
    """A pool of which the police know."""

    pool: UUID


class RecordResampleAttempts(Payload):
    """Visits for a single resample that ended without one."""

    attempts: list[NewAttempt] = Field(min_length=1, max_length=1000)


def _add_trajectory(by: Actor, envelope: Envelope, payload: AddTrajectory) -> dict[str, Any]:
    stays = [stay.model_dump() for stay in payload.entries]
    return {"entries": actions.add_trajectory(by=by, case=payload.case, entries=stays)}


def _determined(done: Determined) -> dict[str, Any]:
    contacts = {str(resident): contact for resident, contact in done.contacts.items()}
    return {"contacts": contacts, "new": done.new, "known": done.known, "upgraded": done.upgraded}


COMMANDS: Commands = {
    "report_positive": (ReportPositive, calls(actions.report_positive)),
    "hold_in_place": (HoldInPlace, calls(actions.hold_in_place)),
    "record_retest": (RecordRetest, calls(actions.record_retest)),
    "register_case": (RegisterCase, calls(actions.register_case)),
    "classify_case": (ClassifyCase, calls(actions.classify_case)),
    "report_case": (ReportCase, calls(actions.report_case)),
    "transfer_case": (TransferCase, calls(actions.transfer_case)),
    "record_investigation": (RecordInvestigation, calls(actions.record_investigation)),
    "release_pool_members": (ReleasePoolMembers, calls(actions.release_pool_members, "released")),
    "hand_over_positive": (HandOverPositive, calls(actions.hand_over_positive)),
    "tell_pool_members": (TellPoolMembers, calls(actions.tell_pool_members, "told")),
    "acknowledge_pool": (AcknowledgePool, calls(actions.acknowledge_pool, "people")),
    "record_resample_attempts": (RecordResampleAttempts, calls(actions.record_resample_attempts)),
    "add_trajectory": (AddTrajectory, _add_trajectory),
    "mark_risk_site": (MarkRiskSite, calls(actions.mark_risk_site)),
    "determine_contacts": (DetermineContacts, calls(actions.determine_contacts, _determined)),
    "record_placed": (RecordPlaced, calls(actions.record_placed)),
    "upgrade_contacts": (UpgradeContacts, calls(actions.upgrade_contacts)),
    "withdraw_contacts": (WithdrawContacts, calls(actions.withdraw_contacts)),
}
