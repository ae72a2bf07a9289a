"""Sites from a population, people shared out to sites, lanes, drift: pure."""

import uuid
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.engines.protocol import load_pack, site_flow, sizing
from lianfang.response.sampling.rules import (
    EVERY_NUMBER,
    CrewEntry,
    Drift,
    HomeAttemptEntry,
    HomeMember,
    LaneEntry,
    LanesExceedTables,
    OnDuty,
    SiteTables,
    Unit,
    arrived_by,
    crew_of_sites,
    joined,
    judge_attempt,
    judge_crew,
    judge_home,
    judge_lanes,
    lane_of,
    line_at,
    most_at_once,
    numbered,
    ordinary_tables,
    plan_slots,
    share_out,
    site_shapes,
    station,
    whole_units,
)

ED9 = load_pack("covid19-cn-ed9")
FLOW = site_flow(ED9)
NOON = datetime(2022, 7, 14, 4, tzinfo=UTC)
VILLAGE = 469021101201000
ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)

codes = st.builds(
    lambda township, village, grid: 469021_000_000_000 + township * 10**6 + village * 1000 + grid,
    st.integers(100, 102), st.integers(1, 3), st.integers(1, 4),
)  # fmt: skip
unit_lists = st.lists(
    st.builds(Unit, codes, st.none() | st.uuids(), st.integers(1, 90)), max_size=40, unique_by=lambda unit: unit.place
)
site_lists = st.lists(
    st.builds(SiteTables, st.uuids(), codes, st.integers(1, 6)), min_size=1, max_size=8, unique_by=lambda site: site.id
)


@given(st.integers(1, 3_000_000))
def test_sites_are_whole_and_add_up_to_what_the_pack_asks(population):
    shapes, needed = site_shapes(ED9, population), sizing(ED9, population)
    assert len(shapes) == needed.sites
    assert sum(shape.tables for shape in shapes) == max(needed.tables, len(shapes))
    assert sum(shape.samplers for shape in shapes) == max(needed.samplers, len(shapes))
    assert max(s.tables for s in shapes) - min(s.tables for s in shapes) <= 1


def test_a_village_of_five_thousand_needs_three_sites_and_their_crews():
    shapes = site_shapes(ED9, 5055)
    assert [(s.tables, s.samplers) for s in shapes] == [(3, 5), (3, 5), (3, 5)]
    crew = crew_of_sites(ED9, shapes)
    assert (crew["leader"], crew["registrar"], crew["sampler"], crew["volunteer"]) == (3, 9, 15, 6)


def test_nobody_needs_no_site():
    assert site_shapes(ED9, 0) == [] and crew_of_sites(ED9, []) == {}


@given(unit_lists, site_lists)
def test_everybody_is_called_to_exactly_one_site(units, sites):
    shared = share_out(units, sites)
    assert set(shared) == {site.id for site in sites}
    assert sorted(map(repr, units)) == sorted(repr(unit) for mine in shared.values() for unit in mine)


@given(unit_lists, site_lists)
def test_nobody_leaves_a_village_that_has_a_site(units, sites):
    villages = {site.division_code // 1000 for site in sites}
    for site in sites:
        for unit in share_out(units, sites)[site.id]:
            if unit.division_code // 1000 in villages:
                assert unit.division_code // 1000 == site.division_code // 1000


def test_sites_of_a_village_share_by_their_tables():
    units = [Unit(VILLAGE + 1, uuid.UUID(int=n), 10) for n in range(60)]
    shared = share_out(units, [SiteTables(ONE, VILLAGE + 1, 1), SiteTables(TWO, VILLAGE + 1, 3)])
    assert (len(shared[ONE]), len(shared[TWO])) == (15, 45)


parts_lists = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 30)), min_size=1, max_size=12).map(
    lambda steps: [
        Unit(VILLAGE + 1, None, people, lo, hi)
        for (people, _), lo, hi in zip(steps, _begins(steps), _ends(steps), strict=True)
    ]
)


def _begins(steps):
    at, begins = 1, []
    for _, width in steps:
        begins.append(at)
        at += width + 3
    return begins


def _ends(steps):
    return [begin + width for begin, (_, width) in zip(_begins(steps), steps, strict=True)]


