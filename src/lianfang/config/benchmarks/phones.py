"""Tens of thousands of phones on bad lines: every answer takes its time, some messages are lost, nothing else may be."""

import asyncio
import json
import random
import time
from collections.abc import Sequence

from lianfang.config.benchmarks.city import City
from lianfang.config.benchmarks.load import TUBE, Found, Shot, shot, tubes_of

DELAY = 0.3
LOSS = 0.03
#: what a phone waits for an answer before it sends again, and how much longer each time
PATIENCE = 3.0
#: after so many seconds a line is given up and opened anew
ANSWER = 30.0
#: phones share lines as they would behind a county's proxy
LINES = 200


def run_phones(address: tuple[str, int], city: City, people: range, round: str, moment: str, spread: float) -> Found:
    """Let each phone of the city register a tube of ten within ``spread`` seconds, and send it until it has a receipt."""
    todo = []
    for number, start in enumerate(range(people.start, people.stop - TUBE + 1, TUBE)):
        if number == len(city.tokens):
            break
        todo.append(shot(tubes_of(range(start, start + TUBE), round, moment), city.tokens[number], moment))
    return asyncio.run(_all(address, todo, spread))


async def _all(address: tuple[str, int], todo: Sequence[Shot], spread: float) -> Found:
    found, chance = Found(), random.Random(11)
    lines: asyncio.Queue[_AsyncLine] = asyncio.Queue()
    for _ in range(LINES):
        lines.put_nowait(_AsyncLine(address))
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for one in todo:
            group.create_task(_phone(one, lines, found, random.Random(chance.random()), chance.uniform(0, spread)))
    found.seconds = time.perf_counter() - began
    return found


async def _phone(
    one: Shot, lines: "asyncio.Queue[_AsyncLine]", found: Found, chance: random.Random, start: float
) -> None:
    await asyncio.sleep(start)
    began = time.perf_counter()
    for attempt in range(1, 100):
        await asyncio.sleep(DELAY / 2)
        answered = False
        if chance.random() >= LOSS / 2:  # the message arrived
            status, body = await _ask(one, lines)
            found.statuses[status] = found.statuses.get(status, 0) + 1
            holds = status == 200 and json.loads(body)["result"]["samples"] == len(one.samples)
            answered = holds and chance.random() >= LOSS / 2  # and so did the answer
        if answered:
            await asyncio.sleep(DELAY / 2)
            found.acknowledged += one.samples
            found.latencies.append(time.perf_counter() - began)
            return
        found.retries += 1
        await asyncio.sleep(PATIENCE * min(attempt, 4) * chance.uniform(0.8, 1.2))
    raise AssertionError("a phone has no receipt after a hundred tries")


async def _ask(one: Shot, lines: "asyncio.Queue[_AsyncLine]") -> tuple[int, bytes]:
    line = await lines.get()
    try:
        async with asyncio.timeout(ANSWER):
            return await line.ask(one.data)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        await line.close()
        return 0, b""
    finally:
        lines.put_nowait(line)


class _AsyncLine:
    """One connection to the server, opened when first used and again when it was lost."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, data: bytes) -> tuple[int, bytes]:
        if self.streams is None:
            self.streams = await asyncio.open_connection(*self.address)
        reader, writer = self.streams
        writer.write(data)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        start = head.find(b"content-length:")
        length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
        return int(head[9:12]), await reader.readexactly(length)

    async def close(self) -> None:
        if self.streams:
            self.streams[1].close()
            self.streams = None
