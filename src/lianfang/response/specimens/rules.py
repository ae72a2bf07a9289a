"""What may go into a tube and what a laboratory may say about it: pure."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime

from lianfang.core.access.rules import Actor
from lianfang.core.people.identity import born_on, resident_id_fault
from lianfang.engines.protocol import Pack, clock
from lianfang.kit.clock import LOCAL, local_date
from lianfang.kit.codes import unit_range
from lianfang.kit.refusals import Conflict, NotFound, Refusal
from lianfang.kit.sentences import in_chinese

MODES = ("single", "pooled", "household")
PURPOSES = ("area_screening", "quarantine", "confirmatory_retest", "mandatory_testing", "voluntary_testing")
#: the sample is of somebody else; its swab went into another tube; no swab was taken; one swab was entered twice
VOID_REASONS = ("wrong_person", "wrong_tube", "not_taken", "duplicate")
VALUES = ("negative", "positive", "indeterminate", "insufficient")
LARGEST_POOL = 30

Mode = Literal["single", "pooled", "household"]
Purpose = Literal["area_screening", "quarantine", "confirmatory_retest", "mandatory_testing", "voluntary_testing"]
Value = Literal["negative", "positive", "indeterminate", "insufficient"]
VoidReason = Literal["wrong_person", "wrong_tube", "not_taken", "duplicate"]
#: what goes in when a batch holds something refused: nothing, the tubes without fault, or every faultless sample
Accept = Literal["nothing", "tubes", "samples"]


class ItemsRefused(Refusal):
    """Something in a batch was refused and nothing was written; ``refused`` lists each item with its sentence."""

    def __init__(self, refused: Sequence["RefusedItem"]) -> None:
        self.refused = tuple(refused)
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        super().__init__(f"{refused[0].sentence}{more} Nothing of this batch was written.")


class TubeUnknown(NotFound):
    """No such tube in the county."""


class ResultUnchanged(Conflict):
    """There is nothing to correct: the tube has no result, or this very one."""


@dataclass(frozen=True)
class SampleEntry:
    """One person's swab as the device sends it; without ``taken_at`` it was taken when the batch held."""

    id: uuid.UUID
    resident: uuid.UUID
    taken_at: AwareDatetime | None = None
    taken_by: uuid.UUID | None = None


@dataclass(frozen=True)
class TubeEntry:
    """A tube as the device sends it, with the samples in it.

    ``code`` is printed on the tube; ``division_code`` (15 digits) is where people queue; ``round`` belongs to area
    screening, ``order_id`` to the quarantine order or screen-positive that asks for the test.
    """

    id: uuid.UUID
    code: str
    mode: Mode
    capacity: int
    purpose: Purpose
    division_code: int
    opened_at: AwareDatetime
    samples: tuple[SampleEntry, ...] = ()
    round: uuid.UUID | None = None
    order_id: uuid.UUID | None = None
    site: uuid.UUID | None = None
    sealed_at: AwareDatetime | None = None


@dataclass(frozen=True)
class RefusedItem:
    """A tube (``sample`` empty) or a sample that was not taken, why as a code, and the sentence with the way out."""

    tube: uuid.UUID | None
    sample: uuid.UUID | None
    why: str
    sentence: str
    sentence_zh: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sentence_zh", in_chinese(self.sentence) or "")


@dataclass(frozen=True)
class Person:
    """What a tube must know of a person: the code (15 digits) that governs the sample, and the household."""

    division_code: int
    household: uuid.UUID | None


@dataclass(frozen=True)
class KnownTube:
    """A tube as it stands in the records; ``household`` is that of the first person in it."""

    id: uuid.UUID
    code: str
    mode: str
    capacity: int
    purpose: str
    round: uuid.UUID | None
    filled: int
    sealed_at: datetime | None
    household: uuid.UUID | None = None


