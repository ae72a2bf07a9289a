"""Where households live: which village or community, which building or hamlet, which door."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianfang.core.people.synthetic import vocabulary as v
from lianfang.core.people.synthetic.calibration import Floats, whole_shares
from lianfang.core.people.synthetic.margins import Margins

Rng = np.random.Generator
Integers = NDArray[np.int64]

#: spread of sizes among villages of one kind (standard deviation of the logarithm; assumption)
SIZE_SPREAD = 0.35
#: rooms of one kind of collective household to one site (assumption)
ROOMS_A_SITE = 80
#: doors to a landing, landings to a unit, units to a building, buildings to a compound (assumption)
DOORS, FLOORS, UNITS, BUILDINGS = 2, 6, 2, 10
#: family households to a hamlet (assumption)
HAMLET = 40
COLLECTIVE_ADDRESS = {v.SCHOOL_DORMITORY: "学生宿舍", v.WORKS_DORMITORY: "职工宿舍", v.WELFARE_HOME: "福利院"}


class UnusableVillages(ValueError):
    """The list of villages cannot hold a county."""


@dataclass(frozen=True)
class Village:
    """A village or community: 12-digit division code, name, whether the census counts it as urban, relative size."""

    code: int
    name: str
    urban: bool
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not 10**11 <= self.code < 10**12:
            raise UnusableVillages(f"Village {self.name}: {self.code} is not a 12-digit division code.")
        if not self.weight > 0:
            raise UnusableVillages(f"Village {self.name} ({self.code}): its weight must be above 0, not {self.weight}.")


def village_named(code: int | str, name: str, weight: float = 1.0) -> Village:
    """Return a village, taking residents' committees (居委会, 社区) for urban, as division tables carry no flag."""
    return Village(int(code), name, "居委会" in name or "社区" in name or "居民委员会" in name, weight)


@dataclass(frozen=True)
class Doors:
    """One entry per household: where it is inside its village; 0 where a part does not apply."""

    compound: Integers
    building: Integers
    unit: Integers
    room: Integers
    hamlet: Integers
    house_number: Integers
    address: NDArray[np.str_]


