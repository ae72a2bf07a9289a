"""The rounds that touch an area, and what the pack proposes after them."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from lianfang.core.access.rules import Actor
from lianfang.engines.protocol import Pack, RoundFacts, RoundProposal, round_proposal
from lianfang.kit.clock import local_date, response_now
from lianfang.response.screening.queries.coverage import NOBODY, accounts_by
from lianfang.response.screening.queries.standing import UNIT_NAME, asked_of, fetched
from lianfang.response.screening.rules import Account, RoundUnknown
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
