"""Writing orders: issue, start, upgrade, lift, release or order anew, appeal. What is done under them: ``records.py``."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import ledger_keeper, reconcile
from lianfang.core.duties.rules import Changes
from lianfang.engines.protocol import (
    LegDates,
    LinkedContact,
    ReleaseDecision,
    dated_protocol,
    leg_schedule,
    pack_of_protocol,
    release_decision,
    tier_of,
)
from lianfang.kit.clock import at_local, local_date, response_now
from lianfang.kit.codes import county_of
from lianfang.kit.ids import new_id
from lianfang.response.command.queries import is_running
from lianfang.response.quarantine import permissions as may
from lianfang.response.quarantine.duties import desire_orders
from lianfang.response.quarantine.models import Appeal, DailyCheck, Leg, Order, Release
from lianfang.response.quarantine.records import record_checks, record_tests, record_transport, record_visit
from lianfang.response.quarantine.rules import (
    DAY,
    AppealAlreadyDecided,
    IssuerCannotDecide,
    NewOrder,
    OrderAlreadyInForce,
    OrderNotFound,
    OrderRefused,
    ReleaseRefused,
    legs_anew,
    legs_to_serve,
    order_fault,
    served_at_site,
)
from lianfang.response.quarantine.standing import (
    audit,
    close_orders,
    current_leg,
    finish,
    finish_decisions,
    orders_by_id,
    refresh,
    under,
)

__all__ = [
    "decide_appeal", "file_appeal", "issue_orders", "lift_orders", "order_anew", "record_checks", "record_tests",
    "record_transport", "record_visit", "release_orders", "roll_day", "start_orders", "upgrade_orders", "upgrade_to_case",
]  # fmt: skip

# What decides on a release: each person's last known results, and those of the contact they hang on, who may be held
# in another village of the county.
TESTS = """
SELECT DISTINCT ON (o.resident, t.environment, t.valid_at) o.resident, t.environment, t.valid_at, t.result
FROM quarantine_order o JOIN quarantine_quarantinetest t ON t.order_id = o.id
WHERE o.incident = ANY(%(incidents)s) AND o.resident = ANY(%(residents)s)
ORDER BY o.resident, t.environment, t.valid_at, t.recorded_at DESC, t.result = 'pending'
"""


def issue_orders(
    *,
    by: Actor,
    incident: uuid.UUID,
    protocol: str,
    orders: Sequence[NewOrder],
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> list[uuid.UUID]:
    """Issue quarantine orders (any number at once) with the legs that the protocol still asks for; return their ids.

    Raises `OrderRefused` with the row's number, or `OrderAlreadyInForce`; then nothing is written. Repeated ids are
    passed over.
    """
    return _issue(by, incident, dated_protocol(protocol, local_date(valid_at)), orders, valid_at, cause, {})


def upgrade_orders(
    *,
    by: Actor,
    incident: uuid.UUID,
    protocol: str,
    orders: Sequence[NewOrder],
    reason: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> list[uuid.UUID]:
    """Replace the orders of people who belong to another tier now, as when a linked contact became positive."""
    by.require(may.ISSUE_ORDER)
    with acting(by):
        made = set(Order.objects.filter(id__in=[new.id for new in orders]).values_list("id", flat=True))
        fresh = [new for new in orders if new.id not in made]
        residents = [new.resident for new in fresh]
        in_force = Order.objects.filter(incident=incident, resident__in=residents, status="in_force")
        former = orders_by_id(in_force.values_list("id", flat=True), by, may.ISSUE_ORDER)
        before = {order.resident: order for order in former.values()}
        _close(list(former.values()), by, "upgraded", "upgraded", reason, valid_at, cause)
        return _issue(by, incident, dated_protocol(protocol, local_date(valid_at)), orders, valid_at, cause, before)


def start_orders(*, by: Actor, orders: Sequence[uuid.UUID], valid_at: datetime, cause: uuid.UUID | None = None) -> int:
    """Record that people are in place since an instant; where days count from entry, their legs move with it."""
    with acting(by):
        found = [o for o in orders_by_id(orders, by, may.START_ORDER).values() if o.started_at is None]
        for order in found:
            order.started_at = valid_at
            _count_from_entry(order)
        Order.objects.bulk_update(found, ["started_at", "ends_at"])
        if found:
            audit(by, "start_orders", found)
            refresh([o.id for o in found], by=by, county=found[0].county, valid_at=valid_at, cause=cause)
        return len(found)


def lift_orders(
    *, by: Actor, orders: Sequence[uuid.UUID], reason: str, valid_at: datetime, cause: uuid.UUID | None = None
) -> int:
    """Lift orders before their end, with the reason, as when a contact was withdrawn; return how many were in force."""
    with acting(by):
        found = list(orders_by_id(orders, by, may.RELEASE_ORDER).values())
        in_force = [order for order in found if order.status == "in_force"]
        if any(valid_at < order.issued_at for order in in_force):
            raise OrderRefused("An order cannot be lifted before it was issued: correct the time.")
        _close(in_force, by, "lifted", "lifted", reason, valid_at, cause)
        return len(in_force)


def upgrade_to_case(
    *, by: Actor, orders: Sequence[uuid.UUID], reason: str, valid_at: datetime, cause: uuid.UUID | None = None
) -> int:
    """Close the orders of people who are cases now: hospital takes over, nobody brings them home; return how many."""
    with acting(by):
        found = list(orders_by_id(orders, by, may.ISSUE_ORDER).values())
        in_force = [order for order in found if order.status == "in_force"]
        _close(in_force, by, "upgraded", "upgraded", reason, valid_at, cause)
        return len(in_force)


def release_orders(
    *,
    by: Actor,
    orders: Sequence[uuid.UUID],
    valid_at: datetime,
    reason: str = "",
    cause: uuid.UUID | None = None,
) -> dict[uuid.UUID, ReleaseDecision]:
    """Decide that people may leave the leg they are in: into the next one, or out of quarantine after the last.

    To be decided from the leg's last day on, effective at its end. What the protocol still misses must be answered
    by a reason. Raises `ReleaseRefused` for the first person who cannot go; then nobody is released.
    """
    with acting(by):
        found = list(orders_by_id(orders, by, may.RELEASE_ORDER).values())
        legs = {order.id: current_leg(order) for order in found}
        decisions = _decisions(found, legs, valid_at, by)
        for order in found:
            _require_releasable(legs[order.id], decisions[order.id], valid_at, reason)
        _release(found, legs, decisions, by, valid_at, reason, cause)
        return decisions


def order_anew(
    *,
    by: Actor,
    order: uuid.UUID,
    last_day: date,
    reason: str,
    authority: str,
    appeal_to: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Hold a person beyond the end of a leg by a new order with its own reason, authority, end and appeal.

    Allowed from the leg's last day on, for no longer than the protocol's own leg. Returns the new order's id.
    """
    with acting(by):
        if id and Order.objects.filter(id=id).exists():
            return id
        (old,) = orders_by_id([order], by, may.ISSUE_ORDER).values()
        leg = current_leg(old)
        today = local_date(valid_at)
        if today < leg.last_day:
            raise OrderRefused(f"This leg lasts until {leg.last_day}: decide on its last day whether more is needed.")
        dates = [LegDates(one.position, one.kind, one.first_day, one.last_day, one.ends_at) for one in old.legs.all()]  # type: ignore[arg-type]
        legs = list(legs_anew(pack_of_protocol(old.protocol), old.tier, dates, leg.position, today, last_day))
        new = _copy(old, id or new_id(), by, valid_at, reason, authority, appeal_to, at_local(legs[-1][3] + DAY))
        if not (reason.strip() and authority.strip() and appeal_to.strip()):
            raise OrderRefused("An order anew says its reason, its authority and how to appeal: fill in all three.")
        _close([old], by, "reordered", "order_anew", reason, valid_at, cause)
        new.save(force_insert=True)
        Leg.objects.bulk_create([_leg(new, position, kind, a, b) for position, kind, a, b in legs])
        audit(by, "order_anew", [new], last_day=last_day)
        refresh([new.id], by=by, county=new.county, valid_at=valid_at, cause=cause)
        return new.id


