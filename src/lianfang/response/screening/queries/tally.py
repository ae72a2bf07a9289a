"""The account of a whole city at present: the tally of its grids, and the few people who are not in it.

What `STANDING` would count person by person, summed from the tally and its slips and corrected by whoever differs from
them: samples that did not hold, people found, people excluded. Both are compared by the tests.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, planned
from lianfang.kit.codes import CodeRange
from lianfang.response.screening.queries.standing import asked_of
from lianfang.response.screening.rules import Account
from lianfang.response.specimens.queries import STANDS, UNUSABLE_TUBES, VOIDED_SAMPLES
from lianfang.response.specimens.rules import county_hand

# Whether somebody (round, resident of x) has a sample that holds; looked up by key for each of a few people.
HOLDS = f"""
(SELECT 1 FROM specimens_sample s WHERE s.county = %(county)s AND s.round = x.round AND s.resident = x.resident
   AND s.tube NOT IN (SELECT tube FROM unusable) AND {STANDS} LIMIT 1)
"""  # noqa: S608 - made of constants

# Where the roster places somebody of x; looked up by its key, because a city's roster is not read for a few people.
PLACE = """
CROSS JOIN LATERAL (SELECT m.division_code FROM screening_rosterentry m
                    WHERE m.county = %(county)s AND m.round = x.round AND m.resident = x.resident LIMIT 1) AS place
"""

# The few tubes that failed are looked into one by one (OFFSET 0 keeps the planner from reading all samples instead).
ACCOUNTS = f"""
WITH unusable AS MATERIALIZED ({UNUSABLE_TUBES}),
voided AS MATERIALIZED ({VOIDED_SAMPLES}),
failed AS (
    SELECT s.round, s.resident FROM unusable u CROSS JOIN LATERAL (
        SELECT s.round, s.resident FROM specimens_sample s
        WHERE s.county = %(county)s AND s.tube = u.tube AND s.round = ANY(%(rounds)s) AND s.attempt = 1 OFFSET 0) AS s
    UNION
    SELECT s.round, s.resident FROM voided v CROSS JOIN LATERAL (
        SELECT s.round, s.resident FROM specimens_sample s
        WHERE s.county = %(county)s AND s.tube = v.tube AND s.id = v.sample AND s.round = ANY(%(rounds)s)
          AND s.attempt = 1 OFFSET 0) AS s
),
part (round, division_code, frozen, added, sampled, excluded) AS (
    SELECT t.round, t.division_code, t.frozen, 0, t.sampled, 0 FROM screening_rostertally t
    WHERE t.county = %(county)s AND t.round = ANY(%(rounds)s)
    UNION ALL
    SELECT x.round, x.division_code, 0, 0, x.people, 0 FROM screening_rosterslip x
    WHERE x.county = %(county)s AND x.round = ANY(%(rounds)s)
    UNION ALL
    SELECT x.round, place.division_code, 0, 0, -1, 0 FROM failed x {PLACE}
    WHERE {HOLDS} IS NULL
    UNION ALL
    SELECT x.round, x.division_code, 0, 1, coalesce({HOLDS}, 0), 0 FROM screening_foundentry x
    WHERE x.county = %(county)s AND x.round = ANY(%(rounds)s)
    UNION ALL
    SELECT x.round, x.division_code, 0, 0, 0, 1 FROM screening_exclusion x
    WHERE x.county = %(county)s AND x.round = ANY(%(rounds)s) AND x.withdrawn_at IS NULL AND {HOLDS} IS NULL
)
SELECT {{key}}, sum(frozen)::int, sum(added)::int, sum(sampled)::int, sum(excluded)::int,
       sum(frozen + added - sampled - excluded)::int
FROM part WHERE division_code BETWEEN %(lo)s AND %(hi)s GROUP BY 1
"""  # noqa: S608 - made of constants

ALL_TALLIED = """
SELECT NOT EXISTS (SELECT FROM unnest(%(rounds)s::uuid[]) AS asked (round) WHERE NOT EXISTS (
    SELECT FROM screening_rostertally t WHERE t.county = %(county)s AND t.round = asked.round))
"""


def tallied(by: Actor, rounds: Sequence[uuid.UUID], key: str, within: CodeRange | None) -> dict[Any, Account] | None:
    """Return the accounts of rounds at present by a key over ``round`` and ``division_code``, or None without a tally."""
    params = asked_of(by, rounds, None, within)
    # the few that failed, were found or excluded are looked up by key: a table of samples is never read for them
    with acting(county_hand(by, params["county"])), planned(enable_seqscan="off"), connection.cursor() as cursor:
        cursor.execute(ALL_TALLIED, params)
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(ACCOUNTS.format(key=key), params)
        return {row[0]: Account(*row[1:]) for row in cursor.fetchall() if row[1] or row[2]}
