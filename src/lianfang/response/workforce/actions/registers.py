"""Writing organisations, the people of them who are on duty, and teams."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeVar

from django.db.models import Model

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import response_now
from lianfang.kit.codes import county_of
from lianfang.response.workforce.models import Organisation, Responder, Team, TeamMember
from lianfang.response.workforce.permissions import FORM_TEAM, REGISTER_WORKFORCE
from lianfang.response.workforce.rules import (
    ORGANISATION_KINDS,
    ORGANISATION_LEVELS,
    RESPONDER_KINDS,
    TEAM_KINDS,
    NewOrganisation,
    NewResponder,
    NewTeam,
    NotOnTheRegister,
    refuse_entries,
)

Entry = TypeVar("Entry", NewOrganisation, NewResponder, NewTeam)


def register_organisations(
    *,
    by: Actor,
    organisations: Sequence[NewOrganisation],
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Register organisations, parents among them, and return how many are new; repeats (by id) are harmless.

    An organisation of another county (a medical team sent to help) is registered by whoever hosts it.
    """
    by.require(REGISTER_WORKFORCE)
    county = county_of(by.scope.lo)
    for code in {one.division_code for one in organisations if county_of(one.division_code) == county}:
        by.require(REGISTER_WORKFORCE, code)
    with acting(by):
        new = _unknown(Organisation, organisations)
        refuse_entries(_unfit_organisations(new, county), len(new))
        Organisation.objects.bulk_create(
            Organisation(
                id=one.id, county=county, name=one.name, kind=one.kind, level=one.level, parent_id=one.parent,
                division_code=one.division_code, recorded_at=response_now(), account=by.account_id, command=cause,
            )
            for one in new
        )  # fmt: skip
        record_audit(by, "workforce.register_organisations", subject=("organisation", None),
                     division_code=by.scope.lo, count=len(new), valid_at=valid_at)  # fmt: skip
        return len(new)


