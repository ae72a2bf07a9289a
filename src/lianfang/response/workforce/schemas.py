"""What the commands of this room carry, and which action each one calls."""

import uuid
from datetime import date

from pydantic import AwareDatetime

from lianfang.core.access.commands import Commands, Payload, calls
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
    closes_at: AwareDatetime | None = None
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
    until: AwareDatetime | None = None


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


COMMANDS: Commands = {
    "register_organisations": (RegisterOrganisations, calls(actions.register_organisations)),
    "register_responders": (RegisterResponders, calls(actions.register_responders)),
    "rest_responder": (RestResponder, calls(actions.rest_responder)),
    "form_teams": (FormTeams, calls(actions.form_teams)),
    "change_members": (ChangeMembers, calls(actions.change_members)),
    "disband_teams": (DisbandTeams, calls(actions.disband_teams)),
    "deploy": (Deploy, calls(actions.deploy)),
    "end_deployments": (EndDeployments, calls(actions.end_deployments)),
    "open_appeal": (OpenAppeal, calls(actions.open_appeal)),
    "apply_as_volunteers": (ApplyAsVolunteers, calls(actions.apply_as_volunteers)),
    "decide_applications": (DecideApplications, calls(actions.decide_applications)),
    "assign_volunteers": (AssignVolunteers, calls(actions.assign_volunteers)),
    "plan_shifts": (PlanShifts, calls(actions.plan_shifts)),
    "replace_crew": (ReplaceCrew, calls(actions.replace_crew)),
    "cancel_shifts": (CancelShifts, calls(actions.cancel_shifts)),
    "check_in": (CheckIns, calls(actions.check_in)),
    "check_out": (CheckOuts, calls(actions.check_out)),
    "record_attendance": (RecordAttendance, calls(actions.record_attendance)),
}
