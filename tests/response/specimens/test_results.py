"""Results of people, late tubes, positive pools."""

from datetime import timedelta

import pytest

from conftest import JIANGNAN, XINZHU, make_actor
from lianfang.kit.clock import clock_at, local
from lianfang.kit.ids import new_id
from lianfang.response.specimens import queries
from lianfang.response.specimens.actions import (
    check_result_file,
    correct_result,
    hand_over_tubes,
    receive_tubes,
    record_results,
    register_tubes,
)
from lianfang.response.specimens.models import Lab
from lianfang.response.specimens.permissions import PERMISSIONS
from lianfang.response.specimens.reconciling import LabNotYours
from lianfang.response.specimens.rules import ResultEntry, SampleEntry, TubeEntry
from making import make_resident
from response.specimens.custody_making import a_lab

pytestmark = pytest.mark.django_db

GRID, ELSEWHERE = XINZHU * 1000 + 1, JIANGNAN * 1000 + 1
NOON = local("2022-07-14 12:00")
CLOCKS = {"single": timedelta(hours=6), "pooled": timedelta(hours=24)}


@pytest.fixture
def county():
    return make_actor(*PERMISSIONS, "people.read_people")


def sample(county, *residents, at=NOON, round=None, mode="pooled", seal=False):
    entry = TubeEntry(
        id=new_id(), code=f"DA{new_id().hex[-12:]}", mode=mode, capacity=1 if mode == "single" else 10,
        purpose="area_screening" if round else "voluntary_testing", division_code=GRID, opened_at=at, round=round,
        sealed_at=at if seal else None, samples=tuple(SampleEntry(new_id(), person.id, at) for person in residents),
    )  # fmt: skip
    with clock_at(at):
        register_tubes([entry], by=county, valid_at=at)
    return entry


def report(county, tube, value, at):
    with clock_at(at):
        record_results([ResultEntry(value, at, tube.id)], by=county, lab="county hospital", valid_at=at)


def test_results_of_a_person_across_rounds_and_orders_as_known_at_an_instant(county):
    anna, bert = (make_resident(by=county, grid=GRID) for _ in range(2))
    days = [NOON + timedelta(days=n) for n in range(4)]
    tubes = [sample(county, anna, bert, at=days[0], round=new_id()), sample(county, anna, at=days[1], round=new_id())]
    tubes += [sample(county, anna, at=days[2])]
    for tube, day, value in zip(tubes, days[1:], ["negative", "positive", "negative"], strict=True):
        report(county, tube, value, day)
    with clock_at(days[3]):
        found = queries.results_of([anna.id], by=county)
        assert [(r.tube, r.value) for r in found] == list(
            zip([tube.id for tube in tubes], ["negative", "positive", "negative"], strict=True)
        )
        assert [r.tube for r in queries.results_of([anna.id], by=county, since=days[1])] == [t.id for t in tubes[1:]]
        assert [r.value for r in queries.results_of([anna.id], by=county, at=days[1])] == ["negative", None]
        last = queries.last_negatives([anna.id, bert.id], by=county)
        assert {person: result.taken_at for person, result in last.items()} == {anna.id: days[2], bert.id: days[0]}


def test_nobody_without_a_negative_has_a_last_one(county):
    anna = make_resident(by=county, grid=GRID)
    report(county, sample(county, anna), "positive", NOON)
    assert queries.last_negatives([anna.id], by=county, at=NOON) == {}


def test_late_tubes_are_listed_with_who_has_them(county):
    people = [make_resident(by=county, grid=GRID) for _ in range(4)]
    single = sample(county, people[0], mode="single", seal=True)
    pooled = sample(county, people[1])
    report(county, sample(county, people[2], mode="single"), "negative", NOON)
    hand_over_tubes([single.id], by=county, giver="site", taker="courier 2", tubes_counted=1, valid_at=NOON)
    at = NOON + timedelta(hours=7)
    late = queries.tubes_awaiting_result(by=county, clocks=CLOCKS, at=at)
    assert [(tube.tube, tube.due_at, tube.held_by) for tube in late] == [
        (single.id, NOON + timedelta(hours=6), "courier 2")
    ]
    assert queries.count_tubes_awaiting_result(by=county, clocks=CLOCKS, at=at) == 1
    at = NOON + timedelta(hours=25)
    assert {tube.tube for tube in queries.tubes_awaiting_result(by=county, clocks=CLOCKS, at=at)} == {
        single.id,
        pooled.id,
    }
    neighbour = make_actor(scope=str(JIANGNAN))
    assert queries.tubes_awaiting_result(by=neighbour, clocks=CLOCKS, at=at) == []


