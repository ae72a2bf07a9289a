"""What is done under orders: daily checks, tests, door visits, transports."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.engines.protocol import pack_of_protocol
from lianfang.kit.clock import local_date
from lianfang.kit.ids import new_id
from lianfang.response.quarantine import permissions as may
from lianfang.response.quarantine.models import DailyCheck, DoorVisit, Order, QuarantineTest, Transport
from lianfang.response.quarantine.rules import (
    DAY,
    CheckRefused,
    NewCheck,
    NewTest,
    is_abnormal,
    is_complete,
    planned_duties,
    slot_of,
    test_day_served,
)
from lianfang.response.quarantine.standing import audit, finish, orders_by_id, refresh, under


def record_checks(
    *, by: Actor, checks: Sequence[NewCheck], valid_at: datetime, cause: uuid.UUID | None = None
) -> list[uuid.UUID]:
    """Record daily checks made at an instant (any number at once); return the orders whose check was abnormal.

    An abnormal one makes a transfer to hospital due at once. “Could not, because …” is an answer like any other.
    """
    with acting(by):
        orders = orders_by_id([check.order for check in checks], by, may.CHECK_PERSON)
        seen = set(DailyCheck.objects.filter(id__in=[check.id for check in checks]).values_list("id", flat=True))
        rows = [_check(orders[new.order], new, by, valid_at) for new in checks if new.id not in seen]
        DailyCheck.objects.bulk_create(rows)
        if not rows:
            return []
        audit(by, "record_checks", [orders[row.order_id] for row in rows])
        county = next(iter(orders.values())).county
        for outcome in ("normal", "abnormal", "could_not"):
            keys = [(row.order_id, f"{row.day}/{row.slot}") for row in rows if _outcome(row) == outcome]
            finish("daily_check", keys, by=by, county=county, outcome=outcome, valid_at=valid_at, cause=cause)
        abnormal = [row.order_id for row in rows if row.abnormal]
        refresh(abnormal, by=by, county=county, valid_at=valid_at, cause=cause)
        return abnormal


def record_tests(*, by: Actor, tests: Sequence[NewTest], valid_at: datetime, cause: uuid.UUID | None = None) -> int:
    """Record tests as sampled, and again when their results are known (any number at once); return how many are new.

    A sample serves the planned day it was taken on, or makes good the one before; it never moves the end of an order.
    """
    with acting(by):
        orders = orders_by_id([test.order for test in tests], by, may.RECORD_TEST)
        seen = set(QuarantineTest.objects.filter(id__in=[test.id for test in tests]).values_list("id", flat=True))
        rows = [_test(orders[new.order], new, by) for new in tests if new.id not in seen]
        QuarantineTest.objects.bulk_create(rows)
        if not rows:
            return 0
        audit(by, "record_tests", [orders[row.order_id] for row in rows])
        county = next(iter(orders.values())).county
        keys = [(row.order_id, str(row.for_day)) for row in rows if row.for_day and not row.environment]
        finish("quarantine_test", keys, by=by, county=county, outcome="sampled", valid_at=valid_at, cause=cause)
        refresh({row.order_id for row in rows}, by=by, county=county, valid_at=valid_at, cause=cause)
        return len(rows)


def record_visit(
    *,
    by: Actor,
    order: uuid.UUID,
    valid_at: datetime,
    nobody_home: bool = False,
    informed: bool = False,
    reassured: bool = False,
    test_checked: bool = False,
    pledge: str = "not_asked",
    notice_handed: bool = False,
    shopping_asked: bool = False,
    needs: str = "",
    missed_day: date | None = None,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> DoorVisit:
    """Record a visit at the door step by step; the duty is done when every step is, whatever was said to the pledge."""
    with acting(by):
        (found,) = orders_by_id([order], by, may.VISIT_DOOR).values()
        former = DoorVisit.objects.filter(id=id).first() if id else None
        if former:
            return former
        steps = {"informed": informed, "reassured": reassured, "test_checked": test_checked,
                 "notice_handed": notice_handed, "shopping_asked": shopping_asked}  # fmt: skip
        visit = DoorVisit.objects.create(
            **under(found, by, valid_at), **steps, id=id or new_id(), leg=_leg_on(found, valid_at), pledge=pledge,
            nobody_home=nobody_home, needs=needs, for_day=missed_day,
            complete=is_complete(**steps) and not nobody_home,
        )  # fmt: skip
        audit(by, "record_visit", [found], complete=visit.complete)
        keys = {"door_visit": f"leg{visit.leg}"} if visit.complete else {}
        keys |= {"missed_test_visit": str(missed_day)} if missed_day and not nobody_home else {}
        for kind, period in keys.items():
            finish(
                kind,
                [(found.id, period)],
                by=by,
                county=found.county,
                outcome="visited",
                valid_at=valid_at,
                cause=cause,
            )
        return visit


def record_transport(
    *,
    by: Actor,
    order: uuid.UUID,
    purpose: str,
    destination: str,
    vehicle: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Transport:
    """Record a closed-loop transfer: ``to_site``, ``home`` or ``hospital``. Nothing has to be shown for the last."""
    with acting(by):
        (found,) = orders_by_id([order], by, may.TRANSPORT_PERSON).values()
        former = Transport.objects.filter(id=id).first() if id else None
        if former:
            return former
        transport = Transport.objects.create(
            **under(found, by, valid_at), id=id or new_id(), purpose=purpose, destination=destination, vehicle=vehicle
        )
        audit(by, "record_transport", [found], purpose=purpose)
        kind, periods = _transported(found, purpose)
        keys = [(found.id, period) for period in periods]
        finish(kind, keys, by=by, county=found.county, outcome="transferred", valid_at=valid_at, cause=cause)
        return transport


def _check(order: Order, new: NewCheck, by: Actor, at: datetime) -> DailyCheck:
    if new.temperature is None and not new.symptoms and not new.could_not.strip():
        raise CheckRefused(f"Order {order.id}: give a temperature or symptoms, or say why the check could not be done.")
    return DailyCheck(
        **under(order, by, at), id=new.id, day=local_date(at), slot=slot_of(pack_of_protocol(order.protocol), "daily_check", at),
        temperature=new.temperature, symptoms=list(new.symptoms), could_not=new.could_not,
        abnormal=is_abnormal(new.temperature, new.symptoms),
    )  # fmt: skip


def _outcome(check: DailyCheck) -> str:
    return "abnormal" if check.abnormal else "could_not" if check.could_not else "normal"


def _test(order: Order, new: NewTest, by: Actor) -> QuarantineTest:
    day = test_day_served(local_date(new.sampled_at), _test_days(order))
    return QuarantineTest(
        **under(order, by, new.sampled_at), id=new.id, sample=new.sample, result=new.result,
        environment=new.environment, for_day=day,
    )  # fmt: skip


def _test_days(order: Order) -> list[date]:
    firsts = {leg.position: leg for leg in order.legs.all()}
    planned = [duty for duty in planned_duties(order.protocol, order.tier) if duty.kind == "quarantine_test"]
    days = [(firsts[duty.leg].first_day + (duty.leg_day - 1) * DAY, duty.leg) for duty in planned if duty.leg in firsts]
    return [day for day, leg in days if day <= firsts[leg].last_day]


def _leg_on(order: Order, at: datetime) -> int:
    legs = sorted(order.legs.all(), key=lambda leg: leg.position)
    return next((leg.position for leg in legs if leg.left_at is None or leg.left_at > at), legs[-1].position)


def _transported(order: Order, purpose: str) -> tuple[str, Iterable[str]]:
    if purpose == "hospital":
        days = order.checks.filter(abnormal=True).values_list("day", flat=True)
        return "transfer_to_hospital", [str(day) for day in set(days)]
    central = [leg.position for leg in order.legs.all() if leg.kind == "central_quarantine"]
    return "closed_loop_transfer", [f"leg{position}" for position in central] if purpose == "home" else []
