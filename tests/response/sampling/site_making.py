"""A round over two buildings and a hamlet of Xinzhu with two sites, and what happens at them."""

import uuid
from itertools import count

from conftest import XINZHU, make_actor
from lianfang.core.access.scope import acting
from lianfang.core.people import permissions as people
from lianfang.core.people.models import Household
from lianfang.core.territory.models import Building, Compound
from lianfang.kit.clock import clock_at, local
from lianfang.kit.ids import new_id
from lianfang.response.sampling.permissions import PERMISSIONS
from lianfang.response.screening import permissions as screening
from lianfang.response.screening.actions import open_round, open_sites
from lianfang.response.screening.rules import AreaEntry, SiteEntry
from lianfang.response.specimens import permissions as specimens
from lianfang.response.specimens.actions import register_tubes
from lianfang.response.specimens.rules import SampleEntry, TubeEntry
from making import make_resident

VILLAGE = XINZHU * 1000
GRID, HAMLET = VILLAGE + 1, VILLAGE + 2
NOON = local("2022-07-14 12:00")
ALL = (
    *PERMISSIONS, *screening.PERMISSIONS, *specimens.PERMISSIONS, *people.PERMISSIONS, "duties.read_duties", "duties.roll_day",
    "workforce.register_workforce", "workforce.read_workforce",
)  # fmt: skip
_numbers = count(10_000)


def county_actor():
    return make_actor(*ALL)


def village_actor(*permissions, role="community"):
    return make_actor(*(permissions or ALL), scope=str(XINZHU), role=role, line="community")


def make_home(by, grid, people, building=None):
    """A household of so many people; their ids."""
    with acting(by):
        home = Household.objects.create(county=469021, number=next(_numbers), division_code=grid, building=building)
    return [make_resident(by=by, grid=grid, household=home.id).id for _ in range(people)]


def make_building(name, grid=GRID):
    yard, _ = Compound.objects.get_or_create(division_code=VILLAGE, name="一号小区")
    return Building.objects.create(compound=yard, division_code=grid, kind="residential", name=name).id


def settled(by, *, homes=8, size=4):
    """Two buildings of ``homes`` households and a hamlet of as many: residents by (grid, building)."""
    places = [(GRID, make_building("1栋")), (GRID, make_building("2栋")), (HAMLET, None)]
    return {
        (grid, building): [one for _ in range(homes) for one in make_home(by, grid, size, building)]
        for grid, building in places
    }


def opened(by, at=NOON, **fields):
    """A round over the village, by the rules of edition 9."""
    arguments = {
        "incident": uuid.UUID(int=5), "area_code": VILLAGE, "title": "Xinzhu", "pack": "covid19-cn-ed9",
        "areas": [AreaEntry(VILLAGE, VILLAGE + 999, "medium_risk")],
    } | fields  # fmt: skip
    with clock_at(at):
        return open_round(by=by, valid_at=at, **arguments)


def site(by, round, name="村委会", *, code=GRID, tables=2, samplers=2, at=NOON):
    """An open sampling site."""
    id = new_id()
    with clock_at(at):
        open_sites(round, [SiteEntry(id, name, code, tables, samplers)], by=by, valid_at=at)
    return id


def sampled(by, round, site, *residents, at=NOON, code=GRID):
    """Residents sampled at a site, ten to a tube."""
    for start in range(0, len(residents), 10):
        id = new_id()
        group = tuple(SampleEntry(new_id(), resident) for resident in residents[start : start + 10])
        tube = TubeEntry(
            id, f"T{id.hex[-12:]}", "pooled", 10, "area_screening", code, at, group, round=round, site=site
        )
        with clock_at(at):
            register_tubes([tube], by=by, valid_at=at)
