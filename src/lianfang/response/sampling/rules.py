"""How people are shared out to sites, called in slots, sent to lanes, and when a line has left its plan: pure."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Literal

from pydantic import AwareDatetime

from lianfang.engines.planning.queues import Call, Station, backlog, expected_waits, largest_call, pace
from lianfang.engines.protocol import Pack, SiteFlow, crew_needed, pool_size, sizing
from lianfang.kit.refusals import Conflict, NotFound, Refusal
from lianfang.response.workforce.rules import fitness_fault

LaneKind = Literal["ordinary", "symptomatic", "yellow_code"]
Code = Literal["green", "yellow", "red"]
HomeReason = Literal["bedridden", "disabled", "over_80_alone", "sealed_household", "home_quarantine", "unable"]
HomeOutcome = Literal["appointment", "could_not"]

LANES = ("ordinary", "symptomatic", "yellow_code")
HOME_REASONS = ("bedridden", "disabled", "over_80_alone", "sealed_household", "home_quarantine", "unable")
HOME_OUTCOMES = ("appointment", "could_not")
#: kinds of vulnerability that propose sampling at home; whoever lives alone counts from eighty on
VULNERABLE = {"bedridden": "bedridden", "disabled": "disabled", "lives_alone_70": "over_80_alone"}
ALONE_FROM_AGE = 80
#: a number above those of all households: the last part of a place takes whoever comes after it
EVERY_NUMBER = 2**31 - 1
#: for how long a counted line says something about now
FRESH = timedelta(minutes=30)
#: how long samples must have been taken before their number says something about the tables
MEASURABLE = timedelta(minutes=10)


class SiteUnknown(NotFound):
    """There is no such sampling site in the actor's area."""


class SiteClosed(Conflict):
    """The site or its round is closed."""


class NothingToPlan(Refusal):
    """No site is open, or nobody is left to be called."""


class PlanUnknown(NotFound):
    """There is no such plan of slots in the actor's area."""


class PlanOutdated(Conflict):
    """A later plan was confirmed, or buildings were called since this one was made."""


class SlotUnknown(NotFound):
    """There is no such slot in a plan that holds."""


class LanesExceedTables(Refusal):
    """A site cannot open more lanes than it has tables for."""


class CrewRefused(Refusal):
    """Somebody cannot be put where the crew list says."""


@dataclass(frozen=True)
class Unit:
    """People who are called together: a building (none: those of a grid or hamlet outside of buildings), or a part of one.

    ``number_lo``–``number_hi`` are the running numbers of its households; guests of other households count as 0.
    """

    division_code: int
    building: uuid.UUID | None
    people: int
    number_lo: int = 0
    number_hi: int = EVERY_NUMBER
    part: int = 1
    parts: int = 1

    @property
    def place(self) -> tuple[int, uuid.UUID | None]:
        """What of its parts are parts."""
        return self.division_code, self.building


@dataclass(frozen=True)
class SiteTables:
    """A site that units are shared out to: where it stands and how many tables take ordinary people."""

    id: uuid.UUID
    division_code: int
    tables: int


@dataclass(frozen=True)
class PlannedSlot:
    """A unit with the time it is called and how long its people are expected to wait from the call to the sample."""

    unit: Unit
    starts_at: datetime
    expected_wait: timedelta


@dataclass(frozen=True)
class LaneDecision:
    """Where somebody belongs: a lane, or ``home`` when no lane may take them; mode and pool of the tube there."""

    lane: str
    mode: str
    pool: int
    rule: str


@dataclass(frozen=True)
class Drift:
    """How far a site has left its plan: the wait that stands there against the planned one, and how late the next call is."""

    planned_wait: timedelta
    observed_wait: timedelta
    behind: timedelta
    tolerance: timedelta

    @property
    def wait(self) -> timedelta:
        """Longer (above zero) or shorter than planned."""
        return self.observed_wait - self.planned_wait

    @property
    def beyond(self) -> bool:
        """Whether the plan should be made anew."""
        return abs(self.wait) > self.tolerance or self.behind > self.tolerance


@dataclass(frozen=True)
class SiteShape:
    """A site to open: tables and samplers, both whole."""

    tables: int
    samplers: int


@dataclass(frozen=True)
class CrewEntry:
    """Somebody put to a function at a site: a post or a person on duty, one of the two."""

    id: uuid.UUID
    function: str
    post: uuid.UUID | None = None
    responder: uuid.UUID | None = None


