"""What becomes of the people of pools: told, visited again, let go, handed over. Behind the door of ``actions``."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duties, ledger_keeper
from lianfang.kit.codes import county_of
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.cases import permissions as may
from lianfang.response.cases.duties import RETESTS
from lianfang.response.cases.pools import lift_holds, refresh_pools, refresh_positives, run, shared_params
from lianfang.response.cases.rules import (
    CaseNotFound,
    PoolNotFound,
    PositiveAlreadyDecided,
    Retests,
    require_released,
    require_words,
)

TO_RELEASE = f"""
SELECT p.id, p.division_code, p.status, coalesce(retest.unusable, 0), coalesce(retest.waiting, 0),
       coalesce(retest.negative, 0), coalesce(retest.positive, 0), retest.decisive_at
FROM cases_screenpositive p
CROSS JOIN LATERAL (SELECT p.county, p.resident, p.id, p.id AS positive_id) AS m {RETESTS}
WHERE p.county = %(county)s AND p.id = ANY(%(positives)s::uuid[]) FOR UPDATE OF p
"""  # noqa: S608 - made of the constant above


# Told of the hold while it lasts, of its end afterwards: one row for each record of the person.
TELL = """
UPDATE cases_poolmember m
SET told_at = CASE WHEN p.status = 'open' THEN coalesce(m.told_at, %(valid_at)s) ELSE m.told_at END,
    notified_at = CASE WHEN p.status = 'open' THEN m.notified_at ELSE coalesce(m.notified_at, %(valid_at)s) END,
    unreached = ''
FROM cases_screenpositive p
WHERE m.county = %(county)s AND p.id = m.positive_id AND m.positive_id IN (
    SELECT positive_id FROM cases_poolmember WHERE id = ANY(%(members)s::uuid[]))
RETURNING m.id, m.pool_id, p.status <> 'open'
"""

NOT_REACHED = """
UPDATE cases_poolmember m SET unreached = sent.reason
FROM unnest(%(unreached)s::uuid[], %(reasons)s::text[]) AS sent (id, reason)
WHERE m.county = %(county)s AND m.id = sent.id RETURNING m.id
"""

ACKNOWLEDGE = """
UPDATE cases_poolmember m SET police_told_at = coalesce(m.police_told_at, %(valid_at)s)
WHERE m.county = %(county)s AND m.pool_id = %(pool)s AND m.division_code BETWEEN %(lo)s AND %(hi)s
RETURNING m.division_code, m.wave
"""

TRY_AGAIN = """
INSERT INTO cases_resampleattempt AS made (id, county, member_id, division_code, reason, next_at, tried_at, recorded_at,
                                           recorded_by)
SELECT sent.id, %(county)s, m.id, m.division_code, sent.reason, sent.next_at, %(valid_at)s, %(now)s, %(account)s
FROM unnest(%(ids)s::uuid[], %(members)s::uuid[], %(reasons)s::text[], %(nexts)s::timestamptz[])
     AS sent (id, member, reason, next_at) JOIN cases_poolmember m ON m.county = %(county)s AND m.id = sent.member
ON CONFLICT DO NOTHING
RETURNING member_id, (SELECT pool_id FROM cases_poolmember m WHERE m.id = made.member_id)
"""

#: the visits that somebody's attempt ends: the duty bears the member record that speaks for the person
TRIED = """
SELECT d.subject, d.period FROM duties_duty d JOIN cases_poolmember m ON m.county = d.county AND m.id = d.subject
WHERE d.county = %(county)s AND d.kind = 'pool_resample' AND d.state = 'outstanding' AND EXISTS (
    SELECT FROM cases_poolmember x WHERE x.id = ANY(%(tried)s::uuid[]) AND (x.id = m.id OR x.positive_id = m.positive_id))
"""

DECIDE = """
UPDATE cases_screenpositive p SET status = %(status)s, decided_at = %(valid_at)s, handed_to = %(handed_to)s,
       retest_sampled_at = sent.sampled_at
