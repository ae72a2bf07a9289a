"""Writing incidents, levels, task forces, meetings; issuing directives and taking what comes back."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.db.models import Max

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duties, reconcile
from lianfang.kit.clock import LOCAL, response_now
from lianfang.kit.codes import CodeRange, county_of
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.command.duties import FEEDBACK, RECEIPT, desired_answers
from lianfang.response.command.models import (
    Directive,
    DirectiveFeedback,
    DirectiveReceipt,
    DirectiveRecipient,
    Incident,
    IncidentArea,
    Meeting,
    ResponseLevel,
    TaskForce,
    TaskForcePost,
)
from lianfang.response.command.permissions import (
    ACKNOWLEDGE_DIRECTIVE,
    CLOSE_INCIDENT,
    DECLARE_INCIDENT,
    FORM_TASK_FORCE,
    ISSUE_DIRECTIVE,
    RECORD_MEETING,
    SET_RESPONSE_LEVEL,
)
from lianfang.response.command.rules import (
    FEEDBACK_STATES,
    MEETING_KINDS,
    MODES,
    TASK_FORCE_KINDS,
    UNDER_WAY,
    DirectiveNotFound,
    DirectiveRefused,
    DirectiveWithdrawn,
    IncidentClosed,
    IncidentNotFound,
    LevelNotAuthorised,
    MeetingNotFound,
    NameTaken,
    Recipient,
    Seat,
    TaskForceNotFound,
    directive_fault,
    level_fault,
    require_word,
)


def declare_incident(
    *,
    by: Actor,
    division_code: int,
    title_zh: str,
    title_en: str,
    disease: str,
    pack: str,
    overlays: Sequence[str] = (),
    authority: str,
    areas: Sequence[CodeRange] = (),
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Incident:
    """Declare an outbreak under a protocol pack for a unit's headquarters, concerning areas (the whole unit if none)."""
    by.require(DECLARE_INCIDENT, division_code)
    with acting(by):
        id = id or new_id()
        if known := Incident.objects.filter(id=id).first():
            return known
        if Incident.objects.filter(county=county_of(division_code), title_zh=title_zh).exists():
            raise NameTaken(f"“{title_zh}” is declared already: use it, or give the new incident another title.")
        incident = Incident.objects.create(
            id=id, county=county_of(division_code), division_code=division_code, title_zh=title_zh,
            title_en=title_en, disease=disease, pack=pack, overlays=list(overlays), declared_at=valid_at,
            authority=authority, recorded_at=response_now(), account=by.account_id, command=cause,
        )  # fmt: skip
        for area in areas or [Recipient(division_code, "").range]:
            _add_area(incident, area, by, "as declared", valid_at, cause)
        record_audit(by, "command.declare_incident", subject=("incident", incident.id), division_code=division_code)
        return incident


