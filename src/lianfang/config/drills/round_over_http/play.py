"""What everybody in the drill shares: the clock, who is signed in, the round, and a book of what was acknowledged."""

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, TypeVar

from lianfang.config.drills.round_over_http.http import Caller, Command, Payload, Refused, made_id
from lianfang.config.replaying import Say
from lianfang.core.access.actions import ADMINISTRATION, move_response_clock
from lianfang.kit.clock import LOCAL, local, machine_now
from lianfang.kit.codes import full_code
from lianfang.workflows.tick import tick

DAY = "2022-07-14"
TUBES_IN_BATCH = 20
HOUSEHOLD = 10
T = TypeVar("T")


@dataclass
class Clock:
    """The response clock of the drill's database: moved forward by hand, running on with the machine's."""

    say: Say
    at: datetime = field(default_factory=lambda: local(f"{DAY} 05:00"))

    def to(self, moment: str | datetime, what: str = "") -> None:
        """Move the clock forward to a time of day of the drill (``15 10:00``: of the next day) and say what happens."""
        if isinstance(moment, str):
            day, _, hour = moment.rpartition(" ")
            moment = local(f"{DAY[:8]}{day or DAY[8:]} {hour}")
        if moment < self.at:
            raise ValueError(f"the drill's clock does not run back to {moment}")
        self.at = moment
        move_response_clock(moment - machine_now(), by=ADMINISTRATION, reason="drill of a round")
        # hours go by in a moment here: what the worker does every two minutes is done once
        tick(moment)
        if what:
            self.say(f"{moment.astimezone(LOCAL):%m-%d %H:%M}  {what}")

    @property
    def now(self) -> str:
        """The drill's time as it is sent."""
        return self.at.isoformat()

    def after(self, **span: float) -> str:
        """Return a time so much later."""
        return (self.at + timedelta(**span)).isoformat()


@dataclass(frozen=True)
class Person:
    """Somebody on the roster as a phone knows them."""

    resident: str
    household: str | None
    code: int

    def draws(self, about: str) -> int:
        """Return a number of 0–999 that is always the same for a person."""
        return zlib.crc32(f"{self.resident} {about}".encode()) % 1000


@dataclass(frozen=True)
class Area:
    """Where a round samples how."""

    lo: int
    hi: int
    mode: str
    pool: int

    @property
    def capacity(self) -> int:
        """How many a tube holds."""
        return HOUSEHOLD if self.mode == "household" else self.pool

    def groups(self, people: Iterable[Person]) -> Iterator[list[Person]]:
        """Share its people out over tubes: a household each, or so many together."""
        inside = [one for one in people if self.lo <= one.code <= self.hi]
        if self.mode != "household":
            yield from cut(inside, self.pool)
            return
        for _, home in groupby(inside, key=lambda one: one.household):
            yield from cut(list(home), HOUSEHOLD)


