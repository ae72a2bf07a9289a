"""How a round of area testing is laid out, who counts in it, and whose exclusion is called back: pure."""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal, Protocol, TypeVar

from pydantic import AwareDatetime

from lianfang.core.duties.rules import Balance
from lianfang.engines.protocol import Pack, household_tube, pool_size
from lianfang.kit.codes import CodeRange, county_of
from lianfang.kit.refusals import Conflict, NotFound, Refusal
from lianfang.kit.sentences import in_chinese

FoundReason = Literal["visitor", "newcomer", "unregistered", "sampled"]
Reason = Literal[
    "away", "quarantined", "infant", "medical", "sampled_elsewhere", "deceased", "moved_out", "duplicate_record"
]
VisitOutcome = Literal["found_elsewhere", "excluded", "appointment", "could_not"]

FOUND_REASONS = ("visitor", "newcomer", "unregistered", "sampled")
#: reasons that excuse somebody who would be tested here otherwise
EXCUSES = ("away", "quarantined", "infant", "medical", "sampled_elsewhere")
#: reasons that show that there is nobody to be tested here
MISTAKES = ("deceased", "moved_out", "duplicate_record")
REASONS = EXCUSES + MISTAKES
NEEDS_WHERE = frozenset({"away", "quarantined", "sampled_elsewhere", "moved_out"})
VISIT_OUTCOMES = ("found_elsewhere", "excluded", "appointment", "could_not")
STANDINGS = ("sampled", "excluded", "missing")
MODES = ("single", "household", "pooled")

#: a child below this age is proposed for exclusion as an infant (a default of this project; packs say nothing about it)
INFANT_YEARS = 1

#: share of exclusions that a second person calls back (a default of this project, for a county to set)
RECALL_SHARE = 0.05


class RoundUnknown(NotFound):
    """There is no such round in the county."""


class RoundAlreadyClosed(Conflict):
    """The round was signed off before."""


class RoundNumberTaken(Conflict):
    """The area has a round of this number."""


class RangesOverlap(Refusal):
    """A place would be in the round twice."""


class RosterEmpty(Refusal):
    """Nobody lives or stays where the round is to be held."""


class RemainderNotAccepted(Refusal):
    """People remain, and nobody answers for them."""


class AccepterUnfit(Refusal):
    """Who is named to answer for the remainder holds no post that reaches it."""


class SecondPersonNeeded(Refusal):
    """Whoever wrote an exclusion cannot confirm it."""


class ExclusionNotYours(Refusal):
    """An exclusion is taken back by whoever wrote it; anybody else calls back."""


class ExclusionUnknown(NotFound):
    """No such exclusion stands in the actor's area."""


class PeopleRefused(Refusal):
    """Some people of a list were refused and nothing was written; ``refused`` lists each with its sentence."""

    def __init__(self, refused: Sequence["RefusedPerson"]) -> None:
        self.refused = tuple(refused)
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        super().__init__(f"{refused[0].sentence}{more} Nothing of this list was written.")


@dataclass(frozen=True)
class RefusedPerson:
    """Somebody on a list who was refused: why as a code, and the sentence with the way out."""

    resident: uuid.UUID
    why: str
    sentence: str
    sentence_zh: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sentence_zh", in_chinese(self.sentence) or "")


@dataclass(frozen=True)
class AreaEntry:
    """A piece of a round: one range of 15-digit codes and the level of the zone it lies in (none: outside every zone)."""

    code_lo: int
    code_hi: int
    zone_level: str | None = None


@dataclass(frozen=True)
class ZonePiece:
    """A range of codes under a zone in force; where zones lie in each other the higher ``rank`` counts."""

    code_lo: int
    code_hi: int
    level: str
    rank: int


@dataclass(frozen=True)
class AreaPlan:
    """A piece of a round with how its people are sampled: mode and how many may share a tube."""

    area: AreaEntry
    mode: str
    pool: int


@dataclass(frozen=True)
class FoundEntry:
    """Somebody who is here and not on the roster; ``division_code`` is where they were found (none: where they live)."""

    resident: uuid.UUID
    reason: FoundReason
    division_code: int | None = None


@dataclass(frozen=True)
class ExclusionEntry:
    """Somebody who need not be sampled in the round, and why; ``where`` says where they are, for reasons that need it."""

    id: uuid.UUID
    resident: uuid.UUID
    reason: Reason
    where: str = ""


@dataclass(frozen=True)
class VisitEntry:
    """What came of one visit to a missing person; a visit excuses for a reason, makes an appointment, or says why not."""

    id: uuid.UUID
    resident: uuid.UUID
    outcome: VisitOutcome
    reason: Reason | None = None
    where: str = ""
    appointment_at: AwareDatetime | None = None
    note: str = ""


class OfPerson(Protocol):
    """A line of a list about one person of a round."""

    @property
    def id(self) -> uuid.UUID:
        """The line's own id."""

    @property
    def resident(self) -> uuid.UUID:
        """Whom it is about."""


