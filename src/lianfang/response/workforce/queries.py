"""Reading the workforce: who is sent where, which teams stand, who volunteered, and whether places were staffed."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import read_rows
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import CodeRange
from lianfang.response.workforce.permissions import READ_WORKFORCE
from lianfang.response.workforce.rules import Presence, ShiftAttendance, Staffing, staffing

PLACE = """coalesce((
    SELECT v.name FROM territory_division v
    WHERE v.code = {code} AND v.valid_from <= %(day)s AND (v.valid_until IS NULL OR v.valid_until > %(day)s) LIMIT 1
), '')"""

# Every count of people sent somewhere, and the list behind it, is over these rows.
DEPLOYED = """
FROM workforce_deployment d
JOIN workforce_organisation o ON o.id = d.organisation_id
LEFT JOIN workforce_responder r ON r.id = d.responder_id
WHERE d.division_code BETWEEN %(lo)s AND %(hi)s AND d.valid_from <= %(until)s
  AND (d.valid_until IS NULL OR d.valid_until > %(since)s)
  AND (%(kinds)s::text[] IS NULL OR d.kind = ANY(%(kinds)s))
  AND (%(line)s::text IS NULL OR d.line = %(line)s)
  AND (%(responder_kinds)s::text[] IS NULL OR r.kind = ANY(%(responder_kinds)s))
  AND (%(organisation_kinds)s::text[] IS NULL OR o.kind = ANY(%(organisation_kinds)s))
  AND (%(levels)s::text[] IS NULL OR o.level = ANY(%(levels)s))
"""

DEPLOYMENTS = """
SELECT d.id, d.responder_id, coalesce(r.name, ''), coalesce(r.kind, ''), o.id, o.name, o.kind, o.level, d.from_code,
       d.division_code, d.kind, d.line, d.reason, d.authority, d.valid_from, d.valid_until, {place}
{deployed} ORDER BY d.division_code, o.name, d.valid_from, d.id LIMIT %(limit)s OFFSET %(offset)s
"""

DEPLOYED_COUNTS = "SELECT count(DISTINCT d.responder_id), count(DISTINCT d.organisation_id), count(*) {deployed}"

SUPPORTING = """
SELECT o.id, o.name, o.kind, o.level, o.division_code, count(DISTINCT d.responder_id), min(d.valid_from)
{deployed} AND d.from_code NOT BETWEEN %(lo)s AND %(hi)s
GROUP BY o.id ORDER BY count(DISTINCT d.responder_id) DESC, o.name
"""

TEAMS = """
SELECT t.id, t.kind, t.name, o.name, t.division_code, {place}, t.formed_at, t.disbanded_at, coalesce(leader.name, ''),
       coalesce(crew.members, 0)
FROM workforce_team t
LEFT JOIN workforce_organisation o ON o.id = t.organisation_id
LEFT JOIN LATERAL (
    SELECT count(*) AS members, (array_agg(m.responder_id) FILTER (WHERE m.leads))[1] AS leader
    FROM workforce_teammember m
    WHERE m.team_id = t.id AND m.since <= %(at)s AND (m.until IS NULL OR m.until > %(at)s)
) AS crew ON true
LEFT JOIN workforce_responder leader ON leader.id = crew.leader
WHERE t.division_code BETWEEN %(lo)s AND %(hi)s AND t.formed_at <= %(at)s
  AND (t.disbanded_at IS NULL OR t.disbanded_at > %(at)s) AND (%(kinds)s::text[] IS NULL OR t.kind = ANY(%(kinds)s))
ORDER BY t.division_code, t.kind, t.name
"""

# Person-times and their list are over these rows.
ATTENDED = """
FROM workforce_attendance a
LEFT JOIN workforce_responder r ON r.id = a.responder_id
LEFT JOIN workforce_team t ON t.id = a.team_id
LEFT JOIN workforce_organisation o ON o.id = coalesce(r.organisation_id, t.organisation_id)
LEFT JOIN workforce_shiftassignment g ON g.id = a.assignment_id
LEFT JOIN workforce_shift s ON s.id = g.shift_id
WHERE a.division_code BETWEEN %(lo)s AND %(hi)s AND a.checked_in_at <= %(until)s
  AND (%(voluntary)s::boolean IS NULL OR a.voluntary = %(voluntary)s)
  AND (%(line)s::text IS NULL OR a.line = %(line)s)
