"""The same statements without the server: what the database alone does with them, over connections of the app login."""

import json
import threading
import time
import uuid
from collections.abc import Sequence
from datetime import datetime

from lianfang.config.benchmarks.city import City
from lianfang.config.benchmarks.load import TUBE, Shot

CONNECTIONS = 8


def bare(city: City, todo: Sequence[Shot], seconds: float) -> float:
    """Send what the requests would have sent, each call over one of eight connections; people per second.

    The calls are made before the clock starts; the tubes of a phone stay on one connection, in their order.
    """
    from lianfang.core.access.commands import Envelope
    from lianfang.core.access.sign_in import read_token
    from lianfang.response.specimens.actions import express

    parts: list[list[tuple[express.PlainCall, int]]] = [[] for _ in range(CONNECTIONS)]
    for number, one in enumerate(todo):
        body = json.loads(one.data.partition(b"\r\n\r\n")[2])
        group = number // TUBE if len(one.samples) == 1 else number
        claims = read_token(city.tokens[group % len(city.tokens)])
        sent = Envelope(uuid.UUID(body["id"]), express.KIND, datetime.fromisoformat(body["valid_at"]), body["payload"])
        device = claims.device or uuid.UUID(int=0)
        call = express.plain_call(sent, account=claims.account, grant=claims.grant, device=device)
        if call is None:
            raise AssertionError("a request of the measurement is not plain")
        parts[group % CONNECTIONS].append((call, len(one.samples)))
    return _send(parts, seconds)


def _send(parts: Sequence[Sequence[tuple[object, int]]], seconds: float) -> float:
    from django.db import connections

    from lianfang.response.specimens.actions import express

    raws = []
    for _ in parts:
        raws.append(connections.create_connection("default"))
        raws[-1].ensure_connection()
    counts = [0] * len(parts)

    def run(number: int) -> None:
        raw, until = raws[number].connection, time.perf_counter() + seconds
        for call, people in parts[number]:
            if time.perf_counter() > until:
                return
            if express.execute(raw, call) is None:  # type: ignore[arg-type]
                raise AssertionError("the database refused a plain call")
            counts[number] += people

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(parts))]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passed = time.perf_counter() - began
    for raw in raws:
        raw.close()
    return sum(counts) / passed
