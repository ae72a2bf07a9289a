"""What orders oblige: one statement joins the plan of each class (protocol × tier) with everybody's legs.

A duty that was done stays desired because the fact that did it is in the tables; what was left undone when a leg
or order is over is cancelled with it. So the ledger follows from the facts alone.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import ledger_keeper
from lianfang.core.duties.rules import Desired, Kind
from lianfang.engines.protocol import pack_of_protocol
from lianfang.kit.clock import at_local, local_date, response_now
from lianfang.response.quarantine.rules import APPEAL_WITHIN, AT_ONCE, VISIT_WITHIN, planned_duties

KINDS: tuple[Kind, ...] = (
    Kind("overstay", "超期未解除", "held past the end of an order", "quarantine", ("released", "order_anew"), 0, "release_orders"),
    Kind("transfer_to_hospital", "异常人员送医", "transfer to hospital", "quarantine", ("transferred",), 1, "record_transport"),
    Kind("appeal_decision", "申诉答复", "decision on an appeal", "quarantine", ("granted", "upheld"), 2, "decide_appeal"),
    Kind("release_decision", "解除隔离决定", "release decision", "quarantine", ("released", "order_anew"), 6, "release_orders"),
    Kind("closed_loop_transfer", "闭环转运", "closed-loop transfer", "quarantine", ("transferred",), 10, "record_transport"),
    Kind("quarantine_test", "隔离期核酸", "test in quarantine", "quarantine", ("sampled",), 12, "record_tests"),
    Kind("missed_test_visit", "漏检上门", "visit after a missed test", "quarantine", ("visited",), 13, "record_visit"),
    Kind("daily_check", "健康监测", "daily check", "quarantine", ("normal", "abnormal", "could_not"), 14, "record_checks"),
    Kind("door_visit", "上门", "door visit", "quarantine", ("visited",), 15, "record_visit"),
)  # fmt: skip

PLANNED = ("daily_check", "quarantine_test", "door_visit", "release_decision", "closed_loop_transfer")
MINE = "o.county = %(county)s AND (%(subjects)s::uuid[] IS NULL OR o.id = ANY(%(subjects)s::uuid[]))"

# item: a planned duty of one order, on its calendar day; place: where the person is while an earlier leg goes on.
ITEMS = f"""
WITH plan AS MATERIALIZED (
    SELECT * FROM unnest(%(protocols)s::text[], %(tiers)s::text[], %(legs)s::int[], %(kinds_of)s::text[], %(leg_days)s::int[],
                         %(slots)s::int[], %(opens)s::interval[], %(dues)s::interval[], %(rules)s::text[])
         AS p (protocol, tier, leg, kind, leg_day, slot, opens, due, rule)
), item AS (
    SELECT o.id, o.protocol, o.issued_at, o.status, l.position, l.kind AS leg_kind, l.left_at, p.kind, p.slot, p.rule, d.day,
           (d.day + p.opens) AT TIME ZONE 'Asia/Shanghai' AS opens_at,
           (d.day + p.due) AT TIME ZONE 'Asia/Shanghai' AS due_at,
           coalesce((SELECT e.held_code FROM quarantine_leg e WHERE e.order_id = o.id AND e.position < l.position
                     AND e.left_at IS NULL ORDER BY e.position LIMIT 1), l.held_code) AS place,
           coalesce(l.left_at, o.closed_at, 'infinity') > %(at)s AS live
    FROM quarantine_order o
    JOIN quarantine_leg l ON l.order_id = o.id
    JOIN plan p ON p.protocol = o.protocol AND p.tier = o.tier AND p.leg = l.position
    CROSS JOIN LATERAL (SELECT CASE WHEN p.kind IN ('release_decision', 'closed_loop_transfer') THEN l.last_day
                                    ELSE l.first_day + p.leg_day - 1 END AS day) d
    WHERE {MINE} AND d.day <= l.last_day
)
"""  # noqa: S608 - made of the constant above

PLAN = f"""
{ITEMS}, dated AS (
    SELECT i.*, greatest(i.opens_at, i.issued_at) AS open,
           CASE WHEN i.kind = 'door_visit' AND i.issued_at > i.opens_at THEN i.issued_at + %(visit_within)s ELSE i.due_at END AS due
    FROM item i WHERE i.kind <> 'closed_loop_transfer'
    UNION ALL
    -- Whoever may leave early is brought home then, not on the day planned.
    SELECT i.*, least(i.opens_at, coalesce(i.left_at, i.opens_at)),
           CASE WHEN i.left_at < i.opens_at THEN i.left_at + %(visit_within)s ELSE i.due_at END
    FROM item i WHERE i.kind = 'closed_loop_transfer'
)
SELECT 'order', d.id, d.kind,
       CASE d.kind WHEN 'daily_check' THEN d.day::text || '/' || d.slot WHEN 'quarantine_test' THEN d.day::text
                   ELSE 'leg' || d.position END,
       d.place,
       CASE d.kind WHEN 'daily_check' THEN CASE d.leg_kind WHEN 'central_quarantine' THEN 'site_team' ELSE 'grid_worker' END
                   WHEN 'quarantine_test' THEN 'sampler' WHEN 'door_visit' THEN 'community'
                   WHEN 'release_decision' THEN 'township' ELSE 'driver' END,
       NULL::uuid, d.protocol || ' ' || d.rule, d.id, d.open, d.due
