"""Area-wide testing as a pack orders it: pools, points, speed, and when rounds stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import ceil

from lianfang.engines.protocol.errors import PackSilent
from lianfang.engines.protocol.model import Pack, RoundRule, Screening, SiteFlow


class Proposal(StrEnum):
    """What to do after the rounds closed so far."""

    ANOTHER_ROUND = "another_round"
    WAIT = "wait"
    FINAL_ROUND = "final_round"
    STOP = "stop"


@dataclass(frozen=True)
class RoundFacts:
    """A closed round: the local day it closed, people neither sampled nor reasoned, community positives."""

    closed_on: date
    missing: int
    positives: int

    @property
    def clean(self) -> bool:
        """Say whether nobody was missing and nobody was positive."""
        return not self.missing and not self.positives


@dataclass(frozen=True)
class RoundProposal:
    """A proposal, the first day it holds for, why, and the rule behind it."""

    proposal: Proposal
    not_before: date | None
    sentence: str
    rule: str
    source: str


@dataclass(frozen=True)
class PointPlan:
    """Sampling sites, tables and samplers for a population; the ``least_*`` are the fewest the pack allows."""

    sites: int
    tables: int
    samplers: int
    least_sites: int
    least_tables: int
    source: str


def _screening(pack: Pack) -> Screening:
    if pack.screening is None:
        raise PackSilent(f"{pack.pack} knows no area-wide testing")
    return pack.screening


def pool_size(pack: Pack, zone_level: str | None, *, symptomatic: bool = False, contact: bool = False) -> int:
    """Return how many people may share a tube in a zone (None: outside every zone).

    ``isolation_site`` counts as a level. Raises PackSilent without area-wide testing or for an unknown level.
    """
    rules = _screening(pack)
    if (symptomatic and rules.single_if_symptomatic) or (contact and rules.single_if_contact):
        return 1
    level = zone_level or "elsewhere"
    if level not in rules.pools:
        raise PackSilent(f"{pack.pack} has no pool size for {level!r}; it has: {', '.join(rules.pools)}")
    return rules.pools[level].people


def household_tube(pack: Pack, zone_level: str | None) -> bool:
    """Say whether a household may share one tube in a zone even where others are tested singly."""
    rule = _screening(pack).pools.get(zone_level or "elsewhere")
    return rule is not None and rule.household_tube


def sizing(pack: Pack, population: int) -> PointPlan:
    """Return the sampling sites, tables and samplers a population (people) needs; each is rounded up."""
    rule = pack.sizing
    if rule is None:
        raise PackSilent(f"{pack.pack} does not size sampling points")
    if population < 0:
        raise ValueError(f"a population cannot be {population}")
    return PointPlan(
        sites=ceil(population / rule.people_per_site.least),
        tables=ceil(population / rule.people_per_table.least),
        samplers=ceil(population / rule.people_per_sampler),
        least_sites=ceil(population / rule.people_per_site.most),
        least_tables=ceil(population / rule.people_per_table.most),
        source=rule.source,
    )


def crew_needed(pack: Pack, *, tables: int, samplers: int) -> dict[str, int]:
    """Return how many people of each function one sampling site with so many tables and samplers needs."""
    if pack.sizing is None or not pack.sizing.crew:
        raise PackSilent(f"{pack.pack} names no crew for a sampling site")
    units = {"site": 1, "table": tables, "sampler": samplers}
    return {code: function.count * units[function.per] for code, function in pack.sizing.crew.items()}


def site_flow(pack: Pack) -> SiteFlow:
    """Return what a pack assumes of the flow through a sampling site, or raise PackSilent."""
    if pack.sizing is None or pack.sizing.flow is None:
        raise PackSilent(f"{pack.pack} does not say how people flow through a sampling site")
    return pack.sizing.flow


def round_target(pack: Pack, population: int) -> timedelta:
    """Return the time in which a round must be finished in a place of so many people."""
    for target in _screening(pack).targets:
        if target.up_to_population is None or population <= target.up_to_population:
            return timedelta(hours=target.hours)
    raise PackSilent(f"{pack.pack} has no round target for {population} people")


def round_proposal(pack: Pack, rounds: Sequence[RoundFacts], *, situation: str, on: date) -> RoundProposal:
    """Propose what follows the closed rounds in a situation the pack knows, such as ``chain_unclear``.

    A round with anybody missing is not clean: it breaks the row like a positive does. It is a proposal; a person
    decides. Raises PackSilent for an unknown situation.
    """
    known = _screening(pack).rounds
    if situation not in known:
        raise PackSilent(f"{pack.pack} has no rounds for {situation!r}; it has: {', '.join(known) or 'none'}")
    rule, path = known[situation], f"screening.rounds.{situation}"
    closed = sorted((r for r in rounds if r.closed_on <= on), key=lambda r: r.closed_on)
    proposal, day, sentence = _next_round(rule, closed, on)
    return RoundProposal(proposal, day, sentence, path, rule.source)


def _clean_row(closed: Sequence[RoundFacts]) -> list[RoundFacts]:
    row: list[RoundFacts] = []
    for facts in reversed(closed):
        if not facts.clean:
            break
        row.insert(0, facts)
    return row


def _next_round(rule: RoundRule, closed: Sequence[RoundFacts], on: date) -> tuple[Proposal, date | None, str]:
    if not closed:
        return Proposal.ANOTHER_ROUND, on, "No round has been closed yet."
    row, latest = _clean_row(closed), closed[-1]
    if len(row) < rule.clean_rounds:
        day = latest.closed_on + timedelta(days=rule.gap_days)
        lost = f"; the round of {latest.closed_on} missed {latest.missing} people" if latest.missing else ""
        return Proposal.ANOTHER_ROUND, day, f"{len(row)} of {rule.clean_rounds} clean rounds in a row{lost}."
    reached = row[rule.clean_rounds - 1].closed_on
    resume = reached + timedelta(days=rule.wait_days or 0)
    final = [facts for facts in row[rule.clean_rounds :] if facts.closed_on >= resume]
    if rule.wait_days is None or len(final) >= rule.then_rounds:
        return Proposal.STOP, None, f"{len(row)} clean rounds in a row, the last on {latest.closed_on}."
    if on < resume:
        return Proposal.WAIT, resume, f"{rule.clean_rounds} clean rounds by {reached}: wait until {resume}."
    return Proposal.FINAL_ROUND, resume, f"{rule.wait_days} days have passed since {reached}: one more round."
