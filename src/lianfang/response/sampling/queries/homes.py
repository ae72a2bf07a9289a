"""Sampling at home: who might need it, and how it stands with those for whom it was ordered."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import CodeRange
from lianfang.response.sampling.permissions import ORDER_HOME_SAMPLING, READ_CANDIDATES, RECORD_HOME_SAMPLING
from lianfang.response.sampling.queries.flow import PLACED
from lianfang.response.sampling.rules import ALONE_FROM_AGE, VULNERABLE
from lianfang.response.screening.queries.standing import asked_of, fetched
from lianfang.response.specimens.queries import SAMPLED_IN_ROUNDS

# What somebody is proposed for is read with the reader's own hand, so that scope decides who sees a health fact.
WHY = """
SELECT v.resident, v.kind FROM people_vulnerability v JOIN people_resident r ON r.id = v.resident
WHERE v.county = %(county)s AND v.resident = ANY(%(residents)s) AND v.kind = ANY(%(kinds)s)
  AND v.since <= %(on)s AND (v.until IS NULL OR v.until > %(on)s) AND (v.kind <> 'lives_alone_70' OR r.birth_date <= %(born_by)s)
UNION ALL
SELECT o.resident, 'home_quarantine' FROM quarantine_order o JOIN quarantine_leg g ON g.order_id = o.id
WHERE o.county = %(county)s AND o.resident = ANY(%(residents)s) AND o.status = 'in_force' AND g.left_at IS NULL
  AND g.kind IN ('home_quarantine', 'home_monitoring') AND %(on)s BETWEEN g.first_day AND g.last_day
"""

MISSING = f"""
{PLACED} SELECT p.resident, r.name, p.division_code, (SELECT h.address FROM people_household h WHERE h.id = r.household)
FROM placed p JOIN people_resident r ON r.id = p.resident
WHERE p.standing = 'missing' AND NOT p.at_home AND p.resident IN (
    SELECT v.resident FROM people_vulnerability v WHERE v.county = %(county)s AND v.kind = ANY(%(kinds)s)
    UNION ALL SELECT o.resident FROM quarantine_order o WHERE o.county = %(county)s AND o.status = 'in_force')
ORDER BY p.division_code, p.building, p.number, p.resident
"""  # noqa: S608 - made of constants

LIST = f"""
SELECT o.id, o.resident, r.name, o.division_code, (SELECT h.address FROM people_household h WHERE h.id = r.household),
       o.reason, o.ordered_at, a.outcome, a.note, a.appointment_at,
       EXISTS (SELECT 1 FROM ({SAMPLED_IN_ROUNDS}) AS s WHERE s.round = o.round AND s.resident = o.resident)
FROM sampling_homesampling o LEFT JOIN people_resident r ON r.id = o.resident
LEFT JOIN LATERAL (
    SELECT a.outcome, a.note, a.appointment_at FROM sampling_homesamplingattempt a
    WHERE a.county = o.county AND a.round = o.round AND a.home_sampling = o.id ORDER BY a.attempt DESC LIMIT 1
) AS a ON true
WHERE o.county = %(county)s AND o.round = ANY(%(rounds)s) AND o.division_code BETWEEN %(lo)s AND %(hi)s
ORDER BY o.division_code, o.ordered_at, o.id
"""  # noqa: S608


@dataclass(frozen=True)
class Candidate:
    """Somebody of a round, not sampled yet, who may not be able to come, and why it is thought so."""

    resident: uuid.UUID
    name: str
    division_code: int
    address: str | None
    reason: str


@dataclass(frozen=True)
class HomeSamplingRow:
    """An order to sample somebody at home and how it stands: the latest attempt, and whether they were sampled."""

    id: uuid.UUID
    resident: uuid.UUID
    name: str | None
    division_code: int
    address: str | None
    reason: str
    ordered_at: datetime
    outcome: str | None
    note: str | None
    appointment_at: datetime | None
    sampled: bool

    @property
    def state(self) -> str:
        """sampled, could_not, appointment or ordered."""
        return "sampled" if self.sampled else self.outcome or "ordered"


def home_sampling_candidates(round: uuid.UUID, *, by: Actor, within: CodeRange | None = None) -> list[Candidate]:
    """List who of a round's missing may not be able to come, by vulnerability and quarantine at home, each person once.

    Health data: for those permitted, and the look is logged.
    """
    by.require(READ_CANDIDATES)
    now = response_now()
    params = asked_of(by, [round], now, within) | {"kinds": list(VULNERABLE)}
    people = {row[0]: row for row in fetched(by, MISSING, params)}
    why: dict[uuid.UUID, str] = {}
    with acting(by), connection.cursor() as cursor:
        cursor.execute(
            WHY, params | {"residents": list(people), "born_by": _years_before(local_date(now), ALONE_FROM_AGE)}
        )
        for resident, kind in cursor.fetchall():
            why.setdefault(resident, VULNERABLE.get(kind, kind))
        record_audit(by, READ_CANDIDATES, subject=("round", round), division_code=params["lo"], count=len(why))
    return [Candidate(*[*people[one], why[one]]) for one in people if one in why]


def _years_before(day: date, years: int) -> date:
    # born on 29 February counts from 1 March on
    return date(day.year - years, day.month, min(day.day, 28)) if day.month == 2 else day.replace(year=day.year - years)


def home_sampling_list(round: uuid.UUID, *, by: Actor) -> list[HomeSamplingRow]:
    """List the samplings at home that were ordered in a round in the actor's area, for who orders or does them.

    The reason is health data: the look is logged.
    """
    if not by.may(RECORD_HOME_SAMPLING):
        by.require(ORDER_HOME_SAMPLING)
    params = asked_of(by, [round], None)
    with acting(by), connection.cursor() as cursor:
        cursor.execute(LIST, params)
        rows = [HomeSamplingRow(*row) for row in cursor.fetchall()]
        if rows:
            record_audit(by, "sampling.list_home_sampling", subject=("round", round), division_code=params["lo"],
                         count=len(rows))  # fmt: skip
        return rows
