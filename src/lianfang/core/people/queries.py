"""Reading the register under the actor's scope: households, residents, masked until opened."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, read_rows
from lianfang.core.people.actions import county_cipher
from lianfang.core.people.cipher import Cipher
from lianfang.core.people.identity import (
    mask_name,
    mask_phone,
    mask_resident_id,
    normalise_phone,
    normalise_resident_id,
)
from lianfang.core.people.permissions import ISSUE_CODES, READ_PEOPLE
from lianfang.core.people.rules import ResidentRefused, ResidentUnknown
from lianfang.kit.codes import CodeRange

LIST = """
SELECT r.id, r.household, r.name, r.sex, r.birth_date, r.relation, r.division_code, r.registered_code, r.present_code,
       h.address, h.number,
       ARRAY(SELECT v.kind FROM people_vulnerability v WHERE v.resident = r.id AND v.until IS NULL ORDER BY v.kind)
FROM people_resident r LEFT JOIN people_household h ON h.id = r.household
WHERE (r.division_code BETWEEN %(lo)s AND %(hi)s OR r.present_code BETWEEN %(lo)s AND %(hi)s) {where}
ORDER BY r.division_code, h.number, r.birth_date, r.id LIMIT %(limit)s OFFSET %(offset)s
"""

# OFFSET 0 keeps the planner from going through every code in force by their partial key while it has no statistics.
RECOGNISED = """
SELECT coalesce(r.merged_into, r.id)
FROM (SELECT resident, revoked_at FROM people_residentcode
      WHERE county = %(county)s AND lookup = %(code)s OFFSET 0) AS c JOIN people_resident r ON r.id = c.resident
WHERE c.revoked_at IS NULL
UNION SELECT coalesce(merged_into, id) FROM people_resident WHERE county = %(county)s AND id_lookup = %(document)s
UNION SELECT coalesce(merged_into, id) FROM people_resident WHERE county = %(county)s AND phone_lookup = %(phone)s
"""

# A record may be merged into one that was merged itself.
SURVIVORS = """
WITH RECURSIVE trail (start, id, step) AS (
    SELECT id, merged_into, 1 FROM people_resident WHERE id = ANY(%(ids)s::uuid[]) AND merged_into IS NOT NULL
    UNION ALL SELECT trail.start, r.merged_into, trail.step + 1
    FROM trail JOIN people_resident r ON r.id = trail.id WHERE r.merged_into IS NOT NULL AND trail.step < 9
)
SELECT DISTINCT ON (start) start, id FROM trail ORDER BY start, step DESC
"""

# All the records of a person: those that were merged into these ones, in any number of steps.
RECORDS = """
WITH RECURSIVE record (id, step) AS (
    SELECT unnest(%(ids)s::uuid[]), 1
    UNION SELECT r.id, record.step + 1 FROM record JOIN people_resident r ON r.merged_into = record.id WHERE record.step < 9
)
SELECT DISTINCT id FROM record
"""

CARDS = """
SELECT r.id, r.name, h.number, c.serial FROM people_residentcode c
JOIN people_resident r ON r.id = c.resident LEFT JOIN people_household h ON h.id = r.household
WHERE c.county = %(county)s AND c.revoked_at IS NULL AND c.division_code BETWEEN %(lo)s AND %(hi)s
  AND (%(residents)s::uuid[] IS NULL OR c.resident = ANY(%(residents)s))
ORDER BY c.division_code, h.number, r.birth_date, r.id LIMIT %(limit)s
"""

CODE_IN_FORCE = """
SELECT c.serial, c.issued_at, c.revoked_at, c.reason FROM people_residentcode c
WHERE c.county = %(county)s AND c.resident = %(resident)s ORDER BY c.serial DESC LIMIT 1
"""

# Residents by the grid of their home; a guest of another county counts where they stay, as their code does.
CODES_BY_GRID = """
SELECT p.code, count(*), count(*) FILTER (WHERE EXISTS (
    SELECT 1 FROM people_residentcode c WHERE c.county = %(county)s AND c.resident = p.id AND c.revoked_at IS NULL))
FROM (SELECT r.id, CASE WHEN r.division_code / 1000000000 = %(county)s THEN r.division_code ELSE r.present_code END AS code
      FROM people_resident r WHERE r.county = %(county)s AND r.merged_into IS NULL) AS p
