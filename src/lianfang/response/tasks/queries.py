"""Reading field work: lists with what is still owed on each, records, findings, hazards."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import read_rows
from lianfang.kit.codes import CodeRange
from lianfang.response.tasks.permissions import READ_TASKS
from lianfang.response.tasks.rules import TaskNotFound

#: how a task stands → what it takes; "open" is what somebody still has to do
STATES = {
    "open": "t.withdrawn_at IS NULL AND owed.outstanding > 0",
    "overdue": "owed.overdue > 0",
    "done": "t.withdrawn_at IS NULL AND owed.outstanding = 0",
    "withdrawn": "t.withdrawn_at IS NOT NULL",
}

TASKS = """
FROM tasks_task t
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE d.state = 'outstanding') AS outstanding,
           count(*) FILTER (WHERE d.state = 'outstanding' AND d.due_at < %(at)s) AS overdue,
           min(d.due_at) FILTER (WHERE d.state = 'outstanding') AS next_due_at
    FROM duties_duty d WHERE d.county = t.county AND d.subject = t.id AND d.kind = t.kind
) AS owed
CROSS JOIN LATERAL (SELECT count(*) AS times, max(r.done_at) AS last_at FROM tasks_taskrecord r
                    WHERE r.task_id = t.id AND r.done_at <= %(at)s) AS done
CROSS JOIN LATERAL (SELECT count(*) AS findings, count(*) FILTER (WHERE f.fixed_at IS NULL AND f.must_fix_by IS NOT NULL) AS unfixed
                    FROM tasks_finding f WHERE f.task_id = t.id AND f.found_at <= %(at)s) AS found
CROSS JOIN LATERAL (
    SELECT count(*) AS attempts FROM duties_attempt a JOIN duties_duty d ON d.county = a.county AND d.id = a.duty
    WHERE d.county = t.county AND d.subject = t.id AND a.tried_at <= %(at)s) AS tried
WHERE t.division_code BETWEEN %(lo)s AND %(hi)s AND t.given_at <= %(at)s
  AND (%(task)s::uuid IS NULL OR t.id = %(task)s) AND (%(kind)s = '' OR t.kind = %(kind)s)
"""

TASK_COLUMNS = """
SELECT t.id, t.kind, t.role, t.division_code, t.title, t.place, t.category, t.person, t.address, t.items, t.starts_at,
       t.due_at, t.every_hours, t.until, t.hazard, t.given_at, t.withdrawn_at, t.withdrawn_reason, owed.outstanding,
       owed.overdue, owed.next_due_at, done.times, done.last_at, found.findings, found.unfixed, tried.attempts,
       coalesce(t.inspects_code, t.division_code)
"""

RECORDS = """
SELECT r.id, r.task_id, r.period, r.kind, r.outcome, r.points, r.people, r.hours, r.disinfected, r.handed, r.category,
       r.measure, r.checked, r.note, r.done_at, coalesce(a.title, '')
FROM tasks_taskrecord r LEFT JOIN access_account a ON a.id = r.account
WHERE r.task_id = %(task)s AND r.done_at <= %(at)s ORDER BY r.done_at DESC, r.id
"""

ATTEMPTS = """
SELECT a.tried_at, a.reason, a.note, a.next_at, d.period FROM duties_attempt a
JOIN duties_duty d ON d.county = a.county AND d.id = a.duty
WHERE d.subject = %(task)s AND a.tried_at <= %(at)s ORDER BY a.tried_at DESC, a.id
"""

FINDINGS = """
FROM tasks_finding f JOIN tasks_task t ON t.id = f.task_id JOIN tasks_taskrecord r ON r.id = f.record_id
WHERE f.division_code BETWEEN %(lo)s AND %(hi)s AND f.found_at <= %(at)s
  AND (%(task)s::uuid IS NULL OR f.task_id = %(task)s)
