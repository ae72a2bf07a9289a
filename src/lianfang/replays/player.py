"""Plays a script through public commands on a moved clock; started again after a crash, it goes on where it stood.

Every step has a key; the id of its command is derived from scenario and key. A step that was applied is skipped
before its payload is made, because a payload made from today's records would differ from the one that was applied.
"""

import heapq
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.commands import Envelope
from lianfang.core.access.queries import actor_named
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import clock_at, local, machine_now
from lianfang.kit.ids import derived_id
from lianfang.workflows.commands import submit

Payload = dict[str, Any]
Tell = Callable[[datetime, str], None]
Event = Callable[..., object]


@dataclass
class Player:
    """Plays one scenario until an instant. ``tell`` is called with the response time and a line of progress."""

    scenario: str
    until: datetime
    tell: Tell = lambda at, line: None
    applied: dict[uuid.UUID, dict[str, Any]] = field(default_factory=dict)
    events: list[tuple[datetime, int, str, Event, tuple[Any, ...]]] = field(default_factory=list)
    seats: dict[str, Actor] = field(default_factory=dict)
    planned: int = 0
    played: int = 0

    def actor(self, username: str) -> Actor:
        """Return who an account acts as; read once, as a replay lasts minutes and a grant days."""
        if username not in self.seats:
            self.seats[username] = actor_named(username, machine_now())
        return self.seats[username]

    def plan(self, at: str | datetime, what: str, event: Event, *arguments: Any) -> None:
        """Put an event on the timetable: called with its instant and arguments, by instant, then in order of planning.

        Events may plan further ones while the scenario is played.
        """
        instant = local(at) if isinstance(at, str) else at
        heapq.heappush(self.events, (instant, self.planned, what, event, arguments))
        self.planned += 1

    def play(self) -> None:
        """Play every event up to the end asked for, in order."""
        while self.events and self.events[0][0] <= self.until:
            at, _, what, event, arguments = heapq.heappop(self.events)
            if what:
                self.tell(at, what)
            with clock_at(at):  # what an event reads, it reads as of its own time
                event(at, *arguments)

    def remember(self, by: Actor) -> None:
        """Read which commands a former run applied (its receipts), under an actor who sees the whole scenario."""
        with acting(by), connection.cursor() as cursor:
            cursor.execute("SELECT id, result::json FROM access_command")
            self.applied = dict(cursor.fetchall())

    def id_of(self, *key: object) -> uuid.UUID:
        """Return the id that this scenario always gives to a record or command of this key."""
        return derived_id(self.scenario, *key)

    def do(
        self,
        kind: str,
        key: object,
        payload: Payload | Callable[[], Payload | None],
        *,
        by: Actor,
        at: datetime,
        held_at: datetime | None = None,
    ) -> dict[str, Any]:
        """Submit one command at a response time (``held_at``: when the fact held, if earlier) and return its result.

        One that was applied by a former run answers from its receipt. A payload that turns out ``None`` when it is
        made means that there is nothing to do.
        """
        id = self.id_of(kind, key)
        if id in self.applied:
            return self.applied[id]
        with clock_at(at):
            made = payload() if callable(payload) else payload
            if made is None:
                return {}
            receipt = submit(Envelope(id, kind, held_at or at, made), by=by)
        self.played += 1
        return receipt.result
