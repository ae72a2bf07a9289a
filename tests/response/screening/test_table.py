"""Who stands before a sampling table, and who comes to it from elsewhere: one test for each way it can end."""

import uuid
from datetime import date
from itertools import count

import pytest
from django.db import connection

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.people import permissions as people
from lianfang.core.people.actions import county_cipher, issue_codes
from lianfang.core.people.identity import check_character
from lianfang.core.people.queries import RECOGNISED, code_cards
from lianfang.core.people.rules import VisitorEntry
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.screening import queries
from lianfang.response.screening.actions import close_round, exclude_people, register_walk_in
from lianfang.response.screening.models import FoundEntry
from lianfang.response.screening.queries.table import AT_TABLE, BEHIND_THE_SAME_DOOR
from lianfang.response.screening.rules import ExclusionEntry, RoundAlreadyClosed, RoundUnknown
from lianfang.response.specimens.actions import void_samples
from lianfang.response.specimens.rules import ItemsRefused, TubeEntry, VoidEntry
from making import appointed, make_household, make_resident
from response.screening.round_making import ALL, GRID, NEXT_GRID, NOON, opened, sample

pytestmark = pytest.mark.django_db

ELSEWHERE = JIANGNAN * 1000 + 1
HAIKOU = 460105000000000
MAY = (*ALL, *people.PERMISSIONS)
numbers = count(100)


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def county():
    return make_actor(*MAY)


@pytest.fixture
def table():
    return make_actor(*MAY, scope=str(XINZHU), role="sampler", line="testing")


@pytest.fixture
def door(county):
    return make_household(by=county, grid=GRID)


@pytest.fixture
def anna(county, door):
    lookup = county_cipher(DINGAN).lookup
    return make_resident(
        by=county, grid=GRID, household=door.id, name="王小明", id_lookup=lookup(id_number(1)),
        phone_lookup=lookup("13800000001"), phone_cipher=b"sealed",
    )  # fmt: skip


@pytest.fixture
def bert(county, door, anna):
    return make_resident(
        by=county, grid=GRID, household=door.id, phone_lookup=anna.phone_lookup, phone_cipher=b"sealed",
        birth_date="1990-01-01",
    )  # fmt: skip


@pytest.fixture
def round(county, anna, bert):
    return opened(county).id


def id_number(serial):
    body = f"46902119900307{serial:03}"
    return body + check_character(body)


def found(round, by, **way):
    return queries.find_at_table(round, by=by, table=GRID, **way)


def test_somebody_is_found_by_their_code_with_the_least_that_tells_them(round, table, county, anna, door):
    issue_codes(by=county, valid_at=NOON, residents=[anna.id])
    (card,) = code_cards(by=county, residents=[anna.id])
    (person,) = found(round, table, code=card.code)
    assert (person.resident, person.name, person.birth_year, person.household_number) == (
        anna.id,
        "王**",
        1980,
        door.number,
    )
    assert (person.standing, person.mode, person.tube_code) == ("missing", "household", None)


def test_somebody_is_found_by_their_id_number_and_the_look_up_is_logged_without_it(round, table, anna):
    assert [person.resident for person in found(round, table, document=id_number(1))] == [anna.id]
    assert found(round, table, document=id_number(2)) == []
    with acting(make_actor(line="audit")):
        rows = list(AuditEntry.objects.filter(verb="screening.look_up").order_by("seq"))
    assert [(row.count, row.detail["way"]) for row in rows] == [(1, "document"), (0, "document")]
    assert id_number(1) not in str([row.detail for row in rows])


def test_of_one_phone_everybody_is_listed_to_choose_from(round, table, anna, bert):
    assert [person.resident for person in found(round, table, phone="138 0000 0001")] == [anna.id, bert.id]


def test_a_household_is_listed_with_who_is_sampled_already(round, table, county, anna, bert):
    tube = sample(county, round, bert.id)
    people = found(round, table, resident=anna.id, whole_household=True)
    assert [(person.resident, person.standing, person.tube_code) for person in people] == [
        (anna.id, "missing", None), (bert.id, "sampled", tube.code),
    ]  # fmt: skip
    assert [person.resident for person in found(round, table, resident=anna.id)] == [anna.id]


def test_whoever_was_voided_stands_as_missing_again(round, table, county, anna):
    tube = sample(county, round, anna.id)
    void_samples(
        tube.id, [VoidEntry(tube.samples[0].id, anna.id)], by=county, code=tube.code, reason="not_taken", valid_at=NOON
    )
    (person,) = found(round, table, resident=anna.id)
    assert (person.standing, person.taken_at) == ("missing", None)
    assert queries.accounted(round, by=county).missing == 2


def test_whoever_is_excluded_or_on_no_roster_is_told_so(round, table, county, anna):
    exclude_people(round, [ExclusionEntry(new_id(), anna.id, "medical")], by=county, valid_at=NOON)
    neighbour = make_resident(by=county, grid=ELSEWHERE)
    assert [(p.standing, p.reason) for p in found(round, table, resident=anna.id)] == [("excluded", "medical")]
    assert [(p.standing, p.mode) for p in found(round, table, resident=neighbour.id)] == [
        ("not_on_roster", "household")
    ]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (AT_TABLE, "people_resident_pkey"),
        (AT_TABLE, "sample_once_per_round"),
        (BEHIND_THE_SAME_DOOR, "resident_household"),
        (RECOGNISED, "resident_phone"),
        (RECOGNISED, "resident_code_once"),
    ],
)
def test_nobody_is_looked_for_through_the_whole_register(county, statement, index):
    params = {"county": DINGAN, "round": uuid.UUID(int=1), "residents": [uuid.UUID(int=1)], "table": GRID, "at": NOON}
    params |= {"most": 50, "code": b"x", "document": b"x", "phone": b"x"}
    with acting(county), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + statement, params)
        assert index in "\n".join(row[0] for row in cursor.fetchall())


