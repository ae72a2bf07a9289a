"""What a door-to-door visit has to know: minority, registration, presence, and who needs help.

Minority and registration meet the census to the person. Rates of presence and vulnerability have no county margin:
they are round assumptions of the order that national surveys report, named here so that they can be argued with.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianfang.core.people.synthetic import vocabulary as v
from lianfang.core.people.synthetic.calibration import Floats
from lianfang.core.people.synthetic.households import People
from lianfang.core.people.synthetic.margins import Margins

Rng = np.random.Generator
Mask = NDArray[np.bool_]

#: residents elsewhere for the day or the month: share in the county, the province, another province
ELSEWHERE_NOW = (0.005, 0.015, 0.008)
#: how much likelier than that between 16 and 59, and at other ages
ELSEWHERE_BY_AGE = (1.4, 0.3)
#: pregnancies under way per child under one: nine months of twelve
PREGNANT_PER_INFANT = 0.75
#: married women's relative chance of a pregnancy by age
PREGNANCY_AGES = {20: 1.0, 25: 1.2, 30: 0.7, 35: 0.25, 40: 0.05, 45: 0.0}
#: chance by first age of a band
RATES: dict[str, dict[int, float]] = {
    "dialysis": {0: 0, 20: 0.0003, 45: 0.0009, 65: 0.0016},
    "disabled": {0: 0.008, 15: 0.02, 60: 0.07},
    "bedridden": {0: 0.0002, 18: 0.0005, 60: 0.005, 70: 0.015, 80: 0.06},
    "regular_medicine": {0: 0.01, 35: 0.06, 45: 0.16, 55: 0.30, 65: 0.45, 75: 0.52},
}
#: the kinds that keep somebody at home
KEPT_HOME = ("bedridden", "dialysis")


@dataclass(frozen=True)
class Circumstances:
    """One entry per person; ``registered`` and ``present`` are codes of ``vocabulary.PLACES``."""

    minority: Mask
    registered: NDArray[np.int64]
    present: NDArray[np.int64]
    vulnerable: dict[str, Mask]


def describe(margins: Margins, people: People, village: NDArray[np.int64], urban: Mask, rng: Rng) -> Circumstances:
    """Return the people's circumstances; ``village`` and ``urban`` have one entry per household."""
    minority = _minority(margins, people, village, rng)
    registered = _registered(margins, people, urban, rng)
    vulnerable = _vulnerable(people, rng)
    present = _present(people, rng)
    for kind in KEPT_HOME:
        present[vulnerable[kind]] = v.HERE
    return Circumstances(minority, registered, present, vulnerable)


def _highest(score: Floats, number: int) -> Mask:
    chosen = np.zeros(len(score), bool)
    chosen[np.argsort(-score, kind="stable")[:number]] = True
    return chosen


def _minority(margins: Margins, people: People, village: NDArray[np.int64], rng: Rng) -> Mask:
    """Choose exactly the minority share, gathered by village and household."""
    of_village = rng.normal(size=int(village.max()) + 1)
    of_household = of_village[village] + rng.normal(size=len(village))
    score = of_household[people.household] + rng.normal(0, 0.15, len(people.age))
    return _highest(score, round(margins.minority * margins.population))


def _registered(margins: Margins, people: People, urban: Mask, rng: Rng) -> NDArray[np.int64]:
    """Choose exactly the shares registered away, mostly whole households, more in town and in dormitories."""
    pull = rng.normal(size=len(urban)) + 0.8 * urban + 0.8 * (people.kind != v.FAMILY)
    score = pull[people.household] + rng.normal(0, 0.3, len(people.age))
    numbers = [round(share * margins.population) for share in margins.registered_away]
    away = np.flatnonzero(_highest(score, sum(numbers)))
    origin = rng.random(len(urban))[people.household[away]] + rng.normal(0, 0.05, len(away))
    registered = np.full(len(people.age), v.HERE)
    places = np.repeat([v.COUNTY, v.PROVINCE, v.ELSEWHERE], numbers)[: len(away)]
    registered[away[np.argsort(origin, kind="stable")]] = places
    return registered


def _present(people: People, rng: Rng) -> NDArray[np.int64]:
    mobile = (people.age >= 16) & (people.age < 60)
    factor = np.where(mobile, *ELSEWHERE_BY_AGE)
    drawn = rng.random(len(people.age)) / factor
    return np.select([drawn < bound for bound in np.cumsum(ELSEWHERE_NOW)], [1, 2, 3], v.HERE)


def _vulnerable(people: People, rng: Rng) -> dict[str, Mask]:
    alone = np.bincount(people.household)[people.household] == 1
    family = people.kind[people.household] == v.FAMILY
    found = {
        "lives_alone_70": alone & family & (people.age >= 70),
        "infant": people.age == 0,
        "pregnant": _pregnant(people, rng),
    }
    for kind, rates in RATES.items():
        found[kind] = rng.random(len(people.age)) < _by_age(rates, people.age)
    return found


def _pregnant(people: People, rng: Rng) -> Mask:
    wives = (people.sex == v.FEMALE) & (people.marital == v.MARRIED) & (people.age >= 20)
    chance = _by_age({0: 0.0, **PREGNANCY_AGES}, people.age) * wives
    if not chance.any():
        return np.zeros(len(people.age), bool)
    expected = PREGNANT_PER_INFANT * (people.age == 0).sum()
    return rng.random(len(people.age)) < chance * (expected / chance.sum())


def _by_age(values: dict[int, float], age: NDArray[np.int64]) -> Floats:
    return np.array(list(values.values()))[np.searchsorted(list(values), age, side="right") - 1]
