"""The register: sealed, masked, logged, and seen where people live and where they are."""

import uuid
from datetime import date

import pytest
from django.db import connection

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.people.actions import open_identifier, record_presence, register_people
from lianfang.core.people.permissions import PERMISSIONS
from lianfang.core.people.queries import count_residents, find_by_identifier, residents, view_resident
from lianfang.core.people.rules import HouseholdRow, ReasonMissing, ResidentRefused, ResidentRow, ResidentUnknown
from lianfang.kit.clock import local

pytestmark = pytest.mark.django_db
GRID, OTHER = XINZHU * 1000 + 11, JIANGNAN * 1000 + 1
NOON = local("2022-07-14 12:00")
NUMBER = "469021198001011230"  # its check digit is wrong: it belongs to nobody


@pytest.fixture
def registrar():
    return make_actor(*PERMISSIONS)


@pytest.fixture
def villager():
    return make_actor(*PERMISSIONS, scope=str(XINZHU), role="grid_worker", line="community")


def household(number=1, grid=GRID):
    return HouseholdRow(uuid.uuid4(), number, "family", grid, None, "", "", "1组3号")


def resident(home, number=NUMBER, phone="100 1234 5678", **fields):
    made = {
        "id": uuid.uuid4(), "household": home.id, "relation": "head", "name": "符测试", "sex": "female",
        "birth_date": date(1980, 1, 1), "ethnic_minority": False, "division_code": home.division_code,
        "registered_code": XINZHU * 1000, "present_code": home.division_code, "national_id": number, "phone": phone,
    }  # fmt: skip
    return ResidentRow(**made | fields)


def enter(by, *rows, homes):
    return register_people(homes, rows, by=by, county=DINGAN, valid_at=NOON)


@pytest.fixture
def person(registrar):
    home = household()
    row = resident(home, vulnerable=("infant",))
    assert enter(registrar, row, homes=[home]) == (1, 1)
    return row


def test_registering_again_changes_nothing(registrar, person):
    home = household()
    assert enter(registrar, person, homes=[]) == (0, 0)
    with pytest.raises(ResidentRefused, match="belongs to somebody registered already"):
        enter(registrar, resident(home), homes=[home])


def test_nothing_readable_is_stored(registrar, person):
    with acting(registrar), connection.cursor() as cursor:
        cursor.execute("SELECT id_cipher, phone_cipher, id_lookup FROM people_resident WHERE id = %s", [person.id])
        assert not any(text in bytes(cell) for cell in cursor.fetchone() for text in (NUMBER.encode(), b"10012345678"))


def test_a_page_is_masked_and_the_look_is_logged(registrar, person):
    page = view_resident(person.id, by=registrar)
    assert NUMBER not in page.national_id and page.national_id.endswith("1230")
    assert "1234" not in page.phone
    assert page.line.vulnerable == ["infant"]
    with acting(make_actor(line="audit")):
        assert AuditEntry.objects.filter(verb="people.view_resident", subject_id=person.id).count() == 1


def test_an_identifier_is_opened_for_a_reason_that_is_logged(registrar, person):
    with pytest.raises(ReasonMissing):
        open_identifier(person.id, by=registrar, field="national_id", reason=" ")
    assert open_identifier(person.id, by=registrar, field="national_id", reason="hospital_admission") == NUMBER
    assert open_identifier(person.id, by=registrar, field="phone", reason="call_back") == "10012345678"
    with acting(make_actor(line="audit")):
        entries = AuditEntry.objects.filter(verb="people.open_identifier").order_by("seq")
        assert [entry.detail["reason"] for entry in entries] == ["hospital_admission", "call_back"]


def test_a_person_is_found_by_number_or_phone(registrar, person):
    assert find_by_identifier(NUMBER, by=registrar, county=DINGAN) == person.id
    assert find_by_identifier("10012345678", by=registrar, county=DINGAN) == person.id
    assert find_by_identifier("469021198001011231", by=registrar, county=DINGAN) is None


def test_another_village_sees_nobody_until_the_person_is_there(registrar, person, villager):
    stranger = make_actor(*PERMISSIONS, scope=str(JIANGNAN), role="grid_worker")
    assert [line.id for line in residents(by=villager)] == [person.id]
    assert residents(by=stranger) == []
    with pytest.raises(ResidentUnknown):
        view_resident(person.id, by=stranger)
    assert find_by_identifier(NUMBER, by=stranger, county=DINGAN) is None
    record_presence(person.id, by=registrar, code=OTHER, place="亲戚家", since=NOON)
    assert [line.id for line in residents(by=stranger)] == [person.id]
    assert [line.id for line in residents(by=villager)] == [person.id]


def test_search_and_counts(registrar, person):
    assert [line.id for line in residents(by=registrar, name="符")] == [person.id]
    assert [line.id for line in residents(by=registrar, name="fu")] == [person.id]
    assert residents(by=registrar, name="wang") == []
    assert count_residents(by=registrar) == (1, 1)


def test_without_the_permission_nothing_is_read(person):
    with pytest.raises(NotPermitted):
        residents(by=make_actor())
