"""Synthetic households and residents for tests: a few at a time, plainly made up."""

import os
import uuid
from datetime import timedelta
from itertools import count

from conftest import make_actor
from lianfang.core.access.actions import ADMINISTRATION, create_account, give_grant
from lianfang.core.access.models import Account
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.people.models import Household, Resident
from lianfang.kit.clock import machine_now
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


def appointed(by: Actor | None = None, **fields: str) -> uuid.UUID:
    """The account of an actor (of a township officer of the county unless told otherwise) who truly holds that post."""
    actor = by or make_actor(**{"role": "township", "line": "community"} | fields)
    if not Account.objects.filter(id=actor.account_id).exists():
        create_account(
            by=ADMINISTRATION, username=f"{actor.role}-{actor.account_id}", title=actor.role, id=actor.account_id
        )
        give_grant(
            by=ADMINISTRATION, account=actor.account_id, id=actor.grant_id, role=actor.role, line=actor.line,
            scope=actor.scope, valid_from=machine_now() - timedelta(days=1), reason="test",
        )  # fmt: skip
    return actor.account_id