"""
FINDING_STATES = {
    "to_fix": "f.must_fix_by IS NOT NULL AND (f.fixed_at IS NULL OR f.fixed_at > %(at)s)",
    "late": "f.must_fix_by < %(at)s AND (f.fixed_at IS NULL OR f.fixed_at > %(at)s)",
    "fixed": "f.must_fix_by IS NULL OR f.fixed_at <= %(at)s",
}

HAZARDS = """
FROM tasks_hazard h JOIN tasks_task t ON t.id = h.task
CROSS JOIN LATERAL (SELECT min(r.done_at) AS at FROM tasks_taskrecord r WHERE r.task_id = t.id AND r.done_at <= %(at)s) AS done
WHERE h.division_code BETWEEN %(lo)s AND %(hi)s AND h.reported_at <= %(at)s AND (%(hazard)s::uuid IS NULL OR h.id = %(hazard)s)
"""
HAZARD_STATES = {
    "to_do": "done.at IS NULL AND t.withdrawn_at IS NULL",
    "to_tell": "(done.at IS NOT NULL OR t.withdrawn_at IS NOT NULL) AND h.told_at IS NULL",
    "told": "h.told_at IS NOT NULL",
}


@dataclass(frozen=True)
class TaskRow:
    """A piece of field work at an instant: what it says, what is owed on it, how often it was done, what was found.

    ``done_in`` is where: an unannounced inspection belongs to the unit that gave it until it has taken place.
    """

    id: uuid.UUID
    kind: str
    role: str
    division_code: int
    title: str
    place: str
    category: str
    person: str
    address: str
    items: list[str]
    starts_at: datetime
    due_at: datetime
    every_hours: int | None
    until: datetime | None
    hazard: uuid.UUID | None
    given_at: datetime
    withdrawn_at: datetime | None
    withdrawn_reason: str
    outstanding: int
    overdue: int
    next_due_at: datetime | None
    times: int
    last_at: datetime | None
    findings: int
    unfixed: int
    attempts: int
    done_in: int

    @property
    def state(self) -> str:
        """Whether it is ``withdrawn``, ``overdue``, ``open`` or ``done``."""
        if self.withdrawn_at is not None:
            return "withdrawn"
        return "overdue" if self.overdue else "open" if self.outstanding else "done"


@dataclass(frozen=True)
class RecordRow:
    """What was done in one turn, and the post that recorded it."""

    id: uuid.UUID
    task: uuid.UUID
    period: str
    kind: str
    outcome: str
    points: int | None
    people: int
    hours: Decimal | None
    disinfected: bool | None
    handed: str
    category: str
    measure: str
    checked: list[str]
    note: str
    done_at: datetime
    title: str


@dataclass(frozen=True)
class AttemptRow:
    """A turn that could not be done: why, and when somebody comes again."""

    tried_at: datetime
    reason: str
    note: str
    next_at: datetime
    period: str


@dataclass(frozen=True)
class FindingRow:
    """What an inspection found, where, by when it is to be put right and when it was."""

    id: uuid.UUID
    task: uuid.UUID
    title: str
    place: str
    division_code: int
    category: str
    item: str
    text: str
    found_at: datetime
    must_fix_by: datetime | None
    fixed_at: datetime | None
    fixed_note: str


@dataclass(frozen=True)
class HazardRow:
    """A reported hazard, the work it called for, when that was done and the reporter told; ``left`` says that a caller left word how."""

    id: uuid.UUID
    kind: str
    text: str
    place: str
    division_code: int
    channel: str
    reported_at: datetime
    task: uuid.UUID
    done_at: datetime | None
    withdrawn_at: datetime | None
    told_at: datetime | None
    left: bool


def tasks(
    *, by: Actor, at: datetime, within: CodeRange | None = None, kind: str = "", state: str = "", limit: int = 100,
    offset: int = 0,
) -> list[TaskRow]:  # fmt: skip
    """List field work: overdue first, then by what is due next; what owes nothing comes last."""
    where, params = _where(by, at, within, kind, STATES.get(state))
    order = "ORDER BY owed.overdue = 0, owed.next_due_at NULLS LAST, t.given_at DESC, t.id LIMIT %(limit)s OFFSET %(offset)s"
    rows = read_rows(by, f"{TASK_COLUMNS}{TASKS}{where}{order}", params | {"limit": limit, "offset": offset})
    return [_task(row) for row in rows]


def count_tasks(*, by: Actor, at: datetime, within: CodeRange | None = None, kind: str = "", state: str = "") -> int:
    """Count the field work that `tasks` lists."""
    where, params = _where(by, at, within, kind, STATES.get(state))
    return int(read_rows(by, f"SELECT count(*) {TASKS}{where}", params)[0][0])


def task(id: uuid.UUID, *, by: Actor, at: datetime) -> TaskRow:
    """Return one piece of field work in the actor's area. Raises `TaskNotFound`."""
    _, params = _where(by, at, None, "", None)
    rows = read_rows(by, f"{TASK_COLUMNS}{TASKS}", params | {"task": id})
    if not rows:
        raise TaskNotFound("There is no such piece of work in your area. Refresh your list.")
    return _task(rows[0])


