"""The express way of registering tubes: one call for a batch in which nothing needs a decision.

It is a short cut of `register_tubes` inside a command, never another rule: it writes what the careful way would write,
or nothing. Whatever is not plain (a repeat, somebody unknown, a second sample, an unusual time) returns None, and
the careful way finds the words for it.
"""

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakSet

import psycopg
from django.db import connection, transaction
from psycopg.pq import ConnStatus, ExecStatus

from lianfang.core.access.commands import EARLIEST, Envelope, Receipt
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import scope_token
from lianfang.kit.clock import machine_now
from lianfang.kit.codes import county_of, unit_range
from lianfang.kit.ids import new_id
from lianfang.response.specimens.rules import MODES

KIND = "register_tubes"
MOST_TUBES = 200

#: prepared once on each connection; its 27 values are the token of the scope and those of a `PlainCall`
CALL = f"SELECT specimens_register_plain({', '.join(f'${number}' for number in range(1, 28))})".encode()
PREPARED = b"register_plain"
#: connections on which `CALL` is prepared
_prepared: WeakSet[Any] = WeakSet()

TUBE = frozenset({"id", "code", "mode", "capacity", "purpose", "division_code", "opened_at", "samples", "round"})
TUBE_MAY = TUBE | {"site", "sealed_at", "order_id"}
SAMPLE = frozenset({"id", "resident"})
SAMPLE_MAY = SAMPLE | {"taken_at"}
#: what is printed on tubes; a number as long as a phone's or an identity card's is looked at
CODE = re.compile(r"(?!\d{11}$|\d{15}$|\d{17}[\dXx]$)[A-Za-z0-9_-]{1,40}")
MOMENT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")


class NotPlain(Exception):
    """Something of a batch needs the careful way."""


def register_express(envelope: Envelope, *, account: uuid.UUID, grant: uuid.UUID, device: uuid.UUID) -> Receipt | None:
    """Apply a `register_tubes` command in one call, or return None when it is not plain and nothing was written.

    Whether grant and device allow it here and now is decided by the same call.
    """
    call = plain_call(envelope, account=account, grant=grant, device=device)
    if call is None:
        return None
    recorded_at = _call(call)
    if recorded_at is None:
        return None
    return Receipt(envelope.id, KIND, recorded_at, call.receipt, repeated=False)


@dataclass(frozen=True)
class PlainCall:
    """What `CALL` is told behind the scope's token, as text; the hand that the token is for; and the receipt."""

    hand: Actor
    values: tuple[bytes, ...]
    receipt: dict[str, Any]


def plain_call(envelope: Envelope, *, account: uuid.UUID, grant: uuid.UUID, device: uuid.UUID) -> PlainCall | None:
    """Return the one call that a command amounts to, or None when it is not plain."""
    if envelope.kind != KIND or envelope.valid_at < EARLIEST:
        return None
    try:
        columns, tubes, samples, codes = _columns(envelope.payload, envelope.valid_at)
    except (NotPlain, KeyError, TypeError, AttributeError):
        return None
    county = county_of(codes[0])
    receipt: dict[str, Any] = {"tubes": tubes, "samples": samples, "refused": []}
    hand = Actor(account, grant, "", "testing", unit_range(county * 10**9), frozenset())
    values = (
        account, grant, device, county, min(codes), max(codes), envelope.id, envelope.valid_at.isoformat(),
        machine_now().isoformat(), f"\\x{envelope.fingerprint().hex()}", new_id(), json.dumps(receipt), *columns,
    )  # fmt: skip
    return PlainCall(hand, tuple(str(value).encode() for value in values), receipt)


