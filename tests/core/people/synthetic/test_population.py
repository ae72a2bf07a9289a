"""A synthetic county: true to its census, plausible at home, repeatable, and belonging to nobody."""

import time
from collections import Counter
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianfang.core.people import identity
from lianfang.core.people.synthetic import (
    UnusableVillages,
    Village,
    ages_on,
    as_columns,
    census_margins,
    generate_county,
    measure_margins,
    village_named,
)
from lianfang.core.people.synthetic import vocabulary as v

DAY = date(2022, 7, 13)
DINGAN = census_margins(469021)
#: how far each margin may be off: absolute, or of the target itself
ABSOLUTE = {"population": 0, "males per 100 females": 0.5, "one-person households": 0.01}
ABSOLUTE |= {"urban": 0.001, "minority": 0.0001, "women 15-49": 0.005, "in family households": 0.005}


def made_villages(towns=20, villages=110, county=469021):
    names = [(f"{number:03d}", f"第{number}社区居委会") for number in range(1, towns + 1)]
    names += [(f"{number:03d}", f"第{number}村委会") for number in range(200, 200 + villages)]
    return [village_named(f"{county}100{code}", name) for code, name in names]


def allowed(fit):
    if fit.margin.startswith("age "):
        return max(0.0005, 0.01 * fit.target)
    if fit.margin == "household size":
        return 0.01 * fit.target
    if fit.margin.startswith("registered"):
        return 0.0001
    return ABSOLUTE.get(fit.margin, 0.02 if fit.margin.startswith(("generations", "households")) else 0.01)


@pytest.fixture(scope="module")
def dingan():
    return generate_county(DINGAN, made_villages(), seed=2022, reference_date=DAY)


@pytest.fixture(scope="module")
def by_household(dingan):
    residents = dingan.residents
    columns = zip(
        residents.household.tolist(), residents.relation.tolist(), ages_on(dingan).tolist(),
        residents.sex.tolist(), residents.marital.tolist(), residents.name.tolist(), strict=True,
    )  # fmt: skip
    homes = {}
    for household, *person in columns:
        homes.setdefault(household, []).append(person)
    return homes


def test_dingan_meets_every_margin_of_its_census(dingan):
    assert len(dingan.residents.id) == 284_690
    fits = measure_margins(dingan)
    assert [fit for fit in fits if abs(fit.got - fit.target) > allowed(fit)] == []
    assert len(fits) == 46


@pytest.mark.parametrize("code", [451030, 620105, 620881, 350681])
def test_the_other_counties_meet_theirs(code):
    margins = replace(census_margins(code), population=60_000)
    villages = made_villages(county=code)
    fits = measure_margins(generate_county(margins, villages, seed=1, reference_date=DAY))
    off = {fit.margin: (fit.target, fit.got) for fit in fits if abs(fit.got - fit.target) > allowed(fit)}
    assert off == {}


def test_a_margin_is_measured_from_the_columns(dingan):
    girls = replace(dingan.residents, sex=np.full(len(dingan.residents.sex), "female"))
    fits = {fit.margin: fit.got for fit in measure_margins(replace(dingan, residents=girls))}
    assert fits["males per 100 females"] == 0
    assert fits["unmarried male 15+"] == 0


def test_a_county_takes_seconds():
    begun = time.process_time()
    generate_county(DINGAN, made_villages(), seed=5, reference_date=DAY)
    assert time.process_time() - begun < 6


def test_columns_fit_together(dingan):
    homes, residents = dingan.households, dingan.residents
    assert (np.bincount(residents.household) == homes.size).all()
    assert (homes.id[residents.household] == residents.household_id).all()
    assert (homes.village_code[residents.household] == residents.village_code).all()
    for column in (homes.id, residents.id, residents.national_id):
        assert len(set(column.tolist())) == len(column)
    assert len(set(zip(homes.village_code.tolist(), homes.number.tolist(), strict=True))) == len(homes.id)
    doors = zip(homes.village_code.tolist(), homes.address.tolist(), strict=True)
    assert len(set(doors)) == len(homes.id)
    lengths = {len(values) for values in as_columns(residents).values()}
    assert lengths == {284_690}
    assert set(v.VULNERABLE) == set(residents.vulnerable)


def test_communities_are_larger_than_villages(dingan):
    urban = {village.code * 1000 for village in dingan.villages if village.urban}
    people = Counter(dingan.residents.village_code.tolist())
    mean = {side: np.mean([n for code, n in people.items() if (code in urban) == side]) for side in (True, False)}
    assert len(people) == len(dingan.villages)
    assert mean[True] > 2 * mean[False]


def test_every_family_has_one_head_and_at_most_one_spouse(by_household, dingan):
    family = dingan.households.kind == "family"
    for household, people in by_household.items():
        relations = Counter(person[0] for person in people)
        if family[household]:
            assert relations["head"] == 1 and relations["spouse"] <= 1 and relations["parent"] <= 2
        else:
            assert set(relations) == {"member"}


