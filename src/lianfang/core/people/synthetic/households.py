"""Who lives with whom: family households drawn to the margins, then everybody else in collective ones."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from lianfang.core.people.synthetic import vocabulary as v
from lianfang.core.people.synthetic.calibration import (
    Floats,
    balanced_weights,
    whole_counts,
    whole_shares,
)
from lianfang.core.people.synthetic.candidates import BOYS, OLDEST, Draft, Rng, draft_candidates
from lianfang.core.people.synthetic.margins import AGE_STARTS, Margins

#: enough candidates for a smooth spread of ages; more cost time and no margin gets closer
MOST_CANDIDATES, FEWEST_CANDIDATES = 30_000, 4_000
#: how much likelier than average somebody of each census age group lives in a collective household (assumption:
#: pupils and students, then workers, then old people in homes)
COLLECTIVE_PULL = (0.03, 0.03, 0.1, 1, 5, 5, 2.5, 1.5, 1.2, 1.2, 1.2, 1.2, 0.9, 0.8, 0.6, 0.7, 1, 1.2, 1.2)
#: no age group lives in collective households alone
MOST_COLLECTIVE = 0.85
#: people to a room, by kind (assumption)
ROOM = {v.SCHOOL_DORMITORY: 6, v.WORKS_DORMITORY: 4, v.WELFARE_HOME: 3}
#: the last age group is open: within it each year of age is this much rarer than the year before
FADING = 0.85
#: nobody younger is married
YOUNGEST_SPOUSE = 20
#: first ages of the bands in which the number of males is set; the census knows 15-49, whose two halves are taken alike
BANDS = (0, 15, 30, 50)
#: the census age groups in which the bands begin
BAND_GROUPS = (0, 4, 7, 11)


@dataclass(frozen=True)
class People:
    """One entry per person, sorted by household; codes of ``vocabulary``; ``household`` counts from 0."""

    household: NDArray[np.int64]
    age: NDArray[np.int64]
    sex: NDArray[np.int64]
    marital: NDArray[np.int64]
    relation: NDArray[np.int64]
    lineage: NDArray[np.bool_]
    #: kind of each household
    kind: NDArray[np.int64]


@dataclass(frozen=True)
class Target:
    """Whole numbers that the county must reach: people by age group, and males by band."""

    ages: NDArray[np.int64]
    collective: NDArray[np.int64]
    males: NDArray[np.int64]


def age_group(age: NDArray[np.signedinteger]) -> NDArray[np.int64]:
    """Return the census age group (0-18) of integer ages; -1 for an empty seat."""
    return np.searchsorted(np.array(AGE_STARTS), age, side="right") - 1


def house_people(margins: Margins, rng: Rng) -> People:
    """Return the county's people in households, meeting its margins of age, sex, household and marriage."""
    target = _target(margins)
    number = min(max(margins.population, FEWEST_CANDIDATES), MOST_CANDIDATES)
    draft, prior = draft_candidates(rng, number)
    families = max(1, round(int(margins.population - target.collective.sum()) / margins.household_size))
    weights = balanced_weights(_features(draft), _wanted(margins, target, families), prior)
    counts = whole_counts(weights, families, _shape_order(draft), float(rng.random()))
    rows = np.repeat(np.arange(draft.size), counts)
    rows = _within(rows, (draft.age >= 0).sum(1), margins.population)
    family = _family_people(draft, rng.permutation(rows))
    return _with_collective(family, _collective_people(margins, target, family, rng))


def _target(margins: Margins) -> Target:
    ages = whole_shares(np.array(margins.ages), margins.population)
    outside = margins.population - round(margins.population * margins.household_share)
    collective = _collective_ages(ages, outside)
    male_share = margins.sex_ratio / (100 + margins.sex_ratio)
    children, young, middle, old = np.add.reduceat(ages, BAND_GROUPS).tolist()
    men = round(max(young + middle - margins.women_15_49 * margins.population, 0))
    boys, young_men = round(children * BOYS), round(men * young / max(young + middle, 1))
    older = min(max(round(margins.population * male_share) - boys - men, 0), old)
    return Target(ages, collective, np.array([boys, young_men, men - young_men, older]))


