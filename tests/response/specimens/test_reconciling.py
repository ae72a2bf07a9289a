"""Counting at a hand-over and what a search may end with: pure."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.kit.refusals import Refusal
from lianfang.response.specimens.reconciling import (
    Counted,
    Difference,
    DifferenceSettled,
    Recipient,
    Sought,
    TubeHasResult,
    answers_for,
    count_tubes,
    custodian,
    judge_search,
    to_tell,
)

CODES = st.sets(st.sampled_from([f"T{n}" for n in range(12)]))


@given(listed=CODES, scanned=CODES)
def test_a_scan_names_every_difference_and_conserves_the_tubes(listed, scanned):
    found = count_tubes(listed, len(scanned), sorted(scanned))
    assert set(found.missing) == listed - scanned and set(found.extra) == scanned - listed and found.unnamed == 0
    assert len(listed) + found.difference == len(scanned)
    assert bool(found) == (listed != scanned)


@given(listed=CODES, counted=st.integers(0, 20))
def test_a_count_alone_tells_how_many(listed, counted):
    found = count_tubes(listed, counted, None)
    assert (found.missing, found.extra, found.difference) == ((), (), counted - len(listed))


@given(listed=CODES, scanned=CODES, unread=st.integers(0, 5))
def test_tubes_that_cannot_be_read_are_first_taken_for_the_missing(listed, scanned, unread):
    found = count_tubes(listed, len(scanned) + unread, sorted(scanned))
    assert set(found.missing) == listed - scanned
    assert found.unnamed == max(0, unread - len(found.missing))


def test_a_code_scanned_twice_is_one_tube():
    assert count_tubes(["A", "B"], 2, ["A", "A"]) == Counted(missing=("B",))


@pytest.mark.parametrize(
    ("kind", "giver", "taker", "role"),
    [
        ("missing", "site", "courier", "courier"),
        ("missing", "courier", "lab", "courier"),
        ("missing", "site", "lab", "lab"),
        ("extra", "site", "courier", "courier"),
        ("extra", "courier", "lab", "lab"),
        ("missing", "site", "site", "sampler"),
    ],
)
def test_who_carried_it_or_holds_it_answers(kind, giver, taker, role):
    assert answers_for(kind, giver, taker) == role


def test_a_registered_laboratory_is_known_by_its_name():
    lab = uuid.UUID(int=1)
    assert custodian(" 实验室 ", None, {"实验室": lab}, "courier").lab == lab
    assert custodian("courier 1", None, {"实验室": lab}, "courier").kind == "courier"
    assert custodian("somewhere", "lab", {}, "courier").lab is None


def difference(kind="missing", number=1, outcome=None):
    return Difference(uuid.UUID(int=9), kind, None, "", number, outcome)


TUBE = Sought(uuid.UUID(int=3), "DA1", None)
REFUSED = [
    (("found", difference(), [TUBE], "", ""), Refusal, "where the tube was found"),
    (("lost", difference(), [TUBE], "", " "), Refusal, "needs its reason"),
    (("lost", difference(number=2), [TUBE], "", "fell"), Refusal, "2 tubes are missing and 1 are named"),
    (("lost", None, [Sought(TUBE.id, "DA1", "negative")], "", "fell"), TubeHasResult, "reported negative"),
    (("lost", difference("extra"), [TUBE], "", "fell"), Refusal, "ends as one of explained"),
    (("explained", difference(), [TUBE], "", "fell"), Refusal, "ends as one of found"),
    (("explained", None, [TUBE], "", "fell"), Refusal, "name that difference"),
    (("found", None, [], "site", ""), Refusal, "by their printed codes"),
    (("lost", difference(outcome="found"), [TUBE], "", "fell"), DifferenceSettled, "settled before as found"),
]


@pytest.mark.parametrize(("case", "error", "words"), REFUSED)
def test_an_end_that_does_not_fit_is_refused_with_what_is_wanting(case, error, words):
    with pytest.raises(error, match=words):
        judge_search(*case)


@pytest.mark.parametrize("case", [
    ("found", difference(outcome="lost"), [TUBE], "the van", ""), ("miscounted", difference(number=2), [], "", "twice"),
    ("lost", difference(outcome="lost"), [TUBE], "", "fell"), ("returned", difference("extra"), [], "", "not ours"),
])  # fmt: skip
def test_an_end_that_fits_passes(case):
    judge_search(*case)


TOLD = [Recipient("police", 5), Recipient("community", 7)]


@pytest.mark.parametrize(
    ("value", "roles"),
    [
        ("positive", ["community", "community", "epidemiologist", "police"]),
        ("indeterminate", ["community", "community", "epidemiologist", "police"]),
        ("negative", ["community", "police"]),
        ("insufficient", ["community", "police"]),
    ],
)
def test_who_heard_the_wrong_value_hears_the_right_one(value, roles):
    found = to_tell(value, 469021, [7, 8, 7], TOLD)
    assert sorted(one.role for one in found) == roles and len(set(found)) == len(found)


def test_a_negative_that_nobody_heard_before_needs_no_telling():
    assert to_tell("negative", 469021, [7], []) == []