@dataclass(frozen=True)
class OnDuty:
    """What must be known of a person on duty before they are put to a function."""

    name: str
    birth_year: int | None
    protective: bool
    rests_until: date | None


@dataclass(frozen=True)
class LaneEntry:
    """A lane to open and its tables."""

    kind: LaneKind
    tables: int


@dataclass(frozen=True)
class HomeEntry:
    """Somebody to be sampled at home, and why they cannot come."""

    id: uuid.UUID
    resident: uuid.UUID
    reason: HomeReason


@dataclass(frozen=True)
class HomeAttemptEntry:
    """Why a sampling at home has not come about: an appointment for later, or not possible, in a few words."""

    id: uuid.UUID
    resident: uuid.UUID
    outcome: HomeOutcome
    note: str = ""
    appointment_at: AwareDatetime | None = None


@dataclass(frozen=True)
class HomeMember:
    """Somebody of a round, with their latest order of sampling at home: which, how many so far, whether it is open."""

    division_code: int
    standing: str
    order: uuid.UUID | None = None
    orders: int = 0
    open: bool | None = False
    attempts: int = 0

    @property
    def standing_order(self) -> uuid.UUID:
        """The order that an attempt belongs to."""
        if self.order is None:
            raise ValueError("nothing was ordered for this person")
        return self.order


def station(flow: SiteFlow, tables: int, seconds_per_person: float | None = None) -> Station:
    """Return the queueing model of a site by the pack's assumptions, or with a measured pace of its tables (seconds)."""
    change = flow.tube_change_seconds / flow.tube_people
    service = flow.service_seconds if seconds_per_person is None else max(1.0, seconds_per_person - change)
    return Station(
        tables=tables, service=service, spread=flow.spread_minutes * 60, tube_people=flow.tube_people,
        tube_change=flow.tube_change_seconds, load=flow.load_percent / 100,
    )  # fmt: skip


def site_shapes(pack: Pack, population: int) -> list[SiteShape]:
    """Return the sites the pack asks for a population: whole tables and samplers, dealt out evenly, at least one of each."""
    needed = sizing(pack, population)
    return [
        SiteShape(max(1, tables), max(1, samplers))
        for tables, samplers in zip(
            _dealt(needed.tables, needed.sites), _dealt(needed.samplers, needed.sites), strict=True
        )
    ]