def county_code(villages: Sequence[Village]) -> int:
    """Return the six-digit code that all villages share, or refuse the list."""
    counties = {village.code // 10**6 for village in villages}
    if len(counties) != 1:
        found = ", ".join(map(str, sorted(counties))) or "none"
        raise UnusableVillages(f"A county needs villages of one six-digit code; the list has {found}.")
    codes = [village.code for village in villages]
    if len(set(codes)) != len(codes):
        twice = next(code for code in codes if codes.count(code) > 1)
        raise UnusableVillages(f"Village code {twice} stands in the list twice; give each village once.")
    return counties.pop()


def settle(margins: Margins, villages: Sequence[Village], sizes: Integers, kind: Integers, rng: Rng) -> Integers:
    """Return the index of each household's village; urban ones hold the county's urban share of people."""
    urban = np.array([village.urban for village in villages])
    people_urban = round(margins.population * margins.urban)
    if not urban.any() or urban.all():
        people_urban = margins.population * int(urban.any())
    # dormitories and homes stand mostly in town
    turn = np.argsort(rng.random(len(sizes)) * np.where(kind == v.FAMILY, 1, 0.5), kind="stable")
    in_town = np.zeros(len(sizes), bool)
    in_town[turn] = np.cumsum(sizes[turn]) <= people_urban
    weight = np.array([village.weight for village in villages]) * rng.lognormal(0, SIZE_SPREAD, len(villages))
    village = np.zeros(len(sizes), np.int64)
    for side in (True, False):
        households, places = np.flatnonzero(in_town == side), np.flatnonzero(urban == side)
        if len(households):
            shared = _share_out(sizes[households], kind[households], weight[places], rng)
            village[households] = places[shared]
    return village


def _share_out(sizes: Integers, kind: Integers, weight: Floats, rng: Rng) -> Integers:
    """Share households over villages: collective ones at a few sites, families filling up to each village's size."""
    village = np.zeros(len(sizes), np.int64)
    room_left = whole_shares(weight, int(sizes.sum())).astype(float)
    for code in range(1, len(v.KINDS)):
        rooms = np.flatnonzero(kind == code)
        if not len(rooms):
            continue
        number = min(len(weight), max(1, len(rooms) // ROOMS_A_SITE))
        sites = rng.choice(len(weight), number, replace=False, p=weight / weight.sum())
        village[rooms] = sites[np.arange(len(rooms)) * number // len(rooms)]
        room_left -= np.bincount(village[rooms], sizes[rooms], len(weight))
    families = rng.permutation(np.flatnonzero(kind == v.FAMILY))
    room_left = np.clip(room_left, 0, None)
    if not room_left.any():
        room_left = weight
    bounds = np.cumsum(room_left) / room_left.sum() * sizes[families].sum()
    middle = np.cumsum(sizes[families]) - sizes[families] / 2
    village[families] = np.minimum(np.searchsorted(bounds, middle), len(weight) - 1)
    return village


def rank_within(group: Integers) -> Integers:
    """Return each entry's place (from 0) among the equal entries of a sorted array."""
    begins = np.flatnonzero(np.diff(group, prepend=group[0] - 1)) if len(group) else np.array([], np.int64)
    return np.arange(len(group)) - np.repeat(begins, np.diff([*begins, len(group)]))


def doors(village: Integers, urban: NDArray[np.bool_], kind: Integers) -> Doors:
    """Return the doors of households sorted by village, families first in each; ``urban`` says so per household."""
    family = kind == v.FAMILY
    rank = rank_within(village * len(v.KINDS) + kind)
    town, country = family & urban, family & ~urban
    doors_a_unit = DOORS * FLOORS
    doors_a_building = doors_a_unit * UNITS
    in_compound = rank % (doors_a_building * BUILDINGS)
    compound = np.where(town, rank // (doors_a_building * BUILDINGS) + 1, 0)
    building = np.where(town, in_compound // doors_a_building + 1, np.where(family, 0, kind))
    unit = np.where(town, rank % doors_a_building // doors_a_unit + 1, 0)
    landing = (rank % doors_a_unit // DOORS + 1) * 100 + rank % DOORS + 1
    room = np.where(town, landing, np.where(family, 0, (rank // 20 + 1) * 100 + rank % 20 + 1))
    hamlet = np.where(country, _hamlet(village, family, rank), 0)
    house = np.where(country, rank_within(village * 10**6 + hamlet) + 1, 0)
    address = _addresses(kind, compound, building, unit, room, hamlet, house)
    return Doors(compound, building, unit, room, hamlet, house, address)


def _hamlet(village: Integers, family: NDArray[np.bool_], rank: Integers) -> Integers:
    """Return the hamlet of each family, counted from 1 in its village; later hamlets are the larger ones."""
    families = np.bincount(village, family)[village]
    hamlets = np.maximum(np.rint(families / HAMLET), 1)
    share = rank / np.maximum(families, 1)
    return (hamlets * np.minimum(share, 0.999999) ** 0.75).astype(np.int64) + 1


def _addresses(kind: Integers, *parts: Integers) -> NDArray[np.str_]:
    """Return the address inside the village, as people write it."""
    columns = zip(kind.tolist(), *(part.tolist() for part in parts), strict=True)
    return np.array([_address(*column) for column in columns], dtype=np.str_)


def _address(kind: int, compound: int, building: int, unit: int, room: int, hamlet: int, house: int) -> str:
    if kind != v.FAMILY:
        return f"{COLLECTIVE_ADDRESS[kind]}{room}室"
    if hamlet:
        return f"{hamlet}组{house}号"
    return f"{compound}号院{building}栋{unit}单元{room}室"