def _columns(payload: dict[str, Any], valid_at: datetime) -> tuple[list[str], int, int, list[int]]:
    """Return a batch as array literals, its numbers of tubes and samples, and where people queued."""
    tubes = payload["tubes"]
    if not payload.keys() <= {"tubes", "accept"} or payload.get("accept", "samples") not in _ACCEPT:
        raise NotPlain
    if not 0 < len(tubes) <= MOST_TUBES or not all(TUBE <= tube.keys() <= TUBE_MAY for tube in tubes):
        raise NotPlain
    if any(tube["purpose"] != "area_screening" or tube.get("order_id") is not None for tube in tubes):
        raise NotPlain
    rows = [(number, sample) for number, tube in enumerate(tubes, 1) for sample in tube["samples"]]
    if not rows or not all(SAMPLE <= sample.keys() <= SAMPLE_MAY for _, sample in rows):
        raise NotPlain
    codes = [tube["division_code"] for tube in tubes]
    if not all(type(code) is int and code // 10**9 == codes[0] // 10**9 for code in codes):
        raise NotPlain
    held = valid_at.isoformat()
    columns = [
        _uuids([tube["id"] for tube in tubes]),
        _words([tube["code"] for tube in tubes]),
        _modes([tube["mode"] for tube in tubes]),
        _numbers([tube["capacity"] for tube in tubes]),
        _uuids([tube["round"] for tube in tubes]),
        _numbers(codes),
        _uuids([tube.get("site") for tube in tubes], empty=True),
        _numbers([len(tube["samples"]) for tube in tubes]),
        _moments([tube["opened_at"] for tube in tubes]),
        _moments([tube.get("sealed_at") for tube in tubes], empty=True),
        _numbers([number for number, _ in rows]),
        _uuids([sample["id"] for _, sample in rows]),
        _uuids([sample["resident"] for _, sample in rows]),
        _moments([held if sample.get("taken_at") is None else sample["taken_at"] for _, sample in rows]),
    ]
    return columns, len(tubes), len(rows), codes


_ACCEPT = frozenset({"nothing", "tubes", "samples"})


def _uuids(values: Sequence[str | None], *, empty: bool = False) -> str:
    """Return an array literal. Its elements are as long as ids are and hold no comma, so that none can become two."""
    given = ["NULL" if value is None else value for value in values] if empty else values
    text = ",".join(given)  # type: ignore[arg-type]
    if not set(map(len, given)) <= ({36, 4} if empty else {36}) or text.count(",") != len(given) - 1:  # type: ignore[arg-type]
        raise NotPlain
    return f"{{{text}}}"


def _words(values: Sequence[str]) -> str:
    if not all(CODE.fullmatch(value) for value in values):
        raise NotPlain
    # quoted, because a bare NULL would be taken for none
    return '{"' + '","'.join(values) + '"}'


def _modes(values: Sequence[str]) -> str:
    if not all(value in MODES for value in values):
        raise NotPlain
    return "{" + ",".join(values) + "}"


def _numbers(values: Sequence[int]) -> str:
    if not all(type(value) is int for value in values):
        raise NotPlain
    return "{" + ",".join(map(str, values)) + "}"


def _moments(values: Sequence[str | None], *, empty: bool = False) -> str:
    different = set(values) - ({None} if empty else set())
    if not all(MOMENT.fullmatch(value) for value in different):  # type: ignore[arg-type]
        raise NotPlain
    return "{" + ",".join("NULL" if value is None else value for value in values) + "}"


def _call(call: PlainCall) -> datetime | None:
    """Call the database once; a connection that was lost is opened again, which a command's id makes harmless."""
    if connection.in_atomic_block:
        try:
            with transaction.atomic():
                return _execute(call)
        except NotPlain:
            return None
    for _ in range(2):
        try:
            return _execute(call)
        except NotPlain:
            return None
        except psycopg.OperationalError:
            connection.close()
    return None  # the common way says that the database does not answer


def _execute(call: PlainCall) -> datetime | None:
    connection.ensure_connection()
    return execute(connection.connection, call)


def execute(raw: Any, call: PlainCall) -> datetime | None:
    """Send a call over a connection of psycopg and return when it was recorded, or None when it is not plain.

    Straight through libpq, which waits without holding up the other threads. Raises `NotPlain` when the database
    refuses it, and `psycopg.OperationalError` when the connection is lost.
    """
    line = raw.pgconn
    if line not in _prepared:
        _checked(line, line.prepare(PREPARED, CALL))
        _prepared.add(line)
    token = scope_token(call.hand, line.backend_pid).encode()
    recorded_at = _checked(line, line.exec_prepared(PREPARED, (token, *call.values)))
    return datetime.fromisoformat(recorded_at.decode()) if recorded_at else None


def _checked(line: Any, answer: Any) -> bytes | None:
    if answer.status == ExecStatus.TUPLES_OK:
        found: bytes | None = answer.get_value(0, 0)
        return found
    if answer.status == ExecStatus.COMMAND_OK:
        return None
    if line.status == ConnStatus.BAD:
        raise psycopg.OperationalError("the connection to the database was lost")
    raise NotPlain
