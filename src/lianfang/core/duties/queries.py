"""Reading the ledger: lists, overdue first, and the books at any instant."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.rules import Balance
from lianfang.kit.clock import response_now
from lianfang.kit.codes import CodeRange

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


def duties(
    *,
    by: Actor,
    within: CodeRange | None = None,
    kind: str = "",
    state: str = "outstanding",
    overdue: bool = False,
    opened_by: datetime | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[DutyRow]:
    """List duties in the actor's area: overdue ones first, the gravest kind on top, then by due time."""
    where, params = _filters(by, within, kind, state, overdue, opened_by)
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


def balance(*, by: Actor, at: datetime | None = None, within: CodeRange | None = None, kind: str = "") -> Balance:
    """Count the books of a territory at an instant from the log: opened, done, waived, cancelled, outstanding."""
    span = within or by.scope
    as_of = AS_OF.format(kind="AND d.kind = %(kind)s" if kind else "")
    with acting(by), connection.cursor() as cursor:
        cursor.execute(
            BALANCE.format(as_of=as_of),
            {"at": at or response_now(), "kind": kind, "lo": span.lo, "hi": span.hi},
        )
        return Balance(*cursor.fetchone())


def command_of(duty: int, *, by: Actor) -> str:
    """Return the command that finishes a duty by recording its work, or "" when it is simply ticked off."""
    with acting(by), connection.cursor() as cursor:
        cursor.execute(
            "SELECT k.command FROM duties_duty d JOIN duties_dutykind k ON k.code = d.kind WHERE d.id = %s", [duty]
        )
        row = cursor.fetchone()
        return row[0] if row else ""


def ledger_disagreements(*, by: Actor) -> list[tuple[int, int, str, str | None]]:
    """Return up to 100 duties whose state is not what the log says (county, id, state, state by the log): none, ever."""
    with acting(by), connection.cursor() as cursor:
        cursor.execute(DISAGREEMENTS)
        return cursor.fetchall()


def _filters(
    by: Actor, within: CodeRange | None, kind: str, state: str, overdue: bool, opened_by: datetime | None
) -> tuple[str, dict[str, object]]:
    span = within or by.scope
    params: dict[str, object] = {
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
