"""When a zone changes to a lower level or is lifted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from lianfang.engines.protocol.errors import PackSilent
from lianfang.engines.protocol.model import Pack, ZoneLevel, ZoneRelease


@dataclass(frozen=True)
class ZoneScreen:
    """A screening of everybody in a zone: the local day it was completed, who was missed, who was positive."""

    __pydantic_config__ = {"extra": "forbid"}
    completed_on: date
    missed: int = 0
    positives: int = 0

    @property
    def clean(self) -> bool:
        """Say whether nobody was missed and nobody was positive."""
        return not self.missed and not self.positives


@dataclass(frozen=True)
class ZoneFacts:
    """What is known of a zone on a local day."""

    on: date
    at_level_since: date
    last_new_on: date | None = None
    stepped_down_from: str | None = None
    last_contact_exposure_on: date | None = None
    screens: tuple[ZoneScreen, ...] = ()
    stricter_zones: int = 0


@dataclass(frozen=True)
class Condition:
    """One condition of a release: whether it holds, and why or why not."""

    code: str
    satisfied: bool
    why: str


@dataclass(frozen=True)
class ZoneDecision:
    """The level a zone may have now (None: lifted), with every condition of the rule that was applied."""

    level: str
    next_level: str | None
    may_change: bool
    conditions: tuple[Condition, ...]
    rule: str | None
    source: str


def zone_level(pack: Pack, level: str) -> ZoneLevel:
    """Return the rules of a zone level; raises PackSilent when the pack does not know it."""
    if level not in pack.zones:
        raise PackSilent(f"{pack.pack} has no zone level {level!r}; it has: {', '.join(pack.zones) or 'none'}")
    return pack.zones[level]


def zone_release(pack: Pack, level: str, facts: ZoneFacts) -> ZoneDecision:
    """Say whether a zone may change to a lower level or be lifted, condition by condition.

    A rule for zones stepped down from another level goes before the general one. The lowest level of a pack
    without a rule stays as it is.
    """
    rules = zone_level(pack, level)
    if not rules.release:
        return ZoneDecision(level, level, False, (), None, rules.source)
    index, rule = _rule(rules, facts)
    conditions = tuple(_conditions(rule, facts))
    holds = all(condition.satisfied for condition in conditions)
    path = f"zones.{level}.release.{index}"
    return ZoneDecision(level, rule.to if holds else level, holds, conditions, path, rule.source)


def _rule(level: ZoneLevel, facts: ZoneFacts) -> tuple[int, ZoneRelease]:
    fitting = [
        (index, rule)
        for index, rule in enumerate(level.release)
        if rule.stepped_down_from in (None, facts.stepped_down_from)
    ]
    return max(fitting, key=lambda item: item[1].stepped_down_from is not None)


def _conditions(rule: ZoneRelease, facts: ZoneFacts) -> Iterator[Condition]:
    # Without a positive of its own a zone counts from the day it was drawn.
    last_new = facts.last_new_on or facts.at_level_since
    if rule.days_without_new:
        yield _waited("days_without_new", rule.days_without_new, last_new, facts.on, "the last new infection")
    if rule.days_at_level:
        yield _waited("days_at_level", rule.days_at_level, facts.at_level_since, facts.on, "this level began")
    if rule.days_since_contact_exposure:
        yield _contacts_out(rule, facts)
    if rule.screen_from_day:
        yield _screened_since(last_new + rule.screen_from_day * timedelta(days=1), facts)
    if rule.screen_within_days:
        yield _screened_since(facts.on - rule.screen_within_days * timedelta(days=1), facts)
    if rule.stricter_zones_lifted:
        why = f"{facts.stricter_zones} stricter zones are still in force."
        yield Condition("stricter_zones_lifted", facts.stricter_zones == 0, why)


def _waited(code: str, needed: int, since: date, on: date, what: str) -> Condition:
    passed = (on - since).days
    return Condition(code, passed >= needed, f"{passed} of {needed} days have passed since {what} ({since}).")


def _contacts_out(rule: ZoneRelease, facts: ZoneFacts) -> Condition:
    exposed = facts.last_contact_exposure_on
    if exposed is None:
        return Condition("days_since_contact_exposure", True, "No contact of this zone is known.")
    needed = rule.days_since_contact_exposure
    return _waited("days_since_contact_exposure", needed, exposed, facts.on, "the last contact's exposure")


def _screened_since(earliest: date, facts: ZoneFacts) -> Condition:
    """The latest screening decides: a clean one before it does not outweigh a positive or a person missed."""
    done = [screen for screen in facts.screens if screen.completed_on <= facts.on]
    if not done:
        return Condition("clean_screen", False, "Nobody in the zone has been screened.")
    latest = max(done, key=lambda screen: (screen.completed_on, screen.positives, screen.missed))
    if latest.completed_on < earliest:
        why = f"The latest screening was on {latest.completed_on}, before {earliest}."
    else:
        why = f"The screening of {latest.completed_on} missed {latest.missed} and found {latest.positives} positive."
    return Condition("clean_screen", latest.clean and latest.completed_on >= earliest, why)
