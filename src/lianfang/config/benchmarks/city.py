"""A city to measure in: millions of people in grids, rounds with frozen rosters, samplers and their phones."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import md5

from lianfang.config.benchmarks.scratch import Say

COUNTY = 469021
LO = COUNTY * 10**9
PEOPLE_PER_GRID = 1000
GRIDS_PER_VILLAGE = 10
SAMPLERS = 64

# Real widths: an encrypted number has 46 bytes, a lookup 32. Ids are scattered like those of an old register.
PEOPLE = """
INSERT INTO people_resident (id, county, household, relation, name, name_key, sex, birth_date, ethnic_minority,
                             division_code, registered_code, present_code, present_place, id_cipher, id_lookup,
                             phone_cipher, phone_lookup)
SELECT md5(n::text)::uuid, {county}, md5('h' || n / 3)::uuid, 'head', '居民' || n, 'jumin' || n,
       CASE n %% 2 WHEN 0 THEN 'female' ELSE 'male' END, date '1940-01-01' + n %% 29000, n %% 40 = 0,
       grid.code, grid.code / 1000 * 1000, grid.code, '',
       sha256(n::text::bytea) || '\\x0102030405060708090a0b0c0d0e'::bytea, sha256(('i' || n)::bytea),
       sha256(('p' || n)::bytea) || '\\x010203'::bytea, sha256(('t' || n)::bytea)
FROM generate_series(0, %(people)s - 1) AS n
CROSS JOIN LATERAL (SELECT {lo} + n / {per_village} * 1000 + n / {per_grid} %% {grids} + 1 AS code) AS grid
"""

SECONDARY = """
SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename = 'people_resident'
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)
"""

DEVICES = """
INSERT INTO access_device (id, title, division_code, registered_at, registered_by, enrolment_lookup, enrolled_at,
                           secret_hash, revoked_reason, wipe_reason)
SELECT md5('d' || n)::uuid, 'phone ' || n, {lo}, %(now)s, %(by)s, sha256(('e' || n)::bytea), %(now)s,
       sha256(('s' || n)::bytea), '', ''
FROM generate_series(0, %(devices)s - 1) AS n
"""


@dataclass(frozen=True)
class City:
    """What a measurement sends about: how many people and phones there are, the rounds, one token for each phone.

    ``freeze_seconds`` is how long the last roster took to freeze.
    """

    people: int
    rounds: Sequence[str]
    tokens: Sequence[str]
    freeze_seconds: float


def grid_of(person: int) -> int:
    """Return the grid (15 digits) in which a person of the city lives."""
    return (
        LO + person // (PEOPLE_PER_GRID * GRIDS_PER_VILLAGE) * 1000 + person // PEOPLE_PER_GRID % GRIDS_PER_VILLAGE + 1
    )


def resident(person: int) -> str:
    """Return the id of a person of the city."""
    digest = md5(str(person).encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


def build_city(people: int, devices: int, rounds: int, say: Say) -> City:
    """Fill the scratch database: people, rounds opened as a commander opens them, samplers, enrolled phones."""
    from lianfang.core.access.actions import ADMINISTRATION
    from lianfang.core.access.scope import acting
    from lianfang.kit.clock import machine_now

    say(f"making {people:,} people")
    make_people(people)
    opened, freeze_seconds = [], 0.0
    for number in range(1, rounds + 1):
        say(f"opening round {number}: freezing its roster")
        began = time.perf_counter()
        opened.append(_open_round(number))
        freeze_seconds = time.perf_counter() - began
    say(f"making {SAMPLERS} samplers and {devices:,} phones")
    seats = _make_samplers()
    from django.db import connections

    with acting(ADMINISTRATION, "owner"), connections["owner"].cursor() as cursor:
        cursor.execute(
            DEVICES.format(lo=LO), {"devices": devices, "now": machine_now(), "by": ADMINISTRATION.account_id}
        )
    tokens = _tokens(seats, devices)
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return City(people, opened, tokens, freeze_seconds)


def make_people(people: int) -> None:
    """Insert so many people of the city, in grids of a thousand, by one statement."""
    from django.db import connections

    from lianfang.core.access.actions import ADMINISTRATION
    from lianfang.core.access.scope import acting

    statement = PEOPLE.format(
        county=COUNTY, lo=LO, per_village=PEOPLE_PER_GRID * GRIDS_PER_VILLAGE, per_grid=PEOPLE_PER_GRID,
        grids=GRIDS_PER_VILLAGE,
    )  # fmt: skip
    with connections["owner"].cursor() as cursor:
        cursor.execute(SECONDARY)
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        with acting(ADMINISTRATION, "owner"):
            cursor.execute(statement, {"people": people})
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute("ANALYZE people_resident")


def _open_round(number: int) -> str:
    from lianfang.core.access.rules import Actor
    from lianfang.kit.clock import local
    from lianfang.kit.codes import unit_range
    from lianfang.response.screening.actions import open_round
    from lianfang.response.screening.permissions import PERMISSIONS
    from lianfang.response.screening.rules import AreaEntry

    area = unit_range(LO)
    by = Actor(uuid.UUID(int=9), uuid.UUID(int=9), "commander", "command", area, frozenset(PERMISSIONS))
    opened = open_round(
        by=by, incident=uuid.UUID(int=5), area_code=LO, title=f"round {number}", pack="covid19-cn-ed9",
        areas=[AreaEntry(area.lo, area.hi, "medium_risk")], valid_at=local("2022-07-14 06:00"),
    )  # fmt: skip
    return str(opened.id)


def _make_samplers() -> list[tuple[str, str]]:
    from lianfang.core.access.actions import ADMINISTRATION, create_account, give_grant
    from lianfang.kit.clock import machine_now
    from lianfang.kit.codes import unit_range

    seats = []
    for number in range(SAMPLERS):
        # most sign in with a token made here; a password costs a tenth of a second to hash
        password = "of the bench" if number == 0 else None
        account = create_account(by=ADMINISTRATION, username=f"sampler{number}", title="sampler", password=password)
        grant = give_grant(
            by=ADMINISTRATION, account=account.id, role="sampler", line="testing", scope=unit_range(LO),
            valid_from=machine_now() - timedelta(minutes=1), reason="measurement",
        )  # fmt: skip
        seats.append((str(account.id), str(grant.id)))
    return seats


def _tokens(seats: Sequence[tuple[str, str]], devices: int) -> list[str]:
    from lianfang.core.access.rules import Actor
    from lianfang.core.access.sign_in import token_of
    from lianfang.kit.codes import unit_range

    made = []
    for number in range(devices):
        account, grant = seats[number % len(seats)]
        device = uuid.UUID(md5(f"d{number}".encode(), usedforsecurity=False).hexdigest())
        by = Actor(uuid.UUID(account), uuid.UUID(grant), "sampler", "testing", unit_range(LO), frozenset(), "", device)
        made.append(token_of(by))
    return made
