"""Pure thinking about territory: levels and parents of codes, scopes, hamlets and grids, periods."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from lianfang.kit.codes import CodeRange, full_code
from lianfang.kit.ids import derived_id
from lianfang.kit.refusals import Conflict, NotFound, Refusal

LEVELS = ("province", "prefecture", "county", "township", "village", "hamlet", "grid")
#: how many codes a unit of each level holds
SPANS = tuple(zip(LEVELS, (10**13, 10**11, 10**9, 10**6, 10**3, 10, 1), strict=True))
SPAN = dict(SPANS)
SPANS_ABOVE = tuple(span for _, span in reversed(SPANS[:5]))
#: The national table does not say since when a unit exists: from here on, unless an overlay says otherwise.
BEGINNING = date(1949, 10, 1)
BLOCK = 10
BLOCKS_IN_VILLAGE = 99
GRIDS_IN_BLOCK = 9


class LayoutRefused(Refusal):
    """A village cannot be laid out as asked: its code, sizes or names."""


class PeriodEmpty(Refusal):
    """A period that ends before it begins."""


class ChainRefused(Refusal):
    """A headquarters, chain or responsibility area that does not hold together."""


class VillageDoesNotFit(Refusal):
    """A village needs more hamlets or grids than three digits can name."""


class DivisionUnknown(NotFound):
    """No division of that code or name stands on that date."""


class DivisionAmbiguous(Refusal):
    """Several divisions answer to that name."""


class OverlayRefused(Refusal):
    """A dated change cannot be made to the divisions as they stand."""


class AlreadyLaidOut(Conflict):
    """A village has other hamlets or grids than those to be laid out."""


# ----------------------------------------------------------------------------------------- levels and parents


def level_of(code: int) -> str:
    """Return the level that a 15-digit code names; below the village multiples of ten are hamlets."""
    return next(level for level, span in SPANS if code % span == 0)


def own_range(code: int) -> CodeRange:
    """Return the range of everything inside a unit; a hamlet is taken as one block of ten codes."""
    return CodeRange(code, code + SPAN[level_of(code)] - 1)


def parent_of(code: int) -> int | None:
    """Return the code of the unit directly above by digits, hamlets left out; none above a province."""
    return next((code - code % span for span in SPANS_ABOVE if code % span), None)


# ------------------------------------------------------------------------------------------------------ scope


@dataclass(frozen=True)
class Scope:
    """A set of units as code ranges, normalised: sorted, apart from each other, adjoining ones joined."""

    ranges: tuple[CodeRange, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "ranges", tuple(_joined(self.ranges)))

    @classmethod
    def of(cls, *units: str | int) -> "Scope":
        """Return the scope of the units that shorter or full codes name: ``Scope.of("469021101")``."""
        return cls(tuple(own_range(full_code(unit)) for unit in units))

    def __contains__(self, code: object) -> bool:
        return any(code in one for one in self.ranges)

    def __iter__(self) -> Iterator[CodeRange]:
        return iter(self.ranges)

    def __or__(self, other: "Scope") -> "Scope":
        return Scope(self.ranges + other.ranges)

    def __sub__(self, other: "Scope") -> "Scope":
        left = list(self.ranges)
        for hole in other.ranges:
            left = [piece for one in left for piece in _without(one, hole)]
        return Scope(tuple(left))

    def covers(self, other: "Scope") -> bool:
        """Say whether every code of the other scope lies in this one."""
        return not (other - self).ranges


def _joined(ranges: Iterable[CodeRange]) -> Iterator[CodeRange]:
    current: CodeRange | None = None
    for one in sorted(ranges):
        if current is not None and one.lo <= current.hi + 1:
            current = CodeRange(current.lo, max(current.hi, one.hi))
            continue
        if current is not None:
            yield current
        current = one
    if current is not None:
        yield current


def _without(one: CodeRange, hole: CodeRange) -> Iterator[CodeRange]:
    if not one.overlaps(hole):
        yield one
        return
    if one.lo < hole.lo:
        yield CodeRange(one.lo, hole.lo - 1)
    if hole.hi < one.hi:
        yield CodeRange(hole.hi + 1, one.hi)


# -------------------------------------------------------------------------- hamlets and grids below a village


@dataclass(frozen=True)
class GridPlan:
    """One grid to be: its code and how many households fall to it."""

    code: int
    households: int


@dataclass(frozen=True)
class HamletPlan:
    """One hamlet to be: its code, the last code of its blocks, its name and its grids in order."""

    code: int
    code_hi: int
    name: str
    grids: tuple[GridPlan, ...]


@dataclass(frozen=True)
class VillagePlan:
    """How a village divides: its hamlets, and the grids that lie directly under it."""

    village: int
    hamlets: tuple[HamletPlan, ...]
    direct: tuple[GridPlan, ...]

    @property
    def grids(self) -> tuple[GridPlan, ...]:
        """Every grid: those of the hamlets in order, then those directly under the village."""
        return tuple(grid for hamlet in self.hamlets for grid in hamlet.grids) + self.direct

    def grid_of_household(self) -> list[int]:
        """Return the grid code of each household in order: the hamlets' one after another, then the rest."""
        return [grid.code for grid in self.grids for _ in range(grid.households)]


