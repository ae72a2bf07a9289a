"""Reading the ledger: lists, overdue first, and the books at any instant."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, read_rows
from lianfang.core.duties.permissions import READ_DUTIES
from lianfang.core.duties.rules import Balance, EscalationStep, answering
from lianfang.core.territory.queries import chains
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import DIGITS, CodeRange, county_of

# One row per duty as it stood at the instant: where it was, and whether it was finished by then.
AS_OF = """
SELECT t.duty, d.kind, d.due_at, (array_agg(t.division_code ORDER BY t.id DESC))[1] AS division_code,
       bool_or(t.kind = 'done') AS done, bool_or(t.kind = 'waived') AS waived, bool_or(t.kind = 'cancelled') AS cancelled
FROM duties_transition t JOIN duties_duty d ON d.county = t.county AND d.id = t.duty
WHERE t.recorded_at <= %(at)s {kind}
GROUP BY t.duty, d.kind, d.due_at
"""

BALANCE = """
SELECT count(*), count(*) FILTER (WHERE done), count(*) FILTER (WHERE waived), count(*) FILTER (WHERE cancelled),
       count(*) FILTER (WHERE NOT (done OR waived OR cancelled))
FROM ({as_of}) AS book WHERE division_code BETWEEN %(lo)s AND %(hi)s
"""

DISAGREEMENTS = """
SELECT d.county, d.id, d.state, log.state FROM duties_duty d LEFT JOIN (
    SELECT county, duty, CASE WHEN bool_or(kind = 'done') THEN 'done' WHEN bool_or(kind = 'waived') THEN 'waived'
           WHEN bool_or(kind = 'cancelled') THEN 'cancelled' ELSE 'outstanding' END AS state
    FROM duties_transition GROUP BY county, duty HAVING bool_or(kind = 'opened')
) AS log ON log.county = d.county AND log.duty = d.id
WHERE log.state IS DISTINCT FROM d.state LIMIT 100
"""

LIST = """
SELECT d.id, d.kind, k.name_zh, k.name_en, d.subject_kind, d.subject, d.period, d.division_code, d.role, d.assignee,
       d.rule, d.source, d.opens_at, d.due_at, d.state, d.outcome, d.finished_at, k.rank, d.due_at < %(now)s AS overdue
FROM duties_duty d JOIN duties_dutykind k ON k.code = d.kind
WHERE d.division_code BETWEEN %(lo)s AND %(hi)s {where}
ORDER BY d.due_at >= %(now)s, CASE WHEN d.due_at < %(now)s THEN k.rank END, d.due_at, d.id
LIMIT %(limit)s OFFSET %(offset)s
"""

# The level is counted from the due time, never stored; the place's own level is told by the zeros of its code.
CLIMBED = """
FROM duties_duty d
JOIN duties_dutykind k ON k.code = d.kind
CROSS JOIN LATERAL (SELECT width_bucket(%(now)s::timestamptz - d.due_at, %(afters)s::interval[])) AS climb (level)
JOIN unnest(%(los)s::bigint[], %(his)s::bigint[], %(levels)s::int[], %(sizes)s::bigint[], %(units)s::bigint[], %(titles)s::text[])
     AS told (lo, hi, level, size, unit, post_title)
  ON told.level = climb.level AND d.division_code BETWEEN told.lo AND told.hi
 AND (told.size >= 1000000000 OR told.size >= 1000000 AND d.division_code %% 1000000000 <> 0
      OR told.size >= 1000 AND d.division_code %% 1000000 <> 0 OR d.division_code %% 1000 <> 0)
CROSS JOIN LATERAL (SELECT coalesce(told.unit, d.division_code / told.size * told.size)) AS at (unit)
WHERE d.state = 'outstanding' AND d.division_code BETWEEN %(lo)s AND %(hi)s AND d.due_at <= %(late)s
  AND (%(level)s::int IS NULL OR climb.level = %(level)s) AND (%(unit)s::bigint IS NULL OR at.unit = %(unit)s)
