"""What commands about quarantine carry, and the action each calls."""

from datetime import date
from typing import Any
from uuid import UUID

from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.engines.protocol import ReleaseDecision
from lianfang.response.quarantine import actions
from lianfang.response.quarantine.rules import NewCheck, NewOrder, NewTest


class IssueOrders(Payload):
    incident: UUID
    protocol: str
    orders: list[NewOrder]


class UpgradeOrders(IssueOrders):
    reason: str


class StartOrders(Payload):
    orders: list[UUID]


class LiftOrders(Payload):
    orders: list[UUID]
    reason: str


class ReleaseOrders(Payload):
    orders: list[UUID]
    reason: str = ""


class OrderAnew(Payload):
    order: UUID
    last_day: date
    reason: str
    authority: str
    appeal_to: str
    id: UUID | None = None


class RecordChecks(Payload):
    checks: list[NewCheck]


class RecordTests(Payload):
    tests: list[NewTest]


class RecordVisit(Payload):
    order: UUID
    nobody_home: bool = False
    informed: bool = False
    reassured: bool = False
    test_checked: bool = False
    pledge: str = "not_asked"
    notice_handed: bool = False
    shopping_asked: bool = False
    needs: str = ""
    missed_day: date | None = None
    id: UUID | None = None


class RecordTransport(Payload):
    order: UUID
    purpose: str
    destination: str
    vehicle: str
    id: UUID | None = None


class FileAppeal(Payload):
    order: UUID
    filed_by: str
    reason: str
    id: UUID | None = None


class DecideAppeal(Payload):
    appeal: UUID
    granted: bool
    answer: str


def _released(made: dict[UUID, ReleaseDecision]) -> dict[str, Any]:
    return {"released": list(made)}


COMMANDS: Commands = {
    "issue_orders": (IssueOrders, calls(actions.issue_orders, "orders")),
    "upgrade_orders": (UpgradeOrders, calls(actions.upgrade_orders, "orders")),
    "start_orders": (StartOrders, calls(actions.start_orders)),
    "upgrade_to_case": (LiftOrders, calls(actions.upgrade_to_case)),
    "lift_orders": (LiftOrders, calls(actions.lift_orders)),
    "release_orders": (ReleaseOrders, calls(actions.release_orders, _released)),
    "order_anew": (OrderAnew, calls(actions.order_anew)),
    "record_checks": (RecordChecks, calls(actions.record_checks, "orders")),
    "record_tests": (RecordTests, calls(actions.record_tests)),
    "record_visit": (RecordVisit, calls(actions.record_visit)),
    "record_transport": (RecordTransport, calls(actions.record_transport)),
    "file_appeal": (FileAppeal, calls(actions.file_appeal)),
    "decide_appeal": (DecideAppeal, calls(actions.decide_appeal)),
}
