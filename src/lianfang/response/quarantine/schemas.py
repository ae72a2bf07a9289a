"""What commands about quarantine carry, and the action each calls."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from lianfang.core.access.commands import Envelope
from lianfang.core.access.rules import Actor
from lianfang.kit.ids import new_id
from lianfang.response.quarantine import actions
from lianfang.response.quarantine.rules import NewCheck, NewOrder, NewTest


class Payload(BaseModel):
    """Fields that nobody defined are refused."""

    model_config = ConfigDict(extra="forbid")


class OrderGiven(Payload):
    resident: UUID
    tier: str
    last_exposure_at: datetime
    reason: str
    authority: str
    appeal_to: str
    place: str = ""
    site_code: int | None = None
    contact: UUID | None = None
    linked_resident: UUID | None = None
    dependants: bool | None = None
    keeper: str = ""
    started_at: datetime | None = None
    id: UUID = Field(default_factory=new_id)


class IssueOrders(Payload):
    incident: UUID
    protocol: str
    orders: list[OrderGiven]


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


class CheckGiven(Payload):
    order: UUID
    temperature: Decimal | None = None
    symptoms: tuple[str, ...] = ()
    could_not: str = ""
    id: UUID = Field(default_factory=new_id)


class RecordChecks(Payload):
    checks: list[CheckGiven]


class TestGiven(Payload):
    order: UUID
    sampled_at: datetime
    result: str
    sample: UUID | None = None
    environment: bool = False
    id: UUID = Field(default_factory=new_id)


class RecordTests(Payload):
    tests: list[TestGiven]


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


def _many(payload: Payload) -> dict[str, Any]:
    """Return the payload's fields as the action takes them: rows become the room's own records."""
    rows: dict[type, Any] = {OrderGiven: NewOrder, CheckGiven: NewCheck, TestGiven: NewTest}

    def own(value: Any) -> Any:
        if isinstance(value, list):
            return [own(one) for one in value]
        return rows[type(value)](**value.model_dump()) if type(value) in rows else value

    return {name: own(getattr(payload, name)) for name in type(payload).model_fields}


def _answer(made: Any) -> dict[str, Any]:
    if isinstance(made, UUID):
        return {"id": made}
    if hasattr(made, "id"):
        return {"id": made.id}
    if isinstance(made, dict):
        return {"released": list(made)}
    return {"orders": made} if isinstance(made, list) else {"count": made}


def _handler(action: Any) -> Any:
    def handle(by: Actor, envelope: Envelope, payload: Payload) -> dict[str, Any]:
        return _answer(action(by=by, valid_at=envelope.valid_at, cause=envelope.id, **_many(payload)))

    return handle


COMMANDS: dict[str, tuple[type[Payload], Any]] = {
    "issue_orders": (IssueOrders, _handler(actions.issue_orders)),
    "upgrade_orders": (UpgradeOrders, _handler(actions.upgrade_orders)),
    "start_orders": (StartOrders, _handler(actions.start_orders)),
    "upgrade_to_case": (LiftOrders, _handler(actions.upgrade_to_case)),
    "lift_orders": (LiftOrders, _handler(actions.lift_orders)),
    "release_orders": (ReleaseOrders, _handler(actions.release_orders)),
    "order_anew": (OrderAnew, _handler(actions.order_anew)),
    "record_checks": (RecordChecks, _handler(actions.record_checks)),
    "record_tests": (RecordTests, _handler(actions.record_tests)),
    "record_visit": (RecordVisit, _handler(actions.record_visit)),
    "record_transport": (RecordTransport, _handler(actions.record_transport)),
    "file_appeal": (FileAppeal, _handler(actions.file_appeal)),
    "decide_appeal": (DecideAppeal, _handler(actions.decide_appeal)),
}
