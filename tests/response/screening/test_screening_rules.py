"""How a round is laid out and who counts in it: rules alone."""

import uuid
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.engines.protocol import load_pack
from lianfang.kit.clock import local
from lianfang.kit.codes import CodeRange
from lianfang.response.screening.rules import (
    REASONS,
    Account,
    AreaEntry,
    ExclusionEntry,
    Member,
    RangesOverlap,
    RosterEmpty,
    VisitEntry,
    ZonePiece,
    areas_of,
    books,
    check_areas,
    draw_recalls,
    exclusion_of,
    infants_from,
    judge_exclusion,
    judge_visit,
    left_over,
    plan_areas,
    sort_out,
    visits_from,
)

GRID = 469021101201001
NOON = local("2022-07-14 12:00")
SOMEBODY, ROUND = uuid.UUID(int=1), uuid.UUID(int=9)


def area(first, last, level=None):
    return AreaEntry(GRID + first, GRID + last, level)


def test_areas_are_put_in_order():
    assert check_areas([area(5, 9), area(0, 4)]) == (area(0, 4), area(5, 9))


@pytest.mark.parametrize(
    ("areas", "refusal", "words"),
    [
        ([], RosterEmpty, "name the villages"),
        ([area(0, 5), area(5, 9)], RangesOverlap, "name each place once"),
        ([area(0, 4), AreaEntry(469022100001001, 469022100001999)], RangesOverlap, "one county"),
    ],
)
def test_areas_that_cannot_be_are_refused(areas, refusal, words):
    with pytest.raises(refusal, match=words):
        check_areas(areas)


@pytest.mark.parametrize(
    ("level", "mode", "pool"),
    [("high_risk", "household", 1), ("medium_risk", "pooled", 10), ("low_risk", "pooled", 20)],
)
def test_the_zone_says_how_people_are_sampled(level, mode, pool):
    (plan,) = plan_areas(load_pack("covid19-cn-ed9"), [area(0, 1, level)])
    assert (plan.mode, plan.pool) == (mode, pool)


@pytest.mark.parametrize(("hours", "within", "begins"), [(24, 12, 18), (24, 2, 22), (72, 12, 60), (8, 12, 6)])
def test_visits_begin_near_the_end(hours, within, begins):
    start = visits_from(NOON, NOON + timedelta(hours=hours), timedelta(hours=within))
    assert start == NOON + timedelta(hours=begins)


HERE, AWAY = Member(GRID, excluded=False), Member(GRID, excluded=True)


def exclusion(reason="infant", where=""):
    return ExclusionEntry(uuid.UUID(int=2), SOMEBODY, reason, where)


@pytest.mark.parametrize(
    ("entry", "member", "why"),
    [
        (exclusion(), HERE, None),
        (exclusion(), None, "not_on_roster"),
        (exclusion(), AWAY, "already_excluded"),
        (exclusion("away"), HERE, "where_missing"),
        (exclusion("quarantined", "  "), HERE, "where_missing"),
        (exclusion("away", "Haikou, with a son"), HERE, None),
    ],
)
def test_an_exclusion_needs_its_reason(entry, member, why):
    fault = judge_exclusion(entry, member)
    assert (fault and fault[0]) == why


def visit(outcome, **fields):
    return VisitEntry(uuid.UUID(int=3), SOMEBODY, outcome, **fields)


@pytest.mark.parametrize(
    ("entry", "member", "why"),
    [
        (visit("could_not", note="dog"), None, "not_on_roster"),
        (visit("could_not"), HERE, "note_missing"),
        (visit("could_not", note="nobody home"), HERE, None),
        (visit("appointment"), HERE, "appointment_missing"),
        (visit("appointment", appointment_at=NOON), HERE, "appointment_missing"),
        (visit("appointment", appointment_at=NOON + timedelta(hours=1)), HERE, None),
        (visit("excluded"), HERE, "reason_missing"),
        (visit("excluded", reason="away"), HERE, "where_missing"),
        (visit("excluded", reason="infant"), AWAY, "already_excluded"),
        (visit("found_elsewhere"), HERE, "where_missing"),
        (visit("found_elsewhere", where="Haikou"), HERE, None),
    ],
)
def test_a_visit_says_what_came_of_it(entry, member, why):
    fault = judge_visit(entry, member, NOON)
    assert (fault and fault[0]) == why


def test_a_visit_that_excuses_is_an_exclusion_under_its_own_id():
    made = exclusion_of(visit("found_elsewhere", where="Haikou"))
    assert made == ExclusionEntry(uuid.UUID(int=3), SOMEBODY, "sampled_elsewhere", "Haikou")
    assert exclusion_of(visit("could_not", note="nobody home")) is None