Entry = TypeVar("Entry", bound=OfPerson)


@dataclass(frozen=True)
class SiteEntry:
    """A sampling site (采样点) to open: its place, the post that leads it, its tables and samplers."""

    id: uuid.UUID
    name: str
    division_code: int
    tables: int
    samplers: int
    place: uuid.UUID | None = None
    leader_post: uuid.UUID | None = None


@dataclass(frozen=True)
class Member:
    """Somebody a round counts: where, whether an exclusion stands, and how often they were visited."""

    division_code: int
    excluded: bool
    visits: int = 0


@dataclass(frozen=True)
class Account:
    """A round's people, each counted once: sampled, excluded with a reason, or missing.

    ``frozen`` + ``added`` is everybody; those excluded have left, so that the denominator is what is sampled or missing.
    """

    frozen: int
    added: int
    found: int
    reasoned: int
    missing: int

    @property
    def everybody(self) -> int:
        """Everybody the round counts."""
        return self.frozen + self.added

    @property
    def denominator(self) -> int:
        """Frozen + found − left."""
        return self.everybody - self.reasoned

    @property
    def share(self) -> float:
        """Sampled out of the denominator, 0 to 1; nobody left to sample is 1."""
        return self.found / self.denominator if self.denominator else 1.0

    @property
    def holds(self) -> bool:
        """Whether everybody stands in exactly one of the three groups."""
        return self.everybody == self.found + self.reasoned + self.missing


def check_areas(areas: Sequence[AreaEntry]) -> tuple[AreaEntry, ...]:
    """Return a round's areas in the order of their codes; raises when there is none, they overlap, or leave the county."""
    if not areas:
        raise RosterEmpty("A round needs at least one area: name the villages, communities or grids.")
    ordered = tuple(sorted(areas, key=lambda area: area.code_lo))
    for area in ordered:
        CodeRange(area.code_lo, area.code_hi)
    for one, next_one in pairwise(ordered):
        if next_one.code_lo <= one.code_hi:
            raise RangesOverlap(
                f"The areas {one.code_lo}–{one.code_hi} and {next_one.code_lo}–{next_one.code_hi} overlap: "
                "name each place once."
            )
    if county_of(ordered[0].code_lo) != county_of(ordered[-1].code_hi):
        raise RangesOverlap("A round is held by one county: open one in each.")
    return ordered


def areas_of(zones: Iterable[ZonePiece], units: Iterable[CodeRange]) -> tuple[AreaEntry, ...]:
    """Return the areas of a round over zones and units in the order of their codes.

    Where zones lie in each other the stricter counts; a unit counts as outside every zone where none of these zones
    lies. Raises `RangesOverlap` for units that overlap each other, and for one that lies inside the zones as a whole.
    """
    taken: list[CodeRange] = []
    areas: list[AreaEntry] = []
    for piece in sorted(zones, key=lambda one: (-one.rank, one.code_lo, one.code_hi)):
        free = left_over(CodeRange(piece.code_lo, piece.code_hi), taken)
        areas += [AreaEntry(one.lo, one.hi, piece.level) for one in free]
        taken += free
    ordered = sorted(units)
    if ordered:
        check_areas([AreaEntry(unit.lo, unit.hi) for unit in ordered])
    for unit in ordered:
        free = left_over(unit, taken)
        if not free:
            raise RangesOverlap(f"{unit.lo}–{unit.hi} lies inside the zones of this round as a whole: leave it out.")
        areas += [AreaEntry(one.lo, one.hi) for one in free]
    return check_areas(areas)


def left_over(unit: CodeRange, taken: Iterable[CodeRange]) -> list[CodeRange]:
    """Return what is left of a range of codes when others are taken out of it, in order."""
    free, start = [], unit.lo
    for one in sorted(taken):
        if one.hi < start or one.lo > unit.hi:
            continue
        if one.lo > start:
            free.append(CodeRange(start, one.lo - 1))
        start = one.hi + 1
    if start <= unit.hi:
        free.append(CodeRange(start, unit.hi))
    return free


def infants_from(on: date, years: int = INFANT_YEARS) -> date:
    """Return the day after which somebody was born who is an infant on a day."""
    leap = on.month == 2 and on.day == 29
    return date(on.year - years, on.month, 28 if leap else on.day)


def plan_areas(pack: Pack, areas: Sequence[AreaEntry]) -> tuple[AreaPlan, ...]:
    """Return how the people of each area are sampled by the pack: alone, one household to a tube, or pooled."""
    return tuple(AreaPlan(area, *_mode(pack, area.zone_level)) for area in areas)


def _mode(pack: Pack, level: str | None) -> tuple[str, int]:
    people = pool_size(pack, level)
    if household_tube(pack, level):
        return "household", people
    return ("single" if people == 1 else "pooled"), people


