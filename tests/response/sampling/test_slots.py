"""Slots: planned for a round, confirmed by a person, called, and planned anew when the line drifts."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from conftest import make_actor
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.sampling import permissions as may
from lianfang.response.sampling.actions import (
    call_slot,
    confirm_slots,
    open_lanes,
    plan_slots,
    record_queue,
    replan_slots,
)
from lianfang.response.sampling.models import Slot, SlotPlan
from lianfang.response.sampling.queries import plans_of, propose_slots, site_flow_now, site_lines, site_needs, slots
from lianfang.response.sampling.rules import (
    LaneEntry,
    LanesExceedTables,
    NothingToPlan,
    PlanOutdated,
    PlanUnknown,
    SiteClosed,
    SiteUnknown,
    SlotUnknown,
)
from lianfang.response.screening.actions import close_round, exclude_people
from lianfang.response.screening.queries import missing
from lianfang.response.screening.rules import ExclusionEntry
from making import appointed
from response.sampling.site_making import (
    HAMLET,
    NOON,
    VILLAGE,
    county_actor,
    opened,
    sampled,
    settled,
    site,
    village_actor,
)

pytestmark = pytest.mark.django_db
HALF_PAST = NOON + timedelta(minutes=30)


def after(minutes):
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def by():
    return county_actor()


@pytest.fixture
def people(by):
    return settled(by)


@pytest.fixture
def round(by, people):
    return opened(by)


@pytest.fixture
def post(by, round):
    return site(by, round.id)


def planned(by, round, at=NOON, **fields):
    with clock_at(at):
        return plan_slots(round.id, by=by, starts_at=at, valid_at=at, **fields)


def confirmed(by, round, at=NOON):
    made = planned(by, round, at)
    with clock_at(at):
        confirm_slots(made.plan, by=by, valid_at=at)
    return made


def audited(verb):
    with acting(make_actor(line="audit")), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM access_auditentry WHERE verb = %s", [verb])
        return cursor.fetchone()[0]


def test_everybody_of_the_roster_is_in_one_slot(by, people, round, post):
    made = planned(by, round)
    assert (made.sites, made.people) == (1, 96) and audited("sampling.plan_slots") == 1
    with acting(by):
        rows = list(Slot.objects.filter(plan__batch=made.plan).order_by("position"))
    assert {(row.division_code, row.building) for row in rows} == set(people)
    assert sum(row.people for row in rows) == 96
    assert [row.starts_at for row in rows] == sorted(row.starts_at for row in rows)
    assert all(row.expected_wait <= timedelta(minutes=11) for row in rows)


def test_a_place_too_large_for_one_call_is_called_in_parts(by):
    people = settled(by, homes=60, size=4)
    round = opened(by)
    post = site(by, round.id, tables=1)
    made = confirmed(by, round)
    rows = slots(post, by=by, at=NOON)
    assert made.people == sum(row.people for row in rows) == sum(map(len, people.values()))
    assert max(row.parts for row in rows) > 3 and max(row.people for row in rows) < 60
    # who is missing in the slots is who is missing in the round: nobody twice, nobody left out
    assert sum(row.missing for row in rows) == len(missing(round.id, by=by, limit=1000)) == 720


def test_the_same_plan_again_is_the_same(by, round, post):
    id = new_id()
    assert planned(by, round, id=id) == planned(by, round, id=id)
    assert len(plans_of(by=by, round=round.id)) == 1 and audited("sampling.plan_slots") == 1


def test_a_plan_needs_a_site_and_somebody_to_call(by, people, round):
    with pytest.raises(NothingToPlan, match="No sampling site"):
        planned(by, round)
    post = site(by, round.id)
    for group in people.values():
        sampled(by, round.id, post, *group)
    with pytest.raises(NothingToPlan, match="Nobody is left"):
        planned(by, round, HALF_PAST)


def test_who_came_by_themselves_or_is_excluded_is_not_called(by, people, round, post):
    first, *others = people[(HAMLET, None)]
    sampled(by, round.id, post, first)
    with clock_at(NOON):
        exclude_people(round.id, [ExclusionEntry(new_id(), others[0], "infant")], by=by, valid_at=NOON)
    assert planned(by, round).people == 94


def test_sites_of_a_round_share_its_people_by_tables(by, round):
    one, two = site(by, round.id, "一号点", tables=1), site(by, round.id, "二号点", code=HAMLET, tables=2, samplers=2)
    made = confirmed(by, round)
    shares = [sum(row.people for row in slots(post, by=by)) for post in (one, two)]
    assert made.sites == 2 and sum(shares) == 96 and shares[1] > shares[0]


def test_a_plan_holds_once_a_person_confirmed_it(by, round, post):
    made = planned(by, round)
    assert slots(post, by=by) == [] and [row.state for row in plans_of(by=by, site=post)] == ["proposed"]
    with clock_at(NOON):
        receipt = confirm_slots(made.plan, by=by, valid_at=NOON)
        assert confirm_slots(made.plan, by=by, valid_at=NOON) == receipt == made
    assert len(slots(post, by=by)) == made.slots and audited("sampling.confirm_slots") == 1
    again = planned(by, round, after(1))
    with clock_at(after(1)):
        confirm_slots(again.plan, by=by, valid_at=after(1))
    assert [row.state for row in plans_of(by=by, site=post)] == ["in_force", "superseded"]
    with clock_at(after(2)), pytest.raises(PlanUnknown):
        confirm_slots(new_id(), by=by, valid_at=after(2))


def test_an_outdated_plan_is_not_confirmed(by, round, post):
    confirmed(by, round)
    stale = planned(by, round, after(1))
    call(by, slots(post, by=by)[0], after(2))
    with clock_at(after(3)), pytest.raises(PlanOutdated, match="make a new plan"):
        confirm_slots(stale.plan, by=by, valid_at=after(3))


def call(by, slot, at):
    with clock_at(at):
        return call_slot(slot.id, by=by, valid_at=at)


def test_a_building_is_called_once(by, round, post):
    confirmed(by, round)
    slot = slots(post, by=by)[0]
    assert call(by, slot, after(1)) == call(by, slot, after(5)) == after(1)
    assert slots(post, by=by, at=after(5))[0].called_at == after(1) and audited("sampling.call_slots") == 1


def test_calls_that_are_refused(by, round, post):
    made = planned(by, round)
    with acting(by):
        proposed = Slot.objects.filter(plan__batch=made.plan).first()
    with clock_at(NOON), pytest.raises(PlanOutdated):
        call_slot(proposed.id, by=by, valid_at=NOON)
    with clock_at(NOON), pytest.raises(SlotUnknown):
        call_slot(new_id(), by=by, valid_at=NOON)
    elsewhere = make_actor(may.CALL_SLOTS, may.READ_SITES, scope="469021100004", role="grid_worker", line="community")
    with clock_at(NOON), pytest.raises(SiteUnknown):
        call_slot(proposed.id, by=elsewhere, valid_at=NOON)


def test_what_came_of_a_slot(by, people, round, post):
    confirmed(by, round)
    slot = next(row for row in slots(post, by=by) if row.division_code == HAMLET)
    call(by, slot, NOON)
    group = people[(HAMLET, None)]
    sampled(by, round.id, post, *group[:10], at=after(8))
    sampled(by, round.id, post, *group[10:20], at=after(12))
    row = next(one for one in slots(post, by=by, at=after(12)) if one.id == slot.id)
    assert (row.came, row.sampled, row.missing, row.actual_wait) == (20, 20, 12, timedelta(minutes=10))
    assert row.state(after(12)) == "called"
    sampled(by, round.id, post, *group[20:], at=after(14))
    row = next(one for one in slots(post, by=by, at=after(14)) if one.id == slot.id)
    assert row.state(after(14)) == "finished"


def test_a_counted_line_says_what_to_expect(by, round, post):
    confirmed(by, round)
    id = new_id()
    with clock_at(after(1)):
        for _ in range(2):
            record_queue(post, 40, by=by, valid_at=after(1), id=id)
        flow = site_flow_now(post, by=by)
    assert (flow.waiting, flow.counted_at) == (40, after(1)) and audited("sampling.record_queue") == 1
    # forty people before two tables of 36 seconds each, then the swab
    assert timedelta(minutes=12) < flow.expected_wait < timedelta(minutes=13, seconds=30)
    assert flow.drift.beyond and site_lines(round.id, by=by)[0].waiting == 40
    with clock_at(after(40)):
        assert site_flow_now(post, by=by).counted_at is None


def test_without_a_count_the_line_is_what_calls_and_samples_leave(by, people, round, post):
    confirmed(by, round)
    slot = slots(post, by=by)[0]
    call(by, slot, NOON)
    with clock_at(after(8)):
        assert site_flow_now(post, by=by).waiting == slot.people
    members = people[(slot.division_code, slot.building)]
    sampled(by, round.id, post, *members[:20], at=after(8))
    with clock_at(after(9)):
        flow = site_flow_now(post, by=by)
    assert flow.waiting == slot.people - 20
    assert (flow.rate_60, flow.rate_15, flow.sampled) == (20, 80, 20)


@pytest.mark.parametrize("waiting", [-1, 20_001])
def test_a_line_that_cannot_be_is_refused(by, round, post, waiting):
    with clock_at(NOON), pytest.raises(Refusal, match="cannot stand in one line"):
        record_queue(post, waiting, by=by, valid_at=NOON)


def test_the_finish_to_expect_is_set_against_the_target(by, round, post):
    confirmed(by, round)
    with clock_at(after(1)):
        flow = site_flow_now(post, by=by)
    assert flow.to_call == flow.missing == 96
    assert after(30) < flow.projected_finish < after(60) and not flow.too_late
    with clock_at(round.target_at):
        late = site_flow_now(post, by=by)
    assert late.too_late and late.drift.behind > timedelta(hours=23)


def test_a_drifted_plan_is_made_anew_for_those_not_called_yet(by, people, round, post):
    confirmed(by, round)
    first, *rest = slots(post, by=by)
    call(by, first, NOON)
    gone = next(row for row in rest if row.division_code == HAMLET)
    sampled(by, round.id, post, *people[(HAMLET, None)], at=after(1))
    with clock_at(after(6)):
        record_queue(post, 60, by=by, valid_at=after(6))
        proposal, flow = propose_slots(post, by=by)
        assert flow.drift.beyond and {slot.unit.place for slot in proposal} == {
            (row.division_code, row.building) for row in rest if row.id != gone.id
        }
        id = new_id()
        made = replan_slots(post, by=by, reason="one table broke down", valid_at=after(6), id=id)
        assert replan_slots(post, by=by, reason="one table broke down", valid_at=after(6), id=id) == made
    now = slots(post, by=by, at=after(6))
    assert now[0].id == first.id and len(now) == 1 + made.slots == 1 + len(proposal)
    assert now[1].starts_at > after(20), "the line of sixty is served first"
    history = plans_of(by=by, site=post)
    assert [(row.state, row.reason) for row in history] == [("in_force", "one table broke down"), ("superseded", "")]
    assert audited("sampling.replan_slots") == 1


def test_plans_that_cannot_be_made_anew(by, people, round, post):
    confirmed(by, round)
    with clock_at(after(1)), pytest.raises(Refusal, match="few words"):
        replan_slots(post, by=by, reason=" ", valid_at=after(1))
    for row in slots(post, by=by):
        call(by, row, after(1))
    with clock_at(after(2)), pytest.raises(NothingToPlan):
        replan_slots(post, by=by, reason="slow", valid_at=after(2))
    accepted = appointed()
    with clock_at(after(3)):
        close_round(round.id, by=by, valid_at=after(3), accepted_by=accepted, accepted_title="township")
        with pytest.raises(SiteClosed):
            replan_slots(post, by=by, reason="slow", valid_at=after(3))
        with pytest.raises(SiteClosed):
            record_queue(post, 3, by=by, valid_at=after(3))


def test_called_people_are_not_planned_again(by, round, post):
    confirmed(by, round)
    first = slots(post, by=by)[0]
    call(by, first, NOON)
    assert planned(by, round, after(1)).people == 96 - first.people


def test_lanes_take_tables_from_those_who_are_called(by, round):
    post = site(by, round.id, tables=3, samplers=3)
    lanes = [LaneEntry("ordinary", 2), LaneEntry("symptomatic", 1)]
    with clock_at(NOON):
        assert open_lanes(post, lanes, by=by, valid_at=NOON) == open_lanes(post, lanes, by=by, valid_at=NOON) == 2
        assert site_flow_now(post, by=by).tables == 2 and audited("sampling.open_lanes") == 1
        open_lanes(post, [LaneEntry("ordinary", 3)], by=by, valid_at=after(0))
        assert site_flow_now(post, by=by).tables == 3
        with pytest.raises(LanesExceedTables):
            open_lanes(post, [LaneEntry("ordinary", 4)], by=by, valid_at=NOON)


def test_what_a_village_needs_beside_what_it_has(by, round, post):
    [need] = site_needs(round.id, by=by)
    assert (need.code, need.population, need.sites, need.tables, need.samplers) == (VILLAGE, 96, 1, 1, 1)
    assert (need.open_sites, need.open_tables, need.missing_sites) == (1, 2, 0)
    assert need.crew["leader"] == 1


def test_permissions(by, round, post):
    outsider = village_actor(may.READ_SITES, role="grid_worker")
    for act in (
        lambda: plan_slots(round.id, by=outsider, starts_at=NOON, valid_at=NOON),
        lambda: confirm_slots(new_id(), by=outsider, valid_at=NOON),
        lambda: replan_slots(post, by=outsider, reason="x", valid_at=NOON),
        lambda: call_slot(new_id(), by=outsider, valid_at=NOON),
        lambda: record_queue(post, 1, by=outsider, valid_at=NOON),
        lambda: open_lanes(post, [LaneEntry("ordinary", 1)], by=outsider, valid_at=NOON),
        lambda: slots(post, by=make_actor()),
    ):
        with pytest.raises(NotPermitted):
            act()


def test_the_database_refuses_two_plans_in_force(by, round, post):
    confirmed(by, round)
    with acting(by), pytest.raises(IntegrityError, match="slot_plan_in_force_once"), transaction.atomic():
        one = SlotPlan.objects.get(site=post)
        one.pk, one.number = new_id(), 2
        one.save(force_insert=True)
