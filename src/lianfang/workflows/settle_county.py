"""Lay a county out below its villages and settle it with synthetic people that match its census."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import numpy as np
import shapely

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.people.actions import register_people
from lianfang.core.people.rules import HouseholdRow, ResidentRow
from lianfang.core.people.synthetic import (
    Households,
    Residents,
    as_columns,
    census_margins,
    generate_county,
    part_of,
    village_named,
)
from lianfang.core.territory.actions import lay_out_villages, register_buildings, register_compounds
from lianfang.core.territory.boundary import Shape, county_boundary, share_out
from lianfang.core.territory.queries import standing
from lianfang.core.territory.rules import NewBuilding, NewCompound, VillagePlan, split_village, spread
from lianfang.kit.clock import at_local
from lianfang.kit.codes import code_range, full_code

#: the present place of whoever is in another province
COUNTRY = 0


@dataclass(frozen=True)
class Settlement:
    """What settling a county made, in rows."""

    villages: int
    grids: int
    households: int
    residents: int


def settle_county(
    *,
    by: Actor,
    county: int,
    households_per_grid: int,
    seed: int,
    reference_date: date,
    hamlet_names: Mapping[int, Sequence[str]] | None = None,
    only: Collection[int] = (),
    share: float = 1.0,
    say: Callable[[str], None] = lambda _: None,
) -> Settlement:
    """Settle a county at its real size, in one transaction; the same arguments make the same people.

    ``county``: six digits, one of the counties whose census margins are known; ``households_per_grid``: of the pack;
    ``hamlet_names``: known hamlets of a village (15-digit code), named in the order of their codes; ``only``: settle no
    other villages than these (15-digit codes), with the same people as in the whole county, ``share`` of their households.
    """
    area = code_range(county)
    with acting(by):
        divisions = [one for one in standing(area, reference_date) if one.level == "village"]
        villages = [village_named(one.code // 1000, one.name) for one in divisions]
        say("making households and residents by the census")
        population = generate_county(census_margins(county), villages, seed=seed, reference_date=reference_date)
        if only:
            population = part_of(population, only, share)
        plans, order = _plans(population.households, households_per_grid, hamlet_names or {})
        say("laying out hamlets and grids")
        lay_out_villages(plans, by=by, source="grids sized by the protocol pack")
        grid = _grid_of(plans, order)
        say("registering compounds and buildings")
        building = _register_buildings(population.households, grid, county, by)
        say("registering households and residents")
        households, residents = register_people(
            _household_rows(population.households, grid, building),
            list(_resident_rows(population.residents, grid, county)),
            by=by,
            county=county,
            valid_at=at_local(reference_date),
        )
    return Settlement(len(villages), sum(len(plan.grids) for plan in plans), households, residents)


def _plans(
    households: Households, households_per_grid: int, names: Mapping[int, Sequence[str]]
) -> tuple[list[VillagePlan], np.ndarray]:
    """Plan every village; the order lists households as the plans count them: by hamlet, those of none last."""
    outside = np.where(households.hamlet == 0, np.iinfo(np.int64).max, households.hamlet)
    order = np.lexsort((households.number, outside, households.village_code))
    plans = []
    codes, starts = np.unique(households.village_code[order], return_index=True)
    for code, rows in zip(codes.tolist(), np.split(order, starts[1:]), strict=True):
        hamlets = np.bincount(households.hamlet[rows])
        known = names.get(code, ())
        named = [(_hamlet_name(known, number), int(size)) for number, size in enumerate(hamlets[1:].tolist())]
        plans.append(
            split_village(
                str(code // 1000), hamlets=named, households=int(hamlets[0]), households_per_grid=households_per_grid
            )
        )
    return plans, order


def _hamlet_name(known: Sequence[str], number: int) -> str:
    return known[number] if number < len(known) else f"{number + 1}组"


def _grid_of(plans: list[VillagePlan], order: np.ndarray) -> np.ndarray:
    grid = np.empty(len(order), np.int64)
    grid[order] = np.concatenate([plan.grid_of_household() for plan in plans])
    return grid


def _register_buildings(households: Households, grid: np.ndarray, county: int, by: Actor) -> list[UUID | None]:
    """Register the compounds and buildings that town households name, and return each household's building."""
    outline = county_boundary(county)
    shapely.prepare(outline)
    spots = share_out(outline, sorted(set(households.village_code.tolist())), 1)
    compounds: dict[tuple[int, int], NewCompound] = {}
    buildings: dict[tuple[int, int, int], NewBuilding] = {}
    of_household: list[UUID | None] = []
    keys = zip(
        households.village_code.tolist(), households.compound.tolist(), households.building.tolist(), grid.tolist(),
        strict=True,
    )  # fmt: skip
    for village, compound, building, at in keys:
        if not building:
            of_household.append(None)
            continue
        middle = (float(spots[village][0][0]), float(spots[village][0][1]))
        yard = compounds.setdefault(
            (village, compound), NewCompound(village, f"{compound}号小区", *_spot(outline, middle, compound, 0))
        )
        key = (village, compound, building)
        house = buildings.get(key) or buildings.setdefault(
            key,
            NewBuilding(at, f"{building}栋", "residential", 2, 6, yard.id, *_spot(outline, middle, compound, building)),
        )
        of_household.append(house.id)
    register_compounds(compounds.values(), by=by)
    register_buildings(buildings.values(), by=by)
    return of_household


def _spot(outline: Shape, middle: tuple[float, float], compound: int, building: int) -> tuple[float, float]:
    """Return where a made-up map puts a building; beside the county's border as far towards it as the county reaches."""
    lon, lat = spread(*middle, compound, building)
    while not shapely.contains_xy(outline, lon, lat):
        lon, lat = (lon + middle[0]) / 2, (lat + middle[1]) / 2
    return lon, lat


def _household_rows(households: Households, grid: np.ndarray, building: list[UUID | None]) -> Iterator[HouseholdRow]:
    columns = as_columns(households)
    for row, (id, kind, unit, room, address) in enumerate(
        zip(columns["id"], columns["kind"], columns["unit"], columns["room"], columns["address"], strict=True)
    ):
        yield HouseholdRow(
            UUID(id), row + 1, kind, int(grid[row]), building[row], str(unit or ""), str(room or ""), address
        )


def _resident_rows(residents: Residents, grid: np.ndarray, county: int) -> Iterator[ResidentRow]:
    elsewhere = {"county": full_code(county), "province": full_code(county // 10**4), "elsewhere": COUNTRY}
    grids = grid[residents.household].tolist()
    vulnerable = _vulnerabilities(residents)
    columns = as_columns(residents)
    rows = zip(
        columns["id"], columns["household_id"], columns["relation"], columns["name"], columns["sex"],
        columns["birth_date"], columns["minority"], columns["registered"], columns["registered_area"],
        columns["present"], columns["national_id"], columns["phone"], strict=True,
    )  # fmt: skip
    for row, (
        id,
        household,
        relation,
        name,
        sex,
        born,
        minority,
        registered,
        area,
        present,
        number,
        phone,
    ) in enumerate(rows):
        home = grids[row]
        yield ResidentRow(
            UUID(id), UUID(household), relation, name, sex, born, minority, home,
            home // 1000 * 1000 if registered == "here" else full_code(area),
            elsewhere.get(present, home), number, phone, vulnerable.get(row, ()),
        )  # fmt: skip


def _vulnerabilities(residents: Residents) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for kind, mask in residents.vulnerable.items():
        for row in np.flatnonzero(mask).tolist():
            found[row] = (*found.get(row, ()), kind)
    return found
