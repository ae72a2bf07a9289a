"""What field work must say, who may be given it, and when it comes round: pure."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import lianfang.core.access
from lianfang.kit.clock import local
from lianfang.response.tasks.rules import (
    CATEGORIES,
    CHECKS,
    DOERS,
    HAZARDS,
    TASK_KINDS,
    NewFinding,
    NewTask,
    checklist,
    inspection_fault,
    period_at,
    periods,
    task_fault,
)

NOON = local("2022-07-14 12:00")
GRID = 469021102201001
ROLES = yaml.safe_load((Path(lianfang.core.access.__file__).parent / "roles.yaml").read_text())["roles"]


def task(**fields):
    usual = {
        "kind": "patrol",
        "division_code": GRID,
        "title": "河边巡查",
        "starts_at": NOON,
        "due_at": NOON + timedelta(hours=2),
    }
    return NewTask(**usual | fields)


def hours(number):
    return timedelta(hours=number)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"kind": "parade"}, "no kind"),
        ({"role": "lab"}, "does no such work"),
        ({"title": " "}, "what is to be done"),
        ({"due_at": NOON}, "due after it begins"),
        ({"kind": "delivery"}, "to whom, where"),
        ({"kind": "delivery", "person": "李", "address": "3 号", "items": (" ",)}, "what to bring"),
        ({"kind": "field_inspection"}, "which kind of place"),
        ({"lon": 110.0}, "both or neither"),
        ({"every_hours": 4}, "until when"),
        ({"until": NOON + hours(9)}, "until when"),
        ({"every_hours": 0, "until": NOON + hours(9)}, "every hour at most"),
        ({"every_hours": 4, "until": NOON}, "ends after it begins"),
        ({"every_hours": 1, "until": NOON + hours(9)}, "before the next one"),
        ({"every_hours": 2, "until": NOON + hours(2002)}, "turns"),
    ],
)
def test_work_that_cannot_be_done_as_written_is_refused_in_words(fields, word):
    assert word in (task_fault(task(**fields)) or "")


@pytest.mark.parametrize(
    "fields",
    [{}, {"every_hours": 2, "until": NOON + hours(2000)}, {"kind": "field_inspection", "category": "market"},
     {"kind": "delivery", "person": "李", "address": "3 号", "items": ("米",)}],
)  # fmt: skip
def test_work_that_says_all_it_must_is_given(fields):
    assert task_fault(task(**fields)) is None


@given(st.integers(1, 48), st.integers(1, 400), st.integers(-100, 2000))
def test_an_instant_belongs_to_the_turn_that_had_begun(every, length, minutes):
    until, at = NOON + timedelta(minutes=length * 30), NOON + timedelta(minutes=minutes)
    turns = periods(NOON, every, until)
    turn = period_at(NOON, every, until, at)
    begun = [one for one in turns if local(one) <= at]
    assert turn == (begun[-1] if begun else turns[0])
    assert len(set(turns)) == len(turns)
    assert all(len(one) <= 24 for one in turns)


def test_work_given_once_has_one_turn():
    assert period_at(NOON, None, None, NOON + hours(99)) == "once"


def test_every_doer_may_record_the_work():
    names = {"patrol": "patrol", "clean_up": "clean_up", "delivery": "delivery", "field_inspection": "inspection"}
    for kind in TASK_KINDS:
        for role in DOERS[kind]:
            assert f"tasks.record_{names[kind]}" in str(ROLES[role]["may"]), (kind, role)


def test_lists_are_made_of_points_that_are_known():
    assert {item for *_, items in CATEGORIES.values() for item in items} == set(CHECKS)
    assert {work for *_, work in HAZARDS.values()} <= set(TASK_KINDS)
    assert checklist("checkpoint")[0]["code"] == "emergency_lane"
    assert len(checklist("")) == len(CHECKS)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"category": "moon"}, "no category"),
        ({"checked": ["colour"]}, "on no checklist"),
        ({"findings": [NewFinding("colour")]}, "on no checklist"),
        ({"measure": "burnt"}, "no measure"),
        ({"findings": [NewFinding("masks", must_fix_by=NOON)]}, "after it was found"),
    ],
)
def test_an_inspection_is_refused_in_words(fields, word):
    given = {"category": "market", "checked": ["masks"], "findings": [], "measure": "none"} | fields
    assert word in (inspection_fault(**given, at=NOON) or "")
