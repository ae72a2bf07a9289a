"""Candidate households: plausible families of every shape, from which calibration picks how many of each a county has.

A draft is a block of households of one shape, held as arrays of households × eight seats; an empty seat has age -1.
The shapes and gaps below are assumptions about Chinese families, not census facts: they decide who lives with whom,
while the margins decide how often.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lianfang.core.people.synthetic import vocabulary as v

Ints = NDArray[np.int16]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Rng = np.random.Generator

SEATS = 8
OLDEST = 100
#: a mother's age at a birth, in years between integer ages; 19 keeps her eighteen or older to the day
YOUNGEST_MOTHER, OLDEST_MOTHER = 19, 44
#: years between brothers' and sisters' integer ages; two keep their birthdays a year apart or more
SIBLING_GAPS = (2, 7)
#: how many years older than his wife a husband is; no less, so that he too was grown when she bore their children
HUSBAND_GAPS = (-1, 15)
CHILD_SEATS, PARENT_SEATS = (2, 3, 4, 5), (6, 7)
#: boys among newborn per girl, 2020 census, rounded
BOYS = 0.53


@dataclass
class Draft:
    """Households × seats: integer ages (-1 empty), codes of ``vocabulary``, and who bears the household's surname."""

    size: int
    age: Ints = field(init=False)
    sex: Ints = field(init=False)
    marital: Ints = field(init=False)
    relation: Ints = field(init=False)
    lineage: Mask = field(init=False)

    def __post_init__(self) -> None:
        shape = (self.size, SEATS)
        self.age = np.full(shape, -1, np.int16)
        self.sex, self.marital, self.relation = (np.zeros(shape, np.int16) for _ in range(3))
        self.lineage = np.zeros(shape, bool)

    def seat(
        self,
        seat: int,
        relation: int,
        age: NDArray[np.signedinteger],
        sex: NDArray[np.signedinteger] | int,
        marital: NDArray[np.signedinteger] | int,
        *,
        where: Mask | bool = True,
        lineage: bool = True,
    ) -> Mask:
        """Seat one person in each household where ``where`` holds and the age is a living one; say where it did."""
        there = (age >= 0) & (age <= OLDEST) & where
        self.age[:, seat] = np.where(there, age, -1)
        self.sex[:, seat] = sex
        self.marital[:, seat] = marital
        self.relation[:, seat] = relation
        self.lineage[:, seat] = lineage
        return there


def joined(drafts: list[Draft]) -> Draft:
    """Return one draft holding the households of all."""
    whole = Draft(0)
    for name in ("age", "sex", "marital", "relation", "lineage"):
        setattr(whole, name, np.concatenate([getattr(draft, name) for draft in drafts]))
    whole.size = len(whole.age)
    return whole


def lone_status(rng: Rng, age: NDArray[np.signedinteger], sex: NDArray[np.signedinteger] | int) -> Ints:
    """Return the marital status of people who live without a spouse, by age and sex.

    The married among them have a spouse who lives elsewhere.
    """
    years = np.asarray(age, float)
    unmarried = np.clip(1.06 - (years - 20) / 20, 0.04, 1) * np.where(np.asarray(sex) == v.MALE, 1, 0.8)
    widowed = np.clip((years - 40) / 50, 0, 0.85) * (1 - unmarried)
    divorced = np.where(years >= 24, 0.35, 0) * (1 - unmarried - widowed)
    unmarried = np.where(years < 22, 1, unmarried)
    drawn = rng.random(len(years))
    bounds = np.cumsum([unmarried, divorced, widowed], axis=0)
    chosen = np.select([drawn < bound for bound in bounds], [v.UNMARRIED, v.DIVORCED, v.WIDOWED], v.MARRIED)
    return chosen.astype(np.int16)


def _between(rng: Rng, low: int, high: int, size: int) -> Ints:
    return rng.integers(low, high, size, dtype=np.int16, endpoint=True)


def _near(rng: Rng, mean: float, spread: float, low: int, high: int, size: int) -> Ints:
    return np.clip(np.rint(rng.normal(mean, spread, size)), low, high).astype(np.int16)


def _seat_couple(draft: Draft, rng: Rng, wife: Ints, *, where: Mask | bool = True) -> Ints:
    """Seat husband (head) and wife; return the husband's age."""
    husband = np.clip(wife + _near(rng, 2, 3, *HUSBAND_GAPS, draft.size), 22, OLDEST).astype(np.int16)
    draft.seat(0, v.HEAD, husband, v.MALE, v.MARRIED)
    draft.seat(1, v.SPOUSE, wife, v.FEMALE, v.MARRIED, where=where, lineage=False)
    return husband


