"""Who is fit for what, when somebody must rest, and whether a place was staffed without a gap: pure."""

import itertools
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from pydantic import AwareDatetime

from lianfang.kit.clock import LOCAL
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Conflict, NotFound, Refusal

ORGANISATION_KINDS = (
    "department", "town_government", "village_committee", "party_committee", "hospital", "police_station",
    "enforcement_squad", "militia_unit", "school", "enterprise", "social_organisation", "medical_team",
)  # fmt: skip
ORGANISATION_LEVELS = ("village", "township", "county", "prefecture", "province", "state")
RESPONDER_KINDS = (
    "cadre", "village_cadre", "medic", "police", "militia", "enforcement", "volunteer", "student", "teacher", "worker",
)  # fmt: skip
#: whose work counts as volunteering unless the record says otherwise
VOLUNTARY = ("volunteer", "student")
TEAM_KINDS = (
    "party_branch", "temporary_branch", "pioneer", "strike", "volunteer", "sampling", "checkpoint_crew", "four_on_one",
    "inspection",
)  # fmt: skip
#: sent down from above (下沉), lent by an equal (支援), turned to the response where one works (就地转化), volunteers
SENT_DOWN, SUPPORT, IN_PLACE, VOLUNTEER = DEPLOYMENT_KINDS = ("sent_down", "support", "in_place", "volunteer")
APPLIED, ACCEPTED, DECLINED = APPLICATION_STATES = ("applied", "accepted", "declined")
STAFFED_KINDS = ("headquarters", "duty_desk", "checkpoint", "site", "sampling_site")
ADULT, OLDEST_IN_PROTECTIVE_CLOTHING = 18, 60
_STRICT = {"extra": "forbid"}


class EntriesRefused(Refusal):
    """Some entries of a list cannot be taken; none was."""


class NotOnTheRegister(NotFound):
    """Somebody or something named is not registered in the actor's area."""


class RestRuleBroken(Refusal):
    """A roster leaves somebody without the rest they are owed."""


class NotFit(Refusal):
    """Somebody is too young, too old or unwell for the work."""


class ShiftAlreadyPlanned(Conflict):
    """The place has a shift that begins at this time."""


class ApplicationAlreadyDecided(Conflict):
    """Somebody decided on this application before."""


@dataclass(frozen=True)
class NewOrganisation:
    """A department, town government, village committee …; ``parent`` is the organisation above it."""

    __pydantic_config__ = _STRICT
    name: str
    kind: str
    level: str
    division_code: int
    parent: uuid.UUID | None = None
    id: uuid.UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class NewResponder:
    """A person on duty, with no more than planning needs.

    ``birth_year`` and ``protective`` (may wear protective clothing) decide what work is fit; nothing says why.
    """

    __pydantic_config__ = _STRICT
    name: str
    kind: str
    organisation: uuid.UUID
    birth_year: int | None = None
    protective: bool = True
    account: uuid.UUID | None = None
    resident: uuid.UUID | None = None
    id: uuid.UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class NewTeam:
    """A team with its members; the leader is one of them."""

    __pydantic_config__ = _STRICT
    kind: str
    name: str
    division_code: int
    leader: uuid.UUID
    members: tuple[uuid.UUID, ...] = ()
    organisation: uuid.UUID | None = None
    id: uuid.UUID = field(default_factory=new_id)

    @property
    def everybody(self) -> list[uuid.UUID]:
        """Return leader and members, each once."""
        return list(dict.fromkeys([self.leader, *self.members]))


@dataclass(frozen=True)
class NewDeployment:
    """One person sent to a place (15-digit code of the unit) for a line of work."""

    __pydantic_config__ = _STRICT
    responder: uuid.UUID
    division_code: int
    kind: str
    line: str
    until: AwareDatetime | None = None
    application: uuid.UUID | None = None
    id: uuid.UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class Crew:
    """Who takes a shift: one responder, or a team with the number of people it sends."""

    __pydantic_config__ = _STRICT
    responder: uuid.UUID | None = None
    team: uuid.UUID | None = None
    people: int = 1
    id: uuid.UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class NewShift:
    """A stretch of time for which a headquarters, desk, checkpoint or site must be staffed, and by whom."""

    __pydantic_config__ = _STRICT
    staffs: str
    subject: uuid.UUID
    name: str
    division_code: int
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    role: str
    headcount: int = 1
    protective: bool = False
    crews: tuple[Crew, ...] = ()
    id: uuid.UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class CheckIn:
    """Somebody takes up an assignment; ``people`` is how many of a team came (as planned when empty)."""

    __pydantic_config__ = _STRICT
    assignment: uuid.UUID
    at: AwareDatetime
    people: int | None = None
    id: uuid.UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class CheckOut:
    """Somebody leaves an assignment, relieved by the crew of another one or by nobody."""

    __pydantic_config__ = _STRICT
    assignment: uuid.UUID
    at: AwareDatetime
    relieved_by: uuid.UUID | None = None


