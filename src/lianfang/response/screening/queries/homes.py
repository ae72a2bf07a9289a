"""Coverage below the grid: by building and by household, so that no household is missed."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.kit.codes import CodeRange
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.screening.queries.standing import COUNTS, STANDING, asked_of, fetched
from lianfang.response.screening.rules import Account

# A household counts in the building in which it lives; whoever stays in a grid and has their home in another counts in
# the grid and in no building of it. The join goes by the household alone: by the grid too, the planner would pair every
# household of a grid with every other.
HOME = f"""
{STANDING}, home AS (
    SELECT t.division_code, t.household, {COUNTS} FROM standing t GROUP BY 1, 2
)
"""  # noqa: S608 - made of constants

BUILDINGS = f"""
{HOME}, building AS (
    SELECT home.division_code, CASE WHEN h.division_code = home.division_code THEN h.building END AS building,
           sum(frozen)::int AS frozen, sum(added)::int AS added, sum(sampled)::int AS sampled,
           sum(excluded)::int AS excluded, sum(missing)::int AS missing,
           count(home.household) AS households, count(home.household) FILTER (WHERE missing = 0) AS whole
    FROM home LEFT JOIN people_household h ON h.id = home.household
    GROUP BY 1, 2
)
SELECT c.division_code, c.building, b.name, y.name, c.households, c.whole, c.frozen, c.added, c.sampled, c.excluded,
       c.missing
FROM building c LEFT JOIN territory_building b ON b.id = c.building LEFT JOIN territory_compound y ON y.id = b.compound_id
ORDER BY c.division_code, y.name NULLS LAST, length(b.name), b.name, c.building
"""  # noqa: S608

HOUSEHOLDS = f"""
{HOME}
SELECT home.division_code, home.household, h.building, b.name, h.unit, h.room, h.address, home.frozen, home.added,
       home.sampled, home.excluded, home.missing
FROM home LEFT JOIN people_household h ON h.id = home.household AND h.division_code = home.division_code
LEFT JOIN territory_building b ON b.id = h.building
WHERE (%(building)s::uuid IS NULL OR h.building = %(building)s) AND (NOT %(unfinished)s OR home.missing > 0)
ORDER BY home.division_code, length(b.name), b.name, h.unit, length(h.room), h.room, h.address, home.household
"""  # noqa: S608


@dataclass(frozen=True)
class BuildingCoverage:
    """The account of one building of a grid, or of everybody of the grid who lives in none (``building`` empty).

    ``whole`` of the ``households`` have nobody missing.
    """

    division_code: int
    building: uuid.UUID | None
    name: str | None
    compound: str | None
    households: int
    whole: int
    account: Account


@dataclass(frozen=True)
class HouseholdCoverage:
    """The account of one household in a grid; people without a household of the grid are in one line of it."""

    division_code: int
    household: uuid.UUID | None
    building: uuid.UUID | None
    building_name: str | None
    unit: str
    room: str
    address: str
    account: Account


def coverage_by_building(
    round: uuid.UUID, *, by: Actor, at: datetime | None = None, within: CodeRange | None = None
) -> list[BuildingCoverage]:
    """List the account of each building of a round by grid; the people of a grid who live in no building in one line."""
    rows = fetched(by, BUILDINGS, asked_of(by, [round], at, within))
    return [BuildingCoverage(*[*row[:6], Account(*row[6:])]) for row in rows]


def coverage_by_household(
    round: uuid.UUID,
    *,
    by: Actor,
    at: datetime | None = None,
    within: CodeRange | None = None,
    building: uuid.UUID | None = None,
    unfinished: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[HouseholdCoverage]:
    """List the account of each household of a round by grid, building and door; ``unfinished``: only with somebody missing."""
    by.require(READ_ROUNDS)
    params = asked_of(by, [round], at, within) | {"building": building, "unfinished": unfinished}
    rows = fetched(by, f"{HOUSEHOLDS} LIMIT %(limit)s OFFSET %(offset)s", params | {"limit": limit, "offset": offset})
    return [_household(row) for row in rows]


def count_households(
    round: uuid.UUID,
    *,
    by: Actor,
    at: datetime | None = None,
    within: CodeRange | None = None,
    building: uuid.UUID | None = None,
    unfinished: bool = False,
) -> int:
    """Count what `coverage_by_household` lists."""
    params = asked_of(by, [round], at, within) | {"building": building, "unfinished": unfinished}
    return int(fetched(by, f"SELECT count(*) FROM ({HOUSEHOLDS}) AS listed", params)[0][0])  # noqa: S608


def _household(row: Sequence[Any]) -> HouseholdCoverage:
    place = [*row[:4], *(text or "" for text in row[4:7])]
    return HouseholdCoverage(*[*place, Account(*row[7:])])