def _seat_children(
    draft: Draft,
    rng: Rng,
    mother: Ints,
    *,
    relation: int = v.CHILD,
    seats: tuple[int, ...] = CHILD_SEATS,
    oldest: int = 60,
) -> None:
    """Seat one child or more of mothers of the given ages, the eldest first; each child is unmarried or alone again."""
    number = 1 + rng.choice(len(seats), draft.size, p=_number_of_children(len(seats)))
    age = mother - _between(rng, YOUNGEST_MOTHER, 36, draft.size)
    for place, seat in enumerate(seats):
        sex = (rng.random(draft.size) >= BOYS).astype(np.int16)
        fits = (number > place) & (mother - age <= OLDEST_MOTHER) & (age <= oldest)
        draft.seat(seat, relation, age, sex, lone_status(rng, age, sex), where=fits)
        age = age - _between(rng, *SIBLING_GAPS, draft.size)


def _number_of_children(most: int) -> Floats:
    shares = np.array([0.45, 0.37, 0.13, 0.05])[:most]
    return shares / shares.sum()


def _seat_parents(draft: Draft, rng: Rng, child: NDArray[np.signedinteger], *, where: Mask | bool = True) -> None:
    """Seat one or both parents of a head of the given age."""
    mother = child + _near(rng, 26, 5, YOUNGEST_MOTHER, OLDEST_MOTHER, draft.size)
    father = np.maximum(mother + _near(rng, 2, 3, -5, 15, draft.size), child + 20)
    drawn = rng.random(draft.size)
    both = (drawn < 0.5) & (mother <= OLDEST) & (father <= OLDEST)
    her = both | (drawn >= 0.64)
    alone = lone_status(rng, np.maximum(mother, 45), v.FEMALE)
    alone[alone == v.UNMARRIED] = v.WIDOWED
    status = np.where(both, v.MARRIED, alone).astype(np.int16)
    draft.seat(6, v.PARENT, father, v.MALE, status, where=where & (both | ~her))
    draft.seat(7, v.PARENT, mother, v.FEMALE, status, where=where & her, lineage=False)


def _living_alone(rng: Rng, size: int) -> Draft:
    draft = Draft(size)
    sex = _between(rng, 0, 1, size)
    age = _between(rng, 16, OLDEST, size)
    draft.seat(0, v.HEAD, age, sex, lone_status(rng, age, sex))
    return draft


def _couple(rng: Rng, size: int) -> Draft:
    draft = Draft(size)
    _seat_couple(draft, rng, _between(rng, 20, OLDEST - 2, size))
    return draft


def _sharing(rng: Rng, size: int) -> Draft:
    """Draft brothers and sisters, or flatmates, of working age."""
    draft = Draft(size)
    age, sex = _between(rng, 17, 50, size), _between(rng, 0, 1, size)
    kin = rng.random(size) < 0.4
    draft.seat(0, v.HEAD, age, sex, lone_status(rng, age, sex))
    number = _between(rng, 1, 3, size)
    for seat in (1, 2, 3):
        age, sex = age - _between(rng, *SIBLING_GAPS, size), _between(rng, 0, 1, size)
        old_enough = (number >= seat) & (age >= 16)
        draft.seat(seat, v.SIBLING, age, sex, lone_status(rng, age, sex), where=old_enough)
        draft.relation[:, seat] = np.where(kin, v.SIBLING, v.OTHER)
        draft.lineage[:, seat] = kin
    return draft


def _nuclear(rng: Rng, size: int) -> Draft:
    draft = Draft(size)
    mother = _between(rng, 20, 92, size)
    _seat_couple(draft, rng, mother)
    _seat_children(draft, rng, mother)
    return draft


def _one_parent(rng: Rng, size: int) -> Draft:
    draft = Draft(size)
    mother = _between(rng, 22, 95, size)
    _seat_children(draft, rng, mother)
    sex = (rng.random(size) < 0.6).astype(np.int16)
    age = np.where(sex == v.FEMALE, mother, mother + _near(rng, 2, 3, *HUSBAND_GAPS, size))
    status = lone_status(rng, np.maximum(age, 22), sex)
    status[status == v.UNMARRIED] = v.MARRIED
    draft.seat(0, v.HEAD, np.minimum(age, OLDEST), sex, status)
    # children bear the father's surname; a mother who heads the household bears her own
    draft.lineage[:, 0] = sex == v.MALE
    return draft


