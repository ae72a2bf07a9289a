"""What the console's own pages read: the ledger as it stood at an instant with names joined, and the audit."""

import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.permissions import READ_AUDIT
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import read_rows
from lianfang.core.duties.permissions import READ_DUTIES
from lianfang.core.duties.rules import DutyNotFound
from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.core.territory.queries import standing
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import CodeRange

# The book of the present reads the duties alone; a past one asks the log what had ended and been re-dated by then.
PRESENT = """
SELECT d.county, d.id, d.kind, d.subject_kind, d.subject, d.period, d.division_code, d.role, d.assignee, d.rule,
       d.opens_at, d.due_at, d.state, d.outcome, d.finished_at
FROM duties_duty d WHERE d.division_code BETWEEN %(lo)s AND %(hi)s
"""

PAST = """
SELECT d.county, d.id, d.kind, d.subject_kind, d.subject, d.period, d.division_code, d.role, d.assignee, d.rule,
       coalesce(dated.opens_at, d.opens_at) AS opens_at, coalesce(dated.due_at, d.due_at) AS due_at,
       coalesce(ended.kind, 'outstanding') AS state, CASE WHEN ended.kind = 'done' THEN d.outcome END AS outcome,
       ended.valid_at AS finished_at
FROM duties_duty d
LEFT JOIN (SELECT county, duty, kind, valid_at FROM duties_transition
           WHERE kind IN ('done', 'waived', 'cancelled') AND recorded_at <= %(at)s) AS ended
       ON ended.county = d.county AND ended.duty = d.id
LEFT JOIN (SELECT DISTINCT ON (t.county, t.duty) t.county, t.duty, t.opens_at, t.due_at
           FROM duties_transition t
           WHERE t.kind IN ('opened', 'redated') AND t.recorded_at <= %(at)s
             AND (t.county, t.duty) IN (SELECT m.county, m.duty FROM duties_transition m WHERE m.kind = 'redated')
           ORDER BY t.county, t.duty, t.id DESC) AS dated ON dated.county = d.county AND dated.duty = d.id
WHERE d.division_code BETWEEN %(lo)s AND %(hi)s AND d.recorded_at <= %(at)s
"""

FILTERS = """
WHERE (%(state)s = '' OR b.state = %(state)s) AND (%(kind)s = '' OR b.kind = %(kind)s)
  AND (%(role)s = '' OR b.role = %(role)s) AND (NOT %(overdue)s OR b.state = 'outstanding' AND b.due_at < %(at)s)
"""

# Names are joined to the few rows of a page only; a subject that is no resident itself is a record about one.
DUTY_ROWS = """
SELECT page.county, page.id, page.kind, page.name_zh, page.name_en, page.subject_kind, page.subject, page.period,
       page.division_code, village.name, grid.name, page.role, page.rule, page.opens_at, page.due_at, page.state,
       page.outcome, page.finished_at, page.overdue, person.id, person.name, page.command, page.outcomes
FROM (
    SELECT b.*, k.name_zh, k.name_en, k.rank, k.outcomes, k.command, b.state = 'outstanding' AND b.due_at < %(at)s AS overdue
    FROM ({book}) AS b JOIN duties_dutykind k ON k.code = b.kind {filters}
    ORDER BY NOT (b.state = 'outstanding' AND b.due_at < %(at)s),
             CASE WHEN b.state = 'outstanding' AND b.due_at < %(at)s THEN k.rank END, b.due_at, b.id
    LIMIT %(limit)s OFFSET %(offset)s
) AS page
LEFT JOIN LATERAL ({people}) AS about ON true
LEFT JOIN people_resident person ON person.id = about.resident
LEFT JOIN LATERAL (SELECT name FROM territory_division v WHERE v.code = page.division_code / 1000 * 1000
                   ORDER BY v.valid_from DESC LIMIT 1) AS village ON true
LEFT JOIN LATERAL (SELECT name FROM territory_division v WHERE v.code = page.division_code AND v.code %% 1000 > 0
                   ORDER BY v.valid_from DESC LIMIT 1) AS grid ON true
ORDER BY NOT page.overdue, CASE WHEN page.overdue THEN page.rank END, page.due_at, page.id
"""

