"""The sites of a round: what each place needs, how they are laid out, and which lane somebody belongs to."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.engines.protocol import Pack, load_pack
from lianfang.kit.clock import local_date
from lianfang.kit.codes import DIGITS
from lianfang.response.sampling.permissions import ASSIGN_LANE, READ_SITES
from lianfang.response.sampling.rules import (
    Code,
    LaneDecision,
    SiteShape,
    SiteUnknown,
    crew_of_sites,
    lane_of,
    site_shapes,
)
from lianfang.response.screening.queries import RoundRow, coverage, round_row, sampling_sites
from lianfang.response.screening.queries.standing import asked_of, fetched
from lianfang.response.screening.rules import RoundUnknown

# Whoever the crew has at its head now, else the post named when the site was opened.
LEADER = """coalesce((
    SELECT coalesce(seat.title, head.name) FROM sampling_crewassignment a
    LEFT JOIN access_post seat ON seat.id = a.post LEFT JOIN workforce_responder head ON head.id = a.responder
    WHERE a.county = s.county AND a.site = s.id AND a.function = 'leader' AND a.until IS NULL
    ORDER BY a.since DESC, a.id LIMIT 1), p.title)"""

SITES = """
SELECT s.id, s.county, s.round_id, s.name, s.division_code, s.tables, s.samplers, s.opened_at, s.closed_at, {leader},
       r.pack, r.opened_at, r.target_at, r.closed_at, r.title, r.number
FROM screening_samplingsite s JOIN screening_round r ON r.id = s.round_id
LEFT JOIN access_post p ON p.id = s.leader_post
WHERE s.county = %(county)s AND s.division_code BETWEEN %(lo)s AND %(hi)s AND {which}
ORDER BY s.division_code, s.name
"""

# Levels of contacts who are tested alone; which of these somebody is stays in the room of cases.
CONTACT = """
SELECT EXISTS (SELECT 1 FROM cases_contact k WHERE k.county = %(county)s AND k.resident = %(resident)s
               AND k.status = 'active' AND k.tier IN ('close_contact', 'secondary_contact'))
"""

PLACE = """
SELECT a.zone_level, a.mode, a.pool FROM screening_roundarea a
WHERE a.round_id = %(round)s AND %(code)s BETWEEN a.code_lo AND a.code_hi
"""


@dataclass(frozen=True)
class Site:
    """A sampling site with the round it works for."""

    id: uuid.UUID
    county: int
    round: uuid.UUID
    name: str
    division_code: int
    tables: int
    samplers: int
    opened_at: datetime
    closed_at: datetime | None
    leader_title: str | None
    pack: str
    round_opened_at: datetime
    target_at: datetime
    round_closed_at: datetime | None
    round_title: str
    round_number: int

    @property
    def running(self) -> bool:
        """Whether the site and its round are open."""
        return self.closed_at is None and self.round_closed_at is None


@dataclass(frozen=True)
class PlaceNeed:
    """What one village or community needs for the people of a round beside what is open there; whole people."""

    code: int
    name: str | None
    population: int
    sites: int
    tables: int
    samplers: int
    shapes: tuple[SiteShape, ...]
    crew: dict[str, int]
    open_sites: int
    open_tables: int
    open_samplers: int

    @property
    def missing_sites(self) -> int:
        """Sites still to be opened."""
        return max(0, self.sites - self.open_sites)


@dataclass(frozen=True)
class PlanRow:
    """A plan of slots of one site."""

    id: uuid.UUID
    batch: uuid.UUID
    site: uuid.UUID
    number: int
    tables: int
    seconds_per_person: float
    waiting: int
    starts_at: datetime
    reason: str
    planned_at: datetime
    confirmed_at: datetime | None
    superseded_at: datetime | None
    slots: int
    people: int
    ends_at: datetime | None

    @property
    def state(self) -> str:
        """proposed, in_force or superseded."""
        if self.superseded_at:
            return "superseded"
        return "in_force" if self.confirmed_at else "proposed"


@dataclass(frozen=True)
class SiteLine:
    """An open site in the list of a round: its plan so far, the last counted line and what it has done."""

    id: uuid.UUID
    name: str
    division_code: int
    leader_title: str | None
    tables: int
    samplers: int
    sampled: int
    slots: int
    called: int
    next_at: datetime | None
    waiting: int | None
    counted_at: datetime | None


def round_pack(row: RoundRow | Site) -> Pack:
    """Return the pack by which a round or the round of a site is held."""
    opened_at = row.round_opened_at if isinstance(row, Site) else row.opened_at
    return load_pack(row.pack, on=local_date(opened_at))


def sites_of(by: Actor, *, round: uuid.UUID | None = None, site: uuid.UUID | None = None) -> list[Site]:
    """List the sites of a round that stand in the actor's area, or one site."""
    which = "s.id = %(site)s" if site else "s.round_id = %(round)s AND s.closed_at IS NULL"
    params = asked_of(by, [], None) | {"round": round, "site": site}
    return [Site(*row) for row in fetched(by, SITES.format(which=which, leader=LEADER), params)]


def site_of(site: uuid.UUID, *, by: Actor) -> Site:
    """Return one site of the actor's area, or raise `SiteUnknown`."""
    by.require(READ_SITES)
    found = sites_of(by, site=site)
    if not found:
        raise SiteUnknown("There is no such sampling site in your area: choose one from the list of its round.")
    return found[0]


