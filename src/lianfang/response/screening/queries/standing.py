"""Who stands where in a round: the one statement from which counts and their lists are made.

It is read with the county's hand, because a sample or exclusion may lie in a neighbour's area, and bounded in every list
by the actor's own range of codes.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, planned, planned_wide
from lianfang.core.people.actions import county_cipher
from lianfang.core.people.queries import mask_phone
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import CodeRange
from lianfang.response.command.queries import county_in_view
from lianfang.response.specimens.queries import SAMPLED_IN_ROUNDS
from lianfang.response.specimens.rules import county_hand

#: stands where a statement about a few people is told to look each of them up by index
PROBE = "/* probe */"

#: who stands where in some rounds and a range of codes, as known at an instant; params: county, rounds, at, lo, hi
STANDING = f"""
WITH member AS (
    SELECT m.round, m.resident, m.division_code, m.household, NULL::text AS found_as FROM screening_rosterentry m
    WHERE m.county = %(county)s AND m.round = ANY(%(rounds)s) AND m.division_code BETWEEN %(lo)s AND %(hi)s
    UNION ALL
    SELECT f.round, f.resident, f.division_code, f.household, f.reason FROM screening_foundentry f
    WHERE f.county = %(county)s AND f.round = ANY(%(rounds)s) AND f.division_code BETWEEN %(lo)s AND %(hi)s
      AND f.recorded_at <= %(at)s
),
standing AS (
    SELECT m.*, m.found_as IS NOT NULL AS added, e.reason, e.where, e.id AS exclusion, e.recorded_by,
           CASE WHEN s.resident IS NOT NULL OR EXISTS (
                    SELECT 1 FROM ({SAMPLED_IN_ROUNDS}) AS again
                    WHERE again.round = m.round AND again.resident = m.resident AND again.attempt > 1) THEN 'sampled'
                WHEN e.resident IS NOT NULL THEN 'excluded' ELSE 'missing' END AS standing
    FROM member m
    LEFT JOIN LATERAL (
        SELECT s.resident FROM ({SAMPLED_IN_ROUNDS}) AS s
        WHERE s.round = m.round AND s.resident = m.resident AND s.attempt = 1 {PROBE}) AS s ON true
    LEFT JOIN LATERAL (
        SELECT e.id, e.resident, e.reason, e.where, e.recorded_by FROM screening_exclusion e
        WHERE e.county = %(county)s AND e.round = ANY(%(rounds)s) AND e.round = m.round AND e.resident = m.resident
          AND e.recorded_at <= %(at)s AND (e.withdrawn_at IS NULL OR e.withdrawn_recorded_at > %(at)s) {PROBE}
    ) AS e ON true
)
"""  # noqa: S608 - made of constants

#: what makes an `Account` of rows of `standing`, named t
COUNTS = """
count(*) FILTER (WHERE NOT t.added) AS frozen, count(*) FILTER (WHERE t.added) AS added,
count(*) FILTER (WHERE t.standing = 'sampled') AS sampled, count(*) FILTER (WHERE t.standing = 'excluded') AS excluded,
count(*) - count(*) FILTER (WHERE t.standing = 'sampled') - count(*) FILTER (WHERE t.standing = 'excluded') AS missing
"""

#: params: on
UNIT_NAME = """
(SELECT d.name FROM territory_division d WHERE d.code = {code} AND d.valid_from <= %(on)s
    AND (d.valid_until IS NULL OR d.valid_until > %(on)s) ORDER BY d.valid_from DESC LIMIT 1)
"""

# The grid's own worker comes first, then whoever of the community line answers for the smallest unit around it.
RESPONSIBLE = """
LEFT JOIN LATERAL (
    SELECT p.id AS post, p.title, (
        SELECT a.title FROM access_grant g JOIN access_account a ON a.id = g.account_id
        WHERE g.post_id = p.id AND g.valid_from <= %(at)s AND (g.valid_until IS NULL OR g.valid_until > %(at)s)
        ORDER BY g.valid_from DESC LIMIT 1) AS holder
    FROM access_post p
    WHERE {code} BETWEEN p.division_code AND p.code_hi AND (p.role_id = 'grid_worker' OR p.line_id = 'community')
    ORDER BY p.role_id <> 'grid_worker', p.code_hi - p.division_code, p.title LIMIT 1
) AS responsible ON true
"""


def masked(cipher: bytes | None, county: int) -> str:
    """Return a phone number as lists show it, or nothing when there is none."""
    return mask_phone(county_cipher(county).open(bytes(cipher))) if cipher is not None else ""


def asked_of(
    by: Actor, rounds: Sequence[uuid.UUID], at: datetime | None, within: CodeRange | None = None
) -> dict[str, Any]:
    """Return the parameters that statements about rounds share: which, as known when, in which range of codes."""
    span, instant = within or by.scope, at or response_now()
    return {
        "county": county_in_view(by), "rounds": list(rounds), "at": instant, "on": local_date(instant),
        "lo": max(span.lo, by.scope.lo), "hi": min(span.hi, by.scope.hi),
    }  # fmt: skip


def fetched(by: Actor, statement: str, params: dict[str, Any]) -> list[Any]:
    """Return the rows of a statement, read with the county's hand and planned for one grid or for many."""
    wide = params["lo"] // 1000 != params["hi"] // 1000
    if not wide:
        statement = statement.replace(PROBE, "LIMIT 1")
    with acting(county_hand(by, params["county"])), planned_wide(wide), swept(wide), connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


@contextmanager
def swept(wide: bool) -> Iterator[None]:
    """Keep the planner from fetching a roster row by row in the order of an index, and from sorting it to group it.

    300,000 people then take twice as long as when their pages are read once and hashed.
    """
    if not wide:
        yield
        return
    with planned(enable_indexscan="off", enable_sort="off"):
        yield
