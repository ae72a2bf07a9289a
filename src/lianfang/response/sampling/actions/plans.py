"""Writing plans of slots: made for a round, confirmed by a person, made anew when the line drifts from them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Max

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.engines.planning.queues import Station
from lianfang.engines.protocol import SiteFlow, site_flow
from lianfang.kit.clock import response_now
from lianfang.kit.ids import derived_id, new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.sampling.models import SamplingLane, Slot, SlotPlan
from lianfang.response.sampling.permissions import PLAN_SLOTS
from lianfang.response.sampling.queries.flow import propose_slots, units_to_call
from lianfang.response.sampling.queries.sites import Site, round_pack, site_of, sites_of
from lianfang.response.sampling.rules import (
    NothingToPlan,
    PlannedSlot,
    PlanOutdated,
    PlanUnknown,
    SiteClosed,
    SiteTables,
    Unit,
    joined,
    most_at_once,
    numbered,
    ordinary_tables,
    share_out,
    station,
    whole_units,
)
from lianfang.response.sampling.rules import plan_slots as planned_slots


@dataclass(frozen=True)
class PlansReceipt:
    """What a plan holds: its id (of the batch, when several sites were planned together), sites, slots and people."""

    plan: uuid.UUID
    sites: int
    slots: int
    people: int


def wait_for_planners(round: uuid.UUID, *, alone: bool = True) -> None:
    """Let one person at a time plan a round until the transaction ends; calls (not ``alone``) wait for planners only."""
    lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock}(hashtextextended('slot plans ' || %s, 0))", [str(round)])


def plan_slots(
    round: uuid.UUID,
    *,
    by: Actor,
    starts_at: datetime,
    valid_at: datetime,
    seconds_per_person: float | None = None,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> PlansReceipt:
    """Propose when each building of the actor's area is called to which open site of the round, for a person to confirm.

    ``seconds_per_person``: the pace of one table, when the county has measured its own. The same id again returns the
    plan as it stands. Raises `NothingToPlan` when no site is open or nobody is left to be called.
    """
    by.require(PLAN_SLOTS)
    batch = id or new_id()
    with acting(by):
        wait_for_planners(round)
        if there := _receipt(batch):
            return there
        sites = [site for site in sites_of(by, round=round) if site.running]
        if not sites:
            raise NothingToPlan("No sampling site of this round is open in your area: open the sites first.")
        flow = site_flow(round_pack(sites[0]))
        stations = _stations(sites, flow, seconds_per_person)
        shared = _shared(round, sites, stations, flow, by)
        if not any(shared.values()):
            raise NothingToPlan(
                "Nobody is left to be called here: everybody is sampled, excluded, called, or sampled at home."
            )
        for site in sites:
            made = planned_slots(shared[site.id], stations[site.id], starts_at=starts_at)
            if made:
                _write(_plan(site, batch, stations[site.id], starts_at, by, valid_at), made)
        receipt = _receipt(batch)
        if receipt is None:
            raise AssertionError("a plan that was just written stands")
        record_audit(by, PLAN_SLOTS, subject=("slot_plan", batch), division_code=sites[0].division_code,
                     count=receipt.people, round=round, sites=receipt.sites, slots=receipt.slots, command=cause)  # fmt: skip
    return receipt


def _receipt(batch: uuid.UUID) -> PlansReceipt | None:
    plans = list(SlotPlan.objects.filter(batch=batch).values_list("id", flat=True))
    if not plans:
        return None
    sizes = list(Slot.objects.filter(plan_id__in=plans).values_list("people", flat=True))
    return PlansReceipt(batch, len(plans), len(sizes), sum(sizes))


def _stations(sites: Sequence[Site], flow: SiteFlow, pace: float | None) -> dict[uuid.UUID, Station]:
    lanes: dict[uuid.UUID, dict[str, int]] = {}
    for lane in SamplingLane.objects.filter(site__in=[site.id for site in sites], closed_at__isnull=True):
        lanes.setdefault(lane.site, {})[lane.kind] = lane.tables
    return {site.id: station(flow, ordinary_tables(site.tables, lanes.get(site.id, {})), pace) for site in sites}


def _shared(
    round: uuid.UUID, sites: Sequence[Site], stations: Mapping[uuid.UUID, Station], flow: SiteFlow, by: Actor
) -> dict[uuid.UUID, list[Unit]]:
    """Cut the area's people by what the smallest site calls at once, deal them out, and join again what a site can take."""
    most = {site: most_at_once(tables, flow) for site, tables in stations.items()}
    units = whole_units(units_to_call(round, min(most.values()), by=by, within=by.scope))
    tables = [SiteTables(site.id, site.division_code, stations[site.id].tables) for site in sites]
    return numbered({site: joined(mine, most[site]) for site, mine in share_out(units, tables).items()})


