"""Exclusions that a second person calls back."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.screening.queries.standing import asked_of, fetched, masked
from lianfang.response.screening.rules import draw_recalls


@dataclass(frozen=True)
class RecallToMake:
    """An exclusion that a second person has still to call back; ``recorded_title`` is who wrote it."""

    exclusion: uuid.UUID
    resident: uuid.UUID
    name: str
    phone: str
    division_code: int
    reason: str
    where: str
    recorded_by: uuid.UUID
    recorded_at: datetime
    recorded_title: str | None


def recalls_to_make(round: uuid.UUID, *, by: Actor) -> list[RecallToMake]:
    """List the drawn exclusions of the actor's area that nobody has called back yet, with a masked phone."""
    by.require(READ_ROUNDS)
    by.require(READ_PEOPLE)
    statement = f"""
    SELECT e.id, e.resident, p.name, p.phone_cipher, e.division_code, e.reason, e.where, e.recorded_by, e.recorded_at,
           (SELECT a.title FROM access_account a WHERE a.id = e.recorded_by)
    {_TO_RECALL} ORDER BY e.division_code, e.id
    """  # noqa: S608 - made of constants
    params = _drawn(round, by)
    return [
        RecallToMake(*[*row[:3], masked(row[3], params["county"]), *row[4:]]) for row in fetched(by, statement, params)
    ]


def count_recalls_to_make(round: uuid.UUID, *, by: Actor) -> int:
    """Count the exclusions of `recalls_to_make`."""
    return int(fetched(by, f"SELECT count(*) {_TO_RECALL}", _drawn(round, by))[0][0])


_TO_RECALL = """
FROM screening_exclusion e JOIN people_resident p ON p.id = e.resident
WHERE e.county = %(county)s AND e.round = ANY(%(rounds)s) AND e.id = ANY(%(drawn)s) AND e.withdrawn_at IS NULL
  AND e.division_code BETWEEN %(lo)s AND %(hi)s AND NOT EXISTS (
    SELECT 1 FROM screening_exclusionrecall c
    WHERE c.county = e.county AND c.round = e.round AND c.exclusion = e.id)
"""


def _drawn(round: uuid.UUID, by: Actor) -> dict[str, Any]:
    """Return the parameters of `_TO_RECALL`; the draw is over the whole county's exclusions, withdrawn ones too, so
    that it does not depend on who looks or when."""
    params = asked_of(by, [round], None)
    statement = "SELECT id, recorded_by FROM screening_exclusion WHERE county = %(county)s AND round = ANY(%(rounds)s)"
    return params | {"drawn": list(draw_recalls(dict(fetched(by, statement, params)), round))}
