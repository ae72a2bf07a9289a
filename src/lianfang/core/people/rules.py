"""What is refused about people, and the rows in which they are registered: pure."""

import uuid
from dataclasses import dataclass
from datetime import date

from lianfang.kit.refusals import NotFound, Refusal


class ResidentUnknown(NotFound):
    """No such resident lives or stays in the actor's area."""


class ReasonMissing(Refusal):
    """An identifier is opened for a reason, which is logged."""


class ResidentRefused(Refusal):
    """Some rows of a register cannot be taken: which, and why."""


@dataclass(frozen=True)
class HouseholdRow:
    """A household to register; ``division_code`` is its grid (15 digits)."""

    id: uuid.UUID
    number: int
    kind: str
    division_code: int
    building: uuid.UUID | None
    unit: str
    room: str
    address: str


@dataclass(frozen=True)
class ResidentRow:
    """A resident to register. ``present_code`` differs from ``division_code`` for whoever stays elsewhere."""

    id: uuid.UUID
    household: uuid.UUID
    relation: str
    name: str
    sex: str
    birth_date: date
    ethnic_minority: bool
    division_code: int
    registered_code: int
    present_code: int
    national_id: str
    phone: str
    vulnerable: tuple[str, ...] = ()