def add_incident_area(
    *,
    by: Actor,
    incident: uuid.UUID,
    area: CodeRange,
    reason: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> IncidentArea:
    """Add a range of codes to what an incident concerns, for a reason."""
    found = _open_incident(incident)
    by.require(DECLARE_INCIDENT, found.division_code)
    with acting(by):
        added = _add_area(found, area, by, reason, valid_at, cause)
        record_audit(by, "command.add_area", subject=("incident", incident), division_code=area.lo, hi=area.hi)
        return added


def end_incident_area(*, by: Actor, area: uuid.UUID, valid_at: datetime, cause: uuid.UUID | None = None) -> None:
    """End that an incident concerns an area; ending it again changes nothing."""
    found = IncidentArea.objects.select_related("incident").filter(id=area).first()
    if found is None:
        raise IncidentNotFound(f"There is no incident area {area}. Refresh the incident's page.")
    by.require(DECLARE_INCIDENT, found.incident.division_code)
    with acting(by):
        if IncidentArea.objects.filter(id=area, valid_until=None).update(valid_until=valid_at):
            record_audit(by, "command.end_area", subject=("incident_area", area), division_code=found.code_lo, command=cause)  # fmt: skip


def close_incident(
    *,
    by: Actor,
    incident: uuid.UUID,
    reason: str,
    authority: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> None:
    """Close an incident for a reason, on an authority. Raises `IncidentClosed` when it was."""
    found = _open_incident(incident)
    by.require(CLOSE_INCIDENT, found.division_code)
    if not reason.strip() or not authority.strip():
        raise Refusal("An incident is closed for a reason and on an authority: fill in both.")
    if valid_at < found.declared_at:
        raise Refusal(
            f"The incident was declared at {found.declared_at.astimezone(LOCAL):%Y-%m-%d %H:%M}: close it at a later time."
        )
    with acting(by):
        Incident.objects.filter(id=incident).update(
            closed_at=valid_at, closed_reason=reason, closed_authority=authority
        )
        record_audit(by, "command.close_incident", subject=("incident", incident), division_code=found.division_code, command=cause)  # fmt: skip


def set_response_level(
    *,
    by: Actor,
    incident: uuid.UUID,
    level: int | None,
    mode: str,
    government: str,
    authority: str,
    reason: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> ResponseLevel:
    """Record that a government set the response level (1–4, ``None`` for none) and the mode, routine or emergency.

    Raises `LevelNotAuthorised` when the plan names a higher government for this level or for the one it ends.
    """
    found = _open_incident(incident)
    by.require(SET_RESPONSE_LEVEL, found.division_code)
    require_word("mode", mode, MODES)
    if not authority.strip() or not reason.strip():
        raise LevelNotAuthorised("A level is set by a decision: fill in its authority and reason.")
    with acting(by):
        id = id or new_id()
        if known := ResponseLevel.objects.filter(id=id).first():
            return known
        former = found.levels.filter(valid_at__lte=valid_at).order_by("-valid_at", "-recorded_at").first()
        if fault := level_fault(level, government, former.level if former else None):
            raise LevelNotAuthorised(fault)
        change = ResponseLevel.objects.create(
            id=id, incident=found, county=found.county, level=level, mode=mode, government=government,
            authority=authority, reason=reason, valid_at=valid_at, recorded_at=response_now(), account=by.account_id,
            command=cause,
        )  # fmt: skip
        record_audit(by, "command.set_response_level", subject=("incident", incident),
                     division_code=found.division_code, level=level, mode=mode)  # fmt: skip
        return change


def form_task_force(
    *,
    by: Actor,
    incident: uuid.UUID,
    division_code: int,
    kind: str,
    name_zh: str,
    name_en: str,
    line: str,
    lead_title: str,
    lead_post: uuid.UUID | None = None,
    work_place: str = "",
    parent: uuid.UUID | None = None,
    seats: Sequence[Seat] = (),
    authority: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> TaskForce:
    """Form the office, a group or a task force of a headquarters, with its lead and the posts that work in it."""
    by.require(FORM_TASK_FORCE, division_code)
    require_word("kind", kind, TASK_FORCE_KINDS)
    found = _open_incident(incident)
    if parent is not None:
        _task_force(parent)
    with acting(by):
        id = id or new_id()
        if known := TaskForce.objects.filter(id=id).first():
            return known
        if found.task_forces.filter(division_code=division_code, name_zh=name_zh).exists():
            raise NameTaken(f"“{name_zh}” was formed before: seat its posts anew instead.")
        force = TaskForce.objects.create(
            id=id, county=found.county, incident=found, division_code=division_code, kind=kind,
            name_zh=name_zh, name_en=name_en, line=line, parent_id=parent, lead_post=lead_post, lead_title=lead_title,
            work_place=work_place, formed_at=valid_at, authority=authority, recorded_at=response_now(),
            account=by.account_id, command=cause,
        )  # fmt: skip
        _seat(force, seats, valid_at)
        record_audit(by, "command.form_task_force", subject=("task_force", force.id), division_code=division_code)
        return force


def seat_task_force(
    *,
    by: Actor,
    task_force: uuid.UUID,
    seats: Sequence[Seat],
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Make these the posts of a task force from now on: new ones join, others leave; return how many changed."""
    force = _task_force(task_force)
    by.require(FORM_TASK_FORCE, force.division_code)
    with acting(by):
        present = set(force.posts.filter(until=None).values_list("post", flat=True))
        wanted = {seat.post for seat in seats}
        left = force.posts.filter(until=None, post__in=present - wanted).update(until=valid_at)
        joined = _seat(force, [seat for seat in seats if seat.post not in present], valid_at)
        record_audit(by, "command.seat_task_force", subject=("task_force", force.id),
                     division_code=force.division_code, count=left + joined, command=cause)  # fmt: skip
        return left + joined


def dissolve_task_force(
    *, by: Actor, task_force: uuid.UUID, valid_at: datetime, cause: uuid.UUID | None = None
) -> None:
    """Dissolve a task force and free its posts; dissolving it again changes nothing."""
    force = _task_force(task_force)
    by.require(FORM_TASK_FORCE, force.division_code)
    with acting(by):
        if TaskForce.objects.filter(id=force.id, dissolved_at=None).update(dissolved_at=valid_at):
            force.posts.filter(until=None).update(until=valid_at)
            record_audit(by, "command.dissolve_task_force", subject=("task_force", force.id),
                         division_code=force.division_code, command=cause)  # fmt: skip


def record_meeting(
    *,
    by: Actor,
    incident: uuid.UUID,
    division_code: int,
    kind: str,
    title: str,
    conclusions: str,
    chaired_by: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Meeting:
    """Record a dispatch meeting or a consultation and its conclusions, from which directives may follow."""
    by.require(RECORD_MEETING, division_code)
    require_word("kind", kind, MEETING_KINDS)
    found = _open_incident(incident)
    if not conclusions.strip():
        raise Refusal("A meeting without conclusions is not recorded: write what was decided.")
    with acting(by):
        id = id or new_id()
        if known := Meeting.objects.filter(id=id).first():
            return known
        meeting = Meeting.objects.create(
            id=id, county=found.county, incident=found, division_code=division_code, kind=kind,
            at=valid_at, title=title, conclusions=conclusions, chaired_by=chaired_by, recorded_at=response_now(),
            account=by.account_id, command=cause,
        )  # fmt: skip
        record_audit(by, "command.record_meeting", subject=("meeting", meeting.id), division_code=division_code)
        return meeting


def issue_directive(
    *,
    by: Actor,
    incident: uuid.UUID,
    division_code: int,
    title: str,
    text: str,
    authority: str,
    recipients: Sequence[Recipient],
    acknowledge_by: datetime,
    feedback_by: datetime | None = None,
    issued_by: str = "",
    meeting: uuid.UUID | None = None,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Directive:
    """Issue a directive under the next number to units inside the actor's area, and oblige each to answer in time."""
    by.require(ISSUE_DIRECTIVE, division_code)
    for recipient in recipients:
        by.require(ISSUE_DIRECTIVE, recipient.division_code)
    if fault := directive_fault(title, text, valid_at, acknowledge_by, feedback_by, recipients):
        raise DirectiveRefused(fault)
    found = _open_incident(incident)
    if meeting is not None and not found.meetings.filter(id=meeting).exists():
        raise MeetingNotFound(f"There is no meeting {meeting} of this incident. Record the meeting first.")
    with acting(by):
        id = id or new_id()
        if known := Directive.objects.filter(id=id).first():
            return known
        directive = Directive.objects.create(
            id=id, county=found.county, incident=found, meeting_id=meeting, division_code=division_code,
            number=_next_number(found.id, division_code), title=title, text=text, issued_at=valid_at,
            issued_by=issued_by or by.title, authority=authority, acknowledge_by=acknowledge_by,
            feedback_by=feedback_by, recorded_at=response_now(), account=by.account_id, command=cause,
        )  # fmt: skip
        DirectiveRecipient.objects.bulk_create(
            DirectiveRecipient(
                id=one.id, directive=directive, division_code=one.division_code, role=one.role, title=one.title,
                assignee=one.assignee,
            )
            for one in recipients
        )  # fmt: skip
        record_audit(by, "command.issue_directive", subject=("directive", directive.id), division_code=division_code,
                     number=directive.number, count=len(recipients))  # fmt: skip
        _oblige(directive, by, valid_at, cause)
        return directive


def withdraw_directive(
    *, by: Actor, directive: uuid.UUID, reason: str, valid_at: datetime, cause: uuid.UUID | None = None
) -> None:
    """Withdraw a directive for a reason: what is still owed on it is cancelled, what was done stays."""
    found = Directive.objects.filter(id=directive).first()
    if found is None:
        raise DirectiveNotFound(f"There is no directive {directive}. Refresh the list of directives.")
    by.require(ISSUE_DIRECTIVE, found.division_code)
    if not reason.strip():
        raise DirectiveRefused("A directive is withdrawn for a reason: write it down for the units that worked on it.")
    with acting(by):
        if Directive.objects.filter(id=directive, withdrawn_at=None).update(
            withdrawn_at=valid_at, withdrawn_reason=reason
        ):
            record_audit(by, "command.withdraw_directive", subject=("directive", directive), division_code=found.division_code)  # fmt: skip
            _oblige(found, by, valid_at, cause)


def acknowledge_directive(
    *, by: Actor, recipient: uuid.UUID, valid_at: datetime, cause: uuid.UUID | None = None
) -> None:
    """Acknowledge a directive for one recipient unit; acknowledging again changes nothing."""
    with acting(by):
        _acknowledge(_recipient(recipient, by), by, valid_at, cause)


def report_back(
    *,
    by: Actor,
    recipient: uuid.UUID,
    state: str,
    text: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> None:
    """Report back on a directive for one recipient unit: under way, completed or not possible, and how far.

    Whoever reports back has received it, so a missing receipt is written too. Only the last two end the duty.
    """
    with acting(by):
        found = _recipient(recipient, by)
        require_word("state", state, FEEDBACK_STATES)
        if not text.strip():
            raise DirectiveRefused("Write what was done on the directive, or what stands in the way.")
        if id is not None and DirectiveFeedback.objects.filter(id=id).exists():
            return
        _acknowledge(found, by, valid_at, cause)
        DirectiveFeedback.objects.create(
            id=id or new_id(), recipient=found, division_code=found.division_code, state=state, text=text, at=valid_at,
            recorded_at=response_now(), account=by.account_id, command=cause,
        )  # fmt: skip
        record_audit(by, "command.report_back", subject=("directive_recipient", recipient),
                     division_code=found.division_code, state=state)  # fmt: skip
        if state != UNDER_WAY:
            _finish(found, FEEDBACK.code, state, by, valid_at, cause)


# ------------------------------------------------------------------------------------------------------ inside


def _open_incident(incident: uuid.UUID) -> Incident:
    found = Incident.objects.filter(id=incident).first()
    if found is None:
        raise IncidentNotFound(f"There is no incident {incident}. Choose one of the list.")
    if found.closed_at is not None:
        raise IncidentClosed(
            f"“{found.title_zh}” was closed on {found.closed_at.astimezone(LOCAL):%Y-%m-%d}: nothing is added to it."
        )
    return found


def _task_force(task_force: uuid.UUID) -> TaskForce:
    found = TaskForce.objects.filter(id=task_force).first()
    if found is None:
        raise TaskForceNotFound(f"There is no task force {task_force}. Choose one of the list.")
    return found


def _recipient(recipient: uuid.UUID, by: Actor) -> DirectiveRecipient:
    found = DirectiveRecipient.objects.select_related("directive").filter(id=recipient).first()
    if found is None:
        raise DirectiveNotFound("There is no such directive to answer in your area. Refresh your list.")
    by.require(ACKNOWLEDGE_DIRECTIVE, found.division_code)
    if found.directive.withdrawn_at is not None:
        raise DirectiveWithdrawn(f"Directive {found.directive.number} was withdrawn: {found.directive.withdrawn_reason}")  # fmt: skip
    return found


def _add_area(
    incident: Incident, area: CodeRange, by: Actor, reason: str, at: datetime, cause: uuid.UUID | None
) -> IncidentArea:
    return IncidentArea.objects.create(
        incident=incident, code_lo=area.lo, code_hi=area.hi, valid_from=at, reason=reason, recorded_at=response_now(),
        account=by.account_id, command=cause,
    )  # fmt: skip


def _seat(force: TaskForce, seats: Sequence[Seat], since: datetime) -> int:
    new = [TaskForcePost(task_force=force, post=seat.post, title=seat.title, since=since) for seat in seats]
    return len(TaskForcePost.objects.bulk_create(new))


def _next_number(incident: uuid.UUID, division_code: int) -> int:
    # Two desks may issue in the same second: the lock is held to the end of the transaction.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"directive {incident} {division_code}"]
        )
    numbers = Directive.objects.filter(incident=incident, division_code=division_code)
    return (numbers.aggregate(last=Max("number"))["last"] or 0) + 1


def _oblige(directive: Directive, by: Actor, valid_at: datetime, cause: uuid.UUID | None) -> None:
    recipients = list(directive.recipients.values_list("id", flat=True))
    desired = desired_answers([directive.id], recipients)
    reconcile(desired, by=by, county=directive.county, valid_at=valid_at, cause=cause)


def _acknowledge(found: DirectiveRecipient, by: Actor, valid_at: datetime, cause: uuid.UUID | None) -> None:
    if DirectiveReceipt.objects.filter(recipient=found).exists():
        return
    DirectiveReceipt.objects.create(
        recipient=found, received_at=valid_at, recorded_at=response_now(), account=by.account_id, command=cause
    )
    record_audit(by, "command.acknowledge_directive", subject=("directive_recipient", found.id),
                 division_code=found.division_code)  # fmt: skip
    _finish(found, RECEIPT.code, "received", by, valid_at, cause)


def _finish(
    found: DirectiveRecipient, kind: str, outcome: str, by: Actor, at: datetime, cause: uuid.UUID | None
) -> None:
    county = found.directive.county
    finish_duties([(found.id, "once")], kind=kind, by=by, county=county, outcome=outcome, valid_at=at, cause=cause)
