"""Mistakes of the sampling table: voided and moved samples, one test for each way it can end."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from conftest import JIANGNAN, XINZHU, make_actor
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.kit.clock import clock_at, local
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.specimens import queries
from lianfang.response.specimens.actions import move_sample, record_results, register_tubes, seal_tubes, void_samples
from lianfang.response.specimens.models import Sample, SampleVoid, Tube
from lianfang.response.specimens.permissions import PERMISSIONS, VOID_SAMPLES
from lianfang.response.specimens.rules import (
    ItemsRefused,
    ResultEntry,
    SampleEntry,
    SecondLookMissing,
    TubeEntry,
    TubeHasResult,
    TubeUnknown,
    VoidEntry,
    VoidRefused,
    WitnessUnfit,
)
from making import appointed, make_household, make_resident

pytestmark = pytest.mark.django_db

GRID, ELSEWHERE = XINZHU * 1000 + 1, JIANGNAN * 1000 + 1
NOON = local("2022-07-14 12:00")
ROUND = uuid.UUID(int=7)
COUNTY = 469021


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def county():
    return make_actor(*PERMISSIONS, "people.read_people")


@pytest.fixture
def table():
    return make_actor(*PERMISSIONS, scope=str(XINZHU), role="sampler", line="testing")


@pytest.fixture
def anna(county):
    return make_resident(by=county, grid=GRID)


@pytest.fixture
def bert(county):
    return make_resident(by=county, grid=ELSEWHERE)


def tube_of(*people, mode="pooled", capacity=10, id=None, **fields):
    id = id or new_id()
    return TubeEntry(
        id, f"V{id.hex[-10:]}", mode, capacity, "area_screening", GRID, NOON,
        tuple(SampleEntry(new_id(), person.id) for person in people), ROUND, **fields,
    )  # fmt: skip


def registered(*people, by, **fields):
    entry = tube_of(*people, **fields)
    register_tubes([entry], by=by, valid_at=NOON)
    return entry


def void(entry, *indexes, by, reason="not_taken", **fields):
    chosen = [VoidEntry(entry.samples[one].id, entry.samples[one].resident) for one in indexes or (0,)]
    arguments = {"code": entry.code, "valid_at": NOON} | fields
    return void_samples(entry.id, arguments.pop("samples", chosen), by=by, reason=reason, **arguments)


def filled(entry, by):
    with acting(by):
        return Tube.objects.get(county=COUNTY, id=entry.id).filled


def test_a_voided_sample_stands_no_more_and_its_person_may_be_sampled_again(county, table, anna, bert):
    entry = registered(anna, bert, by=table)
    assert void(entry, 0, by=table).voided == 1
    assert filled(entry, county) == 1
    assert [result.resident for result in queries.results_of([anna.id, bert.id], by=county)] == [bert.id]
    again = registered(anna, by=table)
    with acting(county):
        assert Sample.objects.get(tube=again.id).attempt == 2
        assert SampleVoid.objects.values_list("reason", "round", "recorded_by").get() == (
            "not_taken", ROUND, table.account_id,
        )  # fmt: skip
    assert queries.tube_disagreements(by=county) == []


def test_a_neighbours_sample_is_voided_where_it_was_taken(county, table, bert):
    entry = registered(bert, by=table)
    assert void(entry, by=table).voided == 1
    assert queries.results_of([bert.id], by=county) == []


def test_voiding_is_logged_with_its_reason_and_names_nobody(county, table, anna):
    entry = registered(anna, by=table)
    void(entry, by=table)
    with acting(make_actor(line="audit")):
        row = AuditEntry.objects.get(verb=VOID_SAMPLES)
    assert (row.subject_id, row.count, row.detail["reason"]) == (entry.id, 1, "not_taken")
    assert str(anna.id) not in str(row.detail)


def test_voiding_twice_keeps_the_first_and_counts_once(county, table, anna, bert):
    entry = registered(anna, bert, by=table)
    assert void(entry, 0, by=table) == void(entry, 0, by=table, reason="duplicate")
    assert filled(entry, county) == 1
    with acting(county):
        assert SampleVoid.objects.get().reason == "not_taken"
    with acting(make_actor(line="audit")):
        assert AuditEntry.objects.filter(verb=VOID_SAMPLES).count() == 1


def test_the_same_registration_again_does_not_raise_a_voided_sample(county, table, anna, bert):
    entry = registered(anna, bert, by=table)
    void(entry, 0, by=table)
    assert register_tubes([entry], by=table, valid_at=NOON).samples == 2
    assert filled(entry, county) == 1
    assert queries.results_of([anna.id], by=county) == []


def test_a_place_in_a_full_tube_is_free_again(county, table, anna, bert):
    entry = registered(anna, by=table, capacity=2, mode="pooled")
    register_tubes([tube_of(bert, id=entry.id, capacity=2)], by=table, valid_at=NOON)
    void(entry, 0, by=table)
    carl = make_resident(by=county, grid=GRID)
    assert register_tubes([tube_of(carl, id=entry.id, capacity=2)], by=table, valid_at=NOON).samples == 1


def test_a_household_tube_is_of_those_who_still_stand_in_it(county, table):
    one, other = make_household(by=county, grid=GRID), make_household(by=county, grid=GRID)
    wrong = make_resident(by=county, grid=GRID, household=one.id)
    right = make_resident(by=county, grid=GRID, household=other.id)
    entry = registered(wrong, by=table, mode="household")
    void(entry, by=table, reason="wrong_person")
    again = tube_of(right, id=entry.id, mode="household")
    assert register_tubes([again], by=table, valid_at=NOON).samples == 1


def test_the_tube_is_read_again(table, anna):
    entry = registered(anna, by=table)
    with pytest.raises(VoidRefused, match="scan the tube in your hand again"):
        void(entry, by=table, code="V-other")


def test_the_person_is_named_again(county, table, anna, bert):
    entry = registered(anna, by=table)
    with pytest.raises(ItemsRefused, match="is of somebody else: look up the person again") as refusal:
        void(entry, by=table, samples=[VoidEntry(entry.samples[0].id, bert.id)])
    assert [item.why for item in refusal.value.refused] == ["another_person"]
    assert filled(entry, county) == 1


def test_a_sample_that_has_not_arrived_is_sent_first(county, table, anna):
    entry = registered(anna, by=table)
    with pytest.raises(ItemsRefused, match="send its registration first"):
        void(entry, by=table, samples=[VoidEntry(new_id(), anna.id), VoidEntry(entry.samples[0].id, anna.id)])
    assert filled(entry, county) == 1


def test_an_unknown_tube_and_one_of_another_area_are_told_apart_to_nobody(county, table, anna):
    entry = registered(anna, by=table)
    with pytest.raises(TubeUnknown, match="send its registration first"):
        void(tube_of(anna), by=table)
    with pytest.raises(TubeUnknown):
        void(entry, by=make_actor(*PERMISSIONS, scope=str(JIANGNAN)))


def test_voiding_takes_the_permission(table, anna):
    entry = registered(anna, by=table)
    with pytest.raises(NotPermitted):
        void(entry, by=make_actor("specimens.register_tubes"))


def test_a_tube_with_a_result_is_history(county, table, anna):
    entry = registered(anna, by=table)
    record_results([ResultEntry("negative", NOON, entry.id)], by=county, lab="lab", valid_at=NOON)
    with pytest.raises(TubeHasResult, match="register the right person under a new tube"):
        void(entry, by=table)


def test_a_sealed_tube_takes_a_second_person(county, table, anna, bert):
    entry = registered(anna, bert, by=table)
    seal_tubes([entry.id], by=table, valid_at=NOON)
    with pytest.raises(SecondLookMissing):
        void(entry, by=table)
    with pytest.raises(SecondLookMissing):
        void(entry, by=table, witness=table.account_id)
    witness = appointed(scope=str(XINZHU))
    void(entry, by=table, witness=witness)
    with acting(county):
        assert SampleVoid.objects.get().witness == witness


def test_a_witness_is_somebody_who_may_void_there_themselves(county, table, anna, bert):
    entry = registered(anna, bert, by=table)
    seal_tubes([entry.id], by=table, valid_at=NOON)
    elsewhere, courier = appointed(scope=str(JIANGNAN)), appointed(role="courier", line="testing")
    for witness in (uuid.uuid4(), elsewhere, courier):
        with pytest.raises(WitnessUnfit, match="name a second person who may"):
            void(entry, by=table, witness=witness)
        with pytest.raises(WitnessUnfit):
            move(entry, tube_of(bert), table, "wrong_tube", witness=witness)
    assert filled(entry, county) == 2


def test_voids_are_kept_as_they_were_written(county, table, anna):
    entry = registered(anna, by=table)
    void(entry, by=table)
    for statement in ("UPDATE specimens_samplevoid SET reason = 'duplicate'", "DELETE FROM specimens_samplevoid"):
        with acting(county), connection.cursor() as cursor:
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                cursor.execute(statement)


def test_the_database_refuses_a_void_of_no_sample_and_an_own_witness(county):
    fields = {"county": COUNTY, "tube": new_id(), "sample": new_id(), "reason": "not_taken", "voided_at": NOON}
    fields |= {"recorded_at": NOON, "recorded_by": county.account_id}
    with acting(county):
        with pytest.raises(DatabaseError, match="void_second_look"), transaction.atomic():
            SampleVoid.objects.create(**fields, witness=county.account_id)
        with pytest.raises(DatabaseError, match="void_of_sample"), transaction.atomic():
            SampleVoid.objects.create(**fields)


def test_what_was_known_before_a_void_stays_known(county, table, anna):
    entry = registered(anna, by=table)
    with clock_at(NOON + timedelta(hours=1)):
        void(entry, by=table)
    assert [result.sample for result in queries.results_of([anna.id], by=county, at=NOON)] == [entry.samples[0].id]


def test_a_voided_member_is_not_in_the_pool_and_leaves_a_doubt(county, table, anna, bert):
    entry = registered(anna, bert, by=table)
    void(entry, 0, by=table, reason="wrong_person")
    record_results([ResultEntry("positive", NOON, entry.id)], by=county, lab="lab", valid_at=NOON)
    (pool,) = queries.positive_tubes(by=county)
    assert [member.resident for member in pool.members] == [bert.id]
    assert (pool.filled, [(one.resident, one.reason) for one in pool.voided]) == (1, [(anna.id, "wrong_person")])
    assert "one more person is in this pool" in pool.voided[0].doubt
    known, members = queries.tube_with_members(entry.code, by=county)
    assert (known.filled, [member.resident for member in members]) == (1, [bert.id])


def move(entry, to, by, reason, **fields):
    sample = entry.samples[0]
    arguments = {"code": entry.code, "valid_at": NOON} | fields
    return move_sample(entry.id, sample.id, sample.resident, by=by, reason=reason, to=to, **arguments)


def test_a_wrong_person_is_replaced_in_the_same_tube(county, table, anna, bert):
    entry = registered(anna, by=table, capacity=2)
    to = tube_of(bert, id=entry.id, capacity=2)
    with clock_at(NOON + timedelta(hours=1)):
        first = move(entry, to, table, "wrong_person", valid_at=NOON + timedelta(hours=1))
        assert move(entry, to, table, "wrong_person", valid_at=NOON + timedelta(hours=1)) == first
    with acting(county):
        standing = Sample.objects.get(resident=bert.id)
        assert (standing.id, standing.taken_at, filled(entry, county)) == (to.samples[0].id, NOON, 1)
        assert SampleVoid.objects.values_list("instead_tube", "instead").get() == (entry.id, to.samples[0].id)
    record_results([ResultEntry("positive", NOON, entry.id)], by=county, lab="lab", valid_at=NOON)
    with clock_at(NOON + timedelta(hours=1)):
        (pool,) = queries.positive_tubes(by=county)
    assert ([member.resident for member in pool.members], pool.voided[0].doubt) == ([bert.id], None)
    with clock_at(NOON + timedelta(hours=1)):
        assert queries.tube_disagreements(by=county) == []


def test_a_wrong_tube_is_changed_for_the_right_one(county, table, anna, bert):
    entry, right = registered(anna, by=table), registered(bert, by=table)
    moved = move(entry, tube_of(anna, id=right.id), table, "wrong_tube")
    assert (moved.tube, moved.resident) == (right.id, anna.id)
    assert (filled(entry, county), filled(right, county)) == (0, 2)
    assert [result.tube for result in queries.results_of([anna.id], by=county)] == [right.id]
    assert queries.tube_disagreements(by=county) == []


def test_a_move_that_cannot_end_leaves_everything_as_it_was(county, table, anna, bert):
    entry, full = registered(anna, by=table), registered(bert, by=table, mode="single", capacity=1)
    with pytest.raises(ItemsRefused, match="is full"):
        move(entry, tube_of(anna, id=full.id, mode="single", capacity=1), table, "wrong_tube")
    with acting(county):
        assert not SampleVoid.objects.exists()
    assert filled(entry, county) == 1


def test_a_move_changes_tube_or_person_for_one_of_two_reasons(table, anna, bert):
    entry = registered(anna, by=table)
    with pytest.raises(VoidRefused, match="nothing to move"):
        move(entry, tube_of(anna, id=entry.id), table, "wrong_tube")
    with pytest.raises(Refusal, match="one other person or one other tube"):
        move(entry, tube_of(bert, id=entry.id), table, "not_taken")
    with pytest.raises(Refusal, match="one other person or one other tube"):
        move(entry, tube_of(id=entry.id), table, "wrong_person")


def test_a_sample_voided_before_is_not_moved(table, anna, bert):
    entry = registered(anna, by=table)
    void(entry, by=table)
    with pytest.raises(ItemsRefused, match="register the right one as a new sample"):
        move(entry, tube_of(bert, id=entry.id), table, "wrong_person")
