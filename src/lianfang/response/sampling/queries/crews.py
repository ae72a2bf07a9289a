"""The crew of a site: who is needed for what, who is there, who is missing."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.engines.protocol import CrewFunction, Pack, crew_needed
from lianfang.response.sampling.permissions import READ_SITES
from lianfang.response.sampling.queries.sites import round_pack, site_of

CREW = """
SELECT a.id, a.function, a.post, a.responder, coalesce(p.title, r.name, ''), a.since
FROM sampling_crewassignment a LEFT JOIN access_post p ON p.id = a.post
LEFT JOIN workforce_responder r ON r.id = a.responder
WHERE a.county = %(county)s AND a.site = %(site)s AND a.until IS NULL ORDER BY a.since, a.id
"""


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
