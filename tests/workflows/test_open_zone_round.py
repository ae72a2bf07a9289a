"""A round over zones and units: each area in the mode of its zone, each place once, the plan before it is opened."""

from datetime import timedelta

import pytest

from conftest import DINGAN, XINZHU, make_actor
from lianfang.core.access.commands import Envelope
from lianfang.core.access.rules import NotPermitted
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import code_range, full_code
from lianfang.kit.ids import new_id
from lianfang.response.command.actions import declare_incident
from lianfang.response.screening import queries
from lianfang.response.screening.rules import RangesOverlap, RosterEmpty
from lianfang.response.zones.actions import decide_zone, draw_zone
from lianfang.response.zones.rules import NewArea
from lianfang.workflows.commands import submit
from lianfang.workflows.open_zone_round import UnitNamedTwice, ZoneNotInForce, open_zone_round, plan_zone_round
from making import make_resident

pytestmark = pytest.mark.django_db

ED9 = "covid19-cn-ed9"
NOON = local("2022-07-14 12:00")
VILLAGE, NEXT = XINZHU * 1000, (XINZHU + 1) * 1000
SEALED, OTHER, ABROAD = VILLAGE + 1, VILLAGE + 2, NEXT + 1
WORDS = {"reason": "cases", "authority": "county HQ", "appeal_to": "the duty desk"}


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def county():
    from surfaces.console.scene import permissions

    return make_actor(*permissions())


@pytest.fixture
def incident(county):
    id = new_id()
    declare_incident(
        by=county, id=id, division_code=full_code(DINGAN), title_zh="测试疫情", title_en="a test outbreak",
        disease="covid19-cn", pack=ED9, authority="county HQ", areas=(code_range(DINGAN),), valid_at=NOON,
    )  # fmt: skip
    return id


@pytest.fixture
def people(county):
    return [make_resident(by=county, grid=grid).id for grid in (SEALED, SEALED, OTHER, ABROAD)]


def drawn(by, incident, name, level, lo, hi):
    return draw_zone(
        by=by, incident=incident, name=name, level=level, protocol=ED9, areas=[NewArea(lo, hi)], valid_at=NOON,
        emergency="just found", **WORDS,
    ).id  # fmt: skip


@pytest.fixture
def zones(county, incident):
    """A sealed grid inside a controlled village."""
    return [
        drawn(county, incident, "village", "medium_risk", VILLAGE, VILLAGE + 999),
        drawn(county, incident, "grid", "high_risk", SEALED, SEALED),
    ]


def order(by, incident, zones, units=(), **fields):
    payload = {
        "incident": str(incident), "zones": [str(zone) for zone in zones], "units": list(units), "title": "Xinzhu",
        "pack": ED9,
    }  # fmt: skip
    return submit(Envelope(new_id(), "open_zone_round", NOON, payload | fields), by=by)


def test_each_area_is_sampled_by_the_level_of_its_zone(county, incident, people, zones):
    receipt = order(county, incident, zones, [NEXT])
    areas = queries.round_areas(receipt.result["id"], by=county)
    assert [(a.code_lo, a.code_hi, a.zone_level, a.mode, a.pool) for a in areas] == [
        (VILLAGE, VILLAGE, "medium_risk", "pooled", 10),
        (SEALED, SEALED, "high_risk", "household", 1),
        (OTHER, VILLAGE + 999, "medium_risk", "pooled", 10),
        (NEXT, NEXT + 999, None, "pooled", 20),
    ]
    assert receipt.result["frozen"] == len(people) and receipt.result["number"] == 1
    row = queries.round_row(receipt.result["id"], by=county)
    assert row.area_code == full_code("469021101") and row.account.everybody == len(people)


def test_the_plan_says_what_opening_then_does(county, incident, people, zones):
    plan = plan_zone_round(by=county, incident=incident, zones=zones, units=[NEXT], pack=ED9)
    assert [area.people for area in plan.areas] == [0, 2, 1, 1] and plan.population == 4
    assert queries.rounds(by=county) == []
    receipt = order(county, incident, zones, [NEXT])
    row = queries.round_row(receipt.result["id"], by=county)
    assert (row.frozen, row.target_at, row.area_code) == (plan.population, plan.target_at, plan.area_code)
    assert plan.visits_from < plan.target_at and plan.sites.sites == 1 and plan.sites.samplers == 1


def test_the_same_command_again_opens_no_second_round(county, incident, people, zones):
    envelope = Envelope(
        new_id(), "open_zone_round", NOON,
        {"incident": str(incident), "zones": [str(zones[0])], "title": "x", "pack": ED9},
    )  # fmt: skip
    first, again = submit(envelope, by=county), submit(envelope, by=county)
    assert first.result == again.result and again.repeated and len(queries.rounds(by=county)) == 1


def test_the_same_id_again_returns_the_round(county, incident, people, zones):
    asked = {"incident": incident, "zones": zones, "units": [], "title": "x", "pack": ED9, "id": new_id()}
    made = [open_zone_round(by=county, valid_at=NOON, **asked) for _ in range(2)]
    assert made[0] == made[1] and len(queries.rounds(by=county)) == 1


@pytest.mark.parametrize(
    ("units", "refusal", "words"),
    [
        ([SEALED], RangesOverlap, "inside the zones"),
        ([NEXT, ABROAD], RangesOverlap, "overlap"),
        ([NEXT, NEXT], UnitNamedTwice, "name each once"),
    ],
)
def test_a_place_named_twice_is_refused(county, incident, people, zones, units, refusal, words):
    with pytest.raises(refusal, match=words):
        order(county, incident, zones, units)
    assert queries.rounds(by=county) == []


def test_a_zone_that_is_not_in_force_is_refused(county, incident, people, zones):
    with pytest.raises(ZoneNotInForce, match="choose one from the list"):
        order(county, new_id(), zones)
    later = NOON + timedelta(hours=1)
    with clock_at(later):
        decide_zone(by=county, zone=zones[1], level=None, reason="clean", authority="county HQ", valid_at=later)
        payload = {"incident": str(incident), "zones": [str(zones[1])], "title": "x", "pack": ED9}
        with pytest.raises(ZoneNotInForce):
            submit(Envelope(new_id(), "open_zone_round", later, payload), by=county)


def test_nowhere_and_nobody_are_refused(county, incident, zones):
    with pytest.raises(RosterEmpty, match="name the villages"):
        plan_zone_round(by=county, incident=incident, zones=[], units=[], pack=ED9)
    with pytest.raises(RosterEmpty, match="Nobody is registered there"):
        plan_zone_round(by=county, incident=incident, zones=zones, units=[], pack=ED9)
    with pytest.raises(RosterEmpty, match="Nobody is registered"):
        order(county, incident, zones)


def test_whoever_may_not_open_rounds_sees_no_plan_either(county, incident, people, zones):
    stranger = make_actor("zones.read_zones", "screening.read_rounds")
    with pytest.raises(NotPermitted):
        plan_zone_round(by=stranger, incident=incident, zones=zones, units=[], pack=ED9)
    with pytest.raises(NotPermitted):
        order(stranger, incident, zones)
    village = make_actor("zones.read_zones", "screening.open_round", scope=str(XINZHU))
    with pytest.raises(NotPermitted):
        order(village, incident, zones, [NEXT])
