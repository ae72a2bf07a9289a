"""Whom the records give a reason to exclude is proposed, and nobody is excluded by it."""

from datetime import date, timedelta

import pytest

from conftest import DINGAN, JIANGNAN, make_actor
from lianfang.kit.clock import clock_at
from lianfang.kit.codes import CodeRange, code_range, full_code
from lianfang.kit.ids import new_id
from lianfang.response.command.actions import declare_incident
from lianfang.response.quarantine.actions import issue_orders, start_orders
from lianfang.response.quarantine.rules import NewOrder
from lianfang.response.screening import actions, queries
from lianfang.response.screening.rules import AreaEntry, ExclusionEntry
from lianfang.workflows.propose_exclusions import count_proposals, propose_exclusions
from making import make_resident
from response.screening.round_making import GRID, INCIDENT, NEXT_GRID, NOON, VILLAGE, opened, sample

pytestmark = pytest.mark.django_db

ELSEWHERE = JIANGNAN * 1000 + 1
AFTER = NOON + timedelta(hours=1)


@pytest.fixture(autouse=True)
def after_noon():
    with clock_at(AFTER):
        yield


@pytest.fixture
def county():
    from surfaces.console.scene import permissions

    by = make_actor(*permissions())
    declare_incident(
        by=by, id=INCIDENT, division_code=full_code(DINGAN), title_zh="测试疫情", title_en="a test outbreak",
        disease="covid19-cn", pack="covid19-cn-ed9", authority="county HQ", areas=(code_range(DINGAN),), valid_at=NOON,
    )  # fmt: skip
    return by


def held(by, resident, start=True):
    order = NewOrder(
        resident, "close_contact", NOON - timedelta(days=1), place="Hotel Jiangnan", site_code=ELSEWHERE,
        dependants=False, reason="met a case", authority="county HQ", appeal_to="the duty desk",
    )  # fmt: skip
    made = issue_orders(by=by, incident=INCIDENT, protocol="covid19-cn-ed9", orders=[order], valid_at=NOON)
    if start:
        start_orders(orders=made, by=by, valid_at=NOON)


def proposed(by, round, **asked):
    return {one.resident: (one.reason, one.where) for one in propose_exclusions(round, by=by, **asked)}


@pytest.fixture
def scene(county):
    """At home, an infant, away in a named place, away in a known village, next door within the round, in quarantine."""
    return {
        "home": make_resident(by=county, grid=GRID).id,
        "infant": make_resident(by=county, grid=GRID, birth_date=date(2022, 1, 1)).id,
        "toddler": make_resident(by=county, grid=GRID, birth_date=date(2020, 1, 1)).id,
        "away": make_resident(
            by=county, grid=GRID, present_code=ELSEWHERE, present_place="Haikou No 1 school", present_since=NOON
        ).id,
        "unknown": make_resident(by=county, grid=GRID, present_code=0, present_since=NOON).id,
        "next_door": make_resident(by=county, grid=GRID, present_code=NEXT_GRID, present_since=NOON).id,
        "held": make_resident(by=county, grid=GRID).id,
    }


def test_records_propose_and_exclude_nobody(county, scene):
    round = opened(county)
    held(county, scene["held"])
    assert proposed(county, round.id) == {
        scene["infant"]: ("infant", ""), scene["away"]: ("away", "Haikou No 1 school"), scene["unknown"]: ("away", ""),
        scene["held"]: ("quarantined", "Hotel Jiangnan"),
    }  # fmt: skip
    assert count_proposals(round.id, by=county) == {"infant": 1, "away": 2, "quarantined": 1}
    assert list(proposed(county, round.id, reason="infant")) == [scene["infant"]]
    assert queries.accounted(round.id, by=county).reasoned == 0


def test_whoever_is_sampled_or_excluded_is_not_proposed(county, scene):
    round = opened(county)
    sample(county, round.id, scene["infant"], at=AFTER)
    entry = ExclusionEntry(new_id(), scene["away"], "away", "Haikou")
    actions.exclude_people(round.id, [entry], by=county, valid_at=AFTER)
    assert list(proposed(county, round.id)) == [scene["unknown"]]


def test_an_order_not_begun_proposes_nothing_and_who_may_not_read_orders_sees_none(county, scene):
    round = opened(county)
    held(county, scene["held"], start=False)
    assert scene["held"] not in proposed(county, round.id)
    blind = make_actor(*(county.permissions - {"quarantine.read_orders"}))
    held(county, scene["home"])
    assert scene["home"] in proposed(county, round.id) and scene["home"] not in proposed(blind, round.id)


def test_proposals_stay_within_the_area_asked_for(county, scene):
    round = opened(county, areas=[AreaEntry(VILLAGE, VILLAGE + 999), AreaEntry(ELSEWHERE, ELSEWHERE)])
    neighbour = make_resident(by=county, grid=ELSEWHERE, birth_date=date(2022, 1, 1)).id
    assert neighbour not in proposed(county, round.id)
    round = opened(county, areas=[AreaEntry(VILLAGE, VILLAGE + 999), AreaEntry(ELSEWHERE, ELSEWHERE)])
    assert neighbour in proposed(county, round.id)
    office = make_actor(*county.permissions, scope=str(JIANGNAN))
    assert list(proposed(office, round.id)) == [neighbour]
    assert neighbour not in proposed(county, round.id, within=CodeRange(GRID, GRID))