FROM unnest(%(ids)s::uuid[], %(sampled)s::timestamptz[]) AS sent (id, sampled_at) WHERE p.id = sent.id RETURNING p.id
"""


@dataclass(frozen=True)
class Unreached:
    """A member whom nobody could tell, and why."""

    __pydantic_config__ = {"extra": "forbid"}
    member: uuid.UUID
    reason: str


@dataclass(frozen=True)
class NewAttempt:
    """A visit for a single resample that ended without one, why, and when somebody comes again."""

    __pydantic_config__ = {"extra": "forbid"}
    member: uuid.UUID
    reason: str
    next_at: AwareDatetime | None = None
    id: uuid.UUID = field(default_factory=new_id)


def release_pool_members(
    *,
    by: Actor,
    positives: Sequence[uuid.UUID],
    valid_at: datetime,
    reason: str = "单采复核阴性",
    cause: uuid.UUID | None = None,
) -> int:
    """Let people go whose single resample was negative, each with a notice; return how many are free by it.

    Whoever decides stands in the notice. Raises `RetestMissing` for anybody without a negative resample; then nobody
    is let go.
    """
    by.require(may.RECORD_RETEST)
    require_words(reason=reason)
    county = county_of(by.scope.lo)
    shared = shared_params(by, county, valid_at) | {"positives": sorted(set(positives)), "reason": reason}
    with acting(ledger_keeper(by, county)):
        rows = run(TO_RELEASE, shared)
        _all_inside(by, positives, {row[0]: row[1] for row in rows})
        _none_decided_otherwise(rows, "negative")
        free = {row[0]: row[7] for row in rows if row[2] == "open"}
        require_released({row[0]: Retests(*row[3:7]) for row in rows if row[0] in free})
        _decide(free, "negative", shared)
        record_audit(by, "cases.release_pool_members", subject=("screen_positive", None), division_code=by.scope.lo,
                     count=len(free))  # fmt: skip
        _finish_retests(free, "negative", by, county, valid_at, cause)
        refresh_positives(by=by, county=county, positives=list(free), valid_at=valid_at, cause=cause)
    return len(rows)


def hand_over_positive(
    *, by: Actor, positive: uuid.UUID, county_name: str, taken_over_by: str, reason: str, valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> None:  # fmt: skip
    """Hand a person over to another county, which took them over by name of post: retest and decision are theirs."""
    require_words(county=county_name, taken_over_by=taken_over_by, reason=reason)
    by.require(may.HAND_OVER_POSITIVE)
    county = county_of(by.scope.lo)
    shared = shared_params(by, county, valid_at) | {"positives": [positive], "reason": reason[:200]}
    with acting(ledger_keeper(by, county)):
        rows = run(TO_RELEASE, shared)
        _all_inside(by, [positive], {row[0]: row[1] for row in rows})
        _none_decided_otherwise(rows, "handed_over")
        if rows[0][2] != "open":
            return
        _decide({positive: None}, "handed_over", shared, f"{county_name} · {taken_over_by}"[:120])
        record_audit(by, "cases.hand_over_positive", subject=("screen_positive", positive), division_code=rows[0][1])
        _finish_retests([positive], "handed_over", by, county, valid_at, cause)
        refresh_positives(by=by, county=county, positives=[positive], valid_at=valid_at, cause=cause)


def tell_pool_members(
    *,
    by: Actor,
    members: Sequence[uuid.UUID] = (),
    unreached: Sequence[Unreached] = (),
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Record whom the community told, of the hold or of its end, and whom nobody reached; return how many were told.

    Who was not reached stays on the list until somebody has told them.
    """
    by.require(may.INFORM_POOL)
    for one in unreached:
        require_words(reason=one.reason)
    asked = [*members, *(one.member for one in unreached)]
    if not asked:
        raise Refusal("This names nobody: mark who was told, or why they could not be.")
    county = county_of(by.scope.lo)
    shared = shared_params(by, county, valid_at) | {"members": list(members), "unreached": [one.member for one in unreached],
                                              "reasons": [one.reason[:200] for one in unreached]}  # fmt: skip
    with acting(ledger_keeper(by, county)):
        places = dict(run("SELECT id, division_code FROM cases_poolmember WHERE county = %(county)s AND id = ANY(%(asked)s)",
                           shared | {"asked": asked}))  # fmt: skip
        _all_inside(by, asked, places)
        told = run(TELL, shared)
        run(NOT_REACHED, shared)
        record_audit(by, "cases.tell_pool_members", subject=("pool_member", None), division_code=by.scope.lo, count=len(told),
                     unreached=len(unreached))  # fmt: skip
        keys = [(row[0], "once") for row in told if row[2]]
        finish_duties(keys, kind="tell_release", by=by, county=county, outcome="told", valid_at=valid_at, cause=cause)
        refresh_pools(by=by, county=county, pools=[row[1] for row in told], valid_at=valid_at, cause=cause)
    return len(members)