def test_one_way_at_a_time(round, table):
    with pytest.raises(Refusal, match="one way at a time"):
        found(round, table, code="LF1:A", phone="1")
    with pytest.raises(Refusal, match="one way at a time"):
        found(round, table)


def test_only_tables_of_the_round_look_up(round, anna):
    with pytest.raises(RoundUnknown):
        queries.find_at_table(round, by=make_actor(*MAY, scope=str(JIANGNAN)), resident=anna.id)
    with pytest.raises(NotPermitted):
        found(round, make_actor("people.read_people"), resident=anna.id)


def visitor(**fields):
    made = {"id": new_id(), "name": "海口测试", "document": "passport", "number": f"E{next(numbers)}", "sex": "male"}
    made |= {"birth_date": date(1990, 1, 1), "phone": "13812345678", "home_code": HAIKOU}
    return VisitorEntry(**made | fields)


def walk_in(round, by, entry=None, **fields):
    arguments = {"division_code": GRID, "reason": "visitor", "valid_at": NOON} | fields
    return register_walk_in(round, entry or visitor(), by=by, **arguments)


def tube_of():
    id = new_id()
    return TubeEntry(id, f"W{id.hex[-10:]}", "pooled", 10, "area_screening", GRID, NOON)


def test_a_walk_in_is_registered_counted_and_sampled_in_one_step(round, table, county):
    receipt = walk_in(round, table, tube=tube_of(), sample=new_id())
    assert (receipt.known, receipt.on_roster, receipt.sampled) == (False, False, True)
    with acting(county):
        entry = FoundEntry.objects.get(resident=receipt.resident)
    assert (entry.reason, entry.division_code) == ("visitor", GRID)
    account = queries.accounted(round, by=county)
    assert (account.added, account.found, account.missing) == (1, 1, 2)
    (person,) = found(round, table, resident=receipt.resident)
    assert person.standing == "sampled"


def test_a_walk_in_sampled_later_is_missing_until_then(round, table, county):
    receipt = walk_in(round, table)
    assert not receipt.sampled
    assert queries.accounted(round, by=county).missing == 3
    sample(county, round, receipt.resident)
    assert queries.accounted(round, by=county).missing == 2


def test_the_same_walk_in_again_changes_nothing(round, table, county):
    entry, tube, one = visitor(), tube_of(), new_id()
    first = walk_in(round, table, entry, tube=tube, sample=one)
    assert walk_in(round, table, entry, tube=tube, sample=one) == first
    assert queries.accounted(round, by=county).added == 1


def test_a_walk_in_who_is_on_the_roster_is_only_sampled(round, table, county, anna):
    entry = visitor(document="resident_id", number=id_number(1), home_code=NEXT_GRID)
    receipt = walk_in(round, table, entry, reason="unregistered", tube=tube_of(), sample=new_id())
    assert (receipt.resident, receipt.known, receipt.on_roster) == (anna.id, True, True)
    assert queries.accounted(round, by=county).added == 0
    again = visitor(document="resident_id", number=id_number(1), home_code=NEXT_GRID)
    with pytest.raises(ItemsRefused, match="sampled in this round before"):
        walk_in(round, table, again, reason="unregistered", tube=tube_of(), sample=new_id())


def test_a_walk_in_whose_sample_is_refused_leaves_nothing(round, table, county):
    with pytest.raises(ItemsRefused, match="scan the code printed on the tube"):
        walk_in(round, table, tube=TubeEntry(**vars(tube_of()) | {"code": "LF1:X"}), sample=new_id())
    assert queries.accounted(round, by=county).added == 0


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"reason": "sampled"}, "visitor, newcomer or unregistered"),
        ({"entry": visitor(home_code=NEXT_GRID)}, "is no visitor"),
        ({"tube": tube_of()}, "both the tube and an id"),
        ({"sample": uuid.uuid4()}, "both the tube and an id"),
    ],
)
def test_what_does_not_fit_together_is_said(round, table, fields, sentence):
    with pytest.raises(Refusal, match=sentence):
        walk_in(round, table, **fields)


def test_a_closed_round_takes_no_walk_in(round, table, county):
    close_round(round, by=county, valid_at=NOON, accepted_by=appointed(), accepted_title="county HQ")
    with pytest.raises(RoundAlreadyClosed, match="in the next round"):
        walk_in(round, table)


def test_nobody_stands_before_the_tables_of_a_closed_round(round, county, anna):
    close_round(round, by=county, valid_at=NOON, accepted_by=appointed(), accepted_title="county HQ")
    sampler = make_actor("screening.look_up", scope=str(XINZHU), role="sampler", line="testing")
    with pytest.raises(RoundAlreadyClosed, match="choose the round that runs"):
        queries.find_at_table(round, by=sampler, resident=anna.id)
    clerk = make_actor("screening.look_up", "screening.type_in_sheets", scope=str(XINZHU), line="community")
    assert len(queries.find_at_table(round, by=clerk, resident=anna.id)) == 1


def test_walk_ins_take_the_permission(round):
    with pytest.raises(NotPermitted):
        walk_in(round, make_actor("people.register_visitor"))
    with pytest.raises(NotPermitted):
        walk_in(round, make_actor("screening.register_walk_in"))
