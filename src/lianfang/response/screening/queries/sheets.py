"""Reading paper sheets: whom to print, what stands on a sheet, how its typings compare, which are still out."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, read_rows
from lianfang.core.people.actions import county_cipher
from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.core.people.queries import masked_id
from lianfang.kit.clock import response_now
from lianfang.kit.codes import CodeRange
from lianfang.response.command.queries import county_in_view
from lianfang.response.screening.paper import (
    BLANK,
    MOST_PEOPLE,
    SHEET_MARK,
    STATES,
    Listed,
    SheetUnknown,
    read_sheet_code,
    shown_code,
)
from lianfang.response.screening.permissions import PRINT_SHEETS, READ_ROUNDS
from lianfang.response.screening.queries.standing import STANDING, asked_of, fetched
from lianfang.response.specimens.queries import UNUSABLE_TUBES, VOIDED_SAMPLES
from lianfang.response.specimens.rules import county_hand

#: sheets that one page to print holds
MOST_SHEETS = 200
SHEET_STATES = STATES

TO_PRINT = f"""
{STANDING} SELECT t.resident, t.division_code, h.building, t.household, coalesce(a.mode, 'pooled'), coalesce(a.pool, 10)
FROM standing t LEFT JOIN people_household h ON h.id = t.household
LEFT JOIN LATERAL (SELECT a.mode, a.pool FROM screening_roundarea a
                   WHERE a.round_id = t.round AND t.division_code BETWEEN a.code_lo AND a.code_hi LIMIT 1) AS a ON true
WHERE t.standing = 'missing' OR (%(everybody)s AND t.standing = 'sampled')
ORDER BY t.division_code, h.building, h.unit, length(h.room), h.room, h.number, t.household, t.resident
LIMIT {MOST_PEOPLE + 1}
"""  # noqa: S608 - made of constants

STANDING_SAMPLES = f"""
SELECT s.resident, s.tube, s.id, t.code, s.taken_at
FROM specimens_sample s JOIN specimens_tube t ON t.county = s.county AND t.id = s.tube
WHERE s.county = %(county)s AND s.round = %(round)s AND s.resident = ANY(%(residents)s)
  AND s.tube NOT IN ({UNUSABLE_TUBES}) AND (s.tube, s.id) NOT IN ({VOIDED_SAMPLES})
"""  # noqa: S608 - made of constants

# A line differs when the two typings say different things, or only one of them has it and ticked it: as paper.differing.
SHEETS = """
WITH typing AS (
    SELECT t.sheet, max(t.total) FILTER (WHERE kind = 'first') AS total, max(t.ticked) FILTER (WHERE kind = 'first') AS ticked,
           max(t.total) FILTER (WHERE kind = 'settled') AS settled, bool_or(kind = 'second') AS second,
           max(t.typed_at) FILTER (WHERE kind = 'first') AS typed_at
    FROM screening_sheettyping t JOIN screening_papersheet p ON p.id = t.sheet
    WHERE t.county = %(county)s AND p.county = %(county)s AND p.round = %(round)s AND t.recorded_at <= %(at)s
    GROUP BY t.sheet
),
differing AS (
    SELECT sheet, count(*) AS lines FROM (
        SELECT e.sheet, e.line FROM screening_sheetentry e JOIN typing USING (sheet)
        WHERE e.county = %(county)s AND typing.second AND e.kind IN ('first', 'second')
        GROUP BY e.sheet, e.line
        HAVING count(DISTINCT ROW(e.sampled, e.tube_code, e.taken_at, CASE WHEN e.sampled THEN e.resident END)) > 1
            OR (bool_or(e.sampled) AND count(*) = 1)) AS line
    GROUP BY sheet
),
sheet AS (
    SELECT p.id, p.code, p.number, p.run, p.division_code, p.mode, p.pool, p.tubes, p.lines, p.printed_at,
           typing.typed_at, typing.total, coalesce(typing.settled, typing.ticked) AS ticked,
           CASE WHEN typing.settled IS NOT NULL THEN 'settled' WHEN differing.lines > 0 THEN 'differing'
                WHEN typing.second THEN 'agreed' WHEN typing.sheet IS NOT NULL THEN 'typed' ELSE 'printed' END AS state,
           coalesce(differing.lines, 0) AS differing
    FROM screening_papersheet p LEFT JOIN typing ON typing.sheet = p.id LEFT JOIN differing ON differing.sheet = p.id
    WHERE p.county = %(county)s AND p.round = %(round)s AND p.division_code BETWEEN %(lo)s AND %(hi)s
      AND p.recorded_at <= %(at)s
)
"""

LINES = f"""
SELECT l.line, l.tube, l.resident, r.name, r.sex, extract(year FROM r.birth_date)::int, r.id_cipher, h.number,
       concat_ws(' ', nullif(h.address, ''), nullif(h.unit, ''), nullif(h.room, '')),
       s.code, s.taken_at