"""

CLIMBED_LIST = f"""
SELECT page.*, coalesce(place.name, '') FROM (
    SELECT d.id, d.kind, k.name_zh, k.name_en, d.subject_kind, d.subject, d.period, d.division_code, d.role, d.assignee,
           d.rule, d.source, d.opens_at, d.due_at, d.state, d.outcome, d.finished_at, k.rank, true AS overdue,
           climb.level, at.unit, told.post_title
    {CLIMBED} ORDER BY k.rank, climb.level DESC, d.due_at, d.id LIMIT %(limit)s OFFSET %(offset)s
) AS page
LEFT JOIN LATERAL (
    SELECT v.name FROM territory_division v
    WHERE v.code = page.unit AND v.valid_from <= %(day)s AND (v.valid_until IS NULL OR v.valid_until > %(day)s) LIMIT 1
) AS place ON true
ORDER BY page.rank, page.level DESC, page.due_at, page.id
"""  # noqa: S608 - made of the constant above

CLIMBED_COUNTS = f"""
SELECT at.unit, climb.level, told.post_title, count(*), min(k.rank), min(d.due_at)
{CLIMBED} GROUP BY 1, 2, 3 ORDER BY 2 DESC, 4 DESC, 1
"""


@dataclass(frozen=True)
class DutyRow:
    """One line of a duty list; ``overdue`` is computed from ``due_at`` and the response clock, never stored."""

    id: int
    kind: str
    name_zh: str
    name_en: str
    subject_kind: str
    subject: Any
    period: str
    division_code: int
    role: str
    assignee: Any
    rule: str
    source: Any
    opens_at: datetime
    due_at: datetime
    state: str
    outcome: str | None
    finished_at: datetime | None
    rank: int
    overdue: bool


@dataclass(frozen=True)
class ClimbedDuty:
    """An overdue duty, how many steps it has climbed, and the unit and post that answer for it now.

    ``post_title`` is "" where no headquarters has set a chain, ``unit_name`` where the unit's name is not known.
    """

    duty: DutyRow
    level: int
    unit_code: int
    unit_name: str
    post_title: str


@dataclass(frozen=True)
class ClimbedCount:
    """How many overdue duties have climbed to a unit at a level, the gravest rank among them and the oldest due time."""

    unit_code: int
    level: int
    post_title: str
    duties: int
    rank: int
    oldest_due_at: datetime


def duties(
    *,
    by: Actor,
    within: CodeRange | None = None,
    kind: str = "",
    state: str = "outstanding",
    overdue: bool = False,
    opened_by: datetime | None = None,
    without: Sequence[str] = (),
    limit: int = 100,
    offset: int = 0,
) -> list[DutyRow]:
    """List duties in the actor's area: overdue ones first, the gravest kind on top, then by due time.

    ``without``: kinds that are left out.
    """
    where, params = _filters(by, within, kind, state, overdue, opened_by)
    if without:
        where, params = where + " AND d.kind <> ALL(%(without)s)", params | {"without": list(without)}
    with acting(by), connection.cursor() as cursor:
        cursor.execute(LIST.format(where=where), params | {"limit": limit, "offset": offset})
        return [DutyRow(*row) for row in cursor.fetchall()]


def duty_counts(
    *, by: Actor, within: CodeRange | None = None, group_digits: int = 15
) -> list[tuple[int, str, int, int]]:
    """Count outstanding duties by unit and kind: (unit's 15-digit code, kind, outstanding, overdue).

    ``group_digits`` is how many digits of the code make a unit: 9 for townships, 12 for villages, 15 for grids.
    """
    where, params = _filters(by, within, "", "outstanding", False, None)
    with acting(by), connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT d.division_code / %(step)s * %(step)s, d.kind, count(*), count(*) FILTER (WHERE d.due_at < %(now)s)
            FROM duties_duty d WHERE d.division_code BETWEEN %(lo)s AND %(hi)s {where} GROUP BY 1, 2 ORDER BY 4 DESC, 3 DESC
            """,  # noqa: S608 - the condition is made of constants below
            params | {"step": 10 ** (15 - group_digits)},
        )
        return cursor.fetchall()


