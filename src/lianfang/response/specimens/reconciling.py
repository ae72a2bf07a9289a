"""Counting tubes when they change hands, and what may come of looking for one: pure."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from lianfang.kit.refusals import Conflict, NotFound, Refusal

#: who may hold tubes
HOLDERS = ("site", "courier", "lab")
#: where a tube may be as long as it has no result
STAGES = ("site", "box", "courier", "lab", "missing", "lost")
#: how a difference between list and hand may end
OUTCOMES = ("found", "lost", "miscounted", "explained", "returned")
MISSING_ENDS = ("found", "lost", "miscounted")
EXTRA_ENDS = ("explained", "returned", "miscounted")
CHANNELS = ("phone", "in_person", "message", "system", "document")
#: for a county where no incident runs, so that no pack says how long a tube may be missing or a finding untold
MISSING_WITHIN = timedelta(minutes=30)
TOLD_WITHIN = timedelta(hours=1)

Holder = Literal["site", "courier", "lab"]
Outcome = Literal["found", "lost", "miscounted", "explained", "returned"]
Channel = Literal["phone", "in_person", "message", "system", "document"]


class BoxUnknown(NotFound):
    """No such box, or nothing is packed in it."""


class BoxInUse(Conflict):
    """The box of this code holds another load, or this load has left already."""


class TubeInBox(Conflict):
    """A tube is in another box, or has left the site."""


class StepIdTaken(Conflict):
    """The id of a hand-over was used before for another one."""


class DifferenceUnknown(NotFound):
    """No such difference of a hand-over in the county."""


class DifferenceSettled(Conflict):
    """Somebody settled this difference before, in another way."""


class TubeHasResult(Conflict):
    """A tube that was reported cannot be lost."""


class LabUnknown(NotFound):
    """No such laboratory in the county."""


class LabNotYours(Refusal):
    """Only a laboratory itself says what it received and what it found."""


class NoticeUnknown(NotFound):
    """Nobody is to be told of such a finding."""


@dataclass(frozen=True)
class Counted:
    """What a taker's count says of a list: tubes missing and extra by code, and how many more that nobody could name.

    ``unnamed`` is negative for tubes missing and positive for tubes too many.
    """

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    unnamed: int = 0

    @property
    def difference(self) -> int:
        """Return tubes in hand minus tubes on the list."""
        return len(self.extra) - len(self.missing) + self.unnamed

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.unnamed)


def count_tubes(listed: Collection[str], counted: int, scanned: Sequence[str] | None) -> Counted:
    """Compare the printed codes on a list with what the taker counted and, where they did, scanned.

    A scan names what is missing and extra. Tubes counted beyond the scanned ones could not be read: as many of the
    missing may be these, so only what exceeds the missing is told as extra.
    """
    if scanned is None:
        return Counted(unnamed=counted - len(listed))
    seen = set(scanned)
    missing = tuple(sorted(set(listed) - seen))
    unread = max(0, counted - len(seen))
    return Counted(missing, tuple(sorted(seen - set(listed))), max(0, unread - len(missing)))


def answers_for(kind: str, giver_kind: str, taker_kind: str) -> str:
    """Return the role that must clear a difference up: who carried a missing tube, who holds an extra one."""
    if kind == "missing":
        return "courier" if "courier" in (giver_kind, taker_kind) else role_of(taker_kind)
    return role_of(taker_kind)


def role_of(holder: str) -> str:
    """Return the role behind a kind of holder."""
    return {"site": "sampler", "courier": "courier", "lab": "lab"}[holder]


@dataclass(frozen=True)
class Difference:
    """A difference as it stands: ``tube`` and ``code`` are empty when nobody could name the tubes."""

    id: uuid.UUID
    kind: str
    tube: uuid.UUID | None
    code: str
    number: int
    outcome: str | None


@dataclass(frozen=True)
class Sought:
    """A tube that was looked for: its code and the result it has, if any."""

    id: uuid.UUID
    code: str
    value: str | None


def judge_search(outcome: str, difference: Difference | None, tubes: Sequence[Sought], place: str, reason: str) -> None:
    """Refuse an outcome that does not go with what was looked for, with a sentence that says what is wanting."""
    if difference is not None:
        _judge_end(outcome, difference)
    elif outcome not in ("found", "lost"):
        raise Refusal(f"“{outcome}” ends a difference of a hand-over: name that difference, or say found or lost.")
    if difference is None and not tubes:
        raise Refusal("Name the tubes by their printed codes, or the difference of a hand-over that is settled.")
    if outcome == "found" and not place.strip():
        raise Refusal("Say where the tube was found: the post, site or laboratory.")
    if outcome != "found" and not reason.strip():
        raise Refusal(f"“{outcome}” needs its reason: say what happened.")
    if outcome == "lost":
        _judge_loss(difference, tubes)


def _judge_end(outcome: str, difference: Difference) -> None:
    ends = MISSING_ENDS if difference.kind == "missing" else EXTRA_ENDS
    if outcome not in ends:
        raise Refusal(f"A tube that is {difference.kind} ends as one of {', '.join(ends)}, not as {outcome}.")
    if difference.outcome not in (None, outcome) and (difference.outcome, outcome) != ("lost", "found"):
        raise DifferenceSettled(f"This difference was settled before as {difference.outcome}: nothing is left to do.")


def _judge_loss(difference: Difference | None, tubes: Sequence[Sought]) -> None:
    wanted = difference.number if difference else len(tubes)
    if len(tubes) != wanted:
        raise Refusal(
            f"{wanted} tubes are missing and {len(tubes)} are named: scan the tubes that are there, then name the lost "
            "ones by their printed codes, so that their people are sampled again."
        )
    for tube in tubes:
        if tube.value is not None:
            raise TubeHasResult(f"Tube {tube.code} was reported {tube.value}: it is at a laboratory and not lost.")


def stage_of(holder: str) -> str:
    """Return where a tube is once somebody of this kind holds it."""
    return {"site": "site", "courier": "courier", "lab": "lab"}[holder]


@dataclass(frozen=True)
class Recipient:
    """Whom a finding is told: a role at a place (15-digit code)."""

    role: str
    division_code: int


def must_be_told(value: str) -> bool:
    """Say whether a finding is told at once: negatives wait for whoever looks, too little material for the round."""
    return value in ("positive", "indeterminate")


def to_tell(value: str, county: int, villages: Collection[int], told_before: Collection[Recipient]) -> list[Recipient]:
    """Return who must be told of a finding: the communities of the people in the tube and epidemiology, if it asks for
    action, and everybody who was told the finding that it corrects."""
    standard = [Recipient("community", code) for code in sorted(set(villages))]
    standard.append(Recipient("epidemiologist", county * 10**9))
    return list(dict.fromkeys([*(standard if must_be_told(value) else []), *told_before]))


@dataclass(frozen=True)
class Custodian:
    """One party of a hand-over: who, what kind, and the laboratory's record if it is one."""

    name: str
    kind: str
    lab: uuid.UUID | None = None


def custodian(name: str, kind: str | None, labs: Mapping[str, uuid.UUID], otherwise: str) -> Custodian:
    """Return a party of a hand-over; a registered laboratory's name tells its kind when nobody said it."""
    clean = name.strip()
    found = kind or ("lab" if clean in labs else otherwise)
    return Custodian(clean, found, labs.get(clean) if found == "lab" else None)


def due(handed_at: datetime, within: timedelta) -> datetime:
    """Return when a difference noticed at a hand-over must be cleared up."""
    return handed_at + within
