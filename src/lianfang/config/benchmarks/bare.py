"""The same statements without the server: what the database alone does with them, over connections of the app login."""

import json
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from lianfang.config.benchmarks.load import Found, Shot, shared, together

if TYPE_CHECKING:
    from lianfang.response.specimens.actions.express import PlainCall

CONNECTIONS = 8


def bare(todo: Sequence[Shot], seconds: float) -> float:
    """Send what the requests would have sent, each call over one of eight connections; people per second.

    The calls are made before the clock starts; the tubes of a phone stay on one connection, in their order.
    """
    from django.db import connections

    parts = [[(one, _call_of(one)) for one in part] for part in shared(todo, CONNECTIONS)]
    lines = [connections.create_connection("default") for _ in parts]
    for line in lines:
        line.ensure_connection()
    runs: list[Callable[[Found], None]] = [
        partial(_send, line.connection, part, seconds) for line, part in zip(lines, parts, strict=True)
    ]
    found = together(runs)
    for line in lines:
        line.close()
    return len(found.acknowledged) / found.seconds


def _call_of(one: Shot) -> "PlainCall":
    from lianfang.core.access.commands import Envelope
    from lianfang.core.access.sign_in import read_token
    from lianfang.response.specimens.actions import express

    body, claims = json.loads(one.data.partition(b"\r\n\r\n")[2]), read_token(one.token)
    sent = Envelope(uuid.UUID(body["id"]), express.KIND, datetime.fromisoformat(body["valid_at"]), body["payload"])
    device = claims.device or uuid.UUID(int=0)
    call = express.plain_call(sent, account=claims.account, grant=claims.grant, device=device)
    if call is None:
        raise AssertionError("a request of the measurement is not plain")
    return call


def _send(raw: Any, part: "Sequence[tuple[Shot, PlainCall]]", seconds: float, found: Found) -> None:
    from lianfang.response.specimens.actions import express

    until = time.perf_counter() + seconds
    for one, call in part:
        if time.perf_counter() > until:
            return
        if express.execute(raw, call) is None:
            raise AssertionError("the database refused a plain call")
        found.acknowledged += one.samples
