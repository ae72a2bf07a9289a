"""The envelope of every outside change: id made where it was made, actor, valid time, payload; one receipt."""

import hashlib
import inspect
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from pydantic import BaseModel, ConfigDict, model_validator

from lianfang.core.access.rules import Actor, CommandIdTaken, NotYetSo
from lianfang.core.access.scope import acting
from lianfang.kit.clock import LOCAL, local, machine_now, response_now

#: how far a phone's clock may run ahead of the house's
AHEAD = timedelta(minutes=10)
#: before this nothing was recorded here: an earlier time is a slip of the keyboard
EARLIEST = local("2000-01-01")
#: and nothing that is ordered here lasts until this
LATEST = local("2100-01-01")


@dataclass(frozen=True)
class Envelope:
    """A change as it arrives: ``valid_at`` is when it held, ``payload`` is JSON-like and belongs to the kind."""

    id: uuid.UUID
    kind: str
    valid_at: datetime
    payload: dict[str, Any] = field(default_factory=dict)

    def fingerprint(self) -> bytes:
        """Return the SHA-256 of kind, valid time and payload: the same id with another fingerprint is refused."""
        text = json.dumps([self.kind, self.valid_at.timestamp(), self.payload], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True)
class Receipt:
    """What the sender keeps: ``repeated`` says that the command had been applied before."""

    id: uuid.UUID
    kind: str
    recorded_at: datetime
    result: dict[str, Any]
    repeated: bool


class Payload(BaseModel):
    """Base of all payloads: unknown fields are refused, so that a misspelt one is never lost silently."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="after")
    def _times_of_this_age(self) -> "Payload":
        """Refuse times that cannot be meant, at any depth: a year 9999 ends nothing, and calendars break on it."""
        for moment in _times(self.__dict__.values()):
            if moment.tzinfo is None:
                raise ValueError(f"{moment} needs a time zone, for example {moment.isoformat()}+08:00")
            if not EARLIEST <= moment <= LATEST:
                raise ValueError(f"{moment:%Y-%m-%d} cannot be meant: give a time between 2000 and 2100")
        return self


def _times(values: Iterable[Any]) -> Iterator[datetime]:
    for value in values:
        if isinstance(value, datetime):
            yield value
        elif isinstance(value, BaseModel) or is_dataclass(value):
            yield from _times(vars(value).values())
        elif isinstance(value, list | tuple):
            yield from _times(value)


Handler = Callable[[Actor, Envelope], dict[str, Any] | None]
CommandHandler = Callable[[Actor, Envelope, Any], dict[str, Any]]
#: the kind of a command → what it carries and what it does
Commands = Mapping[str, tuple[type[Payload], CommandHandler]]


def calls(action: Callable[..., Any], receipt: str | Callable[[Any], dict[str, Any]] = "") -> CommandHandler:
    """Return a handler that hands a payload's fields to the action whose arguments have the same names.

    A record that comes without an id takes the command's. The receipt holds what the action returns under the name
    ``receipt``, or what that function makes of it; otherwise a record's id, a count or the fields of a dataclass.
    """

    def handle(by: Actor, envelope: Envelope, payload: Any) -> dict[str, Any]:
        given = dict(payload)
        if "id" in given:
            given["id"] = given["id"] or envelope.id
        made = action(by=by, valid_at=envelope.valid_at, cause=envelope.id, **given)
        if callable(receipt):
            return receipt(made)
        return {receipt: made} if receipt else _receipt_of(made)

    handle.__doc__ = inspect.getdoc(action)
    return handle


def _receipt_of(made: Any) -> dict[str, Any]:
    if made is None or isinstance(made, dict):
        return made or {}
    if isinstance(made, int):
        return {"count": made}
    if isinstance(made, list):
        return {"count": len(made)}
    if is_dataclass(made) and not isinstance(made, type):
        return asdict(made)
    return {"id": str(getattr(made, "id", made))}


def apply_command(envelope: Envelope, handler: Handler, *, by: Actor) -> Receipt:
    """Apply a command exactly once, in one transaction with everything it causes, and return its receipt.

    Raises `CommandIdTaken` when the id was used before for another payload or by somebody out of sight, `NotYetSo`
    when it is to hold at a time still to come; whatever the handler raises leaves no trace.
    """
    _check_time(envelope.valid_at)
    with acting(by):
        if not _claim(envelope, by):
            return _former_receipt(envelope, by)
        result = json.loads(json.dumps(handler(by, envelope) or {}, default=str))
        if result:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE access_command SET result = %s WHERE id = %s", [json.dumps(result), envelope.id])
        return Receipt(envelope.id, envelope.kind, response_now(), result, repeated=False)


def _check_time(valid_at: datetime) -> None:
    now = response_now()
    if not EARLIEST <= valid_at <= now + AHEAD:
        raise NotYetSo(
            f"{valid_at:%Y-%m-%d %H:%M} is no time at which this can have held: it is {now.astimezone(LOCAL):%Y-%m-%d %H:%M}"
            " now. Correct valid_at, or the clock of your device."
        )


def _claim(envelope: Envelope, by: Actor) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO access_command (id, kind, account_id, grant_id, division_code, valid_at, recorded_at,
                                        received_at, payload_hash, result)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, '{}') ON CONFLICT (id) DO NOTHING
            """,
            [
                envelope.id, envelope.kind, by.account_id, by.grant_id, by.scope.lo, envelope.valid_at, response_now(),
                machine_now(), envelope.fingerprint(),
            ],
        )  # fmt: skip
        return bool(cursor.rowcount)


def _former_receipt(envelope: Envelope, by: Actor) -> Receipt:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, recorded_at, payload_hash, result FROM access_command WHERE id = %s AND account_id = %s",
            [envelope.id, by.account_id],
        )
        row = cursor.fetchone()
    if row is None or bytes(row[2]) != envelope.fingerprint():
        raise CommandIdTaken(f"The id {envelope.id} was used before for another command: make a new id.")
    result = json.loads(row[3]) if isinstance(row[3], str) else row[3]
    return Receipt(envelope.id, row[0], row[1], result, repeated=True)
