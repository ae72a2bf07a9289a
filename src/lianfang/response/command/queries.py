"""Reading incidents, levels, task forces, meetings and directives, now or at any instant."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, read_rows
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import CodeRange, county_of
from lianfang.response.command.permissions import READ_COMMAND
from lianfang.response.command.rules import CountyNotChosen, IncidentNotFound

# An incident concerns everybody in its county and everybody above it.
INCIDENTS = """
SELECT id, county, division_code, title_zh, title_en, disease, pack, overlays, declared_at, authority, closed_at
FROM command_incident
WHERE county * 1000000000::bigint <= %(hi)s AND county * 1000000000::bigint + 999999999 >= %(lo)s AND declared_at <= %(at)s {where}
ORDER BY declared_at DESC, title_zh
"""

LEVELS = """
SELECT level, mode, government, authority, reason, valid_at, recorded_at FROM command_responselevel
WHERE incident_id = %(incident)s AND valid_at <= %(at)s AND recorded_at <= %(known_at)s
ORDER BY valid_at DESC, recorded_at DESC
"""

AREAS = """
SELECT code_lo, code_hi FROM command_incidentarea
WHERE incident_id = %(incident)s AND valid_from <= %(at)s AND (valid_until IS NULL OR valid_until > %(at)s)
ORDER BY code_lo
"""

TASK_FORCES = """
SELECT f.id, f.kind, f.name_zh, f.name_en, f.line, f.lead_title, f.work_place, f.division_code, f.formed_at,
       (SELECT count(*) FROM command_taskforcepost p
        WHERE p.task_force_id = f.id AND p.since <= %(at)s AND (p.until IS NULL OR p.until > %(at)s))
FROM command_taskforce f
WHERE f.incident_id = %(incident)s AND f.formed_at <= %(at)s AND (f.dissolved_at IS NULL OR f.dissolved_at > %(at)s)
ORDER BY f.kind <> 'office', f.kind, f.formed_at, f.name_zh
"""

# What each recipient in the actor's area owed and had answered by the instant: every count of answers is over this.
ANSWERS = """
SELECT r.id, d.id AS directive, d.number, d.title, r.division_code,
       coalesce(place.name, '') AS place, r.title AS unit, r.role, d.issued_at, d.acknowledge_by, d.feedback_by,
       receipt.received_at, said.state, said.at AS said_at,
       receipt.received_at IS NULL AS owes_receipt,
       d.feedback_by IS NOT NULL AND coalesce(said.state, 'under_way') = 'under_way' AS owes_feedback
FROM command_directive d
JOIN command_directiverecipient r ON r.directive_id = d.id AND r.division_code BETWEEN %(lo)s AND %(hi)s
LEFT JOIN command_directivereceipt receipt ON receipt.recipient_id = r.id AND receipt.received_at <= %(at)s
LEFT JOIN LATERAL (
    SELECT f.state, f.at FROM command_directivefeedback f
    WHERE f.recipient_id = r.id AND f.at <= %(at)s ORDER BY f.at DESC, f.recorded_at DESC LIMIT 1
) AS said ON true
LEFT JOIN LATERAL (
    SELECT v.name FROM territory_division v
    WHERE v.code = r.division_code AND v.valid_from <= %(day)s AND (v.valid_until IS NULL OR v.valid_until > %(day)s)
    LIMIT 1
) AS place ON true
WHERE d.incident_id = %(incident)s AND d.issued_at <= %(at)s AND (d.withdrawn_at IS NULL OR d.withdrawn_at > %(at)s)
"""

OUTSTANDING = "WHERE owes_receipt OR owes_feedback"

DIRECTIVES = """
SELECT d.id, d.number, d.title, d.text, d.division_code, d.issued_at, d.issued_by, d.authority, d.acknowledge_by,
       d.feedback_by, count(*), count(*) FILTER (WHERE NOT a.owes_receipt), count(*) FILTER (WHERE a.owes_receipt),
       count(*) FILTER (WHERE a.owes_feedback),
       count(*) FILTER (WHERE a.owes_receipt AND a.acknowledge_by < %(at)s OR a.owes_feedback AND a.feedback_by < %(at)s)
