"""Ids, names, birth dates, resident ID numbers and phones of people who do not exist.

A resident ID number here belongs to nobody twice over: its check character is wrong, and its sequence number is taken
from the top, where births are never numbered. A phone begins with 154, which the Ministry of Industry and Information
Technology has allotted to no operator (its table of mobile network numbers as of the end of March 2023), so that it
passes for a mobile number in every form and rings nowhere.
"""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from lianfang.core.people.identity import CHECK_CHARACTERS, CHECK_WEIGHTS
from lianfang.core.people.synthetic import vocabulary as v
from lianfang.core.people.synthetic.calibration import Floats
from lianfang.core.people.synthetic.households import People
from lianfang.core.people.synthetic.settlement import rank_within

Rng = np.random.Generator
Integers = NDArray[np.int64]
Texts = NDArray[np.str_]
Dates = NDArray[np.datetime64]

NAMES = Path(__file__).with_name("names.yaml")
PHONE_PREFIX = 154
#: odd and not a multiple of five, so that multiples visit every eight-digit number once
PHONE_STRIDE = 61_803_399
#: how far the check character is moved from the right one, of eleven
CHECK_SHIFT = 5
#: births per area, day and sex that three digits can number
MOST_A_DAY = 500
#: share of rural families who bear one of their village's main surnames, and how many there are (assumption)
VILLAGE_SURNAMES, MAIN_SURNAMES = 0.45, 3
#: chance of a given name of one character, by cohort (assumption)
SINGLE = (0.12, 0.3, 0.12)
#: first years of the cohorts of ``names.yaml``
COHORTS = (1965, 1995)
#: first two digits of division codes of the mainland's provinces
PROVINCES = (
    *(11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37),
    *(41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63, 64, 65),
)


class TooManyBirths(ValueError):
    """More births fell on one day than resident ID numbers can tell apart."""