"""
IN_PERIOD = "AND a.checked_in_at >= %(since)s"
# Somebody who never checked out is taken to be there to the end of their shift, and no longer.
PRESENT = """
AND coalesce(a.checked_out_at, s.ends_at, 'infinity'::timestamptz) > %(until)s
"""

ATTENDANCES = """
SELECT a.id, a.responder_id, a.team_id, coalesce(r.name, t.name, ''), coalesce(o.name, ''), a.people, a.voluntary,
       a.line, a.division_code, a.checked_in_at, a.checked_out_at, s.id, s.name, s.ends_at, {place}
{attended} ORDER BY a.checked_in_at, a.id LIMIT %(limit)s OFFSET %(offset)s
"""

PERSON_TIMES = "SELECT coalesce(sum(a.people), 0)::int, count(DISTINCT a.responder_id) {attended}"

ROSTER = """
SELECT s.id, s.staffs, s.subject, s.name, s.division_code, {place}, s.starts_at, s.ends_at, s.role, s.headcount,
       g.id, g.responder_id, g.team_id, coalesce(r.name, t.name, ''), coalesce(g.people, 0), g.rest_waived,
       a.checked_in_at, a.checked_out_at, a.relieved_by, coalesce(a.people, 0)
FROM workforce_shift s
LEFT JOIN workforce_shiftassignment g ON g.shift_id = s.id AND g.cancelled_at IS NULL
LEFT JOIN workforce_responder r ON r.id = g.responder_id
LEFT JOIN workforce_team t ON t.id = g.team_id
LEFT JOIN workforce_attendance a ON a.assignment_id = g.id
WHERE s.division_code BETWEEN %(lo)s AND %(hi)s AND s.cancelled_at IS NULL
  AND s.starts_at < %(until)s AND s.ends_at > %(since)s
  AND (%(subjects)s::uuid[] IS NULL OR s.subject = ANY(%(subjects)s))
  AND (%(staffs)s::text IS NULL OR s.staffs = %(staffs)s)
ORDER BY s.starts_at, s.name, s.id, g.id
"""

APPEALS = """
SELECT p.id, p.title, o.name, p.division_code, p.line, p.needed, p.opens_at, p.closes_at, count(v.id),
       count(v.id) FILTER (WHERE v.state = 'accepted'), count(v.id) FILTER (WHERE v.state = 'declined'),
       count(DISTINCT d.responder_id)
FROM workforce_volunteerappeal p
JOIN workforce_organisation o ON o.id = p.organisation_id
LEFT JOIN workforce_volunteerapplication v ON v.appeal_id = p.id AND v.applied_at <= %(at)s
LEFT JOIN workforce_deployment d ON d.application_id = v.id
WHERE p.division_code BETWEEN %(lo)s AND %(hi)s AND p.opens_at <= %(at)s
GROUP BY p.id, o.name ORDER BY p.opens_at DESC, p.title
"""

APPLICATIONS = """
SELECT v.id, v.responder_id, coalesce(r.name, ''), coalesce(r.kind, ''), v.state, v.applied_at, v.decided_at, v.reason
FROM workforce_volunteerapplication v LEFT JOIN workforce_responder r ON r.id = v.responder_id
WHERE v.appeal_id = %(appeal)s ORDER BY v.applied_at, v.id
"""


@dataclass(frozen=True)
class Sent:
    """Which deployments to look at: running at some time between two instants (now where ``None``), and of which kinds."""

    within: CodeRange | None = None
    since: datetime | None = None
    until: datetime | None = None
    kinds: tuple[str, ...] | None = None
    line: str | None = None
    responder_kinds: tuple[str, ...] | None = None
    organisation_kinds: tuple[str, ...] | None = None
    levels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class DeploymentRow:
    """One person sent somewhere; the name is empty where the person is out of the actor's sight."""

    id: uuid.UUID
    responder: uuid.UUID
    name: str
    kind: str
    organisation: uuid.UUID
    organisation_name: str
    organisation_kind: str
    level: str
    from_code: int
    division_code: int
    deployment_kind: str
    line: str
    reason: str
    authority: str
    valid_from: datetime
    valid_until: datetime | None
    place: str


@dataclass(frozen=True)
class DeployedCounts:
    """Distinct persons and organisations among deployments, and the deployments themselves."""

    persons: int
    organisations: int
    deployments: int


@dataclass(frozen=True)
class SupportingRow:
    """An organisation from elsewhere with the number of its people in a place."""

    id: uuid.UUID
    name: str
    kind: str
    level: str
    division_code: int
    persons: int
    since: datetime


@dataclass(frozen=True)
class TeamRow:
    """A team standing at an instant."""

    id: uuid.UUID
    kind: str
    name: str
    organisation: str | None
    division_code: int
    place: str
    formed_at: datetime
    disbanded_at: datetime | None
    leader: str
    members: int


