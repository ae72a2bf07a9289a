"""Writing zones: check needs, draw, evaluate, decide. The protocol proposes; every change is a person's decision."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duties, reconcile
from lianfang.core.duties.rules import Changes
from lianfang.engines.protocol import (
    ZoneDecision,
    ZoneFacts,
    ZoneScreen,
    dated_protocol,
    pack_of_protocol,
    zone_level,
    zone_release,
)
from lianfang.kit.clock import LOCAL, local_date, response_now
from lianfang.kit.codes import county_of
from lianfang.kit.ids import new_id
from lianfang.response.zones import permissions as may
from lianfang.response.zones.duties import desire_zones
from lianfang.response.zones.models import BuildingCheck, Zone, ZoneArea, ZoneCheck, ZoneCondition, ZoneHistory
from lianfang.response.zones.rules import (
    CHECK_WITHIN,
    MEDICAL,
    AnotherAuthority,
    ConditionsMet,
    EgressBlocked,
    NewArea,
    SealingWithoutCheck,
    ZoneNotFound,
    ZoneRefused,
    change_of,
    check_fault,
    common_unit,
    default_end,
    plain_conditions,
    shuts_in,
    zone_fault,
)

AREAS = """
area AS (SELECT * FROM unnest(%(los)s::bigint[], %(his)s::bigint[], %(buildings)s::uuid[]) AS a (code_lo, code_hi, building))
"""

NEEDS = f"""
WITH {AREAS}
SELECT count(DISTINCT v.resident), count(DISTINCT v.resident) FILTER (WHERE v.kind = ANY(%(medical)s))
FROM people_vulnerability v JOIN area a ON v.division_code BETWEEN a.code_lo AND a.code_hi
WHERE v.until IS NULL AND (a.building IS NULL OR EXISTS (
    SELECT FROM people_resident r JOIN people_household h ON h.id = r.household
    WHERE r.id = v.resident AND h.building = a.building))
