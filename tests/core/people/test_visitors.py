"""Whoever comes from elsewhere and has a printed code: one test for each way registering, issuing and revoking can end."""

import uuid
from dataclasses import replace
from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.people.actions import county_cipher, issue_codes, register_visitor, revoke_code
from lianfang.core.people.cipher import Cipher
from lianfang.core.people.identity import check_character
from lianfang.core.people.models import Resident, ResidentCode
from lianfang.core.people.permissions import PERMISSIONS
from lianfang.core.people.queries import CodeCount, PrintedCode, code_cards, codes_by_grid, printed_code, recognised
from lianfang.core.people.rules import ResidentRefused, ResidentUnknown, VisitorEntry, identity_of, visitor_fault
from lianfang.kit.clock import clock_at, local
from making import make_resident

GRID, ELSEWHERE = XINZHU * 1000 + 1, JIANGNAN * 1000 + 1
NOON = local("2022-07-14 12:00")
TODAY = date(2022, 7, 14)
HAIKOU = 460105000000000


def number_of(body="46010619900307123"):
    return body + check_character(body)


def visitor(**fields):
    made = {
        "id": uuid.uuid4(),
        "name": "海口测试",
        "document": "resident_id",
        "number": number_of(),
        "phone": "10012345678",
    }
    made |= {"phone": "13812345678", "home_code": HAIKOU, "stays_at": "环城旅馆 203"}
    return VisitorEntry(**made | fields)


@pytest.fixture
def county(db):
    with clock_at(NOON):
        yield make_actor(*PERMISSIONS)


@pytest.fixture
def village(county):
    return make_actor(*PERMISSIONS, scope=str(XINZHU), role="sampler", line="testing")


def arrived(entry, by, here=GRID):
    return register_visitor(entry, by=by, here=here, valid_at=NOON)


def test_a_visitor_is_registered_as_living_elsewhere_and_being_here(county, village):
    entry = visitor()
    receipt = arrived(entry, village)
    assert (receipt.resident, receipt.known) == (entry.id, False)
    with acting(county):
        made = Resident.objects.get(id=entry.id)
        assert (made.division_code, made.present_code, made.present_place) == (HAIKOU, GRID, "环城旅馆 203")
        assert (made.sex, made.birth_date, made.household) == ("male", date(1990, 3, 7), None)
        assert recognised(county=DINGAN, document=number_of()) == [entry.id]
        assert recognised(county=DINGAN, phone="138 1234 5678") == [entry.id]
    with acting(make_actor(line="audit")):
        row = AuditEntry.objects.get(verb="people.register_visitor")
    assert (row.subject_id, row.detail["known"]) == (entry.id, False)
    assert number_of() not in str(row.detail)


def test_the_same_document_finds_the_same_person_wherever_they_come(county, village):
    first = arrived(visitor(), village)
    other = make_actor(*PERMISSIONS, scope=str(JIANGNAN), role="sampler", line="testing")
    again = arrived(visitor(number=number_of().lower()), other, ELSEWHERE)
    assert (again.resident, again.known) == (first.resident, True)
    with acting(county):
        assert Resident.objects.get(id=first.resident).present_code == ELSEWHERE


def test_the_same_visitor_again_changes_nothing(village):
    entry = visitor()
    assert arrived(entry, village) == arrived(entry, village)


def test_somebody_of_the_county_stays_where_they_live(county, village):
    anna = make_resident(by=county, grid=ELSEWHERE, id_lookup=county_cipher(DINGAN).lookup(number_of()))
    receipt = arrived(visitor(), village)
    assert (receipt.resident, receipt.known) == (anna.id, True)
    with acting(county):
        assert Resident.objects.get(id=anna.id).present_code == ELSEWHERE


def test_an_id_used_for_somebody_else_is_refused(village):
    entry = visitor()
    arrived(entry, village)
    with pytest.raises(ResidentRefused, match="make a new id"):
        arrived(replace(entry, document="passport", number="E1", sex="male", birth_date=TODAY), village)


def test_a_home_in_this_county_is_a_grid(village):
    with pytest.raises(ResidentRefused, match="give the grid"):
        arrived(visitor(home_code=XINZHU * 1000), village)


def test_registering_takes_the_permission_and_the_place(village):
    with pytest.raises(NotPermitted):
        arrived(visitor(), make_actor("people.read_people"))
    with pytest.raises(NotPermitted):
        arrived(visitor(), village, ELSEWHERE)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"number": number_of()[:-1] + "Z"}, "digit or X"),
        ({"name": "  "}, "needs a name"),
        ({"document": "passport", "number": " "}, "number is empty"),
        ({"document": "passport", "number": "E1"}, "ask for both"),
        ({"document": "none", "sex": "male", "birth_date": date(2022, 8, 1)}, "cannot be"),
        ({"phone": "12"}, "mobile number has 11 digits"),
        ({"phone": "", "stays_at": " "}, "reachable with a result"),
    ],
)
def test_what_a_visitor_lacks_is_said(fields, sentence):
    assert sentence in visitor_fault(visitor(**fields), TODAY)
    assert number_of() not in visitor_fault(visitor(**fields), TODAY)


