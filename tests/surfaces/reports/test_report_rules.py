"""What agrees with what, which reports are owed, and how revisions differ."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.kit.clock import at_local, local
from lianfang.surfaces.reports.rules import (
    Change,
    QuotationRefused,
    Running,
    agrees,
    differences_between,
    read_value,
    reports_due,
    value_text,
)

MINUTE = local("2022-07-14 12:59")


@pytest.mark.parametrize(
    ("counted", "comparator", "value", "expected"),
    [
        (4, "=", 4, True), (5, "=", 4, False),
        (2000, ">=", 2000, True), (1999, ">=", 2000, False),
        (400, "<=", 400, True), (401, "<=", 400, False),
        (360, "~", 400, True), (440, "~", 400, True), (359, "~", 400, False), (441, "~", 400, False),
        (0, "~", 0, True), (1, "~", 0, False), (0, "=", 0, True),
        (None, "=", 0, False), (None, "<=", 9, False),
        (MINUTE, "=", MINUTE, True), (MINUTE + timedelta(seconds=59), "=", MINUTE, True),
        (MINUTE + timedelta(minutes=1), "=", MINUTE, False), (MINUTE, "<=", MINUTE + timedelta(hours=1), True),
        (4, "=", MINUTE, False), (MINUTE, "=", 4, False),
    ],
)  # fmt: skip
def test_agrees(counted, comparator, value, expected):
    assert agrees(counted, comparator, value) is expected


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_comparators_hang_together(counted, value):
    both = agrees(counted, ">=", value) and agrees(counted, "<=", value)
    assert agrees(counted, "=", value) is both
    assert agrees(counted, "~", value) is (10 * abs(counted - value) <= value)


@pytest.mark.parametrize(("comparator", "value"), [("≈", 4), ("", 4), ("~", MINUTE)])
def test_a_comparator_that_does_not_fit_is_refused(comparator, value):
    with pytest.raises(QuotationRefused):
        agrees(4, comparator, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("4", 4), (" 2,000 ", 2000), ("16.5", 16.5), ("2022-07-14 12:59", MINUTE), ("0", 0)],
)
def test_values_are_read(text, value):
    assert read_value(text) == value
    assert read_value(value_text(value)) == value


@pytest.mark.parametrize("text", ["nearly 400", "", "nan", "inf", "14 July"])
def test_a_value_that_is_neither_number_nor_time_is_refused(text):
    with pytest.raises(QuotationRefused, match="neither a number nor a local time"):
        read_value(text)


def test_revisions_differ_in_what_changed_alone():
    changes = differences_between({"a": 1, "b": 2, "gone": 3, "nothing": 0}, {"a": 1, "b": 5, "new": 2})
    assert changes == (Change("b", 2, 5), Change("new", 0, 2), Change("gone", 3, 0))
    assert [change.by for change in changes] == [3, 2, -3]


FIVE, SIX = timedelta(hours=17), timedelta(hours=18)
JULY = [date(2022, 7, day) for day in range(13, 17)]


@pytest.mark.parametrize(
    ("incidents", "days", "hour"),
    [
        ([], [], FIVE),
        ([Running(local("2022-07-14 09:00"), None, FIVE)], JULY[1:], FIVE),
        # declared after the hour: the first report is the next day's
        ([Running(local("2022-07-14 18:00"), None, FIVE)], JULY[2:], FIVE),
        # over before the hour: nothing is owed that day
        ([Running(local("2022-07-13 09:00"), local("2022-07-15 12:00"), FIVE)], JULY[:2], FIVE),
        ([Running(local("2022-07-13 09:00"), local("2022-07-15 17:00"), FIVE)], JULY[:3], FIVE),
        ([Running(local("2022-07-13 09:00"), None, SIX), Running(local("2022-07-13 09:00"), None, FIVE)], JULY, FIVE),
    ],
)
def test_reports_are_owed_while_an_incident_runs(incidents, days, hour):
    due = reports_due(incidents, JULY[-1])
    assert list(due) == days
    assert all(due[day] == at_local(day) + hour for day in days)
