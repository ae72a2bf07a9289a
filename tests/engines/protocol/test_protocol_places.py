"""Zones, rounds, pools, points, cases and single values, pack by pack."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.engines.protocol import (
    InfectedTest,
    PackSilent,
    RoundFacts,
    ZoneFacts,
    ZoneScreen,
    clock,
    crew_needed,
    discharge_decision,
    escalation,
    grid_size,
    household_tube,
    is_suspected,
    load_pack,
    overdue_rank,
    pool_size,
    reclassify,
    report_due,
    round_proposal,
    round_target,
    severity,
    site_flow,
    sizing,
    zone_release,
)
from lianfang.kit.clock import local

ED9, ED8 = load_pack("covid19-cn-ed9"), load_pack("covid19-cn-ed8")
FEB, TWENTY, EBOLA = (load_pack(n) for n in ("covid19-cn-2020-02", "covid19-cn-20measures", "ebola-who"))
JULY = date(2022, 7, 1)


def day(n: int) -> date:
    return JULY + timedelta(days=n)


def facts(on: int, since: int = 0, new: int | None = 0, screen: int | None = None, **more: object) -> ZoneFacts:
    screens = (ZoneScreen(day(screen)),) if screen is not None else ()
    last = day(new) if new is not None else None
    return ZoneFacts(on=day(on), at_level_since=day(since), last_new_on=last, screens=screens, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pack", "level", "known", "next_level"),
    [
        (ED9, "high_risk", facts(7, screen=7), "medium_risk"),
        (ED9, "high_risk", facts(6, screen=6), "high_risk"),
        (ED9, "high_risk", facts(8, screen=6), "high_risk"),
        (ED9, "medium_risk", facts(7, screen=7), "low_risk"),
        (ED9, "medium_risk", facts(7), "medium_risk"),
        (ED9, "medium_risk", facts(10, since=7, stepped_down_from="high_risk"), "low_risk"),
        (ED9, "medium_risk", facts(9, since=7, stepped_down_from="high_risk"), "medium_risk"),
        (ED9, "medium_risk", facts(12, since=7, new=8, stepped_down_from="high_risk"), "medium_risk"),
        (ED9, "low_risk", facts(1, stricter_zones=1), "low_risk"),
        (ED9, "low_risk", facts(1, stricter_zones=0), None),
        (TWENTY, "high_risk", facts(5), "low_risk"),
        (TWENTY, "high_risk", facts(4), "high_risk"),
        (ED8, "sealed_zone", facts(14, screen=13, last_contact_exposure_on=day(0)), None),
        (ED8, "sealed_zone", facts(14, screen=11, last_contact_exposure_on=day(0)), "sealed_zone"),
        (ED8, "sealed_zone", facts(14, screen=13, last_contact_exposure_on=day(1)), "sealed_zone"),
        (ED8, "controlled_zone", facts(13, screen=13), "controlled_zone"),
        (ED8, "precaution_zone", facts(30, stricter_zones=2), "precaution_zone"),
        (FEB, "medium_risk", facts(14), "low_risk"),
        (FEB, "low_risk", facts(14), "low_risk"),
        (FEB, "infection_focus", facts(14, since=3, new=None), "infection_focus"),
    ],
)
def test_zone_release(pack, level: str, known: ZoneFacts, next_level: str | None) -> None:  # type: ignore[no-untyped-def]
    decision = zone_release(pack, level, known)
    assert decision.next_level == next_level
    assert decision.may_change == (next_level != level)
    assert decision.may_change == (bool(decision.conditions) and all(c.satisfied for c in decision.conditions))


def test_a_person_missed_keeps_the_zone() -> None:
    missed = ZoneFacts(
        on=day(9), at_level_since=day(0), last_new_on=day(0),
        screens=(ZoneScreen(day(7)), ZoneScreen(day(8), missed=1)),
    )  # fmt: skip
    refused = [c for c in zone_release(ED9, "high_risk", missed).conditions if not c.satisfied]
    assert [c.why for c in refused] == ["The screening of 2022-07-09 missed 1 and found 0 positive."]


def test_a_disease_without_zones_says_so() -> None:
    with pytest.raises(PackSilent, match="has no zone level 'high_risk'; it has: none"):
        zone_release(EBOLA, "high_risk", facts(1))


@given(st.integers(0, 30), st.integers(0, 30), st.sampled_from(["high_risk", "medium_risk"]))
def test_waiting_longer_never_closes_a_zone_again(on: int, longer: int, level: str) -> None:
    early = zone_release(ED9, level, facts(on, screen=7))
    late = zone_release(ED9, level, facts(on + longer, screen=7))
    assert late.may_change >= early.may_change


def rounds(*days: int, missing: int = 0, positives: int = 0) -> list[RoundFacts]:
    return [RoundFacts(day(n), missing, positives) for n in days]


@pytest.mark.parametrize(
    ("situation", "closed", "on", "proposal", "not_before"),
    [
        ("chain_unclear", [], 0, "another_round", 0),
        ("chain_unclear", rounds(1, 2), 2, "another_round", 3),
        ("chain_unclear", rounds(1, 2, 3), 4, "wait", 6),
        ("chain_unclear", rounds(1, 2, 3), 6, "final_round", 6),
        ("chain_unclear", rounds(1, 2, 3, 4), 7, "final_round", 6),
        ("chain_unclear", rounds(1, 2, 3, 6), 6, "stop", None),
        ("chain_unclear", rounds(1, 2, 3) + rounds(6, positives=1), 6, "another_round", 7),
        ("chain_unclear", rounds(1, 2) + rounds(3, missing=1), 3, "another_round", 4),
        ("chain_clear", rounds(1, 2, 3), 3, "stop", None),
        ("chain_clear", rounds(3, 1, 2), 3, "stop", None),
    ],
)
def test_rounds(situation: str, closed: list[RoundFacts], on: int, proposal: str, not_before: int | None) -> None:
    found = round_proposal(ED9, closed, situation=situation, on=day(on))
    assert found.proposal == proposal
    assert found.not_before == (None if not_before is None else day(not_before))


@pytest.mark.parametrize(("pack", "level", "people"), [
    (ED9, "high_risk", 1), (ED9, "medium_risk", 10), (ED9, "low_risk", 20), (ED9, None, 20),
    (ED9, "isolation_site", 1), (ED8, "sealed_zone", 1), (ED8, "controlled_zone", 10), (TWENTY, "high_risk", 1),
])  # fmt: skip
def test_pool_sizes(pack, level: str | None, people: int) -> None:  # type: ignore[no-untyped-def]
    assert pool_size(pack, level) == people
    assert pool_size(pack, level, symptomatic=True) == pool_size(pack, level, contact=True) == 1


def test_pools_that_do_not_exist() -> None:
    with pytest.raises(PackSilent, match="no pool size for 'medium_risk'"):
        pool_size(TWENTY, "medium_risk")
    with pytest.raises(PackSilent, match="knows no area-wide testing"):
        pool_size(FEB, None)
    assert household_tube(ED9, "high_risk")
    assert not household_tube(ED9, "medium_risk")


def test_round_targets_follow_the_testing_guide_of_the_day() -> None:
    before = load_pack("covid19-cn-ed8", on=date(2022, 3, 21))
    after = load_pack("covid19-cn-ed8", on=date(2022, 3, 22))
    hours = [round_target(p, n) / timedelta(hours=1) for p in (before, after) for n in (5_000_000, 5_000_001)]
    assert hours == [48, 72, 24, 24]


def test_points_for_a_county() -> None:
    plan = sizing(ED9, 284_690)
    assert (plan.least_sites, plan.sites) == (95, 143)
    assert (plan.least_tables, plan.tables, plan.samplers) == (356, 475, 791)
    with pytest.raises(ValueError, match="cannot be -1"):
        sizing(ED9, -1)


def test_a_site_has_its_crew() -> None:
    crew = crew_needed(ED9, tables=4, samplers=8)
    assert (crew["leader"], crew["registrar"], crew["sampler"], crew["volunteer"]) == (1, 4, 8, 2)
    assert set(crew) >= {"order_keeper", "disinfection", "packer", "courier", "temperature"}
    with pytest.raises(PackSilent, match="names no crew"):
        crew_needed(FEB, tables=1, samplers=1)


def test_the_flow_through_a_site_is_data_with_its_source() -> None:
    flow = site_flow(ED9)
    assert (flow.wait_minutes, flow.source, flow.source_of("tube_people")) == (10, "house", "custody_tongling")
    with pytest.raises(PackSilent, match="does not say how people flow"):
        site_flow(FEB)


@given(st.integers(0, 30_000_000))
def test_no_one_stands_outside_a_sampling_point(population: int) -> None:
    plan, rule = sizing(ED9, population), ED9.sizing
    assert rule
    assert plan.sites * rule.people_per_site.least >= population > (plan.sites - 1) * rule.people_per_site.least
    assert plan.samplers * rule.people_per_sampler >= population
    assert plan.least_sites <= plan.sites <= plan.tables


@pytest.mark.parametrize(
    ("pack", "from_class", "findings", "to", "degree"),
    [
        (ED9, "screen_positive", {"retest_positive"}, "asymptomatic_case", None),
        (ED9, "screen_positive", {"retest_positive", "symptoms"}, "confirmed_case", "mild"),
        (ED9, "screen_positive", {"retest_negative"}, "ruled_out", None),
        (ED9, "asymptomatic_case", {"symptoms"}, "confirmed_case", "mild"),
        (ED9, "asymptomatic_case", {"imaging_pneumonia", "symptoms"}, "confirmed_case", "moderate"),
        (FEB, "suspected_case", {"nat_negative_twice"}, "ruled_out", None),
        (FEB, "suspected_case", {"nat_positive", "organ_failure"}, "confirmed_case", "critical"),
        (EBOLA, "suspected_case", {"pcr_positive", "bleeding"}, "confirmed_case", "critical"),
        (EBOLA, "suspected_case", {"pcr_negative"}, "ruled_out", None),
    ],
)
def test_reclassification(pack, from_class: str, findings: set[str], to: str, degree: str | None) -> None:  # type: ignore[no-untyped-def]
    change = reclassify(pack, from_class, findings)
    assert change
    assert (change.to_class, change.severity) == (to, degree)


def test_nothing_changes_without_a_rule() -> None:
    assert reclassify(ED9, "confirmed_case", {"symptoms"}) is None
    assert reclassify(ED9, "asymptomatic_case", set()) is None
    with pytest.raises(PackSilent, match="does not know the finding"):
        reclassify(ED9, "asymptomatic_case", {"cough_of_unknown_kind"})
    with pytest.raises(PackSilent, match="has no case class 'asymptomatic_case'"):
        reclassify(EBOLA, "asymptomatic_case", {"fever"})


def test_suspicion() -> None:
    assert is_suspected(ED9, {"epi_history", "fever_or_respiratory", "blood_count"})
    assert not is_suspected(ED9, {"fever_or_respiratory", "blood_count"})
    assert is_suspected(ED9, {"fever_or_respiratory", "blood_count", "imaging_pneumonia"})
    assert is_suspected(EBOLA, {"contact_history", "fever"})
    assert not is_suspected(EBOLA, {"fever"})
    assert severity(EBOLA, {"contact_history"}) is None


def infected(*tests: tuple[int, str, float | None]) -> list[InfectedTest]:
    start = local("2022-07-20 08:00")
    return [InfectedTest(start + timedelta(hours=h), result, ct) for h, result, ct in tests]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pack", "tests", "may"),
    [
        (ED9, infected((0, "positive", 35), (24, "positive", 36)), True),
        (ED8, infected((0, "positive", 35), (24, "positive", 36)), False),
        (ED9, infected((0, "positive", 34.9), (24, "negative", None)), False),
        (ED9, infected((0, "negative", None), (23, "negative", None)), False),
        (ED9, infected((0, "negative", None), (12, "negative", None), (24, "negative", None)), True),
        (ED9, infected((0, "negative", None), (24, "negative", None), (48, "positive", 30)), False),
        (EBOLA, infected((0, "negative", None), (47, "negative", None)), False),
        (EBOLA, infected((0, "negative", None), (48, "negative", None)), True),
    ],
)
def test_discharge(pack, tests: list[InfectedTest], may: bool) -> None:  # type: ignore[no-untyped-def]
    decision = discharge_decision(pack, "confirmed_case", on=local("2022-08-01"), tests=tests)
    assert decision.may_release == may
    assert bool(decision.missing) != may


def test_single_values() -> None:
    assert clock(ED9, "contact_in_quarantine") == timedelta(hours=8)
    assert clock(ED9, "appeal_decision") == timedelta(days=1)
    assert grid_size(ED9).micro_grid_households.most == 50
    assert report_due(ED9, "daily_report") == timedelta(hours=17)
    with pytest.raises(PackSilent, match="has no clock 'tea'"):
        clock(ED9, "tea")
    with pytest.raises(PackSilent, match="does not size grids"):
        grid_size(EBOLA)


@pytest.mark.parametrize("pack", [ED8, ED9, FEB, TWENTY, EBOLA])
def test_overstay_comes_before_everything_and_escalation_climbs(pack) -> None:  # type: ignore[no-untyped-def]
    others = {kind for kind in pack.duty_windows if kind != "release_decision"} | {"never_heard_of"}
    assert all(overdue_rank(pack, "release_decision") < overdue_rank(pack, kind) for kind in others)
    steps = [step.after for step in escalation(pack)]
    assert steps == sorted(steps)
    assert len(steps) >= 2
