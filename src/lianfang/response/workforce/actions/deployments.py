"""Writing who is sent where, and the way of a volunteer from appeal to assignment."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection
from django.db.models import Q

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import county_of, unit_range
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.workforce.models import (
    Deployment,
    Organisation,
    Responder,
    VolunteerAppeal,
    VolunteerApplication,
)
from lianfang.response.workforce.permissions import APPEAL_FOR_VOLUNTEERS, APPLY_AS_VOLUNTEER, DEPLOY
from lianfang.response.workforce.rules import (
    ACCEPTED,
    APPLIED,
    DECLINED,
    DEPLOYMENT_KINDS,
    VOLUNTEER,
    ApplicationAlreadyDecided,
    NewDeployment,
    NotOnTheRegister,
    fitness_fault,
    refuse_entries,
)

# Where somebody is: the latest deployment that runs at the instant, else the next, else the place that answers for them.
WHEREABOUTS = """
UPDATE workforce_responder r SET present_code = coalesce((
    SELECT d.division_code FROM workforce_deployment d
    WHERE d.responder_id = r.id AND (d.valid_until IS NULL OR d.valid_until > %(at)s)
    ORDER BY d.valid_from <= %(at)s DESC, d.valid_from DESC, d.recorded_at DESC LIMIT 1
), r.division_code)
WHERE r.id = ANY(%(responders)s)
"""


def deploy(
    *,
    by: Actor,
    deployments: Sequence[NewDeployment],
    reason: str,
    authority: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Send people to places from an instant on and return how many are new; repeats (by id) are harmless.

    Raises `EntriesRefused` naming everybody who is not on duty in the actor's area or is not fit.
    """
    for code in {one.division_code for one in deployments}:
        by.require(DEPLOY, code)
    if not reason.strip() or not authority.strip():
        raise Refusal("People are deployed for a reason and on an authority: fill in both.")
    with acting(by):
        ids = [one.id for one in deployments]
        known = set(Deployment.objects.filter(id__in=ids).values_list("id", flat=True))
        new = [one for one in deployments if one.id not in known]
        people = Responder.objects.select_related("organisation").in_bulk({one.responder for one in new})
        refuse_entries(_cannot_go(new, people, valid_at), len(new))
        Deployment.objects.bulk_create(
            _deployment(one, people[one.responder].organisation, by, reason, authority, valid_at, cause) for one in new
        )
        _set_whereabouts([one.responder for one in new], by, valid_at)
        record_audit(by, "workforce.deploy", subject=("deployment", None), division_code=by.scope.lo, count=len(new),
                     valid_at=valid_at)  # fmt: skip
        return len(new)


