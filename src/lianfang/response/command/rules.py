"""Who may set which response level, and what makes a directive one that can be obeyed: pure."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lianfang.kit.codes import CodeRange, unit_range
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Conflict, NotFound, Refusal

ROUTINE, EMERGENCY = MODES = ("routine", "emergency")
#: governments, the lowest first
GOVERNMENTS = ("county", "prefecture", "province", "state")
#: the lowest government that starts each response level (national emergency plan for public health events)
STARTED_BY = {4: "county", 3: "prefecture", 2: "province", 1: "province"}
ROMAN = {1: "I", 2: "II", 3: "III", 4: "IV"}
OFFICE, GROUP, TASK_FORCE = TASK_FORCE_KINDS = ("office", "group", "task_force")
DISPATCH, CONSULTATION = MEETING_KINDS = ("dispatch", "consultation")
UNDER_WAY, COMPLETED, NOT_POSSIBLE = FEEDBACK_STATES = ("under_way", "completed", "not_possible")
_STRICT = {"extra": "forbid"}


class IncidentNotFound(NotFound):
    """No such incident concerns the actor's area."""


class IncidentClosed(Conflict):
    """The incident was closed before."""


class NameTaken(Conflict):
    """An incident or task force of this name stands already."""


class UnknownWord(Refusal):
    """A field holds a word that it does not know."""


class LevelNotAuthorised(Refusal):
    """The government named may not set or lift this response level."""


class DirectiveRefused(Refusal):
    """The directive cannot be obeyed as it is written."""


class DirectiveNotFound(NotFound):
    """No such directive, or recipient of one, lies in the actor's area."""


class DirectiveWithdrawn(Conflict):
    """The directive was withdrawn."""


class MeetingNotFound(NotFound):
    """No such meeting was held."""


class TaskForceNotFound(NotFound):
    """No such task force works in the actor's area."""


class CountyNotChosen(Refusal):
    """What is counted county by county was asked for several counties at once, or for none."""


@dataclass(frozen=True)
class Recipient:
    """A unit that must act on a directive, the role that answers there, and the post if it is a certain one."""

    __pydantic_config__ = _STRICT
    division_code: int
    role: str
    title: str = ""
    assignee: uuid.UUID | None = None
    id: uuid.UUID = field(default_factory=new_id)

    @property
    def range(self) -> CodeRange:
        """Return everything inside the unit."""
        return unit_range(self.division_code)


@dataclass(frozen=True)
class Seat:
    """A post in a task force: the post of the access room, and what it does here."""

    __pydantic_config__ = _STRICT
    post: uuid.UUID
    title: str


def require_word(field: str, word: str, known: Sequence[str]) -> None:
    """Raise `UnknownWord` unless a field holds one of the words it knows."""
    if word not in known:
        raise UnknownWord(f"{field} “{word}” is unknown: use one of {', '.join(known)}.")


def level_fault(level: int | None, government: str, before: int | None = None) -> str | None:
    """Return why a government may not put a response level (1 gravest, ``None`` ends it) in the place of another.

    A level is started, and lifted or lowered again, by no government below the one that the plan names for it.
    """
    if government not in GOVERNMENTS:
        return f"“{government}” is no level of government: use one of {', '.join(GOVERNMENTS)}."
    if level is not None and level not in STARTED_BY:
        return f"There is no response level {level}: 1 is the gravest, 4 the least."
    for concerned in (level, before):
        lowest = STARTED_BY.get(concerned, "county") if concerned else "county"
        if GOVERNMENTS.index(government) < GOVERNMENTS.index(lowest):
            return (
                f"Level {ROMAN.get(concerned or 0, '')} is started and lifted by a {lowest} government or above; "
                f"this names a {government} government. Enter the decision of the {lowest} government."
            )
    return None


def directive_fault(
    title: str,
    text: str,
    issued_at: datetime,
    acknowledge_by: datetime,
    feedback_by: datetime | None,
    recipients: Sequence[Recipient],
) -> str | None:
    """Return why nobody could act on a directive, as a sentence, or None."""
    if not title.strip() or not text.strip():
        return "A directive needs a title and a text: say what is to be done."
    if not recipients:
        return "A directive needs at least one recipient: name the units that must act."
    if len({(one.division_code, one.role) for one in recipients}) < len(recipients):
        return "A unit is named twice with the same role: leave one of the two out."
    if acknowledge_by <= issued_at:
        return "The time for receipts is not after the time of issue: give the units time to read it."
    if feedback_by is not None and feedback_by < acknowledge_by:
        return "Feedback is due before the receipt: put the feedback later."
    return None
