"""Where an overlay goes beyond its base (层层加码), which it may only do on a recorded legal basis (九不准)."""

from collections.abc import Collection, Iterator
from typing import get_args

from lianfang.engines.protocol.model import LegKind, Movement, Pack, Tier, Unit, ZoneRelease

Excess = tuple[str, str]
_LEGS: tuple[str, ...] = get_args(LegKind)
_MOVEMENTS: tuple[str, ...] = get_args(Movement)
_UNITS: tuple[str, ...] = get_args(Unit)


def excesses(base: Pack, local: Pack) -> tuple[Excess, ...]:
    """Return (path, sentence) for every restriction that is longer, stricter or wider than in the base."""
    return (
        *_more_look_back(base, local),
        *_more_quarantine(base, local),
        *_later_counting(base, local),
        *_harder_discharge(base, local),
        *_stricter_zones(base, local),
    )


def _above(path: str, old: float, new: float, what: str) -> Iterator[Excess]:
    if new > old:
        yield path, f"{what} is {new:g} and the base allows {old:g}"


def _more_look_back(base: Pack, local: Pack) -> Iterator[Excess]:
    for field in ("days_before_onset", "days_before_sampling", "screening_from_last_negative"):
        old, new = getattr(base.look_back, field), getattr(local.look_back, field)
        yield from _above(f"look_back.{field}", old, new, field.replace("_", " "))


def _days_at(tier: Tier | None, kind: str) -> int:
    """Return the days a tier spends at least as restricted as a kind of leg."""
    return sum(leg.days for leg in tier.legs if _LEGS.index(leg.kind) >= _LEGS.index(kind)) if tier else 0


def _more_quarantine(base: Pack, local: Pack) -> Iterator[Excess]:
    for name, tier in local.tiers.items():
        old = base.tiers.get(name)
        strictest = [
            (kind, _days_at(old, kind), _days_at(tier, kind))
            for kind in _LEGS
            if _days_at(tier, kind) > _days_at(old, kind)
        ]
        if strictest:
            kind, before, after = strictest[-1]
            yield f"tiers.{name}.legs", f"{after} days of {kind} or stricter and the base allows {before}"
        kept_in = sum(leg.days for leg in tier.legs if not leg.may_go_out)
        allowed = sum(leg.days for leg in old.legs if not leg.may_go_out) if old else 0
        if not strictest:
            yield from _above(f"tiers.{name}.legs", allowed, kept_in, "days without going out")
        if old:
            yield from _harder_release(name, old, tier)


def _harder_release(name: str, old: Tier, new: Tier) -> Iterator[Excess]:
    for field in ("own_tests", "linked_contact_first_tests", "environment_test"):
        path = f"tiers.{name}.release.{field}"
        yield from _above(path, getattr(old.release, field), getattr(new.release, field), field.replace("_", " "))


def _later_counting(base: Pack, local: Pack) -> Iterator[Excess]:
    """Counting from entry, or from the day after, ends later than the base for the same person."""
    pairs = [("day_counting", base.day_counting, local.day_counting)]
    for name, tier in local.tiers.items():
        if name in base.tiers and (tier.day_counting or base.tiers[name].day_counting):
            old = base.tiers[name].day_counting or base.day_counting
            pairs.append((f"tiers.{name}.day_counting", old, tier.day_counting or local.day_counting))
    for path, old, new in pairs:
        if (old.count_from, new.count_from) == ("last_exposure", "facility_entry"):
            yield f"{path}.count_from", "counts from facility_entry and the base from last_exposure"
        if (old.day_one, new.day_one) == ("same_day", "next_day"):
            yield f"{path}.day_one", "day 1 is the next day and in the base the same day"


def _harder_discharge(base: Pack, local: Pack) -> Iterator[Excess]:
    for name, new in local.infected_release.items():
        old = base.infected_release.get(name)
        if old is None:
            yield f"infected_release.{name}", "is a rule the base does not have"
            continue
        path = f"infected_release.{name}"
        yield from _above(f"{path}.tests", old.tests, new.tests, "tests")
        yield from _above(f"{path}.hours_apart", old.hours_apart, new.hours_apart, "hours apart")
        # No Ct limit means the test must be negative outright: stricter than any Ct.
        limit = (old.ct_at_least or 100.0, new.ct_at_least or 100.0)
        yield from _above(f"{path}.ct_at_least", *limit, "Ct limit (100 = negative)")
        days = sum(leg.days for leg in old.followed_by), sum(leg.days for leg in new.followed_by)
        yield from _above(f"{path}.followed_by", *days, "days after discharge")


def _stricter_zones(base: Pack, local: Pack) -> Iterator[Excess]:
    for name, new in local.zones.items():
        old, path = base.zones.get(name), f"zones.{name}"
        if old is None:
            yield path, "is a zone level the base does not have"
            continue
        if _MOVEMENTS.index(new.movement) > _MOVEMENTS.index(old.movement):
            yield f"{path}.movement", f"is {new.movement} and the base allows {old.movement}"
        if _UNITS.index(new.unit) > _UNITS.index(old.unit):
            yield f"{path}.unit", f"is drawn by {new.unit} and the base by {old.unit}"
        for measure in new.measures.keys() - old.measures.keys():
            yield f"{path}.measures.{measure}", "is a measure the base does not have"
        if not new.release and old.release:
            yield f"{path}.release", "is empty: the zone would never end"
        for index, rule in enumerate(new.release):
            yield from _slower_release(f"{path}.release.{index}", old.release[index : index + 1], rule)


def _slower_release(path: str, old: Collection[ZoneRelease], new: ZoneRelease) -> Iterator[Excess]:
    before = next(iter(old), None)
    for field in (
        "days_without_new",
        "days_at_level",
        "days_since_contact_exposure",
        "screen_from_day",
        "stricter_zones_lifted",
    ):
        was, now = getattr(before, field, 0) or 0, getattr(new, field) or 0
        yield from _above(f"{path}.{field}", was, now, field.replace("_", " "))
    # A screening must be the fresher the fewer days it may be old; asking for none is the mildest.
    was, now = (before.screen_within_days if before else None), new.screen_within_days
    if now is not None and (was is None or now < was):
        allowed = "asks for none" if was is None else f"allows {was}"
        yield f"{path}.screen_within_days", f"screening may be {now} days old and the base {allowed}"
