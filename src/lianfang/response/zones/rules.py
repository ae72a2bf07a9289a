"""Pure thinking about zones: what seals, which unit holds them, when they end, what must be known before."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lianfang.engines.protocol import Pack, ZoneDecision, zone_level
from lianfang.kit.clock import at_local, local_date
from lianfang.kit.codes import LEVELS, CodeRange
from lianfang.kit.refusals import NotFound, Refusal

DECISIONS = ("drawn", "stepped_down", "raised", "renewed", "lifted")
DAY = timedelta(days=1)
#: An emergency may seal first; what people need is then checked within hours. A default of the house.
CHECK_WITHIN = timedelta(hours=6)
#: When a zone's conditions are looked at each day, from local midnight. A default of the house.
REVIEW_OPENS, REVIEW_DUE = timedelta(hours=8), timedelta(hours=18)
#: vulnerabilities that are a medical need which a sealed door must not stand before
MEDICAL = ("dialysis", "pregnant", "regular_medicine")


class ZoneNotFound(NotFound):
    """No such zone."""


class ZoneRefused(Refusal):
    """A zone that does not say enough, or a decision that cannot be."""


class SealingWithoutCheck(Refusal):
    """Nobody is shut in before somebody has looked at who needs what, and at the ways out."""


class EgressBlocked(Refusal):
    """A building whose way out is blocked cannot be sealed, emergency or not."""


class ConditionsMet(Refusal):
    """A zone whose conditions for ending are met cannot be renewed."""


class AnotherAuthority(Refusal):
    """A zone is stepped down and lifted by the authority that ordered it."""


@dataclass(frozen=True)
class NewArea:
    """A part of a zone: everything inside a range of codes, or one building in a grid."""

    __pydantic_config__ = {"extra": "forbid"}
    code_lo: int
    code_hi: int
    building: uuid.UUID | None = None

    def __post_init__(self) -> None:
        _ = self.range  # refuses what is no range while it is read

    @property
    def range(self) -> CodeRange:
        """Return the codes of this part."""
        return CodeRange(self.code_lo, self.code_hi)


def shuts_in(pack: Pack, level: str) -> bool:
    """Say whether people may not leave their home or area at a level, so that their needs are checked before."""
    return zone_level(pack, level).movement in ("stay_home", "stay_in_area")


def common_unit(areas: Iterable[CodeRange]) -> int:
    """Return the 15-digit code of the smallest unit that holds all areas: it governs the zone and gets its duties."""
    ranges = list(areas)
    lo, hi = min(r.lo for r in ranges), max(r.hi for r in ranges)
    for digits in reversed(LEVELS.values()):
        step = 10 ** (15 - digits)
        if lo // step == hi // step:
            return lo // step * step
    return 0


def default_end(pack: Pack, level: str, effective_at: datetime, stepped_down_from: str = "") -> datetime:
    """Return when a zone ends unless renewed: the local midnight after the days the pack waits at this level.

    A level without days of its own (it ends with others) is looked at again after a week.
    """
    fitting = [r for r in zone_level(pack, level).release if r.stepped_down_from in (None, stepped_down_from)]
    rule = max(fitting, key=lambda r: r.stepped_down_from is not None, default=None)
    days = (rule.days_at_level or rule.days_without_new) if rule else 0
    return at_local(local_date(effective_at) + (days or 7) * DAY + DAY)


def zone_fault(areas: Sequence[NewArea], effective_at: datetime, ends_at: datetime, **words: str) -> str | None:
    """Return why a zone cannot be drawn, as a sentence, or None."""
    for name, text in words.items():
        if not text.strip():
            return f"Fill in {name.replace('_', ' ')}: everybody inside must be able to read it."
    if not areas:
        return "A zone needs at least one area: give code ranges or buildings."
    if ends_at <= effective_at:
        return "A zone ends after it begins: correct ends_at."
    return None


def check_fault(buildings: int, checked: int, medical: int, medical_plan: str) -> str | None:
    """Return what a check of needs still lacks, as a sentence, or None when sealing may go on."""
    if checked < buildings:
        return f"{buildings - checked} of {buildings} buildings have no look at their ways out yet: check them first."
    if medical and not medical_plan.strip():
        return f"{medical} residents here have medical needs: write down how each gets out or is reached."
    return None


def change_of(pack: Pack, level: str, next_level: str | None) -> str:
    """Return what a decision is: stepped_down, raised, renewed (same level) or lifted (no level)."""
    if next_level is None:
        return "lifted"
    if next_level == level:
        return "renewed"
    lower = zone_level(pack, next_level).rank < zone_level(pack, level).rank
    return "stepped_down" if lower else "raised"


def plain_conditions(decision: ZoneDecision) -> list[dict[str, object]]:
    """Return the conditions of an evaluation as plain values for the record."""
    return [{"code": c.code, "satisfied": c.satisfied, "why": c.why} for c in decision.conditions]