def end_deployments(
    *,
    by: Actor,
    deployments: Sequence[uuid.UUID],
    reason: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Call people back from where they were sent, for a reason, and return how many were still there."""
    if not reason.strip():
        raise Refusal("A deployment is ended for a reason: fill it in.")
    with acting(by):
        there = [one for one in Deployment.objects.filter(id__in=deployments)
                 if one.valid_until is None or one.valid_until > valid_at]  # fmt: skip
        for code in {one.division_code for one in there}:
            by.require(DEPLOY, code)
        Deployment.objects.filter(id__in=[one.id for one in there]).update(valid_until=valid_at, ended_reason=reason)
        _set_whereabouts([one.responder_id for one in there], by, valid_at)
        record_audit(by, "workforce.end_deployments", subject=("deployment", None), division_code=by.scope.lo,
                     count=len(there), command=cause)  # fmt: skip
        return len(there)


def open_appeal(
    *,
    by: Actor,
    organisation: uuid.UUID,
    division_code: int,
    title: str,
    text: str,
    line: str,
    needed: int,
    closes_at: datetime | None = None,
    incident: uuid.UUID | None = None,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> VolunteerAppeal:
    """Appeal in public for so many volunteers for a line of work at a place."""
    by.require(APPEAL_FOR_VOLUNTEERS, division_code)
    if needed < 1:
        raise Refusal("An appeal needs at least one volunteer: say how many.")
    with acting(by):
        id = id or new_id()
        if known := VolunteerAppeal.objects.filter(id=id).first():
            return known
        if not Organisation.objects.filter(id=organisation).exists():
            raise NotOnTheRegister(f"Organisation {organisation} is not registered: register it before it appeals.")
        appeal = VolunteerAppeal.objects.create(
            id=id, county=county_of(division_code), incident=incident, organisation_id=organisation,
            division_code=division_code, title=title, text=text, line=line, needed=needed, opens_at=valid_at,
            closes_at=closes_at, recorded_at=response_now(), account=by.account_id, command=cause,
        )  # fmt: skip
        record_audit(by, "workforce.open_appeal", subject=("appeal", appeal.id), division_code=division_code)
        return appeal


def apply_as_volunteers(
    *,
    by: Actor,
    appeal: uuid.UUID,
    responders: Sequence[uuid.UUID],
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Enter the applications of registered people to an appeal, each once, and return how many are new."""
    found = VolunteerAppeal.objects.filter(id=appeal).first()
    if found is None:
        raise NotOnTheRegister(f"There is no appeal {appeal}. Choose one of the list.")
    by.require(APPLY_AS_VOLUNTEER, found.division_code)
    if found.closes_at is not None and valid_at >= found.closes_at:
        raise Refusal(f"The appeal “{found.title}” is closed. Look for one that is open.")
    with acting(by):
        if len(Responder.objects.in_bulk(responders)) < len(set(responders)):
            raise NotOnTheRegister("Somebody who applies is not registered in your area: register them first.")
        before = set(found.applications.filter(responder__in=responders).values_list("responder_id", flat=True))
        new = [one for one in dict.fromkeys(responders) if one not in before]
        VolunteerApplication.objects.bulk_create(
            VolunteerApplication(
                county=found.county, appeal=found, responder_id=one, division_code=found.division_code,
                applied_at=valid_at, recorded_at=response_now(), command=cause,
            )
            for one in new
        )  # fmt: skip
        record_audit(by, "workforce.apply", subject=("appeal", appeal), division_code=found.division_code, count=len(new))  # fmt: skip
        return len(new)


def decide_applications(
    *,
    by: Actor,
    applications: Sequence[uuid.UUID],
    accept: bool,
    reason: str = "",
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Accept or (for a reason) decline applications nobody has decided on; raises `ApplicationAlreadyDecided`."""
    if not accept and not reason.strip():
        raise Refusal("Whoever offers help and is declined is told why: fill in the reason.")
    with acting(by):
        open_ones = VolunteerApplication.objects.filter(id__in=applications, state=APPLIED)
        codes = list(open_ones.values_list("division_code", flat=True))
        for code in set(codes):
            by.require(APPEAL_FOR_VOLUNTEERS, code)
        if len(codes) < len(set(applications)):
            raise ApplicationAlreadyDecided("Some of these applications were decided on meanwhile. Refresh your list.")
        state = ACCEPTED if accept else DECLINED
        open_ones.update(state=state, reason=reason, decided_at=valid_at, decided_by=by.account_id)
        record_audit(by, "workforce.decide_applications", subject=("application", None), division_code=by.scope.lo,
                     count=len(codes), state=state, command=cause)  # fmt: skip
        return len(codes)


def assign_volunteers(
    *,
    by: Actor,
    applications: Sequence[uuid.UUID],
    division_code: int,
    line: str,
    until: datetime | None = None,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Send accepted volunteers to a place for a line of work and return how many; their deployment is a voluntary one."""
    with acting(by):
        accepted = VolunteerApplication.objects.select_related("appeal").filter(id__in=applications, state=ACCEPTED)
        if len(accepted) < len(set(applications)):
            raise NotOnTheRegister("Only accepted volunteers of your area can be assigned: decide on them first.")
        already = set(Deployment.objects.filter(application__in=applications, division_code=division_code, valid_from=valid_at)
                      .values_list("application_id", flat=True))  # fmt: skip
        new = [
            NewDeployment(one.responder_id, division_code, VOLUNTEER, line, until, one.id)
            for one in accepted
            if one.id not in already
        ]
        return deploy(by=by, deployments=new, reason="appeal for volunteers", authority=by.title or by.role,
                      valid_at=valid_at, cause=cause)  # fmt: skip


# ------------------------------------------------------------------------------------------------------ inside


def _cannot_go(new: Sequence[NewDeployment], people: dict[uuid.UUID, Responder], valid_at: datetime) -> dict[int, str]:
    problems: dict[int, str] = {}
    there = _running(people, valid_at)
    for place, one in enumerate(new):
        person = people.get(one.responder)
        if one.kind not in DEPLOYMENT_KINDS:
            problems[place] = f"kind “{one.kind}” is unknown, use one of {', '.join(DEPLOYMENT_KINDS)}"
        elif person is None:
            problems[place] = f"{one.responder} is not on duty in your area; register them first"
        elif one.until is not None and one.until <= valid_at:
            problems[place] = f"{person.name} would leave before coming; put the end later"
        elif why := fitness_fault(
            person.birth_year, person.protective, person.rests_until, local_date(valid_at), False
        ):
            problems[place] = f"{person.name} {why}; send somebody else"
        elif (one.responder, one.division_code, one.line) in there:
            problems[place] = f"{person.name} is there for “{one.line}” already; leave them out"
        there.add((one.responder, one.division_code, one.line))
    return problems


def _running(responders: Iterable[uuid.UUID], at: datetime) -> set[tuple[uuid.UUID, int, str]]:
    mine = Deployment.objects.filter(responder__in=responders, valid_from__lte=at)
    running = mine.filter(Q(valid_until=None) | Q(valid_until__gt=at))
    return set(running.values_list("responder_id", "division_code", "line"))


def _deployment(
    one: NewDeployment,
    organisation: Organisation,
    by: Actor,
    reason: str,
    authority: str,
    valid_at: datetime,
    cause: uuid.UUID | None,
) -> Deployment:
    return Deployment(
        id=one.id, county=county_of(one.division_code), responder_id=one.responder, organisation_id=organisation.id,
        application_id=one.application, from_code=organisation.division_code, division_code=one.division_code,
        code_hi=unit_range(one.division_code).hi, kind=one.kind, line=one.line, reason=reason, authority=authority,
        valid_from=valid_at, valid_until=one.until, recorded_at=response_now(), account=by.account_id, command=cause,
    )  # fmt: skip


def _set_whereabouts(responders: Sequence[uuid.UUID], by: Actor, at: datetime) -> None:
    # Somebody called back leaves the sight of the place that calls them back, so this is done with the county's hand.
    with acting(county_hand(by)), connection.cursor() as cursor:
        cursor.execute(WHEREABOUTS, {"at": at, "responders": list(responders)})


def county_hand(by: Actor) -> Actor:
    """Return a hand without permissions that reaches the actor's whole county: for what follows from an action of
    theirs beyond their own area."""
    county = unit_range(county_of(by.scope.lo) * 10**9)
    scope = county if county.covers(by.scope) else by.scope
    return Actor(by.account_id, by.grant_id, by.role, by.line, scope, frozenset())