def test_a_positive_tube_lists_everybody_in_it(county):
    anna, bert = make_resident(by=county, grid=GRID), make_resident(by=county, grid=ELSEWHERE)
    round = new_id()
    tube = sample(county, anna, bert, round=round)
    report(county, tube, "positive", NOON + timedelta(hours=2))
    report(county, sample(county, make_resident(by=county, grid=GRID), round=round), "negative", NOON)
    (found,) = queries.positive_tubes(by=county, round=round, at=NOON + timedelta(hours=2))
    assert (found.tube, found.filled) == (tube.id, 2)
    assert {member.resident for member in found.members} == {anna.id, bert.id}
    assert queries.count_positive_tubes(by=county, rounds=[round], at=NOON + timedelta(hours=2)) == {round: 1}
    assert queries.positive_tubes(by=county, at=NOON + timedelta(hours=1)) == []
    assert queries.positive_tubes(by=county, tubes=[new_id()]) == []


def test_a_neighbour_sees_of_a_positive_tube_its_own_people_and_how_many_there_are(county):
    anna, bert = make_resident(by=county, grid=GRID), make_resident(by=county, grid=ELSEWHERE)
    report(county, sample(county, anna, bert), "positive", NOON)
    neighbour = make_actor(*PERMISSIONS, "people.read_people", scope=str(JIANGNAN))
    (found,) = queries.positive_tubes(by=neighbour)
    assert (found.filled, [member.resident for member in found.members]) == (2, [bert.id])
    stranger = make_actor(*PERMISSIONS, scope="469021102")
    assert queries.positive_tubes(by=stranger) == []


def test_a_tube_is_found_by_its_printed_code(county):
    anna = make_resident(by=county, grid=GRID)
    entry = sample(county, anna)
    tube, members = queries.tube_with_members(entry.code, by=county)
    assert (tube.id, tube.filled, [member.resident for member in members]) == (entry.id, 1, [anna.id])
    assert queries.tube_with_members("no such code", by=county) is None


class TestLaboratoriesSpeakForThemselves:
    @pytest.fixture
    def labs(self, county):
        """Two laboratories of one account each, and a tube of one person."""
        one, other = (make_actor(*PERMISSIONS, role="lab", line="testing") for _ in range(2))
        a_lab(county, "县医院", accounts=[one.account_id])
        a_lab(county, "第三方", accounts=[other.account_id])
        return one, other, sample(county, make_resident(by=county, grid=GRID))

    def test_no_other_reports_in_its_name_nor_it_in_theirs(self, county, labs):
        one, other, tube = labs
        entry = [ResultEntry("negative", NOON, tube.id)]
        for by, name, words in (
            (other, "县医院", "let it send this itself"), (county, "县医院", "let it send this itself"),
            (other, "县医院 ", "let it send this itself"), (other, "没有登记", "speaks for 第三方 alone"),
        ):  # fmt: skip
            with clock_at(NOON), pytest.raises(LabNotYours, match=words):
                record_results(entry, by=by, lab=name, valid_at=NOON)
            with clock_at(NOON), pytest.raises(LabNotYours):
                check_result_file("a.csv", "管码,结果\nX,阴性\n".encode(), by=by, lab=name, valid_at=NOON)
        with clock_at(NOON):
            assert record_results(entry, by=one, lab="县医院", valid_at=NOON).results == 1

    def test_a_finding_is_corrected_by_who_reported_it(self, labs):
        one, other, tube = labs
        right = {"value": "positive", "reason": "mixed up", "tested_at": NOON, "valid_at": NOON}
        with clock_at(NOON):
            record_results([ResultEntry("negative", NOON, tube.id)], by=one, lab="县医院", valid_at=NOON)
            with pytest.raises(LabNotYours, match="县医院 reports through accounts of its own"):
                correct_result(tube.id, by=other, lab="第三方", **right)
            assert correct_result(tube.id, by=one, lab="县医院", **right) == 2

    def test_no_other_takes_tubes_in_for_it(self, county, labs):
        _, other, tube = labs
        lab = Lab.objects.get(name="县医院").id
        with clock_at(NOON), pytest.raises(LabNotYours):
            receive_tubes(lab, by=other, giver="courier", tubes=[tube.id], tubes_counted=1, valid_at=NOON)

    def test_who_speaks_for_it_stays_until_named_anew(self, county, labs):
        one, *_ = labs
        row = Lab.objects.get(name="县医院")
        a_lab(county, "县医院", per_hour=50, id=row.id)
        assert Lab.objects.get(name="县医院").accounts == [one.account_id]
        a_lab(county, "县医院", id=row.id, accounts=[])
        assert Lab.objects.get(name="县医院").accounts == []
