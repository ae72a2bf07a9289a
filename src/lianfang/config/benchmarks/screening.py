"""Samples registered at a city's speed: the real server over HTTP, beside the same statements without it."""

import math
import os
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

from lianfang.config.benchmarks.bare import bare
from lianfang.config.benchmarks.city import COUNTY, LO, City, build_city
from lianfang.config.benchmarks.house import serving, serving_obvious
from lianfang.config.benchmarks.load import BATCH, MODES, TUBE, Found, run_burst, run_mode, run_obvious, shots
from lianfang.config.benchmarks.phones import run_phones
from lianfang.config.benchmarks.scratch import Say, scratch_database
from lianfang.kit.clock import machine_now

DATABASE = "lianfang_bench_screening"
PHONES = 26_000
CONNECTIONS = 16
#: people a second that no mode reaches on two cores: how many are set aside for a run
MOST = {"single": 4_000, "tube": 30_000, "batch": 90_000}
#: and that the database alone does not reach
MOST_BARE = {"single": 9_000, "tube": 60_000, "batch": 180_000}
#: the steady rate of the open loop, in people a second, and how many times that its burst is
STEADY, BURST = 500, 5
#: people of a request of the largest kind
WHOLE = TUBE * BATCH

VERIFY = """
SELECT (SELECT count(*) FROM bench_acknowledged),
       (SELECT count(*) FROM specimens_sample WHERE county = {county} AND round = ANY(%(rounds)s::uuid[])),
       (SELECT count(*) FROM bench_acknowledged a WHERE NOT EXISTS (
            SELECT FROM specimens_sample s WHERE s.county = {county} AND s.tube = a.tube AND s.id = a.sample)),
       (SELECT count(*) - count(DISTINCT id) FROM specimens_sample WHERE round = ANY(%(rounds)s::uuid[]))
       + (SELECT count(*) - count(DISTINCT (round, resident)) FROM specimens_sample WHERE round = ANY(%(rounds)s::uuid[]))
       + (SELECT count(*) FROM specimens_tube t WHERE t.round = ANY(%(rounds)s::uuid[]) AND t.filled <> (
            SELECT count(*) FROM specimens_sample s WHERE s.county = t.county AND s.tube = t.id))
"""


