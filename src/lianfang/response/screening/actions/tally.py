"""Writing the tally: how many people of each grid have a sample, counted as samples come in."""

import uuid

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.codes import EVERYWHERE
from lianfang.response.screening.queries.tally import by_index

#: the installation's own hand, which counts and decides nothing
TALLIER = Actor(uuid.UUID(int=4), uuid.UUID(int=4), "worker", "testing", EVERYWHERE, frozenset(), "tally")

# A transaction below the oldest one still running has ended: its samples are all there, and no more will come.
ENDED = """
SELECT pg_snapshot_xmin(now)::text::bigint, pg_snapshot_xmax(now)::text::bigint FROM pg_current_snapshot() AS now
"""

#: a mark that no transaction reaches: from now on whoever asks counts person by person
NEVER = 2**63 - 1

# Nothing is locked or written while no sample waits: this is asked several times a second, also in the quietest night.
WAITING = """
SELECT NOT EXISTS (SELECT FROM screening_tallymark) OR EXISTS (
    SELECT FROM screening_tallymark k WHERE k.xid_until < %(never)s AND (
        k.xid_until > pg_snapshot_xmax(pg_current_snapshot())::text::bigint
        OR EXISTS (SELECT FROM specimens_sample s WHERE s.xid >= k.xid_until AND s.round IS NOT NULL)))
"""

# Where the roster places a person stands beside the sample, or is looked up by its key.
COUNT = """
WITH fresh AS (
    SELECT s.county, s.round, place.code, count(*) AS people
    FROM specimens_sample s
    CROSS JOIN LATERAL (SELECT CASE WHEN s.roster_code IS NOT NULL THEN s.roster_code ELSE (
        SELECT m.division_code FROM screening_rosterentry m
        WHERE m.county = s.county AND m.round = s.round AND m.resident = s.resident) END AS code) AS place
    WHERE s.xid >= %(start)s AND s.xid < %(until)s AND s.round IS NOT NULL AND s.attempt = 1
    GROUP BY 1, 2, 3
)
UPDATE screening_rostertally t SET sampled = t.sampled + fresh.people FROM fresh
WHERE t.county = fresh.county AND t.round = fresh.round AND t.division_code = fresh.code
"""


def tally_samples() -> int:
    """Count the samples of ended transactions into their grids and return in how many grids something changed.

    Each sample is counted once, whatever ends half way; several workers wait for each other.
    """
    with acting(TALLIER), by_index(), connection.cursor() as cursor:
        cursor.execute(WAITING, {"never": NEVER})
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("INSERT INTO screening_tallymark (id, xid_until) VALUES (1, 0) ON CONFLICT (id) DO NOTHING")
        cursor.execute("SELECT xid_until FROM screening_tallymark WHERE id = 1 FOR UPDATE")
        [start] = cursor.fetchone()
        cursor.execute(ENDED)
        until, newest = cursor.fetchone()
        if newest < start:
            # a backup in a new cluster, where transactions are numbered anew: what was counted is not to be told
            cursor.execute("UPDATE screening_tallymark SET xid_until = %s WHERE id = 1", [NEVER])
            return 0
        if until <= start:
            return 0
        cursor.execute(COUNT, {"start": start, "until": until})
        changed = cursor.rowcount
        cursor.execute("UPDATE screening_tallymark SET xid_until = %s WHERE id = 1", [until])
        return changed
