"""The phones of a city, in a process of their own: batches of tubes over HTTP, as fast as answers come or on a schedule."""

import json
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from lianfang.config.benchmarks.city import City, grid_of, resident

PATH = "/api/commands/register_tubes"
TUBE = 10
BATCH = 20
#: people in a request of each mode
MODES = {"single": 1, "tube": TUBE, "batch": TUBE * BATCH}


@dataclass(frozen=True)
class Shot:
    """One request ready to be sent, the samples (tube, sample) it registers, the last of its tubes, and its phone's
    token."""

    data: bytes
    samples: tuple[tuple[str, str], ...]
    tube: str
    token: str


@dataclass
class Found:
    """What came of a run: (tube, sample) acknowledged, seconds each answer took, answers by status, wall-clock seconds."""

    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    retries: int = 0
    seconds: float = 0.0

    def percentile(self, share: float) -> float:
        """Return a percentile of the latencies in milliseconds."""
        ordered = sorted(self.latencies)
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else 0.0


_ids = count()
_run = os.urandom(5).hex()


def made_id() -> str:
    """Return an id as a phone makes it (UUIDv7: time first), cheaply."""
    number, millis = next(_ids), time.time_ns() // 1_000_000
    stamp = f"{millis:012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7{number % 4096:03x}-a{number // 4096 % 4096:03x}-{_run}{number // 16777216 % 256:02x}"


def tubes_of(people: Sequence[int], round: str, moment: str, *, tube: str = "") -> list[dict[str, object]]:
    """Return tubes of ten with these people of the city, all of them as a phone at their grid sends them."""
    made = []
    for start in range(0, len(people), TUBE):
        id = tube or made_id()
        made.append(
            {
                "id": id, "code": f"T{id[-24:]}", "mode": "pooled", "capacity": TUBE, "purpose": "area_screening",
                "division_code": grid_of(people[start]), "opened_at": moment, "round": round,
                "samples": [
                    {"id": made_id(), "resident": resident(one), "taken_at": moment} for one in people[start : start + TUBE]
                ],
            }
        )  # fmt: skip
    return made


def request(path: str, token: str, body: bytes) -> bytes:
    """Return an HTTP request with a body of JSON, as its bytes."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def shot(tubes: list[dict[str, object]], token: str, moment: str) -> Shot:
    """Return the request that registers these tubes from the phone that holds a token."""
    body = json.dumps(
        {"id": made_id(), "valid_at": moment, "payload": {"tubes": tubes}}, separators=(",", ":")
    ).encode()
    samples = tuple((str(tube["id"]), sample["id"]) for tube in tubes for sample in tube["samples"])  # type: ignore[attr-defined]
    return Shot(request(PATH, token, body), samples, str(tubes[-1]["id"]), token)


def shots(mode: str, people: range, round: str, tokens: Sequence[str], moment: str) -> list[Shot]:
    """Return requests that register people of the city once each: alone into a tube of ten, by tubes, or by batches.

    One by one, ten requests of one phone follow each other into the same tube.
    """
    size = MODES[mode]
    made: list[Shot] = []
    for number, start in enumerate(range(people.start, people.stop - size + 1, size)):
        phone = tokens[number // (TUBE if size == 1 else 1) % len(tokens)]
        tube = made[-1].tube if size == 1 and number % TUBE else ""
        made.append(shot(tubes_of(range(start, start + size), round, moment, tube=tube), phone, moment))
    return made


class Line:
    """One connection to the server, opened again when it is lost."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address, self.socket = address, socket.socket()
        self._open()

    def _open(self) -> None:
        self.socket.close()
        self.socket = socket.create_connection(self.address, timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, data: bytes) -> tuple[int, bytes]:
        """Send a request and return status and body; raises OSError when no answer came."""
        try:
            self.socket.sendall(data)
            return self._answer()
        except OSError:
            self._open()
            raise

    def _answer(self) -> tuple[int, bytes]:
        got = b""
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self._more()
        head = got[:end].lower()
        start = head.find(b"content-length:")
        if start < 0:  # only what went wrong comes in chunks: nothing of it is needed
            self._open()
            return int(head[9:12]), b""
        length = int(head[start + 15 :].split(b"\r\n", 1)[0])
        while len(got) < end + 4 + length:
            got += self._more()
        return int(head[9:12]), got[end + 4 :]

    def _more(self) -> bytes:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed by the server")
        return data


def fire(line: Line, one: Shot, found: Found) -> None:
    """Send one request and keep its answer: samples count as acknowledged only when the receipt holds all of them."""
    status, body = line.ask(one.data)
    found.statuses[status] = found.statuses.get(status, 0) + 1
    if status == 200 and _samples_in(json.loads(body)) == len(one.samples):
        found.acknowledged += one.samples