def _dealt(things: int, hands: int) -> list[int]:
    return [things // hands + (hand < things % hands) for hand in range(hands)]


def crew_of_sites(pack: Pack, shapes: Iterable[SiteShape]) -> dict[str, int]:
    """Return how many people of each function some sites need together."""
    total: dict[str, int] = {}
    for shape in shapes:
        for function, people in crew_needed(pack, tables=shape.tables, samplers=shape.samplers).items():
            total[function] = total.get(function, 0) + people
    return total


def whole_units(units: Sequence[Unit]) -> list[Unit]:
    """Return units whose parts leave no number out: each begins where the one before it ends, the last has no end."""
    made = []
    for _, group in groupby(sorted(units, key=_order), key=lambda unit: unit.place):
        parts = list(group)
        begins = [0, *(part.number_hi + 1 for part in parts[:-1])]
        ends = [*(part.number_hi for part in parts[:-1]), EVERY_NUMBER]
        made += [
            replace(part, number_lo=lo, number_hi=hi, part=number, parts=len(parts))
            for number, (part, lo, hi) in enumerate(zip(parts, begins, ends, strict=True), 1)
        ]
    return made


def _order(unit: Unit) -> tuple[int, str, int]:
    return unit.division_code, str(unit.building or ""), unit.number_lo


def share_out(units: Sequence[Unit], sites: Sequence[SiteTables]) -> dict[uuid.UUID, list[Unit]]:
    """Give each unit to one site: of its village, else its township, else any; neighbours together, by number of tables."""
    ordered = sorted(sites, key=lambda site: (site.division_code, site.id))
    near = {unit.division_code: _nearest(unit.division_code, ordered) for unit in units}
    shared: dict[uuid.UUID, list[Unit]] = {site.id: [] for site in ordered}
    groups: dict[tuple[SiteTables, ...], list[Unit]] = {}
    for unit in sorted(units, key=_order):
        groups.setdefault(near[unit.division_code], []).append(unit)
    for candidates, group in groups.items():
        for site, unit in _dealt_out(group, candidates):
            shared[site.id].append(unit)
    return shared


def _nearest(code: int, sites: Sequence[SiteTables]) -> tuple[SiteTables, ...]:
    for size in (10**3, 10**6):
        near = tuple(site for site in sites if site.division_code // size == code // size)
        if near:
            return near
    return tuple(sites)


def _dealt_out(units: Sequence[Unit], sites: Sequence[SiteTables]) -> Iterable[tuple[SiteTables, Unit]]:
    """Cut a row of units into as many stretches as sites, each as long as the site's share of all tables."""
    people, tables = sum(unit.people for unit in units), sum(site.tables for site in sites)
    limits, reached = [], 0
    for site in sites:
        reached += site.tables
        limits.append(people * reached / tables)
    before, at = 0, 0
    for unit in units:
        while at < len(sites) - 1 and before + unit.people / 2 > limits[at]:
            at += 1
        yield sites[at], unit
        before += unit.people


def joined(units: Sequence[Unit], most: int) -> list[Unit]:
    """Put neighbouring parts of one place together again, as long as no more than ``most`` people are called at once."""
    made: list[Unit] = []
    for unit in units:
        last = made[-1] if made else None
        follows = last and last.place == unit.place and last.number_hi + 1 == unit.number_lo
        if last and follows and last.people + unit.people <= most:
            made[-1] = replace(last, people=last.people + unit.people, number_hi=unit.number_hi)
        else:
            made.append(unit)
    return made


def numbered(shared: Mapping[uuid.UUID, Sequence[Unit]]) -> dict[uuid.UUID, list[Unit]]:
    """Number the parts of each place anew, also where several sites share them."""
    parts: dict[tuple[int, uuid.UUID | None], list[int]] = {}
    for units in shared.values():
        for unit in units:
            parts.setdefault(unit.place, []).append(unit.number_lo)
    return {
        site: [
            replace(unit, part=sorted(parts[unit.place]).index(unit.number_lo) + 1, parts=len(parts[unit.place]))
            for unit in units
        ]
        for site, units in shared.items()
    }


def most_at_once(tables: Station, flow: SiteFlow) -> int:
    """Return how many people may be called together so that call to sample takes the pack's minutes on average."""
    return largest_call(tables, flow.wait_minutes * 60)


def plan_slots(units: Sequence[Unit], tables: Station, *, starts_at: datetime, waiting: int = 0) -> list[PlannedSlot]:
    """Return when each unit is called, one after the other, and how long its people will wait."""
    calls = pace([unit.people for unit in units], tables, waiting=waiting)
    waits = expected_waits(calls, tables, waiting=waiting)
    return [
        PlannedSlot(unit, starts_at + timedelta(seconds=round(call.at)), timedelta(seconds=round(wait)))
        for unit, call, wait in zip(units, calls, waits, strict=True)
    ]


def line_at(called: Sequence[tuple[datetime, int]], tables: Station, at: datetime) -> float:
    """Return how many people should stand in line at an instant after these calls (when, people), if the model holds."""
    if not called:
        return 0.0
    first = min(moment for moment, _ in called)
    calls = [Call((moment - first).total_seconds(), people) for moment, people in called]
    return max(0.0, backlog(calls, tables).at((at - first).total_seconds()))


def arrived_by(called: Sequence[tuple[datetime, int]], tables: Station, at: datetime) -> float:
    """Return how many of the called should have come by an instant."""
    return sum(people * min(1.0, max(0.0, (at - moment).total_seconds() / tables.spread)) for moment, people in called)


def lane_of(
    pack: Pack,
    *,
    zone_level: str | None,
    mode: str,
    pool: int,
    lanes: Iterable[str],
    symptoms: bool = False,
    code: Code = "green",
    contact: bool = False,
) -> LaneDecision:
    """Return where somebody is sampled and in which tube; ``mode`` and ``pool`` are the round's for that place.

    Symptoms outrank a code: whoever is ill goes to the lane of the ill. Nobody with a sign of risk ever stands in the
    ordinary lane, and nobody is sent away untested: without a lane for them they are sampled at home.
    """
    single = pool_size(pack, zone_level, symptomatic=symptoms, contact=contact) == 1
    if not (symptoms or contact or code != "green"):
        return LaneDecision("ordinary", mode, pool, "screening.pools")
    wanted = "symptomatic" if symptoms else "yellow_code"
    rule = (
        "screening.single_if_symptomatic"
        if symptoms
        else "screening.single_if_contact"
        if contact
        else "screening.pools"
    )
    open_lanes = set(lanes)
    lane = wanted if wanted in open_lanes and code != "red" else "home"
    if single or code == "red" or lane == "home":
        return LaneDecision(lane, "single", 1, rule)
    return LaneDecision(lane, mode, pool, rule)


def judge_lanes(lanes: Sequence[LaneEntry], tables: int) -> None:
    """Raise `LanesExceedTables` unless each lane has a table of its own and all together are the site's."""
    kinds = [lane.kind for lane in lanes]
    if len(set(kinds)) != len(kinds):
        raise LanesExceedTables("A lane stands twice in this list: name each once, with all of its tables.")
    if any(lane.tables < 1 for lane in lanes):
        raise LanesExceedTables("A lane needs a table of its own: give it one, or leave the lane out.")
    used = sum(lane.tables for lane in lanes)
    if used > tables:
        raise LanesExceedTables(
            f"These lanes need {used} tables and the site has {tables}: take some away, or open tables."
        )
    if "ordinary" not in kinds:
        raise LanesExceedTables("A site keeps an ordinary lane: most people have neither symptoms nor a code.")


def ordinary_tables(tables: int, lanes: Mapping[str, int]) -> int:
    """Return how many tables take people who are called by building: those of the ordinary lane, else all."""
    return lanes.get("ordinary", tables)


def judge_home(member: HomeMember | None) -> tuple[str, str] | None:
    """Return why sampling at home cannot be ordered for somebody (code and sentence), or None."""
    if member is None:
        return (
            "not_on_roster",
            "This person is not on the round's roster in your area: look them up, or leave them out.",
        )
    if member.standing == "sampled":
        return "sampled", "This person has been sampled in this round: leave them out."
    if member.standing == "excluded":
        return "excluded", "This person is excluded with a reason: have the exclusion called back first."
    if member.open:
        return "ordered", "Sampling at home is ordered for this person already: see the list of the round."
    return None


def judge_attempt(entry: HomeAttemptEntry, member: HomeMember | None, visited_at: datetime) -> tuple[str, str] | None:
    """Return why an attempt cannot be recorded (code and sentence), or None."""
    if member is None or not member.open:
        return "not_ordered", "No sampling at home is open for this person: check whom you visited, or order it."
    if member.standing == "sampled":
        return "sampled", "This person has been sampled in this round: there is nothing left to do."
    if entry.outcome == "appointment" and (entry.appointment_at is None or entry.appointment_at <= visited_at):
        return "appointment_missing", "An appointment needs a time after the visit: agree on one and fill it in."
    if entry.outcome == "could_not" and not entry.note.strip():
        return "note_missing", "Say in a few words why it was not possible, for whoever goes next."
    return None


def judge_crew(
    entry: CrewEntry,
    functions: Mapping[str, bool],
    posts: Collection[uuid.UUID],
    on_duty: Mapping[uuid.UUID, OnDuty],
    elsewhere: Mapping[uuid.UUID, str],
    day: date,
) -> str | None:
    """Return why somebody cannot be put to a function (a sentence), or None.

    ``functions``: those of the pack and whether each is done in protective clothing; ``elsewhere``: who stands at a
    site already, and at which.
    """
    if entry.function not in functions:
        return f"“{entry.function}” is no function of a site's crew. It knows: {', '.join(functions)}."
    if (entry.post is None) == (entry.responder is None):
        return f"Name for “{entry.function}” either a post or a person on duty, and not both."
    if entry.post is not None:
        return None if entry.post in posts else "One of these posts does not exist: choose it from the list of posts."
    person = on_duty.get(entry.responder) if entry.responder else None
    if person is None or entry.responder is None:
        return "Somebody on this list is not on duty in your area: register them, or ask the unit they belong to."
    if entry.responder in elsewhere:
        return f"{person.name} works at {elsewhere[entry.responder]}: relieve them there first."
    fault = fitness_fault(person.birth_year, person.protective, person.rests_until, day, functions[entry.function])
    if fault:
        return f"{person.name} {fault}: choose somebody else, or another function."
    return None