def acknowledge_pool(*, by: Actor, pool: uuid.UUID, valid_at: datetime, cause: uuid.UUID | None = None) -> int:
    """Record that the police of the actor's area know of a pool and who is held there; return of how many people."""
    by.require(may.ACKNOWLEDGE_POOL)
    county = county_of(by.scope.lo)
    shared = shared_params(by, county, valid_at) | {"pool": pool, "lo": by.scope.lo, "hi": by.scope.hi}
    with acting(ledger_keeper(by, county)):
        rows = run(ACKNOWLEDGE, shared)
        if not rows:
            raise PoolNotFound(f"Nobody of pool {pool} is in your area. Refresh your list.")
        record_audit(by, "cases.acknowledge_pool", subject=("pool", pool), division_code=by.scope.lo, count=len(rows))
        stations = {(row[0] // 10**6, row[1]) for row in rows}
        finish_duties([(pool, f"t{town}.{wave}") for town, wave in stations], kind="inform_pool_police", by=by,
                      county=county, outcome="acknowledged", valid_at=valid_at, cause=cause)  # fmt: skip
    return len(rows)


def record_resample_attempts(
    *, by: Actor, attempts: Sequence[NewAttempt], valid_at: datetime, cause: uuid.UUID | None = None
) -> int:
    """Record visits for a single resample that ended without one: each opens the next visit; return how many are new."""
    by.require(may.RESAMPLE)
    for one in attempts:
        require_words(reason=one.reason)
    county = county_of(by.scope.lo)
    shared = shared_params(by, county, valid_at) | {
        "ids": [one.id for one in attempts], "members": [one.member for one in attempts],
        "reasons": [one.reason[:200] for one in attempts],
        "nexts": [max(one.next_at or valid_at, valid_at) for one in attempts],
    }  # fmt: skip
    with acting(ledger_keeper(by, county)):
        places = dict(run("SELECT id, division_code FROM cases_poolmember WHERE county = %(county)s AND id = ANY(%(members)s)",
                           shared))  # fmt: skip
        _all_inside(by, shared["members"], places)
        made = run(TRY_AGAIN, shared)
        record_audit(by, "cases.record_resample_attempts", subject=("pool_member", None), division_code=by.scope.lo,
                     count=len(made))  # fmt: skip
        current = run(TRIED, shared | {"tried": [row[0] for row in made]})
        finish_duties(
            current, kind="pool_resample", by=by, county=county, outcome="could_not", valid_at=valid_at, cause=cause
        )
        refresh_pools(by=by, county=county, pools=[row[1] for row in made], valid_at=valid_at, cause=cause)
    return len(made)


# ------------------------------------------------------------------------------------------------- inside the room


def _decide(
    sampled: Mapping[uuid.UUID, datetime | None], status: str, shared: Mapping[str, Any], handed_to: str = ""
) -> None:
    run(DECIDE, dict(shared) | {"ids": list(sampled), "sampled": list(sampled.values()), "status": status,
                                 "handed_to": handed_to})  # fmt: skip
    lift_holds(list(sampled), shared["reason"], shared)


def _finish_retests(
    positives: Iterable[uuid.UUID], outcome: str, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None
) -> None:
    keys = [(positive, "once") for positive in positives]
    finish_duties(
        keys, kind="confirmatory_retest", by=by, county=county, outcome=outcome, valid_at=valid_at, cause=cause
    )


def _all_inside(by: Actor, asked: Iterable[uuid.UUID], places: Mapping[uuid.UUID, int]) -> None:
    """Raise unless each record lies in the actor's area: the county's hand must not lengthen anybody's arm."""
    outside = sorted({id for id in asked if places.get(id, -1) not in by.scope})
    if outside:
        raise CaseNotFound(
            f"{len(outside)} of these people are not of your area, first {outside[0]}. Refresh your list, or ask the unit"
            " that they belong to."
        )


def _none_decided_otherwise(rows: Sequence[Any], status: str) -> None:
    otherwise = [row[0] for row in rows if row[2] not in ("open", status)]
    if otherwise:
        raise PositiveAlreadyDecided(
            f"{len(otherwise)} of these people are decided otherwise, first {otherwise[0]}. Refresh your list."
        )
