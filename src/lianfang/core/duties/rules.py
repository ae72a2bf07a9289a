"""What a duty is, how it is ranked when overdue, and how an overdue one climbs: pure."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lianfang.kit.refusals import Conflict, NotFound, Refusal


class DutyAlreadyFinished(Conflict):
    """Somebody finished this duty before, or it was cancelled meanwhile."""


class DutyNotFound(NotFound):
    """No such duty lies in the actor's area."""


class UnknownOutcome(Refusal):
    """The duty's kind does not know this outcome."""


class DutyHasItsCommand(Refusal):
    """The duty is finished by recording the work itself."""


class DutyOutOfSight(Exception):
    """A desired duty exists already where the ledger keeper cannot see it: nothing may vanish silently."""


@dataclass(frozen=True)
class Kind:
    """A kind of duty: code, names, the room that declares it, rank among overdue duties, accepted outcomes.

    ``command`` names the command that does this work and finishes the duty with it; such a duty cannot be ticked off
    by itself, since the record of the work would be missing.
    """

    code: str
    zh: str
    en: str
    room: str
    outcomes: tuple[str, ...] = ("done",)
    rank: int = 50
    command: str = ""


@dataclass(frozen=True)
class Desired:
    """A query for the duties that must be live in one slice of the ledger.

    ``query`` returns the columns of ``COLUMNS`` in order. ``kinds`` × ``subjects`` (all subjects when ``None``) is the
    slice: outstanding duties in it that the query no longer returns are cancelled with ``reason``.
    """

    kinds: tuple[str, ...]
    query: str
    params: dict[str, object] = field(default_factory=dict)
    subjects: Sequence[uuid.UUID] | None = None
    reason: str = "no longer required"


COLUMNS = (
    "subject_kind", "subject", "kind", "period", "division_code", "role", "assignee", "rule", "source", "opens_at",
    "due_at",
)  # fmt: skip


@dataclass(frozen=True)
class Changes:
    """How many duties a reconciliation opened, re-dated, reassigned, cancelled and marked as superseded."""

    opened: int = 0
    redated: int = 0
    reassigned: int = 0
    cancelled: int = 0
    superseded: int = 0

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(*(a + b for a, b in zip(self.astuple(), other.astuple(), strict=True)))

    def astuple(self) -> tuple[int, ...]:
        return (self.opened, self.redated, self.reassigned, self.cancelled, self.superseded)


@dataclass(frozen=True)
class Balance:
    """The ledger's books for one territory and instant, counted from the log."""

    opened: int
    done: int
    waived: int
    cancelled: int
    outstanding: int

    @property
    def holds(self) -> bool:
        """Whether every opened duty is accounted for exactly once."""
        return self.opened == self.done + self.waived + self.cancelled + self.outstanding


def escalation_level(due_at: datetime, now: datetime, clocks: Sequence[timedelta]) -> int:
    """Return how many steps of its chain an outstanding duty has climbed: 0 not overdue, then one more per clock.

    The first step is reached as soon as it is overdue; each further one after that step's clock has run out too.
    """
    if now <= due_at:
        return 0
    level, climbed = 1, due_at
    for clock in clocks:
        climbed += clock
        if now <= climbed:
            break
        level += 1
    return level