FROM ({answers}) AS a JOIN command_directive d ON d.id = a.directive
GROUP BY d.id {having} ORDER BY d.issued_at DESC, d.number DESC
"""

ANSWER_COUNTS = """
SELECT count(DISTINCT directive), count(*) FILTER (WHERE owes_receipt),
       count(*) FILTER (WHERE owes_receipt AND acknowledge_by < %(at)s), count(*) FILTER (WHERE owes_feedback),
       count(*) FILTER (WHERE owes_feedback AND feedback_by < %(at)s)
FROM ({answers}) AS a
"""

MEETINGS = """
SELECT m.id, m.kind, m.at, m.title, m.conclusions, m.chaired_by, m.division_code,
       (SELECT count(*) FROM command_directive d WHERE d.meeting_id = m.id AND d.issued_at <= %(at)s)
FROM command_meeting m WHERE m.incident_id = %(incident)s AND m.at <= %(at)s ORDER BY m.at DESC
"""


@dataclass(frozen=True)
class IncidentRow:
    """An incident that concerns the actor's area."""

    id: uuid.UUID
    county: int
    division_code: int
    title_zh: str
    title_en: str
    disease: str
    pack: str
    overlays: tuple[str, ...]
    declared_at: datetime
    authority: str
    closed_at: datetime | None


@dataclass(frozen=True)
class LevelRow:
    """One change of response level and mode: when it held and when it was learned."""

    level: int | None
    mode: str
    government: str
    authority: str
    reason: str
    valid_at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class TaskForceRow:
    """The office, a group or a task force at an instant, with the number of posts in it."""

    id: uuid.UUID
    kind: str
    name_zh: str
    name_en: str
    line: str
    lead_title: str
    work_place: str
    division_code: int
    formed_at: datetime
    posts: int


@dataclass(frozen=True)
class DirectiveRow:
    """A directive with how many of its recipients in the actor's area have answered; ``overdue`` is by the instant."""

    id: uuid.UUID
    number: int
    title: str
    text: str
    division_code: int
    issued_at: datetime
    issued_by: str
    authority: str
    acknowledge_by: datetime
    feedback_by: datetime | None
    recipients: int
    received: int
    receipts_outstanding: int
    feedback_outstanding: int
    overdue: int


@dataclass(frozen=True)
class AnswerRow:
    """What one recipient owes on a directive and has answered."""

    recipient: uuid.UUID
    directive: uuid.UUID
    number: int
    title: str
    division_code: int
    place: str
    unit: str
    role: str
    issued_at: datetime
    acknowledge_by: datetime
    feedback_by: datetime | None
    received_at: datetime | None
    state: str | None
    said_at: datetime | None
    owes_receipt: bool
    owes_feedback: bool


@dataclass(frozen=True)
class MeetingRow:
    """A meeting, its conclusions, and how many directives followed from it."""

    id: uuid.UUID
    kind: str
    at: datetime
    title: str
    conclusions: str
    chaired_by: str
    division_code: int
    directives: int


@dataclass(frozen=True)
class Situation:
    """What is true of an incident at an instant; ``day`` counts from the day of declaration, which is day 0."""

    incident: IncidentRow
    at: datetime
    day: int
    level: LevelRow | None
    areas: tuple[CodeRange, ...]
    task_forces: int
    directives: int
    receipts_outstanding: int
    receipts_overdue: int
    feedback_outstanding: int
    feedback_overdue: int


def incidents(*, by: Actor, at: datetime | None = None, current: bool = True) -> list[IncidentRow]:
    """List the incidents that concern the actor's area: those running at an instant, or every one declared by then."""
    by.require(READ_COMMAND)
    where = "AND (closed_at IS NULL OR closed_at > %(at)s)" if current else ""
    return [_incident(row) for row in _read(INCIDENTS.format(where=where), by, at)]


def incident_of(incident: uuid.UUID, *, by: Actor) -> IncidentRow:
    """Return one incident, running or closed, or raise `IncidentNotFound`."""
    by.require(READ_COMMAND)
    rows = _read(INCIDENTS.format(where="AND id = %(incident)s"), by, None, incident=incident)
    if not rows:
        raise IncidentNotFound("There is no such incident in your area. Choose one of the list.")
    return _incident(rows[0])


def is_running(incident: uuid.UUID, *, by: Actor) -> bool:
    """Say whether an incident that concerns the actor's area runs now, to whoever must know before they act."""
    where = "AND id = %(incident)s AND closed_at IS NULL"
    return bool(_read(INCIDENTS.format(where=where), by, None, incident=incident))