@dataclass(frozen=True)
class KnownSample:
    """A person's sample in a round, the usable one if there is one; ``attempt`` is the last one's number.

    Not ``usable``: the laboratory found too little material in its tube, or it was voided.
    """

    tube_code: str
    taken_at: datetime
    attempt: int
    usable: bool


@dataclass(frozen=True)
class Known:
    """Everything in the records that bears on a batch.

    ``rounds`` are the rounds of the county that it names, with their opening, where a room above knows them; nothing
    can have happened after ``latest``.
    """

    people: Mapping[uuid.UUID, Person] = field(default_factory=dict)
    tubes: Mapping[uuid.UUID, KnownTube] = field(default_factory=dict)
    codes: Mapping[str, uuid.UUID] = field(default_factory=dict)
    samples: Mapping[tuple[uuid.UUID, uuid.UUID], uuid.UUID] = field(default_factory=dict)
    in_round: Mapping[tuple[uuid.UUID, uuid.UUID], KnownSample] = field(default_factory=dict)
    rounds: Mapping[uuid.UUID, datetime] | None = None
    latest: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """Which samples of a batch are new, which were there before, and what is refused."""

    fresh: Mapping[uuid.UUID, tuple[SampleEntry, ...]]
    repeated: int
    refused: tuple[RefusedItem, ...]


def county_hand(by: Actor, county: int) -> Actor:
    """Return the county-wide hand behind a sampling table or a count of a round: people queue where they like, so that
    a village's desk must know a neighbour's samples to refuse a second one and write into the neighbour's area."""
    return Actor(by.account_id, by.grant_id, by.role, "testing", unit_range(county * 10**9), frozenset())


def result_clocks(pack: Pack) -> dict[str, timedelta]:
    """Return how long each mode of tube may wait for its result, from the pack's clocks."""
    pooled = clock(pack, "pooled_result")
    return {"single": clock(pack, "single_result"), "pooled": pooled, "household": pooled}


#: what the printed codes of this house begin with: people's and paper sheets'
OTHER_CODES = ("LF1:", "LFS1:")


def tube_code_fault(code: str, today: date) -> str | None:
    """Return why a text cannot be the code printed on a tube, as a sentence without the text itself, or None.

    Tubes come from several makers, so any printed code is taken at its first registration. What is refused is what a
    scanner reads beside them: a person's code, a sheet's, an ID card (whose number would be kept as a plain code).
    """
    if code.upper().startswith(OTHER_CODES):
        return "This is the code of a person or a sheet, not of a tube: scan the code printed on the tube."
    if not code or not code.isascii() or not code.isprintable() or " " in code or len(code) > 40:
        return "A tube's code is 1 to 40 letters and digits without blanks: scan the code printed on the tube."
    if resident_id_fault(code, today=today) is None and is_birth_year(code, today):
        return "This is the number of an ID card, not of a tube: scan the code printed on the tube."
    return None


def is_birth_year(code: str, today: date) -> bool:
    """Say whether the day inside an ID-shaped number can be a birth rather than the day on which a tube was made."""
    born = born_on(code.upper())
    return born is not None and born.year >= 1900 and (today - born).days > 5 * 365


def judge_tube(tube: TubeEntry, known: Known) -> tuple[str, str] | None:
    """Return why a tube itself is refused (code and sentence), or None."""
    there = known.tubes.get(tube.id)
    for why, sentence in _tube_faults(tube, there, known.codes.get(tube.code, tube.id)):
        return why, sentence
    return round_fault(tube, known.rounds) or _moment_fault(
        tube, tube.opened_at, tube.sealed_at or tube.opened_at, known
    )


#: a site may begin before its round is entered, and no earlier than this before the opening
BEFORE_OPENING = timedelta(days=1)