def _plan(
    site: Site, batch: uuid.UUID, tables: Station, starts_at: datetime, by: Actor, valid_at: datetime, **more: object
) -> SlotPlan:
    last = SlotPlan.objects.filter(site=site.id).aggregate(last=Max("number"))["last"] or 0
    return SlotPlan(
        id=derived_id("slot_plan", batch, site.id), county=site.county, batch=batch, round=site.round, site=site.id,
        number=last + 1, tables=tables.tables, seconds_per_person=tables.seconds_per_person, starts_at=starts_at,
        planned_at=valid_at, recorded_at=response_now(), recorded_by=by.account_id, **more,
    )  # fmt: skip


def _write(plan: SlotPlan, made: Sequence[PlannedSlot]) -> None:
    plan.save(force_insert=True)
    Slot.objects.bulk_create(
        [
            Slot(
                id=derived_id("slot", plan.id, position), county=plan.county, plan=plan, site=plan.site, position=position,
                starts_at=slot.starts_at, expected_wait=slot.expected_wait, **vars(slot.unit),
            )
            for position, slot in enumerate(made, 1)
        ],
        batch_size=2000,
    )  # fmt: skip


def confirm_slots(plan: uuid.UUID, *, by: Actor, valid_at: datetime, cause: uuid.UUID | None = None) -> PlansReceipt:
    """Confirm a proposed plan for all of its sites: from now on it holds, in the place of those before it.

    Buildings called under a former plan stay called. Confirming it again changes nothing. Raises `PlanUnknown`, and
    `PlanOutdated` when buildings were called or another plan confirmed since it was made.
    """
    by.require(PLAN_SLOTS)
    with acting(by):
        for round in SlotPlan.objects.filter(batch=plan).values_list("round", flat=True).distinct():
            wait_for_planners(round)
        plans = list(SlotPlan.objects.filter(batch=plan).order_by("id"))
        receipt = _receipt(plan)
        if not plans or receipt is None:
            raise PlanUnknown("There is no such plan of slots: make one, then confirm it.")
        for one in plans:
            by.require(PLAN_SLOTS, site_of(one.site, by=by).division_code)
        if all(one.confirmed_at for one in plans):
            return receipt
        _refuse_outdated(plans)
        _put_in_force(plans, by, valid_at)
        record_audit(by, "sampling.confirm_slots", subject=("slot_plan", plan), division_code=by.scope.lo,
                     count=receipt.people, sites=receipt.sites, slots=receipt.slots, command=cause)  # fmt: skip
    return receipt


def _refuse_outdated(plans: Sequence[SlotPlan]) -> None:
    sites, made_at = [one.site for one in plans], min(one.recorded_at for one in plans)
    later = SlotPlan.objects.filter(site__in=sites, confirmed_recorded_at__gt=made_at).exists()
    if later or Slot.objects.filter(site__in=sites, called_recorded_at__gt=made_at).exists():
        raise PlanOutdated(
            "Buildings were called or another plan was confirmed since this one was made: make a new plan and confirm that."
        )


def _put_in_force(plans: Sequence[SlotPlan], by: Actor, valid_at: datetime) -> None:
    former = SlotPlan.objects.filter(
        site__in=[one.site for one in plans], confirmed_at__isnull=False, superseded_at__isnull=True
    )
    former.exclude(id__in=[one.id for one in plans]).update(superseded_at=valid_at)
    SlotPlan.objects.filter(id__in=[one.id for one in plans], confirmed_at__isnull=True).update(
        confirmed_at=valid_at, confirmed_recorded_at=response_now(), confirmed_by=by.account_id
    )


def replan_slots(
    site: uuid.UUID,
    *,
    by: Actor,
    reason: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> PlansReceipt:
    """Call those not called yet by a new plan, made from the line and the pace of the tables as they are now.

    The plan before is kept. The same id again returns the new plan. Raises `NothingToPlan`, `SiteClosed`.
    """
    here = site_of(site, by=by)
    by.require(PLAN_SLOTS, here.division_code)
    batch = id or new_id()
    with acting(by):
        wait_for_planners(here.round)
        if there := _receipt(batch):
            return there
        if not here.running:
            raise SiteClosed(f"{here.name} or its round is closed: there is nobody left to be called.")
        if not reason.strip():
            raise Refusal("Say in a few words why the plan changes, for whoever asks why their time moved.")
        made, flow = propose_slots(site, by=by)
        if not made:
            raise NothingToPlan("Everybody of this site was called or has come: there is nothing to plan anew.")
        new = _plan(here, batch, flow.station, response_now(), by, valid_at, reason=reason.strip(),
                    waiting=flow.waiting + flow.coming)  # fmt: skip
        _write(new, made)
        _put_in_force([new], by, valid_at)
        receipt = PlansReceipt(batch, 1, len(made), sum(slot.unit.people for slot in made))
        record_audit(by, "sampling.replan_slots", subject=("slot_plan", batch), division_code=here.division_code,
                     count=receipt.people, site=site, slots=receipt.slots, waiting=flow.waiting, command=cause)  # fmt: skip
    return receipt
