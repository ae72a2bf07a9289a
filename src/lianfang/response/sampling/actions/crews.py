"""Writing who works at a sampling site: put to a function, and relieved."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import local_date, response_now
from lianfang.response.sampling.models import CrewAssignment
from lianfang.response.sampling.permissions import ASSIGN_CREW
from lianfang.response.sampling.queries.crews import crew_functions
from lianfang.response.sampling.queries.sites import Site, round_pack, site_of
from lianfang.response.sampling.rules import CrewEntry, CrewRefused, OnDuty, SiteClosed, judge_crew

# Whoever is in the actor's area: another area's people are asked for, not taken.
PEOPLE = "SELECT id, name, birth_year, protective, rests_until FROM workforce_responder WHERE id = ANY(%(responders)s)"

ELSEWHERE = """
SELECT a.responder, s.name FROM sampling_crewassignment a JOIN screening_samplingsite s ON s.id = a.site
WHERE a.county = %(county)s AND a.responder = ANY(%(responders)s) AND a.until IS NULL
"""

STANDING = """
SELECT a.function, a.post, p.title FROM sampling_crewassignment a JOIN access_post p ON p.id = a.post
WHERE a.county = %(county)s AND a.site = %(site)s AND a.post = ANY(%(posts)s) AND a.until IS NULL
"""

POSTS = "SELECT id FROM access_post WHERE id = ANY(%(posts)s)"


def assign_crew(
    site: uuid.UUID, crew: Sequence[CrewEntry], *, by: Actor, valid_at: datetime, cause: uuid.UUID | None = None
) -> int:
    """Put posts or people on duty to functions of a site's crew and return how many of these stand; repeats change nothing.

    Raises `CrewRefused`, with nothing written, when a function is unknown, somebody is at another site, is resting, or
    may not wear the protective clothing that the function needs.
    """
    here = site_of(site, by=by)
    by.require(ASSIGN_CREW, here.division_code)
    with acting(by):
        if not here.running:
            raise SiteClosed(f"{here.name} or its round is closed: put its crew to another site.")
        known = set(CrewAssignment.objects.filter(id__in=[one.id for one in crew]).values_list("id", flat=True))
        fresh = [one for one in crew if one.id not in known]
        _refuse_unfit(fresh, here, valid_at)
        CrewAssignment.objects.bulk_create(
            CrewAssignment(
                county=here.county, site=site, division_code=here.division_code, since=valid_at,
                recorded_at=response_now(), recorded_by=by.account_id, **vars(one),
            )
            for one in fresh
        )  # fmt: skip
        if fresh:
            record_audit(by, ASSIGN_CREW, subject=("sampling_site", site), division_code=here.division_code,
                         count=len(fresh), command=cause)  # fmt: skip
        return CrewAssignment.objects.filter(id__in=[one.id for one in crew], site=site).count()


def _refuse_unfit(crew: Sequence[CrewEntry], here: Site, valid_at: datetime) -> None:
    functions = crew_functions(round_pack(here))
    people = [one.responder for one in crew if one.responder]
    params: dict[str, Any] = {
        "county": here.county,
        "site": here.id,
        "responders": people,
        "posts": [one.post for one in crew if one.post],
    }
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE, params)
        on_duty = {row[0]: OnDuty(*row[1:]) for row in cursor.fetchall()}
        cursor.execute(ELSEWHERE, params)
        elsewhere = dict(cursor.fetchall())
        cursor.execute(POSTS, params)
        posts = {row[0] for row in cursor.fetchall()}
        cursor.execute(STANDING, params)
        standing = {row[:2]: row[2] for row in cursor.fetchall()}
    for one in crew:
        fault = judge_crew(
            one, {code: function.protective for code, function in functions.items()}, posts, on_duty, elsewhere,
            local_date(valid_at),
        )  # fmt: skip
        if (one.function, one.post) in standing:
            fault = f"{standing[one.function, one.post]} does this here already: leave it out."
        if fault:
            raise CrewRefused(f"{fault} Nothing of this list was written.")


def relieve_crew(
    site: uuid.UUID, crew: Sequence[uuid.UUID], *, by: Actor, valid_at: datetime, cause: uuid.UUID | None = None
) -> int:
    """End assignments to a site's crew and return how many ended now; those relieved before stay as they were."""
    here = site_of(site, by=by)
    by.require(ASSIGN_CREW, here.division_code)
    with acting(by):
        standing = CrewAssignment.objects.filter(site=site, id__in=list(crew), until__isnull=True)
        ended = standing.filter(since__lte=valid_at).update(until=valid_at)
        if ended:
            record_audit(by, "sampling.relieve_crew", subject=("sampling_site", site), division_code=here.division_code,
                         count=ended, command=cause)  # fmt: skip
        return ended