@dataclass(frozen=True)
class NewAttendance:
    """One person's time at work outside of a roster, for instance a volunteer's: one person-time (人次)."""

    __pydantic_config__ = _STRICT
    responder: uuid.UUID
    division_code: int
    line: str
    checked_in_at: AwareDatetime
    checked_out_at: AwareDatetime | None = None
    voluntary: bool | None = None
    id: uuid.UUID = field(default_factory=new_id)


# ------------------------------------------------------------------------------------------------- what is refused


def refuse_entries(problems: Mapping[int, str], total: int) -> None:
    """Raise `EntriesRefused` naming the first problems by their place in the list (counted from 1), if there are any."""
    if not problems:
        return
    shown = "; ".join(f"entry {place + 1}: {why}" for place, why in sorted(problems.items())[:10])
    more = f"; and {len(problems) - 10} more" if len(problems) > 10 else ""
    raise EntriesRefused(
        f"{len(problems)} of {total} entries cannot be taken: {shown}{more}. Nothing was written: correct them and send "
        "the list again."
    )


def fitness_fault(birth_year: int | None, protective: bool, rests_until: date | None, on: date, in_suit: bool) -> str | None:  # fmt: skip
    """Return why somebody is not fit for work on a day (``in_suit``: in protective clothing), or None.

    Only the year of birth is known, so that birthdays count from the end of the year: nobody under 18 slips through.
    """
    if birth_year is not None and on.year - birth_year <= ADULT:
        return f"is not surely {ADULT} yet"
    if rests_until is not None and on < rests_until:
        return f"rests until {rests_until}"
    if in_suit and not protective:
        return "is not cleared for protective clothing"
    if in_suit and birth_year is not None and on.year - birth_year > OLDEST_IN_PROTECTIVE_CLOTHING:
        return f"is over {OLDEST_IN_PROTECTIVE_CLOTHING}, too old for protective clothing"
    return None


def shift_fault(shift: NewShift) -> str | None:
    """Return why a shift cannot be planned as written, or None."""
    if shift.staffs not in STAFFED_KINDS:
        return f"“{shift.staffs}” is nothing that is staffed: use one of {', '.join(STAFFED_KINDS)}"
    if not shift.starts_at < shift.ends_at <= shift.starts_at + timedelta(hours=24):
        return "a shift ends after it begins, within 24 hours"
    if shift.headcount < 1:
        return "a shift needs at least one person"
    if any((crew.responder is None) == (crew.team is None) or crew.people < 1 for crew in shift.crews):
        return "a crew is one responder or one team, with at least one person"
    return None


# ------------------------------------------------------------------------------------------------------------ rest


@dataclass(frozen=True)
class RestRules:
    """Limits of work on end. Defaults are this house's own, open to local change; protective clothing after
    the practice of relieving samplers every two to four hours."""

    longest_duty: timedelta = timedelta(hours=12)
    shortest_rest: timedelta = timedelta(hours=8)
    longest_protective: timedelta = timedelta(hours=4)
    shortest_doffing: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, order=True)
class Watch:
    """A stretch of time somebody is on duty, perhaps in protective clothing."""

    starts_at: datetime
    ends_at: datetime
    protective: bool = False

    @property
    def length(self) -> timedelta:
        """Return how long it lasts."""
        return self.ends_at - self.starts_at


def rest_faults(watches: Iterable[Watch], rules: RestRules = RestRules()) -> list[str]:
    """Return what a person's watches break, as predicates of a sentence: nothing is asked twice at once, after at most
    ``longest_duty`` of work comes ``shortest_rest``, and protective clothing comes off in time."""
    ordered = sorted(watches)
    faults = [
        f"would be on two shifts at once at {_clock(later.starts_at)}"
        for former, later in itertools.pairwise(ordered)
        if later.starts_at < former.ends_at
    ]
    for stretch in _stretches(ordered, rules.shortest_rest):
        worked = sum((watch.length for watch in stretch), timedelta())
        if worked > rules.longest_duty:
            faults.append(
                f"would work {_hours(worked)} from {_clock(stretch[0].starts_at)} without {_hours(rules.shortest_rest)}"
                f" of rest (at most {_hours(rules.longest_duty)})"
            )
    for stretch in _stretches([watch for watch in ordered if watch.protective], rules.shortest_doffing):
        worn = sum((watch.length for watch in stretch), timedelta())
        if worn > rules.longest_protective:
            faults.append(
                f"would wear protective clothing for {_hours(worn)} from {_clock(stretch[0].starts_at)}"
                f" (at most {_hours(rules.longest_protective)})"
            )
    return faults


