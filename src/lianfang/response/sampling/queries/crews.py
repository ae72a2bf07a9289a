"""The crew of a site: who is needed for what, who is there, who is missing."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.engines.protocol import CrewFunction, Pack, crew_needed
from lianfang.kit.clock import local_date, response_now
from lianfang.response.sampling.permissions import ASSIGN_CREW, READ_SITES
from lianfang.response.sampling.queries.sites import Site, round_pack, site_of
from lianfang.response.workforce.rules import fitness_fault

CREW = """
SELECT a.id, a.function, a.post, a.responder, coalesce(p.title, r.name, ''), a.since
FROM sampling_crewassignment a LEFT JOIN access_post p ON p.id = a.post
LEFT JOIN workforce_responder r ON r.id = a.responder
WHERE a.county = %(county)s AND a.site = %(site)s AND a.until IS NULL ORDER BY a.since, a.id
"""

# Posts of the actor's area and those that answer for the site's place, the nearest first.
POSTS = """
SELECT p.id, p.title FROM access_post p
WHERE (p.division_code BETWEEN %(lo)s AND %(hi)s AND p.code_hi <= %(hi)s OR %(code)s BETWEEN p.division_code AND p.code_hi)
  AND strpos(p.title, %(name)s) > 0 AND NOT EXISTS (
    SELECT 1 FROM sampling_crewassignment a
    WHERE a.county = %(county)s AND a.site = %(site)s AND a.post = p.id AND a.until IS NULL)
ORDER BY %(code)s BETWEEN p.division_code AND p.code_hi DESC, p.division_code / 1000 = %(code)s / 1000 DESC,
         p.division_code / 1000000 = %(code)s / 1000000 DESC, p.code_hi - p.division_code, p.title, p.id LIMIT %(most)s
"""

PEOPLE = """
SELECT r.id, r.name, o.name, r.birth_year, r.protective, r.rests_until
FROM workforce_responder r JOIN workforce_organisation o ON o.id = r.organisation_id
WHERE r.county = %(county)s AND (r.division_code BETWEEN %(lo)s AND %(hi)s OR r.present_code BETWEEN %(lo)s AND %(hi)s)
  AND strpos(r.name, %(name)s) > 0 AND NOT EXISTS (
    SELECT 1 FROM sampling_crewassignment a WHERE a.county = %(county)s AND a.responder = r.id AND a.until IS NULL)
ORDER BY r.present_code / 1000 = %(code)s / 1000 DESC, r.present_code / 1000000 = %(code)s / 1000000 DESC, r.name, r.id
"""


@dataclass(frozen=True)
class CrewCandidate:
    """A post or a person on duty who could be put to a function; ``unit`` is the person's own, a post has none."""

    id: uuid.UUID
    name: str
    unit: str = ""


@dataclass(frozen=True)
class CrewMember:
    """A post or person at a function of a site's crew; ``name`` is the post's title or the person's name."""

    id: uuid.UUID
    function: str
    post: uuid.UUID | None
    responder: uuid.UUID | None
    name: str
    since: datetime


@dataclass(frozen=True)
class CrewLine:
    """A function of a site's crew: its names, how many it needs, and who does it."""

    function: str
    zh: str
    en: str
    needed: int
    members: tuple[CrewMember, ...]

    @property
    def missing(self) -> int:
        """How many are still to be found."""
        return max(0, self.needed - len(self.members))


def crew_of(site: uuid.UUID, *, by: Actor) -> list[CrewLine]:
    """List the functions of a site's crew by the pack, with who does each and how many are missing."""
    by.require(READ_SITES)
    here = site_of(site, by=by)
    pack = round_pack(here)
    needed = crew_needed(pack, tables=here.tables, samplers=here.samplers)
    functions = crew_functions(pack)
    members = crew_members(site, here.county, by=by)
    return [
        CrewLine(
            code, function.zh, function.en, needed[code], tuple(one for one in members if one.function == code)
        )
        for code, function in functions.items()
    ]  # fmt: skip


def crew_functions(pack: Pack) -> dict[str, CrewFunction]:
    """Return the functions of a site's crew that a pack names; none when it sizes no sites."""
    return dict(pack.sizing.crew) if pack.sizing else {}


def crew_members(site: uuid.UUID, county: int, *, by: Actor) -> list[CrewMember]:
    """List who works at a site now."""
    with acting(by), connection.cursor() as cursor:
        cursor.execute(CREW, {"county": county, "site": site})
        return [CrewMember(*row) for row in cursor.fetchall()]


def crew_candidates(
    site: uuid.UUID, function: str, *, by: Actor, name: str = "", most: int = 24
) -> tuple[list[CrewCandidate], list[CrewCandidate]]:
    """List up to ``most`` posts and as many people who could be put to a function of a site now, the nearest first.

    People at a site already, and those not fit for the function today, are left out; ``name``: a part of it.
    """
    here = site_of(site, by=by)
    by.require(ASSIGN_CREW, here.division_code)
    functions = crew_functions(round_pack(here))
    if function not in functions:
        return [], []
    with acting(by), connection.cursor() as cursor:
        params = _near(here, by) | {"name": name, "most": most}
        cursor.execute(POSTS, params)
        posts = [CrewCandidate(*row) for row in cursor.fetchall()]
        cursor.execute(PEOPLE, params)
        day, in_suit = local_date(response_now()), functions[function].protective
        people = [
            CrewCandidate(id, who, unit)
            for id, who, unit, born, protective, rests_until in cursor.fetchall()
            if not fitness_fault(born, protective, rests_until, day, in_suit)
        ]
    return posts, people[:most]


def _near(here: Site, by: Actor) -> dict[str, Any]:
    area = {"lo": by.scope.lo, "hi": by.scope.hi}
    return area | {"county": here.county, "site": here.id, "code": here.division_code}
