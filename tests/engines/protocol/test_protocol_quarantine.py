"""Days, plans, look-back, release and upgrade, pack by pack."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.engines.protocol import (
    AnchorMissing,
    LinkedContact,
    PackSilent,
    day_number,
    leg_schedule,
    load_pack,
    lookback_start,
    pack_names,
    quarantine_plan,
    release_decision,
)
from lianfang.kit.clock import at_local, local

ED9, ED8 = "covid19-cn-ed9", "covid19-cn-ed8"
EXPOSED = local("2022-07-13 21:40")
DAY = timedelta(days=1)
EVERY_TIER = [(name, tier) for name in pack_names() for tier, rule in load_pack(name).tiers.items() if rule.legs]


def sampled(*days: int, result: str = "negative", since: datetime = EXPOSED) -> list[tuple[datetime, str]]:
    """Tests at nine on the given days after last exposure."""
    return [(at_local(since.date() + n * DAY) + timedelta(hours=9), result) for n in days]


@pytest.mark.parametrize(
    ("pack", "tier", "legs"),
    [
        ("covid19-cn-2020-02", "close_contact", [("medical_observation", 1, 14)]),
        ("covid19-cn-2020-02", "affected_area_returnee", [("home_quarantine", 1, 14)]),
        (ED8, "close_contact", [("central_quarantine", 1, 14), ("home_monitoring", 15, 21)]),
        (ED8, "secondary_contact", [("central_quarantine", 1, 7)]),
        (ED9, "close_contact", [("central_quarantine", 1, 7), ("home_monitoring", 8, 10)]),
        (ED9, "secondary_contact", [("home_quarantine", 1, 7)]),
        (ED9, "zone_leaver_high", [("central_quarantine", 1, 7)]),
        (ED9, "zone_leaver_medium", [("home_quarantine", 1, 7)]),
        (ED9, "venue_exposed_person", [("testing_only", 1, 3)]),
        ("covid19-cn-20measures", "close_contact", [("central_quarantine", 1, 5), ("home_quarantine", 6, 8)]),
        ("covid19-cn-20measures", "zone_leaver_high", [("home_quarantine", 1, 7)]),
        ("ebola-who", "close_contact", [("home_monitoring", 1, 21)]),
    ],
)
def test_legs_on_the_calendar(pack: str, tier: str, legs: list[tuple[str, int, int]]) -> None:
    found = leg_schedule(load_pack(pack), tier, last_exposure=EXPOSED)
    zero = date(2022, 7, 13)
    assert [(leg.kind, (leg.first_day - zero).days, (leg.last_day - zero).days) for leg in found] == legs
    assert found[-1].ends_at == at_local(zero + (legs[-1][2] + 1) * DAY)


@pytest.mark.parametrize(
    ("pack", "tier", "test_days"),
    [
        ("covid19-cn-2020-02", "close_contact", []),
        (ED8, "close_contact", [1, 4, 7, 14, 16, 21]),
        (ED8, "secondary_contact", [1, 4, 7]),
        (ED9, "close_contact", [1, 2, 3, 5, 7, 10]),
        (ED9, "secondary_contact", [1, 4, 7]),
        (ED9, "zone_leaver_low", [1, 3]),
        ("covid19-cn-20measures", "close_contact", [1, 2, 3, 5, 6, 8]),
        ("covid19-cn-20measures", "zone_leaver_high", [1, 3, 5, 7]),
        ("ebola-who", "close_contact", []),
    ],
)
def test_test_days_in_the_plan(pack: str, tier: str, test_days: list[int]) -> None:
    plan = quarantine_plan(load_pack(pack), tier)
    assert [item.day for item in plan if item.kind == "quarantine_test"] == test_days


def test_plan_of_an_edition_9_close_contact() -> None:
    plan = quarantine_plan(load_pack(ED9), "close_contact")
    count = {kind: sum(item.kind == kind for item in plan) for kind in {item.kind for item in plan}}
    assert count == {
        "daily_check": 7 * 2 + 3,
        "quarantine_test": 6,
        "release_decision": 2,
        "closed_loop_transfer": 1,
        "door_visit": 1,
    }
    first = plan[0]
    assert (first.kind, first.day, first.opens, first.due) == (
        "daily_check", 1, timedelta(hours=6), timedelta(hours=12),
    )  # fmt: skip
    test = next(item for item in plan if item.kind == "quarantine_test")
    assert test.rule == "tiers.close_contact.legs.0.test_days"
    assert (test.source, test.confidence) == ("ed9", "primary")
    assert {item.leg_kind for item in plan if item.day > 7} == {"home_monitoring"}


def test_an_order_no_longer_in_force_plans_nothing() -> None:
    assert quarantine_plan(load_pack(ED9), "close_contact", status="released") == ()
    assert quarantine_plan(load_pack(ED9), "general_contact") == ()


@pytest.mark.parametrize(("on", "number"), [("2022-07-13", 0), ("2022-07-14", 1), ("2022-07-20", 7)])
def test_day_one_is_the_day_after_last_exposure(on: str, number: int) -> None:
    day = date.fromisoformat(on)
    assert day_number(load_pack(ED9), "close_contact", last_exposure=EXPOSED, on=day) == number


def counted_from_entry(day_one: str):  # type: ignore[no-untyped-def]
    pack = load_pack(ED9)
    counting = pack.day_counting.model_copy(update={"count_from": "facility_entry", "day_one": day_one})
    return pack.model_copy(update={"day_counting": counting})


@pytest.mark.parametrize(("day_one", "last"), [("same_day", "2022-07-22"), ("next_day", "2022-07-23")])
def test_counting_from_entry_to_the_facility(day_one: str, last: str) -> None:
    pack, entered = counted_from_entry(day_one), local("2022-07-16 02:00")
    first = leg_schedule(pack, "close_contact", last_exposure=EXPOSED, entered=entered)[0]
    assert first.last_day == date.fromisoformat(last)
    number = day_number(pack, "close_contact", last_exposure=EXPOSED, entered=entered, on=first.last_day)
    assert number == 7
    days = [i.day for i in quarantine_plan(pack, "close_contact") if i.kind == "quarantine_test"]
    assert days[0] == (0 if day_one == "same_day" else 1)


def test_counting_from_entry_needs_the_entry() -> None:
    with pytest.raises(AnchorMissing, match="give the time of entry"):
        leg_schedule(counted_from_entry("same_day"), "close_contact", last_exposure=EXPOSED)


def test_midnight_is_local_not_utc() -> None:
    late = datetime.fromisoformat("2022-07-13T16:30:00+00:00")  # 00:30 on the 14th in China
    assert leg_schedule(load_pack(ED9), "close_contact", last_exposure=late)[0].first_day == date(2022, 7, 15)


@pytest.mark.parametrize(
    ("pack", "on", "onset", "start"),
    [
        ("covid19-cn-2020-02", "2020-02-01", "2020-02-01 10:00", "2020-02-01"),
        ("covid19-cn-2020-02", "2020-02-25", "2020-02-01 10:00", "2020-01-30"),
        ("covid19-cn-2020-02", "2020-02-25", None, "2020-02-03"),
        (ED8, None, "2020-02-01 10:00", "2020-01-30"),
        (ED8, None, "2020-02-09 10:00", "2020-02-03"),
        (ED9, None, None, "2020-02-03"),
        ("covid19-cn-20measures", None, "2020-02-01 10:00", "2020-01-30"),
        ("ebola-who", None, "2020-02-01 10:00", "2020-02-01"),
    ],
)
def test_look_back(pack: str, on: str | None, onset: str | None, start: str) -> None:
    chosen = load_pack(pack, on=date.fromisoformat(on) if on else None)
    found = lookback_start(chosen, onset=local(onset) if onset else None, sampled_at=local("2020-02-05 08:00"))
    assert found == local(start)


@pytest.mark.parametrize(("pack", "start"), [(ED9, "2022-07-10 07:00"), (ED8, "2022-07-11")])
def test_only_edition_9_looks_back_to_the_last_negative(pack: str, start: str) -> None:
    found = lookback_start(
        load_pack(pack),
        sampled_at=local("2022-07-13 08:00"),
        last_negative_at=local("2022-07-10 07:00"),
        found_by_screening=True,
    )
    assert found == local(start)


ENOUGH = {
    ("covid19-cn-2020-02", "close_contact"): ([], 15),
    (ED8, "close_contact"): ([1, 4, 7, 14, 14, 16, 21], 22),
    (ED9, "close_contact"): ([1, 2, 3, 5, 7, 10], 11),
    ("covid19-cn-20measures", "close_contact"): ([1, 2, 3, 5, 6, 8], 9),
    ("ebola-who", "close_contact"): ([], 22),
}


def decide(pack: str, tier: str, day: int, tests: list[tuple[datetime, str]], **more: object):  # type: ignore[no-untyped-def]
    on = at_local(EXPOSED.date() + day * DAY)
    return release_decision(load_pack(pack), tier, on=on, last_exposure=EXPOSED, tests=tests, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("pack", "tier"), ENOUGH)
def test_release_at_the_end_with_every_test(pack: str, tier: str) -> None:
    days, end = ENOUGH[pack, tier]
    surroundings = sampled(5)
    done = decide(pack, tier, end, sampled(*days), environment_tests=surroundings)
    assert done.may_release
    assert done.period_over
    an_hour_before = done.ends_at - timedelta(hours=1)
    early = release_decision(
        load_pack(pack),
        tier,
        on=an_hour_before,
        last_exposure=EXPOSED,
        tests=sampled(*days),  # type: ignore[arg-type]
        environment_tests=surroundings,  # type: ignore[arg-type]
    )
    assert [m.code for m in early.missing] == ["days_remaining"]
    assert not early.may_release


@pytest.mark.parametrize(("pack", "tier"), [key for key, (days, _) in ENOUGH.items() if days])
def test_one_test_less_is_named(pack: str, tier: str) -> None:
    days, end = ENOUGH[pack, tier]
    for index, lost in enumerate(days):
        kept = days[:index] + days[index + 1 :]
        decision = decide(pack, tier, end, sampled(*kept), environment_tests=sampled(5))
        assert [(m.code, m.day) for m in decision.missing] == [("test_missing", EXPOSED.date() + lost * DAY)]
        assert not decision.may_release
        assert decision.period_over


def test_a_late_test_makes_good_and_never_moves_the_end() -> None:
    lacking = decide(ED9, "close_contact", 11, sampled(1, 2, 3, 5, 7))
    assert [m.code for m in lacking.missing] == ["test_missing"]
    late = decide(ED9, "close_contact", 12, sampled(1, 2, 3, 5, 7, 11))
    assert late.may_release
    assert late.ends_at == lacking.ends_at == at_local(date(2022, 7, 24))
    earlier = decide(ED9, "close_contact", 12, sampled(1, 2, 3, 4, 7, 10))
    assert [m.day for m in earlier.missing] == [date(2022, 7, 18)]  # a sample of day 4 is none of day 5


def test_a_pending_result_is_not_a_missing_sample() -> None:
    tests = sampled(1, 2, 3, 5, 7) + sampled(10, result="pending")
    assert [m.code for m in decide(ED9, "close_contact", 11, tests).missing] == ["test_pending"]


def test_days_before_entry_need_no_test_but_the_last_one_stays() -> None:
    entered = local("2022-07-18 06:00")
    assert decide(ED9, "close_contact", 11, sampled(5, 7, 10), entered=entered).may_release
    after_all = local("2022-07-24 01:00")
    empty = decide(ED9, "close_contact", 12, [], entered=after_all)
    assert [m.code for m in empty.missing] == ["test_missing"]


def test_leaving_the_first_leg_asks_only_for_its_own_tests() -> None:
    assert decide(ED9, "close_contact", 8, sampled(1, 2, 3, 5, 7), leg=0).may_release
    assert not decide(ED9, "close_contact", 8, sampled(1, 2, 3, 5, 7)).may_release


def test_twenty_measures_ask_for_belongings_and_room() -> None:
    tests = sampled(1, 2, 3, 5, 6, 8)
    assert [m.code for m in decide("covid19-cn-20measures", "close_contact", 9, tests).missing] == [
        "environment_test_missing"
    ]


@pytest.mark.parametrize(
    ("results", "may", "upgrade"),
    [
        (["negative", "negative"], True, None),
        (["negative"], False, None),
        (["negative", "pending"], False, None),
        (["negative", "positive"], False, "close_contact"),
        (["negative", "negative", "positive"], False, "close_contact"),
    ],
)
@pytest.mark.parametrize("pack", [ED8, ED9])
def test_secondary_contact_hangs_on_the_linked_contact(
    pack: str, results: list[str], may: bool, upgrade: str | None
) -> None:
    linked = LinkedContact([sampled(n + 1, result=result)[0] for n, result in enumerate(results)])  # type: ignore[arg-type]
    decision = decide(pack, "secondary_contact", 8, sampled(1, 4, 7), linked_contact=linked)
    assert (decision.may_release, decision.upgrade_to) == (may, upgrade)


def test_secondary_contact_without_a_linked_contact_waits() -> None:
    missing = decide(ED9, "secondary_contact", 8, sampled(1, 4, 7)).missing
    assert [m.sentence for m in missing] == ["The linked contact's first 2 tests must be negative; 0 are."]


@pytest.mark.parametrize(
    ("pack", "positive", "symptomatic", "upgrade"),
    [
        (ED9, True, True, "screen_positive"),
        (ED9, False, True, "suspected_case"),
        ("ebola-who", True, False, "confirmed_case"),
        ("ebola-who", False, True, "suspected_case"),
        ("ebola-who", False, False, None),
    ],
)
def test_upgrade(pack: str, positive: bool, symptomatic: bool, upgrade: str | None) -> None:
    tests = sampled(2, result="positive") if positive else []
    decision = decide(pack, "close_contact", 30, tests, symptomatic=symptomatic)
    assert decision.upgrade_to == upgrade
    assert not (decision.may_release and upgrade)


def test_tiers_the_pack_does_not_know_are_refused_in_words() -> None:
    with pytest.raises(PackSilent, match="has no contact tier 'secondary_contact'"):
        quarantine_plan(load_pack("covid19-cn-20measures"), "secondary_contact")
    with pytest.raises(PackSilent, match="nothing to release from"):
        decide(ED9, "general_contact", 3, [])


@given(st.sampled_from(EVERY_TIER), st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2023, 1, 1)))  # noqa: DTZ001
def test_legs_leave_no_gap_and_the_plan_stays_inside(case: tuple[str, str], moment: datetime) -> None:
    pack, exposed = load_pack(case[0]), local(moment.isoformat())
    legs = leg_schedule(pack, case[1], last_exposure=exposed)
    for before, after in pairwise(legs):
        assert after.first_day == before.last_day + DAY
        assert before.ends_at == at_local(after.first_day)
    for item in quarantine_plan(pack, case[1]):
        day, leg = moment.date() + item.day * DAY, legs[item.leg]
        assert leg.first_day <= day <= leg.last_day
        assert timedelta() <= item.opens < item.due <= DAY
    number = day_number(pack, case[1], last_exposure=exposed, on=legs[0].first_day)
    assert number == 1


@given(st.sampled_from(EVERY_TIER))
def test_plan_keys_are_unique_and_every_leg_ends_in_a_decision(case: tuple[str, str]) -> None:
    pack = load_pack(case[0])
    plan = quarantine_plan(pack, case[1])
    keys = [(item.kind, item.leg, item.day, item.slot) for item in plan]
    assert len(keys) == len(set(keys))
    assert [i.leg for i in plan if i.kind == "release_decision"] == list(range(len(pack.tiers[case[1]].legs)))


RECORDS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["negative", "pending", "invalid"])), max_size=25)


@given(st.sampled_from(EVERY_TIER), RECORDS, st.integers(0, 30), st.integers(0, 40))
def test_one_more_negative_never_undoes_a_release(
    case: tuple[str, str], records: list[tuple[int, str]], extra: int, day: int
) -> None:
    tests = [sampled(n, result=result)[0] for n, result in records]
    linked = LinkedContact(sampled(1, 2))  # type: ignore[arg-type]
    fixed = {"linked_contact": linked, "environment_tests": sampled(5)}
    before = decide(*case, day, tests, **fixed)
    after = decide(*case, day, tests + sampled(extra), **fixed)
    assert after.may_release >= before.may_release
    assert len(after.missing) <= len(before.missing)
    assert after.ends_at == before.ends_at
    assert replace(decide(*case, day, tests[::-1], **fixed)) == before  # the order of entry does not matter


@given(st.sampled_from(EVERY_TIER), RECORDS, st.integers(0, 40))
def test_a_positive_is_never_released(case: tuple[str, str], records: list[tuple[int, str]], day: int) -> None:
    tests = [sampled(n, result=result)[0] for n, result in records] + sampled(1, result="positive")
    decision = decide(*case, max(day, 2), tests)
    assert not decision.may_release
    assert decision.upgrade_to is not None