def _collective_ages(ages: NDArray[np.int64], outside: int) -> NDArray[np.int64]:
    """Share the people outside families over the age groups, none beyond ``MOST_COLLECTIVE`` of its own."""
    most = np.floor(ages * MOST_COLLECTIVE)
    outside = min(outside, int(most.sum()))
    pull = ages * np.array(COLLECTIVE_PULL)
    shares = np.zeros(len(ages))
    for _ in range(len(ages)):
        open_groups = shares < most
        left = outside - shares.sum()
        if left < 0.5 or not (pull * open_groups).any():
            break
        shares = np.minimum(shares + left * pull * open_groups / (pull * open_groups).sum(), most)
    return np.minimum(whole_shares(shares, outside), ages) if outside else np.zeros(len(ages), np.int64)


def _features(draft: Draft) -> Floats:
    """Return candidate households × calibrated margins, in the order of ``_wanted``."""
    group = age_group(draft.age)
    people, male, old = draft.age >= 0, draft.sex == v.MALE, (draft.age >= 65).sum(1)
    grown = draft.age >= 15
    columns = [(group == number).sum(1) for number in range(len(AGE_STARTS))]
    columns += [(people & male & _in_band(draft.age, band)).sum(1) for band in range(len(BANDS))]
    for sex in (v.MALE, v.FEMALE):
        single_sex = grown & (draft.sex == sex)
        columns += [(single_sex & (draft.marital == status)).sum(1) for status in (0, 1, 2)]
    columns.append(people.sum(1) == 1)
    generations = generation_count(draft.relation, people)
    columns += [generations == 1, generations == 2, generations == 3, generations >= 4]
    columns += [old == 1, old == 2, old >= 3]
    return np.stack(columns, axis=1).astype(float)


def _wanted(margins: Margins, target: Target, families: int) -> Floats:
    """Return the mean per family household of each column of ``_features``."""
    in_families = target.ages - target.collective
    kept = np.add.reduceat(in_families, BAND_GROUPS) / np.maximum(np.add.reduceat(target.ages, BAND_GROUPS), 1)
    males = target.males * kept
    men, women = males[1:].sum(), in_families[4:].sum() - males[1:].sum()
    married = [
        number * share
        for number, shares in ((men, margins.marital_men), (women, margins.marital_women))
        for share in _family_marital(margins, target, number, shares)
    ]
    people = np.concatenate([in_families, males, married]) / families
    return np.concatenate([people, [margins.one_person], margins.generations, margins.elderly_households])


def _family_marital(
    margins: Margins, target: Target, number: float, shares: tuple[float, ...]
) -> tuple[float, float, float]:
    """Return unmarried, married and divorced shares in families, given that dormitories hold many of the unmarried."""
    young = target.collective[4:6].sum() / max(target.collective[4:].sum(), 1)
    outside = target.collective[4:].sum() / max(target.ages[4:].sum(), 1)
    apart = np.array([young + (1 - young) * 0.35, (1 - young) * 0.5, (1 - young) * 0.05])
    inside = (np.array(shares[:3]) - outside * apart) / (1 - outside)
    return tuple(np.clip(inside, 0.001, 0.98))


def _in_band(age: NDArray[np.signedinteger], band: int) -> NDArray[np.bool_]:
    end = (*BANDS[1:], OLDEST + 1)[band]
    return (age >= BANDS[band]) & (age < end)


