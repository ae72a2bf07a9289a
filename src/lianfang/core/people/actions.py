"""Writing the register of people: whole counties at once, presence one by one, identifiers opened and logged."""

import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.people.cipher import Cipher
from lianfang.core.people.identity import normalise_phone, pinyin_key
from lianfang.core.people.permissions import OPEN_IDENTIFIER, RECORD_PRESENCE, REGISTER_PEOPLE
from lianfang.core.people.rules import HouseholdRow, ReasonMissing, ResidentRefused, ResidentRow, ResidentUnknown
from lianfang.kit.ids import new_id

HOUSEHOLD_COLUMNS = "id, county, number, kind, division_code, building, unit, room, address"
RESIDENT_COLUMNS = (
    "id, county, household, relation, name, name_key, sex, birth_date, ethnic_minority, division_code, registered_code,"
    " present_code, present_place, present_since, id_cipher, id_lookup, phone_cipher, phone_lookup"
)
VULNERABILITY_COLUMNS = "id, county, resident, division_code, kind, since"


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
