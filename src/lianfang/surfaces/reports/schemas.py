"""What commands about reports carry, and the action each calls."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from lianfang.core.access.commands import Envelope, calls
from lianfang.core.access.rules import Actor
from lianfang.surfaces.reports import actions
from lianfang.surfaces.reports.actions import NewQuotation


class Payload(BaseModel):
    """Fields that nobody defined are refused."""

    model_config = ConfigDict(extra="forbid")


class OpenReports(Payload):
    county: int


class FreezeReports(Payload):
    day: date
    county: int


class ReviseReports(Payload):
    day: date
    county: int


class SubmitReport(Payload):
    unit: int
    day: date


class Quoted(Payload):
    name: str
    order: int
    quote: str
    value: str
    comparator: str
    count: str
    params: dict[str, Any] = {}


class Quote(Payload):
    scenario: str
    published_at: datetime
    quotations: list[Quoted]


def _open_reports(by: Actor, envelope: Envelope, payload: OpenReports) -> dict[str, Any]:
    changes = actions.open_reports(by=by, county=payload.county, valid_at=envelope.valid_at, cause=envelope.id)
    return {"opened": changes.opened, "cancelled": changes.cancelled}


def _quote(by: Actor, envelope: Envelope, payload: Quote) -> dict[str, Any]:
    entries = [NewQuotation(**entry.model_dump()) for entry in payload.quotations]
    added = actions.quote(
        by=by, scenario=payload.scenario, published_at=payload.published_at, quotations=entries,
        valid_at=envelope.valid_at, cause=envelope.id,
    )  # fmt: skip
    return {"count": added}


COMMANDS: dict[str, tuple[type[Payload], Any]] = {
    "open_reports": (OpenReports, _open_reports),
    "freeze_reports": (FreezeReports, calls(actions.freeze_reports)),
    "revise_reports": (ReviseReports, calls(actions.revise_reports)),
    "submit_report": (SubmitReport, calls(actions.submit_report)),
    "quote": (Quote, _quote),
}
