"""A county of people who do not exist, as columns ready for COPY."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lianfang.core.people.synthetic import vocabulary as v
from lianfang.core.people.synthetic.circumstances import describe
from lianfang.core.people.synthetic.households import People, house_people
from lianfang.core.people.synthetic.identities import (
    birth_dates,
    made_ids,
    made_names,
    made_phones,
    made_resident_ids,
    registration_areas,
)
from lianfang.core.people.synthetic.margins import Margins
from lianfang.core.people.synthetic.settlement import Village, county_code, doors, rank_within, settle
from lianfang.kit.codes import full_code

Integers = NDArray[np.int64]
Texts = NDArray[np.str_]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Households:
    """One entry per household, sorted by village and number.

    ``village_code`` has 15 digits; ``kind`` is one of ``vocabulary.KINDS``; in town ``compound``, ``building``, ``unit``
    and ``room`` are set, in villages ``hamlet`` (counted from 1 inside the village) and ``house_number``, else 0;
    ``address`` is the part below the village's name.
    """

    id: Texts
    village_code: Integers
    number: Integers
    size: Integers
    kind: Texts
    compound: Integers
    building: Integers
    unit: Integers
    room: Integers
    hamlet: Integers
    house_number: Integers
    address: Texts


@dataclass(frozen=True)
class Residents:
    """One entry per resident, sorted by household.

    ``household`` is the row in ``Households``; texts come from ``vocabulary``; ``registered_area`` is the six-digit area
    of the ID number; ``phone`` is empty where there is none; ``vulnerable`` maps each of ``vocabulary.VULNERABLE`` to a
    flag per resident.
    """

    id: Texts
    household: Integers
    household_id: Texts
    village_code: Integers
    relation: Texts
    name: Texts
    sex: Texts
    birth_date: NDArray[np.datetime64]
    marital: Texts
    minority: Mask
    registered: Texts
    registered_area: Integers
    present: Texts
    national_id: Texts
    phone: Texts
    vulnerable: dict[str, Mask]


Table = TypeVar("Table", Households, Residents)


@dataclass(frozen=True)
class Population:
    """A county's synthetic households and residents, and what they were made from."""

    margins: Margins
    villages: tuple[Village, ...]
    seed: int
    reference_date: date
    households: Households
    residents: Residents

    def digest(self) -> str:
        """Return a SHA-256 over every column: equal for equal margins, villages, seed and date."""
        told = hashlib.sha256()
        for table in (self.households, self.residents):
            for name, values in _arrays(table).items():
                told.update(f"{name} {values.dtype} {len(values)} ".encode())
                told.update(np.ascontiguousarray(values).tobytes())
        return told.hexdigest()


def _arrays(table: Households | Residents) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for column in fields(table):
        values = getattr(table, column.name)
        found.update(values if isinstance(values, dict) else {column.name: values})
    return found


def as_columns(table: Households | Residents) -> dict[str, list[Any]]:
    """Return the table as lists of plain Python values, one per column; each kind of vulnerability is a column."""
    return {name: values.tolist() for name, values in _arrays(table).items()}


def generate_county(margins: Margins, villages: Sequence[Village], *, seed: int, reference_date: date) -> Population:
    """Return the synthetic population of a county that meets its census margins on the reference date.

    The same arguments give the same bytes. Villages must share one county code; ``UnusableVillages`` says otherwise.
    """
    code = county_code(villages)
    rng = np.random.default_rng([seed, code])
    people = house_people(margins, rng)
    sizes = np.bincount(people.household, minlength=len(people.kind))
    people, village = _in_order(people, settle(margins, villages, sizes, people.kind, rng))
    county = _County(margins, code, tuple(villages), reference_date, people, village)
    households = _households(county, rng)
    residents = _residents(county, households, rng)
    return Population(margins, county.villages, seed, reference_date, households, residents)


def part_of(population: Population, villages: Collection[int], share: float = 1.0) -> Population:
    """Return the households of some villages (15-digit codes) with everybody in them; ``share`` of them, evenly taken.

    People keep their ids, names and doors, so that a part of a county is the same people as in the whole.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share lies above 0 and is at most 1, not {share}")
    households, residents = population.households, population.residents
    taken = np.floor(households.number * share) > np.floor((households.number - 1) * share)
    keep = np.isin(households.village_code, list(villages)) & taken
    row = np.cumsum(keep) - 1
    inside = keep[residents.household]
    kept = _rows(residents, inside)
    return replace(
        population,
        households=_rows(households, keep),
        residents=replace(kept, household=row[kept.household]),
    )


def _rows(table: Table, mask: Mask) -> Table:
    """Return the rows of a table that a mask keeps."""
    kept: dict[str, Any] = {}
    for column in fields(table):
        values = getattr(table, column.name)
        several = isinstance(values, dict)
        kept[column.name] = {name: one[mask] for name, one in values.items()} if several else values[mask]
    return replace(table, **kept)


@dataclass(frozen=True)
class _County:
    """People in their households, and each household's village (an index)."""

    margins: Margins
    code: int
    villages: tuple[Village, ...]
    reference_date: date
    people: People
    village: Integers

    @property
    def urban(self) -> Mask:
        return np.array([village.urban for village in self.villages])[self.village]


def _in_order(people: People, village: Integers) -> tuple[People, Integers]:
    """Sort households by village, families first, and people with them."""
    order = np.lexsort((people.kind, village))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    household = place[people.household]
    by_household = np.argsort(household, kind="stable")
    moved = {
        column.name: getattr(people, column.name)[by_household]
        for column in fields(people)
        if column.name not in ("household", "kind")
    }
    return People(household=household[by_household], kind=people.kind[order], **moved), village[order]


def _households(county: _County, rng: np.random.Generator) -> Households:
    people, village = county.people, county.village
    door = doors(village, county.urban, people.kind)
    return Households(
        id=made_ids(rng, len(village)),
        village_code=np.array([full_code(one.code) for one in county.villages])[village],
        number=rank_within(village) + 1,
        size=np.bincount(people.household, minlength=len(village)),
        kind=np.array(v.KINDS)[people.kind],
        **{column.name: getattr(door, column.name) for column in fields(door)},
    )


def _residents(county: _County, households: Households, rng: np.random.Generator) -> Residents:
    people = county.people
    told = describe(county.margins, people, county.village, county.urban, rng)
    born = birth_dates(people.age, county.reference_date, rng)
    area = registration_areas(county.code, told.registered, rng)
    year = born.astype("datetime64[Y]").astype(np.int64) + 1970
    return Residents(
        id=made_ids(rng, len(people.age)),
        household=people.household,
        household_id=households.id[people.household],
        village_code=households.village_code[people.household],
        relation=np.array(v.RELATIONS)[people.relation],
        name=made_names(county.code, people, year, county.village, county.urban, rng),
        sex=np.array(v.SEXES)[people.sex],
        birth_date=born,
        marital=np.array(v.MARITAL)[people.marital],
        minority=told.minority,
        registered=np.array(v.PLACES)[told.registered],
        registered_area=area,
        present=np.array(v.PLACES)[told.present],
        national_id=made_resident_ids(area, born, people.sex),
        phone=made_phones(people.age, rng),
        vulnerable=told.vulnerable,
    )
