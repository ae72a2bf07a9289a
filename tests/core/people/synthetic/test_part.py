"""A part of a county is the same people as in the whole, households undivided."""

from datetime import date

import numpy as np
import pytest

from lianfang.core.people.synthetic import census_margins, generate_county, part_of, village_named
from lianfang.kit.codes import full_code

VILLAGES = [village_named(469021101201 + number, f"测试{number}村委会") for number in range(40)]
CHOSEN = [full_code(VILLAGES[3].code), full_code(VILLAGES[17].code)]


@pytest.fixture(scope="module")
def whole():
    return generate_county(census_margins(469021), VILLAGES, seed=5, reference_date=date(2022, 7, 1))


def test_a_part_holds_everybody_of_its_villages_and_nobody_else(whole):
    part = part_of(whole, CHOSEN)
    wanted = np.isin(whole.residents.village_code, CHOSEN)
    assert set(part.residents.id) == set(whole.residents.id[wanted]) and len(part.residents.id) == wanted.sum()
    assert set(part.households.village_code) == set(CHOSEN)


@pytest.mark.parametrize("share", [1.0, 0.3, 0.02])
def test_everybody_stays_in_their_household(whole, share):
    part = part_of(whole, CHOSEN, share)
    assert (part.households.id[part.residents.household] == part.residents.household_id).all()
    assert (np.bincount(part.residents.household, minlength=len(part.households.id)) == part.households.size).all()
    assert len(part.households.id) == pytest.approx(share * len(part_of(whole, CHOSEN).households.id), abs=2)
    assert all(len(flags) == len(part.residents.id) for flags in part.residents.vulnerable.values())


def test_a_share_above_one_is_refused(whole):
    with pytest.raises(ValueError, match="share"):
        part_of(whole, CHOSEN, 1.5)
