"""How near a synthetic population comes to its census margins, counted from its columns alone."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lianfang.core.people.synthetic import vocabulary as v
from lianfang.core.people.synthetic.margins import AGE_LABELS, AGE_STARTS
from lianfang.core.people.synthetic.population import Population


class Fit(NamedTuple):
    """One census margin: its name, what the census says, and what the population counts."""

    margin: str
    target: float
    got: float


def ages_on(population: Population) -> NDArray[np.int64]:
    """Return residents' ages in completed years on the reference date, from their birth dates."""
    born = population.residents.birth_date.astype("datetime64[D]")
    month = born.astype("datetime64[M]")
    day = (born - month.astype("datetime64[D]")).astype(np.int64) + 1
    months = month.astype(np.int64) % 12 + 1
    today = population.reference_date
    before = (months > today.month) | ((months == today.month) & (day > today.day))
    return today.year - (month.astype("datetime64[Y]").astype(np.int64) + 1970) - before


def measure_margins(population: Population) -> list[Fit]:
    """Return every census margin beside what the population counts, shares as fractions of one."""
    fits = [*_of_people(population), *_of_marriage(population), *_of_households(population)]
    return [Fit(margin, float(target), float(got)) for margin, target, got in fits]


def _of_people(population: Population) -> Iterator[tuple[str, float, float]]:
    margins, residents = population.margins, population.residents
    age, male = ages_on(population), residents.sex == "male"
    yield "population", margins.population, len(age)
    yield "males per 100 females", margins.sex_ratio, 100 * male.sum() / max((~male).sum(), 1)
    yield "women 15-49", margins.women_15_49, (~male & (age >= 15) & (age < 50)).mean()
    groups = np.bincount(np.searchsorted(AGE_STARTS, age, side="right") - 1, minlength=len(AGE_STARTS))
    for label, target, got in zip(AGE_LABELS, margins.ages, groups / len(age), strict=True):
        yield f"age {label}", target, got
    urban = [village.code * 1000 for village in population.villages if village.urban]
    yield "urban", margins.urban, np.isin(residents.village_code, urban).mean()
    yield "minority", margins.minority, residents.minority.mean()
    for place, target in zip(v.PLACES[1:], margins.registered_away, strict=True):
        yield f"registered {place}", target, (residents.registered == place).mean()


def _of_marriage(population: Population) -> Iterator[tuple[str, float, float]]:
    margins, residents = population.margins, population.residents
    grown = ages_on(population) >= 15
    for sex, shares in (("male", margins.marital_men), ("female", margins.marital_women)):
        marital = residents.marital[grown & (residents.sex == sex)]
        for status, share in zip(v.MARITAL, shares, strict=True):
            yield f"{status} {sex} 15+", share, (marital == status).sum() / max(len(marital), 1)


def _of_households(population: Population) -> Iterator[tuple[str, float, float]]:
    margins, households = population.margins, population.households
    household = population.residents.household
    family = households.kind == "family"
    size = np.bincount(household, minlength=len(family))[family]
    yield "in family households", margins.household_share, size.sum() / len(household)
    yield "household size", margins.household_size, size.mean()
    yield "one-person households", margins.one_person, (size == 1).mean()
    generations = np.minimum(_generations(population), 4)[family]
    for number, share in enumerate(margins.generations, start=1):
        yield f"generations {number}{'+' * (number == 4)}", share, (generations == number).mean()
    old = np.minimum(np.bincount(household, ages_on(population) >= 65, len(family)), 3)[family]
    yield "households with 65+", sum(margins.elderly_households), (old > 0).mean()
    for number, share in enumerate(margins.elderly_households, start=1):
        yield f"households with {number}{'+' * (number == 3)} aged 65+", share, (old == number).mean()


def _generations(population: Population) -> NDArray[np.int64]:
    """Count each household's generations from its residents' relations to the head."""
    level = dict(zip(v.RELATIONS, v.GENERATION_ABOVE, strict=True))
    found = np.zeros((len(population.households.id), 4), bool)
    for relation, above in level.items():
        found[population.residents.household[population.residents.relation == relation], above + 2] = True
    return found.sum(1)
