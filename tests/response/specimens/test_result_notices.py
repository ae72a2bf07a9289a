"""Who must be told of a finding, who was, and that a correction reaches everybody who heard it."""

from datetime import timedelta

import pytest

from conftest import JIANGNAN
from lianfang.core.access.scope import acting
from lianfang.core.duties.queries import balance, duties
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.specimens import queries
from lianfang.response.specimens.actions import correct_result, record_results, record_told, register_tubes
from lianfang.response.specimens.models import ResultNotice
from lianfang.response.specimens.reconciling import NoticeUnknown, Recipient
from lianfang.response.specimens.rules import ResultEntry, SampleEntry, TubeEntry, TubeUnknown
from making import make_resident
from response.specimens.custody_making import GRID, LATER, NOON, VILLAGE, county_actor

pytestmark = pytest.mark.django_db
NEXT = JIANGNAN * 1000
DESK = "Xinzhu community duty desk"


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def by():
    return county_actor("lab")


def pool(by):
    """A tube of two people of different villages."""
    people = [make_resident(by=by, grid=GRID), make_resident(by=by, grid=NEXT + 1)]
    entry = TubeEntry(
        new_id(), f"P{new_id().hex[-10:]}", "pooled", 10, "voluntary_testing", GRID, NOON,
        tuple(SampleEntry(new_id(), person.id, NOON) for person in people), sealed_at=NOON,
    )  # fmt: skip
    register_tubes([entry], by=by, valid_at=NOON)
    return entry


def report(by, entry, value):
    return record_results([ResultEntry(value, NOON, entry.id)], by=by, lab="县疾控", valid_at=NOON)


def correct(by, entry, value):
    return correct_result(
        entry.id, by=by, value=value, lab="县疾控", reason="mixed up", tested_at=NOON, valid_at=LATER
    )  # fmt: skip


def owed(by, number):
    with acting(by):
        rows = ResultNotice.objects.filter(number=number, told_at__isnull=True, required=True)
        return {(row.role, row.division_code) for row in rows}


EVERYBODY = {("community", VILLAGE), ("community", NEXT), ("epidemiologist", 469021 * 10**9)}


@pytest.mark.parametrize("value", ["positive", "indeterminate"])
def test_a_finding_that_asks_for_action_is_told_where_its_people_live_and_to_epidemiology(by, value):
    entry = pool(by)
    assert report(by, entry, value).to_tell == 3
    assert owed(by, 1) == EVERYBODY
    assert {(duty.kind, duty.role, duty.due_at) for duty in duties(by=by)} == {
        ("tell_result", "lab", NOON + timedelta(hours=1))
    }
    assert report(by, entry, value).to_tell == 3 and len(duties(by=by)) == 3


@pytest.mark.parametrize("value", ["negative", "insufficient"])
def test_what_asks_for_nothing_opens_nothing(by, value):
    assert report(by, pool(by), value).to_tell == 0 and duties(by=by) == []


def test_telling_everybody_finishes_the_duties_and_again_changes_nothing(by):
    entry = pool(by)
    report(by, entry, "positive")
    told = record_told(entry.id, by=by, channel="phone", told_to=DESK, valid_at=LATER)
    assert (told.told, told.waiting) == (3, 0) and duties(by=by) == []
    assert record_told(entry.id, by=by, channel="phone", told_to="somebody else", valid_at=LATER).told == 0
    assert {(row.told_to, row.channel, row.told_at) for row in queries.notices(entry.id, by=by)} == {
        (DESK, "phone", LATER)
    }


def test_telling_one_leaves_the_others_owed(by):
    entry = pool(by)
    report(by, entry, "positive")
    told = record_told(
        entry.id, by=by, channel="phone", told_to=DESK, valid_at=LATER, recipients=[Recipient("community", VILLAGE)]
    )  # fmt: skip
    assert (told.told, told.waiting) == (1, 2) and len(duties(by=by)) == 2


def test_a_correction_tells_whoever_heard_the_wrong_value_and_nobody_else(by):
    entry = pool(by)
    report(by, entry, "positive")
    record_told(
        entry.id, by=by, channel="phone", told_to=DESK, valid_at=LATER,
        recipients=[Recipient("community", VILLAGE), Recipient("police", VILLAGE)],
    )  # fmt: skip
    assert correct(by, entry, "negative") == 2
    assert owed(by, 2) == {("community", VILLAGE), ("police", VILLAGE)}
    assert len(duties(by=by)) == 2 and len(duties(by=by, state="cancelled")) == 2
    assert balance(by=by).holds
    record_told(entry.id, by=by, channel="phone", told_to=DESK, valid_at=LATER)
    assert duties(by=by) == []


def test_a_negative_that_becomes_positive_is_told_to_everybody(by):
    entry = pool(by)
    report(by, entry, "negative")
    correct(by, entry, "positive")
    assert owed(by, 2) == EVERYBODY and len(duties(by=by)) == 3


def test_nothing_that_was_not_found_can_be_told(by):
    entry = pool(by)
    with pytest.raises(TubeUnknown, match="wait for the laboratory"):
        record_told(entry.id, by=by, channel="phone", told_to=DESK, valid_at=LATER)
    report(by, entry, "negative")
    with pytest.raises(NoticeUnknown, match="name who was told"):
        record_told(entry.id, by=by, channel="phone", told_to=DESK, valid_at=LATER)
    with pytest.raises(Refusal, match="which post or unit"):
        record_told(entry.id, by=by, channel="phone", told_to=" ", valid_at=LATER)