FROM screening_sheetline l LEFT JOIN people_resident r ON r.id = l.resident LEFT JOIN people_household h ON h.id = l.household
LEFT JOIN LATERAL (
    SELECT t.code, s.taken_at FROM specimens_sample s JOIN specimens_tube t ON t.county = s.county AND t.id = s.tube
    WHERE s.county = l.county AND s.round = %(round)s AND s.resident = l.resident
      AND s.tube NOT IN ({UNUSABLE_TUBES}) AND (s.tube, s.id) NOT IN ({VOIDED_SAMPLES})
    ORDER BY s.attempt DESC LIMIT 1) AS s ON true
WHERE l.county = %(county)s AND l.sheet = %(sheet)s ORDER BY l.line
"""  # noqa: S608 - made of constants

ENTRIES = """
SELECT e.line, e.kind, e.sampled, e.tube_code, e.taken_at, e.resident, r.name
FROM screening_sheetentry e LEFT JOIN people_resident r ON r.id = e.resident
JOIN screening_sheettyping t ON t.county = e.county AND t.sheet = e.sheet AND t.kind = e.kind
WHERE e.county = %(county)s AND e.sheet = %(sheet)s AND t.recorded_at <= %(at)s ORDER BY e.line, e.kind
"""


@dataclass(frozen=True)
class StandingSample:
    """The usable sample of somebody in a round."""

    tube: uuid.UUID
    sample: uuid.UUID
    code: str
    taken_at: datetime


@dataclass(frozen=True)
class SheetRow:
    """A sheet as known at an instant: its state, the total on the paper, the lines ticked, the lines that differ."""

    id: uuid.UUID
    code: str
    number: int
    run: uuid.UUID
    division_code: int
    mode: str
    pool: int
    tubes: int
    lines: int
    printed_at: datetime
    typed_at: datetime | None
    total: int | None
    ticked: int | None
    state: str
    differing: int

    @property
    def shown_code(self) -> str:
        """The code as it is printed: ``7K2-QF9-XW0``."""
        return shown_code(self.code)

    @property
    def scanned(self) -> str:
        """What a scanner reads from the sheet's QR."""
        return SHEET_MARK + self.code

    @property
    def blank_lines(self) -> range:
        """The lines below the printed ones, for people who are not listed."""
        return range(self.lines + 1, self.lines + BLANK + 1)

    @property
    def total_differs(self) -> bool:
        """Whether the foot of the paper says another number than its ticked lines."""
        return self.total is not None and self.total != self.ticked


@dataclass(frozen=True)
class SheetPerson:
    """One printed line: who (ID masked), where, with whom in a tube, and their usable sample in the round if there is one."""

    line: int
    tube: int
    resident: uuid.UUID
    name: str
    sex: str
    birth_year: int
    national_id: str
    household_number: int | None
    address: str
    tube_code: str | None
    taken_at: datetime | None


@dataclass(frozen=True)
class SheetEntryRow:
    """What one typing says of one line."""

    line: int
    kind: str
    sampled: bool
    tube_code: str
    taken_at: datetime | None
    resident: uuid.UUID
    name: str | None


def people_to_print(round: uuid.UUID, *, by: Actor, within: CodeRange, everybody: bool = False) -> list[Listed]:
    """List whom a printing puts on paper, by grid, building and door: the missing, or all who are not excluded."""
    by.require(PRINT_SHEETS)
    params = asked_of(by, [round], None, within) | {"everybody": everybody}
    return [Listed(*row) for row in fetched(by, TO_PRINT, params)]


def standing_samples(round: uuid.UUID, residents: Sequence[uuid.UUID], *, by: Actor) -> dict[uuid.UUID, StandingSample]:
    """Return the usable samples that some people have in a round, wherever they were taken; nobody without one."""
    params: dict[str, Any] = {
        "county": county_in_view(by), "round": round, "residents": list(residents), "at": response_now()
    }  # fmt: skip
    with acting(county_hand(by, params["county"])), connection.cursor() as cursor:
        cursor.execute(STANDING_SAMPLES, params)
        return {row[0]: StandingSample(*row[1:]) for row in cursor.fetchall()}