#: where the resident stands whom a duty's subject is about: subject kind → a query with the column ``resident``
SUBJECTS = {
    "resident": "SELECT page.subject AS resident WHERE page.subject_kind = 'resident'",
    "case": "SELECT resident FROM cases_case WHERE page.subject_kind = 'case' AND id = page.subject",
    "contact": "SELECT resident FROM cases_contact WHERE page.subject_kind = 'contact' AND id = page.subject",
    "screen_positive": "SELECT resident FROM cases_screenpositive"
    " WHERE page.subject_kind = 'screen_positive' AND id = page.subject",
    "pool_member": "SELECT resident FROM cases_poolmember"
    " WHERE page.subject_kind = 'pool_member' AND id = page.subject",
    "order": "SELECT resident FROM quarantine_order WHERE page.subject_kind = 'order' AND id = page.subject",
}

ABOUT_PEOPLE = {*SUBJECTS, "pool", "result_notice"}
#: what a duty about somebody is called where nobody need know what they have
PLAIN = ("涉及人员的任务", "work about a person")

DUTY_COUNT = "SELECT count(*) FROM ({book}) AS b {filters}"

UNITS = """
SELECT u.code, u.name, u.level, count(b.id), count(*) FILTER (WHERE b.due_at < %(at)s)
FROM unnest(%(codes)s::bigint[], %(his)s::bigint[], %(names)s::text[], %(levels)s::text[]) AS u (code, hi, name, level)
LEFT JOIN ({book} ) AS b ON b.division_code BETWEEN u.code AND u.hi AND b.state = 'outstanding'
GROUP BY u.code, u.name, u.level ORDER BY 5 DESC, 4 DESC, u.code
"""

KINDS = """
SELECT b.kind, k.name_zh, k.name_en, count(*), count(*) FILTER (WHERE b.due_at < %(at)s)
FROM ({book}) AS b JOIN duties_dutykind k ON k.code = b.kind WHERE b.state = 'outstanding'
GROUP BY b.kind, k.name_zh, k.name_en, k.rank ORDER BY count(*) FILTER (WHERE b.due_at < %(at)s) = 0, k.rank, 4 DESC
"""

LOG = """
SELECT t.kind, t.valid_at, t.recorded_at, a.title, t.reason, t.authority, t.opens_at, t.due_at, t.role
FROM duties_transition t LEFT JOIN access_account a ON a.id = t.account
WHERE t.county = %(county)s AND t.duty = %(id)s ORDER BY t.id
"""

AUDIT_FILTERS = """
FROM access_auditentry e LEFT JOIN access_account a ON a.id = e.account_id
WHERE e.division_code BETWEEN %(lo)s AND %(hi)s AND (%(verb)s = '' OR starts_with(e.verb, %(verb)s))
  AND (%(account)s = '' OR a.username = %(account)s) AND (%(subject)s::uuid IS NULL OR e.subject_id = %(subject)s::uuid)
  AND e.response_at <= %(at)s
"""


@dataclass(frozen=True)
class DutyLine:
    """A duty as it stood at an instant, with the names of its kind, its place and the person it is about."""

    county: int
    id: int
    kind: str
    name_zh: str
    name_en: str
    subject_kind: str
    subject: uuid.UUID
    period: str
    division_code: int
    village: str | None
    grid: str | None
    role: str
    rule: str
    opens_at: datetime
    due_at: datetime
    state: str
    outcome: str | None
    finished_at: datetime | None
    overdue: bool
    resident: uuid.UUID | None
    person: str | None
    #: the command that does this work and finishes the duty with it, or "" when it is simply ticked off
    command: str
    outcomes: tuple[str, ...]

    @property
    def place(self) -> str:
        """Village and grid, as far as they have names, else the code."""
        return place_text(self.village, self.grid) or str(self.division_code)


@dataclass(frozen=True)
class DutyStep:
    """One line of a duty's log, with the title of the post that acted."""

    kind: str
    valid_at: datetime
    recorded_at: datetime
    title: str | None
    reason: str | None
    authority: str | None
    opens_at: datetime | None
    due_at: datetime | None
    role: str | None


@dataclass(frozen=True)
class UnitLine:
    """Outstanding and overdue duties of one unit of the territory."""

    code: int
    name: str
    level: str
    outstanding: int
    overdue: int


@dataclass(frozen=True)
class KindLine:
    """Outstanding and overdue duties of one kind."""

    kind: str
    name_zh: str
    name_en: str
    outstanding: int
    overdue: int


