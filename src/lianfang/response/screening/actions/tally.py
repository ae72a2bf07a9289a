"""Keeping the tally: slips of how many people of each grid have a sample are taken up as they come in."""

import uuid

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.codes import EVERYWHERE

#: the installation's own hand, which counts and decides nothing
TALLIER = Actor(uuid.UUID(int=4), uuid.UUID(int=4), "worker", "testing", EVERYWHERE, frozenset(), "tally")

# Nothing is locked or written while no slip waits: this is asked several times a second, also in the quietest night.
# One worker at a time takes slips up, because two would wait for each other's grids in a circle.
READY = "SELECT EXISTS (SELECT FROM screening_rosterslip) AND pg_try_advisory_xact_lock(hashtext('roster tally'))"

TAKE_UP = """
WITH slip AS (DELETE FROM screening_rosterslip RETURNING county, round, division_code, people),
fresh AS (SELECT county, round, division_code, sum(people) AS people FROM slip GROUP BY 1, 2, 3)
UPDATE screening_rostertally t SET sampled = t.sampled + fresh.people FROM fresh
WHERE t.county = fresh.county AND t.round = fresh.round AND t.division_code = fresh.division_code
"""


def tally_samples() -> int:
    """Take the slips of new samples up into their grids and return in how many grids something changed.

    Each sample is counted once, whatever ends half way.
    """
    with acting(TALLIER), connection.cursor() as cursor:
        cursor.execute(READY)
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(TAKE_UP)
        return cursor.rowcount