def made_ids(rng: Rng, number: int) -> Texts:
    """Return ids in text form, UUIDv8 (RFC 9562) of the generator's own bytes, so that a seed repeats them."""
    raw = np.frombuffer(rng.bytes(16 * number), np.uint8).reshape(number, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x80
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    nibbles = np.stack([digits[raw >> 4], digits[raw & 15]], axis=2).reshape(number, 32)
    text = np.full((number, 36), ord("-"), np.uint8)
    text[:, [at for at in range(36) if at not in (8, 13, 18, 23)]] = nibbles
    return text.view("S36").reshape(number).astype("U36")


def birth_dates(age: Integers, reference: date, rng: Rng) -> Dates:
    """Return a birth date for each integer age held on the reference date."""
    # on 29 February the birthdays of common years are counted from the 28th
    day = min(reference.day, 28) if reference.month == 2 else reference.day
    month = np.datetime64(f"{reference:%Y-%m}", "M") - 12 * age.astype("timedelta64[Y]").astype(np.int64)
    anniversary = month.astype("datetime64[D]") + np.timedelta64(day - 1, "D")
    return anniversary - rng.integers(0, 365, len(age)).astype("timedelta64[D]")


@cache
def _name_parts() -> dict[str, Any]:
    return yaml.safe_load(NAMES.read_text("utf-8"))


def _surnames(county: int) -> tuple[Texts, Floats]:
    lists = _name_parts()["surnames"]
    chosen = lists.get(str(county // 10**4), lists["default"])
    weight = np.array(list(chosen.values()), float)
    return np.array(list(chosen)), weight / weight.sum()


def made_names(
    county: int, people: People, birth_year: Integers, village: Integers, urban: NDArray[np.bool_], rng: Rng
) -> Texts:
    """Return a name for each person: the household's surname in its line, one's own elsewhere; no two alike at home."""
    surname = _made_surnames(county, people, village, urban, rng)
    cohort = np.searchsorted(COHORTS, birth_year, side="right")
    names = np.empty(len(surname), "U5")
    todo = np.arange(len(surname))
    while len(todo):
        names[todo] = np.char.add(surname[todo], _given(cohort[todo], people.sex[todo], rng))
        todo = _repeated(people.household, names)
    return names


def _made_surnames(county: int, people: People, village: Integers, urban: NDArray[np.bool_], rng: Rng) -> Texts:
    surnames, share = _surnames(county)
    main = rng.choice(len(surnames), (int(village.max()) + 1, MAIN_SURNAMES), p=share)
    of_household = rng.choice(len(surnames), len(village), p=share)
    rooted = ~urban & (rng.random(len(village)) < VILLAGE_SURNAMES)
    of_village = main[village, rng.integers(0, MAIN_SURNAMES, len(village))]
    of_household = np.where(rooted, of_village, of_household)
    own = rng.choice(len(surnames), len(people.age), p=share)
    return surnames[np.where(people.lineage, of_household[people.household], own)]


def _given(cohort: Integers, sex: Integers, rng: Rng) -> Texts:
    names = np.empty(len(cohort), "U2")
    for number, lists in enumerate(_name_parts()["given"].values()):
        for code, label in enumerate(v.SEXES):
            here = np.flatnonzero((cohort == number) & (sex == code))
            characters = np.array(list(lists[label]))
            first, second = characters[rng.integers(0, len(characters), (2, len(here)))]
            single = rng.random(len(here)) < SINGLE[number]
            names[here] = np.where(single, first, np.char.add(first, second))
    return names


def _repeated(household: Integers, names: Texts) -> Integers:
    """Return who bears a name that somebody before them in the same household bears."""
    order = np.lexsort((names, household))
    same = (np.diff(household[order]) == 0) & (names[order][1:] == names[order][:-1])
    return order[1:][same]


def registration_areas(county: int, registered: Integers, rng: Rng) -> Integers:
    """Return six-digit areas for ID numbers: this county's, or a whole province's, which itself issues none."""
    province = county // 10**4
    others = np.array([code for code in PROVINCES if code != province])
    drawn = others[rng.integers(0, len(others), len(registered))]
    area = np.full(len(registered), county)
    area = np.where(registered == v.PROVINCE, province * 10**4, area)
    return np.where(registered == v.ELSEWHERE, drawn * 10**4, area)


def made_resident_ids(area: Integers, born: Dates, sex: Integers) -> Texts:
    """Return an 18-character resident ID number for each person, all different, each with a wrong check character."""
    day = born.astype("datetime64[D]").astype(object)
    stamp = np.array([moment.year * 10000 + moment.month * 100 + moment.day for moment in day], np.int64)
    key = (area * 10**8 + stamp) * 2 + sex
    order = np.argsort(key, kind="stable")
    rank = np.empty(len(key), np.int64)
    rank[order] = rank_within(key[order])
    if len(rank) and rank.max() >= MOST_A_DAY:
        raise TooManyBirths(
            f"{rank.max() + 1} people of one sex born on one day in one area; an ID number tells {MOST_A_DAY} apart. "
            "Generate the county in parts."
        )
    body = (area * 10**8 + stamp) * 1000 + 999 - 2 * rank - (sex == v.FEMALE)
    return np.char.add(body.astype("U17"), _wrong_check(body))


def _wrong_check(body: Integers) -> Texts:
    total = np.zeros(len(body), np.int64)
    for place, weight in enumerate(reversed(CHECK_WEIGHTS)):
        total += body // 10**place % 10 * weight
    return np.array(list(CHECK_CHARACTERS))[(total + CHECK_SHIFT) % 11]


def made_phones(age: Integers, rng: Rng) -> Texts:
    """Return an 11-digit phone for each person, all different; empty for small children and some others."""
    if len(age) > 10**8:
        raise ValueError(f"{len(age)} people need phones, and prefix {PHONE_PREFIX} has 100,000,000 numbers.")
    number = (int(rng.integers(0, 10**8)) + np.arange(len(age)) * PHONE_STRIDE) % 10**8
    phones = (PHONE_PREFIX * 10**8 + number).astype("U11")
    without = np.select([age < 12, age < 16, age >= 80], [1.0, 0.5, 0.4], 0.01)
    phones[rng.random(len(age)) < without] = ""
    return phones