@dataclass(frozen=True)
class AuditLine:
    """One row of the audit, with the title of the account that acted."""

    machine_at: datetime
    response_at: datetime
    verb: str
    title: str | None
    role: str
    division_code: int
    subject_kind: str
    subject_id: uuid.UUID | None
    count: int
    detail: dict[str, Any]


@dataclass(frozen=True)
class Seal:
    """One sealed batch of audit rows."""

    number: int
    entries: int
    digest: str
    sealed_at: datetime


def duty_lines(
    *,
    by: Actor,
    within: CodeRange | None = None,
    at: datetime | None = None,
    kind: str = "",
    state: str = "outstanding",
    role: str = "",
    overdue: bool = False,
    limit: int = 50,
    offset: int = 0,
) -> list[DutyLine]:
    """List duties of an area as they stood: overdue ones first, the gravest kind on top, then by due time."""
    params = _asked(by, within, at, kind=kind, state=state, role=role, overdue=overdue, limit=limit, offset=offset)
    sql = DUTY_ROWS.format(book=_book(at), filters=FILTERS, people=_people())
    return [_line(row, by) for row in _read(by, sql, params)]


def count_duties(
    *,
    by: Actor,
    within: CodeRange | None = None,
    at: datetime | None = None,
    kind: str = "",
    state: str = "outstanding",
    role: str = "",
    overdue: bool = False,
) -> int:
    """Count what `duty_lines` lists."""
    params = _asked(by, within, at, kind=kind, state=state, role=role, overdue=overdue)
    return int(_read(by, DUTY_COUNT.format(book=_book(at), filters=FILTERS), params)[0][0])


def duty_line(duty: int, *, by: Actor, at: datetime | None = None) -> DutyLine:
    """Return one duty as it stood; raises `DutyNotFound` outside the actor's area and before it was opened."""
    params = _asked(by, None, at, kind="", state="", role="", overdue=False, limit=1, offset=0) | {"id": duty}
    sql = DUTY_ROWS.format(book=_book(at) + " AND d.id = %(id)s", filters=FILTERS, people=_people())
    rows = _read(by, sql, params)
    if not rows:
        raise DutyNotFound(f"There is no duty {duty} in your area. Refresh your list.")
    return _line(rows[0], by)


def duty_log(duty: DutyLine, *, by: Actor) -> list[DutyStep]:
    """Return the transitions of a duty in the order in which they were written."""
    return [DutyStep(*row) for row in _read(by, LOG, {"county": duty.county, "id": duty.id})]


def duties_by_unit(units: Sequence[Any], *, by: Actor, within: CodeRange, at: datetime | None = None) -> list[UnitLine]:
    """Count outstanding duties of divisions (each with code, code_hi, name, level), most overdue first."""
    params = _asked(by, within, at) | {
        "codes": [unit.code for unit in units],
        "his": [unit.code_hi for unit in units],
        "names": [unit.name for unit in units],
        "levels": [unit.level for unit in units],
    }
    return [UnitLine(*row) for row in _read(by, UNITS.format(book=_book(at)), params)]


def duties_by_kind(*, by: Actor, within: CodeRange | None = None, at: datetime | None = None) -> list[KindLine]:
    """Count outstanding duties of an area by kind: those with overdue ones first, the gravest on top."""
    return [KindLine(*row) for row in _read(by, KINDS.format(book=_book(at)), _asked(by, within, at))]


