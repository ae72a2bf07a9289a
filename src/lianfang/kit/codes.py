"""Statistical division codes: 12 digits for a village (2-2-2-3-3), three more for hamlets and grids below it.

Every code is held as a 15-digit integer. A unit is the half-closed family of all codes that begin with its own
digits, so that a scope, a zone or a roster is one range ``lo..hi`` of integers, which a B-tree answers at once.
"""

from dataclasses import dataclass

from lianfang.kit.refusals import Refusal

DIGITS = 15
#: digits that say something, by level, from province to grid
LEVELS = {"province": 2, "prefecture": 4, "county": 6, "township": 9, "village": 12, "grid": 15}


class NotACode(Refusal, ValueError):
    """A number or range that no division code can be."""


@dataclass(frozen=True, order=True)
class CodeRange:
    """A closed range of 15-digit division codes."""

    lo: int
    hi: int

    def __post_init__(self) -> None:
        if not 0 <= self.lo <= self.hi < 10**DIGITS:
            raise NotACode(f"not a range of 15-digit division codes: {self.lo}..{self.hi}; correct the codes")

    def __contains__(self, code: object) -> bool:
        return isinstance(code, int) and self.lo <= code <= self.hi

    def covers(self, other: "CodeRange") -> bool:
        """Say whether every code of the other range lies in this one."""
        return self.lo <= other.lo and other.hi <= self.hi

    def overlaps(self, other: "CodeRange") -> bool:
        """Say whether any code lies in both."""
        return self.lo <= other.hi and other.lo <= self.hi


EVERYWHERE = CodeRange(0, 10**DIGITS - 1)


def full_code(code: str | int) -> int:
    """Return the 15-digit integer of a shorter code: ``"469021"`` → ``469021000000000``."""
    digits = str(code)
    if not digits.isdigit() or len(digits) > DIGITS:
        raise NotACode(f"not a division code: {code!r}; give its digits, at most {DIGITS}")
    return int(digits.ljust(DIGITS, "0"))


def code_range(code: str | int) -> CodeRange:
    """Return the range of everything inside a unit, given the digits that name it: ``"469021"``, ``"469021101201"``."""
    lo = full_code(code)
    return CodeRange(lo, lo + 10 ** (DIGITS - len(str(code))) - 1)


def level_of(code: int) -> str:
    """Return the level of a 15-digit code by its trailing zeros (hamlets answer ``grid``)."""
    for level, digits in LEVELS.items():
        if code % 10 ** (DIGITS - digits) == 0:
            return level
    return "grid"


def unit_range(code: int) -> CodeRange:
    """Return the range of everything inside the unit that a 15-digit code names."""
    return CodeRange(code, code + 10 ** (DIGITS - LEVELS[level_of(code)]) - 1)


def county_of(code: int) -> int:
    """Return the six-digit county code that a 15-digit code lies in: the first part of every hot key."""
    return code // 10**9


def ancestors(code: int) -> list[int]:
    """Return the 15-digit codes of every unit above a code, from its province down, without the code itself."""
    found = []
    for digits in LEVELS.values():
        step = 10 ** (DIGITS - digits)
        above = code // step * step
        if above != code and above not in found:
            found.append(above)
    return found