@dataclass
class Run:
    """A measurement under way: the city, the process that plays the phones, and the people nobody has sampled yet."""

    city: City
    phones: Executor
    moment: str
    say: Say
    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    taken: list[int] = field(default_factory=lambda: [0, 0])

    def people(self, wanted: float, round: int = 0) -> range:
        """Set people of the city aside for a run, as many as are left: whole batches, the phones' own people excepted."""
        start = self.taken[round]
        most = self.city.people - (self.for_phones if round == 0 else 0)
        self.taken[round] = max(start, min(most, start + math.ceil(wanted / WHOLE) * WHOLE))
        return range(start, self.taken[round])

    @property
    def for_phones(self) -> int:
        """How many people the phones on bad lines are to register: a tube each, and never more than half of the city."""
        return min(len(self.city.tokens) * TUBE, self.city.people // 2)


def bench_screening(people: int, seconds: float, say: Say = lambda line: None, phones: int = PHONES) -> dict[str, Any]:
    """Register samples one by one, by tubes and by batches, and return what was measured, verified in the database.

    ``people``: size of the roster; ``seconds``: of load, shared out among the runs; ``phones``: devices. Every rate is
    people per second, every ``_ms`` milliseconds.
    """
    with scratch_database(DATABASE, say) as name:
        city = build_city(people, phones, 2, say)
        with ProcessPoolExecutor(1, get_context("spawn")) as playing:
            run = Run(city, playing, machine_now().isoformat(), say)
            found: dict[str, Any] = {
                "people": people, "cores": os.cpu_count(), "seconds": seconds,
                "freeze_seconds": round(city.freeze_seconds, 1),
            }  # fmt: skip
            with serving(name) as port:
                found |= _measure(run, ("127.0.0.1", port), seconds)
            for mode in MODES:
                say(f"the same statements without the server: {mode}")
                size = seconds / 12
                todo = shots(mode, run.people(MOST_BARE[mode] * size, 1), city.rounds[1], city.tokens, run.moment)
                found[f"bare_{mode}"] = round(bare(todo, size))
                found[f"ratio_{mode}"] = round(found[f"people_per_second_{mode}"] / found[f"bare_{mode}"], 2)
            with serving_obvious(name) as port:
                say("the obvious way: one ORM insert for each person and request")
                chosen = run.people(MOST["single"] * seconds / 12, 1)
                obvious = playing.submit(
                    run_obvious,
                    ("127.0.0.1", port),
                    city,
                    chosen,
                    city.rounds[1],
                    run.moment,
                    seconds / 12,
                    CONNECTIONS,
                ).result()
                found["obvious_single"] = round(len(obvious.acknowledged) / obvious.seconds)
        return found | _verified(run)


def _measure(run: Run, address: tuple[str, int], seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for mode in MODES:
        run.say(f"as fast as answers come: {mode}")
        size = seconds / 6
        chosen = run.people(MOST[mode] * size)
        written = log_position()
        with coverage_watched(run.city) as coverage:
            fast = _submit(run, address, mode, chosen, size, 0)
        rate = len(fast.acknowledged) / fast.seconds
        found[f"log_bytes_per_person_{mode}"] = round((log_position() - written) / max(1, len(fast.acknowledged)))
        run.say(f"at half of that: {mode}")
        half = _submit(run, address, mode, run.people(rate * seconds / 20), seconds / 20, rate / 2)
        found |= {
            f"people_per_second_{mode}": round(rate), f"p50_ms_{mode}": half.percentile(0.5),
            f"p99_ms_{mode}": half.percentile(0.99), f"full_p50_ms_{mode}": fast.percentile(0.5),
            f"full_p99_ms_{mode}": fast.percentile(0.99), f"coverage_ms_{mode}": coverage.milliseconds(),
        }  # fmt: skip
    found["burst_people_per_second"] = STEADY * BURST
    for mode in ("single", "tube"):
        run.say(f"{STEADY} people a second, a burst of {BURST} times that in the middle: {mode}")
        chosen = run.people(STEADY * seconds / 6 + STEADY * BURST * seconds / 30)
        burst = _keep(run, run.phones.submit(
            run_burst, address, run.city, mode, chosen, run.city.rounds[0], run.moment, STEADY, BURST, seconds,
            CONNECTIONS * 2,
        ).result())  # fmt: skip
        found[f"burst_p99_ms_{mode}"] = burst.percentile(0.99)
    run.say(f"{len(run.city.tokens):,} phones with 300 ms delay and 3 % of messages lost")
    phones = _keep(run, run.phones.submit(
        run_phones, address, run.city, range(run.city.people - run.for_phones, run.city.people), run.city.rounds[0], run.moment, seconds / 3
    ).result())  # fmt: skip
    return found | {
        "phones": len(phones.latencies), "phones_people": len(phones.acknowledged), "phones_retries": phones.retries,
        "phones_seconds": round(phones.seconds, 1),
    }  # fmt: skip


def _submit(run: Run, address: tuple[str, int], mode: str, people: range, seconds: float, rate: float) -> Found:
    job = run.phones.submit(
        run_mode, address, run.city, mode, people, run.city.rounds[0], run.moment, seconds, rate, CONNECTIONS
    )
    return _keep(run, job.result())


def _keep(run: Run, found: Found) -> Found:
    if set(found.statuses) - {200, 0}:
        raise AssertionError(f"answers by status: {found.statuses}")
    run.acknowledged += found.acknowledged
    return found


def log_position() -> int:
    """Return how many bytes the database has ever written to its log."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
        return int(cursor.fetchone()[0])


class Watched:
    """How long a round's coverage by grid took, again and again while the load ran."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.over = threading.Event()

    def milliseconds(self) -> float:
        """Return the median."""
        ordered = sorted(self.seconds)
        return round(1000 * ordered[len(ordered) // 2], 1) if ordered else 0.0


@contextmanager
def coverage_watched(city: City) -> Iterator[Watched]:
    """Ask for the coverage of the whole round by grid each second while something else happens."""
    watched = Watched()

    def watch() -> None:
        from django.db import connections

        from lianfang.core.access.rules import Actor
        from lianfang.kit.codes import unit_range
        from lianfang.response.screening.permissions import PERMISSIONS
        from lianfang.response.screening.queries import coverage

        by = Actor(uuid.UUID(int=9), uuid.UUID(int=9), "commander", "command", unit_range(LO), frozenset(PERMISSIONS))
        try:
            while not watched.over.wait(1.0):
                began = time.perf_counter()
                grids = coverage(uuid.UUID(city.rounds[0]), by=by)
                watched.seconds.append(time.perf_counter() - began)
                if sum(grid.account.frozen for grid in grids) != city.people:
                    raise AssertionError("the coverage does not count everybody")
        finally:
            connections.close_all()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield watched
    finally:
        watched.over.set()
        thread.join()


def _verified(run: Run) -> dict[str, int]:
    run.say("looking for every acknowledged sample in the database")
    return verified(run.acknowledged, run.city.rounds[:1])


def verified(acknowledged: Sequence[tuple[str, str]], rounds: Sequence[str]) -> dict[str, int]:
    """Compare what was acknowledged (tube, sample) with what the rounds hold: anything lost, anything twice."""
    from django.db import connections

    from lianfang.core.access.actions import ADMINISTRATION
    from lianfang.core.access.scope import acting

    with acting(ADMINISTRATION, "owner"), connections["owner"].cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE bench_acknowledged (tube uuid, sample uuid) ON COMMIT DROP")
        with cursor.copy("COPY bench_acknowledged FROM STDIN") as rows:
            for row in acknowledged:
                rows.write_row(row)
        cursor.execute("ANALYZE bench_acknowledged")
        cursor.execute(VERIFY.format(county=COUNTY), {"rounds": list(rounds)})
        acked, stored, lost, duplicated = cursor.fetchone()
        cursor.execute(
            "SELECT pg_total_relation_size('specimens_sample') / greatest(1, count(*)) FROM specimens_sample"
        )
        [size] = cursor.fetchone()
    return {
        "acknowledged": acked, "stored": stored, "lost": lost, "duplicated": duplicated, "bytes_per_sample": int(size)
    }  # fmt: skip