@dataclass(frozen=True)
class AttendanceRow:
    """A stretch at work of a person, or of so many people of a team."""

    id: uuid.UUID
    responder: uuid.UUID | None
    team: uuid.UUID | None
    name: str
    organisation: str
    people: int
    voluntary: bool
    line: str
    division_code: int
    checked_in_at: datetime
    checked_out_at: datetime | None
    shift: uuid.UUID | None
    shift_name: str | None
    shift_ends_at: datetime | None
    place: str


@dataclass(frozen=True)
class CrewRow:
    """Who is due on a shift, and when they came and went."""

    assignment: uuid.UUID
    responder: uuid.UUID | None
    team: uuid.UUID | None
    name: str
    people: int
    rest_waived: str
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    relieved_by: uuid.UUID | None
    came: int


@dataclass(frozen=True)
class ShiftRow:
    """A shift with its crews; ``missing`` is how many people are still to be assigned."""

    id: uuid.UUID
    staffs: str
    subject: uuid.UUID
    name: str
    division_code: int
    place: str
    starts_at: datetime
    ends_at: datetime
    role: str
    headcount: int
    crews: tuple[CrewRow, ...]

    @property
    def missing(self) -> int:
        """Return how many people are still to be assigned."""
        return max(self.headcount - sum(crew.people for crew in self.crews), 0)


@dataclass(frozen=True)
class AppealRow:
    """An appeal and what came of it; ``assigned`` counts persons."""

    id: uuid.UUID
    title: str
    organisation: str
    division_code: int
    line: str
    needed: int
    opens_at: datetime
    closes_at: datetime | None
    applied: int
    accepted: int
    declined: int
    assigned: int


@dataclass(frozen=True)
class ApplicationRow:
    """One offer to help."""

    id: uuid.UUID
    responder: uuid.UUID
    name: str
    kind: str
    state: str
    applied_at: datetime
    decided_at: datetime | None
    reason: str


def deployments(*, by: Actor, sent: Sent = Sent(), limit: int = 500, offset: int = 0) -> list[DeploymentRow]:
    """List people sent to places in the actor's area: the list behind `deployed_counts`."""
    query = DEPLOYMENTS.format(deployed=DEPLOYED, place=PLACE.format(code="d.division_code"))
    return [DeploymentRow(*row) for row in _read(query, by, **_sent(by, sent), limit=limit, offset=offset)]


def deployed_counts(*, by: Actor, sent: Sent = Sent()) -> DeployedCounts:
    """Count the distinct persons and organisations among people sent to places in the actor's area."""
    return DeployedCounts(*_read(DEPLOYED_COUNTS.format(deployed=DEPLOYED), by, **_sent(by, sent))[0])


def supporting_organisations(*, by: Actor, within: CodeRange, sent: Sent = Sent()) -> list[SupportingRow]:
    """List the organisations from outside a place that sent people into it, with the number of persons."""
    params = _sent(by, sent) | {"lo": within.lo, "hi": within.hi}
    return [SupportingRow(*row) for row in _read(SUPPORTING.format(deployed=DEPLOYED), by, **params)]


def teams(
    *, by: Actor, within: CodeRange | None = None, kinds: Sequence[str] | None = None, at: datetime | None = None
) -> list[TeamRow]:
    """List the teams of a place that stand at an instant, for instance the party branches of a town."""
    span = within or by.scope
    asked = None if kinds is None else list(kinds)
    query = TEAMS.format(place=PLACE.format(code="t.division_code"))
    rows = _read(query, by, lo=span.lo, hi=span.hi, at=at or response_now(), kinds=asked)
    return [TeamRow(*row) for row in rows]


def attendances(
    *,
    by: Actor,
    within: CodeRange | None = None,
    since: datetime,
    until: datetime | None = None,
    voluntary: bool | None = None,
    line: str | None = None,
    limit: int = 500,
    offset: int = 0,
) -> list[AttendanceRow]:
    """List stretches at work begun between two instants: the list behind `person_times`."""
    query = ATTENDANCES.format(attended=ATTENDED + IN_PERIOD, place=PLACE.format(code="a.division_code"))
    params = _attended(by, within, since, until, voluntary, line)
    return [AttendanceRow(*row) for row in _read(query, by, **params, limit=limit, offset=offset)]


