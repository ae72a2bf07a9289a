"""What decides without a database: what seals, which unit holds a zone, when it ends, what a check lacks."""

import pytest

from lianfang.engines.protocol import pack_of_protocol
from lianfang.kit.clock import local
from lianfang.kit.codes import CodeRange, code_range
from lianfang.response.zones.rules import (
    NewArea,
    change_of,
    check_fault,
    common_unit,
    default_end,
    shuts_in,
    zone_fault,
)

ED9 = pack_of_protocol("covid19-cn-ed9@2022-07-13")
DRAWN = local("2022-07-13 10:00")
AREA = NewArea(469021101201000, 469021101201999)


@pytest.mark.parametrize(("level", "shut"), [("high_risk", True), ("medium_risk", True), ("low_risk", False)])
def test_which_levels_shut_people_in(level, shut):
    assert shuts_in(ED9, level) is shut


@pytest.mark.parametrize(
    ("areas", "unit"),
    [
        (["469021101201"], 469021101201000),
        (["469021101201", "469021101202"], 469021101000000),
        (["469021101201", "469021100004"], 469021000000000),
        (["46902", "46"], 460000000000000),
    ],
)
def test_the_smallest_unit_that_holds_all_areas(areas, unit):
    assert common_unit(code_range(area) for area in areas) == unit


def test_one_grid_is_its_own_unit():
    assert common_unit([CodeRange(469021101201001, 469021101201001)]) == 469021101201001


@pytest.mark.parametrize(
    ("level", "end"), [("high_risk", "2022-07-21"), ("medium_risk", "2022-07-21"), ("low_risk", "2022-07-21")]
)
def test_a_zone_ends_after_the_days_the_pack_waits(level, end):
    assert default_end(ED9, level, DRAWN) == local(end)


def test_a_zone_stepped_down_waits_the_shorter_days_of_its_own_rule():
    assert default_end(ED9, "medium_risk", DRAWN, "high_risk") == local("2022-07-17")


@pytest.mark.parametrize(
    ("now", "then", "change"),
    [("high_risk", "medium_risk", "stepped_down"), ("medium_risk", "high_risk", "raised"),
     ("high_risk", "high_risk", "renewed"), ("low_risk", None, "lifted")],
)  # fmt: skip
def test_what_a_decision_is(now, then, change):
    assert change_of(ED9, now, then) == change


@pytest.mark.parametrize(
    ("counts", "plan", "sentence"),
    [
        ((2, 1, 0), "", "1 of 2 buildings"),
        ((2, 2, 3), " ", "3 residents"),
        ((2, 2, 3), "car on call", None),
        ((0, 0, 0), "", None),
    ],
)
def test_what_a_check_of_needs_lacks(counts, plan, sentence):
    fault = check_fault(*counts, plan)
    assert (sentence in fault) if sentence else fault is None


@pytest.mark.parametrize(
    ("areas", "end", "words", "sentence"),
    [([], local("2022-07-20"), {}, "at least one area"), ([AREA], DRAWN, {}, "ends after it begins"),
     ([AREA], local("2022-07-20"), {"appeal_to": ""}, "Fill in appeal to")],
)  # fmt: skip
def test_a_zone_that_does_not_say_enough(areas, end, words, sentence):
    assert sentence in zone_fault(areas, DRAWN, end, **words)
    assert zone_fault([AREA], DRAWN, local("2022-07-20"), reason="case 1") is None