def sheets(
    round: uuid.UUID,
    *,
    by: Actor,
    state: str = "",
    run: uuid.UUID | None = None,
    at: datetime | None = None,
    within: CodeRange | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[SheetRow]:
    """List the sheets of a round in the actor's area by number: all, of one state, or of one printing."""
    by.require(READ_ROUNDS)
    statement = f"""
    {SHEETS} SELECT * FROM sheet WHERE %(state)s IN ('', state) AND (%(run)s::uuid IS NULL OR run = %(run)s)
    ORDER BY number LIMIT %(limit)s OFFSET %(offset)s
    """  # noqa: S608 - made of constants
    params = _asked(by, round, at, within) | {"state": state, "run": run, "limit": limit, "offset": offset}
    return [SheetRow(*row) for row in read_rows(by, statement, params)]


def count_sheets(
    round: uuid.UUID, *, by: Actor, at: datetime | None = None, within: CodeRange | None = None
) -> dict[str, int]:
    """Count the sheets of `sheets` by state; every state is named."""
    by.require(READ_ROUNDS)
    statement = f"{SHEETS} SELECT state, count(*) FROM sheet GROUP BY state"  # noqa: S608 - made of constants
    return dict.fromkeys(STATES, 0) | dict(read_rows(by, statement, _asked(by, round, at, within)))


def sheet_row(sheet: uuid.UUID, *, by: Actor, at: datetime | None = None) -> tuple[SheetRow, uuid.UUID]:
    """Return one sheet of the actor's area and its round, or raise `SheetUnknown`."""
    by.require(READ_ROUNDS)
    found = read_rows(by, "SELECT round FROM screening_papersheet WHERE id = %(sheet)s", {"sheet": sheet})
    if found:
        statement = f"{SHEETS} SELECT * FROM sheet WHERE id = %(sheet)s"  # noqa: S608 - made of constants
        rows = read_rows(by, statement, _asked(by, found[0][0], at, None) | {"sheet": sheet})
        if rows:
            return SheetRow(*rows[0]), found[0][0]
    raise SheetUnknown("There is no such sheet in your area: read its code again, or choose it from the round's list.")


def sheet_by_code(code: str, *, by: Actor) -> uuid.UUID:
    """Return the sheet of the actor's area that bears a code, scanned or typed; raises `SheetUnknown`."""
    by.require(READ_ROUNDS)
    statement = """
    SELECT id FROM screening_papersheet
    WHERE county = %(county)s AND code = %(code)s AND division_code BETWEEN %(lo)s AND %(hi)s
    """
    area = {"county": county_in_view(by), "lo": by.scope.lo, "hi": by.scope.hi}
    found = read_rows(by, statement, area | {"code": read_sheet_code(code)})
    if not found:
        raise SheetUnknown(
            "No sheet of your area bears this code: read it again, or ask whose area it was printed for."
        )
    return uuid.UUID(str(found[0][0]))


def sheet_people(sheet: uuid.UUID, *, by: Actor) -> list[SheetPerson]:
    """List a sheet's printed lines with IDs masked and how each person stands now, and log that they were looked at."""
    by.require(READ_PEOPLE)
    row, round = sheet_row(sheet, by=by)
    params: dict[str, Any] = {
        "county": county_in_view(by), "sheet": sheet, "round": round, "at": response_now()
    }  # fmt: skip
    cipher = county_cipher(params["county"])
    with acting(county_hand(by, params["county"])), connection.cursor() as cursor:
        cursor.execute(LINES, params)
        people = [
            SheetPerson(*[*line[:6], masked_id(cipher, line[6]), *line[7:]]) for line in cursor.fetchall()
        ]  # fmt: skip
        record_audit(by, "screening.read_sheet", subject=("sheet", sheet), division_code=row.division_code,
                     count=len(people))  # fmt: skip
    return people


def sheet_entries(sheet: uuid.UUID, *, by: Actor, at: datetime | None = None) -> list[SheetEntryRow]:
    """List what every typing of a sheet says, by line."""
    sheet_row(sheet, by=by, at=at)
    params = {"county": county_in_view(by), "sheet": sheet, "at": at or response_now()}
    return [SheetEntryRow(*row) for row in read_rows(by, ENTRIES, params)]


def _asked(by: Actor, round: uuid.UUID, at: datetime | None, within: CodeRange | None) -> dict[str, Any]:
    span = within or by.scope
    return {
        "county": county_in_view(by), "round": round, "at": at or response_now(),
        "lo": max(span.lo, by.scope.lo), "hi": min(span.hi, by.scope.hi),
    }  # fmt: skip
