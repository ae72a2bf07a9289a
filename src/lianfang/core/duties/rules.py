"""What a duty is, how it is ranked when overdue, and how an overdue one climbs: pure."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from lianfang.core.territory.rules import Chain
from lianfang.kit.codes import LEVELS, CodeRange, level_of
from lianfang.kit.forms import CouldNot, Json, Option, given, of_duty, options, value
from lianfang.kit.refusals import Conflict, NotFound, Refusal


class DutyAlreadyFinished(Conflict):
    """Somebody finished this duty before, or it was cancelled meanwhile."""


class DutyNotFound(NotFound):
    """No such duty lies in the actor's area."""


class UnknownOutcome(Refusal):
    """The duty's kind does not know this outcome."""


class DutyHasItsCommand(Refusal):
    """The duty is finished by recording the work itself."""


class AttemptRefused(Refusal):
    """An attempt that names no known reason, or a next time before it was made."""


class DutyOutOfSight(Exception):
    """A desired duty exists already where the ledger keeper cannot see it: nothing may vanish silently."""


#: why a piece of work could not be done: nobody's fault, and one tap
COULD_NOT: tuple[Option, ...] = options(
    ("no_answer", "敲门无人应答", "no answer at the door"),
    ("not_home", "不在家", "not at home"),
    ("moved", "已搬走", "moved away"),
    ("refused", "本人不同意", "refused"),
    ("unsafe", "现场不安全", "unsafe"),
    ("no_access", "进不去", "no access"),
    ("not_found", "没找到", "not found"),
    ("closed", "关着门", "closed"),
    ("no_vehicle", "没有车辆", "no vehicle"),
    ("no_supplies", "物资不够", "supplies ran out"),
    ("cannot_come", "来不了", "cannot come"),
    ("other", "其他原因", "another reason"),
)
AT_THE_DOOR = ("no_answer", "not_home", "moved", "refused", "unsafe", "no_access", "other")
#: when somebody comes again, where nobody says
AGAIN_WITHIN = timedelta(hours=12)


def reasons(*codes: str) -> tuple[Option, ...]:
    """Return the reasons that a form offers, by code and in this order."""
    known = {one.code: one for one in COULD_NOT}
    return tuple(known[code] for code in codes)


def attempt_of(*codes: str) -> CouldNot:
    """Return “could not, because …” for a duty whose own command has no such outcome: it is kept as an attempt."""
    payload: Json = {
        "duty": of_duty("id"),
        "reason": value("reason"),
        "note": value("note"),
        "next_at": given("again_at"),
    }
    return CouldNot(reasons=reasons(*codes), command="record_attempt", payload=payload)


def attempt_fault(reason: str, tried_at: datetime, next_at: datetime) -> str | None:
    """Return why an attempt cannot be recorded, as a sentence, or None."""
    known = [one.code for one in COULD_NOT]
    if reason not in known:
        return f"“{reason}” is no reason that is known. Use one of {', '.join(known)}."
    if next_at <= tried_at:
        return "Somebody comes again after this attempt: correct the next time."
    return None


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


@dataclass(frozen=True)
class EscalationStep:
    """A level of units (a key of `kit.codes.LEVELS`) and how long after its due time an overdue duty is theirs too."""

    level: str
    after: timedelta


@dataclass(frozen=True)
class Answering:
    """Who answers for the overdue duties of a range of places once they have climbed to a level (1 is the first step).

    ``digits`` of a duty's code name the answering unit, unless ``unit`` (the code of a headquarters) does.
    """

    lo: int
    hi: int
    level: int
    digits: int
    unit: int | None
    post_title: str


#: steps of a chain below the village: whatever a place calls its ground, it is told first
GROUND = ("grid", "area", "hamlet")


def escalation_level(due_at: datetime, now: datetime, after: Sequence[timedelta]) -> int:
    """Return how many steps an outstanding duty has climbed: those whose time after ``due_at`` has passed."""
    return sum(now - due_at >= step for step in after)


def answering(steps: Sequence[EscalationStep], chains: Sequence[Chain], within: CodeRange) -> list[Answering]:
    """Return who answers at each level for each part of a range, by the chain of the place (the narrowest one first).

    The protocol says after how long a level is told, the place says which post that is. A level that the place's
    chain leaves out stays with the one below; where no headquarters stands, units answer without a post.
    """
    found = []
    for lo, hi in _pieces(chains, within):
        chain = next((one for one in chains if one.scope.lo <= lo and hi <= one.scope.hi), None)
        last: tuple[int, int | None, str] | None = None
        for level, step in enumerate(steps, 1):
            last = _answer_at(step.level, chain) or last
            if last:
                found.append(Answering(lo, hi, level, *last))
    return found


def _pieces(chains: Sequence[Chain], within: CodeRange) -> Iterator[tuple[int, int]]:
    """Yield the parts of a range between the bounds of all chains."""
    bounds = {bound for one in chains for bound in (one.scope.lo, one.scope.hi + 1) if within.lo < bound <= within.hi}
    edges = [within.lo, *sorted(bounds), within.hi + 1]
    for lo, beyond in pairwise(edges):
        yield lo, beyond - 1


def _answer_at(level: str, chain: Chain | None) -> tuple[int, int | None, str] | None:
    digits = LEVELS[level]
    if chain is None:
        return digits, None, ""
    names = GROUND if level == "grid" else (level,)
    for name, title in chain.steps:
        if name in names:
            return digits, None, title
    for scope, title in chain.headquarters:
        if level_of(scope.lo) == level:
            return digits, scope.lo, title
    return None
