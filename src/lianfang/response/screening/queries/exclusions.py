"""Whom the records give a reason to exclude from a round: a proposal, which a person confirms name by name."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.kit.codes import CodeRange
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.screening.queries.standing import STANDING, UNIT_NAME, asked_of, fetched
from lianfang.response.screening.rules import infants_from

# Somebody in quarantine is tested there, an infant not at all, and whoever is in none of the round's areas is away: the
# first of these that holds is proposed. Params besides those of STANDING: held, held_at, born_after.
PROPOSED = f"""
{STANDING}, known AS (
    SELECT t.resident, p.name, p.birth_date, t.household, t.division_code, p.present_code, p.present_place, held.place,
           CASE WHEN held.resident IS NOT NULL THEN 'quarantined' WHEN p.birth_date > %(born_after)s THEN 'infant'
                WHEN NOT EXISTS (SELECT 1 FROM screening_roundarea a WHERE a.round_id = t.round
                                 AND p.present_code BETWEEN a.code_lo AND a.code_hi) THEN 'away' END AS reason
    FROM standing t JOIN people_resident p ON p.id = t.resident
    LEFT JOIN unnest(%(held)s::uuid[], %(held_at)s::text[]) AS held (resident, place) ON held.resident = t.resident
    WHERE t.standing = 'missing'
)
"""  # noqa: S608 - made of constants


@dataclass(frozen=True)
class ProposedExclusion:
    """Somebody missing with the reason that the records give; ``where`` is empty when no record says it."""

    resident: uuid.UUID
    name: str
    birth_year: int
    division_code: int
    reason: str
    where: str


def proposed_exclusions(
    round: uuid.UUID,
    held: Mapping[uuid.UUID, str],
    *,
    by: Actor,
    at: datetime | None = None,
    within: CodeRange | None = None,
    reason: str = "",
    limit: int = 100,
    offset: int = 0,
) -> list[ProposedExclusion]:
    """List the missing whom a record gives a reason to exclude, by grid and household; ``held``: where those in
    quarantine are."""
    by.require(READ_ROUNDS)
    by.require(READ_PEOPLE)
    statement = f"""
    {PROPOSED}
    SELECT k.resident, k.name, extract(year FROM k.birth_date)::int, k.division_code, k.reason,
           left(CASE k.reason WHEN 'quarantined' THEN k.place
                     WHEN 'away' THEN coalesce(nullif(k.present_place, ''), {UNIT_NAME.format(code="k.present_code")}, '')
                     ELSE '' END, 120)
    FROM known k WHERE k.reason IS NOT NULL AND %(reason)s IN ('', k.reason)
    ORDER BY k.division_code, k.household, k.resident LIMIT %(limit)s OFFSET %(offset)s
    """  # noqa: S608
    params = _params(round, held, by, at, within) | {"reason": reason, "limit": limit, "offset": offset}
    return [ProposedExclusion(*row) for row in fetched(by, statement, params)]


def count_proposed(
    round: uuid.UUID,
    held: Mapping[uuid.UUID, str],
    *,
    by: Actor,
    at: datetime | None = None,
    within: CodeRange | None = None,
) -> dict[str, int]:
    """Count whom `proposed_exclusions` lists, by reason."""
    statement = f"{PROPOSED} SELECT k.reason, count(*) FROM known k WHERE k.reason IS NOT NULL GROUP BY 1"  # noqa: S608
    return dict(fetched(by, statement, _params(round, held, by, at, within)))


def _params(
    round: uuid.UUID, held: Mapping[uuid.UUID, str], by: Actor, at: datetime | None, within: CodeRange | None
) -> dict[str, Any]:
    params = asked_of(by, [round], at, within)
    return params | {"held": list(held), "held_at": list(held.values()), "born_after": infants_from(params["on"])}
