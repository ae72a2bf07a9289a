"""What is refused about people, and the rows in which they are registered: pure."""

import uuid
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from lianfang.core.access.rules import Actor
from lianfang.core.people.identity import (
    born_on,
    normalise_name,
    normalise_phone,
    normalise_resident_id,
    phone_fault,
    resident_id_fault,
    sex_of,
)
from lianfang.kit.codes import county_of, unit_range
from lianfang.kit.refusals import NotFound, Refusal

#: why a printed code is revoked: lost, copied by somebody, no longer readable, its holder asked for it
REVOKE_REASONS = ("lost", "copied", "damaged", "asked")
RevokeReason = Literal["lost", "copied", "damaged", "asked"]
DOCUMENTS = ("resident_id", "passport", "travel_permit", "other", "none")
Document = Literal["resident_id", "passport", "travel_permit", "other", "none"]
#: codes issued by one command: a township at a time
MOST_CODES = 50_000


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


@dataclass(frozen=True)
class VisitorEntry:
    """Somebody who is here and in no register: the least that a sampling table must know of them.

    ``home_code`` is where they live (15 digits, however coarse; none: outside the mainland, or not told), ``stays_at``
    where they are reached here. An ID number tells sex and birth; with any other document they are asked.
    """

    id: uuid.UUID
    name: str
    document: Document
    number: str = ""
    sex: Literal["male", "female"] | None = None
    birth_date: date | None = None
    phone: str = ""
    home_code: int | None = None
    stays_at: str = ""


def register_hand(by: Actor, county: int) -> Actor:
    """Return the county-wide hand that knows whether somebody is registered: a visitor to one village may live in another."""
    return replace(by, line="community", scope=unit_range(county * 10**9), permissions=frozenset())


def visitor_fault(entry: VisitorEntry, today: date) -> str | None:
    """Return why a visitor cannot be registered so, as a sentence without the number itself, or None."""
    if not normalise_name(entry.name) or len(normalise_name(entry.name)) > 40:
        return "A visitor needs a name of at most 40 characters: ask for it, or write what they are called."
    if entry.document == "resident_id" and (fault := resident_id_fault(entry.number, today=today)):
        return fault
    if entry.document != "none" and not entry.number.strip():
        return "The document's number is empty: read it from the document, or choose “none” when there is no document."
    if entry.document != "resident_id" and (entry.sex is None or entry.birth_date is None):
        return "Only a resident ID card tells sex and date of birth: ask for both."
    if entry.birth_date is not None and not date(1850, 1, 1) <= entry.birth_date <= today:
        return "This date of birth cannot be: ask again."
    if entry.phone.strip() and (fault := phone_fault(entry.phone)):
        return fault
    if not entry.phone.strip() and not entry.stays_at.strip():
        return "A visitor must be reachable with a result: give a phone number, or where they stay."
    return None


def identity_of(entry: VisitorEntry) -> tuple[str, str, date]:
    """Return the text by which a visitor is recognised again, their sex and their date of birth.

    Numbers of other documents carry their kind, so that a passport never meets an ID card of the same characters;
    without a document name, birth and phone stand in.
    """
    if entry.document == "resident_id":
        number = normalise_resident_id(entry.number)
        born = born_on(number)
        assert born is not None, "judged by visitor_fault before"
        return number, sex_of(number), born
    assert entry.sex is not None and entry.birth_date is not None, "judged by visitor_fault before"
    told = entry.number
    if entry.document == "none":
        told = f"{normalise_name(entry.name)}:{entry.birth_date}:{normalise_phone(entry.phone)}"
    return f"{entry.document}:{normalise_resident_id(told)}".upper(), entry.sex, entry.birth_date


def home_of(entry: VisitorEntry, county: int) -> int:
    """Return the code under which a visitor's home is kept: 0 for outside the mainland or not told."""
    home = entry.home_code or 0
    if home and county_of(home) == county and home % 1000 == 0:
        raise ResidentRefused(
            "Somebody who lives in this county is registered in a grid: give the grid's 15-digit code, or leave it out."
        )
    return home
