"""Slots and the line in front of a site: what was planned, what is, and what a new plan would look like."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.engines.planning.queues import Station, chance_wait, measured
from lianfang.engines.protocol import site_flow
from lianfang.kit.clock import response_now
from lianfang.kit.codes import CodeRange
from lianfang.response.sampling.permissions import READ_SITES
from lianfang.response.sampling.queries.sites import Site, lanes_of, round_pack, site_of
from lianfang.response.sampling.rules import (
    FRESH,
    MEASURABLE,
    Drift,
    PlannedSlot,
    Unit,
    arrived_by,
    line_at,
    ordinary_tables,
    plan_slots,
    station,
)
from lianfang.response.screening.queries import STANDING
from lianfang.response.screening.queries.standing import asked_of, fetched
from lianfang.response.specimens.rules import county_hand

#: Everybody of a round with the building and household by which they are called; ``at_home`` are to be sampled there.
#: Whoever stays with another household than their own is called with the grid, as number 0.
PLACED = f"""
{STANDING}, placed AS (
    SELECT t.resident, t.round, t.standing, t.division_code, h.building, coalesce(h.number, 0) AS number,
           o.resident IS NOT NULL AS at_home
    FROM standing t
    LEFT JOIN people_household h ON h.id = t.household AND h.division_code = t.division_code
    LEFT JOIN (SELECT o.round, o.resident FROM sampling_homesampling o
               WHERE o.county = %(county)s AND o.round = ANY(%(rounds)s) AND NOT EXISTS (
                   SELECT 1 FROM sampling_homesamplingattempt a WHERE a.county = o.county AND a.round = o.round
                     AND a.home_sampling = o.id AND a.outcome = 'could_not')) AS o
      ON o.round = t.round AND o.resident = t.resident
)
"""  # noqa: S608 - made of constants

#: the slots that hold: those of a plan in force, and those that were called under a plan before it
LIVE = """
FROM sampling_slot l JOIN sampling_slotplan q ON q.id = l.plan_id
WHERE q.confirmed_at IS NOT NULL AND (q.superseded_at IS NULL OR l.called_at IS NOT NULL)
"""

# A place with more people than may be called at once is cut into parts of whole households, about equal in size.
UNITS = f"""
{PLACED}, called AS (
    SELECT l.division_code, l.building, l.number_lo, l.number_hi {LIVE} AND q.round = ANY(%(rounds)s)
      AND l.called_at IS NOT NULL
),
home AS (
    SELECT p.division_code, p.building, p.number, count(*) AS people FROM placed p
    WHERE p.standing = 'missing' AND NOT p.at_home AND NOT EXISTS (
        SELECT 1 FROM called c WHERE c.division_code = p.division_code AND c.building IS NOT DISTINCT FROM p.building
          AND p.number BETWEEN c.number_lo AND c.number_hi)
    GROUP BY 1, 2, 3
),
run AS (
    SELECT home.*, sum(people) OVER (PARTITION BY division_code, building ORDER BY number) - people AS before,
           sum(people) OVER (PARTITION BY division_code, building) AS total
    FROM home
)
SELECT division_code, building, sum(people)::int, min(number), max(number) FROM run
GROUP BY division_code, building, floor(before * ceil(total / %(most)s::numeric) / total)
"""  # noqa: S608

SLOTS = f"""
{PLACED}
SELECT l.id, l.position, l.division_code, l.building, coalesce(y.name || ' ', '') || coalesce(b.name, ''), l.part, l.parts,
       l.number_lo, l.number_hi, l.people, l.starts_at, l.expected_wait, l.called_at,
       count(p.resident) FILTER (WHERE p.standing = 'sampled'), count(p.resident) FILTER (WHERE p.standing = 'missing'),
       count(p.resident) FILTER (WHERE p.standing = 'missing' AND NOT p.at_home),
       count(p.resident) FILTER (WHERE s.taken_at >= l.called_at),
       avg(s.taken_at - l.called_at) FILTER (WHERE s.taken_at >= l.called_at)
FROM sampling_slot l JOIN sampling_slotplan q ON q.id = l.plan_id
LEFT JOIN territory_building b ON b.id = l.building LEFT JOIN territory_compound y ON y.id = b.compound_id
LEFT JOIN placed p ON p.division_code = l.division_code AND p.building IS NOT DISTINCT FROM l.building
                  AND p.number BETWEEN l.number_lo AND l.number_hi
