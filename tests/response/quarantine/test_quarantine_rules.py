"""What decides without a database: what an order must say, its legs, the plan, abnormal checks, complete visits."""

import uuid
from datetime import date, timedelta
from decimal import Decimal

import pytest

from conftest import XINZHU
from lianfang.engines.protocol import leg_schedule, pack_of_protocol
from lianfang.kit.clock import local
from lianfang.response.quarantine.rules import (
    NewOrder,
    OrderRefused,
    is_abnormal,
    is_complete,
    legs_anew,
    legs_to_serve,
    order_fault,
    planned_duties,
    slot_of,
    test_day_served,
)

ED9 = "covid19-cn-ed9@2022-07-13"
HOME = XINZHU * 1000 + 1
ISSUED = local("2022-07-13 20:00")
MET = local("2022-07-12 12:00")


def order(**fields):
    words = {"reason": "met a case", "authority": "county HQ", "appeal_to": "the duty desk"}
    where = {"place": "hotel", "site_code": HOME + 1, "dependants": False}
    return NewOrder(
        **{"resident": uuid.UUID(int=1), "tier": "close_contact", "last_exposure_at": MET} | words | where | fields
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, None),
        ({"tier": "secondary_contact", "place": "", "site_code": None, "dependants": None}, None),
        ({"reason": " "}, "fill in reason"),
        ({"authority": ""}, "fill in authority"),
        ({"appeal_to": ""}, "fill in appeal to"),
        ({"site_code": None}, "needs its site"),
        ({"site_code": 469022100000000}, "another county"),
        ({"dependants": None}, "depend on this person"),
        ({"dependants": True}, "named keeper"),
        ({"dependants": True, "keeper": "grandmother"}, None),
        ({"last_exposure_at": ISSUED + timedelta(hours=1)}, "after the order"),
        ({"started_at": ISSUED}, None),
        ({"started_at": ISSUED + timedelta(hours=1)}, "leave started_at empty"),
    ],
)
def test_an_order_says_all_that_a_person_must_be_able_to_read(fields, sentence):
    fault = order_fault(ED9, order(**fields), HOME, ISSUED)
    assert (sentence in fault) if sentence else fault is None


@pytest.mark.parametrize(
    ("days_ago", "kinds"),
    [
        (1, ["central_quarantine", "home_monitoring"]),
        (7, ["central_quarantine", "home_monitoring"]),
        (8, ["home_monitoring"]),
    ],
)
def test_days_passed_before_somebody_was_found_count(days_ago, kinds):
    legs = legs_to_serve(ED9, order(last_exposure_at=ISSUED - timedelta(days=days_ago)), ISSUED)
    assert [leg.kind for leg in legs] == kinds


@pytest.mark.parametrize(("days_ago", "tier"), [(11, "close_contact"), (1, "general_contact")])
def test_nobody_is_held_for_a_period_that_is_over_or_was_never_ordered(days_ago, tier):
    with pytest.raises(OrderRefused):
        legs_to_serve(ED9, order(tier=tier, last_exposure_at=ISSUED - timedelta(days=days_ago)), ISSUED)


def test_the_plan_counts_days_inside_the_leg():
    days = {}
    for duty in planned_duties(ED9, "close_contact"):
        days.setdefault((duty.leg, duty.kind), []).append(duty.leg_day)
    assert days[0, "quarantine_test"] == [1, 2, 3, 5, 7]
    assert days[1, "quarantine_test"] == [3]
    assert days[0, "daily_check"] == sorted([*range(1, 8), *range(1, 8)])
    assert days[1, "door_visit"] == [1]


@pytest.mark.parametrize(
    ("temperature", "symptoms", "abnormal"),
    [
        ("36.6", (), False),
        ("37.2", (), False),
        ("37.3", (), True),
        ("36.5", ("cough",), True),
        (None, ("cough",), True),
    ],
)
def test_fever_or_any_symptom_is_abnormal(temperature, symptoms, abnormal):
    assert is_abnormal(temperature and Decimal(temperature), symptoms) is abnormal


@pytest.mark.parametrize(("clock", "slot"), [("05:00", 0), ("06:00", 0), ("13:59", 0), ("14:00", 1), ("23:00", 1)])
def test_a_check_belongs_to_the_window_that_has_opened(clock, slot):
    assert slot_of(pack_of_protocol(ED9), "daily_check", local(f"2022-07-14 {clock}")) == slot


@pytest.mark.parametrize("step", range(5))
def test_a_visit_is_complete_when_every_step_is_done(step):
    assert is_complete(*[True] * 5)
    assert not is_complete(*[number != step for number in range(5)])


def test_a_late_sample_serves_the_planned_day_before_it():
    planned = [date(2022, 7, 13), date(2022, 7, 16)]
    assert test_day_served(date(2022, 7, 15), planned) == planned[0]
    assert test_day_served(date(2022, 7, 16), planned) == planned[1]
    assert test_day_served(date(2022, 7, 12), planned) is None


def anew(today, last_day):
    pack = pack_of_protocol(ED9)
    legs = leg_schedule(pack, "close_contact", last_exposure=MET)
    return list(legs_anew(pack, "close_contact", legs, 0, today, last_day))


def test_an_order_anew_takes_from_the_next_leg_what_it_adds():
    assert anew(date(2022, 7, 19), date(2022, 7, 21)) == [
        (0, "central_quarantine", date(2022, 7, 20), date(2022, 7, 21)),
        (1, "home_monitoring", date(2022, 7, 22), date(2022, 7, 22)),
    ]


@pytest.mark.parametrize("last_day", [date(2022, 7, 19), date(2022, 7, 27)])
def test_an_order_anew_is_neither_past_nor_longer_than_the_protocols_leg(last_day):
    with pytest.raises(OrderRefused):
        anew(date(2022, 7, 19), last_day)