WHERE p.code BETWEEN %(lo)s AND %(hi)s GROUP BY p.code ORDER BY p.code
"""


@dataclass(frozen=True)
class ResidentLine:
    """One line of a list of residents, without identifiers."""

    id: uuid.UUID
    household: uuid.UUID | None
    name: str
    sex: str
    birth_date: date
    relation: str
    division_code: int
    registered_code: int
    present_code: int
    address: str | None
    household_number: int | None
    vulnerable: list[str]


@dataclass(frozen=True)
class ResidentPage:
    """A resident with masked identifiers and everybody behind the same door."""

    line: ResidentLine
    national_id: str
    phone: str
    household: list[ResidentLine]


@dataclass(frozen=True)
class CodeCard:
    """What is printed on a resident's card: a name of which the surname can be read, and the code."""

    resident: uuid.UUID
    name: str
    household_number: int | None
    code: str


@dataclass(frozen=True)
class PrintedCode:
    """The latest printed code of a resident: its number, and since when and why it is not taken any longer."""

    serial: int
    issued_at: datetime
    revoked_at: datetime | None
    reason: str


@dataclass(frozen=True)
class CodeCount:
    """How many people of a grid there are, and how many of them have a printed code in force."""

    code: int
    people: int
    coded: int


def residents(
    *, by: Actor, within: CodeRange | None = None, name: str = "", limit: int = 100, offset: int = 0
) -> list[ResidentLine]:
    """List residents who live or stay in a range, by grid and household; ``name`` is the beginning of a name or pinyin."""
    by.require(READ_PEOPLE)
    span = within or by.scope
    where = "AND (r.name LIKE %(name)s || '%%' OR r.name_key LIKE %(name)s || '%%')" if name else ""
    params: dict[str, Any] = {"lo": span.lo, "hi": span.hi, "name": name, "limit": limit, "offset": offset}
    with acting(by), connection.cursor() as cursor:
        cursor.execute(LIST.format(where=where), params)
        return [ResidentLine(*row) for row in cursor.fetchall()]


def count_residents(*, by: Actor, within: CodeRange | None = None) -> tuple[int, int]:
    """Return the number of households and of residents whose home lies in a range."""
    by.require(READ_PEOPLE)
    span = within or by.scope
    with acting(by), connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM people_household WHERE division_code BETWEEN %(lo)s AND %(hi)s),"
            " (SELECT count(*) FROM people_resident WHERE division_code BETWEEN %(lo)s AND %(hi)s)",
            {"lo": span.lo, "hi": span.hi},
        )
        households, people = cursor.fetchone()
        return households, people


def view_resident(resident: uuid.UUID, *, by: Actor) -> ResidentPage:
    """Return one resident's page, and log that it was looked at; raises `ResidentUnknown` outside the actor's area."""
    by.require(READ_PEOPLE)
    with acting(by), connection.cursor() as cursor:
        params: dict[str, Any] = {"lo": by.scope.lo, "hi": by.scope.hi, "id": resident, "limit": 50, "offset": 0}
        cursor.execute(LIST.format(where="AND r.id = %(id)s"), params)
        row = cursor.fetchone()
        if row is None:
            raise ResidentUnknown("There is no such resident in your area. Search by name or household.")
        line = ResidentLine(*row)
        cursor.execute(LIST.format(where="AND r.household = %(id)s"), params | {"id": line.household})
        household = [ResidentLine(*member) for member in cursor.fetchall()]
        cursor.execute("SELECT county, id_cipher, phone_cipher FROM people_resident WHERE id = %s", [resident])
        county, id_cipher, phone_cipher = cursor.fetchone()
        cipher = county_cipher(county)
        record_audit(by, "people.view_resident", subject=("resident", resident), division_code=line.division_code)
        phone = mask_phone(cipher.open(bytes(phone_cipher))) if phone_cipher is not None else ""
        return ResidentPage(line, mask_resident_id(cipher.open(bytes(id_cipher))), phone, household)


def find_by_identifier(number: str, *, by: Actor, county: int) -> uuid.UUID | None:
    """Return the resident of the actor's area with this national ID or phone, by keyed hash, and log the look-up."""
    by.require(READ_PEOPLE)
    key = county_cipher(county).lookup(number)
    with acting(by), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM people_resident WHERE county = %(county)s AND (id_lookup = %(key)s OR phone_lookup = %(key)s)"
            " ORDER BY id_lookup = %(key)s DESC LIMIT 1",
            {"county": county, "key": key},
        )
        row = cursor.fetchone()
        record_audit(
            by, "people.find_by_identifier", subject=("resident", row[0] if row else None), division_code=by.scope.lo
        )
        return row[0] if row else None


