"""Registering, sealing, handing over, results: one test for each way an action can end."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from conftest import JIANGNAN, XINZHU, make_actor
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.kit.clock import clock_at, local
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Conflict, Refusal
from lianfang.response.specimens import queries
from lianfang.response.specimens.actions import (
    correct_result,
    hand_over_tubes,
    pack_box,
    receive_tubes,
    record_results,
    record_told,
    record_tube_found,
    register_lab,
    register_tubes,
    seal_tubes,
    void_samples,
)
from lianfang.response.specimens.models import CustodyEntry, Sample, Tube
from lianfang.response.specimens.permissions import PERMISSIONS
from lianfang.response.specimens.rules import (
    ItemsRefused,
    ResultEntry,
    ResultUnchanged,
    SampleEntry,
    TubeEntry,
    TubeUnknown,
)
from making import make_household, make_resident

pytestmark = pytest.mark.django_db

GRID, ELSEWHERE = XINZHU * 1000 + 1, JIANGNAN * 1000 + 1
NOON = local("2022-07-14 12:00")
ROUND = uuid.UUID(int=7)


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def county():
    return make_actor(*PERMISSIONS)


@pytest.fixture
def sampler():
    return make_actor(*PERMISSIONS, scope=str(XINZHU), role="sampler", line="testing")


@pytest.fixture
def anna(county):
    return make_resident(by=county, grid=GRID)


def tube(*residents, id=None, code=None, round=ROUND, **fields):
    made = {"mode": "pooled", "capacity": 10, "purpose": "area_screening" if round else "quarantine"} | fields
    id = id or new_id()
    return TubeEntry(
        id=id, code=code or f"DA{id.hex[-10:]}", division_code=GRID, opened_at=NOON, round=round,
        samples=tuple(SampleEntry(new_id(), person.id) for person in residents), **made,
    )  # fmt: skip


def register(*tubes, by, **options):
    return register_tubes(tubes, by=by, valid_at=NOON, **options)


def test_people_are_registered_with_where_they_live_and_where_they_queued(county, sampler, anna):
    bert = make_resident(by=county, grid=ELSEWHERE)
    entry = tube(anna, bert)
    receipt = register(entry, by=sampler)
    assert (receipt.tubes, receipt.samples, receipt.refused) == (1, 2, ())
    with acting(county):
        places = dict(Sample.objects.values_list("resident", "division_code"))
        assert places == {anna.id: GRID, bert.id: ELSEWHERE}
        assert set(Sample.objects.values_list("site_code", "taken_at", "taken_by")) == {
            (GRID, NOON, sampler.account_id)
        }
        assert Tube.objects.get(county=469021, id=entry.id).filled == 2


def test_a_neighbours_sample_is_written_and_not_shown(county, sampler, anna):
    bert = make_resident(by=county, grid=ELSEWHERE)
    register(tube(anna, bert), by=sampler)
    assert [result.resident for result in queries.results_of([anna.id, bert.id], by=sampler)] == [anna.id]


def test_who_lives_in_another_county_is_sampled_where_they_stay(county, anna):
    guest = make_resident(by=county, grid=GRID, household=None, present_code=GRID)
    with acting(county), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE people_resident SET division_code = 469022100001001, present_since = %s WHERE id = %s",
            [NOON, guest.id],
        )
    register(tube(guest), by=county)
    with acting(county):
        assert Sample.objects.get().division_code == GRID


def test_the_same_batch_again_gives_the_same_receipt_and_doubles_nothing(county, sampler, anna):
    batch = [tube(anna, sealed_at=NOON), tube(make_resident(by=county, grid=GRID))]
    first = register(*batch, by=sampler)
    assert register(*batch, by=sampler) == first
    assert register(*reversed(batch), by=sampler) == first
    with acting(county):
        assert (Tube.objects.count(), Sample.objects.count()) == (2, 2)
    assert queries.tube_disagreements(by=county) == []


def test_a_tube_is_topped_up_until_it_is_full(county, sampler):
    people = [make_resident(by=county, grid=GRID) for _ in range(3)]
    id = new_id()
    register(tube(people[0], id=id, capacity=2), by=sampler)
    receipt = register(tube(*people[1:], id=id, capacity=2), by=sampler, accept="samples")
    assert [item.why for item in receipt.refused] == ["tube_full"]
    with acting(county):
        assert Tube.objects.get(county=469021, id=id).filled == 2
    assert queries.tube_disagreements(by=county) == []


def test_one_refused_item_keeps_the_whole_batch_out_unless_told_otherwise(sampler, anna):
    stranger = SampleEntry(new_id(), uuid.uuid4())
    good, bad = tube(anna), TubeEntry(**vars(tube()) | {"samples": (stranger,)})
    with pytest.raises(ItemsRefused) as refusal:
        register(good, bad, by=sampler)
    assert [(item.tube, item.sample, item.why) for item in refusal.value.refused] == [
        (bad.id, stranger.id, "unknown_person")
    ]
    assert not queries.results_of([anna.id], by=sampler)
    assert register(good, bad, by=sampler, accept="tubes").tubes == 1
    assert len(queries.results_of([anna.id], by=sampler)) == 1


def test_a_person_is_sampled_once_per_round_across_villages(county, sampler, anna):
    register(tube(anna), by=make_actor(*PERMISSIONS, scope=str(XINZHU)))
    with pytest.raises(ItemsRefused, match="sampled in this round before, in tube DA"):
        register(tube(anna), by=sampler)
    register(tube(anna, round=uuid.UUID(int=8)), by=sampler)
    register(tube(anna, round=None), by=sampler)
    register(tube(anna, round=None), by=sampler)
    assert len(queries.results_of([anna.id], by=county)) == 4


def test_the_database_refuses_a_second_sample_in_a_round(county, sampler, anna):
    register(tube(anna), by=sampler)
    with acting(county), pytest.raises(DatabaseError, match="sample_once_per_round"), transaction.atomic():
        copied = Sample.objects.values().get()
        Sample.objects.create(**{name: value for name, value in copied.items() if name != "pk"} | {"id": new_id()})


def test_the_database_refuses_an_overfull_tube(county, sampler, anna):
    register(tube(anna, capacity=2), by=sampler)
    with acting(county), pytest.raises(DatabaseError, match="tube_not_overfull"), transaction.atomic():
        Tube.objects.update(filled=3)


def test_a_tube_outside_the_samplers_area_is_refused(anna):
    outsider = make_actor(*PERMISSIONS, scope=str(JIANGNAN))
    with pytest.raises(NotPermitted, match="outside this post's area"):
        register(tube(anna), by=outsider)


def test_a_batch_of_nothing_or_of_two_counties_is_refused(anna):
    everywhere = make_actor(*PERMISSIONS, scope="46")
    with pytest.raises(Refusal, match="no tube"):
        register(by=everywhere)
    abroad = TubeEntry(**vars(tube()) | {"division_code": 469022100001001})
    with pytest.raises(Refusal, match="one county"):
        register(tube(anna), abroad, by=everywhere)


def test_registering_leaves_one_audit_row_for_the_batch(county, sampler, anna):
    register(tube(anna, make_resident(by=county, grid=GRID)), by=sampler)
    auditor = make_actor(line="audit")
    with acting(auditor), connection.cursor() as cursor:
        cursor.execute("SELECT verb, count, division_code FROM access_auditentry")
        assert cursor.fetchall() == [("specimens.register_tubes", 2, GRID)]


def test_sealing_keeps_the_first_time_and_refuses_unknown_tubes(county, sampler, anna):
    entry = tube(anna)
    register(entry, by=sampler)
    assert seal_tubes([entry.id], by=sampler, valid_at=NOON + timedelta(minutes=1)) == 1
    assert seal_tubes([entry.id], by=sampler, valid_at=NOON + timedelta(hours=1)) == 1
    with acting(county):
        assert Tube.objects.get().sealed_at == NOON + timedelta(minutes=1)
    with pytest.raises(TubeUnknown, match="1 of 2 tubes to seal"):
        seal_tubes([entry.id, new_id()], by=sampler, valid_at=NOON)


def hand_over(tubes, by, counted=None, **fields):
    counted = len(tubes) if counted is None else counted
    return hand_over_tubes(
        tubes, by=by, giver="Xinzhu site", taker="courier 1", tubes_counted=counted, valid_at=NOON, **fields
    )


def test_a_hand_over_tells_a_missing_tube(county, sampler, anna):
    entries = [tube(anna, sealed_at=NOON), tube(make_resident(by=county, grid=GRID), sealed_at=NOON)]
    register(*entries, by=sampler)
    ids, step = [entry.id for entry in entries], new_id()
    assert hand_over(ids, sampler, counted=1, id=step).difference == -1
    assert hand_over(ids, sampler, counted=1, id=step).difference == -1
    assert [row[:5] for row in queries.custody_disagreements(by=sampler)] == [(step, "Xinzhu site", "courier 1", 2, 1)]
    assert CustodyEntry.objects.count() == 2
    assert hand_over(ids, sampler).difference == 0
    assert len(queries.custody_disagreements(by=sampler)) == 1


def test_a_hand_over_needs_sealed_known_tubes_and_two_posts(sampler, anna):
    entry = tube(anna)
    register(entry, by=sampler)
    with pytest.raises(Conflict, match=f"not sealed, the first {entry.code}"):
        hand_over([entry.id], sampler)
    with pytest.raises(TubeUnknown, match="to hand over"):
        hand_over([new_id()], sampler)
    with pytest.raises(Refusal, match="name both"):
        hand_over_tubes([entry.id], by=sampler, giver="a", taker="a", tubes_counted=1, valid_at=NOON)


def report(*results, by, **options):
    return record_results(results, by=by, lab="county hospital", valid_at=NOON + timedelta(hours=3), **options)


def test_results_are_recorded_once_by_id_or_printed_code(county, sampler, anna):
    entries = [tube(anna), tube(make_resident(by=county, grid=GRID))]
    register(*entries, by=sampler)
    found = [
        ResultEntry("negative", NOON, tube=entries[0].id),
        ResultEntry("positive", NOON, code=entries[1].code, ct=31.5),
    ]
    first = report(*found, by=county)
    assert (first.results, first.refused) == (2, ())
    assert report(*found, by=county) == first
    assert [(r.value, r.ct) for r in queries.results_of([anna.id], by=county)] == [("negative", None)]
    assert queries.tube_disagreements(by=county) == []


def test_a_result_for_no_tube_or_another_result_is_refused(county, sampler, anna):
    entry = tube(anna)
    register(entry, by=sampler)
    report(ResultEntry("negative", NOON, code=entry.code), by=county)
    with pytest.raises(ItemsRefused, match="reported negative before: correct"):
        report(ResultEntry("positive", NOON, code=entry.code), by=county)
    receipt = report(
        ResultEntry("negative", NOON, code="no such tube"), ResultEntry("negative", NOON, code=entry.code), by=county,
        accept_good=True,
    )  # fmt: skip
    assert (receipt.results, [item.why for item in receipt.refused]) == (1, ["unknown_tube"])


def test_a_tube_twice_in_a_list_is_refused(county, sampler, anna):
    entry = tube(anna)
    register(entry, by=sampler)
    with pytest.raises(ItemsRefused, match="stands twice in this list"):
        report(ResultEntry("negative", NOON, code=entry.code), ResultEntry("negative", NOON, tube=entry.id), by=county)


def test_the_database_refuses_more_results_than_tubes(county):
    with acting(county), pytest.raises(DatabaseError, match="result_of_tube"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO specimens_result (county, tube, number, value, tested_at, reported_at, lab, recorded_at, recorded_by)"
                " VALUES (469021, %s, 1, 'negative', %s, %s, 'x', %s, %s)",
                [new_id(), NOON, NOON, NOON, county.account_id],
            )


def test_a_correction_is_added_with_its_reason_and_the_first_finding_stays(county, sampler, anna):
    entry = tube(anna)
    register(entry, by=sampler)
    report(ResultEntry("positive", NOON, code=entry.code), by=county)

    def correct(value, reason="mixed up at the bench"):
        with clock_at(NOON + timedelta(hours=5)):
            return correct_result(
                entry.id, by=county, value=value, lab="county hospital", reason=reason, tested_at=NOON,
                valid_at=NOON + timedelta(hours=5),
            )  # fmt: skip

    assert correct("negative") == 2
    history = queries.result_history(entry.id, by=county)
    assert [(version.number, version.value, version.reason) for version in history] == [
        (1, "positive", None), (2, "negative", "mixed up at the bench")
    ]  # fmt: skip
    with clock_at(NOON + timedelta(hours=6)):
        assert [r.value for r in queries.results_of([anna.id], by=county)] == ["negative"]
        assert queries.positive_tubes(by=county) == []
        before = NOON + timedelta(hours=4)
        assert [r.value for r in queries.results_of([anna.id], by=county, at=before)] == ["positive"]
        assert [found.tube for found in queries.positive_tubes(by=county, at=before)] == [entry.id]
    with pytest.raises(ResultUnchanged, match="stands as negative"):
        correct("negative")
    with pytest.raises(Refusal, match="for a reason"):
        correct("positive", reason=" ")


def test_a_correction_outside_the_area_or_of_nothing_is_refused(county, sampler, anna):
    entry = tube(anna)
    register(entry, by=sampler)
    arguments = {"value": "negative", "lab": "x", "reason": "y", "tested_at": NOON, "valid_at": NOON}
    with pytest.raises(TubeUnknown, match="printed code"):
        correct_result(entry.id, by=make_actor(*PERMISSIONS, scope=str(JIANGNAN)), **arguments)
    with pytest.raises(ResultUnchanged, match="not yet reported"):
        correct_result(entry.id, by=county, **arguments)


@pytest.mark.parametrize("table", ["specimens_sample", "specimens_result", "specimens_custodystep"])
def test_what_was_recorded_is_never_changed(county, table):
    with acting(county), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET recorded_at = recorded_at")


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_each_action_asks_for_its_permission(permission, anna):
    lacking = make_actor(*(set(PERMISSIONS) - {permission}))
    entry = tube(anna)
    attempts = {
        "register_tubes": lambda: register(entry, by=lacking),
        "void_samples": lambda: void_samples(entry.id, [], by=lacking, code="x", reason="not_taken", valid_at=NOON),
        "seal_tubes": lambda: seal_tubes([entry.id], by=lacking, valid_at=NOON),
        "hand_over_tubes": lambda: hand_over([entry.id], lacking),
        "record_results": lambda: report(ResultEntry("negative", NOON, code="x"), by=lacking),
        "correct_result": lambda: correct_result(
            entry.id, by=lacking, value="negative", lab="x", reason="y", tested_at=NOON, valid_at=NOON
        ),
        "read_results": lambda: queries.results_of([anna.id], by=lacking),
        "pack_boxes": lambda: pack_box("B", by=lacking, tubes=[entry.id], valid_at=NOON),
        "receive_tubes": lambda: receive_tubes(
            new_id(), by=lacking, giver="x", tubes=[entry.id], tubes_counted=1, valid_at=NOON
        ),
        "find_tubes": lambda: record_tube_found("lost", by=lacking, codes=["x"], reason="y", valid_at=NOON),
        "read_custody": lambda: queries.differences(by=lacking),
        "register_labs": lambda: register_lab(
            "x", by=lacking, division_code=GRID, tubes_per_hour=1, tubes_per_day=1, valid_at=NOON
        ),
        "record_told": lambda: record_told(entry.id, by=lacking, channel="phone", told_to="x", valid_at=NOON),
    }
    with pytest.raises(NotPermitted, match=permission):
        attempts[permission.removeprefix("specimens.")]()


def test_a_household_tube_takes_one_household(county, sampler):
    ours, theirs = (make_household(by=county, grid=GRID).id for _ in range(2))
    first, second, third = (make_resident(by=county, grid=GRID, household=door) for door in (ours, ours, theirs))
    entry = tube(first, mode="household")
    register(entry, by=sampler)
    with pytest.raises(ItemsRefused, match="another household"):
        register(tube(third, id=entry.id, code=entry.code, mode="household"), by=sampler)
    assert register(tube(second, id=entry.id, code=entry.code, mode="household"), by=sampler).samples == 1