def split_village(
    village: str | int,
    *,
    hamlets: Sequence[tuple[str, int]] = (),
    households: int = 0,
    households_per_grid: int,
) -> VillagePlan:
    """Divide a village evenly into hamlets and grids of at most ``households_per_grid`` (of the pack).

    ``hamlets``: (name, households) in the order of their codes; ``households``: those outside of hamlets.
    The same input always gives the same codes. Raises `VillageDoesNotFit` when three digits do not suffice.
    """
    code = full_code(village)
    _check_split(code, hamlets, households, households_per_grid)
    planned, block = [], 1
    for name, size in hamlets:
        shares = _even_shares(size, households_per_grid)
        blocks = max(1, -(-len(shares) // GRIDS_IN_BLOCK))
        _refuse_beyond(block + blocks - 1 <= BLOCKS_IN_VILLAGE, code, households_per_grid)
        first = code + block * BLOCK
        spots = _free_codes(first, first + blocks * BLOCK - 1)
        grids = tuple(GridPlan(spot, share) for spot, share in zip(spots, shares, strict=False))
        planned.append(HamletPlan(first, first + blocks * BLOCK - 1, name, grids))
        block += blocks
    shares = _even_shares(households, households_per_grid)
    spots = [*_free_codes(code, code + BLOCK - 1), *_free_codes(code + block * BLOCK, code + 999)]
    _refuse_beyond(len(shares) <= len(spots), code, households_per_grid)
    return VillagePlan(code, tuple(planned), tuple(map(GridPlan, spots, shares)))


def _check_split(code: int, hamlets: Sequence[tuple[str, int]], households: int, households_per_grid: int) -> None:
    if level_of(code) != "village":
        raise LayoutRefused(f"{code} is not a village or community: give a 12-digit code")
    if households_per_grid < 1:
        raise LayoutRefused(f"a grid of {households_per_grid} households: the pack must give one or more")
    if households < 0 or any(size < 0 for _, size in hamlets):
        raise LayoutRefused(f"village {code}: a number of households below nought")
    names = [name for name, _ in hamlets]
    if len(set(names)) < len(names) or not all(name.strip() for name in names):
        raise LayoutRefused(f"village {code}: hamlets need names, each its own")


def _even_shares(total: int, largest: int) -> list[int]:
    """Split a total into the fewest shares of at most ``largest``; they differ by one at most."""
    parts = -(-total // largest)
    return [total // parts + (at < total % parts) for at in range(parts)]


def _free_codes(lo: int, hi: int) -> list[int]:
    return [code for code in range(lo, hi + 1) if code % BLOCK]


def _refuse_beyond(fits: bool, code: int, households_per_grid: int) -> None:
    if not fits:
        raise VillageDoesNotFit(
            f"village {code} needs more hamlets or grids than three digits can name, "
            f"with {households_per_grid} households to a grid: make the grids larger, or divide the village"
        )


# ---------------------------------------------------------------------------------------- periods of validity


@dataclass(frozen=True, order=True)
class Period:
    """Days on which something holds: from its first day to the day before ``until`` (``None``: for good)."""

    since: date
    until: date | None = None

    def __post_init__(self) -> None:
        if self.until is not None and self.until <= self.since:
            raise PeriodEmpty(f"a period from {self.since} until {self.until} has no day: give a later end")

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.since <= day < (self.until or date.max)

    def overlap(self, other: "Period") -> "Period | None":
        """Return the days that lie in both, or ``None``."""
        since = max(self.since, other.since)
        until = min(self.until or date.max, other.until or date.max)
        return Period(since, None if until == date.max else until) if since < until else None

    def minus(self, other: "Period") -> list["Period"]:
        """Return what is left of this period, earlier and later part, when the other's days are cut out."""
        if self.overlap(other) is None:
            return [self]
        left = []
        if self.since < other.since:
            left.append(Period(self.since, other.since))
        if other.until is not None and (self.until is None or other.until < self.until):
            left.append(Period(other.until, self.until))
        return left


def uncovered(wanted: Period, taken: Iterable[Period]) -> list[Period]:
    """Return the parts of a wanted period that no taken period holds."""
    left = [wanted]
    for one in taken:
        left = [piece for part in left for piece in part.minus(one)]
    return sorted(left)


# ------------------------------------------------------------------------------------ chain of responsibility


@dataclass(frozen=True)
class ChainLink:
    """One step an overdue duty climbs to: which unit, which range of codes, and which post answers there."""

    order: int
    level: str
    name: str
    scope: CodeRange
    post_title: str
    post_id: UUID | None = None


@dataclass(frozen=True)
class Chain:
    """A headquarters' whole chain of responsibility, for every place in its range.

    ``steps``: (level, post title) from the ground up; ``headquarters``: (range, post title) of its own and those it
    reports to, the nearest first.
    """

    scope: CodeRange
    steps: tuple[tuple[str, str], ...]
    headquarters: tuple[tuple[CodeRange, str], ...]


# -------------------------------------------------------------------------------- what is asked to be written


@dataclass(frozen=True)
class Overlay:
    """A dated change to one division: ``rename`` (name), ``add`` (name), ``abolish`` or ``reparent`` (parent).

    ``add`` takes the parent from the digits unless one is given. ``source`` says who says so.
    """

    kind: Literal["rename", "add", "abolish", "reparent"]
    code: int
    period: Period
    source: str
    name: str = ""
    parent: int | None = None

    def __post_init__(self) -> None:
        if self.kind in ("rename", "add") and not self.name.strip():
            raise OverlayRefused(f"{self.kind} {self.code}: give the name it bears from {self.period.since} on")
        if self.kind == "reparent" and self.parent is None:
            raise OverlayRefused(f"reparent {self.code}: give the code of the unit it is put under")


@dataclass(frozen=True)
class NewCompound:
    """A residential compound to register; degrees, or both coordinates left out."""

    division_code: int
    name: str
    lon: float | None = None
    lat: float | None = None

    @property
    def id(self) -> UUID:
        """Return the id that the same compound always gets, so that registering it again is recognised."""
        return derived_id("compound", self.division_code, self.name)


@dataclass(frozen=True)
class NewBuilding:
    """A building to register, in a compound or by itself."""

    division_code: int
    name: str
    kind: str
    units: int = 1
    floors: int = 1
    compound_id: UUID | None = None
    lon: float | None = None
    lat: float | None = None

    @property
    def id(self) -> UUID:
        """Return the id that the same building always gets."""
        return derived_id("building", self.division_code, self.compound_id, self.name)


@dataclass(frozen=True)
class NewPlace:
    """A place to register; degrees."""

    division_code: int
    kind: str
    name: str
    lon: float
    lat: float

    @property
    def id(self) -> UUID:
        """Return the id that the same place always gets."""
        return derived_id("place", self.division_code, self.kind, self.name)


#: metres between neighbouring compounds and buildings where a map is made up, and metres of one degree of latitude
YARD_METRES, HOUSE_METRES, DEGREE_METRES = 160.0, 35.0, 111_320.0
#: leaves of a plant turn by this angle, so that none lies above another
GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


def spread(lon: float, lat: float, compound: int, building: int) -> tuple[float, float]:
    """Return where a made-up map puts a building (0: the middle of its compound) around the middle of its village.

    The same numbers always give the same degrees; no two buildings of a village share theirs.
    """
    east, north = (
        sum(parts)
        for parts in zip(
            _leaf(compound, YARD_METRES), _leaf(building, HOUSE_METRES) if building else (0, 0), strict=True
        )
    )
    return lon + east / (DEGREE_METRES * math.cos(math.radians(lat))), lat + north / DEGREE_METRES


def _leaf(number: int, metres: float) -> tuple[float, float]:
    reach, angle = metres * math.sqrt(number), number * GOLDEN_ANGLE
    return reach * math.cos(angle), reach * math.sin(angle)
