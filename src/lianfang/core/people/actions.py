"""Writing the register of people: whole counties at once, presence one by one, identifiers opened and logged."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.people.cipher import Cipher
from lianfang.core.people.identity import normalise_name, normalise_phone, pinyin_key
from lianfang.core.people.permissions import (
    ISSUE_CODES,
    OPEN_IDENTIFIER,
    RECORD_PRESENCE,
    REGISTER_PEOPLE,
    REGISTER_VISITOR,
)
from lianfang.core.people.rules import (
    MOST_CODES,
    HouseholdRow,
    ReasonMissing,
    ResidentRefused,
    ResidentRow,
    ResidentUnknown,
    RevokeReason,
    VisitorEntry,
    home_of,
    identity_of,
    register_hand,
    visitor_fault,
)
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import CodeRange, county_of
from lianfang.kit.ids import new_id

HOUSEHOLD_COLUMNS = "id, county, number, kind, division_code, building, unit, room, address"
RESIDENT_COLUMNS = (
    "id, county, household, relation, name, name_key, sex, birth_date, ethnic_minority, division_code, registered_code,"
    " present_code, present_place, present_since, id_cipher, id_lookup, phone_cipher, phone_lookup"
)
VULNERABILITY_COLUMNS = "id, county, resident, division_code, kind, since"

INSERT_VISITOR = f"""
INSERT INTO people_resident ({RESIDENT_COLUMNS})
VALUES (%(id)s, %(county)s, NULL, 'guest', %(name)s, %(key)s, %(sex)s, %(born)s, false, %(home)s, %(home)s, %(here)s,
        %(stays_at)s, %(since)s, %(sealed)s, %(lookup)s, %(phone)s, %(phone_lookup)s)
ON CONFLICT DO NOTHING
"""  # noqa: S608 - made of constants

# Whoever lives in another county and comes again is here again; where somebody of this county is, their grid knows.
ARRIVE = """
UPDATE people_resident SET present_code = %(here)s, present_place = %(stays_at)s, present_since = %(since)s
WHERE id = %(resident)s AND division_code / 1000000000 <> %(county)s AND present_code <> %(here)s
"""

# Whoever has a code in force keeps it; the next one takes the next number. Guests' codes are kept where they stay.
WITHOUT_CODE = """
SELECT r.id, CASE WHEN r.division_code / 1000000000 = %(county)s THEN r.division_code ELSE r.present_code END,
       1 + coalesce((SELECT max(c.serial) FROM people_residentcode c
                     WHERE c.county = %(county)s AND c.resident = r.id), 0)
FROM people_resident r
WHERE r.county = %(county)s AND r.merged_into IS NULL
  AND (r.division_code BETWEEN %(lo)s AND %(hi)s OR r.present_code BETWEEN %(lo)s AND %(hi)s)
  AND (%(residents)s::uuid[] IS NULL OR r.id = ANY(%(residents)s))
  AND NOT EXISTS (SELECT 1 FROM people_residentcode c
                  WHERE c.county = %(county)s AND c.resident = r.id AND c.revoked_at IS NULL)
LIMIT %(most)s
"""

INSERT_CODES = """
INSERT INTO people_residentcode (county, resident, serial, lookup, division_code, issued_at, recorded_at, recorded_by,
                                 reason)
SELECT %(county)s, resident, serial, lookup, code, %(valid_at)s, %(now)s, %(account)s, ''
FROM unnest(%(ids)s::uuid[], %(serials)s::int[], %(lookups)s::bytea[], %(codes)s::bigint[])
     AS made (resident, serial, lookup, code)
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class VisitorReceipt:
    """Who a visitor is in the register, and whether they were in it before."""

    resident: uuid.UUID
    known: bool


def county_cipher(county: int) -> Cipher:
    """Return the keys with which a county's identifiers are sealed and found."""
    return Cipher(settings.HOME.secrets.data_key, settings.HOME.secrets.lookup_key, county)


def register_people(
    households: Iterable[HouseholdRow], residents: Iterable[ResidentRow], *, by: Actor, county: int, valid_at: datetime
) -> tuple[int, int]:
    """Register a county's (or a village's) households and residents in one transaction; return how many were new.

    Repeating it is harmless: what is registered under the same id stays as it is. Raises `ResidentRefused` when
    somebody else is registered under one of the national IDs, and then nothing is written.
    """
    by.require(REGISTER_PEOPLE)
    people = list(residents)
    with acting(by):
        new_households = _load("people_household", HOUSEHOLD_COLUMNS, (_household(row, county) for row in households))
        new_residents = _load(
            "people_resident", RESIDENT_COLUMNS, _sealed(people, county_cipher(county), county, valid_at)
        )
        _refuse_strangers(people)
        _load("people_vulnerability", VULNERABILITY_COLUMNS, _vulnerabilities(people, county, valid_at))
        record_audit(
            by, "people.register_people", subject=("county", None), division_code=by.scope.lo, count=new_residents,
            households=new_households,
        )  # fmt: skip
        return new_households, new_residents


