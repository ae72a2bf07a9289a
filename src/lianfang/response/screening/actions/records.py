"""What all actions of rounds share: finding the round and its people, writing exclusions."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.kit.clock import response_now
from lianfang.response.screening.models import Round
from lianfang.response.screening.rules import (
    Entry,
    ExclusionEntry,
    Member,
    RefusedPerson,
    RoundUnknown,
)

MEMBERS = """
SELECT m.resident, m.division_code, e.id IS NOT NULL,
       (SELECT coalesce(max(v.attempt), 0) FROM screening_visit v
        WHERE v.county = %(county)s AND v.round = %(round)s AND v.resident = m.resident)
FROM (SELECT resident, division_code FROM screening_rosterentry
      WHERE county = %(county)s AND round = %(round)s AND resident = ANY(%(residents)s)
      UNION ALL
      SELECT resident, division_code FROM screening_foundentry
      WHERE county = %(county)s AND round = %(round)s AND resident = ANY(%(residents)s)) AS m
LEFT JOIN screening_exclusion e ON e.county = %(county)s AND e.round = %(round)s AND e.resident = m.resident
                                AND e.withdrawn_at IS NULL
"""


INSERT_EXCLUSIONS = """
INSERT INTO screening_exclusion (county, round, id, resident, division_code, reason, "where", valid_at, recorded_at,
                                 recorded_by)
SELECT %(county)s, %(round)s, id, resident, division_code, reason, place, %(valid_at)s, %(now)s, %(account)s
FROM unnest(%(ids)s::uuid[], %(residents)s::uuid[], %(codes)s::bigint[], %(reasons)s::text[], %(places)s::text[])
     AS sent (id, resident, division_code, reason, place)
"""


@dataclass(frozen=True)
class PeopleReceipt:
    """How many people of a list stand in the records as it says, whether written now or before, and who was refused."""

    people: int
    refused: tuple[RefusedPerson, ...]


def round_of(round: uuid.UUID, by: Actor) -> Round:
    """Return a round that touches the actor's area, or raise `RoundUnknown`."""
    record = Round.objects.filter(id=round, areas__code_lo__lte=by.scope.hi, areas__code_hi__gte=by.scope.lo).first()
    if record is None:
        raise RoundUnknown("There is no such round in your area: choose one from the list.")
    return record


def stamp(round: Round, by: Actor, valid_at: datetime) -> dict[str, Any]:
    """Return the parameters that every row of a round carries: where, when it held, when and by whom it was written."""
    return {
        "county": round.county, "round": round.id, "valid_at": valid_at, "now": response_now(), "account": by.account_id
    }  # fmt: skip


def members_of(round: Round, by: Actor, residents: Sequence[uuid.UUID]) -> dict[uuid.UUID, Member]:
    """Return those of some people whom a round counts in the actor's area."""
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS, {"county": round.county, "round": round.id, "residents": list(residents)})
        return {row[0]: Member(*row[1:]) for row in cursor.fetchall() if row[1] in by.scope}


def unwritten(people: Sequence[Entry], table: str, round: Round) -> list[Entry]:
    """Return the entries of a list whose ids the round does not know yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {table} WHERE county = %s AND round = %s AND id = ANY(%s)",  # noqa: S608 - a constant
            [round.county, round.id, [entry.id for entry in people]],
        )
        known = {row[0] for row in cursor.fetchall()}
    return [entry for entry in people if entry.id not in known]


def insert_exclusions(
    round: Round, people: Sequence[ExclusionEntry], members: Mapping[uuid.UUID, Member], by: Actor, valid_at: datetime
) -> None:
    """Write exclusions of people the round counts."""
    columns = {
        "ids": [entry.id for entry in people], "residents": [entry.resident for entry in people],
        "codes": [members[entry.resident].division_code for entry in people],
        "reasons": [entry.reason for entry in people], "places": [entry.where.strip() for entry in people],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(INSERT_EXCLUSIONS, stamp(round, by, valid_at) | columns)
