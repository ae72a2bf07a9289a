"""Boxes, hand-overs, intake, and tubes that are missing, found or lost: one test for each way an action can end."""

import uuid
from datetime import timedelta
from itertools import permutations

import pytest
from django.db import connection

from conftest import JIANGNAN, make_actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.queries import balance, duties
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Conflict, Refusal
from lianfang.response.specimens import queries
from lianfang.response.specimens.actions import (
    hand_over_tubes,
    pack_box,
    record_results,
    record_tube_found,
    register_lab,
    register_tubes,
)
from lianfang.response.specimens.actions.labs import LabNameTaken
from lianfang.response.specimens.models import Box, BoxEntry, CustodyDifference, CustodyStep, Lab, TubeLoss, TubePlace
from lianfang.response.specimens.reconciling import (
    BoxInUse,
    BoxUnknown,
    DifferenceSettled,
    DifferenceUnknown,
    LabUnknown,
    StepIdTaken,
    TubeHasResult,
    TubeInBox,
)
from lianfang.response.specimens.rules import ResultEntry, SampleEntry, TubeEntry, TubeUnknown
from making import make_resident
from response.specimens.custody_making import (
    ALL,
    GRID,
    LATER,
    NOON,
    a_lab,
    codes_of,
    county_actor,
    courier,
    handed,
    received,
    sealed_tubes,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def by():
    """The county's hand; whatever a test did, every tube is where its records say."""
    actor = county_actor()
    yield actor
    assert queries.place_disagreements(by=actor) == []


def pack(by, entries, code="BOX-7", **fields):
    return pack_box(code, by=by, tubes=[entry.id for entry in entries], valid_at=NOON, **fields)


def place_of(by, entry):
    with acting(by):
        place = TubePlace.objects.filter(county=469021, tube=entry.id).first()
    return (place.stage, place.holder) if place else ("site", "")


def audited(verb):
    with acting(make_actor(line="audit")), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM access_auditentry WHERE verb = %s", [verb])
        return cursor.fetchone()[0]


def test_tubes_are_packed_and_packed_again_changes_nothing(by):
    entries, id = sealed_tubes(by, 3), new_id()
    first = pack(by, entries, id=id, counted=3)
    assert (first.box, first.code, first.tubes) == (id, "BOX-7", 3)
    assert pack(by, entries, id=id) == first
    assert pack_box("BOX-7", by=by, codes=codes_of(entries), valid_at=NOON, id=id) == first
    with acting(by):
        assert (Box.objects.count(), BoxEntry.objects.count()) == (1, 3)
    assert {place_of(by, entry) for entry in entries} == {("box", "BOX-7")}


def test_the_same_load_takes_more_until_it_leaves(by):
    entries, id = sealed_tubes(by, 2), new_id()
    pack(by, entries[:1], id=id)
    assert pack(by, entries[1:], id=id).tubes == 2


def test_what_may_not_go_into_a_box_is_refused(by):
    entries = sealed_tubes(by, 2)
    (open_tube,) = sealed_tubes(by, 1, seal=False)
    with pytest.raises(Conflict, match="not sealed"):
        pack(by, [*entries, open_tube])
    with pytest.raises(TubeUnknown, match="not registered"):
        pack_box("BOX-7", by=by, codes=["NO-SUCH"], valid_at=NOON)
    with pytest.raises(Refusal, match="counted 3 tubes and 2"):
        pack(by, entries, counted=3)
    with pytest.raises(Refusal, match="No tube is named"):
        pack(by, [])
    with pytest.raises(Refusal, match="printed on it"):
        pack(by, entries, code=" ")
    with acting(by):
        assert Box.objects.count() == 0


def test_a_tube_is_in_one_box_and_a_box_holds_one_load(by):
    entries = sealed_tubes(by, 3)
    id = pack(by, entries[:2]).box
    with pytest.raises(TubeInBox, match=f"{entries[0].code} is in box BOX-7"):
        pack(by, entries[:1], code="BOX-8")
    with pytest.raises(BoxInUse, match="still holds another load"):
        pack(by, entries[2:])
    with pytest.raises(BoxInUse, match="This load is in box BOX-7"):
        pack(by, entries[2:], code="BOX-9", id=id)
    handed(by, entries[2:])
    with pytest.raises(TubeInBox, match="with courier 1 already"):
        pack(by, entries[2:], code="BOX-9")


def test_a_box_travels_to_the_laboratory_and_is_empty_there(by):
    entries, lab = sealed_tubes(by, 3), a_lab(by)
    pack(by, entries)
    over = handed(by, [], boxes=["BOX-7"], counted=3)
    assert (over.tubes, over.difference, over.due_at) == (3, 0, None)
    assert place_of(by, entries[0]) == ("courier", "courier 1")
    arrived = received(by, lab, [], boxes=["BOX-7"], counted=3, scanned=codes_of(entries))
    assert (arrived.tubes, arrived.difference) == (3, 0)
    assert place_of(by, entries[0]) == ("lab", "县疾控实验室")
    with acting(by):
        assert Box.objects.get().emptied_at == LATER
        assert BoxEntry.objects.filter(removed_at__isnull=True).count() == 0
    again = sealed_tubes(by, 1)
    assert pack_box("BOX-7", by=by, tubes=[again[0].id], valid_at=LATER).tubes == 1
    assert duties(by=by) == []


def test_a_packing_sent_again_after_the_box_has_left_gives_the_same_receipt(by):
    entries, id = sealed_tubes(by, 2), new_id()
    first = pack(by, entries, id=id)
    handed(by, [], boxes=["BOX-7"], counted=2, at=LATER)
    assert pack(by, entries, id=id) == first and audited("specimens.pack_boxes") == 1


def test_a_packing_told_after_the_tubes_were_handed_on_leaves_them_where_they_are(by):
    entries = sealed_tubes(by, 2)
    handed(by, entries, at=LATER)
    assert pack(by, entries).tubes == 2
    assert place_of(by, entries[0]) == ("courier", "courier 1")
    with acting(by):
        assert set(BoxEntry.objects.values_list("removed_at", flat=True)) == {LATER}


def test_a_box_that_nobody_packed_is_unknown(by):
    with pytest.raises(BoxUnknown, match="send its packing first"):
        handed(by, [], boxes=["BOX-1"], counted=3)


def test_a_missing_tube_is_named_and_a_duty_within_minutes(by):
    entries, carrier, step = sealed_tubes(by, 3), courier(), new_id()
    over = handed(carrier, entries, counted=2, scanned=codes_of(entries[:2]), id=step)
    assert (over.missing, over.extra, over.difference) == ((entries[2].code,), (), -1)
    assert over.due_at == NOON + timedelta(minutes=30)
    (duty,) = duties(by=by)
    assert (duty.kind, duty.role, duty.due_at) == ("missing_tube", "courier", over.due_at)
    assert place_of(by, entries[2]) == ("missing", "Xinzhu site")
    assert handed(carrier, entries, counted=2, scanned=codes_of(entries[:2]), id=step) == over
    assert (len(duties(by=by)), audited("specimens.hand_over_tubes")) == (1, 1)
    with acting(by):
        assert CustodyStep.objects.count() == CustodyDifference.objects.count() == 1


def test_an_extra_tube_is_the_takers_to_explain_also_when_nobody_registered_it(by):
    entries = sealed_tubes(by, 2)
    over = handed(by, entries[:1], counted=3, scanned=[*codes_of(entries), "UNKNOWN-1"])
    assert (over.extra, over.difference) == (tuple(sorted([entries[1].code, "UNKNOWN-1"])), 2)
    assert {(duty.kind, duty.role) for duty in duties(by=by)} == {("extra_tube", "courier")}
    assert place_of(by, entries[1]) == ("courier", "courier 1")
    late = TubeEntry(
        new_id(), "UNKNOWN-1", "pooled", 10, "voluntary_testing", GRID, NOON,
        (SampleEntry(new_id(), make_resident(by=by, grid=GRID).id, NOON),), sealed_at=NOON,
    )  # fmt: skip
    register_tubes([late], by=by, valid_at=NOON)
    for duty in duties(by=by):
        record_tube_found("explained", by=by, difference=duty.subject, reason="batch came later", valid_at=LATER)
    assert duties(by=by) == []


def test_a_count_alone_opens_one_duty_for_all_that_are_missing(by):
    entries = sealed_tubes(by, 3)
    over = handed(by, entries, counted=1)
    assert (over.missing, over.unnamed) == ((), -2)
    (duty,) = duties(by=by)
    with pytest.raises(Refusal, match="2 tubes are missing and 1 are named"):
        record_tube_found(
            "lost", by=by, difference=duty.subject, codes=codes_of(entries[:1]), reason="fell", valid_at=LATER
        )  # fmt: skip
    ended = record_tube_found(
        "lost", by=by, difference=duty.subject, codes=codes_of(entries[:2]), reason="fell", valid_at=LATER
    )  # fmt: skip
    assert (ended.tubes, ended.people) == (2, 2) and duties(by=by) == []


def test_the_id_of_a_hand_over_is_not_used_twice(by):
    entries, step = sealed_tubes(by, 2), new_id()
    handed(by, entries, id=step)
    with pytest.raises(StepIdTaken, match="make a new id"):
        handed(by, entries, id=step, taker="courier 2")


def test_a_missing_tube_that_the_next_taker_scans_is_found_by_that(by):
    entries, lab = sealed_tubes(by, 2), a_lab(by)
    handed(by, entries, counted=1, scanned=codes_of(entries[:1]))
    received(by, lab, entries[:1], counted=2, scanned=codes_of(entries))
    assert duties(by=by) == []
    (found,) = duties(by=by, state="done")
    assert (found.kind, found.outcome) == ("missing_tube", "found")
    assert place_of(by, entries[1]) == ("lab", "县疾控实验室")
    assert balance(by=by).holds


def test_a_hand_over_told_late_moves_nothing_back_and_finds_what_was_seen_since(by):
    entries, lab = sealed_tubes(by, 2), a_lab(by)
    received(by, lab, entries, at=LATER)
    with clock_at(LATER + timedelta(hours=3)):
        over = hand_over_tubes(
            [entry.id for entry in entries], by=by, giver="Xinzhu site", taker="courier 1", tubes_counted=1,
            scanned=codes_of(entries[:1]), valid_at=NOON,
        )  # fmt: skip
    assert over.missing == (entries[1].code,)
    assert {place_of(by, entry) for entry in entries} == {("lab", "县疾控实验室")}
    assert [duty.outcome for duty in duties(by=by, state="done")] == ["found"] and duties(by=by) == []


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_phones_may_send_a_tubes_way_in_any_order(by, order):
    """Two couriers, one of whom misses a tube, the laboratory and its report: told in any order, it ends alike."""
    entries, lab = sealed_tubes(by, 2), a_lab(by)
    times = [NOON + timedelta(minutes=10 * n) for n in range(1, 5)]
    steps = [
        lambda: handed(by, entries, counted=1, scanned=codes_of(entries[:1]), at=times[0], id=uuid.UUID(int=1)),
        lambda: handed(by, entries[:1], giver="courier 1", taker="courier 2", at=times[1], id=uuid.UUID(int=2)),
        lambda: received(by, lab, [], scanned=codes_of(entries), counted=2, at=times[2], id=uuid.UUID(int=3)),
        lambda: record_results(
            [ResultEntry("negative", times[3], entry.id) for entry in entries], by=by, lab="县疾控实验室", valid_at=times[3]
        ),
    ]  # fmt: skip
    for number in [*order, *order]:
        steps[number]()
    assert {place_of(by, entry) for entry in entries} == {("lab", "县疾控实验室")}
    assert duties(by=by) == [] and queries.place_disagreements(by=by) == []
    assert [duty.outcome for duty in duties(by=by, state="done")] == ["found"]
    with acting(by):
        assert (CustodyStep.objects.count(), CustodyDifference.objects.count()) == (3, 1)


def test_a_tube_that_the_laboratory_reports_was_not_missing_after_all(by):
    entries = sealed_tubes(by, 2)
    handed(by, entries, counted=1, scanned=codes_of(entries[:1]))
    record_results([ResultEntry("negative", LATER, code=entries[1].code)], by=by, lab="县人民医院", valid_at=LATER)
    assert duties(by=by) == [] and place_of(by, entries[1]) == ("lab", "县人民医院")


def test_a_search_ends_found_with_its_place_and_again_changes_nothing(by):
    entries, carrier = sealed_tubes(by, 2), courier()
    handed(by, entries, counted=1, scanned=codes_of(entries[:1]))
    (duty,) = duties(by=by)
    for _ in range(2):
        ended = record_tube_found("found", by=carrier, difference=duty.subject, place="the van", valid_at=LATER)
        assert (ended.tubes, ended.people) == (1, 0)
    assert place_of(by, entries[1]) == ("courier", "the van")
    with acting(by):
        assert CustodyDifference.objects.get().place == "the van"
    with pytest.raises(DifferenceSettled, match="settled before as found"):
        record_tube_found("lost", by=carrier, difference=duty.subject, reason="fell", valid_at=LATER)


def test_people_of_a_lost_tube_are_missing_in_the_round_until_it_turns_up(by):
    round = new_id()
    entries = sealed_tubes(by, 2, round=round)
    handed(by, entries, counted=1, scanned=codes_of(entries[:1]))
    (duty,) = duties(by=by)
    ended = record_tube_found("lost", by=by, difference=duty.subject, reason="broke on the road", valid_at=LATER)
    assert (ended.tubes, ended.people) == (1, 1)
    assert _usable(by, round) == {entries[0].samples[0].resident}
    assert place_of(by, entries[1])[0] == "lost"
    again = TubeEntry(
        new_id(), "AGAIN", "pooled", 10, "area_screening", GRID, LATER,
        (SampleEntry(new_id(), entries[1].samples[0].resident, LATER),), round=round,
    )  # fmt: skip
    assert register_tubes([again], by=by, valid_at=LATER).samples == 1
    record_tube_found("found", by=by, difference=duty.subject, place="the van", valid_at=LATER)
    with acting(by):
        assert TubeLoss.objects.get().found_at == LATER
    assert _usable(by, round) == {entry.samples[0].resident for entry in entries}


def _usable(by, round):
    with acting(by), connection.cursor() as cursor:
        cursor.execute(queries.SAMPLED_IN_ROUNDS, {"county": 469021, "rounds": [round], "at": LATER})
        return {row[1] for row in cursor.fetchall()}


def test_a_tube_that_broke_is_lost_without_any_hand_over(by):
    entries = sealed_tubes(by, 1)
    command = new_id()
    for _ in range(2):
        record_tube_found("lost", by=by, codes=codes_of(entries), reason="broke", valid_at=LATER, cause=command)
    with acting(by):
        assert TubeLoss.objects.count() == 1
    with pytest.raises(TubeInBox, match="given up for lost"):
        pack_box("BOX-7", by=by, tubes=[entries[0].id], valid_at=LATER)


def test_a_tube_given_up_by_its_code_ends_the_search_that_a_hand_over_began(by):
    entries = sealed_tubes(by, 2)
    handed(by, entries, counted=1, scanned=codes_of(entries[:1]))
    record_tube_found("lost", by=by, codes=codes_of(entries[1:]), reason="fell", valid_at=LATER)
    assert duties(by=by) == []
    assert [row.outcome for row in queries.differences(by=by, open=False)] == ["lost"]


def test_nobody_waits_for_the_result_of_a_tube_that_was_given_up_until_it_turns_up(by):
    entries, clocks = sealed_tubes(by, 2), {"pooled": timedelta(hours=1)}
    much_later = NOON + timedelta(days=1)

    def late():
        with clock_at(much_later):
            listed = {row.code for row in queries.tubes_awaiting_result(by=by, clocks=clocks)}
            assert queries.count_tubes_awaiting_result(by=by, clocks=clocks) == len(listed)
            held = sum(row.tubes for row in queries.late_by_holder(by=by, clocks=clocks))
            placed = {row.code for row in queries.tubes_placed(by=by, clocks=clocks, late=True)}
        assert (held, placed) == (len(listed), listed)
        return listed

    assert late() == set(codes_of(entries))
    record_tube_found("lost", by=by, codes=codes_of(entries[:1]), reason="fell", valid_at=LATER)
    assert late() == set(codes_of(entries[1:]))
    record_tube_found("found", by=by, codes=codes_of(entries[:1]), place="the van", valid_at=LATER)
    assert late() == set(codes_of(entries))


def test_what_cannot_be_found_or_lost_is_refused(by):
    entries = sealed_tubes(by, 1)
    with pytest.raises(DifferenceUnknown):
        record_tube_found("found", by=by, difference=new_id(), place="x", valid_at=LATER)
    with pytest.raises(TubeUnknown, match="NOPE is not registered"):
        record_tube_found("lost", by=by, codes=["NOPE"], reason="fell", valid_at=LATER)
    record_results([ResultEntry("negative", NOON, tube=entries[0].id)], by=by, lab="x", valid_at=NOON)
    with pytest.raises(TubeHasResult):
        record_tube_found("lost", by=by, codes=codes_of(entries), reason="fell", valid_at=LATER)


def test_a_laboratory_is_registered_and_its_capacity_changed(by):
    lab = a_lab(by, per_hour=50)
    assert a_lab(by, per_hour=80, id=lab) == lab
    with acting(by):
        assert Lab.objects.get().tubes_per_hour == 80
    with pytest.raises(LabNameTaken, match="县疾控实验室"):
        a_lab(by)
    assert audited("specimens.register_labs") == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": " "}, "has a name"),
        ({"tubes_per_day": 10}, "at least as many tubes"),
        ({"opens_at": NOON.time()}, "both opening and closing"),
        ({"opens_at": NOON.time(), "closes_at": NOON.time()}, "both opening and closing"),
    ],
)
def test_a_laboratory_that_cannot_be_is_refused(by, fields, words):
    given = {"name": "lab", "tubes_per_hour": 100, "tubes_per_day": 1000} | fields
    with pytest.raises(Refusal, match=words):
        register_lab(by=by, division_code=GRID, valid_at=NOON, **given)