def _stretches(ordered: Sequence[Watch], pause: timedelta) -> list[list[Watch]]:
    """Group watches between which there is no pause of this length."""
    found: list[list[Watch]] = []
    for watch in ordered:
        if found and watch.starts_at - max(one.ends_at for one in found[-1]) < pause:
            found[-1].append(watch)
        else:
            found.append([watch])
    return found


def _hours(length: timedelta) -> str:
    return f"{length.total_seconds() / 3600:g} h"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(LOCAL):%m-%d %H:%M}"


# -------------------------------------------------------------------------------------------------------- staffing


@dataclass(frozen=True)
class Presence:
    """People who were there from one instant to another."""

    since: datetime
    until: datetime
    people: int = 1


@dataclass(frozen=True)
class ShiftAttendance:
    """A shift as planned, and who was there for it."""

    starts_at: datetime
    ends_at: datetime
    headcount: int
    present: tuple[Presence, ...] = ()


@dataclass(frozen=True)
class Gap:
    """A stretch with fewer people than needed (one is always needed, also where no shift was planned)."""

    starts_at: datetime
    ends_at: datetime
    needed: int
    present: int

    @property
    def length(self) -> timedelta:
        """Return how long it lasted."""
        return self.ends_at - self.starts_at

    @property
    def unstaffed(self) -> bool:
        """Whether nobody at all was there."""
        return self.present == 0


@dataclass(frozen=True)
class Staffing:
    """How a place was staffed between two instants: the gaps, and the shares of the time with anybody and with all."""

    since: datetime
    until: datetime
    gaps: tuple[Gap, ...]

    @property
    def staffed_share(self) -> float:
        """Return the share of the time (0–1) with at least one person there."""
        return self._share_without(gap for gap in self.gaps if gap.unstaffed)

    @property
    def full_share(self) -> float:
        """Return the share of the time (0–1) with everybody there who was needed."""
        return self._share_without(self.gaps)

    @property
    def round_the_clock(self) -> bool:
        """Whether somebody was there at every instant."""
        return self.until > self.since and not any(gap.unstaffed for gap in self.gaps)

    def _share_without(self, gaps: Iterable[Gap]) -> float:
        if self.until <= self.since:
            return 0.0
        return 1 - sum((gap.length for gap in gaps), timedelta()) / (self.until - self.since)


def gaps(shifts: Iterable[ShiftAttendance], since: datetime, until: datetime) -> list[Gap]:
    """Return, in order, every stretch between two instants in which fewer people were there than shifts needed."""
    changes: dict[datetime, list[int]] = defaultdict(lambda: [0, 0])

    def add(starts: datetime, ends: datetime, people: int, what: int) -> None:
        starts, ends = max(starts, since), min(ends, until)
        if starts < ends:
            changes[starts][what] += people
            changes[ends][what] -= people

    for shift in shifts:
        add(shift.starts_at, shift.ends_at, shift.headcount, 0)
        for presence in shift.present:
            add(presence.since, presence.until, presence.people, 1)
    found: list[Gap] = []
    needed = present = 0
    points = sorted({since, until, *changes})
    for point, following in itertools.pairwise(points):
        needed, present = needed + changes[point][0], present + changes[point][1]
        if present < max(needed, 1):
            found.append(Gap(point, following, max(needed, 1), present))
    return _joined(found)


def _joined(found: Sequence[Gap]) -> list[Gap]:
    joined: list[Gap] = []
    for gap in found:
        last = joined[-1] if joined else None
        if last and (last.ends_at, last.needed, last.present) == (gap.starts_at, gap.needed, gap.present):
            joined[-1] = Gap(last.starts_at, gap.ends_at, gap.needed, gap.present)
        else:
            joined.append(gap)
    return joined


def staffing(shifts: Iterable[ShiftAttendance], since: datetime, until: datetime) -> Staffing:
    """Return how a place was staffed between two instants."""
    return Staffing(since, until, tuple(gaps(shifts, since, until)))
