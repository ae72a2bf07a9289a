"""Two rounds beside each other, and whom both of them missed."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from lianfang.core.access.rules import Actor
from lianfang.kit.codes import DIGITS
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.screening.queries.coverage import NOBODY, coverage
from lianfang.response.screening.queries.standing import STANDING, asked_of, fetched
from lianfang.response.screening.rules import Account


@dataclass(frozen=True)
class UnitComparison:
    """One unit in two rounds, and how many were missed by both."""

    code: int
    name: str | None
    first: Account
    second: Account
    missing_in_both: int


def compare_rounds(
    first: uuid.UUID, second: uuid.UUID, *, by: Actor, digits: int = DIGITS, at: datetime | None = None
) -> list[UnitComparison]:
    """Set two rounds beside each other unit by unit; `missing_in_both` lists whom both missed."""
    step = 10 ** (DIGITS - digits)
    one, two = ({row.code: row for row in coverage(round, by=by, digits=digits, at=at)} for round in (first, second))
    both = dict(
        fetched(by, _MISSED_TWICE.format(select=f"division_code / {step} * {step}, count(*)", tail="GROUP BY 1"),
              asked_of(by, [first, second], at))
    )  # fmt: skip
    return [
        UnitComparison(
            code, (one.get(code) or two[code]).name, one[code].account if code in one else NOBODY,
            two[code].account if code in two else NOBODY, both.get(code, 0),
        )
        for code in sorted(one | two)
    ]  # fmt: skip


_MISSED_TWICE = f"""
{STANDING} SELECT {{select}} FROM (
    SELECT t.resident, min(t.division_code) AS division_code FROM standing t WHERE t.standing = 'missing'
    GROUP BY 1 HAVING count(*) = 2) AS missed {{tail}}
"""  # noqa: S608


def missing_in_both(first: uuid.UUID, second: uuid.UUID, *, by: Actor, at: datetime | None = None) -> list[uuid.UUID]:
    """List the residents of the actor's area who are missing in both rounds, by grid."""
    by.require(READ_ROUNDS)
    statement = _MISSED_TWICE.format(select="resident", tail="ORDER BY division_code, resident")
    return [row[0] for row in fetched(by, statement, asked_of(by, [first, second], at))]
