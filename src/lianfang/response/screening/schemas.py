"""The payloads of the commands that reach rounds from outside, and what each of them does."""

import uuid
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.core.people.rules import VisitorEntry
from lianfang.engines.protocol import Proposal
from lianfang.kit.codes import CodeRange
from lianfang.response.screening import actions
from lianfang.response.screening.models import Round, RoundDecision
from lianfang.response.screening.paper import BLANK, LINES, ExtraEntry, SheetLineEntry
from lianfang.response.screening.rules import AreaEntry, ExclusionEntry, FoundEntry, SiteEntry, VisitEntry
from lianfang.response.specimens.rules import TubeEntry


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


class RegisterWalkIn(Payload):
    """Somebody at a table who is in no register; ``tube`` (without samples) and ``sample`` when they are sampled at once."""

    round: uuid.UUID
    visitor: VisitorEntry
    division_code: int
    reason: Literal["visitor", "newcomer", "unregistered"]
    tube: TubeEntry | None = None
    sample: uuid.UUID | None = None


class PrintSheets(Payload):
    """A range whose missing people (or everybody who is not excluded) go on paper."""

    id: uuid.UUID | None = None
    round: uuid.UUID
    within: CodeRange
    everybody: bool = False


class TypeInSheet(Payload):
    """A sheet as it came back: ticked lines, people added by hand, the total at its foot, when its tubes were sealed."""

    id: uuid.UUID | None = None
    sheet: uuid.UUID
    lines: list[SheetLineEntry] = Field(max_length=LINES)
    extras: list[ExtraEntry] = Field(default=[], max_length=BLANK)
    total: int = Field(ge=0, le=LINES + BLANK)
    sealed_at: AwareDatetime | None = None


class SettleSheet(Payload):
    """What the lines of a sheet truly say on which its typings differ."""

    id: uuid.UUID | None = None
    sheet: uuid.UUID
    lines: list[SheetLineEntry] = Field(max_length=LINES + BLANK)
    note: str = Field(min_length=1, max_length=200)


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


class WithdrawExclusion(Payload):
    """An exclusion that its own writer takes back."""

    round: uuid.UUID
    exclusion: uuid.UUID


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


def _opened(made: Round) -> dict[str, Any]:
    return {"id": made.id, "number": made.number, "frozen": made.frozen, "target_at": made.target_at}


def _decided(made: RoundDecision) -> dict[str, Any]:
    return {"id": made.id, "proposal": made.proposal, "decision": made.decision, "not_before": made.not_before}


COMMANDS: Commands = {
    "open_round": (OpenRound, calls(actions.open_round, _opened)),
    "record_found": (RecordFound, calls(actions.record_found)),
    "register_walk_in": (RegisterWalkIn, calls(actions.register_walk_in)),
    "print_sheets": (PrintSheets, calls(actions.print_sheets)),
    "type_in_sheet": (TypeInSheet, calls(actions.type_in_sheet)),
    "settle_sheet": (SettleSheet, calls(actions.settle_sheet)),
    "exclude_people": (ExcludePeople, calls(actions.exclude_people)),
    "record_recall": (RecordRecall, calls(actions.record_recall)),
    "withdraw_exclusion": (WithdrawExclusion, calls(actions.withdraw_exclusion)),
    "order_visits": (OrderVisits, calls(actions.order_visits, lambda changes: {"opened": changes.opened})),
    "record_visits": (RecordVisits, calls(actions.record_visits)),
    "close_round": (CloseRound, calls(actions.close_round)),
    "decide_next_round": (DecideNextRound, calls(actions.decide_next_round, _decided)),
    "open_sites": (OpenSites, calls(actions.open_sites, "sites")),
}