def generation_count(relation: NDArray[np.signedinteger], there: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many generations live in each household (households × seats of relations to the head)."""
    level = np.array(v.GENERATION_ABOVE)[relation]
    found = [(there & (level == step)).any(1) for step in sorted(set(v.GENERATION_ABOVE))]
    return np.sum(found, axis=0)


def _shape_order(draft: Draft) -> NDArray[np.intp]:
    size = (draft.age >= 0).sum(1)
    return np.lexsort((draft.age[:, 0], size, draft.age.max(1) >= 65))


def _within(rows: NDArray[np.intp], sizes: NDArray[np.int64], population: int) -> NDArray[np.intp]:
    """Leave out as many households as it takes to stay within the population (rounding, in small places only)."""
    surplus = int(sizes[rows].sum()) - population
    while surplus > 0:
        chosen = int(np.abs(sizes[rows] - surplus).argmin())
        surplus -= int(sizes[rows[chosen]])
        rows = np.delete(rows, chosen)
    return rows


def _family_people(draft: Draft, rows: NDArray[np.intp]) -> People:
    there = draft.age[rows] >= 0
    household, seat = np.nonzero(there)
    row = rows[household]
    age, sex, marital, relation = (
        column[row, seat].astype(np.int64) for column in (draft.age, draft.sex, draft.marital, draft.relation)
    )
    kind = np.full(len(rows), v.FAMILY)
    return People(household, age, sex, marital, relation, draft.lineage[row, seat], kind)


def _collective_people(margins: Margins, target: Target, family: People, rng: Rng) -> People:
    """Return the rest of the county: exactly who is still missing in each age group and band of males."""
    missing = target.ages - np.bincount(age_group(family.age), minlength=len(AGE_STARTS))
    number = margins.population - len(family.age)
    missing = np.clip(missing, 0, None)
    if missing.sum() != number:
        missing = whole_shares(missing if missing.any() else target.ages, number)
    age = _ages_within(np.repeat(np.arange(len(AGE_STARTS)), missing), rng)
    sex = np.full(number, v.FEMALE)
    for band in range(len(BANDS)):
        here = rng.permutation(np.flatnonzero(_in_band(age, band)))
        present = (_in_band(family.age, band) & (family.sex == v.MALE)).sum()
        sex[here[: np.clip(target.males[band] - present, 0, len(here))]] = v.MALE
    return _roomed(age, sex, _missing_marital(margins, family, age, sex), rng)


def _missing_marital(
    margins: Margins, family: People, age: NDArray[np.int64], sex: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return who outside families is unmarried (the youngest), widowed (the oldest), divorced, or married elsewhere."""
    marital = np.full(len(age), v.UNMARRIED)
    for code, shares in ((v.MALE, margins.marital_men), (v.FEMALE, margins.marital_women)):
        here = np.flatnonzero((age >= 15) & (sex == code))
        here = here[np.argsort(age[here], kind="stable")]
        inside = np.bincount(family.marital[(family.age >= 15) & (family.sex == code)], minlength=4)
        wanted = whole_shares(np.array(shares), int(inside.sum()) + len(here)) - inside
        unmarried = max(int(wanted[v.UNMARRIED]), int((age[here] < YOUNGEST_SPOUSE).sum()))
        grown = here[unmarried:]
        widowed = int(np.clip(wanted[v.WIDOWED], 0, len(grown)))
        divorced = int(np.clip(wanted[v.DIVORCED], 0, len(grown) - widowed))
        marital[grown] = v.MARRIED
        marital[grown[len(grown) - widowed :]] = v.WIDOWED
        marital[grown[len(grown) - widowed - divorced : len(grown) - widowed]] = v.DIVORCED
    return marital


def _ages_within(group: NDArray[np.int64], rng: Rng) -> NDArray[np.int64]:
    """Draw an integer age inside each census group."""
    starts = np.array(AGE_STARTS)
    width = np.diff([*AGE_STARTS, OLDEST + 1])
    age = starts[group] + np.floor(rng.random(len(group)) * width[group]).astype(np.int64)
    last = group == len(AGE_STARTS) - 1
    beyond = np.floor(np.log(1 - rng.random(last.sum())) / np.log(FADING)).astype(np.int64)
    age[last] = np.minimum(starts[-1] + beyond, OLDEST)
    return age


def _roomed(age: NDArray[np.int64], sex: NDArray[np.int64], marital: NDArray[np.int64], rng: Rng) -> People:
    """Put people of one kind, sex and stage of life into rooms together."""
    pupil = (age >= 6) & (age < 20) | (age >= 20) & (age < 25) & (rng.random(len(age)) < 0.5)
    worker = (age >= 20) & (age < 65)
    kind = np.select([pupil, worker], [v.SCHOOL_DORMITORY, v.WORKS_DORMITORY], v.WELFARE_HOME)
    party = kind * 16 + sex * 8 + np.digitize(age, (6, 12, 15, 18))
    order = np.lexsort((rng.random(len(age)), party))
    party, beds = party[order], np.array([0, *ROOM.values()])[kind[order]]
    begins = np.flatnonzero(np.diff(party, prepend=-1))
    place = np.arange(len(party)) - np.repeat(begins, np.diff([*begins, len(party)]))
    household = np.cumsum(place % np.maximum(beds, 1) == 0) - 1
    first = np.flatnonzero(np.diff(household, prepend=-1))
    member = np.full(len(age), v.MEMBER)
    alone = np.zeros(len(age), bool)
    return People(household, age[order], sex[order], marital[order], member, alone, kind[order][first])


def _with_collective(family: People, collective: People) -> People:
    """Append collective households after the family ones."""
    shifted = replace(collective, household=collective.household + len(family.kind))
    columns = {
        column.name: np.concatenate([getattr(family, column.name), getattr(shifted, column.name)])
        for column in fields(People)
    }
    return People(**columns)
