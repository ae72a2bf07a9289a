"""How long people wait at a sampling site that is called building by building.

The model: a deterministic fluid for what the plan itself does, and a stochastic correction for what chance adds.

Assumptions, each checked against a simulation of single people in ``tests/engines/planning``:

- The people of a call come on foot, each at a moment spread evenly over ``spread`` seconds after the call.
- One queue in the order of arrival before ``tables`` equal tables; a table serves one person at a time.
- Serving a person takes ``service`` seconds on average with the coefficient of variation ``variation``; after every
  ``tube_people`` people a table needs ``tube_change`` seconds for the next tube.
- Calls follow each other so that they fill only ``load`` of the tables' power; the rest is for people who come by
  themselves, whom no plan touches.

What chance adds has two limits. A queue that goes on for ever at that load waits by Sakasegawa's formula for M/G/c; but
here the number of people is known and only the moments of their coming are not, so that the line strays no further than
a Brownian bridge over the people of one ``spread``. The harmonic sum of the two stands for both, and it fades the longer
the planned line is, since tables that are never idle lose nothing to chance.
All times are seconds from the beginning of the plan.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import pi, sqrt

#: people served before their pace says something about the tables
ENOUGH = 10


@dataclass(frozen=True)
class Station:
    """Tables that serve one queue, and how people come to it after a call; times in seconds."""

    tables: int
    service: float
    spread: float
    tube_people: int = 1
    tube_change: float = 0.0
    variation: float = 0.5
    load: float = 0.9

    def __post_init__(self) -> None:
        if self.tables < 1 or self.tube_people < 1:
            raise ValueError("a station needs at least one table and one person to a tube")
        if self.service <= 0 or self.spread <= 0 or self.tube_change < 0 or self.variation < 0:
            raise ValueError("service and spread are above 0 seconds; tube change and variation are not below 0")
        if not 0 < self.load < 1:
            raise ValueError(f"a load of {self.load} leaves a queue that never ends: choose one between 0 and 1")

    @property
    def seconds_per_person(self) -> float:
        """Mean seconds that a table spends on one person, its share of the tube's change included."""
        return self.service + self.tube_change / self.tube_people

    @property
    def rate(self) -> float:
        """People per second that all tables serve together while nobody has to be waited for."""
        return self.tables / self.seconds_per_person

    @property
    def squared_variation(self) -> float:
        """Squared coefficient of variation of what a table spends on one person."""
        one, k = self.variation * self.service, self.tube_people
        change = self.tube_change**2 / k * (1 - 1 / k)
        return (one**2 + change) / self.seconds_per_person**2


@dataclass(frozen=True)
class Call:
    """People called at a moment (seconds)."""

    at: float
    people: int


@dataclass(frozen=True)
class Backlog:
    """How many people stand in line at each of some moments; between two of them the line grows or shrinks evenly."""

    times: tuple[float, ...]
    people: tuple[float, ...]

    def at(self, moment: float) -> float:
        """Return the people in line at a moment; before the first one as then, after the last one as then."""
        after = bisect_right(self.times, moment)
        if after == 0:
            return self.people[0]
        if after == len(self.times):
            return self.people[-1]
        begin, end = self.times[after - 1], self.times[after]
        part = (moment - begin) / (end - begin)
        return self.people[after - 1] * (1 - part) + self.people[after] * part


def chance_wait(station: Station, people: int) -> float:
    """Return the mean seconds that chance adds to the wait where the plan itself leaves no line, for so many people."""
    c, rho = station.tables, station.load
    together = min(people, station.spread * station.load * station.rate)
    if together <= 0:
        return 0.0
    both = 1 + station.squared_variation
    steady = station.seconds_per_person / c * rho ** (sqrt(2 * (c + 1)) - 1) / (1 - rho) * both / 2
    bridge = sqrt(pi / 8 * together * both) / station.rate
    return 1 / (1 / steady + 1 / bridge)