def file_appeal(
    *,
    by: Actor,
    order: uuid.UUID,
    filed_by: str,
    reason: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Appeal:
    """File an objection to an order, by the person or by anybody for them; a decision is due within a day."""
    with acting(by):
        (found,) = orders_by_id([order], by, may.FILE_APPEAL).values()
        appeal, made = Appeal.objects.get_or_create(
            id=id or new_id(),
            defaults={
                **under(found, by, valid_at), "filed_by": filed_by, "reason": reason, "issued_by": found.issued_by,
            },
        )  # fmt: skip
        if made:
            audit(by, "file_appeal", [found], appeal=appeal.id)
            refresh([found.id], by=by, county=found.county, valid_at=valid_at, cause=cause)
        return appeal


def decide_appeal(
    *,
    by: Actor,
    appeal: uuid.UUID,
    granted: bool,
    answer: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> Appeal:
    """Decide an appeal with an answer the person can read; a granted one lifts the order at once.

    Raises `IssuerCannotDecide` when the same account issued the order.
    """
    with acting(by):
        found = Appeal.objects.select_for_update().filter(id=appeal).first()
        if found is None:
            raise OrderNotFound(f"There is no appeal {appeal} in your area. Refresh your list.")
        (order,) = orders_by_id([found.order_id], by, may.DECIDE_APPEAL).values()
        if by.account_id == found.issued_by:
            raise IssuerCannotDecide(
                "You issued this order: somebody else decides the appeal. Hand it to the duty desk."
            )
        if found.granted is not None:
            raise AppealAlreadyDecided("This appeal was decided before: its answer stands.")
        if not answer.strip():
            raise OrderRefused("Answer the appeal in words the person can read.")
        found.granted, found.answer, found.decided_by, found.decided_at = granted, answer, by.account_id, valid_at
        found.save(update_fields=["granted", "answer", "decided_by", "decided_at"])
        audit(by, "decide_appeal", [order], appeal=found.id, granted=granted)
        finish("appeal_decision", [(order.id, str(found.id)[-12:])], by=by, county=order.county, outcome="granted" if granted else "upheld",
               valid_at=valid_at, cause=cause)  # fmt: skip
        if granted and order.status == "in_force":
            _close([order], by, "lifted", "appeal_granted", answer, valid_at, cause)
        return found


def roll_day(*, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None = None) -> Changes:
    """Recompute the duties of all orders of a county up to the end of the local day, in one statement per kind."""
    return reconcile(*desire_orders(by, county), by=by, county=county, valid_at=valid_at, cause=cause)


# ------------------------------------------------------------------------------------------------- inside the room


def _issue(
    by: Actor,
    incident: uuid.UUID,
    protocol: str,
    orders: Sequence[NewOrder],
    valid_at: datetime,
    cause: uuid.UUID | None,
    supersede: dict[uuid.UUID, Order],
) -> list[uuid.UUID]:
    with acting(by):
        ids = [new.id for new in orders]
        made = set(Order.objects.filter(id__in=ids).values_list("id", flat=True))
        fresh = [new for new in orders if new.id not in made]
        homes = _homes(fresh)
        if fresh and not is_running(incident, by=by):
            raise OrderRefused("The incident is over or unknown here: an order is issued under one that runs.")
        _require_orderable(fresh, homes, protocol, valid_at, by)
        _require_free(incident, fresh, by, homes)
        rows, legs = [], []
        for new in fresh:
            dates = legs_to_serve(protocol, new, valid_at)
            order = _order(new, by, incident, protocol, homes[new.resident], valid_at, dates[-1].ends_at)
            order.supersedes = supersede.get(new.resident)
            rows.append(order)
            legs += [_leg(order, one.leg, one.kind, one.first_day, one.last_day) for one in dates]
        Order.objects.bulk_create(rows)
        Leg.objects.bulk_create(legs)
        if rows:
            audit(by, "issue_orders", rows, protocol=protocol)
            refresh([row.id for row in rows], by=by, county=rows[0].county, valid_at=valid_at, cause=cause)
        return ids


def _homes(orders: Sequence[NewOrder]) -> dict[uuid.UUID, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, present_code FROM people_resident WHERE id = ANY(%s)", [[new.resident for new in orders]]
        )
        return dict(cursor.fetchall())


def _require_orderable(
    orders: Sequence[NewOrder], homes: dict[uuid.UUID, int], protocol: str, valid_at: datetime, by: Actor
) -> None:
    for row, new in enumerate(orders, 1):
        if new.resident not in homes:
            raise OrderRefused(f"Row {row}: person {new.resident} is not in the register of your area.")
        by.require(may.ISSUE_ORDER, homes[new.resident])
        fault = order_fault(protocol, new, homes[new.resident], valid_at)
        if fault:
            raise OrderRefused(f"Row {row}: {fault}")
    if len({county_of(code) for code in homes.values()}) > 1:
        raise OrderRefused("These people live in several counties: each county issues its own orders.")
    if len({new.resident for new in orders}) < len(orders):
        raise OrderRefused("One person stands in the list twice: keep the row with the later exposure.")


def _require_free(incident: uuid.UUID, orders: Sequence[NewOrder], by: Actor, homes: dict[uuid.UUID, int]) -> None:
    if not orders:
        return
    # Somebody may be held by another village's order: the county's hand sees it, the answer names no place.
    with acting(ledger_keeper(by, county_of(next(iter(homes.values()))))):
        held = Order.objects.filter(
            incident=incident, resident__in=[new.resident for new in orders], status="in_force"
        ).values_list("resident", flat=True)
        first = next(iter(held), None)
    if first:
        raise OrderAlreadyInForce(
            f"Person {first} is under an order of this incident: upgrade, lift or renew that one."
        )


def _order(
    new: NewOrder, by: Actor, incident: uuid.UUID, protocol: str, home: int, valid_at: datetime, ends_at: datetime
) -> Order:
    return Order(
        id=new.id, county=county_of(home), incident=incident, resident=new.resident, division_code=home,
        site_code=new.site_code, place=new.place, protocol=protocol, tier=new.tier, contact=new.contact,
        linked_resident=new.linked_resident, reason=new.reason, authority=new.authority, appeal_to=new.appeal_to,
        issued_by=by.account_id, issued_title=by.title, issued_at=valid_at, recorded_at=response_now(),
        last_exposure_at=new.last_exposure_at, started_at=new.started_at, ends_at=ends_at, dependants=new.dependants,
        keeper=new.keeper,
    )  # fmt: skip


def _copy(
    old: Order,
    id: uuid.UUID,
    by: Actor,
    valid_at: datetime,
    reason: str,
    authority: str,
    appeal_to: str,
    ends_at: datetime,
) -> Order:
    kept = {
        name: getattr(old, name)
        for name in (
            "county", "incident", "resident", "division_code", "site_code", "place", "protocol", "tier", "contact",
            "linked_resident", "last_exposure_at", "started_at", "dependants", "keeper",
        )
    }  # fmt: skip
    return Order(
        **kept, id=id, reason=reason, authority=authority, appeal_to=appeal_to, issued_by=by.account_id,
        issued_title=by.title, issued_at=valid_at, recorded_at=response_now(), ends_at=ends_at, supersedes=old,
    )  # fmt: skip


def _leg(order: Order, position: int, kind: str, first_day: date, last_day: date) -> Leg:
    at_site = served_at_site(kind, order.site_code)
    held = order.site_code if at_site and order.site_code is not None else order.division_code
    return Leg(
        county=order.county, order=order, division_code=order.division_code, site_code=order.site_code,
        position=position, kind=kind, place=order.place if at_site else "", held_code=held, first_day=first_day,
        last_day=last_day, ends_at=at_local(last_day + DAY),
    )  # fmt: skip


def _count_from_entry(order: Order) -> None:
    pack = pack_of_protocol(order.protocol)
    rule = tier_of(pack, order.tier).day_counting or pack.day_counting
    if rule.count_from != "facility_entry" or order.supersedes_id:
        return
    dates = leg_schedule(pack, order.tier, last_exposure=order.last_exposure_at, entered=order.started_at)
    for leg in order.legs.all():
        leg.first_day, leg.last_day = dates[leg.position].first_day, dates[leg.position].last_day
        leg.ends_at = dates[leg.position].ends_at
        leg.save(update_fields=["first_day", "last_day", "ends_at"])
    order.ends_at = dates[-1].ends_at


def _close(
    orders: Sequence[Order],
    by: Actor,
    status: str,
    outcome: str,
    reason: str,
    valid_at: datetime,
    cause: uuid.UUID | None,
) -> None:
    if not orders:
        return
    if not reason.strip():
        raise OrderRefused("Say why these orders are closed: the people concerned will read it.")
    close_orders(orders, by=by, status=status, outcome=outcome, reason=reason, valid_at=valid_at, cause=cause)
    audit(by, f"{outcome}_orders" if outcome != "appeal_granted" else outcome, orders)
    refresh([o.id for o in orders], by=by, county=orders[0].county, valid_at=valid_at, cause=cause)


def _tests(orders: Sequence[Order], by: Actor) -> dict[uuid.UUID, list[tuple[bool, datetime, Any]]]:
    """Return (environment, sampled at, result) by resident, for the people under orders and those they hang on."""
    residents = {order.resident for order in orders} | {o.linked_resident for o in orders if o.linked_resident}
    found: dict[uuid.UUID, list[tuple[bool, datetime, Any]]] = {}
    with acting(ledger_keeper(by, orders[0].county)), connection.cursor() as cursor:
        cursor.execute(TESTS, {"incidents": list({o.incident for o in orders}), "residents": list(residents)})
        for resident, *test in cursor.fetchall():
            found.setdefault(resident, []).append(tuple(test))
    return found


def _decisions(
    orders: Sequence[Order], legs: dict[uuid.UUID, Leg], valid_at: datetime, by: Actor
) -> dict[uuid.UUID, ReleaseDecision]:
    if not orders:
        return {}
    tests = _tests(orders, by)
    unwell = _unwell(orders, valid_at)
    return {order.id: _decision(order, legs[order.id], tests, unwell, valid_at) for order in orders}


def _unwell(orders: Sequence[Order], valid_at: datetime) -> set[uuid.UUID]:
    checks = DailyCheck.objects.filter(order__in=[order.id for order in orders], could_not="", valid_at__lte=valid_at)
    last = checks.order_by("order_id", "-valid_at", "-recorded_at").distinct("order_id")
    return {order for order, abnormal in last.values_list("order_id", "abnormal") if abnormal}


def _decision(
    order: Order,
    leg: Leg,
    tests: dict[uuid.UUID, list[tuple[bool, datetime, Any]]],
    unwell: set[uuid.UUID],
    valid_at: datetime,
) -> ReleaseDecision:
    linked = [(at, result) for room, at, result in tests.get(order.linked_resident, []) if not room]  # type: ignore[arg-type]
    own = tests.get(order.resident, [])
    return release_decision(
        pack_of_protocol(order.protocol), order.tier, leg=leg.position, last_exposure=order.last_exposure_at,
        on=max(valid_at, leg.ends_at) if local_date(valid_at) >= leg.last_day else valid_at,
        entered=order.started_at or order.issued_at,
        tests=[(at, result) for room, at, result in own if not room and at <= valid_at],
        environment_tests=[(at, result) for room, at, result in own if room],
        linked_contact=LinkedContact(linked) if order.linked_resident else None,
        symptomatic=order.id in unwell,
    )  # fmt: skip


def _require_releasable(leg: Leg, decision: ReleaseDecision, valid_at: datetime, reason: str) -> None:
    who = f"Order {leg.order_id}:"
    if local_date(valid_at) < leg.last_day:
        raise ReleaseRefused(
            f"{who} this leg lasts until {leg.last_day}. To end it sooner, lift the order with a reason."
        )
    if decision.upgrade_to:
        raise ReleaseRefused(f"{who} this person is to be upgraded to {decision.upgrade_to}, not released.")
    if decision.missing and not reason.strip():
        lacking = " ".join(missing.sentence for missing in decision.missing)
        raise ReleaseRefused(f"{who} {lacking} Release with a reason, or order anew.")


def _release(
    orders: Sequence[Order],
    legs: dict[uuid.UUID, Leg],
    decisions: dict[uuid.UUID, ReleaseDecision],
    by: Actor,
    valid_at: datetime,
    reason: str,
    cause: uuid.UUID | None,
) -> None:
    if not orders:
        return
    rows = []
    for order in orders:
        leg = legs[order.id]
        leg.left_at = max(valid_at, leg.ends_at)
        last = leg.position == max(one.position for one in order.legs.all())
        if last:
            order.status, order.closed_at = "released", leg.left_at
        rows.append(
            Release(**under(order, by, valid_at), leg=leg.position, outcome="released" if last else "leg_ended",
                    effective_at=leg.left_at, reason=reason, title=by.title, decision=_plain(decisions[order.id]))
        )  # fmt: skip
    Release.objects.bulk_create(rows)
    Leg.objects.bulk_update(legs.values(), ["left_at"])
    Order.objects.bulk_update(orders, ["status", "closed_at"])
    audit(by, "release_orders", orders)
    finish_decisions(list(legs.values()), by=by, outcome="released", valid_at=valid_at, cause=cause)
    refresh([o.id for o in orders], by=by, county=orders[0].county, valid_at=valid_at, cause=cause)


def _plain(decision: ReleaseDecision) -> dict[str, Any]:
    return {
        "may_release": decision.may_release,
        "missing": [missing.sentence for missing in decision.missing],
        "source": decision.source,
    }
