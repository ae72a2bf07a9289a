"""The payloads of the commands that reach rounds from outside, and what each of them does."""

import uuid
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lianfang.core.access.commands import Envelope
from lianfang.core.access.rules import Actor
from lianfang.engines.protocol import Proposal
from lianfang.kit.codes import CodeRange
from lianfang.response.screening import actions
from lianfang.response.screening.rules import AreaEntry, ExclusionEntry, FoundEntry, SiteEntry, VisitEntry


class Payload(BaseModel):
    """Refuses fields that nobody declared, so that a misspelt one is told."""

    model_config = ConfigDict(extra="forbid")


class OpenRound(Payload):
    """A round to open; without an id of its own it takes the command's."""

    id: uuid.UUID | None = None
    incident: uuid.UUID
    area_code: int
    title: str = Field(min_length=1, max_length=120)
    areas: list[AreaEntry] = Field(min_length=1)
    pack: str
    overlays: list[str] = []
    number: int | None = Field(default=None, ge=1)


class RecordFound(Payload):
    """People who are here and not on the roster."""

    round: uuid.UUID
    people: list[FoundEntry] = Field(min_length=1, max_length=1000)


class ExcludePeople(Payload):
    """People who need not be sampled, each with a reason."""

    round: uuid.UUID
    people: list[ExclusionEntry] = Field(min_length=1, max_length=1000)
    accept_good: bool = False


class RecordRecall(Payload):
    """A second person's call about an exclusion."""

    round: uuid.UUID
    exclusion: uuid.UUID
    confirmed: bool
    note: str = Field(default="", max_length=200)


class OrderVisits(Payload):
    """A range whose missing people are to be visited from now on."""

    id: uuid.UUID | None = None
    round: uuid.UUID
    within: CodeRange


class RecordVisits(Payload):
    """What came of visits to the missing."""

    round: uuid.UUID
    people: list[VisitEntry] = Field(min_length=1, max_length=1000)
    accept_good: bool = False


class CloseRound(Payload):
    """A sign-off, and who accepts those who remain."""

    round: uuid.UUID
    accepted_by: uuid.UUID | None = None
    accepted_title: str = Field(default="", max_length=120)


class DecideNextRound(Payload):
    """What a person decides after the rounds so far."""

    id: uuid.UUID | None = None
    incident: uuid.UUID
    area_code: int
    pack: str
    overlays: list[str] = []
    situation: str
    decision: Proposal
    reason: str = Field(default="", max_length=300)


class OpenSites(Payload):
    """Sampling sites of a round."""

    round: uuid.UUID
    sites: list[SiteEntry] = Field(min_length=1, max_length=1000)


def open_round(by: Actor, envelope: Envelope, payload: OpenRound) -> dict[str, Any]:
    """Open a round and freeze its roster."""
    made = actions.open_round(**_arguments(by, envelope, payload) | {"id": payload.id or envelope.id})
    return {"id": made.id, "number": made.number, "frozen": made.frozen, "target_at": made.target_at}


def record_found(by: Actor, envelope: Envelope, payload: RecordFound) -> dict[str, Any]:
    """Add people found."""
    return asdict(actions.record_found(**_arguments(by, envelope, payload)))


def exclude_people(by: Actor, envelope: Envelope, payload: ExcludePeople) -> dict[str, Any]:
    """Exclude people."""
    return asdict(actions.exclude_people(**_arguments(by, envelope, payload)))


def record_recall(by: Actor, envelope: Envelope, payload: RecordRecall) -> dict[str, Any]:
    """Record a call-back."""
    actions.record_recall(**_arguments(by, envelope, payload))
    return {}


def order_visits(by: Actor, envelope: Envelope, payload: OrderVisits) -> dict[str, Any]:
    """Order visits; without an id of its own the order takes the command's."""
    changes = actions.order_visits(**_arguments(by, envelope, payload) | {"id": payload.id or envelope.id})
    return {"opened": changes.opened}


def record_visits(by: Actor, envelope: Envelope, payload: RecordVisits) -> dict[str, Any]:
    """Record visits."""
    return asdict(actions.record_visits(**_arguments(by, envelope, payload)))


def close_round(by: Actor, envelope: Envelope, payload: CloseRound) -> dict[str, Any]:
    """Sign a round off."""
    return asdict(actions.close_round(**_arguments(by, envelope, payload)))


def decide_next_round(by: Actor, envelope: Envelope, payload: DecideNextRound) -> dict[str, Any]:
    """Record a decision; without an id of its own it takes the command's."""
    made = actions.decide_next_round(**_arguments(by, envelope, payload) | {"id": payload.id or envelope.id})
    return {"id": made.id, "proposal": made.proposal, "decision": made.decision, "not_before": made.not_before}


def open_sites(by: Actor, envelope: Envelope, payload: OpenSites) -> dict[str, Any]:
    """Open sampling sites."""
    return {"sites": actions.open_sites(**_arguments(by, envelope, payload))}


def _arguments(by: Actor, envelope: Envelope, payload: BaseModel) -> dict[str, Any]:
    fields = {name: getattr(payload, name) for name in type(payload).model_fields}
    return {"by": by, "valid_at": envelope.valid_at, "cause": envelope.id, **fields}


COMMANDS: dict[str, tuple[type[BaseModel], Callable[[Actor, Envelope, Any], dict[str, Any]]]] = {
    "open_round": (OpenRound, open_round),
    "record_found": (RecordFound, record_found),
    "exclude_people": (ExcludePeople, exclude_people),
    "record_recall": (RecordRecall, record_recall),
    "order_visits": (OrderVisits, order_visits),
    "record_visits": (RecordVisits, record_visits),
    "close_round": (CloseRound, close_round),
    "decide_next_round": (DecideNextRound, decide_next_round),
    "open_sites": (OpenSites, open_sites),
}