def largest_call(station: Station, wait: float) -> int:
    """Return how many people may be called at once so that call to sample takes ``wait`` seconds on average, at least 1.

    Called people spread their own arrivals; only those whom the tables cannot take in that time wait for each other.
    """
    chance = chance_wait(station, int(station.spread * station.rate) + 1)
    left = wait - station.spread / 2 - station.service - chance
    line = (left + sqrt(left**2 + 4 * chance * left)) / 2 if left > 0 else 0.0
    return max(1, int(station.rate * (station.spread + 2 * line)))


def pace(sizes: Sequence[int], station: Station, *, waiting: float = 0.0) -> list[Call]:
    """Return when to call each group, in order: as fast as the tables at their load take them, the line drained first.

    ``waiting``: people in line when the plan begins; the first call is made so that its people come as these are served.
    """
    moment = max(0.0, waiting / station.rate - station.spread / 2)
    calls = []
    for people in sizes:
        calls.append(Call(moment, people))
        moment += people / (station.load * station.rate)
    return calls


def backlog(calls: Sequence[Call], station: Station, *, waiting: float = 0.0) -> Backlog:
    """Return the line that calls lead to, as a fluid: people flow in evenly after each call and out as tables allow."""
    times, people, line = [0.0], [waiting], waiting
    for begin, end, inflow in _stretches(calls, station.spread):
        net = inflow - station.rate
        until_empty = line / -net if net < 0 else end - begin
        if 0 < until_empty < end - begin:
            times.append(begin + until_empty)
            people.append(0.0)
        line = max(0.0, line + net * (end - begin))
        times.append(end)
        people.append(line)
    if line:
        times.append(times[-1] + line / station.rate)
        people.append(0.0)
    return Backlog(tuple(times), tuple(people))


def _stretches(calls: Sequence[Call], spread: float) -> Iterator[tuple[float, float, float]]:
    """Yield (begin, end, people per second) between all moments at which a call's people begin or cease to arrive."""
    changes: dict[float, float] = {0.0: 0.0}
    for call in calls:
        changes[call.at] = changes.get(call.at, 0.0) + call.people / spread
        changes[call.at + spread] = changes.get(call.at + spread, 0.0) - call.people / spread
    inflow = 0.0
    for begin, end in pairwise(sorted(changes)):
        inflow += changes[begin]
        # what is left of additions and subtractions that cancel out is no inflow
        yield begin, end, inflow if inflow > 1e-9 else 0.0


def expected_waits(calls: Sequence[Call], station: Station, *, waiting: float = 0.0) -> list[float]:
    """Return for each call the mean seconds from the call until a person of it has been sampled: way, line and swab."""
    line = backlog(calls, station, waiting=waiting)
    chance = chance_wait(station, sum(call.people for call in calls))
    lines = (_mean(line, call.at, call.at + station.spread) / station.rate for call in calls)
    return [station.spread / 2 + one + _faded(chance, one) + station.service for one in lines]


def _faded(chance: float, line: float) -> float:
    return chance**2 / (chance + line) if chance else 0.0


def _mean(line: Backlog, begin: float, end: float) -> float:
    """Return the mean of a line that is straight between its moments, over a stretch of time."""
    inner = line.times[bisect_right(line.times, begin) : bisect_left(line.times, end)]
    moments = [begin, *inner, end]
    area = sum((line.at(a) + line.at(b)) / 2 * (b - a) for a, b in pairwise(moments))
    return area / (end - begin)


def measured(station: Station, *, served: int, seconds: float) -> Station:
    """Return the station with the service time that ``served`` people in ``seconds`` of unbroken work show.

    What was observed includes the changing of tubes; fewer than ten people show nothing, and leave the station as it is.
    """
    if served < ENOUGH or seconds <= 0:
        return station
    observed = station.tables * seconds / served
    return replace(station, service=max(1.0, observed - station.tube_change / station.tube_people))
