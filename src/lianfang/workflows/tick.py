"""Time passes: what a worker does every few minutes in each county where an incident runs."""

import logging
import uuid
from collections.abc import Callable
from datetime import datetime

from django.db import connection

from lianfang.core.access.commands import Envelope
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.permissions import ROLL_DAY
from lianfang.kit.clock import at_local, clock_at, local_date, machine_now
from lianfang.kit.codes import EVERYWHERE, CodeRange, unit_range
from lianfang.kit.ids import derived_id
from lianfang.kit.refusals import Refusal
from lianfang.response.command.permissions import READ_COMMAND
from lianfang.response.command.queries import incidents
from lianfang.response.sampling.actions import update_home_sampling
from lianfang.response.screening.actions import add_sampled_meanwhile, update_visits
from lianfang.response.screening.permissions import ORDER_VISITS
from lianfang.workflows.commands import submit
from lianfang.workflows.positive_pool import complete_pools
from lianfang.workflows.telling import tell_of_duties

LOG = logging.getLogger("lianfang.tick")
#: with the county, the key of the lock under which one worker at a time updates its visits
VISITS = 0x71C4


def clock_hand(scope: CodeRange) -> Actor:
    """Return the installation's own hand, by which time passes in an area: it may do nothing that a person decides."""
    may = frozenset({READ_COMMAND, ROLL_DAY, ORDER_VISITS})
    return Actor(uuid.UUID(int=3), uuid.UUID(int=3), "worker", "ledger", scope, may, "clock")


def tick(now: datetime) -> int:
    """Roll the day over and bring visits up to date wherever an incident runs; return in how many counties all went well.

    Safe to repeat and to run in several workers: a county's day is rolled over once. What fails in a county is told
    in the log and holds up nothing else; only a lost database ends the tick.
    """
    with clock_at(now):
        running = {incident.county for incident in incidents(by=clock_hand(EVERYWHERE), at=now)}
        return sum([_tick_county(county, now) for county in sorted(running)])


def roll_envelope(county: int, now: datetime) -> Envelope:
    """Return the command that rolls a county's local day over, the same from every worker at any time of that day."""
    day = local_date(now)
    return Envelope(derived_id("roll_day", county, day), "roll_day", at_local(day), {"county": county})


def _tick_county(county: int, now: datetime) -> bool:
    by = clock_hand(unit_range(county * 10**9))
    rolled = _survived(lambda: submit(roll_envelope(county, now), by=by), county)
    visited = _survived(lambda: _update_visits(county, now, by), county)
    pooled = _survived(lambda: _complete_pools(county, now, by), county)
    told = _survived(lambda: tell_of_duties(by=by, county=county, now=now, machine=machine_now()), county)
    return rolled and visited and pooled and told


def _update_visits(county: int, now: datetime, by: Actor) -> None:
    with acting(by):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [VISITS, county])
            [mine] = cursor.fetchone()
        if mine:
            cause = derived_id("sampled_meanwhile", county, now)
            add_sampled_meanwhile(by=by, county=county, valid_at=now, cause=cause)
            update_visits(by=by, county=county, valid_at=now, cause=derived_id("update_visits", county, now))
            update_home_sampling(by=by, county=county, valid_at=now, cause=derived_id("update_homes", county, now))


def _complete_pools(county: int, now: datetime, by: Actor) -> None:
    # Whatever way a sample or a result came in, nobody in a positive tube is forgotten for longer than a turn.
    complete_pools(
        by=by, permission=ROLL_DAY, county=county, valid_at=now, cause=derived_id("complete_pools", county, now)
    )


def _survived(step: Callable[[], object], county: int) -> bool:
    try:
        step()
    except Refusal as refusal:
        LOG.error("County %s: %s", county, refusal)
    except Exception as error:  # one county's fault, whatever it is, must not stop the others
        if not connection.is_usable():
            raise
        # The first line only: what the database adds to it may quote a person's row.
        LOG.error("County %s: %s: %s", county, type(error).__name__, str(error).partition("\n")[0])
    else:
        return True
    return False
