"""Whoever is in a lost tube is missing in the round again, is visited, and stands as sampled once the tube turns up."""

import pytest

from lianfang.core.duties.queries import duties
from lianfang.kit.clock import clock_at
from lianfang.response.screening.actions import order_visits, update_visits
from lianfang.response.screening.queries import accounted
from lianfang.response.specimens.actions import record_tube_found
from making import make_household, make_resident
from response.screening.round_making import GRID, NOON, county_actor, opened, sample

pytestmark = pytest.mark.django_db


def test_people_of_a_lost_tube_are_visited_until_it_turns_up():
    by = county_actor()
    home = make_household(by=by, grid=GRID).id
    people = [make_resident(by=by, grid=GRID, household=home).id for _ in range(2)]
    round = opened(by)
    tube = sample(by, round.id, *people)
    with clock_at(NOON):
        order_visits(round.id, by=by, within=by.scope, valid_at=NOON)
        assert (_missing(by, round), _visits(by)) == (0, 0)
        record_tube_found("lost", by=by, codes=[tube.code], reason="broke on the road", valid_at=NOON)
        update_visits(by=by, county=469021, valid_at=NOON)
        assert (_missing(by, round), _visits(by)) == (2, 2)
        record_tube_found("found", by=by, codes=[tube.code], place="the van", valid_at=NOON)
        update_visits(by=by, county=469021, valid_at=NOON)
        assert (_missing(by, round), _visits(by)) == (0, 0)


def _missing(by, round):
    return accounted(round.id, by=by).missing


def _visits(by):
    return len(duties(by=by, kind="round_visit"))
