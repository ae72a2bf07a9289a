"""Giving field work, recording what was done, reporting hazards, and seeing to what was found."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duties, reconcile
from lianfang.core.duties.rules import Changes, Desired
from lianfang.core.people.actions import county_cipher
from lianfang.kit.clock import LOCAL, response_now
from lianfang.kit.codes import county_of
from lianfang.kit.ids import derived_id, new_id
from lianfang.response.tasks import permissions as may
from lianfang.response.tasks.duties import desire_fixes, desire_turns, desire_word
from lianfang.response.tasks.models import Finding, Hazard, Task, TaskRecord
from lianfang.response.tasks.rules import (
    CHANNELS,
    CLEAN_UP,
    CLEANED,
    DELIVERED,
    DELIVERY,
    DOERS,
    FINDINGS,
    FIX,
    HANDED,
    HAZARD_WITHIN,
    HAZARDS,
    IN_ORDER,
    INSPECTION,
    PATROL,
    PATROLLED,
    TELL,
    FindingAlreadyFixed,
    NewFinding,
    NewTask,
    TaskNotFound,
    TaskRefused,
    TaskWithdrawn,
    hidden_at,
    inspection_fault,
    period_at,
    periods,
    task_fault,
)


def give_tasks(*, by: Actor, tasks: Sequence[NewTask], valid_at: datetime, cause: uuid.UUID | None = None) -> list[uuid.UUID]:  # fmt: skip
    """Give pieces of field work, once or coming round, to roles or named teams, and return the ids of those that stand.

    Raises `TaskRefused` naming the entry; then none of them is given.
    """
    by.require(may.GIVE_TASK)
    with acting(by):
        known = set(Task.objects.filter(id__in=[one.id for one in tasks]).values_list("id", flat=True))
        fresh = [one for one in tasks if one.id not in known]
        for place, one in enumerate(fresh, 1):
            if fault := task_fault(one):
                raise TaskRefused(f"Entry {place} of {len(fresh)}: {fault} Nothing of the list was given.")
            by.require(may.GIVE_TASK, one.division_code)
        rows = [_task(one, by, valid_at, cause) for one in fresh]
        Task.objects.bulk_create(rows)
        for row in rows:
            record_audit(
                by, "tasks.give_tasks", subject=("task", row.id), division_code=row.division_code, kind=row.kind
            )
        _refresh_turns([one.id for one in fresh], by, valid_at, cause)
    return [one.id for one in tasks]


def withdraw_task(*, by: Actor, task: uuid.UUID, reason: str, valid_at: datetime, cause: uuid.UUID | None = None) -> None:  # fmt: skip
    """Withdraw a task for a reason: what is still owed on it is cancelled, what was done stays."""
    by.require(may.GIVE_TASK)
    if not reason.strip():
        raise TaskRefused("Work is withdrawn for a reason: those who had it will read it.")
    with acting(by):
        found = _locked(task)
        if found.withdrawn_at is not None:
            return
        Task.objects.filter(id=task).update(withdrawn_at=valid_at, withdrawn_reason=reason.strip())
        record_audit(by, "tasks.withdraw_task", subject=("task", task), division_code=found.division_code)
        _refresh_turns([task], by, valid_at, cause)
        _refresh_word(found, by, valid_at, cause)


def record_patrol(
    *, by: Actor, task: uuid.UUID, points: int, valid_at: datetime, people: int = 1, hours: Decimal | None = None,
    note: str = "", period: str = "", cause: uuid.UUID | None = None, id: uuid.UUID | None = None,
) -> TaskRecord:  # fmt: skip
    """Record a turn of a patrol: how many points were passed, by how many people, in how many hours."""
    by.require(may.RECORD_PATROL)
    fields = {"points": points, "people": people, "hours": hours, "note": note}
    return _record(PATROL, PATROLLED, task, period, fields, by, valid_at, cause, id)


def record_clean_up(
    *, by: Actor, task: uuid.UUID, points: int, disinfected: bool, valid_at: datetime, people: int = 1,
    hours: Decimal | None = None, note: str = "", period: str = "", cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> TaskRecord:  # fmt: skip
    """Record a clean-up: how many waste points were cleared, whether they were disinfected, by how many, in what time."""
    by.require(may.RECORD_CLEAN_UP)
    fields = {"points": points, "disinfected": disinfected, "people": people, "hours": hours, "note": note}
    return _record(CLEAN_UP, CLEANED, task, period, fields, by, valid_at, cause, id)


def record_delivery(
    *, by: Actor, task: uuid.UUID, handed: str, valid_at: datetime, note: str = "", period: str = "",
    cause: uuid.UUID | None = None, id: uuid.UUID | None = None,
) -> TaskRecord:  # fmt: skip
    """Record that a delivery arrived: in person, at the door or with a neighbour, and what was lacking."""
    by.require(may.RECORD_DELIVERY)
    if handed not in HANDED:
        raise TaskRefused(f"“{handed}” is no way to hand over. Use one of {', '.join(HANDED)}.")
    return _record(DELIVERY, DELIVERED, task, period, {"handed": handed, "note": note}, by, valid_at, cause, id)


def record_inspection(
    *, by: Actor, task: uuid.UUID, valid_at: datetime, category: str = "", checked: Sequence[str] = (),
    findings: Sequence[NewFinding] = (), measure: str = "none", people: int = 1, note: str = "", period: str = "",
    cause: uuid.UUID | None = None, id: uuid.UUID | None = None,
) -> TaskRecord:  # fmt: skip
    """Record an inspection: what was looked at, what was out of order and by when it is put right, what was closed.

    Each finding with a date becomes the duty of the place to put it right.
    """
    by.require(may.RECORD_INSPECTION)
    with acting(by):
        category = category or _locked(task).category or "community"
        if fault := inspection_fault(category, checked, findings, measure, valid_at):
            raise TaskRefused(fault)
        fields = {"category": category, "checked": list(checked), "measure": measure, "people": people, "note": note}
        outcome = FINDINGS if findings else IN_ORDER
        made = _record(INSPECTION, outcome, task, period, fields, by, valid_at, cause, id)
        known = set(made.findings.values_list("id", flat=True))
        rows = [_finding(one, made, by) for one in findings if one.id not in known]
        Finding.objects.bulk_create(rows)
        _refresh(desire_fixes([row.id for row in rows]), made.county, by, valid_at, cause)
        return made


def record_fixed(*, by: Actor, finding: uuid.UUID, valid_at: datetime, note: str = "", cause: uuid.UUID | None = None) -> Finding:  # fmt: skip
    """Record that what an inspection found was put right. Raises `FindingAlreadyFixed` when somebody did before."""
    by.require(may.RECORD_FIXED)
    with acting(by):
        found = Finding.objects.select_for_update().filter(id=finding).first()
        if found is None:
            raise TaskNotFound("There is no such finding in your area. Refresh your list.")
        if found.fixed_at is not None:
            raise FindingAlreadyFixed(
                f"This was put right on {found.fixed_at.astimezone(LOCAL):%Y-%m-%d %H:%M} already."
            )
        found.fixed_at, found.fixed_by, found.fixed_note = valid_at, by.account_id, note.strip()
        found.save(update_fields=["fixed_at", "fixed_by", "fixed_note"])
        record_audit(by, "tasks.record_fixed", subject=("finding", finding), division_code=found.division_code)
        _finish(FIX, found.id, "once", "fixed", found.county, by, valid_at, cause)
        return found


def report_hazard(
    *, by: Actor, kind: str, division_code: int, place: str, valid_at: datetime, text: str = "",
    lon: float | None = None, lat: float | None = None, channel: str = "field", contact: str = "",
    cause: uuid.UUID | None = None, id: uuid.UUID | None = None,
) -> Hazard:  # fmt: skip
    """Report a hazard from the field or the residents' line; it becomes the clean-up or inspection of the place's team.

    ``contact`` is how a caller wishes to hear what came of it; it is kept sealed.
    """
    by.require(may.REPORT_HAZARD, division_code)
    if kind not in HAZARDS or channel not in CHANNELS:
        raise TaskRefused(
            f"Say what the hazard is ({', '.join(HAZARDS)}) and how it was reported ({', '.join(CHANNELS)})."
        )
    if not place.strip():
        raise TaskRefused("Say where it is, so that somebody finds it: street, building, landmark.")
    with acting(by):
        id = id or new_id()
        if known := Hazard.objects.filter(id=id).first():
            return known
        county = county_of(division_code)
        work = _work_for(kind, id, division_code, place, text, lon, lat, valid_at)
        Task.objects.bulk_create([_task(work, by, valid_at, cause, hazard=id)])
        made = Hazard.objects.create(
            id=id, county=county, division_code=division_code, kind=kind, text=text.strip(), place=place.strip(), lon=lon,
            lat=lat, channel=channel, task=work.id, reported_at=valid_at, recorded_at=response_now(),
            contact_cipher=county_cipher(county).seal(contact.strip()) if contact.strip() else None,
            account=by.account_id, command=cause,
        )  # fmt: skip
        record_audit(by, "tasks.report_hazard", subject=("hazard", id), division_code=division_code, kind=kind)
        _refresh_turns([work.id], by, valid_at, cause)
        return made


def record_reporter_told(*, by: Actor, hazard: uuid.UUID, valid_at: datetime, note: str = "", cause: uuid.UUID | None = None) -> Hazard:  # fmt: skip
    """Record that whoever reported a hazard was told what came of it; told again, the first time stays."""
    by.require(may.TELL_REPORTER)
    with acting(by):
        found = _hazard(hazard)
        if found.told_at is None:
            found.told_at, found.told_by, found.told_note = valid_at, by.account_id, note.strip()
            found.save(update_fields=["told_at", "told_by", "told_note"])
            record_audit(
                by, "tasks.record_reporter_told", subject=("hazard", hazard), division_code=found.division_code
            )
            _finish(TELL, found.id, "once", "told", found.county, by, valid_at, cause)
        return found


def open_contact(hazard: uuid.UUID, *, by: Actor) -> str:
    """Return how a caller wishes to be told, and log who looked; empty where nothing was left."""
    by.require(may.TELL_REPORTER)
    with acting(by):
        found = _hazard(hazard)
        if found.contact_cipher is None:
            return ""
        record_audit(by, "tasks.open_contact", subject=("hazard", hazard), division_code=found.division_code)
        return county_cipher(found.county).open(bytes(found.contact_cipher))


def roll_tasks(*, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None = None) -> Changes:
    """Open the turns of the day, and let go of those whose time is over."""
    return reconcile(desire_turns(), by=by, county=county, valid_at=valid_at, cause=cause)


# ------------------------------------------------------------------------------------------------------ inside


def _task(
    new: NewTask, by: Actor, valid_at: datetime, cause: uuid.UUID | None, hazard: uuid.UUID | None = None
) -> Task:
    hidden = hidden_at(new, by.scope.lo)
    return Task(
        id=new.id, county=county_of(new.division_code), incident=new.incident, kind=new.kind, role=new.responsible,
        assignee=new.assignee, division_code=new.division_code if hidden is None else hidden,
        inspects_code=None if hidden is None else new.division_code, title=new.title.strip(), place=new.place.strip(),
        lon=new.lon, lat=new.lat, category=new.category, person=new.person.strip(), address=new.address.strip(),
        items=[item.strip() for item in new.items if item.strip()], starts_at=new.starts_at, due_at=new.due_at,
        every_hours=new.every_hours, until=new.until, hazard=hazard, given_at=valid_at, recorded_at=response_now(),
        account=by.account_id, command=cause,
    )  # fmt: skip


def _work_for(
    kind: str, hazard: uuid.UUID, division_code: int, place: str, text: str, lon: float | None, lat: float | None,
    at: datetime,
) -> NewTask:  # fmt: skip
    zh, _, work = HAZARDS[kind]
    title = f"{zh}：{text.strip()}" if text.strip() else zh
    category, role = ("community", "grid_worker") if work == INSPECTION else ("", DOERS[work][0])
    return NewTask(
        work, division_code, title[:120], at, at + HAZARD_WITHIN, role=role, place=place, lon=lon, lat=lat,
        category=category, id=derived_id("hazard", hazard),
    )  # fmt: skip


def _record(
    kind: str, outcome: str, task: uuid.UUID, period: str, fields: dict[str, Any], by: Actor, valid_at: datetime,
    cause: uuid.UUID | None, id: uuid.UUID | None,
) -> TaskRecord:  # fmt: skip
    with acting(by):
        if id and (former := TaskRecord.objects.filter(id=id).first()):
            return former
        found = _locked(task)
        _judge_record(found, kind, fields, valid_at)
        turn = period or period_at(found.starts_at, found.every_hours, found.until, valid_at)
        if turn not in _turns(found):
            raise TaskRefused(f"This work has no turn “{turn}”. Leave the turn empty, or refresh your list.")
        if found.inspects_code is not None:  # from now on whoever was inspected reads it
            found.division_code = found.inspects_code
            found.save(update_fields=["division_code"])
        made = TaskRecord.objects.create(
            id=id or new_id(), county=found.county, task=found, division_code=found.division_code, period=turn, kind=kind,
            outcome=outcome, done_at=valid_at, recorded_at=response_now(), account=by.account_id, command=cause,
            **fields | {"note": fields["note"].strip()},
        )  # fmt: skip
        record_audit(
            by, f"tasks.record_{kind}", subject=("task", task), division_code=found.division_code, outcome=outcome
        )
        _refresh_turns([task], by, valid_at, cause)
        _finish(kind, found.id, turn, outcome, found.county, by, valid_at, cause)
        _refresh_word(found, by, valid_at, cause)
        return made


def _judge_record(task: Task, kind: str, fields: dict[str, Any], valid_at: datetime) -> None:
    if task.kind != kind:
        raise TaskRefused(f"“{task.title}” is another kind of work ({task.kind}): record it as that.")
    if task.withdrawn_at is not None and valid_at >= task.withdrawn_at:
        raise TaskWithdrawn(f"“{task.title}” was withdrawn before: {task.withdrawn_reason}. Nothing is left to do.")
    if fields.get("points", 0) < 0 or fields.get("people", 1) < 1:
        raise TaskRefused("Points are counted from nought, people from one: correct the numbers.")


def _turns(task: Task) -> Sequence[str]:
    if task.every_hours is None or task.until is None:
        return ("once",)
    return periods(task.starts_at, task.every_hours, task.until)


def _finding(new: NewFinding, record: TaskRecord, by: Actor) -> Finding:
    return Finding(
        id=new.id, county=record.county, task_id=record.task_id, record=record, division_code=record.division_code,
        item=new.item, text=new.text.strip(), found_at=record.done_at, must_fix_by=new.must_fix_by,
        recorded_at=record.recorded_at, account=by.account_id,
    )  # fmt: skip


def _locked(task: uuid.UUID) -> Task:
    found = Task.objects.select_for_update().filter(id=task).first()
    if found is None:
        raise TaskNotFound("There is no such piece of work in your area. Refresh your list.")
    return found


def _hazard(hazard: uuid.UUID) -> Hazard:
    found = Hazard.objects.select_for_update().filter(id=hazard).first()
    if found is None:
        raise TaskNotFound("There is no such hazard in your area. Refresh your list.")
    return found


def _refresh_turns(tasks: list[uuid.UUID], by: Actor, valid_at: datetime, cause: uuid.UUID | None) -> None:
    _refresh(desire_turns(tasks), county_of(by.scope.lo), by, valid_at, cause)


def _refresh_word(task: Task, by: Actor, valid_at: datetime, cause: uuid.UUID | None) -> None:
    if task.hazard:
        _refresh(desire_word([task.hazard]), task.county, by, valid_at, cause)


def _refresh(desired: Desired, county: int, by: Actor, valid_at: datetime, cause: uuid.UUID | None) -> None:
    if desired.subjects:
        reconcile(desired, by=by, county=county, valid_at=valid_at, cause=cause)


def _finish(
    kind: str, subject: uuid.UUID, period: str, outcome: str, county: int, by: Actor, at: datetime,
    cause: uuid.UUID | None,
) -> None:  # fmt: skip
    finish_duties([(subject, period)], kind=kind, by=by, county=county, outcome=outcome, valid_at=at, cause=cause)
