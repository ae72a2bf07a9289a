"""A round in two grids of Xinzhu, and what happens to its people: what the tests of rounds share."""

import uuid

from conftest import XINZHU, make_actor
from lianfang.kit.clock import clock_at, local
from lianfang.kit.ids import new_id
from lianfang.response.screening.actions import open_round
from lianfang.response.screening.permissions import PERMISSIONS
from lianfang.response.screening.rules import AreaEntry
from lianfang.response.specimens import permissions as specimens
from lianfang.response.specimens.actions import record_results, register_tubes
from lianfang.response.specimens.rules import ResultEntry, SampleEntry, TubeEntry

VILLAGE = XINZHU * 1000
GRID, NEXT_GRID = VILLAGE + 1, VILLAGE + 2
NOON = local("2022-07-14 12:00")
INCIDENT = uuid.UUID(int=5)
ALL = (*PERMISSIONS, *specimens.PERMISSIONS, "duties.read_duties", "people.read_people")


def county_actor():
    return make_actor(*ALL)


def village_actor(role="grid_worker"):
    return make_actor(*ALL, scope=str(XINZHU), role=role, line="community")


def opened(by, at=NOON, **fields):
    arguments = {
        "incident": INCIDENT, "area_code": VILLAGE, "title": "Xinzhu", "pack": "covid19-cn-ed9",
        "areas": [AreaEntry(VILLAGE, VILLAGE + 999, "high_risk")],
    } | fields  # fmt: skip
    with clock_at(at):
        return open_round(by=by, valid_at=at, **arguments)


def sample(by, round, *residents, at=NOON, code=GRID):
    """One pooled tube of the round with these residents."""
    id = new_id()
    entry = TubeEntry(
        id, f"T{id.hex[-12:]}", "pooled", 10, "area_screening", code, at,
        tuple(SampleEntry(new_id(), resident) for resident in residents), round=round,
    )  # fmt: skip
    with clock_at(at):
        register_tubes([entry], by=by, valid_at=at)
    return entry


def report(by, tube, value, at=NOON):
    with clock_at(at):
        record_results([ResultEntry(value, at, tube.id)], by=by, lab="county hospital", valid_at=at)
