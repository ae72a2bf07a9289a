"""Sheets laid out, coded, judged and compared: rules alone, without a database."""

import uuid
from dataclasses import replace
from datetime import date, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.core.people.rules import VisitorEntry
from lianfang.kit.clock import local
from lianfang.response.screening.paper import (
    BLANK,
    HOUSEHOLD,
    LETTERS,
    LINES,
    ExtraEntry,
    Listed,
    PrintedSheet,
    SheetLineEntry,
    SheetUnknown,
    TypedLine,
    differing,
    lay_out,
    read_sheet_code,
    sheet_code,
    sheet_state,
    shown_code,
    typing_faults,
)

NOON = local("2022-07-14 12:00")
GRID = 469021101201001
SHEET = PrintedSheet(10, NOON)
NOW = NOON + timedelta(hours=3)
ANNA, BERT = uuid.UUID(int=1), uuid.UUID(int=2)


@st.composite
def rosters(draw):
    """People in the order of their doors: grids, buildings, households of one to twelve, ways of sampling by grid."""
    number, people = count(1), []
    for grid in range(draw(st.integers(1, 3))):
        mode, pool = draw(
            st.sampled_from(
                [("single", 1), ("household", 1), ("household", 12), ("pooled", 5), ("pooled", 10), ("pooled", 20)]
            )
        )
        for building in range(draw(st.integers(1, 3))):
            for household in range(draw(st.integers(1, 6))):
                door = uuid.UUID(int=10**6 + 10**4 * grid + 100 * building + household)
                people += [
                    Listed(uuid.UUID(int=next(number)), GRID + grid, uuid.UUID(int=1 + building), door, mode, pool)
                    for _ in range(draw(st.integers(1, 12)))
                ]
    return people


@given(rosters())
def test_everybody_is_on_paper_once_and_in_order(people):
    assert [person for sheet in lay_out(people) for person in sheet.people] == people


@given(rosters())
def test_a_sheet_is_of_one_place_and_holds_whole_tubes(people):
    for sheet in lay_out(people):
        assert 1 <= len(sheet.people) <= LINES
        assert {(one.division_code, one.mode) for one in sheet.people} == {(sheet.division_code, sheet.mode)}
        assert len({one.building for one in sheet.people}) == 1
        assert all(1 <= len(tube) <= sheet.pool for tube in sheet.tubes)


@given(rosters())
def test_households_share_a_tube_unless_they_are_larger_than_it(people):
    size = {one.household: sum(other.household == one.household for other in people) for one in people}
    tubes = [tube for sheet in lay_out(people) for tube in sheet.tubes]
    for household, members in size.items():
        shared = [tube for tube in tubes if any(one.household == household for one in tube)]
        one = shared[0][0]
        size = min(max(one.pool, HOUSEHOLD) if one.mode == "household" else one.pool, LINES)
        assert len(shared) == -(-members // size) or members > size
        if shared[0][0].mode == "household":
            assert all(one.household == household for tube in shared for one in tube)


@given(st.uuids())
def test_a_code_is_read_however_it_is_typed(sheet):
    code = sheet_code(sheet)
    for typed in (code, shown_code(code), shown_code(code).lower(), f"LFS1:{code}", f" {code[:4]} {code[4:]} "):
        assert read_sheet_code(typed) == code
    assert read_sheet_code(code.replace("0", "O").replace("1", "l")) == code


@given(st.uuids(), st.integers(0, 8), st.sampled_from(LETTERS))
def test_a_misread_letter_is_noticed(sheet, place, letter):
    code = sheet_code(sheet)
    wrong = code[:place] + letter + code[place + 1 :]
    if wrong == code:
        return
    with pytest.raises(SheetUnknown, match="Read it again"):
        read_sheet_code(wrong)


def ticked(line=1, **fields):
    return replace(SheetLineEntry(line, True, "DA1", NOON + timedelta(minutes=5)), **fields)


def added(line=11, **fields):
    visitor = VisitorEntry(uuid.UUID(int=9), "x", "none", sex="male", birth_date=date(1990, 1, 1), phone="13812345678")
    return replace(ExtraEntry(line, visitor, "visitor", "DA1", NOON), **fields)


def faults(*lines, extras=(), total=0):
    return " ".join(typing_faults(lines, extras, SHEET, total, NOW))


def test_a_sheet_typed_well_has_no_fault():
    assert faults(ticked(), ticked(10), SheetLineEntry(3, False), extras=[added(), added(10 + BLANK)]) == ""


@pytest.mark.parametrize(
    ("lines", "extras", "sentence"),
    [
        ([ticked(0)], [], "has 10 printed lines"),
        ([ticked(11)], [], "has 10 printed lines"),
        ([ticked(sampled=False)], [], "not ticked, yet it has a tube or a time"),
        ([ticked(taken_at=None)], [], "ticked without a time"),
        ([ticked(tube_code="")], [], "scan the code printed on the tube"),
        ([ticked(tube_code="LF1:X")], [], "code of a person or a sheet"),
        ([ticked(taken_at=NOW + timedelta(minutes=1))], [], "still to come"),
        ([ticked(taken_at=NOON - timedelta(hours=2))], [], "before the sheet was printed"),
        ([ticked(), ticked()], [], "Line 1 was typed 2 times"),
        ([], [added(10)], "stand on lines 11 to 14"),
        ([], [added(11 + BLANK)], "stand on lines 11 to 14"),
        ([], [added(tube_code=" ")], "scan the code printed on the tube"),
        ([], [added(), added()], "Line 11 was typed 2 times"),
    ],
)
def test_each_fault_of_a_typed_sheet_is_said_with_its_line(lines, extras, sentence):
    assert sentence in faults(*lines, extras=extras)


said = st.builds(
    TypedLine,
    st.integers(1, 4),
    st.just(True),
    st.sampled_from(["DA1", "DA2"]),
    st.just(NOON),
    st.sampled_from([ANNA, BERT]),
) | st.builds(TypedLine, st.integers(1, 4), st.just(False), st.just(""), st.none(), st.sampled_from([ANNA, BERT]))
typings = st.lists(said, max_size=4, unique_by=lambda line: line.line)


@given(typings, typings)
def test_two_typings_differ_where_one_says_what_the_other_does_not(first, second):
    lines = differing(first, second)
    assert lines == differing(second, first)
    assert differing(first, first) == []
    for line in range(1, 5):
        one, other = ([entry for entry in typing if entry.line == line and entry.sampled] for typing in (first, second))
        assert (line in lines) == (one != other)


@given(typings, typings)
def test_a_sheet_stands_by_its_typings(first, second):
    assert sheet_state({}) == "printed"
    assert sheet_state({"first": first}) == "typed"
    assert sheet_state({"first": first, "second": first}) == "agreed"
    assert sheet_state({"first": first, "second": second}) == ("differing" if differing(first, second) else "agreed")
    assert sheet_state({"first": first, "second": second, "settled": []}) == "settled"
