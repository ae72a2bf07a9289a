"""What commands about reports carry, and the action each calls."""

from datetime import date, datetime
from typing import Any

from lianfang.core.access.commands import Envelope, Payload, calls
from lianfang.core.access.rules import Actor
from lianfang.surfaces.reports import actions
from lianfang.surfaces.reports.rules import NewQuotation


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


class Quote(Payload):
    scenario: str
    published_at: datetime
    quotations: list[NewQuotation]


def _open_reports(by: Actor, envelope: Envelope, payload: OpenReports) -> dict[str, Any]:
    changes = actions.open_reports(by=by, county=payload.county, valid_at=envelope.valid_at, cause=envelope.id)
    return {"opened": changes.opened, "cancelled": changes.cancelled}


COMMANDS: dict[str, tuple[type[Payload], Any]] = {
    "open_reports": (OpenReports, _open_reports),
    "freeze_reports": (FreezeReports, calls(actions.freeze_reports)),
    "revise_reports": (ReviseReports, calls(actions.revise_reports)),
    "submit_report": (SubmitReport, calls(actions.submit_report)),
    "quote": (Quote, calls(actions.quote)),
}
