"""The rounds that touch an area, and what the pack proposes after them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.engines.protocol import Pack, RoundFacts, RoundProposal, round_proposal
from lianfang.kit.clock import local_date, machine_now, response_now
from lianfang.response.screening.permissions import ANSWERS_FOR_REMAINDER, OPEN_ROUND
from lianfang.response.screening.queries.coverage import NOBODY, accounts_by
from lianfang.response.screening.queries.standing import UNIT_NAME, asked_of, fetched
from lianfang.response.screening.rules import Account, AreaEntry, RoundUnknown
from lianfang.response.specimens.queries import count_positive_tubes

ROUNDS = """
SELECT r.id, r.incident, r.area_code, {name}, r.number, r.title, r.pack, r.opened_at, r.target_at, r.frozen,
       CASE WHEN r.closed_recorded_at <= %(at)s THEN r.closed_at END,
       CASE WHEN r.closed_recorded_at <= %(at)s THEN r.remaining END,
       CASE WHEN r.closed_recorded_at <= %(at)s THEN r.accepted_title END
FROM screening_round r WHERE r.county = %(county)s AND r.recorded_at <= %(at)s
  AND (%(incident)s::uuid IS NULL OR r.incident = %(incident)s) AND (%(only)s::uuid IS NULL OR r.id = %(only)s)
  AND EXISTS (SELECT 1 FROM screening_roundarea a WHERE a.round_id = r.id AND a.code_lo <= %(hi)s AND a.code_hi >= %(lo)s)
ORDER BY r.opened_at, r.area_code, r.number
"""


@dataclass(frozen=True)
class RoundRow:
    """A round as known at an instant, with the account of its people inside the actor's area."""

    id: uuid.UUID
    incident: uuid.UUID
    area_code: int
    area: str | None
    number: int
    title: str
    pack: str
    opened_at: datetime
    target_at: datetime
    frozen: int
    closed_at: datetime | None
    remaining: int | None
    accepted_title: str | None
    account: Account


def rounds(*, by: Actor, incident: uuid.UUID | None = None, at: datetime | None = None) -> list[RoundRow]:
    """List the rounds that touch the actor's area as known at an instant, each with its account there."""
    return _rounds(by, at, incident=incident)


def round_openings(rounds: Sequence[uuid.UUID], *, county: int) -> dict[uuid.UUID, tuple[datetime, bool]]:
    """Return those of some rounds that a county holds: when each was opened, and whether it was signed off."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, opened_at, closed_at IS NOT NULL FROM screening_round WHERE county = %s AND id = ANY(%s)",
            [county, list(rounds)],
        )
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


def round_row(round: uuid.UUID, *, by: Actor, at: datetime | None = None) -> RoundRow:
    """Return one round of `rounds`, or raise `RoundUnknown`."""
    found = _rounds(by, at, only=round)
    if not found:
        raise RoundUnknown("There is no such round in your area: choose one from the list.")
    return found[0]


def _rounds(
    by: Actor, at: datetime | None, incident: uuid.UUID | None = None, only: uuid.UUID | None = None
) -> list[RoundRow]:
    params = asked_of(by, [], at) | {"incident": incident, "only": only}
    rows = fetched(by, ROUNDS.format(name=UNIT_NAME.format(code="r.area_code")), params)
    counted = accounts_by(by, [row[0] for row in rows], "round", at)
    return [RoundRow(*[*row, counted.get(row[0], NOBODY)]) for row in rows]


def propose_next_round(
    *, by: Actor, incident: uuid.UUID, area_code: int, pack: Pack, situation: str, on: date | None = None
) -> RoundProposal:
    """Return what the pack proposes for an area after its closed rounds, counted anew from the records; a person decides.

    A round counts as missing whoever is neither sampled nor excluded by now, and as positive the tubes that stand so.
    """
    closed = [row for row in rounds(by=by, incident=incident) if row.area_code == area_code and row.closed_at]
    positive = count_positive_tubes(by=by, rounds=[row.id for row in closed])
    facts = [
        RoundFacts(local_date(row.closed_at), row.account.missing, positive.get(row.id, 0))
        for row in closed
        if row.closed_at
    ]
    return round_proposal(pack, facts, situation=situation, on=on or local_date(response_now()))


# Whoever lives in the scope, wherever they are now (who is away is excluded with a reason, not forgotten), and whoever
# stays in it and lives elsewhere. Params: los, his.
ROSTER = """
SELECT r.id AS resident, r.division_code, r.household, area.lo
FROM people_resident r JOIN unnest(%(los)s::bigint[], %(his)s::bigint[]) AS area (lo, hi)
  ON r.division_code BETWEEN area.lo AND area.hi
