"""A new day: every room whose duties depend on the calendar recomputes them for the whole county."""

from datetime import datetime
from uuid import UUID

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.permissions import ROLL_DAY
from lianfang.response.quarantine import actions as quarantine
from lianfang.response.tasks import actions as tasks
from lianfang.response.workforce import actions as workforce
from lianfang.response.zones import actions as zones


def roll_day(*, by: Actor, county: int, valid_at: datetime, cause: UUID) -> dict[str, int]:
    """Open what is due up to the end of the local day and cancel what no longer is; running it again changes nothing.

    Returns the number of duties opened by line of work.
    """
    by.require(ROLL_DAY, county * 10**9)
    with acting(by):
        return {
            "quarantine": quarantine.roll_day(by=by, county=county, valid_at=valid_at, cause=cause).opened,
            "zones": zones.roll_zones(by=by, county=county, valid_at=valid_at, cause=cause).opened,
            "tasks": tasks.roll_tasks(by=by, county=county, valid_at=valid_at, cause=cause).opened,
            "shifts": workforce.open_shift_duties(by=by, county=county, valid_at=valid_at, cause=cause),
        }