def records(task: uuid.UUID, *, by: Actor, at: datetime) -> list[RecordRow]:
    """List what was done on a task, the latest first."""
    by.require(READ_TASKS)
    rows = [RecordRow(*row) for row in read_rows(by, RECORDS, {"task": task, "at": at})]
    return [replace(row, checked=json.loads(str(row.checked))) for row in rows]


def attempts(task: uuid.UUID, *, by: Actor, at: datetime) -> list[AttemptRow]:
    """List when a task could not be done and why, the latest first."""
    by.require(READ_TASKS)
    return [AttemptRow(*row) for row in read_rows(by, ATTEMPTS, {"task": task, "at": at})]


def findings(
    *, by: Actor, at: datetime, task: uuid.UUID | None = None, state: str = "", limit: int = 100, offset: int = 0
) -> list[FindingRow]:
    """List findings, those to be put right soonest on top."""
    where, params = _where(by, at, None, "", FINDING_STATES.get(state))
    order = "ORDER BY f.fixed_at IS NOT NULL, f.must_fix_by NULLS LAST, f.found_at DESC, f.id LIMIT %(limit)s OFFSET %(offset)s"
    columns = """SELECT f.id, f.task_id, t.title, t.place, f.division_code, r.category, f.item, f.text, f.found_at, f.must_fix_by,
                        f.fixed_at, f.fixed_note """
    rows = read_rows(
        by, f"{columns}{FINDINGS}{where}{order}", params | {"task": task, "limit": limit, "offset": offset}
    )
    return [FindingRow(*row) for row in rows]


def count_findings(*, by: Actor, at: datetime, task: uuid.UUID | None = None, state: str = "") -> int:
    """Count the findings that `findings` lists."""
    where, params = _where(by, at, None, "", FINDING_STATES.get(state))
    return int(read_rows(by, f"SELECT count(*) {FINDINGS}{where}", params | {"task": task})[0][0])


def hazards(*, by: Actor, at: datetime, state: str = "", limit: int = 100, offset: int = 0) -> list[HazardRow]:
    """List reported hazards: those to be seen to first, then those whose reporters wait for word."""
    where, params = _where(by, at, None, "", HAZARD_STATES.get(state))
    order = "ORDER BY h.told_at IS NOT NULL, done.at IS NOT NULL, h.reported_at, h.id LIMIT %(limit)s OFFSET %(offset)s"
    rows = read_rows(by, f"{_HAZARD_COLUMNS}{HAZARDS}{where}{order}", params | {"limit": limit, "offset": offset})
    return [HazardRow(*row) for row in rows]


def count_hazards(*, by: Actor, at: datetime, state: str = "") -> int:
    """Count the hazards that `hazards` lists."""
    where, params = _where(by, at, None, "", HAZARD_STATES.get(state))
    return int(read_rows(by, f"SELECT count(*) {HAZARDS}{where}", params)[0][0])


def hazard(id: uuid.UUID, *, by: Actor, at: datetime) -> HazardRow:
    """Return one hazard in the actor's area. Raises `TaskNotFound`."""
    _, params = _where(by, at, None, "", None)
    rows = read_rows(by, f"{_HAZARD_COLUMNS}{HAZARDS}", params | {"hazard": id})
    if not rows:
        raise TaskNotFound("There is no such hazard in your area. Refresh your list.")
    return HazardRow(*rows[0])


_HAZARD_COLUMNS = """SELECT h.id, h.kind, h.text, h.place, h.division_code, h.channel, h.reported_at, h.task, done.at, t.withdrawn_at,
       h.told_at, h.contact_cipher IS NOT NULL """


def _task(columns: Sequence[Any]) -> TaskRow:
    row = TaskRow(*columns)
    return replace(row, items=json.loads(str(row.items)))


def _where(
    by: Actor, at: datetime, within: CodeRange | None, kind: str, state: str | None
) -> tuple[str, dict[str, Any]]:
    by.require(READ_TASKS)
    span = within or by.scope
    params = {"at": at, "lo": span.lo, "hi": span.hi, "kind": kind, "task": None, "hazard": None}
    return (f" AND ({state}) " if state else " "), params
