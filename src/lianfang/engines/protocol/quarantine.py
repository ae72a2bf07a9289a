"""Quarantine as a pack orders it: look-back, days, the plan of duties, release and upgrade."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from lianfang.engines.protocol.errors import AnchorMissing, PackSilent
from lianfang.engines.protocol.model import Confidence, Leg, LegKind, Pack, Tier
from lianfang.kit.clock import at_local, local_date

TestResult = Literal["negative", "positive", "pending", "invalid"]
TestRecord = tuple[datetime, TestResult]
OrderStatus = Literal["in_force", "suspended", "released", "upgraded", "lifted"]
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class LegDates:
    """One leg on the calendar: first and last local day, and the instant (end of the last day) it ends."""

    leg: int
    kind: LegKind
    first_day: date
    last_day: date
    ends_at: datetime


@dataclass(frozen=True)
class PlanItem:
    """One duty of everybody in a tier: ``day`` is counted from day 0, ``opens`` and ``due`` from that day's midnight.

    ``rule`` is the path in the pack that asks for it; ``slot`` tells apart several of a kind on one day.
    """

    kind: str
    leg: int
    leg_kind: LegKind
    day: int
    slot: int
    opens: timedelta
    due: timedelta
    rule: str
    source: str
    confidence: Confidence


@dataclass(frozen=True)
class Missing:
    """Something a release still lacks: a code, a sentence, and the day it belonged to."""

    code: str
    sentence: str
    day: date | None = None


@dataclass(frozen=True)
class LinkedContact:
    """What is known of the close contact that a secondary contact hangs on: its tests, in any order."""

    tests: Sequence[TestRecord] = ()


@dataclass(frozen=True)
class ReleaseDecision:
    """Whether a person may be released; at the end with something missing, an authorised person decides."""

    may_release: bool
    period_over: bool
    ends_at: datetime
    missing: tuple[Missing, ...]
    upgrade_to: str | None
    source: str


def lookback_start(
    pack: Pack,
    *,
    onset: datetime | None = None,
    sampled_at: datetime,
    last_negative_at: datetime | None = None,
    found_by_screening: bool = False,
) -> datetime:
    """Return the instant from which contacts of an infected person are searched for.

    That is local midnight so many days before onset or before the first positive sample, whichever is earlier; or
    the last negative sample, where the pack says so for people found by repeated screening.
    """
    rule = pack.look_back
    if found_by_screening and rule.screening_from_last_negative and last_negative_at is not None:
        return last_negative_at
    starts = [local_date(sampled_at) - rule.days_before_sampling * _DAY]
    if onset is not None:
        starts.append(local_date(onset) - rule.days_before_onset * _DAY)
    return at_local(min(starts))


def tier_of(pack: Pack, tier: str) -> Tier:
    """Return the rules for a contact tier; raises PackSilent when the pack does not know it."""
    if tier not in pack.tiers:
        raise PackSilent(f"{pack.pack} has no contact tier {tier!r}; it has: {', '.join(pack.tiers)}")
    return pack.tiers[tier]


def day_zero(pack: Pack, tier: str, *, last_exposure: datetime, entered: datetime | None = None) -> date:
    """Return the local day that plan days are counted from: of last exposure, or of entry where the pack says so."""
    rule = tier_of(pack, tier).day_counting or pack.day_counting
    if rule.count_from == "last_exposure":
        return local_date(last_exposure)
    if entered is None:
        raise AnchorMissing(f"{pack.pack} counts {tier} from entry to the facility; give the time of entry")
    return local_date(entered)


def day_number(pack: Pack, tier: str, *, last_exposure: datetime, on: date, entered: datetime | None = None) -> int:
    """Return which day of quarantine a date is: 1 on the first day, zero or less before it."""
    return (on - day_zero(pack, tier, last_exposure=last_exposure, entered=entered)).days - _first_day(pack, tier) + 1


def _first_day(pack: Pack, tier: str) -> int:
    """Return the days from day 0 to day 1."""
    rule = tier_of(pack, tier).day_counting or pack.day_counting
    return 1 if rule.day_one == "next_day" else 0


def leg_schedule(
    pack: Pack, tier: str, *, last_exposure: datetime, entered: datetime | None = None
) -> tuple[LegDates, ...]:
    """Return the legs of a tier on the calendar, one after the other without a gap.

    Days that passed before the person was found count (缺几天补几天) unless the pack counts from entry.
    """
    first = day_zero(pack, tier, last_exposure=last_exposure, entered=entered) + _first_day(pack, tier) * _DAY
    dates = []
    for index, leg in enumerate(tier_of(pack, tier).legs):
        last = first + (leg.days - 1) * _DAY
        dates.append(LegDates(index, leg.kind, first, last, at_local(last + _DAY)))
        first = last + _DAY
    return tuple(dates)


def quarantine_plan(pack: Pack, tier: str, *, status: OrderStatus = "in_force") -> tuple[PlanItem, ...]:
    """Return every duty of an order of this tier, relative to its day 0; empty unless the order is in force.

    Pure in (pack, tier, status): one join of plan and orders on tier gives the duties of everybody.
    """
    if status != "in_force":
        return ()
    items: list[PlanItem] = []
    start = _first_day(pack, tier)
    for index, leg in enumerate(tier_of(pack, tier).legs):
        items += _leg_plan(pack, tier, index, leg, start)
        start += leg.days
    return tuple(sorted(items, key=lambda item: (item.day, item.opens, item.kind, item.slot)))


def _leg_plan(pack: Pack, tier: str, index: int, leg: Leg, start: int) -> Iterator[PlanItem]:
    last = start + leg.days - 1
    wanted = [("daily_check", "checks_per_day", day, leg.checks_per_day) for day in range(start, last + 1)]
    wanted += [("quarantine_test", "test_days", start + day - 1, 1) for day in leg.test_days]
    wanted += [(kind, "on_entry", start, 1) for kind in leg.on_entry]
    wanted.append(("release_decision", "days", last, 1))
    if leg.kind == "central_quarantine":
        wanted.append(("closed_loop_transfer", "days", last, 1))
    for kind, field, day, times in wanted:
        windows = pack.duty_windows[kind].windows if times else ()
        for slot, window in enumerate(windows[:times]):
            source = leg.source_of(field)
            yield PlanItem(
                kind=kind,
                leg=index,
                leg_kind=leg.kind,
                day=day,
                slot=slot,
                opens=_since_midnight(window.opens),
                due=_since_midnight(window.due),
                rule=f"tiers.{tier}.legs.{index}.{field}",
                source=source,
                confidence=pack.sources[source].confidence,
            )


def _since_midnight(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def release_decision(
    pack: Pack,
    tier: str,
    *,
    on: datetime,
    last_exposure: datetime,
    tests: Sequence[TestRecord],
    linked_contact: LinkedContact | None = None,
    entered: datetime | None = None,
    leg: int | None = None,
    environment_tests: Sequence[TestRecord] = (),
    symptomatic: bool = False,
) -> ReleaseDecision:
    """Say whether a person may leave a leg (default: the last), what is missing, and whether to upgrade.

    ``tests`` are (time of sampling, result); those sampled after ``on`` or before day 0 are not looked at. A late
    test never moves ``ends_at``: it is listed, or made good by a later sample. Raises PackSilent for a tier
    without legs.
    """
    rules = tier_of(pack, tier)
    legs = leg_schedule(pack, tier, last_exposure=last_exposure, entered=entered)
    if not legs:
        raise PackSilent(f"{pack.pack} orders no quarantine for {tier}, so there is nothing to release from")
    legs = legs[: leg + 1] if leg is not None else legs
    begin = at_local(day_zero(pack, tier, last_exposure=last_exposure, entered=entered))
    own = _between(tests, begin, on)
    surroundings = _between(environment_tests, begin, on)
    ends_at = legs[-1].ends_at
    missing = [*_period_left(ends_at, on)]
    if rules.release.own_tests:
        missing += _tests_missing(_slots(rules, legs, entered), own, local_date(on))
    missing += _linked_missing(rules, linked_contact)
    missing += _environment_missing(rules, legs, surroundings)
    upgrade = _upgrade(rules, own, linked_contact, symptomatic)
    may = not missing and upgrade is None
    return ReleaseDecision(may, on >= ends_at, ends_at, tuple(missing), upgrade, rules.release.source)


def _between(tests: Sequence[TestRecord], begin: datetime, end: datetime) -> list[TestRecord]:
    return sorted(test for test in tests if begin <= test[0] <= end)


def _period_left(ends_at: datetime, on: datetime) -> Iterator[Missing]:
    if on < ends_at:
        last = local_date(ends_at) - _DAY
        yield Missing("days_remaining", f"The last day is {last}; release is due at the end of it.", last)


def _slots(rules: Tier, legs: Sequence[LegDates], entered: datetime | None) -> list[tuple[date, int]]:
    """Return (day, samples needed) for each test, leaving out days before entry but never the last test of all."""
    slots = [
        (dates.first_day + (day - 1) * _DAY, 2 if day in rules.legs[dates.leg].double_test_days else 1)
        for dates in legs
        for day in rules.legs[dates.leg].test_days
    ]
    held = [slot for slot in slots if entered is None or slot[0] >= local_date(entered)]
    return held or slots[-1:]


def _tests_missing(slots: Sequence[tuple[date, int]], tests: Sequence[TestRecord], today: date) -> Iterator[Missing]:
    """Yield each due test without a negative result, after samples of other days have made good for earlier ones."""
    negatives = [local_date(at) for at, result in tests if result == "negative"]
    pending = {local_date(at) for at, result in tests if result == "pending"}
    planned = {day for day, _ in slots}
    spare = sorted(set(negatives) - planned)
    lacking = [(day, needed) for day, needed in slots if day <= today and negatives.count(day) < needed]
    unmet = []
    for day, needed in reversed(lacking):
        good = next((other for other in spare if other > day and negatives.count(other) >= needed), None)
        if good is None:
            unmet.append((day, needed))
        else:
            spare.remove(good)
    for day, needed in reversed(unmet):
        times = "two samples" if needed == 2 else "a sample"
        if day in pending:
            yield Missing("test_pending", f"The result of the sample of {day} is not known yet.", day)
        else:
            yield Missing(
                "test_missing", f"There is no negative result of {times} taken on {day} or made good later.", day
            )


def _linked_missing(rules: Tier, linked: LinkedContact | None) -> Iterator[Missing]:
    needed = rules.release.linked_contact_first_tests
    if not needed:
        return
    known = sorted(test for test in (linked.tests if linked else ()) if test[1] != "invalid")[:needed]
    negative = sum(result == "negative" for _, result in known)
    if negative < needed:
        sentence = f"The linked contact's first {needed} tests must be negative; {negative} are."
        yield Missing("linked_contact_tests_missing", sentence)


def _environment_missing(rules: Tier, legs: Sequence[LegDates], tests: Sequence[TestRecord]) -> Iterator[Missing]:
    central = [dates for dates in legs if dates.kind == "central_quarantine"]
    if not rules.release.environment_test or not central:
        return
    results = [result for _, result in tests if result != "invalid"]
    if not results or results[-1] != "negative":
        sentence = "The last test of the person's belongings and room must be negative."
        yield Missing("environment_test_missing", sentence, central[-1].last_day)


def _upgrade(rules: Tier, own: Sequence[TestRecord], linked: LinkedContact | None, symptomatic: bool) -> str | None:
    if any(result == "positive" for _, result in own):
        return rules.upgrade.on_positive
    if symptomatic and rules.upgrade.on_symptoms:
        return rules.upgrade.on_symptoms
    if linked and any(result == "positive" for _, result in linked.tests):
        return rules.upgrade.on_linked_positive
    return None
