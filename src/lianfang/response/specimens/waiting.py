"""How long tubes may be missing, findings untold and results awaited: by the pack of the county's running incident."""

from datetime import timedelta

from lianfang.core.access.rules import Actor
from lianfang.engines.protocol import Pack, PackSilent, clock, load_pack
from lianfang.kit.codes import county_of, unit_range
from lianfang.response.command.permissions import READ_COMMAND
from lianfang.response.command.queries import incidents
from lianfang.response.specimens.reconciling import MISSING_WITHIN, TOLD_WITHIN


def missing_within(by: Actor) -> timedelta:
    """Return how long a tube may be missing or extra before its duty is overdue."""
    return _within(by, "tube_missing", MISSING_WITHIN)


def told_within(by: Actor) -> timedelta:
    """Return how long a finding that asks for action may stay untold."""
    return _within(by, "result_told", TOLD_WITHIN)


def running_pack(by: Actor) -> Pack | None:
    """Return the pack of the incident that runs in the actor's county, the latest declared, or none.

    Asked on behalf of the protocol, not of the person: whoever carries tubes need not be allowed to read incidents.
    """
    area = unit_range(county_of(by.scope.lo) * 10**9)
    hand = Actor(by.account_id, by.grant_id, by.role, "ledger", area, frozenset({READ_COMMAND}))
    running = incidents(by=hand)
    return load_pack(running[0].pack, overlays=list(running[0].overlays)) if running else None


def _within(by: Actor, name: str, otherwise: timedelta) -> timedelta:
    pack = running_pack(by)
    if pack is None:
        return otherwise
    try:
        return clock(pack, name)
    except PackSilent:
        return otherwise