"""  # noqa: S608 - made of the constant above

BUILDINGS = f"""
WITH {AREAS}
SELECT DISTINCT b.id, b.name, b.egress_clear FROM territory_building b
JOIN area a ON b.division_code BETWEEN a.code_lo AND a.code_hi AND (a.building IS NULL OR a.building = b.id)
"""  # noqa: S608 - made of the constant above


def check_zone(
    *,
    by: Actor,
    zone: uuid.UUID,
    areas: Sequence[NewArea],
    egress: Mapping[uuid.UUID, bool],
    medical_plan: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> ZoneCheck:
    """Record a look at who inside needs what, before the zone (whose id may be new) is sealed.

    Vulnerable residents are counted from the register; ``egress`` says of every building whether its ways out are
    clear; ``medical_plan`` says how each medical need is met. Raises `ZoneRefused` for what is lacking.
    """
    _require_everywhere(by, may.CHECK_ZONE, areas)
    with acting(by):
        former = ZoneCheck.objects.filter(id=id).first() if id else None
        if former:
            return former
        buildings = {row[0] for row in _run(BUILDINGS, _columns(areas))}
        ((vulnerable, medical),) = _run(NEEDS, _columns(areas) | {"medical": list(MEDICAL)})
        fault = check_fault(len(buildings), len(buildings & set(egress)), medical, medical_plan)
        if fault:
            raise ZoneRefused(fault)
        county = county_of(areas[0].code_lo)
        check = ZoneCheck.objects.create(
            id=id or new_id(), county=county, zone=zone, vulnerable=vulnerable, medical=medical,
            medical_plan=medical_plan, buildings=len(buildings), account=by.account_id, valid_at=valid_at,
            recorded_at=response_now(),
        )  # fmt: skip
        BuildingCheck.objects.bulk_create(
            [BuildingCheck(zone_check=check, building=b, egress_clear=clear) for b, clear in egress.items()]
        )
        _audit(by, "check_zone", zone, common_unit([a.range for a in areas]), vulnerable=vulnerable, medical=medical)
        _finish("zone_needs_check", zone, "once", "checked", by, county, valid_at, cause)
        return check


def draw_zone(
    *,
    by: Actor,
    incident: uuid.UUID,
    name: str,
    level: str,
    protocol: str,
    areas: Sequence[NewArea],
    reason: str,
    authority: str,
    appeal_to: str,
    valid_at: datetime,
    ends_at: datetime | None = None,
    emergency: str = "",
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Zone:
    """Draw a zone at a level of the protocol; it ends at ``ends_at`` (default: the pack's days) unless renewed.

    A level that shuts people in needs a check of needs recorded for the zone's id; an ``emergency`` (the reason in
    words) may seal first and owes the check within hours. Raises `SealingWithoutCheck`, `EgressBlocked`, `ZoneRefused`.
    """
    full = dated_protocol(protocol, local_date(valid_at))
    pack = pack_of_protocol(full)
    end = ends_at or default_end(pack, level, valid_at)
    fault = zone_fault(areas, valid_at, end, name=name, reason=reason, authority=authority, appeal_to=appeal_to)
    if fault:
        raise ZoneRefused(fault)
    _require_everywhere(by, may.DRAW_ZONE, areas)
    with acting(by):
        zone = Zone.objects.filter(id=id).first() if id else None
        if zone:
            return zone
        zone = Zone(
            id=id or new_id(), county=county_of(areas[0].code_lo), incident=incident, name=name, protocol=full,
            level=level, rank=zone_level(pack, level).rank, level_since=valid_at, reason=reason, authority=authority,
            appeal_to=appeal_to, division_code=common_unit([a.range for a in areas]), ordered_by=by.account_id,
            effective_at=valid_at, ends_at=end, recorded_at=response_now(),
        )  # fmt: skip
        if shuts_in(pack, level):
            _require_check(zone, areas, valid_at, emergency)
        zone.save(force_insert=True)
        ZoneArea.objects.bulk_create(
            [ZoneArea(zone=zone, code_lo=a.code_lo, code_hi=a.code_hi, building=a.building) for a in areas]
        )
        _decided(zone, "drawn", "", level, end, by, emergency or reason, authority, valid_at, cause)
        return zone


def review_zone(
    *,
    by: Actor,
    zone: uuid.UUID,
    valid_at: datetime,
    last_new_on: date | None = None,
    last_contact_exposure_on: date | None = None,
    screens: Sequence[ZoneScreen] = (),
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> ZoneDecision:
    """Evaluate the conditions for ending a zone on a day, from facts of other rooms, and record the proposal."""
    with acting(by):
        found = _zone(zone)
        by.require(may.REVIEW_ZONE, found.division_code)
        facts = ZoneFacts(
            on=local_date(valid_at), at_level_since=local_date(found.level_since), last_new_on=last_new_on,
            stepped_down_from=found.stepped_down_from or None, last_contact_exposure_on=last_contact_exposure_on,
            screens=tuple(screens), stricter_zones=_stricter(found, valid_at),
        )  # fmt: skip
        decision = zone_release(pack_of_protocol(found.protocol), found.level, facts)
        _, made = ZoneCondition.objects.get_or_create(
            id=id or new_id(),
            defaults={
                "county": found.county, "zone": found, "day": facts.on, "level": found.level,
                "next_level": decision.next_level or "", "may_change": decision.may_change,
                "conditions": plain_conditions(decision), "rule": decision.rule or "", "account": by.account_id,
                "valid_at": valid_at, "recorded_at": response_now(),
            },
        )  # fmt: skip
        if made:
            _audit(by, "review_zone", found.id, found.division_code, may_change=decision.may_change)
            _finish("zone_review", found.id, str(facts.on), "reviewed", by, found.county, valid_at, cause)
        return decision


def decide_zone(
    *,
    by: Actor,
    zone: uuid.UUID,
    level: str | None,
    reason: str,
    authority: str,
    valid_at: datetime,
    ends_at: datetime | None = None,
    emergency: str = "",
    cause: uuid.UUID | None = None,
) -> Zone:
    """Decide on a zone: another level steps it down or raises it, the same renews it, none lifts it.

    Raises `AnotherAuthority` when somebody else's zone is eased, `ConditionsMet` when a zone that may end is renewed.
    """
    with acting(by):
        found = _zone(zone)
        by.require(may.DECIDE_ZONE, found.division_code)
        pack = pack_of_protocol(found.protocol)
        decision = change_of(pack, found.level, level)
        latest = found.conditions.filter(valid_at__lte=valid_at).order_by("-valid_at", "-recorded_at").first()
        _require_decidable(found, decision, latest, reason, authority, valid_at)
        areas = [NewArea(a.code_lo, a.code_hi, a.building) for a in found.areas.all()]
        if level is not None and decision == "raised" and shuts_in(pack, level):
            _require_check(found, areas, valid_at, emergency)
        before, former_end = found.level, found.ends_at
        if level is None:
            found.lifted_at = valid_at
        else:
            eased = before if decision == "stepped_down" else found.stepped_down_from if decision == "renewed" else ""
            found.ends_at = ends_at or default_end(pack, level, valid_at, eased)
            if found.ends_at <= valid_at:
                raise ZoneRefused("The new end lies before the decision: correct ends_at.")
        if level is not None and decision != "renewed":
            found.stepped_down_from = before if decision == "stepped_down" else ""
            found.level, found.rank, found.level_since = level, zone_level(pack, level).rank, valid_at
        found.save()
        end = None if level is None else found.ends_at
        _decided(found, decision, before, level or "", end, by, emergency or reason, authority, valid_at, cause, latest)
        _finish("zone_end_decision", found.id, _term(former_end), "decided", by, found.county, valid_at, cause)
        return found


def roll_zones(*, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None = None) -> Changes:
    """Recompute the duties of all zones of a county up to the end of the local day."""
    return reconcile(*desire_zones(), by=by, county=county, valid_at=valid_at, cause=cause)


# ------------------------------------------------------------------------------------------------- inside the room


def _zone(id: uuid.UUID) -> Zone:
    found = Zone.objects.select_for_update().filter(id=id).first()
    if found is None:
        raise ZoneNotFound(f"There is no zone {id}. Refresh your list.")
    return found


def _require_everywhere(by: Actor, permission: str, areas: Sequence[NewArea]) -> None:
    if not areas:
        raise ZoneRefused("A zone needs at least one area: give code ranges or buildings.")
    for area in areas:
        by.require(permission, area.code_lo)
        by.require(permission, area.code_hi)


def _require_check(zone: Zone, areas: Sequence[NewArea], valid_at: datetime, emergency: str) -> None:
    buildings = _run(BUILDINGS, _columns(areas))
    check = ZoneCheck.objects.filter(zone=zone.id, valid_at__lte=valid_at).order_by("-valid_at").first()
    looked = dict(check.egress.values_list("building", "egress_clear")) if check else {}
    blocked = [name for id, name, clear in buildings if looked.get(id, clear) is False]
    if blocked:
        raise EgressBlocked(f"The ways out of {', '.join(blocked[:5])} are blocked: clear them before sealing.")
    if check and all(id in looked for id, *_ in buildings):
        return
    if not emergency.strip():
        raise SealingWithoutCheck(
            "Nobody has looked at medical needs, vulnerable residents and ways out here: record the check first, "
            "or seal as an emergency with its reason and check within hours."
        )
    zone.check_due_at = valid_at + CHECK_WITHIN


def _require_decidable(
    zone: Zone, decision: str, latest: ZoneCondition | None, reason: str, authority: str, valid_at: datetime
) -> None:
    if not reason.strip() or not authority.strip():
        raise ZoneRefused("A decision about a zone has a reason and an authority: fill in both.")
    if zone.lifted_at is not None:
        raise ZoneRefused(f"This zone was lifted at {zone.lifted_at.astimezone(LOCAL):%Y-%m-%d %H:%M}: draw a new one.")
    last = zone.history.order_by("-valid_at").first()
    if last and valid_at < last.valid_at:
        raise ZoneRefused(
            f"A later decision stands ({last.decision}, {last.valid_at.astimezone(LOCAL):%Y-%m-%d %H:%M}): decide after it."
        )
    if zone.ends_at <= valid_at and decision != "lifted":
        raise ZoneRefused("This zone has ended because nobody renewed it in time: draw a new one with its own reason.")
    if decision in ("stepped_down", "lifted") and authority != zone.authority:
        raise AnotherAuthority(f"This zone was ordered by {zone.authority}, which alone eases it. Ask them to decide.")
    if decision == "renewed" and latest and latest.may_change and latest.level == zone.level:
        raise ConditionsMet(f"The conditions for ending were met on {latest.day}: step the zone down or lift it.")


def _stricter(zone: Zone, at: datetime) -> int:
    live = Zone.objects.filter(incident=zone.incident, rank__gt=zone.rank, effective_at__lte=at, ends_at__gt=at)
    return live.exclude(lifted_at__lte=at).count()


def _decided(
    zone: Zone,
    decision: str,
    from_level: str,
    to_level: str,
    ends_at: datetime | None,
    by: Actor,
    reason: str,
    authority: str,
    valid_at: datetime,
    cause: uuid.UUID | None,
    latest: ZoneCondition | None = None,
) -> None:
    last = zone.history.order_by("-recorded_at").first()
    # A held clock gives two decisions one instant; the later one must still be told from the earlier.
    recorded_at = max(response_now(), last.recorded_at + timedelta(microseconds=1)) if last else response_now()
    ZoneHistory.objects.create(
        county=zone.county, zone=zone, decision=decision, from_level=from_level, to_level=to_level,
        rank=zone.rank if to_level else None, ends_at=ends_at, reason=reason, authority=authority,
        account=by.account_id, conditions=latest.conditions if latest else [], command=cause, valid_at=valid_at,
        recorded_at=recorded_at,
    )  # fmt: skip
    _audit(by, f"{decision}_zone", zone.id, zone.division_code, level=to_level)
    reconcile(*desire_zones([zone.id]), by=by, county=zone.county, valid_at=valid_at, cause=cause)


def _finish(
    kind: str,
    zone: uuid.UUID,
    period: str,
    outcome: str,
    by: Actor,
    county: int,
    valid_at: datetime,
    cause: uuid.UUID | None,
) -> None:
    # The fact is written; a duty that the day's roll had not opened yet is opened by it, so that it counts as done.
    reconcile(*desire_zones([zone]), by=by, county=county, valid_at=valid_at, cause=cause)
    finish_duties([(zone, period)], kind=kind, by=by, county=county, outcome=outcome, valid_at=valid_at, cause=cause)


def _term(ends_at: datetime) -> str:
    """Return how the ledger names a term: its end as China's clocks show it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (%s::timestamptz AT TIME ZONE 'Asia/Shanghai')::text", [ends_at])
        return str(cursor.fetchone()[0])


def _columns(areas: Sequence[NewArea]) -> dict[str, Any]:
    return {
        "los": [a.code_lo for a in areas],
        "his": [a.code_hi for a in areas],
        "buildings": [a.building for a in areas],
    }


def _run(sql: str, params: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _audit(by: Actor, verb: str, zone: uuid.UUID, code: int, **detail: Any) -> None:
    record_audit(by, f"zones.{verb}", subject=("zone", zone), division_code=code, **detail)
