"""Paper sheets from printing to settling: one test for each way an action can end."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from conftest import JIANGNAN, XINZHU, make_actor
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.people import permissions as people_permissions
from lianfang.core.people.actions import county_cipher
from lianfang.core.people.rules import VisitorEntry
from lianfang.kit.clock import clock_at
from lianfang.kit.codes import CodeRange
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.screening import queries
from lianfang.response.screening.actions import close_round, print_sheets, settle_sheet, type_in_sheet
from lianfang.response.screening.models import PaperSheet, SheetLine, SheetTyping
from lianfang.response.screening.paper import (
    ExtraEntry,
    SheetLineEntry,
    SheetRefused,
    SheetTypedAlready,
    SheetUnknown,
)
from lianfang.response.screening.queries.sheets import standing_samples
from lianfang.response.screening.rules import AreaEntry, RoundAlreadyClosed, SecondPersonNeeded
from lianfang.response.specimens.models import Tube
from lianfang.response.specimens.queries import tube_disagreements
from making import appointed, make_household, make_resident
from response.screening.round_making import ALL, GRID, NEXT_GRID, NOON, VILLAGE, opened, sample

pytestmark = pytest.mark.django_db

MAY = (*ALL, *people_permissions.PERMISSIONS)
LATER = NOON + timedelta(hours=3)
TAKEN = NOON + timedelta(minutes=20)
VILLAGE_RANGE = CodeRange(VILLAGE, VILLAGE + 999)
DINGAN = 469021


@pytest.fixture(autouse=True)
def later():
    with clock_at(LATER):
        yield


@pytest.fixture
def county():
    return make_actor(*MAY)


@pytest.fixture
def office():
    return make_actor(*MAY, scope=str(XINZHU), role="community", line="community")


@pytest.fixture
def neighbour():
    return make_actor(*MAY, scope=str(XINZHU), role="community", line="community")


@pytest.fixture
def family(county):
    door = make_household(by=county, grid=GRID)
    seal = county_cipher(DINGAN).seal
    return [
        make_resident(by=county, grid=GRID, household=door.id, id_cipher=seal(f"46902119900307{n:04}"))
        for n in range(3)
    ]


@pytest.fixture
def round(county, family):
    return opened(county, areas=[AreaEntry(VILLAGE, VILLAGE + 999, None)]).id


@pytest.fixture
def sheet(round, office):
    print_sheets(round, by=office, within=VILLAGE_RANGE, valid_at=NOON)
    return queries.sheets(round, by=office)[0].id


def ticks(*lines, code="PAPER1", **fields):
    return [SheetLineEntry(line, True, code, TAKEN, **fields) for line in lines]


def typed(sheet, by, lines, total=None, **fields):
    return type_in_sheet(sheet, lines, by=by, total=len(lines) if total is None else total, valid_at=LATER, **fields)


def state(sheet, by):
    return queries.sheet_row(sheet, by=by)[0].state


def test_printing_freezes_numbered_sheets_with_the_missing(round, office, county, family):
    sample(county, round, family[0].id)
    make_household(by=county, grid=NEXT_GRID)
    made = print_sheets(round, by=office, within=VILLAGE_RANGE, valid_at=NOON)
    assert (made.sheets, made.people) == (1, 2)
    (row,) = queries.sheets(round, by=office)
    assert (row.number, row.state, row.lines, row.tubes, row.division_code, row.run) == (
        1,
        "printed",
        2,
        1,
        GRID,
        made.run,
    )
    people = queries.sheet_people(row.id, by=office)
    assert {(person.line, person.tube) for person in people} == {(1, 1), (2, 1)}
    assert {person.resident for person in people} == {family[1].id, family[2].id}
    assert all(person.national_id.startswith("****") and len(person.national_id) == 18 for person in people)
    assert queries.sheet_by_code(f"lfs1:{row.code}", by=office) == row.id


def test_everybody_can_be_printed_whoever_was_sampled_before(round, office, county, family):
    sample(county, round, family[0].id)
    assert print_sheets(round, by=office, within=VILLAGE_RANGE, valid_at=NOON, everybody=True).people == 3


def test_the_same_printing_again_is_the_same_sheets(round, office):
    run = new_id()
    first = print_sheets(round, by=office, within=VILLAGE_RANGE, valid_at=NOON, id=run)
    assert print_sheets(round, by=office, within=VILLAGE_RANGE, valid_at=NOON, id=run) == first
    print_sheets(round, by=office, within=VILLAGE_RANGE, valid_at=NOON)
    assert [row.number for row in queries.sheets(round, by=office)] == [1, 2]


def test_printing_and_reading_are_logged(round, office, sheet):
    queries.sheet_people(sheet, by=office)
    with acting(make_actor(line="audit")):
        rows = dict(
            AuditEntry.objects.filter(verb__in=["screening.print_sheets", "screening.read_sheet"]).values_list(
                "verb", "count"
            )
        )
    assert rows == {"screening.print_sheets": 3, "screening.read_sheet": 3}


def test_printing_is_refused_with_a_sentence(round, office, county, family):
    with pytest.raises(Refusal, match="nothing to print"):
        print_sheets(round, by=office, within=CodeRange(NEXT_GRID, NEXT_GRID), valid_at=NOON)
    with pytest.raises(NotPermitted):
        print_sheets(round, by=office, within=CodeRange(VILLAGE, VILLAGE + 1999), valid_at=NOON)
    with pytest.raises(NotPermitted):
        print_sheets(round, by=make_actor("screening.read_rounds"), within=VILLAGE_RANGE, valid_at=NOON)
    close_round(round, by=county, valid_at=LATER, accepted_by=appointed(), accepted_title="county HQ")
    with pytest.raises(RoundAlreadyClosed, match="next round"):
        print_sheets(round, by=office, within=VILLAGE_RANGE, valid_at=NOON)


def test_who_is_ticked_is_sampled_and_who_is_not_stays_missing(round, sheet, office, county):
    receipt = typed(sheet, office, ticks(1, 3), sealed_at=LATER)
    assert (receipt.kind, receipt.ticked, receipt.registered, receipt.refused) == ("first", 2, 2, ())
    account = queries.accounted(round, by=county)
    assert (account.found, account.missing) == (2, 1)
    with acting(county):
        tube = Tube.objects.get(code="PAPER1")
    assert (tube.filled, tube.opened_at, tube.sealed_at, tube.capacity) == (
        2,
        TAKEN,
        LATER,
        queries.sheets(round, by=office)[0].pool,
    )
    assert state(sheet, office) == "typed"
    assert tube_disagreements(by=county) == []


def test_the_same_typing_again_changes_nothing(round, sheet, office, county):
    id = new_id()
    first = typed(sheet, office, ticks(1, 3), id=id)
    assert typed(sheet, office, ticks(1, 3), id=id) == first
    assert queries.accounted(round, by=county).found == 2


def test_paper_goes_on_with_the_tube_that_a_phone_began(round, office, county, family):
    begun = sample(county, round, family[0].id)
    print_sheets(round, by=office, within=VILLAGE_RANGE, valid_at=NOON)
    sheet = queries.sheets(round, by=office)[0].id
    assert typed(sheet, office, ticks(1, 2, code=begun.code)).registered == 2
    with acting(county):
        assert Tube.objects.get().filled == 3


def test_what_cannot_be_registered_is_told_line_by_line(round, sheet, office, county):
    person = queries.sheet_people(sheet, by=office)[0]
    sample(county, round, person.resident)
    receipt = typed(sheet, office, ticks(1, 2))
    assert [(line.line, line.why) for line in receipt.refused] == [(1, "already_sampled")]
    assert "send them on" in receipt.refused[0].sentence
    # whoever was ticked is sampled all the same: elsewhere
    assert receipt.registered == 2


def test_a_tube_of_another_round_is_told_for_each_of_its_lines(round, sheet, office, county):
    other = sample(county, opened(county).id, make_resident(by=county, grid=GRID).id)
    receipt = typed(sheet, office, ticks(1, 2, code=other.code))
    assert [(line.line, line.why) for line in receipt.refused] == [(1, "another_round"), (2, "another_round")]
    assert receipt.registered == 0


def test_every_fault_is_said_and_nothing_is_written(sheet, office):
    with pytest.raises(
        SheetRefused, match=r"Line 9: the sheet has 3 printed lines.*Line 2: it is ticked without a time"
    ):
        typed(sheet, office, [*ticks(9), SheetLineEntry(2, True, "PAPER1")])
    assert state(sheet, office) == "printed"


def by_hand(line=4, **fields):
    visitor = VisitorEntry(
        new_id(), "海口测试", "passport", "E77", "male", date(1990, 1, 1), "13812345678", 460105000000000
    )
    return replace(ExtraEntry(line, visitor, "visitor", "PAPER1", TAKEN), **fields)


def test_people_added_by_hand_are_registered_as_walk_ins(round, sheet, office, neighbour, county):
    receipt = typed(sheet, office, ticks(1), total=2, extras=[by_hand()])
    assert (receipt.ticked, receipt.total, receipt.registered) == (2, 2, 2)
    assert queries.accounted(round, by=county).added == 1
    assert typed(sheet, neighbour, ticks(1), total=2, extras=[by_hand()]).differing == ()
    assert queries.accounted(round, by=county).added == 1


def test_a_second_person_types_the_same_and_the_sheet_is_agreed(sheet, office, neighbour):
    typed(sheet, office, ticks(1, 3))
    with pytest.raises(SecondPersonNeeded, match="hand the paper to somebody else"):
        typed(sheet, office, ticks(1, 3))
    receipt = typed(sheet, neighbour, ticks(1, 3))
    assert (receipt.kind, receipt.differing, state(sheet, office)) == ("second", (), "agreed")


def differing_sheet(sheet, office, neighbour):
    """Line 1: another tube; line 2: ticked by the second only; line 3: ticked by the first only."""
    typed(sheet, office, ticks(1, 3), sealed_at=LATER)
    return typed(sheet, neighbour, [*ticks(1, code="PAPER2"), *ticks(2)])


def test_where_two_typings_differ_is_shown_and_nothing_more_is_registered(round, sheet, office, neighbour, county):
    receipt = differing_sheet(sheet, office, neighbour)
    assert receipt.differing == (1, 2, 3)
    row, _ = queries.sheet_row(sheet, by=office)
    assert (row.state, row.differing) == ("differing", 3)
    assert queries.accounted(round, by=county).found == 2
    assert queries.count_sheets(round, by=office) == {
        "printed": 0, "typed": 0, "agreed": 0, "differing": 1, "settled": 0,
    }  # fmt: skip
    with pytest.raises(SheetTypedAlready, match="settle where they differ"):
        typed(sheet, make_actor(*MAY), ticks(1))


def settle(sheet, by, lines, note="the paper says so", **fields):
    return settle_sheet(sheet, lines, by=by, note=note, valid_at=LATER, **fields)


def test_settling_moves_registers_and_voids(round, sheet, office, neighbour, county):
    differing_sheet(sheet, office, neighbour)
    lines, id = [*ticks(1, code="PAPER2"), *ticks(2), SheetLineEntry(3, False)], new_id()
    done = settle(sheet, neighbour, lines, id=id)
    assert (done.moved, done.registered, done.voided, done.unchanged) == (1, 1, 1, 0)
    people = queries.sheet_people(sheet, by=office)
    assert [person.tube_code for person in people] == ["PAPER2", "PAPER1", None]
    assert (state(sheet, office), queries.sheet_row(sheet, by=office)[0].ticked) == ("settled", 2)
    assert queries.accounted(round, by=county).missing == 1
    assert tube_disagreements(by=county) == []
    settle(sheet, neighbour, lines, id=id)
    with pytest.raises(SheetTypedAlready, match="settled before"):
        settle(sheet, neighbour, lines)
    assert len(standing_samples(round, [person.resident for person in people], by=county)) == 2


def test_every_difference_is_settled_with_a_note_by_what_was_typed(sheet, office, neighbour):
    with pytest.raises(SheetRefused, match="type it in first"):
        settle(sheet, office, ticks(1))
    differing_sheet(sheet, office, neighbour)
    with pytest.raises(SheetRefused, match="Lines 2, 3 differ and are not settled"):
        settle(sheet, office, ticks(1))
    with pytest.raises(SheetRefused, match="how the differences were settled"):
        settle(sheet, office, ticks(1, 2, 3), note=" ")
    assert state(sheet, office) == "differing"


def test_a_total_that_is_not_what_is_ticked_stands_out(sheet, office):
    typed(sheet, office, ticks(1, 3), total=3)
    row, _ = queries.sheet_row(sheet, by=office)
    assert (row.total, row.ticked, row.total_differs) == (3, 2, True)


def test_the_list_and_the_rule_say_the_same_state(round, sheet, office, neighbour):
    from lianfang.response.screening.actions.sheets import typed_lines
    from lianfang.response.screening.paper import sheet_state

    def both():
        with acting(office):
            lines = typed_lines(PaperSheet.objects.get(id=sheet))
        return state(sheet, office), sheet_state(lines)

    assert both() == ("printed", "printed")
    typed(sheet, office, ticks(1), total=2, extras=[by_hand()])
    assert both() == ("typed", "typed")
    typed(sheet, neighbour, ticks(1))
    assert both() == ("differing", "differing")


def test_a_sheet_of_another_area_is_unknown(sheet, office):
    stranger = make_actor(*MAY, scope=str(JIANGNAN))
    for attempt in (
        lambda: typed(sheet, stranger, []),
        lambda: settle(sheet, stranger, []),
        lambda: queries.sheet_row(sheet, by=stranger),
        lambda: queries.sheet_people(sheet, by=stranger),
        lambda: queries.sheet_by_code(queries.sheet_row(sheet, by=office)[0].code, by=stranger),
    ):
        with pytest.raises(SheetUnknown):
            attempt()
    with pytest.raises(NotPermitted):
        typed(sheet, make_actor("screening.read_rounds"), [])
    with pytest.raises(NotPermitted):
        settle(sheet, make_actor("screening.read_rounds"), [])


def test_what_was_printed_and_typed_is_kept(sheet, office, county):
    typed(sheet, office, ticks(1))
    for table in ("papersheet", "sheetline", "sheettyping", "sheetentry"):
        for statement in (f"DELETE FROM screening_{table}", f"UPDATE screening_{table} SET county = 1"):
            with acting(county), connection.cursor() as cursor:
                with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                    cursor.execute(statement)


def test_the_database_refuses_one_person_typing_twice_and_somebody_printed_twice(sheet, office, county):
    typed(sheet, office, ticks(1))
    with acting(county):
        row = SheetTyping.objects.values().get()
        row.pop("pk", None)
        with pytest.raises(DatabaseError, match="sheet_typed_by_two"), transaction.atomic():
            SheetTyping.objects.create(**row | {"kind": "second", "id": new_id()})
        line = SheetLine.objects.filter(sheet=sheet).values().first()
        line.pop("pk", None)
        with pytest.raises(DatabaseError, match="sheet_person_once"), transaction.atomic():
            SheetLine.objects.create(**line | {"line": 9})