def record_presence(
    resident: uuid.UUID, *, by: Actor, code: int, place: str, since: datetime, cause: uuid.UUID | None = None
) -> None:
    """Record where a resident is now, which may be far from where they live; the community there sees them too."""
    by.require(RECORD_PRESENCE)
    with acting(by), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE people_resident SET present_code = %s, present_place = %s, present_since = %s WHERE id = %s",
            [code, place, since, resident],
        )
        if not cursor.rowcount:
            raise ResidentUnknown("There is no such resident in your area. Search by name or household.")
        record_audit(by, "people.record_presence", subject=("resident", resident), division_code=code)


def register_visitor(
    visitor: VisitorEntry, *, by: Actor, here: int, valid_at: datetime, cause: uuid.UUID | None = None
) -> VisitorReceipt:
    """Register somebody who is here (``here``: a 15-digit code) and may be in no register; nobody is registered twice.

    The same document finds the same resident, whoever registered them and wherever they live. Raises `ResidentRefused`.
    """
    by.require(REGISTER_VISITOR, here)
    if fault := visitor_fault(visitor, local_date(valid_at)):
        raise ResidentRefused(fault)
    county = county_of(here)
    cipher, (number, sex, born) = county_cipher(county), identity_of(visitor)
    phone, home = normalise_phone(visitor.phone) or None, home_of(visitor, county)
    params: dict[str, Any] = {
        "id": visitor.id, "county": county, "name": normalise_name(visitor.name), "key": pinyin_key(visitor.name),
        "sex": sex, "born": born, "home": home, "here": here,
        "stays_at": visitor.stays_at.strip()[:120], "since": valid_at, "sealed": cipher.seal(number),
        "lookup": cipher.lookup(number), "phone": cipher.seal(phone) if phone else None,
        "phone_lookup": cipher.lookup(phone) if phone else None,
    }  # fmt: skip
    with acting(register_hand(by, county)), connection.cursor() as cursor:
        cursor.execute(INSERT_VISITOR, params)
        resident, known = _registered_as(params, new=cursor.rowcount == 1)
        cursor.execute(ARRIVE, params | {"resident": resident})
        record_audit(by, REGISTER_VISITOR, subject=("resident", resident), division_code=here, known=known,
                     document=visitor.document, command=cause)  # fmt: skip
    return VisitorReceipt(resident, known)


def issue_codes(
    *,
    by: Actor,
    valid_at: datetime,
    within: CodeRange | None = None,
    residents: Sequence[uuid.UUID] | None = None,
    cause: uuid.UUID | None = None,
) -> int:
    """Give everybody of a range, or some residents, a printed code unless they have one; return how many were new."""
    span = within or by.scope
    for code in (span.lo, span.hi):
        by.require(ISSUE_CODES, code)
    county = county_of(span.lo)
    params: dict[str, Any] = {
        "county": county, "lo": span.lo, "hi": span.hi, "residents": None if residents is None else list(residents),
        "most": MOST_CODES + 1,
    }  # fmt: skip
    with acting(by), connection.cursor() as cursor:
        cursor.execute(WITHOUT_CODE, params)
        rows = cursor.fetchall()
        if len(rows) > MOST_CODES:
            raise ResidentRefused(f"More than {MOST_CODES} people here have no code: issue them by village.")
        cipher = county_cipher(county)
        made = {
            "ids": [row[0] for row in rows], "codes": [row[1] for row in rows], "serials": [row[2] for row in rows],
            "lookups": [cipher.lookup(cipher.printed_code(row[0], row[2])) for row in rows],
            "valid_at": valid_at, "now": response_now(), "account": by.account_id,
        }  # fmt: skip
        cursor.execute(INSERT_CODES, params | made)
        issued = int(cursor.rowcount)
        record_audit(by, ISSUE_CODES, subject=("county", None), division_code=span.lo, count=issued, command=cause)
    return issued