@given(parts_lists, st.integers(1, 500))
def test_parts_of_a_place_leave_no_household_number_out(parts, most):
    whole = whole_units(parts)
    shared = numbered({ONE: joined(whole, most)})[ONE]
    assert shared[0].number_lo == 0 and shared[-1].number_hi == EVERY_NUMBER
    assert all(a.number_hi + 1 == b.number_lo for a, b in pairwise(shared))
    assert sum(unit.people for unit in shared) == sum(part.people for part in parts)
    assert [(unit.part, unit.parts) for unit in shared] == [(n, len(shared)) for n in range(1, len(shared) + 1)]
    assert all(unit.people <= most or unit.people in {part.people for part in parts} for unit in shared)


def test_parts_are_numbered_also_where_two_sites_share_a_place():
    first, second = whole_units([Unit(VILLAGE + 1, ONE, 50, 1, 9), Unit(VILLAGE + 1, ONE, 50, 10, 20)])
    shared = numbered({ONE: [first], TWO: [second]})
    assert [(u.part, u.parts) for u in (*shared[ONE], *shared[TWO])] == [(1, 2), (2, 2)]


def test_slots_keep_to_ten_minutes_where_one_call_for_all_would_not():
    tables = station(FLOW, 4)
    most = most_at_once(tables, FLOW)
    slots = plan_slots([Unit(VILLAGE + 1, uuid.UUID(int=n), most) for n in range(10)], tables, starts_at=NOON)
    assert max(slot.expected_wait for slot in slots) <= timedelta(minutes=11)
    [crowd] = plan_slots([Unit(VILLAGE + 1, None, most * 10)], tables, starts_at=NOON)
    assert crowd.expected_wait > timedelta(minutes=30)
    assert slots[0].starts_at == NOON and all(a.starts_at < b.starts_at for a, b in pairwise(slots))


def test_a_line_drains_before_the_first_call():
    [slot] = plan_slots([Unit(VILLAGE + 1, None, 20)], station(FLOW, 2), starts_at=NOON, waiting=200)
    assert slot.starts_at > NOON + timedelta(minutes=45)


def test_a_measured_pace_replaces_the_assumed_one():
    assert station(FLOW, 2, 60).rate == pytest.approx(2 / 60)
    assert station(FLOW, 2).seconds_per_person == pytest.approx(36)


def test_the_line_that_calls_should_lead_to():
    tables = station(FLOW, 2)
    called = [(NOON, 100)]
    assert line_at([], tables, NOON) == 0
    assert line_at(called, tables, NOON + timedelta(minutes=8)) == pytest.approx(100 - 480 * tables.rate)
    assert arrived_by(called, tables, NOON + timedelta(minutes=4)) == pytest.approx(50)
    assert arrived_by(called, tables, NOON - timedelta(minutes=4)) == 0


@pytest.mark.parametrize(("minutes", "behind", "beyond"), [(4, 0, False), (6, 0, True), (-6, 0, True), (0, 6, True)])
def test_drift_is_a_longer_or_shorter_line_or_a_late_call(minutes, behind, beyond):
    ten, tolerance = timedelta(minutes=10), timedelta(minutes=5)
    drift = Drift(ten, ten + timedelta(minutes=minutes), timedelta(minutes=behind), tolerance)
    assert drift.beyond is beyond


def decide(**signs):
    given_ = {
        "zone_level": "medium_risk",
        "mode": "pooled",
        "pool": 10,
        "lanes": ("ordinary", "symptomatic", "yellow_code"),
    }
    decision = lane_of(ED9, **(given_ | signs))
    return decision.lane, decision.mode, decision.pool


@pytest.mark.parametrize(
    ("signs", "said"),
    [
        ({}, ("ordinary", "pooled", 10)),
        ({"symptoms": True}, ("symptomatic", "single", 1)),
        ({"symptoms": True, "code": "yellow"}, ("symptomatic", "single", 1)),
        ({"code": "yellow"}, ("yellow_code", "pooled", 10)),
        ({"contact": True}, ("yellow_code", "single", 1)),
        ({"code": "red"}, ("home", "single", 1)),
        ({"symptoms": True, "lanes": ("ordinary",)}, ("home", "single", 1)),
        ({"code": "yellow", "lanes": ("ordinary", "symptomatic")}, ("home", "single", 1)),
    ],
)
def test_lanes(signs, said):
    assert decide(**signs) == said