def site_needs(round: uuid.UUID, *, by: Actor, digits: int = 12) -> list[PlaceNeed]:
    """Return what each unit (villages by default) needs for a round's people by its pack, beside the sites open there.

    A proposal: a person turns it into `open_sites`. Raises `PackSilent` when the pack sizes no sites.
    """
    by.require(READ_SITES)
    pack = round_pack(round_row(round, by=by))
    step = 10 ** (DIGITS - digits)
    there = sampling_sites(round, by=by)
    needs = []
    for unit in coverage(round, by=by, digits=digits):
        shapes = tuple(site_shapes(pack, unit.account.denominator))
        mine = [site for site in there if site.division_code // step == unit.code // step]
        needs.append(
            PlaceNeed(
                unit.code, unit.name, unit.account.denominator, len(shapes), sum(s.tables for s in shapes),
                sum(s.samplers for s in shapes), shapes, crew_of_sites(pack, shapes), len(mine),
                sum(s.tables for s in mine), sum(s.samplers for s in mine),
            )
        )  # fmt: skip
    return needs


def site_lines(round: uuid.UUID, *, by: Actor) -> list[SiteLine]:
    """List a round's open sites of the actor's area: slots and calls of the plan in force, people in line, sampled."""
    by.require(READ_SITES)
    statement = f"""
    SELECT s.id, s.name, s.division_code, {LEADER}, s.tables, s.samplers,
           (SELECT coalesce(sum(t.filled), 0) FROM specimens_tube t
            WHERE t.county = %(county)s AND t.round = s.round_id AND t.site = s.id),
           plan.slots, plan.called, plan.next_at, line.waiting, line.counted_at
    FROM screening_samplingsite s LEFT JOIN access_post p ON p.id = s.leader_post
    LEFT JOIN LATERAL (
        SELECT count(*) AS slots, count(l.called_at) AS called, min(l.starts_at) FILTER (WHERE l.called_at IS NULL) AS next_at
        FROM sampling_slot l JOIN sampling_slotplan q ON q.id = l.plan_id
        WHERE q.site = s.id AND q.confirmed_at IS NOT NULL AND (q.superseded_at IS NULL OR l.called_at IS NOT NULL)
    ) AS plan ON true
    LEFT JOIN LATERAL (
        SELECT c.waiting, c.counted_at FROM sampling_queuecount c
        WHERE c.county = s.county AND c.site = s.id ORDER BY c.counted_at DESC LIMIT 1) AS line ON true
    WHERE s.round_id = ANY(%(rounds)s) AND s.closed_at IS NULL AND s.division_code BETWEEN %(lo)s AND %(hi)s
    ORDER BY s.division_code, s.name
    """  # noqa: S608 - made of the constant above
    return [SiteLine(*row) for row in fetched(by, statement, asked_of(by, [round], None))]


def plans_of(*, by: Actor, site: uuid.UUID | None = None, round: uuid.UUID | None = None) -> list[PlanRow]:
    """List the plans of slots of one site or of all sites of a round in the actor's area, the newest first."""
    by.require(READ_SITES)
    statement = """
    SELECT q.id, q.batch, q.site, q.number, q.tables, q.seconds_per_person, q.waiting, q.starts_at, q.reason, q.planned_at,
           q.confirmed_at, q.superseded_at, count(l.id), coalesce(sum(l.people), 0), max(l.starts_at)
    FROM sampling_slotplan q JOIN screening_samplingsite s ON s.id = q.site
    LEFT JOIN sampling_slot l ON l.plan_id = q.id
    WHERE q.county = %(county)s AND s.division_code BETWEEN %(lo)s AND %(hi)s
      AND (%(site)s::uuid IS NULL OR q.site = %(site)s) AND (%(round)s::uuid IS NULL OR q.round = %(round)s)
    GROUP BY q.id ORDER BY q.planned_at DESC, q.number DESC, q.site
    """
    params = asked_of(by, [], None) | {"site": site, "round": round}
    return [PlanRow(*row) for row in fetched(by, statement, params)]


def lanes_of(site: uuid.UUID, *, by: Actor) -> dict[str, int]:
    """Return the open lanes of a site with their tables; none means that all tables stand in one ordinary lane."""
    by.require(READ_SITES)
    statement = """
    SELECT l.kind, l.tables FROM sampling_samplinglane l
    WHERE l.county = %(county)s AND l.site = %(site)s AND l.closed_at IS NULL ORDER BY l.kind
    """
    return dict(fetched(by, statement, asked_of(by, [], None) | {"site": site}))


def lane_for(
    site: uuid.UUID, resident: uuid.UUID, *, by: Actor, symptoms: bool = False, code: Code = "green"
) -> LaneDecision:
    """Return which lane of a site somebody belongs to and the tube mode there; it never says why.

    Symptoms and code are what the person says or shows; whether they are a contact is read here, logged, and not told.
    """
    here = site_of(site, by=by)
    by.require(ASSIGN_LANE, here.division_code)
    params: dict[str, Any] = asked_of(by, [here.round], None) | {"resident": resident, "round": here.round}
    contact = fetched(by, CONTACT, params)[0][0]
    member = fetched(
        by, "SELECT division_code FROM screening_rosterentry WHERE county = %(county)s AND round = %(round)s"
        " AND resident = %(resident)s", params,
    )  # fmt: skip
    code_of = member[0][0] if member else here.division_code
    place = fetched(by, PLACE, params | {"code": code_of}) or fetched(by, PLACE, params | {"code": here.division_code})
    if not place:
        raise RoundUnknown("The round does not cover this place: ask the testing task force.")
    level, mode, pool = place[0]
    with acting(by):
        record_audit(by, ASSIGN_LANE, subject=("resident", resident), division_code=here.division_code, site=site)
    return lane_of(
        round_pack(here), zone_level=level, mode=mode, pool=pool, lanes=lanes_of(site, by=by), symptoms=symptoms, code=code,
        contact=contact,
    )  # fmt: skip