LEFT JOIN LATERAL (
    SELECT s.taken_at FROM specimens_sample s WHERE s.county = %(county)s AND s.round = p.round AND s.resident = p.resident
      AND p.standing = 'sampled' ORDER BY s.attempt DESC LIMIT 1) AS s ON true
WHERE {{which}}
GROUP BY l.id, y.name, b.name ORDER BY l.called_at NULLS LAST, l.starts_at, l.position
"""  # noqa: S608

GROUND = "SELECT min(l.division_code), max(l.division_code) FROM sampling_slot l WHERE l.site = %(site)s"

SERVED = """
SELECT count(*) FILTER (WHERE s.taken_at > %(at)s - interval '15 minutes'),
       count(*) FILTER (WHERE s.taken_at > %(at)s - interval '30 minutes'),
       count(*) FILTER (WHERE s.taken_at > %(at)s - interval '60 minutes'), count(*), min(s.taken_at)
FROM specimens_tube t JOIN specimens_sample s ON s.county = t.county AND s.tube = t.id
WHERE t.county = %(county)s AND t.round = ANY(%(rounds)s) AND t.site = %(site)s AND s.taken_at <= %(at)s
"""

COUNTED = """
SELECT c.waiting, c.counted_at FROM sampling_queuecount c
WHERE c.county = %(county)s AND c.site = %(site)s AND c.counted_at <= %(at)s ORDER BY c.counted_at DESC LIMIT 1
"""


@dataclass(frozen=True)
class SlotRow:
    """A slot as planned and as it went: ``came`` were sampled after the call, ``sampled`` at all, ``missing`` not yet.

    ``to_call`` leaves out who is to be sampled at home; ``actual_wait`` is the mean from the call to the sample.
    """

    id: uuid.UUID
    position: int
    division_code: int
    building: uuid.UUID | None
    building_name: str
    part: int
    parts: int
    number_lo: int
    number_hi: int
    people: int
    starts_at: datetime
    expected_wait: timedelta
    called_at: datetime | None
    sampled: int
    missing: int
    to_call: int
    came: int
    actual_wait: timedelta | None

    @property
    def unit(self) -> Unit:
        """What a new plan would call in its place."""
        return Unit(
            self.division_code, self.building, self.to_call, self.number_lo, self.number_hi, self.part, self.parts
        )  # fmt: skip

    def state(self, at: datetime) -> str:
        """called, finished (called and nobody missing), late (its time has passed) or planned."""
        if self.called_at:
            return "called" if self.missing else "finished"
        return "late" if self.starts_at < at else "planned"


@dataclass(frozen=True)
class SiteFlowNow:
    """How a site runs at an instant.

    ``waiting`` people stand in line: as counted (``counted_at``), or as the calls and samples since then let expect.
    Rates and ``capacity`` are people per hour; ``missing`` are those of its slots not sampled yet.
    """

    tables: int
    waiting: int
    counted_at: datetime | None
    planned_waiting: int
    expected_wait: timedelta
    rate_15: int
    rate_60: int
    sampled: int
    capacity: int
    called: int
    missing: int
    to_call: int
    drift: Drift
    projected_finish: datetime | None
    target_at: datetime
    station: Station
    coming: int

    @property
    def too_late(self) -> bool:
        """Whether the site will end after the round's target as things go."""
        return self.projected_finish is not None and self.projected_finish > self.target_at


def slots(site: uuid.UUID, *, by: Actor, plan: uuid.UUID | None = None, at: datetime | None = None) -> list[SlotRow]:
    """List a site's slots that hold (or those of one plan), the called ones first, with what came of each."""
    here = site_of(site, by=by)
    which = (
        "l.plan_id = %(plan)s AND l.site = %(site)s" if plan else "l.id IN (SELECT l.id {live} AND q.site = %(site)s)"
    )
    params = _whole(here, by, at) | {"site": site, "plan": plan}
    ground = fetched(by, GROUND, params)[0]
    if ground[0] is None:
        return []
    params |= {"lo": ground[0], "hi": ground[1]}
    return [SlotRow(*row) for row in fetched(by, SLOTS.format(which=which.format(live=LIVE)), params)]


def _whole(here: Site, by: Actor, at: datetime | None) -> dict[str, Any]:
    """Return the parameters of a read over the whole county: a site serves places outside of its actor's area too."""
    return asked_of(county_hand(by, here.county), [here.round], at)