@dataclass
class Book:
    """What the drill was told is on record, as phones and desks keep it; compared with the records at the end."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    tubes: dict[str, str] = field(default_factory=dict)
    modes: Counter[str] = field(default_factory=Counter)
    typed: int = 0
    repeated: int = 0
    refused: list[str] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)

    def note(self, command: Command, receipt: Payload) -> None:
        """Enter what a receipt says of a batch: each tube and sample that is not refused is on record."""
        self.repeated += bool(receipt["repeated"])
        out = {item["sample"] or item["tube"] for item in receipt["result"].get("refused", ())}
        self.refused += [item["sentence"] for item in receipt["result"].get("refused", ())]
        for tube in command.payload["tubes"]:
            taken = [one["id"] for one in tube["samples"] if one["id"] not in out and tube["id"] not in out]
            self.acknowledged |= dict.fromkeys(taken, tube["id"])
            if taken and tube["id"] not in self.tubes:
                self.tubes[tube["id"]] = tube["code"]
                self.modes[tube["mode"]] += 1


@dataclass
class Play:
    """One drill under way. ``ready`` holds the printed codes of sealed tubes that wait at each place."""

    port: int
    password: str
    clock: Clock
    #: people in the register before the first request
    registered: int
    callers: dict[str, Caller] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    incident: str = field(default_factory=made_id)
    round: str = field(default_factory=made_id)
    zones: dict[str, str] = field(default_factory=dict)
    areas: list[Area] = field(default_factory=list)
    sites: dict[int, list[Payload]] = field(default_factory=dict)
    labs: dict[str, str] = field(default_factory=dict)
    ready: dict[int, list[str]] = field(default_factory=dict)
    at_lab: dict[str, list[str]] = field(default_factory=dict)
    boxes: int = 0
    #: who is left for the table, the paper, the visit at home, or does not come at all
    kept: dict[str, list[Person]] = field(default_factory=dict)
    undelivered: list[Person] = field(default_factory=list)

    def do(self, who: str, kind: str, **payload: Any) -> Payload:
        """Send a command at the drill's time and return its result."""
        return dict(self.callers[who].send(Command(kind, payload, self.clock.now))["result"])

    def refused(self, who: str, kind: str, **payload: Any) -> str:
        """Send what must be refused and return the sentence."""
        try:
            self.do(who, kind, **payload)
        except Refused as refusal:
            self.book.refused.append(refusal.detail)
            return refusal.detail
        raise AssertionError(f"{kind} was taken although it should have been refused: {payload}")

    def area_of(self, code: int) -> Area:
        """Return the area of the round in which a place lies."""
        return next(area for area in self.areas if area.lo <= code <= area.hi)

    def missing(self, who: str) -> list[Person]:
        """List who is missing in the area of a caller, by grid and household."""
        rows = self.callers[who].pages(f"rounds/{self.round}/missing")
        return [Person(row["resident"], row["household"], row["division_code"]) for row in rows]

    def site(self, place: int, number: int = 0) -> Payload:
        """Return one of a place's sampling sites."""
        return self.sites[place][number % len(self.sites[place])]


@dataclass
class Phone:
    """A phone at a sampling site: it makes ids and codes, keeps what it has not delivered, and sends batches of tubes."""

    play: Play
    caller: Caller
    place: int
    letter: str
    site: str
    made: int = 0
    kept: list[Command] = field(default_factory=list)

    def tube(self, people: Sequence[Person], mode: str, capacity: int, **more: Any) -> Payload:
        """Fill one tube now, sealed unless ``sealed_at`` says otherwise."""
        self.made += 1
        now = self.play.clock.now
        samples = [{"id": made_id(), "resident": one.resident, "taken_at": now} for one in people]
        return {
            "id": made_id(), "code": f"DA{self.place % 10**6}{self.letter}{self.made:05}", "mode": mode,
            "capacity": capacity, "purpose": "area_screening", "division_code": full_code(self.place), "opened_at": now,
            "sealed_at": now, "round": self.play.round, "site": self.site, "samples": samples,
        } | more  # fmt: skip

    def tubes(self, people: Sequence[Person]) -> list[Payload]:
        """Fill tubes as each area of the round asks for."""
        return [self.tube(group, area.mode, area.capacity) for area in self.play.areas for group in area.groups(people)]

    def batch(self, tubes: Sequence[Payload]) -> Command:
        """Put tubes into one command."""
        return Command("register_tubes", {"tubes": list(tubes), "accept": "samples"}, self.play.clock.now)

    def deliver(self, command: Command) -> Payload:
        """Send a batch, enter its receipt, and put its tubes with those that wait for the courier."""
        receipt = self.caller.send(command)
        self.play.book.note(command, receipt)
        if not receipt["repeated"]:
            full = [tube["code"] for tube in command.payload["tubes"] if tube["id"] in self.play.book.tubes]
            self.play.ready.setdefault(self.place, []).extend(full)
        return receipt

    def sample(self, people: Sequence[Person]) -> None:
        """Sample people and deliver at once, in batches."""
        for tubes in cut(self.tubes(people), TUBES_IN_BATCH):
            self.deliver(self.batch(tubes))


def cut(things: Sequence[T], size: int) -> Iterator[list[T]]:
    """Cut a list into pieces of so many."""
    for start in range(0, len(things), size):
        yield list(things[start : start + size])