def test_tubes_are_received_by_a_registered_laboratory_only(by):
    entries = sealed_tubes(by, 1)
    with pytest.raises(LabUnknown, match="register it"):
        received(by, uuid.UUID(int=1), entries)


def test_a_laboratory_that_only_scans_has_received_what_it_scanned(by):
    entries, lab = sealed_tubes(by, 2), a_lab(by)
    arrived = received(by, lab, [], counted=3, scanned=[*codes_of(entries), "UNKNOWN-2"])
    assert (arrived.tubes, arrived.extra) == (2, ("UNKNOWN-2",))
    assert [(duty.kind, duty.role) for duty in duties(by=by)] == [("extra_tube", "lab")]


def test_nobody_gives_up_or_finds_a_neighbours_tube(by):
    entries = sealed_tubes(by, 2)
    neighbour = make_actor(*ALL, scope=str(JIANGNAN), role="sampler", line="testing")
    with clock_at(LATER), pytest.raises(TubeUnknown, match="not registered in your area"):
        record_tube_found("lost", by=neighbour, codes=codes_of(entries), reason="broke", valid_at=LATER)
    handed(by, entries, counted=1, scanned=codes_of(entries[:1]))
    (open_one,) = queries.differences(by=by)
    with clock_at(LATER), pytest.raises(DifferenceUnknown, match="in your area"):
        record_tube_found("lost", by=neighbour, difference=open_one.id, reason="broke", valid_at=LATER)
    assert place_of(by, entries[1])[0] == "missing"
