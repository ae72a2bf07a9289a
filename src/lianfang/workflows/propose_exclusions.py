"""Propose whom to exclude from a round by what the records know: in quarantine, infants, away. A person confirms it.

Nobody is excluded here: whoever confirms the list sends `exclude_people` with the names they keep.
"""

import uuid
from datetime import datetime

from lianfang.core.access.rules import Actor
from lianfang.kit.codes import CodeRange
from lianfang.response.quarantine.permissions import READ_ORDERS
from lianfang.response.quarantine.queries import orders
from lianfang.response.screening.queries import ProposedExclusion, count_proposed, proposed_exclusions

#: legs of an order whose people are tested where they are held: not those who are only watched or tested from home
TESTED_THERE = frozenset({"home_quarantine", "medical_observation", "central_quarantine"})
#: more orders than a county has in force
ALL = 1_000_000


def propose_exclusions(
    round: uuid.UUID,
    *,
    by: Actor,
    at: datetime | None = None,
    within: CodeRange | None = None,
    reason: str = "",
    limit: int = 100,
    offset: int = 0,
) -> list[ProposedExclusion]:
    """List the missing of a round whom the records give a reason to exclude, each with reason and place."""
    held = _held(by, at)
    return proposed_exclusions(round, held, by=by, at=at, within=within, reason=reason, limit=limit, offset=offset)


def count_proposals(
    round: uuid.UUID, *, by: Actor, at: datetime | None = None, within: CodeRange | None = None
) -> dict[str, int]:
    """Count whom `propose_exclusions` lists, by reason."""
    return count_proposed(round, _held(by, at), by=by, at=at, within=within)


def _held(by: Actor, at: datetime | None) -> dict[uuid.UUID, str]:
    """Return where those are who are in quarantine and whose order the actor may read."""
    if not by.may(READ_ORDERS):
        return {}
    return {
        order.resident: order.place or order.village or str(order.held_code)
        for order in orders(by=by, at=at, known_at=at, limit=ALL)
        if order.leg_kind in TESTED_THERE and order.started_at is not None
    }