def round_fault(tube: TubeEntry, rounds: Mapping[uuid.UUID, datetime] | None) -> tuple[str, str] | None:
    """Return why a tube's round is none of ``rounds`` (code and sentence), or None; without ``rounds`` nobody asks."""
    if rounds is None or tube.round is None or tube.round in rounds:
        return None
    return "unknown_round", (
        f"Tube {tube.code} names a round that this county does not hold, so its people would be counted nowhere: "
        "keep it, choose the round from the list and send it again."
    )


def _moment_fault(tube: TubeEntry, first: datetime, last: datetime, known: Known) -> tuple[str, str] | None:
    opened = known.rounds.get(tube.round) if known.rounds and tube.round else None
    if opened is not None and first < opened - BEFORE_OPENING:
        return "before_round", (
            f"Tube {tube.code} is dated {first.astimezone(LOCAL):%Y-%m-%d %H:%M}, but its round was opened on "
            f"{opened.astimezone(LOCAL):%Y-%m-%d %H:%M}: set the device's clock right, correct the time and send it again."
        )
    if known.latest is not None and last > known.latest:
        return "not_yet", (
            f"Tube {tube.code} is dated {last.astimezone(LOCAL):%Y-%m-%d %H:%M}, which is still to come: set the device's "
            "clock right, correct the time and send it again."
        )
    return None


def _tube_faults(tube: TubeEntry, there: KnownTube | None, owner: uuid.UUID) -> Iterable[tuple[str, str]]:
    name = f"Tube {tube.code}"
    fault = tube_code_fault(tube.code, local_date(tube.opened_at))
    if fault is not None:
        yield "no_tube_code", fault
    if owner != tube.id:
        yield "code_taken", f"{name} was registered before with other contents: scan the tube in your hand again."
    if there is not None and there.code != tube.code:
        yield "id_taken", f"{name} carries the id of tube {there.code}: make a new id for it."
    if there is not None and (there.round, there.purpose) != (tube.round, tube.purpose):
        yield "another_round", f"{name} belongs to another round or purpose: take a tube of this one."
    if not 1 <= tube.capacity <= LARGEST_POOL or (tube.mode == "single") != (tube.capacity == 1):
        yield "capacity", f"{name} is {tube.mode} and cannot hold {tube.capacity} people: correct mode or capacity."
    if (tube.purpose == "area_screening") != (tube.round is not None):
        yield "round_missing", f"{name} is for {tube.purpose}: a round goes with area_screening, and only with it."
    if tube.sealed_at is not None and tube.sealed_at < tube.opened_at:
        yield "sealed_before_opened", f"{name} is sealed before it was opened: check the device's clock."


def judge_sample(
    tube: TubeEntry, sample: SampleEntry, known: Known, filled: int, household: uuid.UUID | None, taken_at: datetime
) -> tuple[str, str] | None:
    """Return why a new sample may not go into a tube that holds ``filled`` samples (code and sentence), or None."""
    person = known.people.get(sample.resident)
    there = known.tubes.get(tube.id)
    capacity = there.capacity if there else tube.capacity
    sealed_at = there.sealed_at if there and there.sealed_at else tube.sealed_at
    before = known.in_round.get((tube.round, sample.resident)) if tube.round else None
    if person is None:
        return "unknown_person", "Nobody is registered under this id: register the person first, then the sample."
    if (fault := _moment_fault(tube, taken_at, taken_at, known)) is not None:
        return fault
    if before is not None and before.usable:
        return "already_sampled", (
            f"This person was sampled in this round before, in tube {before.tube_code} at "
            f"{before.taken_at.astimezone(LOCAL):%Y-%m-%d %H:%M}: one sample per person and round, send them on. "
            "If that one was a mistake, void it first."
        )
    if filled >= capacity:
        return "tube_full", f"Tube {tube.code} is full ({filled} of {capacity}): open a new tube for this person."
    if sealed_at is not None and taken_at > sealed_at:
        return "tube_sealed", f"Tube {tube.code} is sealed: open a new tube for this person."
    if tube.mode == "household" and filled and (household is None or household != person.household):
        return "another_household", f"Tube {tube.code} is of another household: open a tube for this one."
    return None


