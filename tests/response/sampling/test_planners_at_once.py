"""Two people plan the slots of one round at the same instant: one plan holds, nobody is called by two."""

from datetime import timedelta
from functools import partial

import pytest

from lianfang.core.access.scope import acting
from lianfang.kit.clock import clock_at
from lianfang.kit.refusals import Refusal
from lianfang.response.sampling.actions import call_slot, confirm_slots, plan_slots, replan_slots
from lianfang.response.sampling.models import Slot, SlotPlan
from lianfang.response.sampling.queries import slots
from lianfang.response.sampling.rules import PlanOutdated
from response.sampling.site_making import NOON, county_actor, opened, settled, site
from side_by_side import at_once

# what happens at once is seen by transactions that commit
pytestmark = pytest.mark.usefixtures("committing")
LATER = NOON + timedelta(minutes=1)


def later(*calls):
    """What each of some calls returned or raised, all begun together at a later hour."""

    def at_that_hour(call):
        with clock_at(LATER):
            return call()

    return at_once(*(partial(at_that_hour, call) for call in calls))


@pytest.fixture
def planners():
    return county_actor(), county_actor()


def planned(by, round):
    with clock_at(NOON):
        return plan_slots(round, by=by, starts_at=NOON, valid_at=NOON).plan


def in_force(by, post):
    with acting(by):
        return SlotPlan.objects.filter(site=post, confirmed_at__isnull=False, superseded_at__isnull=True).count()


def confirm(plan, by):
    return lambda: confirm_slots(plan, by=by, valid_at=LATER)


def test_of_two_plans_confirmed_at_once_one_holds_and_the_other_is_refused_with_a_sentence(planners):
    settled(planners[0], homes=2)
    for _ in range(6):
        round = opened(planners[0]).id
        posts = [site(planners[0], round, name) for name in ("一号点", "二号点")]
        plans = [planned(by, round) for by in planners]
        said = later(*(confirm(plan, by) for plan, by in zip(plans, planners, strict=True)))
        (refused,) = [one for one in said if isinstance(one, Exception)]
        assert isinstance(refused, PlanOutdated), refused
        assert [in_force(planners[0], post) for post in posts] == [1, 1]


def test_the_same_plan_confirmed_twice_at_once_is_confirmed_once(planners):
    settled(planners[0], homes=2)
    for _ in range(4):
        round = opened(planners[0]).id
        post = site(planners[0], round)
        plan = planned(planners[0], round)
        said = later(*(confirm(plan, by) for by in planners))
        assert said[0] == said[1] and in_force(planners[0], post) == 1


def test_two_proposals_at_once_are_two_plans(planners):
    settled(planners[0], homes=2)
    round = opened(planners[0]).id
    post = site(planners[0], round)
    for turn in range(4):
        said = later(*(lambda by=by: planned(by, round) for by in planners))
        assert len(set(said)) == 2, said
        with acting(planners[0]):
            assert SlotPlan.objects.filter(site=post).count() == 2 * (turn + 1)


@pytest.mark.parametrize("anew", ["another plan is confirmed", "the site is planned anew"])
def test_a_building_called_while_the_plan_changes_is_never_called_by_the_new_one(planners, anew):
    by, other = planners
    settled(by, homes=2)
    for _ in range(6):
        round = opened(by).id
        post = site(by, round)
        with clock_at(NOON):
            confirm_slots(planned(by, round), by=by, valid_at=NOON)
        first = slots(post, by=by, at=NOON)[0]
        second = planned(other, round)
        change = (
            confirm(second, other)
            if anew.startswith("another")
            else lambda post=post: replan_slots(post, by=other, reason="slow", valid_at=LATER)
        )
        said = later(lambda first=first: call_slot(first.id, by=by, valid_at=LATER), change)
        assert all(isinstance(one, Refusal) for one in said if isinstance(one, Exception)), said
        with acting(by):
            called = Slot.objects.filter(site=post, called_at__isnull=False).values_list("division_code", "building")
            waiting = Slot.objects.filter(
                site=post, called_at__isnull=True, plan__confirmed_at__isnull=False, plan__superseded_at__isnull=True
            ).values_list("division_code", "building")
            assert not set(called) & set(waiting)