def test_nobody_is_turned_away_for_want_of_a_document():
    entry = visitor(document="none", number="", sex="male", birth_date=date(2015, 1, 1))
    assert visitor_fault(entry, TODAY) is None
    assert identity_of(entry) == identity_of(replace(entry, id=uuid.uuid4(), name=" 海口 测试 ", phone="138-1234-5678"))


@given(st.sampled_from(["passport", "travel_permit", "other"]), st.text("0123456789X", min_size=1, max_size=18))
def test_a_passport_never_meets_an_id_card_of_the_same_characters(kind, number):
    entry = visitor(document=kind, number=number, sex="male", birth_date=TODAY)
    assert identity_of(entry)[0] != number.upper()


def test_everybody_of_a_range_gets_one_code(county):
    people = [make_resident(by=county, grid=GRID) for _ in range(3)]
    make_resident(by=county, grid=ELSEWHERE)
    village = make_actor(*PERMISSIONS, scope=str(XINZHU), role="community", line="community")
    assert issue_codes(by=village, valid_at=NOON) == 3
    assert issue_codes(by=village, valid_at=NOON) == 0
    cards = {card.resident: card.code for card in code_cards(by=village)}
    assert set(cards) == {person.id for person in people}
    with acting(county):
        assert recognised(county=DINGAN, code=f" {cards[people[0].id].lower()} ") == [people[0].id]
        assert recognised(county=DINGAN, code="LF1:NOBODY") == []


def test_a_revoked_code_finds_nobody_and_the_next_one_does(county):
    anna = make_resident(by=county, grid=GRID)
    issue_codes(by=county, valid_at=NOON, residents=[anna.id])
    (old,) = code_cards(by=county)
    assert revoke_code(anna.id, by=county, reason="lost", valid_at=NOON) == 2
    (new,) = code_cards(by=county)
    with acting(county):
        assert recognised(county=DINGAN, code=old.code) == []
        assert recognised(county=DINGAN, code=new.code) == [anna.id]
        assert ResidentCode.objects.get(serial=1).reason == "lost"
    assert revoke_code(anna.id, by=county, reason="asked", valid_at=NOON, reissue=False) == 0
    assert (code_cards(by=county), revoke_code(anna.id, by=county, reason="asked", valid_at=NOON)) == ([], 0)


def test_people_without_a_code_are_counted_by_grid(county, village):
    anna, _ben = (make_resident(by=county, grid=GRID) for _ in range(2))
    make_resident(by=county, grid=ELSEWHERE)
    assert printed_code(anna.id, by=village) is None
    issue_codes(by=county, valid_at=NOON, residents=[anna.id])
    assert codes_by_grid(by=village) == [CodeCount(GRID, 2, 1)]
    revoke_code(anna.id, by=county, reason="lost", valid_at=NOON, reissue=False)
    assert codes_by_grid(by=village) == [CodeCount(GRID, 2, 0)]
    assert printed_code(anna.id, by=village) == PrintedCode(1, NOON, NOON, "lost")
    stranger = make_actor(*PERMISSIONS, scope=str(ELSEWHERE // 1000), role="community", line="community")
    assert printed_code(anna.id, by=stranger) is None
    with pytest.raises(NotPermitted):
        codes_by_grid(by=make_actor(scope=str(XINZHU)))


def test_more_cards_than_a_page_takes_are_refused_not_cut_off(county):
    people = [make_resident(by=county, grid=GRID) for _ in range(2)]
    issue_codes(by=county, valid_at=NOON)
    assert len(code_cards(by=county, limit=len(people))) == 2
    with pytest.raises(ResidentRefused, match="by grid"):
        code_cards(by=county, limit=1)


def test_codes_of_another_area_are_not_revoked(county, village):
    anna = make_resident(by=county, grid=ELSEWHERE)
    with pytest.raises(ResidentUnknown):
        revoke_code(anna.id, by=village, reason="lost", valid_at=NOON)
    with pytest.raises(NotPermitted):
        issue_codes(by=make_actor("people.read_people"), valid_at=NOON)
    with pytest.raises(NotPermitted):
        code_cards(by=make_actor("people.read_people"))


def test_the_database_refuses_two_codes_in_force(county):
    anna = make_resident(by=county, grid=GRID)
    issue_codes(by=county, valid_at=NOON, residents=[anna.id])
    with acting(county), connection.cursor() as cursor:
        with pytest.raises(DatabaseError, match="resident_code_in_force"), transaction.atomic():
            cursor.execute(
                "INSERT INTO people_residentcode (county, resident, serial, lookup, division_code, issued_at, recorded_at,"
                " recorded_by, reason) SELECT county, resident, 2, 'x', division_code, issued_at, recorded_at,"
                " recorded_by, '' FROM people_residentcode"
            )
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            cursor.execute("DELETE FROM people_residentcode")


@given(st.uuids(), st.uuids(), st.integers(1, 9), st.integers(1, 9))
def test_a_code_says_nothing_and_is_nobody_elses(one, other, first, second):
    mine, foreign = Cipher(b"d" * 32, b"l" * 32, DINGAN), Cipher(b"d" * 32, b"l" * 32, DINGAN + 1)
    code = mine.printed_code(one, first)
    assert code.startswith("LF1:") and len(code) == 28 and code[4:].isalnum()
    assert (code == mine.printed_code(other, second)) == ((one, first) == (other, second))
    assert code != foreign.printed_code(one, first)
