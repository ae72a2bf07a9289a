"""The day rolled over: two duties each for a million people."""

import os
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context

from lianfang.config.benchmarks.scratch import Say, scratch_database
from lianfang.config.prepare import set_up_django

COUNTY = 469021
KINDS = ("bench_morning_check", "bench_evening_check")

FACTS = """
CREATE UNLOGGED TABLE bench_monitored AS
SELECT md5(n::text)::uuid AS person, {county}::bigint * 1000000000 + (n / 2000) * 1000 + n %% 7 + 1 AS division_code,
       date '2022-07-14' - n %% 7 AS day_0
FROM generate_series(1, %s) AS n
"""

# the plan is a handful of rows for a whole class of people: one join makes everybody's duties of the day
DESIRED = """
SELECT 'resident', person, plan.kind, to_char(%(today)s::date, 'YYYY-MM-DD'), division_code, 'grid_worker', NULL::uuid,
       plan.rule, person, %(midnight)s::timestamptz + plan.opens, %(midnight)s::timestamptz + plan.due
FROM bench_monitored CROSS JOIN unnest(%(kinds)s::text[], %(rules)s::text[], %(opens)s::interval[], %(due)s::interval[])
     AS plan (kind, rule, opens, due)
"""


def bench_duties(people: int, say: Say = lambda line: None) -> dict[str, float]:
    """Open two duties each for so many people, one process per kind of duty, and count them afterwards.

    Returns ``people``, ``duties`` (counted in the ledger), ``seconds`` (wall clock, commit included), ``transitions``
    (rows of the log), ``again_seconds`` (the same reconciliation once more, which must change nothing) and ``processes``.
    """
    with scratch_database("lianfang_bench_duties", say) as name:
        from django.db import connections

        say(f"making {people:,} people under monitoring")
        with connections["owner"].cursor() as cursor:
            cursor.execute(FACTS.format(county=COUNTY), [people])
            cursor.execute("GRANT SELECT ON bench_monitored TO PUBLIC")
            cursor.execute("ANALYZE bench_monitored")
        connections.close_all()
        say("opening their duties of the day")
        seconds, opened = _roll(name)
        say("rolling the same day over again")
        again, changed = _roll(name)
        duties, transitions = _count()
    if changed or opened != duties:
        raise AssertionError(f"opened {opened}, found {duties}, changed {changed} when repeated")
    return {
        "people": people, "duties": duties, "seconds": round(seconds, 2), "transitions": transitions,
        "again_seconds": round(again, 2), "processes": min(len(KINDS), os.cpu_count() or 1),
    }  # fmt: skip


def _roll(name: str) -> tuple[float, int]:
    started = time.perf_counter()
    workers = min(len(KINDS), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        changes = list(pool.map(_roll_kind, [name] * len(KINDS), KINDS, range(len(KINDS))))
    return time.perf_counter() - started, sum(changes)


def _roll_kind(name: str, kind: str, slot: int) -> int:
    set_up_django(database=name)
    from lianfang.core.access.rules import Actor
    from lianfang.core.duties.actions import reconcile
    from lianfang.core.duties.rules import Desired
    from lianfang.kit.clock import local
    from lianfang.kit.codes import code_range

    by = Actor(uuid.UUID(int=3), uuid.UUID(int=3), "commander", "command", code_range(COUNTY), frozenset())
    midnight = local("2022-07-14")
    opens = timedelta(hours=8 + 8 * slot)
    params = {
        "today": midnight.date(), "midnight": midnight, "kinds": [kind], "rules": [f"bench/{kind}"],
        "opens": [opens], "due": [opens + timedelta(hours=4)],
    }  # fmt: skip
    changes = reconcile(
        Desired((kind,), DESIRED, params), by=by, county=COUNTY, valid_at=midnight, cause=uuid.UUID(int=slot)
    )
    return sum(changes.astuple())


def _count() -> tuple[int, int]:
    from lianfang.core.access.rules import Actor
    from lianfang.core.access.scope import acting
    from lianfang.kit.codes import code_range

    by = Actor(uuid.UUID(int=3), uuid.UUID(int=3), "commander", "command", code_range(COUNTY), frozenset())
    from django.db import connection

    with acting(by), connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM duties_duty), (SELECT count(*) FROM duties_transition)")
        duties, transitions = cursor.fetchone()
        return duties, transitions