@given(
    symptoms=st.booleans(), code=st.sampled_from(["green", "yellow", "red"]), contact=st.booleans(),
    lanes=st.sets(st.sampled_from(["ordinary", "symptomatic", "yellow_code"])),
)  # fmt: skip
def test_nobody_with_a_sign_of_risk_stands_in_the_ordinary_lane_and_nobody_ill_shares_a_tube(
    symptoms, code, contact, lanes
):
    lane, mode, _ = decide(symptoms=symptoms, code=code, contact=contact, lanes=lanes)
    risk = symptoms or contact or code != "green"
    assert (lane == "ordinary") is not risk
    assert lane in {"ordinary", "home"} or lane in lanes
    assert mode == "single" or not (symptoms or contact)


@pytest.mark.parametrize(
    ("lanes", "says"),
    [
        ([LaneEntry("ordinary", 2), LaneEntry("ordinary", 1)], "twice"),
        ([LaneEntry("ordinary", 0)], "of its own"),
        ([LaneEntry("ordinary", 3), LaneEntry("symptomatic", 2)], "need 5 tables and the site has 4"),
        ([LaneEntry("symptomatic", 1)], "keeps an ordinary lane"),
    ],
)
def test_lanes_that_cannot_be_opened(lanes, says):
    with pytest.raises(LanesExceedTables, match=says):
        judge_lanes(lanes, 4)


def test_called_people_go_to_the_ordinary_tables():
    assert ordinary_tables(4, {}) == 4 and ordinary_tables(4, {"ordinary": 3, "symptomatic": 1}) == 3


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (CrewEntry(ONE, "juggler", post=ONE), "no function"),
        (CrewEntry(ONE, "leader"), "either a post or a person"),
        (CrewEntry(ONE, "leader", ONE, ONE), "either a post or a person"),
        (CrewEntry(ONE, "leader", post=TWO), "does not exist"),
        (CrewEntry(ONE, "sampler", responder=TWO), "not on duty in your area"),
        (CrewEntry(ONE, "leader", responder=uuid.UUID(int=3)), "works at 学校: relieve them there first"),
        (CrewEntry(ONE, "leader", responder=uuid.UUID(int=4)), "rests until"),
        (CrewEntry(ONE, "sampler", responder=uuid.UUID(int=5)), "protective clothing"),
        (CrewEntry(ONE, "leader", post=ONE), None),
        (CrewEntry(ONE, "registrar", responder=uuid.UUID(int=5)), None),
    ],
)
def test_who_may_be_put_to_a_function(entry, says):
    on_duty = {
        uuid.UUID(int=3): OnDuty("甲", None, True, None), uuid.UUID(int=4): OnDuty("乙", None, True, date(2022, 7, 20)),
        uuid.UUID(int=5): OnDuty("丙", 1980, False, None),
    }  # fmt: skip
    functions = {"leader": False, "registrar": False, "sampler": True}
    fault = judge_crew(entry, functions, {ONE}, on_duty, {uuid.UUID(int=3): "学校"}, date(2022, 7, 14))
    assert fault is None if says is None else says in fault


def test_who_may_be_sampled_at_home():
    refused = [judge_home(None), *(judge_home(HomeMember(VILLAGE, s)) for s in ("sampled", "excluded"))]
    refused.append(judge_home(HomeMember(VILLAGE, "missing", ONE, 1, True)))
    assert [code for code, _ in refused] == ["not_on_roster", "sampled", "excluded", "ordered"]
    assert judge_home(HomeMember(VILLAGE, "missing")) is None
    assert judge_home(HomeMember(VILLAGE, "missing", ONE, 1, False)) is None


def test_what_an_attempt_must_say():
    open_ = HomeMember(VILLAGE, "missing", ONE, 1, True)
    could_not = HomeAttemptEntry(ONE, TWO, "could_not", "asleep")
    faults = [
        judge_attempt(could_not, None, NOON),
        judge_attempt(could_not, HomeMember(VILLAGE, "sampled", ONE, 1, True), NOON),
        judge_attempt(HomeAttemptEntry(ONE, TWO, "appointment", appointment_at=NOON), open_, NOON),
        judge_attempt(HomeAttemptEntry(ONE, TWO, "could_not", "  "), open_, NOON),
    ]
    assert [fault[0] for fault in faults] == ["not_ordered", "sampled", "appointment_missing", "note_missing"]
    assert judge_attempt(could_not, open_, NOON) is None
