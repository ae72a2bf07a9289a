"""What may happen to whoever passes, and what may be kept of it."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest

from lianfang.kit.clock import local
from lianfang.response.checkpoints.rules import NEVER_TURNED_BACK, PURPOSES, NewPassage, order_fault, passage_fault

NOON = local("2022-07-14 12:00")
TOLD = {"reason": "sealed village", "destination": "定城镇"}


def fault(**fields):
    return passage_fault(NewPassage(uuid.uuid4(), NOON, **({"direction": "in", "purpose": "visit"} | fields)))


@pytest.mark.parametrize("purpose", NEVER_TURNED_BACK)
def test_patients_people_going_home_emergencies_and_freight_are_never_turned_back(purpose):
    assert fault(purpose=purpose, outcome="advised_back", **TOLD) == NEVER_TURNED_BACK[purpose]
    assert fault(purpose=purpose) is None
    assert fault(purpose=purpose, outcome="handed_over", **TOLD) is None


@pytest.mark.parametrize("purpose", sorted(set(PURPOSES) - set(NEVER_TURNED_BACK)))
def test_others_may_be_advised_to_turn_back_when_told_why_and_where(purpose):
    assert fault(purpose=purpose, outcome="advised_back", **TOLD) is None
    assert "why and where to" in fault(purpose=purpose, outcome="advised_back", reason="sealed")
    assert "handed over" in fault(purpose=purpose, outcome="handed_over", destination="hospital")


@pytest.mark.parametrize(("temperature", "refused"), [("37.2", False), ("37.3", True), ("39.0", True), (None, False)])
def test_the_feverish_are_patients(temperature, refused):
    measured = None if temperature is None else Decimal(temperature)
    found = fault(outcome="advised_back", temperature=measured, **TOLD)
    assert (found is not None and "fever clinic" in found) is refused
    assert fault(outcome="handed_over", temperature=measured, **TOLD) is None


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({}, False),
        ({"outcome": "advised_back", **TOLD}, False),
        ({"list_hit": True}, True),
        ({"outcome": "handed_over", **TOLD}, True),
    ],
)
def test_an_identifier_is_kept_only_on_a_list_hit_or_a_hand_over(fields, kept):
    assert (fault(identifier="琼A00000", **fields) is None) is kept


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"people": 0}, "at least one person"),
        ({"direction": "up"}, "direction “up” is unknown"),
        ({"purpose": "fun"}, "purpose “fun”"),
        ({"outcome": "arrested"}, "outcome “arrested”"),
        ({"subject": "horse"}, "subject “horse”"),
        ({"temperature": Decimal("98.6")}, "no temperature of a living person"),
    ],
)
def test_what_cannot_be_true(fields, says):
    assert says in fault(**fields)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, None),
        ({"reason": " "}, "a reason and the authority"),
        ({"authority": ""}, "a reason and the authority"),
        ({"appeal_to": ""}, "where to object"),
        ({"emergency_lane": ""}, "A lane stays open"),
        ({"ends_at": NOON}, "does not extend itself"),
    ],
)
def test_what_an_order_must_say(fields, says):
    plain = {"reason": "r", "authority": "a", "appeal_to": "0898", "emergency_lane": "east", "since": NOON, "ends_at": NOON + timedelta(days=7)}  # fmt: skip
    found = order_fault(**plain | fields)
    assert found is None if says is None else says in found