def test_families_are_plausible(by_household):
    for people in by_household.values():
        kin = {person[0]: person for person in people}
        if "head" not in kin:
            continue
        head = kin["head"]
        eldest = max(head[1], kin.get("spouse", head)[1])
        assert head[1] >= 16
        for relation, age, _, _, _ in people:
            assert relation != "child" or eldest - age >= 18, people
            assert relation != "grandchild" or eldest - age >= 34, people
            assert relation != "parent" or age - head[1] >= 18, people
        if "spouse" in kin:
            assert head[3] == kin["spouse"][3] == "married"
            assert {head[2], kin["spouse"][2]} == {"male", "female"}
            assert abs(head[1] - kin["spouse"][1]) <= 20


def test_nobody_at_home_shares_a_name_and_children_bear_the_familys(by_household):
    for people in by_household.values():
        assert len({person[4] for person in people}) == len(people)
        kin = {person[0]: person for person in people}
        if "head" in kin and "child" in kin and kin["head"][2] == "male":
            assert identity.split_name(kin["child"][4])[0] == identity.split_name(kin["head"][4])[0]


def test_the_young_are_unmarried(dingan):
    young = ages_on(dingan) < 20
    assert set(dingan.residents.marital[young].tolist()) == {"unmarried"}


def test_numbers_belong_to_nobody(dingan):
    numbers = dingan.residents.national_id.tolist()
    assert not any(identity.check_character(number[:17]) == number[17] for number in numbers)
    assert {len(number) for number in numbers} == {18}
    phones = [phone for phone in dingan.residents.phone.tolist() if phone]
    assert {phone[:3] for phone in phones} == {"154"} and {len(phone) for phone in phones} == {11}
    assert len(set(phones)) == len(phones) > 200_000


def test_numbers_tell_birth_and_sex(dingan):
    residents = dingan.residents
    for number, born, sex in zip(
        residents.national_id.tolist()[:5000], residents.birth_date.tolist(), residents.sex.tolist(), strict=False
    ):
        assert identity.born_on(number) == born
        assert identity.sex_of(number) == sex


def test_vulnerable_people_are_who_they_are_called(dingan):
    age, residents = ages_on(dingan), dingan.residents
    flags = residents.vulnerable
    alone = dingan.households.size[residents.household] == 1
    family = dingan.households.kind[residents.household] == "family"
    assert (flags["lives_alone_70"] == (alone & family & (age >= 70))).all()
    assert (flags["infant"] == (age == 0)).all()
    assert set(residents.sex[flags["pregnant"]].tolist()) == {"female"}
    assert flags["pregnant"].sum() == pytest.approx(0.75 * flags["infant"].sum(), rel=0.1)
    assert set(residents.present[flags["bedridden"] | flags["dialysis"]].tolist()) == {"here"}
    assert all(flag.sum() > 50 for flag in flags.values())


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    margins, villages = replace(DINGAN, population=3000), made_villages(3, 9)
    first, again, other = (generate_county(margins, villages, seed=s, reference_date=DAY).digest() for s in (1, 1, 2))
    assert first == again
    assert first != other


@settings(max_examples=12, deadline=None)
@given(
    population=st.integers(1, 4000),
    towns=st.integers(0, 4),
    villages=st.integers(0, 6),
    seed=st.integers(0, 2**32),
    day=st.dates(date(2000, 1, 1), date(2030, 12, 31)) | st.just(date(2024, 2, 29)),
)
def test_small_places_are_whole(population, towns, villages, seed, day):
    margins = replace(DINGAN, population=population)
    made = made_villages(towns, max(villages, 0 if towns else 1))
    county = generate_county(margins, made, seed=seed, reference_date=day)
    residents, age = county.residents, ages_on(county)
    assert len(residents.id) == population
    assert age.min() >= 0 and age.max() <= 100
    assert (residents.birth_date <= np.datetime64(day)).all()
    assert (np.bincount(residents.household, minlength=len(county.households.id)) == county.households.size).all()
    assert len(set(residents.national_id.tolist())) == population
    assert set(residents.village_code.tolist()) <= {village.code * 1000 for village in made}


@pytest.mark.parametrize(
    ("villages", "word"),
    [
        ([], "has none"),
        ([Village(469021100001, "甲", True), Village(469022100001, "乙", True)], "469021, 469022"),
        ([Village(469021100001, "甲", True)] * 2, "469021100001 stands in the list twice"),
    ],
)
def test_a_list_of_villages_that_is_no_county_is_refused(villages, word):
    with pytest.raises(UnusableVillages, match=word):
        generate_county(DINGAN, villages, seed=1, reference_date=DAY)


@pytest.mark.parametrize(("code", "weight", "word"), [(469021, 1, "12-digit"), (469021100001, 0, "above 0")])
def test_a_village_that_cannot_be_is_refused(code, weight, word):
    with pytest.raises(UnusableVillages, match=word):
        Village(code, "甲", True, weight)