def revoke_code(
    resident: uuid.UUID,
    *,
    by: Actor,
    reason: RevokeReason,
    valid_at: datetime,
    reissue: bool = True,
    cause: uuid.UUID | None = None,
) -> int:
    """End a resident's printed code, give them another one unless told not to, and return the number of the new one (0: none).

    Repeating it without a code in force changes nothing. Raises `ResidentUnknown` outside the actor's area.
    """
    by.require(ISSUE_CODES)
    with acting(by), connection.cursor() as cursor:
        cursor.execute("SELECT division_code FROM people_resident WHERE id = %s", [resident])
        row = cursor.fetchone()
        if row is None:
            raise ResidentUnknown("There is no such resident in your area. Search by name or household.")
        cursor.execute(
            "UPDATE people_residentcode SET revoked_at = %s, revoked_recorded_at = %s, revoked_by = %s, reason = %s"
            " WHERE county = %s AND resident = %s AND revoked_at IS NULL RETURNING serial",
            [valid_at, response_now(), by.account_id, reason, county_of(by.scope.lo), resident],
        )
        ended = cursor.fetchone()
        record_audit(by, "people.revoke_code", subject=("resident", resident), division_code=by.scope.lo,
                     count=1 if ended else 0, reason=reason, command=cause)  # fmt: skip
        if not ended or not reissue:
            return 0
        issue_codes(by=by, valid_at=valid_at, residents=[resident], cause=cause)
    return int(ended[0]) + 1


def _registered_as(params: dict[str, Any], new: bool) -> tuple[uuid.UUID, bool]:
    if new:
        return params["id"], False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(merged_into, id) FROM people_resident WHERE county = %(county)s AND id_lookup = %(lookup)s",
            params,
        )
        row = cursor.fetchone()
    if row is None:
        raise ResidentRefused("The id of this visitor was used for somebody else: make a new id and send it again.")
    return row[0], row[0] != params["id"]


def open_identifier(resident: uuid.UUID, *, by: Actor, field: str, reason: str) -> str:
    """Return a resident's national ID or phone in the clear, and log who opened it; the reason code is kept.

    ``field``: ``national_id`` or ``phone``; ``reason``: one of the codes offered on the screen.
    """
    by.require(OPEN_IDENTIFIER)
    if not reason.strip():
        raise ReasonMissing("Say why you need it: the reason is kept with your name.")
    column = {"national_id": "id_cipher", "phone": "phone_cipher"}[field]
    with acting(by), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT county, division_code, {column} FROM people_resident WHERE id = %s",  # noqa: S608 - two constants
            [resident],
        )
        row = cursor.fetchone()
        if row is None:
            raise ResidentUnknown("There is no such resident in your area. Search by name or household.")
        record_audit(
            by, "people.open_identifier", subject=("resident", resident), division_code=row[1], field=field,
            reason=reason,
        )  # fmt: skip
        return county_cipher(row[0]).open(bytes(row[2])) if row[2] is not None else ""


def _load(table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> int:
    # COPY is refused under row-level security: it goes into a table of this transaction's own first
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS SELECT {columns} FROM {table} LIMIT 0")  # noqa: S608
        with cursor.copy(f"COPY incoming ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM incoming ON CONFLICT DO NOTHING")  # noqa: S608
        added = cursor.rowcount
        cursor.execute("DROP TABLE incoming")
        return int(added)


def _household(row: HouseholdRow, county: int) -> tuple[Any, ...]:
    return row.id, county, row.number, row.kind, row.division_code, row.building, row.unit, row.room, row.address


def _sealed(rows: Iterable[ResidentRow], cipher: Cipher, county: int, at: datetime) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        phone = normalise_phone(row.phone) if row.phone else None
        yield (
            row.id, county, row.household, row.relation, row.name, pinyin_key(row.name), row.sex, row.birth_date,
            row.ethnic_minority, row.division_code, row.registered_code, row.present_code, "",
            None if row.present_code == row.division_code else at,
            cipher.seal(row.national_id), cipher.lookup(row.national_id),
            cipher.seal(phone) if phone else None, cipher.lookup(phone) if phone else None,
        )  # fmt: skip


def _refuse_strangers(rows: list[ResidentRow]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM unnest(%s::uuid[]) AS wanted (id) EXCEPT SELECT id FROM people_resident LIMIT 20",
            [[row.id for row in rows]],
        )
        missing = {row[0] for row in cursor.fetchall()}
    if missing:
        names = ", ".join(row.name for row in rows if row.id in missing)
        raise ResidentRefused(
            f"The national ID of {names} belongs to somebody registered already, perhaps in another community. "
            "Check the number, or ask the county to merge the two."
        )


def _vulnerabilities(rows: list[ResidentRow], county: int, at: datetime) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        for kind in row.vulnerable:
            yield new_id(), county, row.id, row.division_code, kind, at.date()
