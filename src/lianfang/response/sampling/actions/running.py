"""Writing what happens at a running site: a building called, a line counted, lanes opened."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import response_now
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.sampling.actions.plans import wait_for_planners
from lianfang.response.sampling.models import QueueCount, SamplingLane, Slot
from lianfang.response.sampling.permissions import CALL_SLOTS, OPEN_LANES, RECORD_QUEUE
from lianfang.response.sampling.queries.sites import Site, site_of
from lianfang.response.sampling.rules import LaneEntry, PlanOutdated, SiteClosed, SlotUnknown, judge_lanes

#: more people than any line of a site holds: a slip of the keyboard
LONGEST_LINE = 20_000


def call_slot(slot: uuid.UUID, *, by: Actor, valid_at: datetime, cause: uuid.UUID | None = None) -> datetime:
    """Mark a building as called and return when that was; called again, the first time stays.

    It binds nobody: whoever comes without being called is sampled all the same. Raises `SlotUnknown`, `PlanOutdated`
    when its plan does not hold (any more), `SiteClosed`.
    """
    by.require(CALL_SLOTS)
    with acting(by):
        for round in Slot.objects.filter(id=slot).values_list("plan__round", flat=True):
            wait_for_planners(round, alone=False)
        record = Slot.objects.select_for_update(of=("self",)).select_related("plan").filter(id=slot).first()
        if record is None:
            raise SlotUnknown("There is no such slot: open the page of the site again and call from there.")
        here = _running(record.site, by, CALL_SLOTS)
        if record.called_at is not None:
            return record.called_at
        if record.plan.confirmed_at is None or record.plan.superseded_at is not None:
            raise PlanOutdated("This slot belongs to a plan that does not hold: open the page of the site again.")
        record.called_at, record.called_recorded_at, record.called_by = valid_at, response_now(), by.account_id
        record.save(update_fields=["called_at", "called_recorded_at", "called_by"])
        record_audit(by, CALL_SLOTS, subject=("slot", slot), division_code=here.division_code, count=record.people,
                     site=record.site, command=cause)  # fmt: skip
    return valid_at


def record_queue(
    site: uuid.UUID,
    waiting: int,
    *,
    by: Actor,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Record how many people stand in line at a site; the same id again changes nothing."""
    if not 0 <= waiting <= LONGEST_LINE:
        raise Refusal(
            f"{waiting} people cannot stand in one line: count again and write a number from 0 to {LONGEST_LINE}."
        )
    counted = id or new_id()
    with acting(by):
        here = _running(site, by, RECORD_QUEUE)
        _, new = QueueCount.objects.get_or_create(
            county=here.county, site=site, id=counted,
            defaults={"waiting": waiting, "counted_at": valid_at, "recorded_at": response_now(), "recorded_by": by.account_id},
        )  # fmt: skip
        if new:
            record_audit(by, RECORD_QUEUE, subject=("sampling_site", site), division_code=here.division_code,
                         count=waiting, command=cause)  # fmt: skip
    return counted


def open_lanes(
    site: uuid.UUID, lanes: Sequence[LaneEntry], *, by: Actor, valid_at: datetime, cause: uuid.UUID | None = None
) -> int:
    """Open exactly these lanes at a site, closing what is not among them, and return how many stand open.

    The same lanes again change nothing. Raises `LanesExceedTables`.
    """
    with acting(by):
        here = _running(site, by, OPEN_LANES)
        judge_lanes(lanes, here.tables)
        there = {
            lane.kind: lane
            for lane in SamplingLane.objects.select_for_update().filter(site=site, closed_at__isnull=True)
        }
        wanted = {lane.kind: lane.tables for lane in lanes}
        ended = [lane.id for kind, lane in there.items() if wanted.get(kind) != lane.tables]  # type: ignore[call-overload]
        SamplingLane.objects.filter(id__in=ended).update(closed_at=valid_at)
        made = [
            SamplingLane(
                county=here.county, site=site, kind=kind, tables=tables, opened_at=valid_at, recorded_at=response_now(),
                recorded_by=by.account_id,
            )
            for kind, tables in wanted.items()
            if kind not in there or there[kind].tables != tables
        ]  # fmt: skip
        SamplingLane.objects.bulk_create(made)
        if made or ended:
            record_audit(by, OPEN_LANES, subject=("sampling_site", site), division_code=here.division_code,
                         count=len(made), closed=len(ended), command=cause)  # fmt: skip
    return len(wanted)


def _running(site: uuid.UUID, by: Actor, permission: str) -> Site:
    here = site_of(site, by=by)
    by.require(permission, here.division_code)
    if not here.running:
        raise SiteClosed(f"{here.name} or its round is closed: go on at another site or in the next round.")
    return here
