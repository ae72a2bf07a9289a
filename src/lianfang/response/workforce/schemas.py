"""What the commands of this room carry, and which action each one calls."""

import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from lianfang.core.access.commands import Envelope
from lianfang.core.access.rules import Actor
from lianfang.response.workforce import actions
from lianfang.response.workforce.rules import (
    CheckIn,
    CheckOut,
    Crew,
    NewAttendance,
    NewDeployment,
    NewOrganisation,
    NewResponder,
    NewShift,
    NewTeam,
)


class Payload(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RegisterOrganisations(Payload):
    organisations: tuple[NewOrganisation, ...]


class RegisterResponders(Payload):
    responders: tuple[NewResponder, ...]


class RestResponder(Payload):
    responder: uuid.UUID
    until: date


class FormTeams(Payload):
    teams: tuple[NewTeam, ...]


class ChangeMembers(Payload):
    team: uuid.UUID
    join: tuple[uuid.UUID, ...] = ()
    leave: tuple[uuid.UUID, ...] = ()
    leader: uuid.UUID | None = None


class DisbandTeams(Payload):
    teams: tuple[uuid.UUID, ...]


class Deploy(Payload):
    deployments: tuple[NewDeployment, ...]
    reason: str
    authority: str


class EndDeployments(Payload):
    deployments: tuple[uuid.UUID, ...]
    reason: str


class OpenAppeal(Payload):
    id: uuid.UUID | None = None
    organisation: uuid.UUID
    division_code: int
    title: str
    text: str
    line: str
    needed: int
    closes_at: datetime | None = None
    incident: uuid.UUID | None = None


class ApplyAsVolunteers(Payload):
    appeal: uuid.UUID
    responders: tuple[uuid.UUID, ...]


class DecideApplications(Payload):
    applications: tuple[uuid.UUID, ...]
    accept: bool
    reason: str = ""


class AssignVolunteers(Payload):
    applications: tuple[uuid.UUID, ...]
    division_code: int
    line: str
    until: datetime | None = None


class PlanShifts(Payload):
    shifts: tuple[NewShift, ...]
    incident: uuid.UUID | None = None
    rest_waiver: str = ""


class ReplaceCrew(Payload):
    shift: uuid.UUID
    leave: tuple[uuid.UUID, ...] = ()
    crews: tuple[Crew, ...] = ()
    reason: str
    rest_waiver: str = ""


class CancelShifts(Payload):
    shifts: tuple[uuid.UUID, ...]
    reason: str


class CheckIns(Payload):
    checks: tuple[CheckIn, ...]


class CheckOuts(Payload):
    checks: tuple[CheckOut, ...]


class RecordAttendance(Payload):
    attendances: tuple[NewAttendance, ...]


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
    "register_organisations": (RegisterOrganisations, _calls(actions.register_organisations)),
    "register_responders": (RegisterResponders, _calls(actions.register_responders)),
    "rest_responder": (RestResponder, _calls(actions.rest_responder)),
    "form_teams": (FormTeams, _calls(actions.form_teams)),
    "change_members": (ChangeMembers, _calls(actions.change_members)),
    "disband_teams": (DisbandTeams, _calls(actions.disband_teams)),
    "deploy": (Deploy, _calls(actions.deploy)),
    "end_deployments": (EndDeployments, _calls(actions.end_deployments)),
    "open_appeal": (OpenAppeal, _calls(actions.open_appeal)),
    "apply_as_volunteers": (ApplyAsVolunteers, _calls(actions.apply_as_volunteers)),
    "decide_applications": (DecideApplications, _calls(actions.decide_applications)),
    "assign_volunteers": (AssignVolunteers, _calls(actions.assign_volunteers)),
    "plan_shifts": (PlanShifts, _calls(actions.plan_shifts)),
    "replace_crew": (ReplaceCrew, _calls(actions.replace_crew)),
    "cancel_shifts": (CancelShifts, _calls(actions.cancel_shifts)),
    "check_in": (CheckIns, _calls(actions.check_in)),
    "check_out": (CheckOuts, _calls(actions.check_out)),
    "record_attendance": (RecordAttendance, _calls(actions.record_attendance)),
}