def audit_lines(
    *,
    by: Actor,
    at: datetime | None = None,
    verb: str = "",
    account: str = "",
    subject: uuid.UUID | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[AuditLine]:
    """List audit rows of the actor's area, the latest first; asked by the beginning of a verb, account or subject."""
    by.require(READ_AUDIT)
    columns = """SELECT e.machine_at, e.response_at, e.verb, a.title, e.role, e.division_code, e.subject_kind,
                        e.subject_id, e.count, e.detail"""
    sql = f"{columns} {AUDIT_FILTERS} ORDER BY e.seq DESC LIMIT %(limit)s OFFSET %(offset)s"
    rows = read_rows(by, sql, _audit(by, at, verb, account, subject) | {"limit": limit, "offset": offset})
    return [AuditLine(*[*row[:9], _from_json(row[9])]) for row in rows]


def count_audit(
    *, by: Actor, at: datetime | None = None, verb: str = "", account: str = "", subject: uuid.UUID | None = None
) -> int:
    """Count what `audit_lines` lists."""
    by.require(READ_AUDIT)
    return int(read_rows(by, f"SELECT count(*) {AUDIT_FILTERS}", _audit(by, at, verb, account, subject))[0][0])


def seals(*, by: Actor, limit: int = 20) -> list[Seal]:
    """Return the latest sealed batches of the audit, the newest first."""
    by.require(READ_AUDIT)
    sql = "SELECT number, entries, digest, sealed_at FROM access_auditseal ORDER BY number DESC LIMIT %(limit)s"
    rows = read_rows(by, sql, {"limit": limit})
    return [Seal(number, entries, bytes(digest).hex(), at) for number, entries, digest, at in rows]


def village_names(*, within: CodeRange, at: datetime) -> list[tuple[int, str]]:
    """Return code and name of the villages and communities of a range on the day of an instant, by their codes."""
    rows = standing(within, local_date(at)).filter(level="village")
    return list(rows.values_list("code", "name"))


def press_reports(*, by: Actor) -> list[str]:
    """Return the scenarios whose press reports are kept beside the counts."""
    # the menu leads to pages of the reports surface, which this one must not import
    rows = read_rows(by, "SELECT DISTINCT scenario FROM reports_quotation ORDER BY scenario", {})
    return [scenario for (scenario,) in rows]


def place_names(codes: Collection[int]) -> dict[int, str]:
    """Return the names of places by 15-digit code, a grid's after its village's, as they are or were last."""
    wanted = set(codes) | {code // 1000 * 1000 for code in codes}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (code) code, name FROM territory_division WHERE code = ANY(%s) ORDER BY code, valid_from DESC",
            [list(wanted)],
        )
        names = dict(cursor.fetchall())
    return {code: place_text(names.get(code // 1000 * 1000), names.get(code)) or str(code) for code in codes}


def place_text(village: str | None, grid: str | None) -> str:
    """Return village and grid as one reads them; a grid often bears its village's name already."""
    if village and grid and not grid.startswith(village):
        return f"{village} {grid}"
    return grid or village or ""


def count_people(*, by: Actor, within: CodeRange, name: str = "") -> int:
    """Count the residents who live or stay in a range and whose name or pinyin begins with a text."""
    by.require(READ_PEOPLE)
    sql = """
    SELECT count(*) FROM people_resident r
    WHERE (r.division_code BETWEEN %(lo)s AND %(hi)s OR r.present_code BETWEEN %(lo)s AND %(hi)s)
      AND (%(name)s = '' OR r.name LIKE %(name)s || '%%' OR r.name_key LIKE %(name)s || '%%')
    """
    return int(read_rows(by, sql, {"lo": within.lo, "hi": within.hi, "name": name})[0][0])


def _people() -> str:
    return " UNION ALL ".join(SUBJECTS.values())


def _book(at: datetime | None) -> str:
    return PRESENT if at is None else PAST


def _asked(by: Actor, within: CodeRange | None, at: datetime | None, **params: Any) -> dict[str, Any]:
    span = within or by.scope
    return {"lo": span.lo, "hi": span.hi, "at": at or response_now(), **params}


def _audit(by: Actor, at: datetime | None, verb: str, account: str, subject: uuid.UUID | None) -> dict[str, Any]:
    return _asked(by, None, at, verb=verb, account=account, subject=subject)


def _read(by: Actor, sql: str, params: dict[str, Any]) -> list[Any]:
    by.require(READ_DUTIES)
    return read_rows(by, sql, params)


def _line(row: Sequence[Any], by: Actor) -> DutyLine:
    line = DutyLine(*[*row[:-1], tuple(_from_json(row[-1]))])
    if by.may(READ_PEOPLE):
        return line
    # Whoever may not read people finds the names of their own duties on the phone, under plain words: here the kind and the
    # rule would say what those people have.
    line = replace(line, resident=None, person=None)
    if line.role != by.role or line.subject_kind not in ABOUT_PEOPLE:
        return line
    zh, en = PLAIN
    return replace(line, kind="", name_zh=zh, name_en=en, subject_kind="resident", rule="", outcome=None)


def _from_json(value: Any) -> Any:
    # a raw cursor leaves JSON as text, the models' own adapters do not
    return json.loads(value) if isinstance(value, str) else value