def judge(tubes: Sequence[TubeEntry], known: Known, valid_at: datetime) -> Verdict:
    """Sort a batch into new samples by tube, repeated ones and refused items, in the order in which they were sent."""
    refused: list[RefusedItem] = []
    fresh: dict[uuid.UUID, tuple[SampleEntry, ...]] = {}
    repeated, seen = 0, set[tuple[uuid.UUID | None, uuid.UUID]]()
    doubled = {id for id, times in Counter(tube.id for tube in tubes).items() if times > 1}
    for tube in tubes:
        fault = ("twice", f"Tube {tube.code} stands twice in this batch: send it once.") if tube.id in doubled else None
        fault = fault or judge_tube(tube, known)
        if fault is not None:
            refused.append(RefusedItem(tube.id, None, *fault))
            continue
        fresh[tube.id], again, faults = _judge_samples(tube, known, valid_at, seen)
        repeated += again
        refused += faults
    return Verdict(fresh, repeated, tuple(refused))


def _judge_samples(
    tube: TubeEntry, known: Known, valid_at: datetime, seen: set[tuple[uuid.UUID | None, uuid.UUID]]
) -> tuple[tuple[SampleEntry, ...], int, list[RefusedItem]]:
    there = known.tubes.get(tube.id)
    filled, household = (there.filled, there.household) if there else (0, None)
    fresh: list[SampleEntry] = []
    refused: list[RefusedItem] = []
    repeated = 0
    for sample in tube.samples:
        before = known.samples.get((tube.id, sample.id))
        if before == sample.resident:
            repeated += 1
            continue
        fault = _clash(before, tube, sample, seen) or judge_sample(
            tube, sample, known, filled, household, sample.taken_at or valid_at
        )
        if fault is not None:
            refused.append(RefusedItem(tube.id, sample.id, *fault))
            continue
        seen |= {(tube.round, sample.resident), (tube.id, sample.id)}
        household = household or known.people[sample.resident].household
        filled += 1
        fresh.append(sample)
    return tuple(fresh), repeated, refused


def _clash(
    before: uuid.UUID | None, tube: TubeEntry, sample: SampleEntry, seen: set[tuple[uuid.UUID | None, uuid.UUID]]
) -> tuple[str, str] | None:
    if before is not None or (tube.id, sample.id) in seen:
        return "id_taken", f"The id of this sample in tube {tube.code} was used for somebody else: make a new id."
    if (tube.round, sample.resident) in seen:
        return "twice", f"This person stands twice in this batch, the second time in tube {tube.code}: keep one."
    return None


def chosen(verdict: Verdict, accept: Accept) -> dict[uuid.UUID, tuple[SampleEntry, ...]]:
    """Return the new samples by tube that go in; raises `ItemsRefused` when anything is refused and nothing may go in."""
    if not verdict.refused or accept == "samples":
        return dict(verdict.fresh)
    if accept == "nothing":
        raise ItemsRefused(verdict.refused)
    faulty = {item.tube for item in verdict.refused}
    return {tube: samples for tube, samples in verdict.fresh.items() if tube not in faulty}


@dataclass(frozen=True)
class ResultEntry:
    """A laboratory's finding for one tube, named by its id or by the code printed on it; ``ct`` is the lowest Ct value."""

    value: Value
    tested_at: AwareDatetime
    tube: uuid.UUID | None = None
    code: str = ""
    reported_at: AwareDatetime | None = None
    ct: float | None = None


@dataclass(frozen=True)
class TubeStanding:
    """What must be known of a tube before a result is taken: where it was filled, with how many, its result so far, and
    the registered laboratory that took it in, if one did."""

    id: uuid.UUID
    code: str
    division_code: int
    filled: int
    value: str | None
    received_by: str | None = None