def _grandparents_and_grandchildren(rng: Rng, size: int) -> Draft:
    draft = Draft(size)
    grandmother = _between(rng, 40, 90, size)
    couple = rng.random(size) < 0.6
    _seat_couple(draft, rng, grandmother, where=couple)
    alone = np.where(rng.random(size) < 0.6, v.WIDOWED, v.MARRIED)
    draft.sex[:, 0] = np.where(couple, v.MALE, v.FEMALE)
    draft.age[:, 0] = np.where(couple, draft.age[:, 0], grandmother)
    draft.marital[:, 0] = np.where(couple, v.MARRIED, alone)
    draft.lineage[:, 0] = couple
    mother = grandmother - _near(rng, 26, 4, YOUNGEST_MOTHER, 40, size)
    _seat_children(draft, rng, mother, relation=v.GRANDCHILD, seats=(2, 3, 4), oldest=24)
    return draft


def _with_parents(rng: Rng, size: int) -> Draft:
    """Draft couples and grown single children who live with parents and have no child at home."""
    draft = Draft(size)
    wife = _between(rng, 20, 72, size)
    couple = rng.random(size) < 0.6
    husband = _seat_couple(draft, rng, wife, where=couple)
    draft.marital[:, 0] = np.where(couple, v.MARRIED, lone_status(rng, husband, v.MALE))
    _seat_parents(draft, rng, np.maximum(husband, np.where(couple, wife, 0)))
    return draft


def _three_generations(rng: Rng, size: int) -> Draft:
    draft = Draft(size)
    mother = _between(rng, 20, 70, size)
    husband = _seat_couple(draft, rng, mother, where=rng.random(size) < 0.85)
    _seat_children(draft, rng, mother)
    _seat_parents(draft, rng, husband)
    return draft


def _four_generations(rng: Rng, size: int) -> Draft:
    """Draft a head with wife, a parent or two, a married son or his wife alone, and their children."""
    draft = Draft(size)
    wife = _between(rng, 40, 75, size)
    husband = _seat_couple(draft, rng, wife, where=rng.random(size) < 0.9)
    son = wife - _near(rng, 23, 3, YOUNGEST_MOTHER, 32, size)
    married = son >= 22
    bride = np.maximum(son - _near(rng, 1, 2, -3, 5, size), 20)
    draft.seat(2, v.CHILD, son, v.MALE, np.where(married, v.MARRIED, v.UNMARRIED))
    draft.seat(3, v.CHILD_IN_LAW, bride, v.FEMALE, v.MARRIED, where=married, lineage=False)
    childless = np.where(married, bride, -1).astype(np.int16)
    _seat_children(draft, rng, childless, relation=v.GRANDCHILD, seats=(4, 5), oldest=30)
    _seat_parents(draft, rng, husband)
    return draft


#: shapes and the share of candidates each gets; calibration moves them to the county's own
SHAPES = (
    (_living_alone, 0.17),
    (_couple, 0.11),
    (_sharing, 0.05),
    (_nuclear, 0.26),
    (_one_parent, 0.11),
    (_grandparents_and_grandchildren, 0.05),
    (_with_parents, 0.08),
    (_three_generations, 0.14),
    (_four_generations, 0.03),
)


def draft_candidates(rng: Rng, number: int) -> tuple[Draft, Floats]:
    """Return about ``number`` candidate households and the weight of each before calibration (adding up to 1)."""
    draft = joined([shape(rng, max(20, int(number * share))) for shape, share in SHAPES])
    _clear_empty_seats(draft)
    old = np.clip(draft.age - 85, 0, None)
    grown_child = np.where(draft.relation == v.CHILD, np.clip(draft.age - 24, 0, None), 0)
    # the last census group is open, and few grown children stay: both thin out year by year
    fading = -0.17 * old.sum(1) - 0.05 * np.where(draft.age >= 0, grown_child, 0).sum(1)
    prior = np.exp(fading)
    return draft, prior / prior.sum()


def _clear_empty_seats(draft: Draft) -> None:
    """Give an empty seat no codes, so that columns hold people and nothing else."""
    empty = draft.age < 0
    for column in (draft.sex, draft.marital, draft.relation):
        column[empty] = 0
    draft.lineage[empty] = False
