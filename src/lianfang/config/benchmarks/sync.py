"""A community on a phone: brought up to date over HTTP by the real server, beside the way that pages through lists."""

import gzip
import http.client
import json
import statistics
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lianfang.config.benchmarks.city import COUNTY
from lianfang.config.benchmarks.community import HOUSEHOLDS, PEOPLE, VISIT, Community, build_community
from lianfang.config.benchmarks.house import serving, serving_obvious
from lianfang.config.benchmarks.scratch import Say, scratch_database

DATABASE = "lianfang_bench_sync"
#: of Ding'an at the census of 2020
COUNTY_PEOPLE = 284_690
TIMES, CHANGED_TIMES, CHANGED = 20, 5, 30
PAGE = 100


@dataclass
class Line:
    """One connection of a phone, and how many bytes came over it."""

    port: int
    token: str = ""
    bytes: int = 0
    requests: int = 0
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send a request and return what its answer says; anything but 200 ends the measurement."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept-Encoding": "gzip",
            "Content-Type": "application/json",
        }
        self.connection.request(method, path, json.dumps(body).encode() if body is not None else None, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise AssertionError(f"{method} {path} answered {answer.status}: {content[:500]!r}")
        self.requests += 1
        self.bytes += len(content) + sum(len(name) + len(value) + 4 for name, value in answer.getheaders()) + 19
        return json.loads(gzip.decompress(content) if answer.getheader("Content-Encoding") == "gzip" else content)


@dataclass
class Phone:
    """A phone as it keeps what it was sent: rows by bucket, and the digest of each."""

    line: Line
    buckets: dict[str, dict[str, Any]] = field(default_factory=dict)

    def sync(self) -> float:
        """Bring the phone up to date and return how many seconds that took, the unpacked answer put away included."""
        began, more = time.perf_counter(), True
        while more:
            have = {name: bucket["digest"] for name, bucket in self.buckets.items()}
            answer = self.line.ask("POST", "/api/field/sync", {"have": have})
            self.buckets |= answer["changed"]
            for name in answer["gone"]:
                self.buckets.pop(name, None)
            more = answer["more"]
        return time.perf_counter() - began

    def rows(self, head: str) -> int:
        """Count the rows of all buckets that begin with a word."""
        return sum(len(one["rows"]) for name, one in self.buckets.items() if name.partition(":")[0] == head)


def bench_sync(people: int = COUNTY_PEOPLE, say: Say = lambda line: None) -> dict[str, Any]:
    """Bring the phone of a community's officer up to date and return what was measured and counted.

    ``people``: in the county. ``first_bytes`` are those of the answer on the wire, compressed, with its head;
    ``later_ms`` is the median with nothing changed, ``later_changed_ms`` after thirty duties were done by somebody else.
    ``naive_``: the same people and duties by one request for each hundred rows.
    """
    with scratch_database(DATABASE, say) as name:
        community = build_community(people, say)
        with serving(name) as port:
            found = _measured(community, port, say)
            say("the same by lists of a hundred rows")
            found |= _naive(name, community, port)
        return found | _counted(community)


def _measured(community: Community, port: int, say: Say) -> dict[str, Any]:
    say("signing in and bringing the phone up to date for the first time")
    credentials = {
        "username": community.username, "password": community.password, "device": str(community.device),
        "device_secret": community.secret,
    }  # fmt: skip
    token = Line(port).ask("POST", "/api/sign-in", credentials)[0]["token"]
    seconds, sizes = [], []
    for _ in range(3):  # a new phone each time: the first answer of a server that has just begun, and those after it
        phone = Phone(Line(port, token))
        seconds.append(phone.sync())
        sizes.append(phone.line.bytes)
    kept = {name: phone.rows(name) for name in ("homes", "people", "duties")}
    if (kept["homes"], kept["people"]) != (HOUSEHOLDS, PEOPLE):
        raise AssertionError(f"the phone has {kept}, not {HOUSEHOLDS} households and {PEOPLE} people")
    say("the same again with nothing changed")
    later = [phone.sync() for _ in range(TIMES)]
    say(f"after {CHANGED} duties were done by somebody else")
    changed = []
    for _ in range(CHANGED_TIMES):
        _finish_some(community)
        changed.append(phone.sync())
    if phone.rows("duties") != kept["duties"] - CHANGED * CHANGED_TIMES:
        raise AssertionError("the phone still has duties that somebody else has done")
    return {
        "households": kept["homes"], "people": kept["people"], "duties": kept["duties"],
        "first_seconds": round(seconds[0], 3), "first_again_seconds": round(min(seconds), 3), "first_bytes": max(sizes),
        "later_ms": round(1000 * statistics.median(later), 1), "later_most_ms": round(1000 * max(later), 1),
        "later_changed_ms": round(1000 * statistics.median(changed), 1), "duties_changed": CHANGED,
    }  # fmt: skip


def _finish_some(community: Community) -> None:
    """Let somebody else do duties of the community, spread over all of its grids."""
    from lianfang.core.access.rules import Actor
    from lianfang.core.access.scope import acting
    from lianfang.core.duties.actions import finish_duties
    from lianfang.core.duties.models import Duty
    from lianfang.kit.clock import machine_now
    from lianfang.kit.codes import code_range

    area = code_range(community.code)
    by = Actor(uuid.UUID(int=6), uuid.UUID(int=6), "community", "community", area, frozenset())
    with acting(by):
        rows = Duty.objects.filter(
            division_code__range=(area.lo, area.hi), kind=VISIT, state="outstanding"
        ).order_by("subject")  # fmt: skip
        keys = list(rows.values_list("subject", "period")[:CHANGED])
    done = finish_duties(
        keys, kind=VISIT, by=by, county=COUNTY, outcome="visited", valid_at=machine_now(), cause=uuid.UUID(int=7)
    )
    if done != CHANGED:
        raise AssertionError(f"{done} duties were done, not {CHANGED}")


def _naive(database: str, community: Community, port: int) -> dict[str, Any]:
    with serving_obvious(database) as obvious:
        duties, people = Line(port, community.token), Line(obvious, community.token)
        began = time.perf_counter()
        counted = sum(1 for _ in _pages(duties, "/api/duties")), sum(1 for _ in _pages(people, "/api/people"))
        seconds = time.perf_counter() - began
    if counted[1] != PEOPLE:
        raise AssertionError(f"the lists hold {counted[1]} people, not {PEOPLE}")
    return {
        "naive_seconds": round(seconds, 2), "naive_bytes": duties.bytes + people.bytes,
        "naive_requests": duties.requests + people.requests,
    }  # fmt: skip


def _pages(line: Line, path: str) -> Iterator[Any]:
    offset = 0
    while rows := line.ask("GET", f"{path}?limit={PAGE}&offset={offset}"):
        yield from rows
        offset += len(rows)


def _counted(community: Community) -> dict[str, Any]:
    """Count the county, and the statements of a synchronisation in this process."""
    from django.db import connection

    from lianfang.core.access.actions import ADMINISTRATION
    from lianfang.core.access.scope import acting
    from lianfang.core.access.sign_in import actor_of_token
    from lianfang.surfaces.field.phone.carrying import synchronise

    by = actor_of_token(community.token)
    with counting_statements() as statements:
        synchronise({}, by=by)
    with acting(ADMINISTRATION, "default"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*), (SELECT count(*) FROM duties_duty) FROM people_resident")
        people, duties = cursor.fetchone()
    return {"county_people": people, "county_duties": duties, "statements": len(statements)}


@contextmanager
def counting_statements() -> Iterator[list[str]]:
    """Collect the statements that run inside of the block."""
    from django.db import connection

    said: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        said.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield said