WHERE r.merged_into IS NULL
UNION ALL
SELECT r.id, r.present_code, r.household, area.lo
FROM people_resident r JOIN unnest(%(los)s::bigint[], %(his)s::bigint[]) AS area (lo, hi)
  ON r.present_code BETWEEN area.lo AND area.hi
WHERE r.present_code <> r.division_code AND r.merged_into IS NULL
  AND NOT EXISTS (SELECT 1 FROM unnest(%(los)s::bigint[], %(his)s::bigint[]) AS home (lo, hi)
                  WHERE r.division_code BETWEEN home.lo AND home.hi)
"""


def roster_sizes(areas: Sequence[AreaEntry], *, by: Actor) -> dict[int, int]:
    """Count whom a round would freeze in each of some areas, by the first code of the area; those of nobody are left out."""
    by.require(OPEN_ROUND)
    statement = f"SELECT lo, count(*) FROM ({ROSTER}) AS member GROUP BY lo"  # noqa: S608 - made of constants
    with acting(by), connection.cursor() as cursor:
        cursor.execute(statement, {"los": [area.code_lo for area in areas], "his": [area.code_hi for area in areas]})
        return dict(cursor.fetchall())


@dataclass(frozen=True)
class AreaRow:
    """One area of a round as it was opened: the level of the zone it lies in, and how its people are sampled."""

    code_lo: int
    code_hi: int
    zone_level: str | None
    mode: str
    pool: int


def round_areas(round: uuid.UUID, *, by: Actor) -> list[AreaRow]:
    """List the areas of a round that touch the actor's own, in the order of their codes."""
    statement = """
    SELECT a.code_lo, a.code_hi, a.zone_level, a.mode, a.pool FROM screening_roundarea a
    WHERE a.round_id = ANY(%(rounds)s) AND a.code_lo <= %(hi)s AND a.code_hi >= %(lo)s ORDER BY a.code_lo
    """
    return [AreaRow(*row) for row in fetched(by, statement, asked_of(by, [round], None))]


@dataclass(frozen=True)
class DecisionRow:
    """What the pack proposed after some rounds, what a person decided, and who."""

    id: uuid.UUID
    decided_at: datetime
    proposal: str
    not_before: date | None
    rule: str
    why: str
    decision: str
    reason: str
    decided_by: str | None


def round_decisions(incident: uuid.UUID, area_code: int, *, by: Actor, at: datetime | None = None) -> list[DecisionRow]:
    """List the decisions about further rounds of an area, the latest first."""
    statement = """
    SELECT d.id, d.decided_at, d.proposal, d.not_before, d.rule, d.why, d.decision, d.reason,
           (SELECT a.title FROM access_account a WHERE a.id = d.recorded_by)
    FROM screening_rounddecision d
    WHERE d.county = %(county)s AND d.incident = %(incident)s AND d.area_code = %(area)s AND d.recorded_at <= %(at)s
    ORDER BY d.decided_at DESC, d.recorded_at DESC
    """
    return [
        DecisionRow(*row)
        for row in fetched(by, statement, asked_of(by, [], at) | {"incident": incident, "area": area_code})
    ]


@dataclass(frozen=True)
class Acceptor:
    """An account that answers for every area of a round, under which role, and the post it fills if any."""

    account: uuid.UUID
    role: str
    post: str | None
    holder: str


def possible_acceptors(round: uuid.UUID, *, by: Actor) -> list[Acceptor]:
    """List who may sign a round off, or order its visits, in every area of it: one of them accepts whoever remains."""
    statement = """
    SELECT DISTINCT ON (a.title, a.id) a.id, g.role_id, p.title, a.title
    FROM access_grant g JOIN access_role role ON role.code = g.role_id AND role.permissions ?| %(permissions)s
    JOIN access_account a ON a.id = g.account_id AND a.is_active LEFT JOIN access_post p ON p.id = g.post_id
    WHERE g.valid_from <= %(today)s AND (g.valid_until IS NULL OR g.valid_until > %(today)s)
      AND NOT EXISTS (SELECT 1 FROM screening_roundarea area WHERE area.round_id = ANY(%(rounds)s)
                      AND (area.code_lo < g.code_lo OR area.code_hi > g.code_hi))
    ORDER BY a.title, a.id, g.code_hi - g.code_lo, g.valid_from DESC
    """
    # a grant is valid by the clock of the machine, at which somebody signs in
    params = asked_of(by, [round], None) | {"permissions": [*ANSWERS_FOR_REMAINDER], "today": machine_now()}
    return [Acceptor(*row) for row in fetched(by, statement, params)]
