"""Levels and directives as tables of cases."""

from datetime import timedelta

import pytest

from lianfang.kit.clock import local
from lianfang.response.command.rules import GOVERNMENTS, Recipient, directive_fault, level_fault

NOON = local("2022-07-13 12:00")
TO = [Recipient(469021101201000, "village")]


@pytest.mark.parametrize(
    ("level", "government", "before", "refused"),
    [
        (4, "county", None, False),
        (3, "county", None, True),
        (3, "prefecture", None, False),
        (3, "province", None, False),  # a county that reports to its province
        (2, "prefecture", None, True),
        (1, "province", None, False),
        (None, "county", 4, False),
        (None, "county", 1, True),
        (4, "prefecture", 3, False),
        (4, "village", None, True),
        (5, "state", None, True),
    ],
)
def test_who_may_set_which_level(level, government, before, refused):
    assert (level_fault(level, government, before) is not None) is refused


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_routine_mode_without_a_level_is_anybodys(government):
    assert level_fault(None, government) is None


@pytest.mark.parametrize(
    ("title", "text", "acknowledge", "feedback", "to", "says"),
    [
        ("t", "t", 1, None, TO, None),
        ("t", "t", 1, 1, TO, None),
        (" ", "t", 1, None, TO, "title and a text"),
        ("t", "t", 1, None, [], "at least one recipient"),
        ("t", "t", 1, None, [*TO, Recipient(469021101201000, "village")], "named twice"),
        ("t", "t", 0, None, TO, "not after the time of issue"),
        ("t", "t", 3, 2, TO, "later"),
    ],
)
def test_what_makes_a_directive_fit_to_obey(title, text, acknowledge, feedback, to, says):
    due = None if feedback is None else NOON + timedelta(hours=feedback)
    fault = directive_fault(title, text, NOON, NOON + timedelta(hours=acknowledge), due, to)
    assert fault is None if says is None else says in fault