def test_of_a_person_listed_twice_one_line_is_kept():
    good, refused = sort_out([exclusion(), exclusion("medical")], lambda entry: judge_exclusion(entry, HERE))
    assert good == [exclusion()]
    assert [(person.resident, person.why) for person in refused] == [(SOMEBODY, "twice")]


IDS = st.dictionaries(st.uuids(), st.sampled_from([uuid.UUID(int=n) for n in range(4)]), min_size=1, max_size=80)


@given(exclusions=IDS, share=st.floats(0, 1))
def test_the_draw_is_the_same_for_everybody_and_takes_one_of_each_writer(exclusions, share):
    drawn = draw_recalls(exclusions, ROUND, share)
    assert drawn == draw_recalls(dict(reversed(exclusions.items())), ROUND, share)
    assert {exclusions[exclusion] for exclusion in drawn} == set(exclusions.values())


@given(exclusions=IDS, further=st.uuids())
def test_another_writers_exclusion_undraws_nobody(exclusions, further):
    before = draw_recalls(exclusions, ROUND, 0.3)
    after = draw_recalls(exclusions | {further: uuid.UUID(int=99)}, ROUND, 0.3)
    assert before - {further} <= after and further in after


def test_about_the_share_is_drawn():
    exclusions = {uuid.uuid4(): uuid.UUID(int=1) for _ in range(4000)}
    assert 300 <= len(draw_recalls(exclusions, ROUND, 0.1)) <= 500


def test_the_account_and_the_books_hold_together():
    account = Account(frozen=100, added=5, found=80, reasoned=15, missing=10)
    assert account.holds and account.everybody == 105 and account.denominator == 90
    assert account.share == pytest.approx(80 / 90)
    ledger = books(account, mistakes=4)
    assert (ledger.opened, ledger.done, ledger.waived, ledger.cancelled, ledger.outstanding) == (105, 80, 11, 4, 10)
    assert ledger.holds
    assert not Account(100, 0, 80, 15, 4).holds
    assert Account(3, 0, 0, 3, 0).share == 1


def test_reasons_fall_in_two_kinds_without_overlap():
    assert len(set(REASONS)) == len(REASONS) == 8


def zone(first, last, level, rank):
    return ZonePiece(GRID + first, GRID + last, level, rank)


def unit(first, last):
    return CodeRange(GRID + first, GRID + last)


def test_the_stricter_of_two_zones_counts_and_a_unit_is_what_lies_outside_them():
    zones = [zone(0, 9, "medium_risk", 2), zone(3, 4, "high_risk", 3)]
    assert areas_of(zones, [unit(8, 12)]) == (
        area(0, 2, "medium_risk"), area(3, 4, "high_risk"), area(5, 9, "medium_risk"), area(10, 12)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("units", "words"), [([unit(0, 5), unit(5, 9)], "overlap"), ([unit(4, 5)], "inside the zones of this round")]
)
def test_a_place_named_twice_is_refused(units, words):
    with pytest.raises(RangesOverlap, match=words):
        areas_of([zone(3, 7, "high_risk", 3)], units)


def test_a_round_over_nothing_is_refused():
    with pytest.raises(RosterEmpty, match="name the villages"):
        areas_of([], [])


SPANS = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted)


@given(st.lists(st.tuples(SPANS, st.integers(1, 3)), max_size=6))
def test_every_code_of_a_zone_is_in_the_round_once_at_the_strictest_level(drawn):
    zones = [zone(first, last, f"level {rank}", rank) for (first, last), rank in drawn]
    if not zones:
        return
    areas = areas_of(zones, [])
    for offset in range(31):
        code = GRID + offset
        held = [one.rank for one in zones if one.code_lo <= code <= one.code_hi]
        levels = [one.zone_level for one in areas if one.code_lo <= code <= one.code_hi]
        assert levels == ([f"level {max(held)}"] if held else [])


@given(SPANS, st.lists(SPANS, max_size=5))
def test_what_is_left_of_a_range_is_what_nobody_took(whole, taken):
    left = left_over(unit(*whole), [unit(*one) for one in taken])
    kept = [code for one in left for code in range(one.lo - GRID, one.hi - GRID + 1)]
    assert kept == [c for c in range(whole[0], whole[1] + 1) if not any(lo <= c <= hi for lo, hi in taken)]


@pytest.mark.parametrize(
    ("on", "born"), [(date(2022, 7, 14), date(2021, 7, 14)), (date(2024, 2, 29), date(2023, 2, 28))]
)
def test_an_infant_was_born_within_the_year(on, born):
    assert infants_from(on) == born
