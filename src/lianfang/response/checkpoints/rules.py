"""What a checkpoint may and may not do to whoever passes: pure."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from pydantic import AwareDatetime

from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Conflict, NotFound, Refusal

SUBJECTS = ("vehicle", "person")
DIRECTIONS = ("in", "out")
LET_THROUGH, ADVISED_BACK, HANDED_OVER = OUTCOMES = ("let_through", "advised_back", "handed_over")
#: who is never turned back, and why: 九不准 of 5 June 2022, and roads stay open for what keeps people alive
NEVER_TURNED_BACK = {
    "medical": "A patient is never turned back: let them through, or hand them over to a car to the hospital.",
    "emergency": "An emergency passes every checkpoint: let it through by the emergency lane.",
    "going_home": "Nobody is kept from going home: let them through, and hand them over to their community if they must be followed up.",
    "essential_freight": "Essential freight passes: let it through, with a closed-loop arrangement for the driver where one is needed.",
}
PURPOSES = (*NEVER_TURNED_BACK, "work", "study", "visit", "transit", "leisure", "other")
#: degrees Celsius from which somebody is taken for feverish (practice of 2020–2022; no statute names it)
FEVER = Decimal("37.3")
LOWEST, HIGHEST = Decimal("30.0"), Decimal("45.0")


class CheckpointNotFound(NotFound):
    """No such checkpoint stands in the actor's area."""


class CheckpointClosed(Conflict):
    """The checkpoint was closed before this."""


class CheckpointRefused(Refusal):
    """The checkpoint cannot be opened or kept as written."""


class PassageRefused(Refusal):
    """A passage is against the rules, or cannot be true as written; none of the list was recorded."""


class PassageNotFound(NotFound):
    """No such passage, or none with an identifier, lies in the actor's area."""


@dataclass(frozen=True)
class NewPassage:
    """A vehicle with so many people, or a person, that was screened.

    ``identifier`` (plate or national ID) only where a list was hit or somebody is handed over: of everybody else
    nothing is kept that tells who they are.
    """

    __pydantic_config__ = {"extra": "forbid"}
    checkpoint: uuid.UUID
    at: AwareDatetime
    direction: str
    purpose: str
    outcome: str = LET_THROUGH
    subject: str = "vehicle"
    people: int = 1
    temperature: Decimal | None = None
    list_hit: bool = False
    reason: str = ""
    destination: str = ""
    identifier: str = ""
    id: uuid.UUID = field(default_factory=new_id)


def passage_fault(passage: NewPassage) -> str | None:
    """Return why a passage may not have happened so, or cannot be recorded so, as a sentence, or None."""
    return _unknown_word(passage) or _wrong_outcome(passage) or _too_much_kept(passage)


def _unknown_word(passage: NewPassage) -> str | None:
    words = {"subject": SUBJECTS, "direction": DIRECTIONS, "purpose": PURPOSES, "outcome": OUTCOMES}
    for name, known in words.items():
        if getattr(passage, name) not in known:
            return f"{name} “{getattr(passage, name)}” is unknown: use one of {', '.join(known)}."
    if passage.people < 1:
        return "A passage has at least one person: a vehicle has a driver."
    if passage.temperature is not None and not LOWEST <= passage.temperature <= HIGHEST:
        return f"{passage.temperature} °C is no temperature of a living person: measure again."
    return None


def _wrong_outcome(passage: NewPassage) -> str | None:
    if passage.outcome == ADVISED_BACK and passage.purpose in NEVER_TURNED_BACK:
        return NEVER_TURNED_BACK[passage.purpose]
    feverish = passage.temperature is not None and passage.temperature >= FEVER
    if passage.outcome == ADVISED_BACK and feverish:
        return f"Somebody with {passage.temperature} °C is a patient: hand them over to a fever clinic, by car."
    if passage.outcome != LET_THROUGH and not (passage.reason.strip() and passage.destination.strip()):
        what = "advised to turn back" if passage.outcome == ADVISED_BACK else "handed over"
        return f"Whoever is {what} is told why and where to: fill in reason and destination."
    return None


def _too_much_kept(passage: NewPassage) -> str | None:
    if passage.identifier and not (passage.list_hit or passage.outcome == HANDED_OVER):
        return "No plate or ID is kept of whoever is on no list and handed over to nobody: leave it out."
    return None


def order_fault(reason: str, authority: str, appeal_to: str, emergency_lane: str, since: datetime, ends_at: datetime) -> str | None:  # fmt: skip
    """Return why a checkpoint may not be set up under such an order, as a sentence, or None."""
    if not reason.strip() or not authority.strip():
        return "A checkpoint needs a reason and the authority that orders it: fill in both."
    if not appeal_to.strip():
        return "Whoever is stopped must know where to object: name the office or number, not the crew itself."
    if not emergency_lane.strip():
        return "A lane stays open for ambulances and fire engines at every checkpoint: say which."
    if ends_at <= since:
        return "The order ends before it begins: say until when it holds; it does not extend itself."
    return None
