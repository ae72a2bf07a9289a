"""Plays a script through public commands on a moved clock; started again after a crash, it goes on where it stood.

Every step has a key; the id of its command is derived from scenario and key. A step that was applied is skipped
before its payload is made, because a payload made from today's records would differ from the one that was applied.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.commands import Envelope
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import derived_id
from lianfang.workflows.commands import submit

Payload = dict[str, Any]
Tell = Callable[[datetime, str], None]


class EndReached(Exception):
    """The script has come to the instant until which it was to be played."""


@dataclass
class Player:
    """Plays one scenario until an instant. ``tell`` is called with the response time and a line of progress."""

    scenario: str
    until: datetime
    tell: Tell = lambda at, line: None
    applied: set[uuid.UUID] = field(default_factory=set)
    played: int = 0
    now: datetime | None = None

    def remember(self, by: Actor) -> None:
        """Read which commands a former run applied (its receipts), under an actor who sees the whole scenario."""
        with acting(by), connection.cursor() as cursor:
            cursor.execute("SELECT id FROM access_command")
            self.applied = {row[0] for row in cursor.fetchall()}

    def id_of(self, *key: object) -> uuid.UUID:
        """Return the id that this scenario always gives to a record or command of this key."""
        return derived_id(self.scenario, *key)

    def do(
        self,
        kind: str,
        key: object,
        payload: Payload | Callable[[], Payload],
        *,
        by: Actor,
        at: datetime,
        held_at: datetime | None = None,
    ) -> None:
        """Submit one command at a response time (``held_at``: when the fact held, if earlier), unless it was before."""
        if at > self.until:
            raise EndReached(str(at))
        self.now = at
        id = self.id_of(kind, key)
        if id in self.applied:
            return
        with clock_at(at):
            made = payload() if callable(payload) else payload
            submit(Envelope(id, kind, held_at or at, made), by=by)
        self.played += 1

    def say(self, at: datetime, line: str) -> None:
        """Report progress, unless the script has been stopped before this instant."""
        if at > self.until:
            raise EndReached(str(at))
        self.tell(at, line)
