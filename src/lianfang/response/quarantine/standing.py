"""What the actions of this room share: finding orders, closing them, refreshing their duties, the audit."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.duties.actions import finish_duties, ledger_keeper, reconcile
from lianfang.core.duties.queries import unopened
from lianfang.core.duties.rules import Changes
from lianfang.kit.clock import local_date, response_now
from lianfang.response.quarantine.duties import desire_orders
from lianfang.response.quarantine.models import Leg, Order, Release
from lianfang.response.quarantine.rules import OrderClosed, OrderNotFound


def orders_by_id(ids: Iterable[uuid.UUID], by: Actor, permission: str) -> dict[uuid.UUID, Order]:
    """Return locked orders in the actor's area, with their legs fetched; raises when one is not there."""
    wanted = set(ids)
    by.require(permission)
    # Locked in one order, so that two who decide on the same people wait instead of blocking each other.
    found = Order.objects.select_for_update().filter(id__in=wanted).order_by("id").prefetch_related("legs")
    orders = {order.id: order for order in found}
    missing = sorted(wanted - set(orders))
    if missing:
        raise OrderNotFound(f"{len(missing)} orders are not in your area, first {missing[0]}. Refresh your list.")
    return orders


def current_leg(order: Order) -> Leg:
    """Return the leg that a person is in: the first not left. Raises `OrderClosed` after the last."""
    legs = sorted(order.legs.all(), key=lambda leg: leg.position)
    leg = next((leg for leg in legs if leg.left_at is None), None)
    if leg is None or order.status != "in_force":
        raise OrderClosed(f"This order has been closed ({order.status}) and obliges nobody any more.")
    return leg


def close_orders(
    orders: Sequence[Order],
    *,
    by: Actor,
    status: str,
    outcome: str,
    reason: str,
    valid_at: datetime,
    cause: uuid.UUID | None,
) -> None:
    """Close orders at once from an instant on, with a decision row for each; their legs end with them."""
    ids = [order.id for order in orders]
    legs = [current_leg(order) for order in orders]
    Release.objects.bulk_create(
        [
            Release(**under(order, by, valid_at), leg=leg.position, outcome=outcome, reason=reason,
                    effective_at=valid_at, title=by.title)
            for order, leg in zip(orders, legs, strict=True)
        ]
    )  # fmt: skip
    Leg.objects.filter(order__in=ids, left_at__isnull=True).update(left_at=valid_at)
    Order.objects.filter(id__in=ids).update(status=status, closed_at=valid_at)
    answer = "order_anew" if outcome == "order_anew" else "released"
    finish_decisions(legs, by=by, outcome=answer, valid_at=valid_at, cause=cause)


def finish_decisions(
    legs: Sequence[Leg], *, by: Actor, outcome: str, valid_at: datetime, cause: uuid.UUID | None
) -> None:
    """Finish the decisions due on these legs, and the overstay of those that were past their end."""
    due = [leg for leg in legs if local_date(valid_at) >= leg.last_day]
    late = [leg for leg in legs if valid_at > leg.ends_at]
    for kind, some in (("release_decision", due), ("overstay", late)):
        keys = [(leg.order_id, f"leg{leg.position}") for leg in some]
        finish(kind, keys, by=by, county=legs[0].county, outcome=outcome, valid_at=valid_at, cause=cause)


def finish(
    kind: str,
    keys: Sequence[tuple[uuid.UUID, str]],
    *,
    by: Actor,
    county: int,
    outcome: str,
    valid_at: datetime,
    cause: uuid.UUID | None,
) -> None:
    """Finish duties by (order, period); one that the day's roll had not opened yet is opened first, so that it counts."""
    if not keys:
        return
    done = finish_duties(keys, kind=kind, by=by, county=county, outcome=outcome, valid_at=valid_at, cause=cause)
    if done == len(keys):
        return
    # what somebody finished before is no reason to work out again what the whole order obliges
    missing = unopened(keys, kind=kind, county=county, by=ledger_keeper(by, county))
    if missing:
        refresh({order for order, _ in missing}, by=by, county=county, valid_at=valid_at, cause=cause)
        finish_duties(missing, kind=kind, by=by, county=county, outcome=outcome, valid_at=valid_at, cause=cause)


def under(order: Order, by: Actor, valid_at: datetime) -> dict[str, Any]:
    """Return the fields that every row under an order has."""
    return {
        "county": order.county, "order_id": order.id, "division_code": order.division_code,
        "site_code": order.site_code, "valid_at": valid_at, "recorded_at": response_now(), "account": by.account_id,
    }  # fmt: skip


def refresh(
    orders: Iterable[uuid.UUID], *, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None
) -> Changes:
    """Make the ledger agree with what these orders oblige."""
    subjects = list(orders)
    if not subjects:
        return Changes()
    return reconcile(*desire_orders(by, county, subjects), by=by, county=county, valid_at=valid_at, cause=cause)


def audit(by: Actor, verb: str, orders: Sequence[Order], **detail: Any) -> None:
    """Write one audit row: about the order when it is one, about the area when they are many."""
    one = orders[0] if len(orders) == 1 else None
    record_audit(by, f"quarantine.{verb}", subject=("order", one.id if one else None),
                 division_code=one.division_code if one else by.scope.lo, count=len(orders), **detail)  # fmt: skip