def register_responders(
    *,
    by: Actor,
    responders: Sequence[NewResponder],
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Register people on duty under their organisations and return how many are new; repeats (by id) are harmless."""
    by.require(REGISTER_WORKFORCE)
    with acting(by):
        new = _unknown(Responder, responders)
        found = Organisation.objects.in_bulk({one.organisation for one in new})
        problems = {
            place: f"“{one.name}”: kind “{one.kind}” is unknown, use one of {', '.join(RESPONDER_KINDS)}"
            for place, one in enumerate(new)
            if one.kind not in RESPONDER_KINDS
        }
        problems |= {
            place: f"“{one.name}”: organisation {one.organisation} is not registered; register it first"
            for place, one in enumerate(new)
            if one.organisation not in found
        }
        refuse_entries(problems, len(new))
        Responder.objects.bulk_create(
            _responder(one, _home_code(found[one.organisation], by), by, cause) for one in new
        )  # fmt: skip
        record_audit(by, "workforce.register_responders", subject=("responder", None), division_code=by.scope.lo,
                     count=len(new), valid_at=valid_at)  # fmt: skip
        return len(new)


def rest_responder(
    *, by: Actor, responder: uuid.UUID, until: date, valid_at: datetime, cause: uuid.UUID | None = None
) -> None:
    """Keep somebody off duty until a day (the first day they may work again); the reason is nobody's business here."""
    by.require(REGISTER_WORKFORCE)
    with acting(by):
        if not Responder.objects.filter(id=responder).update(rests_until=until):
            raise NotOnTheRegister("There is no such person on duty in your area. Refresh your list.")
        record_audit(by, "workforce.rest_responder", subject=("responder", responder), division_code=by.scope.lo,
                     valid_at=valid_at, command=cause)  # fmt: skip


def form_teams(*, by: Actor, teams: Sequence[NewTeam], valid_at: datetime, cause: uuid.UUID | None = None) -> int:
    """Form teams with their leaders and members and return how many are new; repeats (by id) are harmless."""
    for code in {team.division_code for team in teams}:
        by.require(FORM_TEAM, code)
    with acting(by):
        new = _unknown(Team, teams)
        known = set(Responder.objects.in_bulk({one for team in new for one in team.everybody}))
        refuse_entries(_unfit_teams(new, known), len(new))
        Team.objects.bulk_create(
            Team(
                id=team.id, county=county_of(team.division_code), kind=team.kind, name=team.name,
                organisation_id=team.organisation, division_code=team.division_code, formed_at=valid_at,
                recorded_at=response_now(), account=by.account_id, command=cause,
            )
            for team in new
        )  # fmt: skip
        TeamMember.objects.bulk_create(
            _member(team.id, team.division_code, one, valid_at, leads=one == team.leader)
            for team in new
            for one in team.everybody
        )
        record_audit(by, "workforce.form_teams", subject=("team", None), division_code=by.scope.lo, count=len(new))
        return len(new)


def change_members(
    *,
    by: Actor,
    team: uuid.UUID,
    join: Sequence[uuid.UUID] = (),
    leave: Sequence[uuid.UUID] = (),
    leader: uuid.UUID | None = None,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Let people join and leave a team, put another leader (one of its members) in, and return how many changed."""
    found = Team.objects.filter(id=team, disbanded_at=None).first()
    if found is None:
        raise NotOnTheRegister(f"There is no team {team}, or it was disbanded. Refresh your list.")
    by.require(FORM_TEAM, found.division_code)
    with acting(by):
        there = TeamMember.objects.filter(team=team, until=None)
        left = there.filter(responder__in=leave).update(until=valid_at)
        present = set(there.values_list("responder_id", flat=True))
        joining = [one for one in dict.fromkeys(join) if one not in present]
        if len(Responder.objects.in_bulk(joining)) < len(joining):
            raise NotOnTheRegister("Somebody who should join is not on duty in your area: have them deployed to you.")
        TeamMember.objects.bulk_create(_member(team, found.division_code, one, valid_at) for one in joining)
        if leader is not None:
            there.filter(leads=True).update(leads=False)
            if not there.filter(responder=leader).update(leads=True):
                raise NotOnTheRegister("The new leader is not a member of the team: let them join it first.")
        record_audit(by, "workforce.change_members", subject=("team", team), division_code=found.division_code,
                     count=left + len(joining), command=cause)  # fmt: skip
        return left + len(joining)


def disband_teams(*, by: Actor, teams: Sequence[uuid.UUID], valid_at: datetime, cause: uuid.UUID | None = None) -> int:
    """Disband teams and end their members' time in them; return how many still stood."""
    standing = Team.objects.filter(id__in=teams, disbanded_at=None)
    for code in set(standing.values_list("division_code", flat=True)):
        by.require(FORM_TEAM, code)
    with acting(by):
        TeamMember.objects.filter(team__in=teams, until=None).update(until=valid_at)
        ended = standing.update(disbanded_at=valid_at)
        record_audit(by, "workforce.disband_teams", subject=("team", None), division_code=by.scope.lo, count=ended,
                     command=cause)  # fmt: skip
        return ended


# ------------------------------------------------------------------------------------------------------ inside


def _unknown(model: type[Model], entries: Sequence[Entry]) -> list[Entry]:
    known = set(model._default_manager.filter(pk__in=[one.id for one in entries]).values_list("pk", flat=True))
    return [one for one in entries if one.id not in known]


def _unfit_organisations(new: Sequence[NewOrganisation], county: int) -> dict[int, str]:
    names = [one.name for one in new]
    taken = set(Organisation.objects.filter(county=county, name__in=names).values_list("name", flat=True))
    parents = {one.parent for one in new if one.parent}
    known = set(Organisation.objects.in_bulk(parents)) | {one.id for one in new}
    problems = {}
    for place, one in enumerate(new):
        if one.kind not in ORGANISATION_KINDS:
            problems[place] = f"“{one.name}”: kind “{one.kind}” is unknown, use one of {', '.join(ORGANISATION_KINDS)}"
        elif one.level not in ORGANISATION_LEVELS:
            problems[place] = f"“{one.name}”: level “{one.level}” is unknown, use one of {', '.join(ORGANISATION_LEVELS)}"  # fmt: skip
        elif one.name in taken or one.name in names[:place]:
            problems[place] = f"“{one.name}” is registered already; leave it out or give it its full name"
        elif one.parent is not None and one.parent not in known:
            problems[place] = f"“{one.name}”: the organisation above it, {one.parent}, is not registered; add it too"
    return problems


def _unfit_teams(new: Sequence[NewTeam], known: set[uuid.UUID]) -> dict[int, str]:
    kinds = {
        place: f"“{team.name}”: kind “{team.kind}” is unknown, use one of {', '.join(TEAM_KINDS)}"
        for place, team in enumerate(new)
        if team.kind not in TEAM_KINDS
    }
    members = {
        place: f"“{team.name}”: a member is not on duty in your area; register them, or have them deployed to you"
        for place, team in enumerate(new)
        if not known.issuperset(team.everybody)
    }
    organisations = Organisation.objects.in_bulk({team.organisation for team in new if team.organisation})
    homeless = {
        place: f"“{team.name}”: organisation {team.organisation} is not registered; register it first"
        for place, team in enumerate(new)
        if team.organisation and team.organisation not in organisations
    }
    standing = set(Team.objects.filter(name__in=[team.name for team in new], disbanded_at=None)
                   .values_list("county", "kind", "name"))  # fmt: skip
    twice = {
        place: f"“{team.name}” stands already; change its members instead"
        for place, team in enumerate(new)
        if (county_of(team.division_code), team.kind, team.name) in standing
    }
    return kinds | members | homeless | twice


def _home_code(organisation: Organisation, by: Actor) -> int:
    """Return where an organisation's people are answered for: its place, or the host's area when it is from outside."""
    outside = county_of(organisation.division_code) != organisation.county
    code = by.scope.lo if outside else organisation.division_code
    by.require(REGISTER_WORKFORCE, code)
    return code


def _responder(one: NewResponder, code: int, by: Actor, cause: uuid.UUID | None) -> Responder:
    return Responder(
        id=one.id, county=county_of(code), name=one.name, kind=one.kind, organisation_id=one.organisation,
        account=one.account, resident=one.resident, birth_year=one.birth_year, protective=one.protective,
        division_code=code, present_code=code, recorded_at=response_now(), registered_by=by.account_id, command=cause,
    )  # fmt: skip


def _member(team: uuid.UUID, code: int, responder: uuid.UUID, since: datetime, leads: bool = False) -> TeamMember:
    return TeamMember(
        county=county_of(code), team_id=team, responder_id=responder, division_code=code, leads=leads, since=since
    )
