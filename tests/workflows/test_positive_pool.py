"""A positive tube: everybody in it is found, held with an end, sampled again, told, and let go or a case."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conftest import XINZHU, make_actor
from lianfang.config.kinds import KINDS
from lianfang.core.access.actions import set_desk_phone
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import declare_kinds
from lianfang.core.people.models import Resident
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.response.cases import queries
from lianfang.response.cases.models import Hold, PoolMember, ScreenPositive
from lianfang.response.cases.rules import CaseNotFound, PositiveAlreadyDecided, RetestMissing
from workflows.pool_making import (
    DINGAN,
    HERE,
    HOUR,
    NOON,
    THERE,
    correct,
    county_actor,
    declare,
    members,
    nothing_forgotten,
    owed,
    people,
    report,
    resample,
    send,
    states,
    the_pool,
    tube,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True, scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.fixture
def county():
    return county_actor()


@pytest.fixture
def incident(county):
    return declare(county)


def test_everybody_in_a_positive_tube_is_held_until_the_clock_ends(county, incident):
    made = tube(county, [*people(county, 3), *people(county, 2, grid=THERE)])
    report(county, made, "positive")
    assert states(county, made) == ["to_resample"] * 5
    for row in members(county, made):
        assert (row.held_at, row.ends_at) == (NOON, NOON + 24 * HOUR)
        assert row.reason and row.authority.startswith("县指挥部") and row.appeal_to
        assert "就医" in row.reason and not row.past_end
    assert nothing_forgotten(county)


def test_squad_community_and_police_are_called_at_once(county, incident):
    made = tube(county, [*people(county, 3), *people(county, 2, grid=THERE)])
    report(county, made, "positive")
    squad = owed(county, "pool_resample")
    assert [(d.role, d.due_at) for d in squad] == [("rapid_squad", NOON + 6 * HOUR)] * 5
    assert {(d.division_code, d.role, d.due_at) for d in owed(county, "inform_pool_community")} == {
        (place // 1000 * 1000, "community", NOON + HOUR / 2) for place in (HERE, THERE)
    }
    assert {d.division_code for d in owed(county, "inform_pool_police")} == {
        place // 10**6 * 10**6 for place in (HERE, THERE)
    }
    assert {(d.role, d.due_at) for d in owed(county, "confirmatory_retest")} == {("epidemiologist", NOON + 24 * HOUR)}
    assert owed(county, "hold_in_place") == []


def test_a_negative_result_holds_nobody(county, incident):
    report(county, tube(county, people(county, 3)), "negative")
    assert queries.pools(by=county) == []


def test_the_same_list_again_doubles_nothing(county, incident):
    made = tube(county, people(county, 3))
    report(county, made, "positive")
    report(county, made, "positive", at=NOON + HOUR / 2)
    assert len(members(county, made)) == len(owed(county, "pool_resample")) == 3


def test_a_single_tube_is_a_pool_of_one(county, incident):
    made = tube(county, people(county, 1))
    report(county, made, "positive")
    assert states(county, made) == ["to_resample"]
    assert len(owed(county, "inform_pool_community")) == len(owed(county, "pool_resample")) == 1


def test_who_was_reported_by_hand_stays_one_record(county, incident):
    (person,) = people(county, 1)
    made = tube(county, [person])
    report(county, made, "positive")
    (row,) = members(county, made)
    said = send(county, "report_positive", incident=str(incident.id), resident=str(person), protocol="covid19-cn-ed9",
                detected_by="fever_clinic", tube=str(made), id=str(new_id()))  # fmt: skip
    assert said["id"] == str(row.positive)
    with acting(county):
        assert ScreenPositive.objects.get().detected_by == "fever_clinic"


def test_reported_by_hand_first_they_join_the_pool_as_they_are(county, incident):
    first, second = people(county, 2)
    said = send(county, "report_positive", incident=str(incident.id), resident=str(first), protocol="covid19-cn-ed9",
                detected_by="fever_clinic")  # fmt: skip
    made = tube(county, [first, second])
    report(county, made, "positive")
    assert str(members(county, made)[0].positive) == said["id"] or str(members(county, made)[1].positive) == said["id"]
    assert nothing_forgotten(county)


def test_whoever_is_held_reads_the_desk_and_its_telephone_and_so_does_the_notice_of_release(county, incident):
    desk, county_code = make_actor("access.manage_devices", scope="469021"), 469021 * 10**9
    set_desk_phone(by=desk, valid_at=NOON, cause=new_id(), division_code=county_code, phone="0898-6380000")
    made = tube(county, people(county, 1))
    report(county, made, "positive")
    (row,) = members(county, made)
    assert "疫情防控指挥部值班室（电话 0898-6380000）" in row.appeal_to
    resample(county, row, NOON + HOUR, "negative")
    send(county, "release_pool_members", NOON + 3 * HOUR, positives=[str(row.positive)])
    set_desk_phone(by=desk, valid_at=NOON, cause=new_id(), division_code=county_code, phone="")
    (row,) = members(county, made, at=NOON + 3 * HOUR)
    assert row.appeal_to in row.notice("T1"), "where they were told to object, not where one does now"


def test_a_hold_ordered_by_a_person_replaces_the_first_one(county, incident):
    made = tube(county, people(county, 1))
    report(county, made, "positive")
    (row,) = members(county, made)
    send(county, "hold_in_place", at=NOON + HOUR, positive=str(row.positive), place="留观室", reason="等待复核",
         authority="县疾控中心", appeal_to="值班室")  # fmt: skip
    (row,) = members(county, made, at=NOON + HOUR)
    assert (row.place, row.held_at) == ("留观室", NOON + HOUR)
    with acting(county):
        assert Hold.objects.filter(lifted_at__isnull=True).count() == 1


def test_a_negative_resample_proposes_and_a_person_lets_go(county, incident):
    made = tube(county, people(county, 2))
    report(county, made, "positive")
    first, second = members(county, made)
    resample(county, first, NOON + HOUR, "negative")
    resample(county, second, NOON + HOUR)
    at = NOON + 3 * HOUR
    assert states(county, made, at) == ["awaiting_result", "retest_negative"]
    assert len(owed(county, "pool_resample", "done")) == 2
    with pytest.raises(RetestMissing, match="1 of 2"):
        send(county, "release_pool_members", at, positives=[str(first.positive), str(second.positive)])
    assert states(county, made, at) == ["awaiting_result", "retest_negative"]
    for _ in range(2):
        assert send(county, "release_pool_members", at, positives=[str(first.positive)]) == {"released": 1}
    free = next(row for row in members(county, made, at) if row.id == first.id)
    assert (free.state, free.lifted_at, free.decided_at) == ("released", at, at)
    notice = free.notice("T1")
    assert "单采复核阴性" in notice and "不留任何限制" in notice and "2022年07月14日15时00分" in notice
    assert [d.outcome for d in owed(county, "confirmatory_retest", "done")] == ["negative"]
    assert [d.subject for d in owed(county, "tell_release")] == [first.id]
    assert nothing_forgotten(county)


def test_who_is_released_is_told_and_so_are_those_who_are_held(county, incident):
    made = tube(county, people(county, 2))
    report(county, made, "positive")
    first, second = members(county, made)
    send(county, "tell_pool_members", members=[str(first.id)],
         unreached=[{"member": str(second.id), "reason": "手机关机"}])  # fmt: skip
    assert len(owed(county, "inform_pool_community")) == 1
    assert {row.unreached for row in members(county, made)} == {"", "手机关机"}
    send(county, "tell_pool_members", members=[str(second.id)])
    assert [d.outcome for d in owed(county, "inform_pool_community", "done")] == ["told"]
    resample(county, first, NOON + HOUR, "negative")
    send(county, "release_pool_members", NOON + 3 * HOUR, positives=[str(first.positive)])
    send(county, "tell_pool_members", NOON + 4 * HOUR, members=[str(first.id)])
    assert owed(county, "tell_release") == []
    assert next(row for row in members(county, made) if row.id == first.id).notified_at == NOON + 4 * HOUR


def test_the_police_acknowledge_for_their_own_area(county, incident):
    made = tube(county, [*people(county, 1), *people(county, 1, grid=THERE)])
    report(county, made, "positive")
    station = make_actor("cases.acknowledge_pool", scope=str(XINZHU)[:9], role="police", line="security")
    assert send(station, "acknowledge_pool", pool=str(the_pool(county, made).id)) == {"people": 1}
    assert [d.division_code for d in owed(county, "inform_pool_police")] == [THERE // 10**6 * 10**6]


@pytest.mark.parametrize("value", ["insufficient", "indeterminate"])
def test_a_resample_of_no_use_is_taken_again(county, incident, value):
    made = tube(county, people(county, 1))
    report(county, made, "positive")
    (row,) = members(county, made)
    resample(county, row, NOON + HOUR, value)
    assert states(county, made, NOON + 2 * HOUR) == ["to_resample"]
    assert [(d.period, d.due_at) for d in owed(county, "pool_resample")] == [("2", NOON + 8 * HOUR)]
    resample(county, row, NOON + 3 * HOUR, "negative")
    assert states(county, made, NOON + 4 * HOUR) == ["retest_negative"]
    assert owed(county, "pool_resample") == []


def test_a_visit_in_vain_leads_to_the_next_one(county, incident):
    made = tube(county, people(county, 1))
    report(county, made, "positive")
    (row,) = members(county, made)
    attempt = {"id": str(new_id()), "member": str(row.id), "reason": "在外务工,晚上回来",
               "next_at": (NOON + 5 * HOUR).isoformat()}  # fmt: skip
    for _ in range(2):
        send(county, "record_resample_attempts", NOON + HOUR, attempts=[attempt])
    assert [d.outcome for d in owed(county, "pool_resample", "done")] == ["could_not"]
    assert [(d.period, d.opens_at) for d in owed(county, "pool_resample")] == [("2", NOON + 5 * HOUR)]


def test_a_positive_resample_becomes_a_case_with_everything_a_case_starts(county, incident):
    made = tube(county, people(county, 1))
    report(county, made, "positive")
    (row,) = members(county, made)
    resample(county, row, NOON + HOUR, "positive")
    at = NOON + 3 * HOUR
    assert states(county, made, at) == ["retest_positive"]
    assert len(owed(county, "inform_pool_community", at=at)) == 1, "the resample's own tube calls nobody again"
    with pytest.raises(RetestMissing):
        send(county, "release_pool_members", at, positives=[str(row.positive)])
    send(county, "register_case", at, incident=str(incident.id), resident=str(row.resident), protocol="covid19-cn-ed9",
         detected_by="community_screening", class_code="asymptomatic_case", reason="复核阳性",
         sampled_at=NOON.isoformat(), screen_positive=str(row.positive))  # fmt: skip
    (row,) = members(county, made, at)
    assert (row.state, row.case_number, row.lift_reason) == ("case", 1, "已登记为病例")
    assert len(owed(county, "positive_transfer", at=at)) == len(owed(county, "core_info", at=at)) == 1
    assert owed(county, "confirmatory_retest", at=at) == []
    assert nothing_forgotten(county)


def test_a_person_in_another_county_is_handed_over_by_name_of_post(county, incident):
    made = tube(county, people(county, 1))
    report(county, made, "positive")
    (row,) = members(county, made)
    for _ in range(2):
        send(county, "hand_over_positive", NOON + HOUR, positive=str(row.positive), county_name="屯昌县",
             taken_over_by="县疾控值班室", reason="已返回屯昌县")  # fmt: skip
    (row,) = members(county, made)
    assert (row.state, row.handed_to, row.lifted_at) == ("handed_over", "屯昌县 · 县疾控值班室", NOON + HOUR)
    assert [d.outcome for d in owed(county, "confirmatory_retest", "done")] == ["handed_over"]
    assert owed(county, "pool_resample") == []
    with pytest.raises(PositiveAlreadyDecided):
        send(county, "release_pool_members", NOON + HOUR, positives=[str(row.positive)])
    assert nothing_forgotten(county)


def test_a_pool_corrected_to_negative_frees_everybody_at_once(county, incident):
    made = tube(county, people(county, 3))
    report(county, made, "positive")
    pool = the_pool(county, made).id
    correct(county, made, "negative")
    rows = queries.pool_members(pool, by=county)
    assert {(row.state, row.lifted_at) for row in rows} == {("corrected", NOON + HOUR)}
    assert all("contaminated plate" in row.notice("T1") for row in rows)
    for kind in ("pool_resample", "inform_pool_community", "inform_pool_police", "confirmatory_retest"):
        assert owed(county, kind) == [], kind
    assert len(owed(county, "tell_release")) == 3
    assert nothing_forgotten(county)


def test_a_negative_corrected_to_positive_starts_the_clock_then(county, incident):
    made = tube(county, people(county, 3))
    report(county, made, "negative")
    correct(county, made, "positive")
    assert the_pool(county, made).due_at == NOON + 25 * HOUR
    assert {row.held_at for row in members(county, made)} == {NOON + HOUR}


def test_corrected_back_and_forth_it_begins_anew(county, incident):
    made = tube(county, people(county, 2))
    report(county, made, "positive")
    correct(county, made, "negative", NOON + HOUR)
    correct(county, made, "positive", NOON + 2 * HOUR)
    assert states(county, made, NOON + 2 * HOUR) == ["to_resample"] * 2
    assert nothing_forgotten(county)


def test_who_is_in_another_positive_tube_stays_held_when_one_is_corrected(county, incident):
    both, one, other = people(county, 3)
    first, second = tube(county, [both, one]), tube(county, [both, other])
    report(county, first, "positive")
    report(county, second, "positive", NOON + HOUR / 4)
    assert len(owed(county, "pool_resample")) == 3, "who is in two tubes is sampled once"
    correct(county, first, "negative")
    assert states(county, second, NOON + HOUR) == ["to_resample"] * 2
    assert len(owed(county, "pool_resample")) == 2
    correct(county, second, "negative", NOON + 2 * HOUR)
    with acting(county):
        assert not ScreenPositive.objects.filter(status="open").exists()
    assert nothing_forgotten(county)


def test_a_pool_corrected_leaves_whom_the_resample_found(county, incident):
    made = tube(county, people(county, 2))
    report(county, made, "positive")
    row, _ = members(county, made)
    resample(county, row, NOON + HOUR, "positive")
    correct(county, made, "negative", NOON + 4 * HOUR)
    with acting(county):
        assert [p.id for p in ScreenPositive.objects.filter(status="open")] == [row.positive]
    assert nothing_forgotten(county)


def test_a_resample_corrected_after_release_holds_the_person_again(county, incident):
    made = tube(county, people(county, 1))
    report(county, made, "positive")
    (row,) = members(county, made)
    again = resample(county, row, NOON + HOUR, "negative")
    send(county, "release_pool_members", NOON + 3 * HOUR, positives=[str(row.positive)])
    correct(county, again, "positive", NOON + 4 * HOUR)
    (anew,) = members(county, again, NOON + 4 * HOUR)
    assert anew.state == "to_resample" and anew.positive != row.positive
    assert nothing_forgotten(county)


def test_a_sample_that_comes_after_the_result_joins_the_pool(county, incident):
    first, late = people(county, 2)
    made = tube(county, [first], mode="pooled")
    report(county, made, "positive")
    send(county, "tell_pool_members", members=[str(members(county, made)[0].id)])
    tube(county, [late], NOON + HOUR, mode="pooled", id=made)
    assert states(county, made, NOON + HOUR) == ["to_resample"] * 2
    assert [(d.period[-2:], d.due_at) for d in owed(county, "inform_pool_community")] == [(".2", NOON + HOUR * 3 / 2)]
    assert nothing_forgotten(county)


def test_two_records_of_one_person_are_held_once(county, incident):
    kept, double, neighbour = people(county, 3)
    made = tube(county, [kept, double, neighbour])
    with acting(county):
        Resident.objects.filter(id=double).update(merged_into=kept)
    report(county, made, "positive")
    assert len({row.positive for row in members(county, made)}) == 2
    assert len(owed(county, "pool_resample")) == 2
    assert nothing_forgotten(county)


def test_a_resample_under_the_kept_record_counts_for_the_merged_one(county, incident):
    kept, double = people(county, 2)
    made = tube(county, [double])
    report(county, made, "positive")
    (row,) = members(county, made)
    with acting(county):
        Resident.objects.filter(id=double).update(merged_into=kept)
    again = tube(county, [kept], NOON + HOUR, purpose="confirmatory_retest", order=row.positive)
    report(county, again, "positive", NOON + 2 * HOUR)
    assert states(county, made, NOON + 2 * HOUR) == ["retest_positive"]
    with acting(county):
        assert ScreenPositive.objects.count() == 1
    assert nothing_forgotten(county)


def test_a_case_in_the_tube_is_not_held_again(county, incident):
    ill, neighbour = people(county, 2)
    send(county, "register_case", at=NOON - HOUR / 2, incident=str(incident.id), resident=str(ill), protocol="covid19-cn-ed9",
         detected_by="fever_clinic", class_code="confirmed_case", severity="mild", reason="ill", sampled_at=NOON.isoformat())  # fmt: skip
    made = tube(county, [ill, neighbour])
    report(county, made, "positive")
    assert states(county, made) == ["case", "to_resample"]
    assert len(owed(county, "pool_resample")) == 1
    assert nothing_forgotten(county)


def test_an_indeterminate_pool_calls_everybody_back_and_holds_nobody(county, incident):
    made = tube(county, people(county, 2))
    report(county, made, "indeterminate")
    assert states(county, made) == ["to_resample"] * 2
    with acting(county):
        assert not Hold.objects.exists()
    assert owed(county, "inform_pool_police") == []
    first, second = members(county, made)
    resample(county, first, NOON + HOUR, "negative")
    found = resample(county, second, NOON + HOUR, "positive")
    assert states(county, made, NOON + 3 * HOUR) == ["cleared", "found_positive"]
    assert states(county, found, NOON + 3 * HOUR) == ["to_resample"]
    assert nothing_forgotten(county)


def test_without_an_incident_nobody_is_held_until_one_is_declared(county):
    made = tube(county, people(county, 2))
    report(county, made, "positive")
    assert queries.pools(by=county) == []
    assert {what for what, *_ in queries.pool_disagreements(by=county, county=DINGAN)} == {"not in its pool"}
    send(county, "declare_incident", NOON + HOUR, division_code=DINGAN * 10**9, title_zh="测试疫情", title_en="t",
         disease="covid19-cn", pack="covid19-cn-ed9", authority="县指挥部",
         areas=[{"lo": DINGAN * 10**9, "hi": DINGAN * 10**9 + 999_999_999}])  # fmt: skip
    assert states(county, made, NOON + HOUR) == ["to_resample"] * 2
    assert nothing_forgotten(county)


def test_a_village_sees_and_changes_its_own_people_only(county, incident):
    made = tube(county, [*people(county, 1), *people(county, 1, grid=THERE)])
    report(county, made, "positive")
    village = county_actor(scope=str(XINZHU), role="community", line="community")
    (mine,) = members(village, made)
    assert mine.division_code == HERE
    (other,) = [row for row in members(county, made) if row.id != mine.id]
    for kind, payload in (
        ("tell_pool_members", {"members": [str(other.id)]}),
        ("release_pool_members", {"positives": [str(other.positive)]}),
        (
            "hand_over_positive",
            {"positive": str(other.positive), "county_name": "x", "taken_over_by": "x", "reason": "x"},
        ),
        ("record_resample_attempts", {"attempts": [{"id": str(new_id()), "member": str(other.id), "reason": "x"}]}),
    ):
        with pytest.raises(CaseNotFound, match="not of your area"):
            send(village, kind, **payload)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("release_pool_members", {"positives": [str(new_id())]}),
        ("tell_pool_members", {"members": [str(new_id())]}),
        ("acknowledge_pool", {"pool": str(new_id())}),
        ("record_resample_attempts", {"attempts": [{"member": str(new_id()), "reason": "x"}]}),
        ("hand_over_positive", {"positive": str(new_id()), "county_name": "x", "taken_over_by": "x", "reason": "x"}),
    ],
)
def test_without_the_permission_nothing_happens(kind, payload):
    with pytest.raises(NotPermitted, match="cases"):
        send(make_actor("cases.read_pools"), kind, **payload)


def test_a_hold_that_ran_out_undecided_is_shown_as_such(county, incident):
    made = tube(county, people(county, 1))
    report(county, made, "positive")
    with clock_at(NOON + timedelta(hours=25)):
        (row,) = queries.pool_members(the_pool(county, made).id, by=county)
        assert row.past_end
        assert the_pool(county, made).overdue >= 2
    with acting(county):
        assert PoolMember.objects.count() == 1


def test_a_night_of_positive_tubes_costs_no_more_statements_than_one(county, incident):
    made = [tube(county, people(county, 4)) for _ in range(6)]

    def statements(tubes):
        found = [{"tube": str(one), "value": "positive", "tested_at": (NOON - HOUR).isoformat()} for one in tubes]
        with CaptureQueriesContext(connection) as asked:
            send(county, "record_results", lab="county hospital", results=found)
        return len(asked)

    report(county, tube(county, people(county, 1)), "positive")
    assert statements(made[:1]) == statements(made[1:])