FROM dated d
WHERE d.open < %(horizon)s AND d.due > d.issued_at AND d.due >= d.open AND CASE d.kind
    WHEN 'daily_check' THEN d.live OR EXISTS (SELECT FROM quarantine_dailycheck c WHERE c.order_id = d.id AND c.day = d.day
                                              AND c.slot = d.slot)
    WHEN 'quarantine_test' THEN d.live OR EXISTS (SELECT FROM quarantine_quarantinetest t WHERE t.order_id = d.id
                                                  AND t.for_day = d.day AND NOT t.environment)
    WHEN 'door_visit' THEN d.live OR EXISTS (SELECT FROM quarantine_doorvisit v WHERE v.order_id = d.id
                                             AND v.leg = d.position AND v.complete)
    WHEN 'release_decision' THEN d.live OR d.left_at >= d.open
    ELSE d.status IN ('in_force', 'released', 'lifted')
         OR EXISTS (SELECT FROM quarantine_transport t WHERE t.order_id = d.id AND t.purpose = 'home')
END
"""  # noqa: S608 - made of the constants above

OVERSTAYS = f"""
SELECT 'order', o.id, 'overstay', 'leg' || l.position, l.held_code, 'township', NULL::uuid, o.protocol || ' nothing extends itself',
       o.id, l.ends_at, l.ends_at
FROM quarantine_order o JOIN quarantine_leg l ON l.order_id = o.id
WHERE {MINE} AND (
    l.left_at > l.ends_at
    OR o.status = 'in_force' AND l.left_at IS NULL AND l.ends_at <= %(at)s
       AND NOT EXISTS (SELECT FROM quarantine_leg e WHERE e.order_id = o.id AND e.position < l.position AND e.left_at IS NULL))
"""  # noqa: S608 - made of the constant above

TRANSFERS = f"""
SELECT DISTINCT ON (o.id, c.day) 'order', o.id, 'transfer_to_hospital', c.day::text,
       coalesce((SELECT l.held_code FROM quarantine_leg l WHERE l.order_id = o.id AND l.left_at IS NULL
                 ORDER BY l.position LIMIT 1), o.division_code),
       'driver', NULL::uuid, o.protocol || ' abnormal check', c.id, c.valid_at, c.valid_at + %(at_once)s