def masked_name(name: str) -> str:
    """Return a name of which only the surname can be read: 王小明 → 王**."""
    return mask_name(name)


def masked_id(cipher: Cipher, sealed: bytes | None) -> str:
    """Return a sealed ID number of which only the last four characters can be read; other documents keep their kind."""
    if sealed is None:
        return ""
    kind, _, number = cipher.open(bytes(sealed)).rpartition(":")
    return f"{kind.lower()} {mask_resident_id(number)}".strip()


def recognised(
    *, county: int, code: str = "", document: str = "", phone: str = "", kind: str = "resident_id"
) -> list[uuid.UUID]:
    """Return who has a printed code, a document or a phone, among those whom the open transaction's scope shows.

    For whoever stands at a table: call it inside of ``acting`` and log the look-up there. Codes that were revoked find
    nobody; several people may share a phone.
    """
    cipher = county_cipher(county)
    number = normalise_resident_id(document)
    given = {
        "code": cipher.lookup(code) if code.strip() else None,
        "document": cipher.lookup(number if kind == "resident_id" else f"{kind}:{number}") if number else None,
        "phone": cipher.lookup(normalise_phone(phone)) if phone.strip() else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(RECOGNISED, given | {"county": county})
        return [row[0] for row in cursor.fetchall()]


def survivors_of(ids: Iterable[uuid.UUID], *, by: Actor) -> dict[uuid.UUID, uuid.UUID]:
    """Return which of some residents were merged into another record, and which record stayed in the end."""
    rows = read_rows(by, SURVIVORS, {"ids": list(ids)})
    return dict(rows)


def records_of(ids: Iterable[uuid.UUID], *, by: Actor) -> list[uuid.UUID]:
    """Return every record of some people: what was written on one before it was merged still stands there."""
    kept = set(ids)
    ends = survivors_of(kept, by=by)
    return [row[0] for row in read_rows(by, RECORDS, {"ids": list(kept | set(ends.values()))})]


def code_cards(
    *, by: Actor, within: CodeRange | None = None, residents: Sequence[uuid.UUID] | None = None, limit: int = 1000
) -> list[CodeCard]:
    """List the printed codes in force of a range or of some residents, by grid and household, and log that they were taken."""
    by.require(ISSUE_CODES)
    span = within or by.scope
    params: dict[str, Any] = {
        "county": span.lo // 10**9, "lo": span.lo, "hi": span.hi, "limit": limit + 1,
        "residents": None if residents is None else list(residents),
    }  # fmt: skip
    cipher = county_cipher(params["county"])
    with acting(by), connection.cursor() as cursor:
        cursor.execute(CARDS, params)
        cards = [
            CodeCard(resident, masked_name(name), number, cipher.printed_code(resident, serial))
            for resident, name, number, serial in cursor.fetchall()
        ]
        if len(cards) > limit:
            raise ResidentRefused(f"More than {limit} cards are too many for one page: print them by grid.")
        record_audit(by, "people.print_codes", subject=("county", None), division_code=span.lo, count=len(cards))
    return cards


def printed_code(resident: uuid.UUID, *, by: Actor) -> PrintedCode | None:
    """Return the latest printed code of a resident whom the actor's area shows; the code itself is on the card only."""
    by.require(ISSUE_CODES)
    with acting(by), connection.cursor() as cursor:
        cursor.execute(CODE_IN_FORCE, {"county": by.scope.lo // 10**9, "resident": resident})
        row = cursor.fetchone()
    return PrintedCode(*row) if row else None


def codes_by_grid(*, by: Actor, within: CodeRange | None = None) -> list[CodeCount]:
    """Count the people of each grid of a range, and those of them who have a printed code."""
    by.require(ISSUE_CODES)
    span = within or by.scope
    with acting(by), connection.cursor() as cursor:
        cursor.execute(CODES_BY_GRID, {"county": span.lo // 10**9, "lo": span.lo, "hi": span.hi})
        return [CodeCount(*row) for row in cursor.fetchall()]