def units_to_call(round: uuid.UUID, most: int, *, by: Actor, within: CodeRange) -> list[Unit]:
    """Return the buildings and parts of places of an area in which somebody is still to be called in a round.

    Nobody who was called before, is sampled at home, excluded or sampled is in them, and nobody is in two.
    """
    params = asked_of(by, [round], None, within) | {"most": max(1, most)}
    return [Unit(*row) for row in fetched(by, UNITS, params)]


def site_flow_now(
    site: uuid.UUID, *, by: Actor, at: datetime | None = None, known: Sequence[SlotRow] | None = None
) -> SiteFlowNow:
    """Return how a site runs at an instant: the line, the wait, people per hour, drift from the plan, the finish to expect.

    ``known``: its slots, for whoever has read them already.
    """
    by.require(READ_SITES)
    here, now = site_of(site, by=by), at or response_now()
    flow = site_flow(round_pack(here))
    rows = slots(site, by=by, at=at) if known is None else known
    tables = station(flow, ordinary_tables(here.tables, lanes_of(site, by=by)))
    params = _whole(here, by, now) | {"site": site}
    quarter, half, hour, sampled, first = fetched(by, SERVED, params)[0]
    called = [(row.called_at, row.people) for row in rows if row.called_at and row.called_at <= now]
    counted = next((row for row in fetched(by, COUNTED, params) if now - row[1] <= FRESH), None)
    came = sum(row.came for row in rows if row.called_at)
    arrived = arrived_by(called, tables, now)
    waiting = counted[0] if counted else max(0, round(arrived) - came)
    pace = tables
    if waiting >= tables.tables and first is not None and now - first >= MEASURABLE:
        pace = measured(tables, served=half, seconds=min(1800.0, (now - first).total_seconds()))
    planned = line_at(called, tables, now)
    drift = Drift(
        timedelta(seconds=round(planned / tables.rate)), timedelta(seconds=round(waiting / pace.rate)),
        _behind(rows, now), timedelta(minutes=flow.drift_minutes),
    )  # fmt: skip
    missing, to_call = sum(row.missing for row in rows), sum(row.to_call for row in rows if not row.called_at)
    coming = max(0, round(sum(people for _, people in called) - arrived))
    return SiteFlowNow(
        tables=tables.tables, waiting=waiting, counted_at=counted[1] if counted else None, planned_waiting=round(planned),
        expected_wait=_wait_now(waiting, pace), rate_15=quarter * 4, rate_60=hour, sampled=sampled,
        capacity=round(tables.rate * 3600), called=sum(people for _, people in called), missing=missing, to_call=to_call,
        drift=drift, projected_finish=_finish(rows, waiting + coming, to_call, pace, now), target_at=here.target_at,
        station=pace, coming=coming,
    )  # fmt: skip


def _wait_now(waiting: int, pace: Station) -> timedelta:
    """Return what somebody who joins the line now must expect until they are sampled."""
    line = waiting / pace.rate
    chance = chance_wait(pace, 10**6)
    return timedelta(seconds=round(line + chance**2 / (chance + line) + pace.service))


def _behind(rows: Sequence[SlotRow], now: datetime) -> timedelta:
    waiting = [row.starts_at for row in rows if not row.called_at and row.to_call]
    return max(timedelta(), now - min(waiting)) if waiting else timedelta()


def _finish(rows: Sequence[SlotRow], in_line: int, to_call: int, pace: Station, now: datetime) -> datetime | None:
    """Return when the last of a site's slots will be sampled: those in line first, then the rest at the planned load."""
    if not rows:
        return None
    seconds = in_line / pace.rate + to_call / (pace.rate * pace.load)
    soonest = now + timedelta(seconds=round(seconds))
    planned = [row.starts_at + row.expected_wait for row in rows if not row.called_at and row.to_call]
    return max([soonest, *planned])


def propose_slots(site: uuid.UUID, *, by: Actor, at: datetime | None = None) -> tuple[list[PlannedSlot], SiteFlowNow]:
    """Return a new plan for whoever of a site's slots was not called yet, from the line and the pace of its tables now.

    The order of the buildings stays; those in which everybody has come by themselves are left out. Nothing is written.
    """
    now = at or response_now()
    rows = slots(site, by=by, at=at)
    flow = site_flow_now(site, by=by, at=at, known=rows)
    units = [row.unit for row in rows if not row.called_at and row.to_call]
    return plan_slots(units, flow.station, starts_at=now, waiting=flow.waiting + flow.coming), flow
