"""A community inside of a county: its households and people as a census makes them, its duties of the day, its officer's phone."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from lianfang.config.benchmarks.city import COUNTY, LO, make_people
from lianfang.config.benchmarks.scratch import Say

#: as in report 003: 23 compounds, 1,937 households, 5,055 people
HOUSEHOLDS, PEOPLE = 1937, 5055
CODE = 469021101201
ORDERS = 200
VISIT = "bench_visit"
NOON = "2022-07-14 12:00"

# The city's households; a community's own follow with higher numbers.
HOMES = """
INSERT INTO people_household (id, county, number, kind, division_code, building, unit, room, address)
SELECT DISTINCT ON (r.household) r.household, r.county, row_number() OVER (ORDER BY r.household) + 1000000, 'family', r.division_code, NULL,
       '', '', '第' || row_number() OVER (ORDER BY r.household) || '号'
FROM people_resident r WHERE r.county = {county} AND NOT EXISTS (SELECT FROM people_household h WHERE h.id = r.household)
"""

# A kind of its own, which no room reconciles away while the server runs. One visit for each household: of the community to its head, of the rest of the county to every third person.
VISITS = """
SELECT 'resident', r.id, 'bench_visit', 'visit ' || k, r.division_code, 'grid_worker', NULL::uuid, 'screening.targets', %(round)s::uuid,
       %(opens)s::timestamptz, %(due)s::timestamptz
FROM people_resident r JOIN people_household h ON h.id = r.household CROSS JOIN generate_series(1, 2) AS k
WHERE r.county = %(county)s AND CASE WHEN h.number < 1000000 THEN r.relation = 'head' ELSE get_byte(r.id_lookup, 0) %% 3 = 0 END
"""

# The first of two visits was made yesterday, in vain.
YESTERDAY = """
UPDATE duties_duty SET state = 'done', outcome = 'could_not', finished_at = %(then)s, finished_by = %(by)s
WHERE kind = 'bench_visit' AND period = 'visit 1'
"""


@dataclass(frozen=True)
class Community:
    """What was made: its code (12 digits) and the tokens with which its officer's phone and a program act."""

    code: int
    token: str
    account: uuid.UUID
    grant: uuid.UUID
    device: uuid.UUID
    secret: str
    username: str
    password: str


def build_community(people: int, say: Say) -> Community:
    """Fill the scratch database with a county of so many people, the community's own among them, and today's duties."""
    from django.db import connections

    from lianfang.core.access.actions import ADMINISTRATION, move_response_clock
    from lianfang.core.access.scope import acting
    from lianfang.kit.clock import local, machine_now

    say(f"making {people:,} people, {PEOPLE:,} of them in one community of {HOUSEHOLDS:,} households")
    make_people(people - PEOPLE)
    with acting(ADMINISTRATION, "owner"), connections["owner"].cursor() as cursor:
        cursor.execute(HOMES.format(county=COUNTY))
    _settle()
    move_response_clock(local(NOON) - machine_now(), by=ADMINISTRATION, reason="measurement")
    say("opening the county's duties of the day")
    _open_duties()
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return _phone()


def _builder() -> Any:
    from lianfang.replays.ground import BUILDER

    return BUILDER


def chosen_households(sizes: Sequence[int]) -> list[int]:
    """Choose as many households as the community has, in their order, so that exactly its people live in them."""
    taken, spare = list(range(HOUSEHOLDS)), list(range(HOUSEHOLDS, len(sizes)))
    surplus = sum(sizes[row] for row in taken) - PEOPLE
    for at, row in enumerate(taken):
        if not surplus:
            break
        fits = (one for one in spare if 0 < abs(step := sizes[row] - sizes[one]) <= abs(surplus) and step * surplus > 0)
        if (better := next(fits, None)) is not None:
            surplus -= sizes[row] - sizes[better]
            spare.remove(better)
            taken[at] = better
    if surplus:
        raise AssertionError(f"no {HOUSEHOLDS} of these households hold {PEOPLE} people")
    return sorted(taken)


