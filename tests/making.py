"""Synthetic households and residents for tests: a few at a time, plainly made up."""

import os
import uuid
from itertools import count

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.people.models import Household, Resident
from lianfang.kit.codes import county_of

_numbers = count(1)


def make_household(*, by: Actor, grid: int) -> Household:
    """One more household in a grid (15-digit code)."""
    with acting(by):
        return Household.objects.create(county=county_of(grid), number=next(_numbers), division_code=grid)


def make_resident(*, by: Actor, grid: int, household: uuid.UUID | None = None, **fields: object) -> Resident:
    """One more resident living in a grid, present there unless told otherwise."""
    number = next(_numbers)
    made: dict[str, object] = {
        "county": county_of(grid), "household": household, "name": f"测试{number}", "name_key": f"ceshi{number}",
        "sex": "female" if number % 2 else "male", "birth_date": "1980-01-01", "division_code": grid,
        "registered_code": grid // 1000 * 1000, "present_code": grid, "id_cipher": os.urandom(46),
        "id_lookup": os.urandom(32),
    }  # fmt: skip
    with acting(by):
        return Resident.objects.create(**made | fields)