def climbed(
    *,
    by: Actor,
    now: datetime,
    steps: Sequence[EscalationStep],
    within: CodeRange | None = None,
    level: int | None = None,
    unit: int | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[ClimbedDuty]:
    """List the duties of the actor's area that are so long overdue that somebody above is told.

    Gravest kinds first, then the highest level, then by due time. ``steps`` are the protocol's, ``level`` (1 is the
    first step) and ``unit`` (15-digit code) choose what one count of `climbed_counts` counted.
    """
    params = _climbing(by, now, steps, within, level, unit) | {"limit": limit, "offset": offset}
    with acting(by), connection.cursor() as cursor:
        cursor.execute(CLIMBED_LIST, params)
        return [
            ClimbedDuty(DutyRow(*row[:-4]), step, code, name, title)
            for row in cursor.fetchall()
            for step, code, title, name in [row[-4:]]
        ]


def climbed_counts(
    *, by: Actor, now: datetime, steps: Sequence[EscalationStep], within: CodeRange | None = None
) -> list[ClimbedCount]:
    """Count what `climbed` lists by answering unit and level, the highest level first."""
    with acting(by), connection.cursor() as cursor:
        cursor.execute(CLIMBED_COUNTS, _climbing(by, now, steps, within, None, None))
        return [ClimbedCount(*row) for row in cursor.fetchall()]


def balance(
    *,
    by: Actor,
    at: datetime | None = None,
    within: CodeRange | None = None,
    kind: str = "",
    without: Sequence[str] = (),
) -> Balance:
    """Count the books of a territory at an instant from the log: opened, done, waived, cancelled, outstanding.

    ``without``: kinds that are left out.
    """
    span = within or by.scope
    chosen = ("AND d.kind = %(kind)s " if kind else "") + ("AND d.kind <> ALL(%(without)s)" if without else "")
    params: dict[str, Any] = {
        "at": at or response_now(),
        "kind": kind,
        "without": list(without),
        "lo": span.lo,
        "hi": span.hi,
    }
    with acting(by), connection.cursor() as cursor:
        cursor.execute(BALANCE.format(as_of=AS_OF.format(kind=chosen)), params)
        return Balance(*cursor.fetchone())


def command_of(duty: int, *, by: Actor) -> str:
    """Return the command that finishes a duty by recording its work, or "" when it is simply ticked off."""
    with acting(by), connection.cursor() as cursor:
        cursor.execute(
            "SELECT k.command FROM duties_duty d JOIN duties_dutykind k ON k.code = d.kind WHERE d.id = %s", [duty]
        )
        row = cursor.fetchone()
        return row[0] if row else ""


@dataclass(frozen=True)
class DutyStanding:
    """How one duty stands, and every place it has been at (15-digit codes, the first one first)."""

    id: int
    kind: str
    subject_kind: str
    subject: uuid.UUID
    division_code: int
    state: str
    outcome: str | None
    finished_at: datetime | None
    finished_by: uuid.UUID | None
    places: list[int]


STANDING = """
SELECT d.id, d.kind, d.subject_kind, d.subject, d.division_code, d.state, d.outcome, d.finished_at, d.finished_by,
       ARRAY(SELECT t.division_code FROM duties_transition t WHERE t.county = d.county AND t.duty = d.id ORDER BY t.id)
FROM duties_duty d WHERE d.county = %(county)s AND d.id = %(duty)s
"""


def duty_standing(duty: int, *, by: Actor) -> DutyStanding | None:
    """Return how a duty stands, or None when there is no such duty in the actor's area."""
    rows = read_rows(by, STANDING, {"county": county_of(by.scope.lo), "duty": duty})
    return DutyStanding(*rows[0]) if rows else None


UNOPENED = """
SELECT k.subject, k.period FROM unnest(%(subjects)s::uuid[], %(periods)s::text[]) AS k (subject, period)
WHERE NOT EXISTS (SELECT FROM duties_duty d WHERE d.county = %(county)s AND d.subject = k.subject AND d.kind = %(kind)s
                  AND d.period = k.period AND d.state <> 'cancelled')
"""


def unopened(
    keys: Sequence[tuple[uuid.UUID, str]], *, kind: str, county: int, by: Actor
) -> list[tuple[uuid.UUID, str]]:
    """Return those (subject, period) of a kind that no duty of the county stands for, open, done or waived."""
    params = {
        "kind": kind,
        "county": county,
        "subjects": [one for one, _ in keys],
        "periods": [period for _, period in keys],
    }
    return read_rows(by, UNOPENED, params)


def ledger_disagreements(*, by: Actor) -> list[tuple[int, int, str, str | None]]:
    """Return up to 100 duties whose state is not what the log says (county, id, state, state by the log): none, ever."""
    with acting(by), connection.cursor() as cursor:
        cursor.execute(DISAGREEMENTS)
        return cursor.fetchall()


def _climbing(
    by: Actor,
    now: datetime,
    steps: Sequence[EscalationStep],
    within: CodeRange | None,
    level: int | None,
    unit: int | None,
) -> dict[str, Any]:
    by.require(READ_DUTIES)
    span, day = within or by.scope, local_date(now)
    ordered = sorted(steps, key=lambda step: step.after)
    told = answering(ordered, chains(day), span)
    return {
        "now": now,
        "day": day,
        "late": now - ordered[0].after if ordered else datetime.min.replace(tzinfo=UTC),
        "afters": [step.after for step in ordered],
        "los": [one.lo for one in told],
        "his": [one.hi for one in told],
        "levels": [one.level for one in told],
        "sizes": [10 ** (DIGITS - one.digits) for one in told],
        "units": [one.unit for one in told],
        "titles": [one.post_title for one in told],
        "lo": span.lo,
        "hi": span.hi,
        "level": level,
        "unit": unit,
    }


def _filters(
    by: Actor, within: CodeRange | None, kind: str, state: str, overdue: bool, opened_by: datetime | None
) -> tuple[str, dict[str, Any]]:
    span = within or by.scope
    params: dict[str, Any] = {
        "lo": span.lo,
        "hi": span.hi,
        "now": response_now(),
        "kind": kind,
        "state": state,
    }
    params["opened_by"] = opened_by
    where = "AND d.state = 'outstanding'" if state == "outstanding" else "AND d.state = %(state)s"
    where += " AND d.kind = %(kind)s" if kind else ""
    where += " AND d.due_at < %(now)s" if overdue else ""
    where += " AND d.opens_at <= %(opened_by)s" if opened_by else ""
    return where, params