def _settle() -> None:
    """Register the community: households of a synthetic county, with names, doors and numbers like real ones."""
    from lianfang.core.people.actions import register_people
    from lianfang.core.people.rules import HouseholdRow, ResidentRow
    from lianfang.core.people.synthetic import as_columns, census_margins, generate_county, village_named
    from lianfang.core.territory.actions import register_buildings, register_compounds
    from lianfang.core.territory.rules import NewBuilding, NewCompound, spread
    from lianfang.kit.clock import local

    villages = [village_named(CODE + number, f"新竹{number}社区居民委员会") for number in range(24)]
    made = generate_county(census_margins(COUNTY), villages, seed=4, reference_date=date(2022, 7, 13))
    homes, residents = as_columns(made.households), as_columns(made.residents)
    largest = max(set(homes["village_code"]), key=homes["village_code"].count)
    rows = [row for row, code in enumerate(homes["village_code"]) if code == largest]
    chosen = [rows[at] for at in chosen_households([homes["size"][row] for row in rows])]
    grids = _lay_out()
    yards: dict[int, NewCompound] = {}
    houses: dict[tuple[int, int], NewBuilding] = {}
    doors: dict[int, HouseholdRow] = {}
    for number, row in enumerate(chosen, 1):
        compound, building = homes["compound"][row], homes["building"][row]
        lon, lat = spread(110.32, 19.68, compound, 0)
        yard = yards.setdefault(compound, NewCompound(CODE * 1000, f"{compound}号小区", lon, lat))
        lon, lat = spread(110.32, 19.68, compound, building)
        house = houses.setdefault(
            (compound, building),
            NewBuilding(grids[number - 1], f"{building}栋", "residential", 2, 6, yard.id, lon, lat),
        )
        doors[row] = HouseholdRow(
            uuid.UUID(homes["id"][row]), number, homes["kind"][row], grids[number - 1], house.id,
            str(homes["unit"][row] or ""), str(homes["room"][row] or ""), homes["address"][row],
        )  # fmt: skip
    people = [
        ResidentRow(
            uuid.UUID(residents["id"][at]), doors[row].id, residents["relation"][at], residents["name"][at],
            residents["sex"][at], residents["birth_date"][at], residents["minority"][at], doors[row].division_code,
            CODE * 1000, doors[row].division_code, residents["national_id"][at], residents["phone"][at], (),
        )
        for at, row in enumerate(residents["household"]) if row in doors
    ]  # fmt: skip
    by = _builder()
    register_compounds(yards.values(), by=by)
    register_buildings(houses.values(), by=by)
    counted = register_people(doors.values(), people, by=by, county=COUNTY, valid_at=local(NOON))
    if counted != (HOUSEHOLDS, PEOPLE):
        raise AssertionError(f"registered {counted}, not {HOUSEHOLDS} households and {PEOPLE} people")


def _lay_out() -> list[int]:
    """Lay the community out in grids as its pack sizes them, and return the grid of each household."""
    from lianfang.core.territory.actions import lay_out_villages
    from lianfang.core.territory.models import Division
    from lianfang.core.territory.rules import split_village
    from lianfang.engines.protocol import grid_size, load_pack

    Division.objects.create(
        code=CODE * 1000, code_hi=CODE * 1000 + 999, level="village", name="新竹社区", pinyin="xinzhushequ", origin="table",
        source="measurement",
    )  # fmt: skip
    size = grid_size(load_pack("covid19-cn-ed9")).households.most
    plan = split_village(CODE, households=HOUSEHOLDS, households_per_grid=size)
    lay_out_villages([plan], by=_builder(), source="measurement")
    return plan.grid_of_household()