def _samples_in(receipt: dict[str, Any]) -> int:
    return int(receipt.get("result", receipt)["samples"])


def shared(todo: Sequence[Shot], connections: int) -> list[list[Shot]]:
    """Share requests out to connections; ten people of one tube, sent one by one, stay on one, in their order."""
    size = TUBE if todo and len(todo[0].samples) == MODES["single"] else 1
    groups = [todo[start : start + size] for start in range(0, len(todo), size)]
    return [[one for group in groups[part::connections] for one in group] for part in range(connections)]


def closed_loop(address: tuple[str, int], todo: Sequence[Shot], seconds: float, connections: int) -> Found:
    """Send as fast as answers come over so many connections, until the time or the people are over."""
    return together([_keep_firing(address, part, seconds) for part in shared(todo, connections)])


def _keep_firing(address: tuple[str, int], todo: Sequence[Shot], seconds: float) -> Callable[[Found], None]:
    def run(found: Found) -> None:
        line, until = Line(address), time.perf_counter() + seconds
        for one in todo:
            began = time.perf_counter()
            if began > until:
                break
            fire(line, one, found)
            found.latencies.append(time.perf_counter() - began)

    return run


def open_loop(address: tuple[str, int], todo: Sequence[Shot], due: Sequence[float], connections: int) -> Found:
    """Send each request when it is due (seconds from the start), whatever the answers do; waits count as latency."""
    queue, lock = iter(zip(todo, due, strict=True)), threading.Lock()
    start = time.perf_counter() + 0.2

    def run(found: Found) -> None:
        line = Line(address)
        while True:
            with lock:
                one, at = next(queue, (None, 0.0))
            if one is None:
                return
            time.sleep(max(0.0, start + at - time.perf_counter()))
            fire(line, one, found)
            found.latencies.append(time.perf_counter() - start - at)

    return together([run] * connections)


def steady(rate: float, seconds: float, start: float = 0.0) -> Iterator[float]:
    """Yield when requests are due at so many a second, spread as independent phones spread them."""
    chance = random.Random(7)
    at = start
    while (at := at + chance.expovariate(rate)) < start + seconds:
        yield at


def together(runs: Sequence[Callable[[Found], None]]) -> Found:
    """Run all of these side by side and return what came of them together; raises what the first to fail raised."""
    parts = [Found() for _ in runs]
    failures: list[BaseException] = []

    def guarded(run: Callable[[Found], None], part: Found) -> None:
        try:
            run(part)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=pair) for pair in zip(runs, parts, strict=True)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    whole = Found(seconds=time.perf_counter() - began)
    for part in parts:
        whole.acknowledged += part.acknowledged
        whole.latencies += part.latencies
        whole.retries += part.retries
        for status, times in part.statuses.items():
            whole.statuses[status] = whole.statuses.get(status, 0) + times
    return whole


def run_mode(
    address: tuple[str, int], city: City, mode: str, people: range, round: str, moment: str, seconds: float, rate: float,
    connections: int,
) -> Found:  # fmt: skip
    """Make the requests of a mode and send them: as fast as answers come (rate 0), or at so many people a second."""
    todo = shots(mode, people, round, city.tokens, moment)
    if not rate:
        return closed_loop(address, todo, seconds, connections)
    due = list(steady(rate / MODES[mode], seconds))[: len(todo)]
    return open_loop(address, todo[: len(due)], due, connections * 4)


def run_burst(
    address: tuple[str, int], city: City, mode: str, people: range, round: str, moment: str, rate: int, times: int,
    seconds: float, connections: int,
) -> Found:  # fmt: skip
    """Send so many people a second with a burst in the middle, each request when it is due: the waits show."""
    calm, storm, requests = seconds / 12, seconds / 30, rate / MODES[mode]
    due = [*steady(requests, calm), *steady(requests * times, storm, calm), *steady(requests, calm, calm + storm)]
    todo = shots(mode, people, round, city.tokens, moment)[: len(due)]
    return open_loop(address, todo, due[: len(todo)], connections)


def run_obvious(
    address: tuple[str, int], city: City, people: range, round: str, moment: str, seconds: float, connections: int
) -> Found:
    """Send people one by one to the obvious way, as fast as answers come."""
    todo = []
    for number, person in enumerate(people):
        sample = {"id": made_id(), "tube": made_id(), "resident": resident(person), "round": round,
                  "division_code": grid_of(person), "taken_at": moment}  # fmt: skip
        body = json.dumps(sample).encode()
        token = city.tokens[number % len(city.tokens)]
        data = request("/api/samples", token, body)
        todo.append(Shot(data, ((str(sample["tube"]), str(sample["id"])),), str(sample["tube"]), token))
    return closed_loop(address, todo, seconds, connections)
