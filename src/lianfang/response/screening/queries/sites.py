"""The sampling sites of a round beside what the pack asks for."""

import uuid
from dataclasses import dataclass

from lianfang.core.access.rules import Actor
from lianfang.engines.protocol import Pack, PointPlan, sizing
from lianfang.response.screening.queries.rounds import round_row
from lianfang.response.screening.queries.standing import asked_of, fetched


@dataclass(frozen=True)
class SitePlan:
    """What the pack asks for a round's people beside the sites opened so far."""

    population: int
    needed: PointPlan
    sites: int
    tables: int
    samplers: int


@dataclass(frozen=True)
class SiteRow:
    """An open sampling site, who leads it, and what it has done so far."""

    id: uuid.UUID
    name: str
    division_code: int
    place: uuid.UUID | None
    post_title: str | None
    tables: int
    samplers: int
    tubes: int
    people: int


def site_plan(round: uuid.UUID, *, by: Actor, pack: Pack) -> SitePlan:
    """Return the sampling sites, tables and samplers the pack asks for a round's people, beside those opened."""
    population = round_row(round, by=by).account.denominator
    sites = sampling_sites(round, by=by)
    return SitePlan(
        population, sizing(pack, population), len(sites), sum(s.tables for s in sites), sum(s.samplers for s in sites)
    )


def sampling_sites(round: uuid.UUID, *, by: Actor) -> list[SiteRow]:
    """List a round's open sampling sites in the actor's area, with the tubes and people registered at each."""
    statement = """
    SELECT s.id, s.name, s.division_code, s.place, p.title, s.tables, s.samplers, coalesce(t.tubes, 0),
           coalesce(t.people, 0)
    FROM screening_samplingsite s LEFT JOIN access_post p ON p.id = s.leader_post
    LEFT JOIN (SELECT site, count(*) AS tubes, sum(filled) AS people FROM specimens_tube
               WHERE county = %(county)s AND round = ANY(%(rounds)s) GROUP BY site) AS t ON t.site = s.id
    WHERE s.round_id = ANY(%(rounds)s) AND s.closed_at IS NULL AND s.division_code BETWEEN %(lo)s AND %(hi)s
    ORDER BY s.division_code, s.name
    """
    return [SiteRow(*row) for row in fetched(by, statement, asked_of(by, [round], None))]