FROM quarantine_order o JOIN quarantine_dailycheck c ON c.order_id = o.id AND c.abnormal
WHERE {MINE} ORDER BY o.id, c.day, c.valid_at, c.id
"""  # noqa: S608 - made of the constant above

# A missed test opens a visit, never a sanction; a later sample that makes it good closes it.
MISSED = f"""
{ITEMS}
SELECT 'order', i.id, 'missed_test_visit', i.day::text, i.place, 'community', NULL::uuid, i.protocol || ' ' || i.rule, i.id,
       i.due_at, i.due_at + %(visit_within)s
FROM item i
WHERE i.kind = 'quarantine_test' AND i.due_at <= %(at)s AND i.due_at > i.issued_at
  AND (EXISTS (SELECT FROM quarantine_doorvisit v WHERE v.order_id = i.id AND v.for_day = i.day)
       OR i.live AND NOT EXISTS (SELECT FROM quarantine_quarantinetest t WHERE t.order_id = i.id AND t.for_day >= i.day
                                 AND NOT t.environment))
"""  # noqa: S608 - made of the constant above

# A period is short: the random tail of the appeal's id tells several appeals of one order apart.
APPEALS = f"""
SELECT 'order', o.id, 'appeal_decision', right(a.id::text, 12), o.division_code, 'commander', NULL::uuid, o.protocol || ' appeal_decision', a.id,
       a.valid_at, a.valid_at + coalesce(clock.span, %(appeal_within)s)
FROM quarantine_order o JOIN quarantine_appeal a ON a.order_id = o.id
LEFT JOIN unnest(%(clocked)s::text[], %(spans)s::interval[]) AS clock (protocol, span) ON clock.protocol = o.protocol
WHERE {MINE}
"""  # noqa: S608 - made of the constant above


def desire_orders(by: Actor, county: int, subjects: Sequence[uuid.UUID] | None = None) -> tuple[Desired, ...]:
    """Desire everything that a county's orders (or some of them) oblige up to the end of the local day."""
    classes = order_classes(by, county)
    at = response_now()
    plan = _plan(classes) | {
        "at": at,
        "horizon": at_local(local_date(at) + timedelta(days=1)),
        "visit_within": VISIT_WITHIN,
    }
    clocks = {p: pack_of_protocol(p).clocks.get("appeal_decision") for p in {protocol for protocol, _ in classes}}
    spans = {p: timedelta(hours=clock.hours) for p, clock in clocks.items() if clock}
    appeals: dict[str, object] = {"clocked": list(spans), "spans": list(spans.values()), "appeal_within": APPEAL_WITHIN}
    over = "the leg or order is over"
    return (
        Desired(PLANNED, PLAN, plan, subjects, over),
        Desired(("missed_test_visit",), MISSED, plan, subjects, "the test was made good, or the order is over"),
        Desired(("overstay",), OVERSTAYS, {"at": at}, subjects, over),
        Desired(("transfer_to_hospital",), TRANSFERS, {"at_once": AT_ONCE}, subjects, over),
        Desired(("appeal_decision",), APPEALS, appeals, subjects, over),
    )


def order_classes(by: Actor, county: int) -> list[tuple[str, str]]:
    """Return the classes (dated protocol, tier) of a county's orders: the plan is made once for each."""
    # The whole county: what the protocol obliges does not depend on who happens to act.
    with acting(ledger_keeper(by, county)), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT protocol, tier FROM quarantine_order WHERE county = %s", [county])
        return cursor.fetchall()


def _plan(classes: Sequence[tuple[str, str]]) -> dict[str, object]:
    rows = [duty for protocol, tier in classes for duty in planned_duties(protocol, tier) if duty.kind in PLANNED]
    return {
        "protocols": [row.protocol for row in rows],
        "tiers": [row.tier for row in rows],
        "legs": [row.leg for row in rows],
        "kinds_of": [row.kind for row in rows],
        "leg_days": [row.leg_day for row in rows],
        "slots": [row.slot for row in rows],
        "opens": [row.opens for row in rows],
        "dues": [row.due for row in rows],
        "rules": [row.rule for row in rows],
    }