def _open_duties() -> None:
    from django.db import connections

    from lianfang.core.access.actions import ADMINISTRATION
    from lianfang.core.access.rules import Actor
    from lianfang.core.access.scope import acting
    from lianfang.core.duties.actions import declare_kinds, reconcile
    from lianfang.core.duties.rules import Desired, Kind
    from lianfang.kit.clock import clock_at, local
    from lianfang.kit.codes import unit_range

    now, by = (
        local(NOON),
        Actor(uuid.UUID(int=3), uuid.UUID(int=3), "commander", "command", unit_range(LO), frozenset()),
    )
    params = {
        "county": COUNTY,
        "round": uuid.UUID(int=8),
        "opens": local("2022-07-14 08:00"),
        "due": local("2022-07-14 20:00"),
    }
    declare_kinds([Kind(VISIT, "入户走访", "household visit", "screening", ("visited", "could_not"), 30)])
    with clock_at(now):
        reconcile(Desired(("bench_visit",), VISITS, params), by=by, county=COUNTY, valid_at=now, cause=uuid.UUID(int=4))
        _issue_orders()
    with acting(ADMINISTRATION, "owner"), connections["owner"].cursor() as cursor:
        cursor.execute(YESTERDAY, {"then": now - timedelta(days=1), "by": by.account_id})


def _issue_orders() -> None:
    """Put every tenth household's head under home quarantine: their checks are duties of the day."""
    from lianfang.core.access.rules import Actor
    from lianfang.core.access.scope import acting
    from lianfang.core.people.models import Resident
    from lianfang.kit.clock import local
    from lianfang.kit.codes import code_range, unit_range
    from lianfang.response.command.actions import declare_incident
    from lianfang.response.command.permissions import PERMISSIONS as COMMAND
    from lianfang.response.quarantine.actions import issue_orders
    from lianfang.response.quarantine.permissions import PERMISSIONS as QUARANTINE
    from lianfang.response.quarantine.rules import NewOrder

    by = Actor(
        uuid.UUID(int=3),
        uuid.UUID(int=3),
        "commander",
        "command",
        unit_range(LO),
        frozenset(COMMAND) | frozenset(QUARANTINE),
    )
    incident, now = uuid.UUID(int=5), local(NOON)
    declare_incident(
        by=by, id=incident, division_code=LO, title_zh="测试疫情", title_en="measurement", disease="covid19-cn",
        pack="covid19-cn-ed9", authority="county HQ", areas=(code_range(COUNTY),), valid_at=now - timedelta(days=3),
    )  # fmt: skip
    area = code_range(CODE)
    with acting(by):
        heads = Resident.objects.filter(division_code__range=(area.lo, area.hi), relation="head").order_by("id")
        chosen = list(heads.values_list("id", flat=True)[:ORDERS])
    orders = [
        NewOrder(one, "secondary_contact", now - timedelta(days=3), "met a contact", "county HQ", "the duty desk")
        for one in chosen
    ]
    issue_orders(by=by, incident=incident, protocol="covid19-cn-ed9", orders=orders, valid_at=now - timedelta(days=2))


def _phone() -> Community:
    """Make the officer's account and enrol the phone, as a duty desk does it."""
    from dataclasses import replace

    from lianfang.core.access.actions import (
        ADMINISTRATION,
        create_account,
        enrol_device,
        give_grant,
        open_enrolment_codes,
        register_devices,
    )
    from lianfang.core.access.permissions import MANAGE_DEVICES
    from lianfang.core.access.rules import Actor, DeviceEntry
    from lianfang.core.access.sign_in import token_of
    from lianfang.kit.clock import machine_now
    from lianfang.kit.codes import code_range

    name, password = "officer", "of the bench"
    account = create_account(by=ADMINISTRATION, username=name, title="新竹社区网格员", password=password)
    grant = give_grant(
        by=ADMINISTRATION, account=account.id, role="grid_worker", line="community", scope=code_range(CODE),
        valid_from=machine_now() - timedelta(minutes=1), reason="measurement",
    )  # fmt: skip
    desk = replace(ADMINISTRATION, permissions=ADMINISTRATION.permissions | {MANAGE_DEVICES}, scope=code_range(COUNTY))
    entry = DeviceEntry("1号手机", CODE * 1000, uuid.UUID(int=77))
    (device,) = register_devices(by=desk, valid_at=machine_now(), cause=uuid.UUID(int=78), devices=[entry])
    secret = enrol_device(open_enrolment_codes([device], by=desk)[0][2])[2]
    by = Actor(account.id, grant.id, "grid_worker", "community", code_range(CODE), frozenset(), "", device)
    return Community(CODE, token_of(by), account.id, grant.id, device, secret, name, password)