def visits_from(opened_at: datetime, target_at: datetime, visit_within: timedelta) -> datetime:
    """Return when visits to the missing begin: the length of a visit's clock before the target, yet never in the first
    three quarters of the round, when most of the missing have simply not had their turn."""
    return target_at - min(visit_within, (target_at - opened_at) / 4)


def judge_exclusion(entry: ExclusionEntry, member: Member | None) -> tuple[str, str] | None:
    """Return why somebody cannot be excluded (code and sentence), or None."""
    if member is None:
        return (
            "not_on_roster",
            "This person is not on the round's roster in your area: look them up, or leave them out.",
        )
    if member.excluded:
        return "already_excluded", "An exclusion of this person stands already: have it called back before another."
    if entry.reason in NEEDS_WHERE and not entry.where.strip():
        return "where_missing", f"“{entry.reason}” needs to say where the person is: ask, and fill it in."
    return None


def judge_visit(entry: VisitEntry, member: Member | None, visited_at: datetime) -> tuple[str, str] | None:
    """Return why a visit cannot be recorded (code and sentence), or None."""
    if member is None:
        return "not_on_roster", "This person is not on the round's roster in your area: check whom you visited."
    if entry.outcome == "appointment" and (entry.appointment_at is None or entry.appointment_at <= visited_at):
        return "appointment_missing", "An appointment needs a time after the visit: agree on one and fill it in."
    if entry.outcome == "could_not" and not entry.note.strip():
        return "note_missing", "Say in a few words why the visit came to nothing, for whoever goes next."
    if entry.outcome == "excluded" and entry.reason is None:
        return "reason_missing", f"An exclusion needs its reason: {', '.join(REASONS)}."
    exclusion = exclusion_of(entry)
    return judge_exclusion(exclusion, member) if exclusion else None


def exclusion_of(visit: VisitEntry) -> ExclusionEntry | None:
    """Return the exclusion that a visit's outcome amounts to, under the visit's own id, or None."""
    if visit.outcome == "found_elsewhere":
        return ExclusionEntry(visit.id, visit.resident, "sampled_elsewhere", visit.where)
    if visit.outcome == "excluded" and visit.reason is not None:
        return ExclusionEntry(visit.id, visit.resident, visit.reason, visit.where)
    return None


def sort_out(
    entries: Iterable[Entry], judge: Callable[[Entry], tuple[str, str] | None]
) -> tuple[list[Entry], list[RefusedPerson]]:
    """Split a list into what may be written and what is refused; of a person listed twice the second is refused."""
    good: dict[uuid.UUID, Entry] = {}
    refused = []
    for entry in entries:
        fault = judge(entry)
        if fault is None and entry.resident in good:
            fault = "twice", "This person stands twice in the list: keep one line."
        if fault is None:
            good[entry.resident] = entry
        else:
            refused.append(RefusedPerson(entry.resident, *fault))
    return list(good.values()), refused


def draw_recalls(
    exclusions: Mapping[uuid.UUID, uuid.UUID], round: uuid.UUID, share: float = RECALL_SHARE
) -> frozenset[uuid.UUID]:
    """Return which exclusions (id → who wrote it) a second person calls back: a share, and one of each writer at least.

    The draw follows from the ids alone, so that nobody chooses it, everybody can repeat it, and a further exclusion
    does not undraw another.
    """
    lots = {exclusion: _lot(round, exclusion) for exclusion in exclusions}
    drawn = {exclusion for exclusion, lot in lots.items() if lot < share}
    lowest: dict[uuid.UUID, uuid.UUID] = {}
    for exclusion, writer in exclusions.items():
        if writer not in lowest or lots[exclusion] < lots[lowest[writer]]:
            lowest[writer] = exclusion
    drawn.update(lowest.values())
    return frozenset(drawn)


def _lot(round: uuid.UUID, exclusion: uuid.UUID) -> float:
    return int.from_bytes(hashlib.sha256(round.bytes + exclusion.bytes).digest()[:7]) / (1 << 56)


def books(account: Account, mistakes: int) -> Balance:
    """Return a round's people as the ledger's books: sampled are done, excused are waived, mistakes are cancelled."""
    return Balance(account.everybody, account.found, account.reasoned - mistakes, mistakes, account.missing)


def walk_in_fault(reason: str, home_code: int | None, table: int, tube: bool, sample: bool) -> str | None:
    """Return why a walk-in cannot be taken so, as a sentence, or None; ``table`` is the code where the table stands."""
    if reason == "sampled":
        return "Say how this person comes to be here: visitor, newcomer or unregistered."
    if reason == "visitor" and home_code and county_of(home_code) == county_of(table):
        return (
            "Somebody who lives in this county is no visitor: choose “unregistered”, or “newcomer” if they moved here."
        )
    if tube != sample:
        return "A walk-in sampled at once needs both the tube and an id for the sample; sampled later, neither."
    return None
