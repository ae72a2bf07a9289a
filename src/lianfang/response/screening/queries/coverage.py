"""Coverage: how many people of a round stand how, by village, grid, building and household."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.core.duties.rules import Balance
from lianfang.kit.codes import DIGITS, CodeRange
from lianfang.response.screening.queries.standing import COUNTS, STANDING, UNIT_NAME, asked_of, fetched
from lianfang.response.screening.queries.tally import tallied
from lianfang.response.screening.rules import FOUND_REASONS, MISTAKES, REASONS, Account, books

NOBODY = Account(0, 0, 0, 0, 0)
#: 15-digit codes of one village differ by less
VILLAGE = 1000


@dataclass(frozen=True)
class UnitCoverage:
    """The account of one unit (grid, village, township) in a round."""

    code: int
    name: str | None
    account: Account


def accounted(round: uuid.UUID, *, by: Actor, at: datetime | None = None, within: CodeRange | None = None) -> Account:
    """Account for everybody in a round as known at an instant: found, reasoned, missing; `round_people` lists them."""
    return accounts_by(by, [round], "round", at, within).get(round, NOBODY)


def coverage(
    round: uuid.UUID, *, by: Actor, digits: int = DIGITS, at: datetime | None = None, within: CodeRange | None = None
) -> list[UnitCoverage]:
    """List the account of each unit of a round: ``digits`` 15 for grids, 12 for villages, 9 for townships."""
    step = 10 ** (DIGITS - digits)
    counted = accounts_by(by, [round], f"division_code / {step} * {step}", at, within)
    names = unit_names(by, list(counted), at)
    return [UnitCoverage(code, names.get(code), counted[code]) for code in sorted(counted)]


def accounts_by(
    by: Actor, rounds: Sequence[uuid.UUID], key: str, at: datetime | None, within: CodeRange | None = None
) -> dict[Any, Account]:
    """Return the accounts of rounds by a key over ``round`` and ``division_code``: of a wide area at present by the
    tally of its grids, of any other person by person."""
    span = within or by.scope
    if rounds and at is None and span.lo // VILLAGE != span.hi // VILLAGE:
        counted = tallied(by, rounds, key, within)
        if counted is not None:
            return counted
    statement = f"""
    {STANDING} SELECT {key}, {COUNTS} FROM standing t GROUP BY 1
    """  # noqa: S608 - made of the constants above
    if not rounds:
        return {}
    return {row[0]: Account(*row[1:]) for row in fetched(by, statement, asked_of(by, rounds, at, within))}


# What the denominator is made of: the frozen roster, whoever was found by how, less whoever left by reason. Somebody
# sampled in spite of an exclusion has not left.
MADE_OF = f"""
{STANDING}
SELECT 'frozen', '', count(*) FROM standing t WHERE NOT t.added
UNION ALL SELECT 'found', t.found_as, count(*) FROM standing t WHERE t.added GROUP BY 2
UNION ALL SELECT 'left', t.reason, count(*) FROM standing t WHERE t.standing = 'excluded' GROUP BY 2
"""  # noqa: S608


@dataclass(frozen=True)
class DenominatorPart:
    """People who make the denominator (``frozen``, ``found`` for a reason) or are taken from it (``left`` for a reason)."""

    part: str
    reason: str
    people: int


def denominator_parts(
    round: uuid.UUID, *, by: Actor, at: datetime | None = None, within: CodeRange | None = None
) -> list[DenominatorPart]:
    """List what a round's denominator is made of: frozen + found − left, each reason with its people."""
    parts = [DenominatorPart(*row) for row in fetched(by, MADE_OF, asked_of(by, [round], at, within))]
    order = {reason: place for place, reason in enumerate(("", *FOUND_REASONS, *REASONS))}
    return sorted(parts, key=lambda one: (("frozen", "found", "left").index(one.part), order[one.reason]))


def unit_names(by: Actor, codes: Sequence[int], at: datetime | None = None) -> dict[int, str]:
    """Return the names that units bear on the day of an instant, by their 15-digit codes."""
    name = UNIT_NAME.format(code="unit.code")
    statement = f"SELECT unit.code, {name} FROM unnest(%(codes)s::bigint[]) AS unit (code)"  # noqa: S608
    return {code: name for code, name in fetched(by, statement, asked_of(by, [], at) | {"codes": list(codes)}) if name}


def round_balance(
    round: uuid.UUID, *, by: Actor, at: datetime | None = None, within: CodeRange | None = None
) -> Balance:
    """Return the ledger's books of a round, computed from roster, samples and exclusions.

    Everybody on it is opened; sampled is done, excused waived, listed by mistake cancelled, missing outstanding.
    """
    statement = f"{STANDING} SELECT count(*) FROM standing WHERE standing = 'excluded' AND reason = ANY(%(mistakes)s)"  # noqa: S608
    params = asked_of(by, [round], at, within) | {"mistakes": list(MISTAKES)}
    return books(accounted(round, by=by, at=at, within=within), fetched(by, statement, params)[0][0])