def level_history(
    incident: uuid.UUID, *, by: Actor, at: datetime | None = None, known_at: datetime | None = None
) -> list[LevelRow]:
    """List an incident's changes of level and mode up to an instant, the one in force first, as known at another."""
    incident_of(incident, by=by)
    known = known_at or response_now()
    return [LevelRow(*row) for row in _read(LEVELS, by, at, incident=incident, known_at=known)]


def task_forces(incident: uuid.UUID, *, by: Actor, at: datetime | None = None) -> list[TaskForceRow]:
    """List office, groups and task forces working at an instant."""
    incident_of(incident, by=by)
    return [TaskForceRow(*row) for row in _read(TASK_FORCES, by, at, incident=incident)]


def meetings(incident: uuid.UUID, *, by: Actor, at: datetime | None = None) -> list[MeetingRow]:
    """List meetings held by an instant, the latest first."""
    incident_of(incident, by=by)
    return [MeetingRow(*row) for row in _read(MEETINGS, by, at, incident=incident)]


def county_in_view(by: Actor) -> int:
    """Return the county whose hot tables an actor reads: its own, or for a superior level the one with incidents.

    Raises `CountyNotChosen` rather than answer for a county nobody meant: a silent zero is the worst answer.
    """
    first, last = county_of(by.scope.lo), county_of(by.scope.hi)
    if first == last:
        return first
    with acting(by), connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT county FROM command_incident WHERE division_code BETWEEN %s AND %s",
            [by.scope.lo, by.scope.hi],
        )
        counties = [row[0] for row in cursor.fetchall()]
    if len(counties) == 1:
        return counties[0]
    raise CountyNotChosen(
        f"This is counted county by county, and {len(counties)} counties of your area have incidents: "
        "act under a grant for one of them."
    )


def directives(
    incident: uuid.UUID, *, by: Actor, at: datetime | None = None, outstanding: bool = False
) -> list[DirectiveRow]:
    """List directives in force that went to units in the actor's area; ``outstanding``: only those still owed answers."""
    incident_of(incident, by=by)
    having = "HAVING bool_or(a.owes_receipt OR a.owes_feedback)" if outstanding else ""
    query = DIRECTIVES.format(answers=ANSWERS, having=having)
    return [DirectiveRow(*row) for row in _read(query, by, at, incident=incident)]


def answers(
    incident: uuid.UUID,
    *,
    by: Actor,
    at: datetime | None = None,
    directive: uuid.UUID | None = None,
    outstanding: bool = False,
) -> list[AnswerRow]:
    """List what each recipient in the actor's area owes and has answered: the list behind the counts of directives."""
    incident_of(incident, by=by)
    one = " AND d.id = %(directive)s" if directive else ""
    query = (
        f"SELECT * FROM ({ANSWERS}{one}) AS a {OUTSTANDING if outstanding else ''} ORDER BY number, division_code, role"  # noqa: S608
    )
    return [AnswerRow(*row) for row in _read(query, by, at, incident=incident, directive=directive)]


def situation(
    incident: uuid.UUID, *, by: Actor, at: datetime | None = None, known_at: datetime | None = None
) -> Situation:
    """Return what is true of an incident at an instant, as known at another (both the response clock's now)."""
    found, instant = incident_of(incident, by=by), at or response_now()
    history = level_history(incident, by=by, at=instant, known_at=known_at)
    areas = tuple(CodeRange(lo, hi) for lo, hi in _read(AREAS, by, instant, incident=incident))
    forces = len(_read(TASK_FORCES, by, instant, incident=incident))
    [counts] = _read(ANSWER_COUNTS.format(answers=ANSWERS), by, instant, incident=incident)
    day = (local_date(instant) - local_date(found.declared_at)).days
    return Situation(found, instant, day, history[0] if history else None, areas, forces, *counts)


def _incident(row: Sequence[Any]) -> IncidentRow:
    values = list(row)
    values[7] = tuple(json.loads(values[7]))
    return IncidentRow(*values)


def _read(query: str, by: Actor, at: datetime | None, **params: Any) -> list[Any]:
    instant = at or response_now()
    params |= {"lo": by.scope.lo, "hi": by.scope.hi, "at": instant, "day": local_date(instant)}
    return read_rows(by, query, params)
