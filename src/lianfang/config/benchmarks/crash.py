"""Server and database killed (-9) under load, three times: every acknowledged sample must be there once."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from typing import Any

import psutil

from lianfang.config.benchmarks import house
from lianfang.config.benchmarks.city import City, build_city
from lianfang.config.benchmarks.load import Found, Line, Shot, fire, shared, shots, together
from lianfang.config.benchmarks.scratch import Say, scratch_database
from lianfang.config.benchmarks.screening import verified
from lianfang.config.home import NotReady, current_home
from lianfang.config.postgres import EmbeddedCluster, server_of
from lianfang.kit.clock import machine_now

DATABASE = "lianfang_bench_crash"
CRASHES = 3
CONNECTIONS = 8
#: requests of each kind that are under way when everything dies
SHARES = {"single": 0.2, "tube": 0.4, "batch": 0.4}


def bench_crash(people: int, seconds: float, say: Say = lambda line: None) -> dict[str, Any]:
    """Kill everything three times while phones send until each has its receipt; count what was lost and what is twice."""
    if not isinstance(server_of(current_home()), EmbeddedCluster):
        raise NotReady(
            "This kills the database it measures. Unset LIANFANG_DATABASE_URL, so that it is the embedded one."
        )
    with scratch_database(DATABASE, say) as name:
        city = build_city(people, 1000, 1, say)
        port = house.free_port()
        server = house.start(name, port)
        with ProcessPoolExecutor(1, get_context("spawn")) as phones:
            moment = machine_now().isoformat()
            wait = seconds / (CRASHES + 1)
            phones.submit(make_ready, city, moment).result()
            job = phones.submit(send_until_acknowledged, ("127.0.0.1", port), seconds)
            for number in range(1, CRASHES + 1):
                time.sleep(wait)
                say(f"crash {number}: killing server and database")
                killed = kill_everything(server)
                server = house.start(name, port)
                say(f"crash {number}: {killed} processes killed, answers again")
            sent = job.result()
        house.end(server)
        from django.db import connections

        connections.close_all()
        found = verified(sent.acknowledged, city.rounds)
    return {"crashes": CRASHES, "retries": sent.retries, "seconds": round(sent.seconds, 1), **found}


def kill_everything(server: subprocess.Popen[bytes]) -> int:
    """Kill the server with all its children, and PostgreSQL with all of its, and return how many that were."""
    doomed = psutil.Process(server.pid).children(recursive=True) + EmbeddedCluster(current_home()).processes()
    doomed.append(psutil.Process(server.pid))
    for process in doomed:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    psutil.wait_procs(doomed, 20)
    server.wait()
    return len(doomed)


#: what the process of the phones will send, by mode; made before the first crash is waited for
_ready: list[list[Shot]] = []


def make_ready(city: City, moment: str) -> None:
    """Make the requests of each mode in this process, which takes longer than the wait for a crash."""
    start = 0
    for mode, share in SHARES.items():
        stop = start + int(city.people * share) // 200 * 200
        _ready.append(shots(mode, range(start, stop), city.rounds[0], city.tokens, moment))
        start = stop


def send_until_acknowledged(address: tuple[str, int], seconds: float) -> Found:
    """Send as phones do, mixed in size, each request again until it has its receipt; stop when the time is over.

    What was sent last is still sent until it is acknowledged.
    """
    until = time.monotonic() + seconds
    shares = zip(*(shared(kind, CONNECTIONS) for kind in _ready), strict=True)
    return together([partial(_send, address, share, until) for share in shares])


def _send(address: tuple[str, int], kinds: Sequence[Sequence[Shot]], until: float, found: Found) -> None:
    line = Line(address)
    waiting = [iter(kind) for kind in kinds]
    while waiting and time.monotonic() < until:
        for kind in list(waiting):
            one = next(kind, None)
            if one is None:
                waiting.remove(kind)
            else:
                _insist(line, one, found)


def _insist(line: Line, one: Shot, found: Found) -> None:
    before = len(found.acknowledged)
    while len(found.acknowledged) == before:
        with suppress(OSError, ValueError):  # nobody answered, or not to the end
            fire(line, one, found)
        if len(found.acknowledged) == before:
            found.retries += 1
            time.sleep(0.2)