def person_times(
    *,
    by: Actor,
    within: CodeRange | None = None,
    since: datetime,
    until: datetime | None = None,
    voluntary: bool | None = None,
    line: str | None = None,
) -> tuple[int, int]:
    """Count person-times (人次) begun between two instants, and the distinct persons among them (members of teams apart)."""
    query = PERSON_TIMES.format(attended=ATTENDED + IN_PERIOD)
    times, persons = _read(query, by, **_attended(by, within, since, until, voluntary, line))[0]
    return times, persons


def on_duty(*, by: Actor, within: CodeRange | None = None, at: datetime | None = None) -> list[AttendanceRow]:
    """List who is at work in a place at an instant; who never checked out counts to the end of their shift."""
    query = ATTENDANCES.format(attended=ATTENDED + PRESENT, place=PLACE.format(code="a.division_code"))
    instant = at or response_now()
    rows = _read(query, by, **_attended(by, within, instant, instant, None, None), limit=None, offset=0)
    return [AttendanceRow(*row) for row in rows]


def roster(
    *,
    by: Actor,
    since: datetime,
    until: datetime,
    within: CodeRange | None = None,
    subjects: Sequence[uuid.UUID] | None = None,
    staffs: str | None = None,
) -> list[ShiftRow]:
    """List the shifts that touch a period, in order, with their crews and who came."""
    span = within or by.scope
    asked = None if subjects is None else list(subjects)
    query = ROSTER.format(place=PLACE.format(code="s.division_code"))
    rows = _read(query, by, lo=span.lo, hi=span.hi, since=since, until=until, subjects=asked, staffs=staffs)
    crews: dict[tuple[Any, ...], list[CrewRow]] = defaultdict(list)
    for row in rows:
        crews[row[:10]].extend([CrewRow(*row[10:])] if row[10] is not None else [])
    return [ShiftRow(*[*shift, tuple(crew)]) for shift, crew in crews.items()]


def staffing_of(
    subjects: Sequence[uuid.UUID], *, by: Actor, since: datetime, until: datetime
) -> dict[uuid.UUID, Staffing]:
    """Return how checkpoints, sites or desks were staffed between two instants (never beyond now), gap by gap.

    Staffed round the clock is proven by check-ins alone: where nobody checked in there is a gap, planned or not.
    """
    last = min(until, response_now())
    shifts: dict[uuid.UUID, list[ShiftAttendance]] = {subject: [] for subject in subjects}
    # A crew that waits for its relief is there after its shift has ended: the day before is read too.
    for shift in roster(by=by, since=since - timedelta(days=1), until=last, subjects=subjects):
        shifts[shift.subject].append(_attendance_of(shift))
    return {subject: staffing(mine, since, last) for subject, mine in shifts.items()}


def appeals(*, by: Actor, at: datetime | None = None) -> list[AppealRow]:
    """List appeals for volunteers in the actor's area with what came of them."""
    rows = _read(APPEALS, by, lo=by.scope.lo, hi=by.scope.hi, at=at or response_now())
    return [AppealRow(*row) for row in rows]


def applications(appeal: uuid.UUID, *, by: Actor) -> list[ApplicationRow]:
    """List the applications to an appeal, the first come first."""
    return [ApplicationRow(*row) for row in _read(APPLICATIONS, by, appeal=appeal)]


def _attendance_of(shift: ShiftRow) -> ShiftAttendance:
    present = tuple(
        Presence(crew.checked_in_at, crew.checked_out_at or max(shift.ends_at, crew.checked_in_at), crew.came)
        for crew in shift.crews
        if crew.checked_in_at is not None
    )
    return ShiftAttendance(shift.starts_at, shift.ends_at, shift.headcount, present)


def _sent(by: Actor, sent: Sent) -> dict[str, Any]:
    span, now = sent.within or by.scope, response_now()
    until = sent.until or now
    lists = {
        name: None if (value := getattr(sent, name)) is None else list(value)
        for name in ("kinds", "responder_kinds", "organisation_kinds", "levels")
    }
    period = {"since": sent.since or until, "until": until}
    return {"lo": span.lo, "hi": span.hi, "line": sent.line} | period | lists


def _attended(
    by: Actor,
    within: CodeRange | None,
    since: datetime,
    until: datetime | None,
    voluntary: bool | None,
    line: str | None,
) -> dict[str, Any]:
    span = within or by.scope
    return {
        "lo": span.lo, "hi": span.hi, "since": since, "until": until or response_now(), "voluntary": voluntary,
        "line": line,
    }  # fmt: skip


def _read(query: str, by: Actor, **params: Any) -> list[Any]:
    by.require(READ_WORKFORCE)
    params["day"] = local_date(params.get("at") or params.get("until") or response_now())
    return read_rows(by, query, params)
