"""Who stands before a sampling table: by printed code, document, phone or household, and how they stand in the round."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.people.queries import masked_name, recognised
from lianfang.kit.clock import response_now
from lianfang.kit.refusals import Refusal
from lianfang.response.screening.models import Round
from lianfang.response.screening.permissions import LOOK_UP, TYPE_IN_SHEETS
from lianfang.response.screening.rules import RoundAlreadyClosed, RoundUnknown
from lianfang.response.specimens.queries import UNUSABLE_TUBES, VOIDED_SAMPLES
from lianfang.response.specimens.rules import county_hand

#: the largest household that a table is shown: dormitories are looked up person by person
MOST = 50

# The place that the round counts a person in says how they are sampled; for whoever is on no roster, where the table is.
AT_TABLE = f"""
SELECT r.id, r.name, r.sex, extract(year FROM r.birth_date)::int, r.household, h.number, m.division_code,
       CASE WHEN s.code IS NOT NULL THEN 'sampled' WHEN m.division_code IS NULL THEN 'not_on_roster'
            WHEN e.reason IS NOT NULL THEN 'excluded' ELSE 'missing' END,
       e.reason, s.code, s.taken_at, a.mode, a.pool
FROM people_resident r
LEFT JOIN people_household h ON h.id = r.household
LEFT JOIN LATERAL (
    SELECT x.division_code FROM screening_rosterentry x
    WHERE x.county = %(county)s AND x.round = %(round)s AND x.resident = r.id
    UNION ALL SELECT x.division_code FROM screening_foundentry x
    WHERE x.county = %(county)s AND x.round = %(round)s AND x.resident = r.id LIMIT 1) AS m ON true
LEFT JOIN screening_exclusion e ON e.county = %(county)s AND e.round = %(round)s AND e.resident = r.id
                                AND e.withdrawn_at IS NULL
LEFT JOIN LATERAL (
    SELECT t.code, s.taken_at FROM specimens_sample s JOIN specimens_tube t ON t.county = s.county AND t.id = s.tube
    WHERE s.county = %(county)s AND s.round = %(round)s AND s.resident = r.id
      AND s.tube NOT IN ({UNUSABLE_TUBES}) AND (s.tube, s.id) NOT IN ({VOIDED_SAMPLES})
    ORDER BY s.attempt DESC LIMIT 1) AS s ON true
LEFT JOIN LATERAL (
    SELECT a.mode, a.pool FROM screening_roundarea a
    WHERE a.round_id = %(round)s AND coalesce(m.division_code, %(table)s) BETWEEN a.code_lo AND a.code_hi
    LIMIT 1) AS a ON true
WHERE r.merged_into IS NULL AND r.id = ANY(%(residents)s)
ORDER BY r.household, r.birth_date, r.id LIMIT %(most)s
"""  # noqa: S608 - made of constants

BEHIND_THE_SAME_DOOR = """
SELECT r.id FROM people_resident r
WHERE r.household = ANY(ARRAY(SELECT o.household FROM people_resident o
                              WHERE o.id = ANY(%(residents)s) AND o.household IS NOT NULL))
"""


@dataclass(frozen=True)
class TablePerson:
    """Somebody before a table: enough to recognise them by asking, how they stand in the round, how they are sampled.

    ``name`` shows the surname only; ``standing`` is missing, sampled (with tube and time), excluded (with reason) or
    not_on_roster; ``mode`` and ``pool`` are those of their place, empty outside of the round.
    """

    resident: uuid.UUID
    name: str
    sex: str
    birth_year: int
    household: uuid.UUID | None
    household_number: int | None
    division_code: int | None
    standing: str
    reason: str | None
    tube_code: str | None
    taken_at: datetime | None
    mode: str | None
    pool: int | None


def find_at_table(
    round: uuid.UUID,
    *,
    by: Actor,
    table: int | None = None,
    code: str = "",
    document: str = "",
    kind: str = "resident_id",
    phone: str = "",
    resident: uuid.UUID | None = None,
    whole_household: bool = False,
) -> list[TablePerson]:
    """Return who is meant by a printed code, a document's number, a phone, or an id found before; nobody is an empty list.

    People queue where they like, so that whoever stands before a table of the round is found in the whole county; each
    look-up is logged. With ``whole_household`` everybody behind the same door. ``table`` is the table's 15-digit code. Once a
    round is signed off only whoever types its sheets in still looks people up in it.
    """
    by.require(LOOK_UP, table)
    given = {"code": code.strip(), "document": document.strip(), "phone": phone.strip(), "resident": resident or ""}
    ways = [way for way, value in given.items() if value]
    if len(ways) != 1:
        raise Refusal("Somebody is looked up one way at a time: scan their code, or type the ID number, or the phone.")
    county = _county_of(round, by)
    with acting(county_hand(by, county)):
        found = (
            [resident] if resident else recognised(county=county, code=code, document=document, phone=phone, kind=kind)
        )
        people = _at_table(round, county, found, table or by.scope.lo, whole_household)
        record_audit(by, LOOK_UP, subject=("round", round), division_code=table or by.scope.lo, count=len(people),
                     way=ways[0], household=whole_household, found=found[0] if len(found) == 1 else None)  # fmt: skip
    return people


def _county_of(round: uuid.UUID, by: Actor) -> int:
    with acting(by):
        record = Round.objects.filter(
            id=round, areas__code_lo__lte=by.scope.hi, areas__code_hi__gte=by.scope.lo
        ).first()
    if record is None:
        raise RoundUnknown("There is no such round in your area: choose one from the list.")
    if record.closed_at is not None and not by.may(TYPE_IN_SHEETS):
        raise RoundAlreadyClosed(
            f"{record.title} was signed off, so nobody stands before its tables: choose the round that runs."
        )
    return record.county


def _at_table(
    round: uuid.UUID, county: int, residents: Sequence[uuid.UUID], table: int, whole_household: bool
) -> list[TablePerson]:
    params: dict[str, Any] = {
        "county": county, "round": round, "residents": list(residents), "table": table, "at": response_now(),
        "most": MOST,
    }  # fmt: skip
    if not residents:
        return []
    with connection.cursor() as cursor:
        if whole_household:
            cursor.execute(BEHIND_THE_SAME_DOOR, params)
            params["residents"] = list({*residents, *(row[0] for row in cursor.fetchall())})
        cursor.execute(AT_TABLE, params)
        return [TablePerson(row[0], masked_name(row[1]), *row[2:]) for row in cursor.fetchall()]