def judge_result(
    entry: ResultEntry, tube: TubeStanding | None, inside: Callable[[int], bool], lab: str = ""
) -> tuple[str, str] | None:
    """Return why a result is refused (code and sentence), or None; the same result again is not refused.

    A tube that one laboratory took in is reported by that one; where intake was left out, the report stands for it.
    """
    name = f"Tube {entry.code or entry.tube}"
    if tube is None:
        return (
            "unknown_tube",
            f"{name} is not registered: keep it, ask the sampling site to send its batch, then repeat.",
        )
    if not inside(tube.division_code):
        return "outside_area", f"{name} comes from outside your area: report it to the laboratory that serves it."
    if tube.filled == 0:
        return "empty_tube", f"{name} holds nobody by the records: find its sheet before its result is used."
    if lab and tube.received_by is not None and tube.received_by != lab:
        return (
            "another_lab",
            f"{name} was received by {tube.received_by}, not by {lab}: let {tube.received_by} report it, "
            f"or record that {lab} received it.",
        )
    if tube.value is not None and tube.value != entry.value:
        return "has_result", f"{name} was reported {tube.value} before: correct that result, with a reason."
    return None


@dataclass(frozen=True)
class VoidEntry:
    """A sample to void and, as a second look, whose it is by the paper or card in hand."""

    sample: uuid.UUID
    resident: uuid.UUID


@dataclass(frozen=True)
class TubeToVoid:
    """What must be known of a tube before its samples are voided."""

    id: uuid.UUID
    code: str
    division_code: int
    round: uuid.UUID | None
    sealed_at: datetime | None
    resulted: bool


@dataclass(frozen=True)
class StandingSample:
    """A sample as it stands: whose, when taken, and whether it was voided before (and which stands instead)."""

    resident: uuid.UUID
    taken_at: datetime
    voided: bool
    instead: uuid.UUID | None


class WitnessUnfit(Refusal):
    """Who is named as second person may not do themselves what they witness."""


class VoidRefused(Refusal):
    """Samples cannot be voided as asked."""


class TubeHasResult(Conflict):
    """The laboratory has reported the tube: what was in it is history."""


class SecondLookMissing(Refusal):
    """A mistake in a closed tube is put right by two people."""


def check_void(tube: TubeToVoid, code: str, by: uuid.UUID, witness: uuid.UUID | None) -> None:
    """Refuse to void samples of a tube that has a result, is not the one in hand, or is closed and nobody else looked."""
    if tube.code != code.strip():
        raise VoidRefused(f"The record is of tube {tube.code}, not {code.strip()}: scan the tube in your hand again.")
    if tube.resulted:
        raise TubeHasResult(
            f"Tube {tube.code} has a result, so who is in it stays: register the right person under a new tube, or let "
            "the laboratory correct its result."
        )
    if witness == by or (witness is None and tube.sealed_at is not None):
        raise SecondLookMissing(
            f"Tube {tube.code} is sealed: a second person looks at the tube and the sheet, and is named as witness."
        )


def judge_void(entry: VoidEntry, tube: TubeToVoid, there: StandingSample | None) -> tuple[str, str] | None:
    """Return why a sample may not be voided (code and sentence), or None; one voided before is not refused."""
    if there is None:
        return "unknown_sample", (
            f"Sample {entry.sample} is not in tube {tube.code}: send its registration first, or choose another tube."
        )
    if there.resident != entry.resident:
        return "another_person", (
            f"Sample {entry.sample} in tube {tube.code} is of somebody else: look up the person again before you void it."
        )
    return None


def void_doubt(reason: str, instead: uuid.UUID | None) -> str | None:
    """Return what a void leaves open about the people of its tube, as a sentence for whoever traces a pool, or None."""
    if reason != "wrong_person" or instead is not None:
        return None
    return (
        "A sample of this tube was voided because it is of somebody else, and nobody was registered in their stead: "
        "one more person is in this pool. Find out who stood at the table then."
    )
