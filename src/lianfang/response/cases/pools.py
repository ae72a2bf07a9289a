"""Positive pools: everybody in a tube found, held, sampled again singly, told, and let go. Behind the door of ``actions``."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import connection
from pydantic import AwareDatetime

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duties, ledger_keeper, reconcile
from lianfang.engines.protocol import pack_of_protocol
from lianfang.kit.clock import response_now
from lianfang.kit.codes import county_of
from lianfang.kit.ids import derived_id, new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.cases import permissions as may
from lianfang.response.cases.duties import RETESTS, SETTLED, desire_pools, desire_positives
from lianfang.response.cases.rules import (
    APPEAL_TO,
    DETECTED_BY,
    CaseNotFound,
    Finding,
    Outbreak,
    PoolNotFound,
    PositiveAlreadyDecided,
    Retests,
    hold_reason,
    pool_spans,
    require_released,
    require_words,
)

STANDING = """
SELECT DISTINCT ON (r.tube) r.tube, r.number, r.value, r.reported_at, r.reason FROM specimens_result r
WHERE r.county = %(county)s AND r.tube = ANY(%(tubes)s::uuid[]) ORDER BY r.tube, r.number DESC
"""

# Indeterminate calls people back where they were screened; a retest or a person in quarantine is sampled again anyway.
FINDINGS = f"""
SELECT t.id, t.code, t.mode, t.purpose, t.round, t.order_id, t.division_code, r.number, r.value, r.reported_at
FROM ({STANDING}) AS r JOIN specimens_tube t ON t.county = %(county)s AND t.id = r.tube
WHERE (r.value = 'positive' OR r.value = 'indeterminate' AND t.purpose NOT IN ('confirmatory_retest', 'quarantine'))
  AND NOT EXISTS (SELECT FROM cases_pool q WHERE q.county = %(county)s AND q.tube = r.tube AND q.number = r.number)
ORDER BY r.reported_at, t.id
"""  # noqa: S608 - made of the constant above

OPEN = """
INSERT INTO cases_pool (id, county, incident, protocol, authority, tube, number, value, code, mode, purpose, round,
                        division_code, reported_at, due_at, resample_within, withdrawn_why, recorded_at, recorded_by)
SELECT id, %(county)s, incident, protocol, authority, tube, number, value, code, mode, purpose, round, division_code,
       reported_at, due_at, resample_within, '', %(now)s, %(account)s
FROM unnest(%(ids)s::uuid[], %(incidents)s::uuid[], %(protocols)s::text[], %(authorities)s::text[], %(tubes)s::uuid[],
            %(numbers)s::int[], %(values)s::text[], %(codes)s::text[], %(modes)s::text[], %(purposes)s::text[],
            %(rounds)s::uuid[], %(divisions)s::bigint[], %(reported)s::timestamptz[], %(due)s::timestamptz[],
            %(within)s::interval[])
     AS sent (id, incident, protocol, authority, tube, number, value, code, mode, purpose, round, division_code,
              reported_at, due_at, resample_within)
ON CONFLICT DO NOTHING
"""

# Two records of one person are one person: those who come, those held and the cases are compared by what they were
# merged into. Whoever is in another county now is answered for where they live, or where they were sampled.
TO_JOIN = """
WITH RECURSIVE fresh AS (
    SELECT q.id AS pool, q.incident, q.protocol, q.authority, q.tube, q.number, q.value, q.code, q.mode, q.purpose,
           q.reported_at, q.due_at, s.id AS sample, s.resident, s.division_code, t.order_id,
           1 + coalesce((SELECT max(x.wave) FROM cases_poolmember x WHERE x.pool_id = q.id), 0) AS wave
    FROM cases_pool q JOIN specimens_sample s ON s.county = q.county AND s.tube = q.tube
    JOIN specimens_tube t ON t.county = q.county AND t.id = q.tube
    WHERE q.county = %(county)s AND q.tube = ANY(%(tubes)s::uuid[]) AND q.withdrawn_at IS NULL
      AND NOT EXISTS (SELECT FROM cases_poolmember x WHERE x.pool_id = q.id AND x.sample = s.id)
      AND NOT EXISTS (SELECT FROM specimens_samplevoid v WHERE v.county = s.county AND v.tube = s.tube AND v.sample = s.id)
), known (resident) AS (
    SELECT resident FROM fresh
    UNION SELECT resident FROM cases_screenpositive WHERE county = %(county)s AND status = 'open'
    UNION SELECT resident FROM cases_case WHERE county = %(county)s
), trail (start, id, step) AS (
    SELECT resident, resident, 0 FROM known
    UNION ALL SELECT trail.start, r.merged_into, trail.step + 1
    FROM trail JOIN people_resident r ON r.id = trail.id WHERE r.merged_into IS NOT NULL AND trail.step < 9
), person AS (SELECT DISTINCT ON (start) start, id FROM trail ORDER BY start, step DESC)
SELECT f.pool, f.incident, f.protocol, f.authority, f.tube, f.number, f.value, f.code, f.mode, f.purpose, f.reported_at,
       f.due_at, f.sample, f.resident, f.wave, person.id,
       CASE WHEN r.present_code / 1000000000 = %(county)s THEN r.present_code
            WHEN r.division_code / 1000000000 = %(county)s THEN r.division_code ELSE f.division_code END,
       left(coalesce(nullif(r.present_place, ''), nullif(h.address, ''), '现住处'), 120),
       (SELECT p.id FROM cases_screenpositive p JOIN person held ON held.start = p.resident
        WHERE p.county = %(county)s AND p.incident = f.incident AND p.status = 'open'
          AND (held.id = person.id OR p.id = f.order_id) ORDER BY p.id = f.order_id DESC, p.found_at LIMIT 1),
       EXISTS (SELECT FROM cases_case c JOIN person ill ON ill.start = c.resident
               WHERE c.county = %(county)s AND c.incident = f.incident AND ill.id = person.id AND (
                   SELECT k.class_code FROM cases_classification k WHERE k.case_id = c.id
                   ORDER BY k.valid_at DESC, k.recorded_at DESC LIMIT 1) <> 'ruled_out')
FROM fresh f JOIN person ON person.start = f.resident
LEFT JOIN people_resident r ON r.id = person.id LEFT JOIN people_household h ON h.id = r.household
ORDER BY f.reported_at, f.pool, f.sample
"""

JOIN_POSITIVES = """
INSERT INTO cases_screenpositive (id, county, incident, resident, division_code, protocol, sample, tube, found_at,
                                  detected_by, status, pooled, handed_to, recorded_at, recorded_by)
SELECT id, %(county)s, incident, resident, division_code, protocol, sample, tube, found_at, detected_by, 'open', true, '',
       %(now)s, %(account)s
FROM unnest(%(ids)s::uuid[], %(incidents)s::uuid[], %(residents)s::uuid[], %(divisions)s::bigint[], %(protocols)s::text[],
            %(samples)s::uuid[], %(tubes)s::uuid[], %(found)s::timestamptz[], %(detected)s::text[])
     AS sent (id, incident, resident, division_code, protocol, sample, tube, found_at, detected_by)
"""

JOIN_HOLDS = """
INSERT INTO cases_hold (id, county, positive_id, division_code, place, reason, authority, appeal_to, held_by, held_at,
                        ends_at, lift_reason, recorded_at)
SELECT sent.id, %(county)s, sent.positive, p.division_code, sent.place, sent.reason, sent.authority, i.appeal_to, %(account)s,
       %(valid_at)s, sent.ends_at, '', %(now)s
FROM unnest(%(ids)s::uuid[], %(positives)s::uuid[], %(places)s::text[], %(reasons)s::text[], %(authorities)s::text[],
            %(ends)s::timestamptz[]) AS sent (id, positive, place, reason, authority, ends_at)
JOIN cases_screenpositive p ON p.id = sent.positive CROSS JOIN (SELECT %(appeal_to)s::text AS appeal_to) AS i
WHERE NOT EXISTS (SELECT FROM cases_hold h WHERE h.positive_id = p.id AND h.lifted_at IS NULL AND h.ends_at > %(valid_at)s)
"""

JOIN_MEMBERS = """
INSERT INTO cases_poolmember (id, county, pool_id, sample, resident, positive_id, division_code, wave, joined_at, unreached,
                              recorded_at)
SELECT id, %(county)s, pool, sample, resident, positive, division_code, wave, %(valid_at)s, '', %(now)s
FROM unnest(%(ids)s::uuid[], %(pools)s::uuid[], %(samples)s::uuid[], %(residents)s::uuid[], %(positives)s::uuid[],
            %(divisions)s::bigint[], %(waves)s::int[]) AS sent (id, pool, sample, resident, positive, division_code, wave)
"""

WITHDRAW = f"""
UPDATE cases_pool q SET withdrawn_at = %(valid_at)s, withdrawn_why = left(coalesce(nullif(r.reason, ''), r.value), 200)
FROM ({STANDING}) AS r
WHERE q.county = %(county)s AND q.tube = r.tube AND q.number < r.number AND q.withdrawn_at IS NULL RETURNING q.id
"""  # noqa: S608 - made of the constant above

# A person stays held while another tube that stands as positive has them, or when somebody reported them without a tube.
RELEASE_MISTAKEN = """
UPDATE cases_screenpositive p SET status = 'withdrawn', decided_at = %(valid_at)s
WHERE p.county = %(county)s AND p.status = 'open' AND p.tube IS NOT NULL
  AND p.id IN (SELECT m.positive_id FROM cases_poolmember m WHERE m.pool_id = ANY(%(pools)s::uuid[]))
  AND NOT EXISTS (SELECT FROM cases_poolmember m JOIN cases_pool q ON q.id = m.pool_id
                  WHERE m.county = p.county AND m.positive_id = p.id AND q.value = 'positive' AND q.withdrawn_at IS NULL)
  AND (SELECT r.value FROM specimens_result r WHERE r.county = p.county AND r.tube = p.tube
       ORDER BY r.number DESC LIMIT 1) IS DISTINCT FROM 'positive'
RETURNING p.id, p.division_code
"""

LIFT = """
UPDATE cases_hold SET lifted_at = greatest(%(valid_at)s, held_at), lifted_by = %(account)s, lift_reason = %(reason)s
WHERE county = %(county)s AND positive_id = ANY(%(positives)s::uuid[]) AND lifted_at IS NULL
"""

#: the pools of a slice, the members that share a person with it, and their positives
TOUCHED = """
SELECT m.pool_id, m.id, m.positive_id FROM cases_poolmember m
WHERE m.county = %(county)s AND (m.pool_id = ANY(%(pools)s::uuid[]) OR m.positive_id = ANY(%(positives)s::uuid[])
    OR m.positive_id IN (SELECT x.positive_id FROM cases_poolmember x WHERE x.pool_id = ANY(%(pools)s::uuid[])))
"""

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

#: the pools whose people the samples in these tubes were taken of
RESAMPLED = """
SELECT DISTINCT m.pool_id FROM specimens_sample s
JOIN cases_poolmember m ON m.county = s.county AND (m.positive_id = s.order_id OR m.id = s.order_id)
WHERE s.county = %(county)s AND s.tube = ANY(%(tubes)s::uuid[]) AND s.purpose = 'confirmatory_retest'
"""


@dataclass(frozen=True)
class PoolsFormed:
    """What a laboratory's findings led to: pools opened, people who joined one, pools withdrawn, people let go."""

    opened: int = 0
    joined: int = 0
    withdrawn: int = 0
    released: int = 0


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


def unpooled_findings(*, by: Actor, county: int, tubes: Sequence[uuid.UUID]) -> list[Finding]:
    """List the findings for these tubes that call people back and have no pool yet; for whoever knows the incident."""
    with acting(ledger_keeper(by, county)):
        return [Finding(*row) for row in _run(FINDINGS, {"county": county, "tubes": list(tubes)})]


def form_pools(
    *,
    by: Actor,
    permission: str,
    county: int,
    tubes: Sequence[uuid.UUID],
    outbreaks: Mapping[uuid.UUID, Outbreak],
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> PoolsFormed:
    """Bring pools, members, holds and duties into line with what the laboratory says of these tubes; again changes nothing.

    ``outbreaks`` names what the people of a new pool are held for; a finding without one waits. ``permission`` is that
    of the act which led here (a result, a correction, a late sample): the protocol, not the person, does the rest, for
    people all over the county.
    """
    by.require(permission)
    with acting(ledger_keeper(by, county)):
        shared = _shared(by, county, valid_at) | {"tubes": list(tubes)}
        _run("SELECT pg_advisory_xact_lock(hashtextextended('pools', %(county)s))", shared)
        withdrawn = [row[0] for row in _run(WITHDRAW, shared)]
        released = _release_mistaken(withdrawn, shared)
        opened = _open(unpooled_findings(by=by, county=county, tubes=tubes), outbreaks, shared)
        joined, pools = _join(shared)
        if not (withdrawn or opened or joined):
            # A result of a single resample changes nobody's standing, yet may call for another one.
            pools = _pools_resampled_by(shared)
        refresh_pools(by=by, county=county, pools=[*withdrawn, *pools], valid_at=valid_at, cause=cause)
        formed = PoolsFormed(opened, joined, len(withdrawn), len(released))
        if formed != PoolsFormed():
            record_audit(by, "cases.form_pools", subject=("result_list", cause), division_code=county * 10**9, count=joined,
                         opened=opened, withdrawn=len(withdrawn), released=len(released))  # fmt: skip
        return formed


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
    shared = _shared(by, county, valid_at) | {"positives": sorted(set(positives)), "reason": reason}
    with acting(ledger_keeper(by, county)):
        rows = _run(TO_RELEASE, shared)
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
    shared = _shared(by, county, valid_at) | {"positives": [positive], "reason": reason[:200]}
    with acting(ledger_keeper(by, county)):
        rows = _run(TO_RELEASE, shared)
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
    shared = _shared(by, county, valid_at) | {"members": list(members), "unreached": [one.member for one in unreached],
                                              "reasons": [one.reason[:200] for one in unreached]}  # fmt: skip
    with acting(ledger_keeper(by, county)):
        places = dict(_run("SELECT id, division_code FROM cases_poolmember WHERE county = %(county)s AND id = ANY(%(asked)s)",
                           shared | {"asked": asked}))  # fmt: skip
        _all_inside(by, asked, places)
        told = _run(TELL, shared)
        _run(NOT_REACHED, shared)
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
    shared = _shared(by, county, valid_at) | {"pool": pool, "lo": by.scope.lo, "hi": by.scope.hi}
    with acting(ledger_keeper(by, county)):
        rows = _run(ACKNOWLEDGE, shared)
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
    shared = _shared(by, county, valid_at) | {
        "ids": [one.id for one in attempts], "members": [one.member for one in attempts],
        "reasons": [one.reason[:200] for one in attempts],
        "nexts": [max(one.next_at or valid_at, valid_at) for one in attempts],
    }  # fmt: skip
    with acting(ledger_keeper(by, county)):
        places = dict(_run("SELECT id, division_code FROM cases_poolmember WHERE county = %(county)s AND id = ANY(%(members)s)",
                           shared))  # fmt: skip
        _all_inside(by, shared["members"], places)
        made = _run(TRY_AGAIN, shared)
        record_audit(by, "cases.record_resample_attempts", subject=("pool_member", None), division_code=by.scope.lo,
                     count=len(made))  # fmt: skip
        current = _run(TRIED, shared | {"tried": [row[0] for row in made]})
        finish_duties(
            current, kind="pool_resample", by=by, county=county, outcome="could_not", valid_at=valid_at, cause=cause
        )
        refresh_pools(by=by, county=county, pools=[row[1] for row in made], valid_at=valid_at, cause=cause)
    return len(made)


def refresh_positives(
    *, by: Actor, county: int, positives: Sequence[uuid.UUID], valid_at: datetime, cause: uuid.UUID | None
) -> None:
    """Bring the duties of positives, and of the pools they are in, up to date."""
    _refresh(by, county, [], positives, valid_at, cause)


def refresh_pools(
    *, by: Actor, county: int, pools: Sequence[uuid.UUID], valid_at: datetime, cause: uuid.UUID | None
) -> None:
    """Bring the duties of pools and of everybody in them up to date."""
    if pools:
        _refresh(by, county, pools, [], valid_at, cause)


# ------------------------------------------------------------------------------------------------- inside the room


def _shared(by: Actor, county: int, valid_at: datetime) -> dict[str, Any]:
    return {"county": county, "valid_at": valid_at, "now": response_now(), "account": by.account_id}


def _open(findings: Sequence[Finding], outbreaks: Mapping[uuid.UUID, Outbreak], shared: Mapping[str, Any]) -> int:
    known = [(one, outbreaks[one.tube]) for one in findings if one.tube in outbreaks]
    spans = [pool_spans(pack_of_protocol(outbreak.protocol)) for _, outbreak in known]
    columns = {
        "ids": [derived_id("pool", shared["county"], one.tube, one.number) for one, _ in known],
        "incidents": [outbreak.incident for _, outbreak in known],
        "protocols": [outbreak.protocol for _, outbreak in known],
        "authorities": [outbreak.authority[:120] for _, outbreak in known],
        "tubes": [one.tube for one, _ in known], "numbers": [one.number for one, _ in known],
        "values": [one.value for one, _ in known], "codes": [one.code for one, _ in known],
        "modes": [one.mode for one, _ in known], "purposes": [one.purpose for one, _ in known],
        "rounds": [one.round for one, _ in known], "divisions": [one.division_code for one, _ in known],
        "reported": [one.reported_at for one, _ in known],
        "due": [one.reported_at + settled for (one, _), (settled, _) in zip(known, spans, strict=True)],
        "within": [retest for _, retest in spans],
    }  # fmt: skip
    return len(_run(OPEN + " RETURNING id", columns | dict(shared))) if known else 0


@dataclass(frozen=True)
class _Comer:
    """Somebody who is to join a pool; ``positive`` is one that is open for them already."""

    pool: uuid.UUID
    incident: uuid.UUID
    protocol: str
    authority: str
    tube: uuid.UUID
    number: int
    value: str
    code: str
    mode: str
    purpose: str
    reported_at: datetime
    due_at: datetime
    sample: uuid.UUID
    resident: uuid.UUID
    wave: int
    person: uuid.UUID
    division_code: int
    place: str
    positive: uuid.UUID | None
    is_case: bool


def _join(shared: Mapping[str, Any]) -> tuple[int, list[uuid.UUID]]:
    """Let everybody in these tubes who is not in the pool yet join it; return how many, and the pools they joined."""
    comers = [_Comer(*row) for row in _run(TO_JOIN, shared)]
    if not comers:
        return 0, []
    positive_of: dict[tuple[uuid.UUID, uuid.UUID], uuid.UUID] = {}
    fresh: list[_Comer] = []
    held = [one for one in comers if one.value == "positive" and not one.is_case]
    for one in held:
        key = (one.incident, one.person)
        if one.positive:
            positive_of[key] = one.positive
        elif key not in positive_of:
            positive_of[key] = derived_id("screen_positive", one.tube, one.number, one.person)
            fresh.append(one)
    _insert_positives(fresh, positive_of, shared)
    _insert_holds(held, positive_of, shared)
    asked = {id(one) for one in held}
    _run(JOIN_MEMBERS + " RETURNING id", dict(shared) | {
        "ids": [derived_id("pool_member", one.pool, one.sample) for one in comers],
        "pools": [one.pool for one in comers], "samples": [one.sample for one in comers],
        "residents": [one.resident for one in comers],
        "positives": [positive_of[one.incident, one.person] if id(one) in asked else None for one in comers],
        "divisions": [one.division_code for one in comers], "waves": [one.wave for one in comers],
    })  # fmt: skip
    return len(comers), sorted({one.pool for one in comers})


def _insert_positives(
    fresh: Sequence[_Comer], positive_of: Mapping[tuple[uuid.UUID, uuid.UUID], uuid.UUID], shared: Mapping[str, Any]
) -> None:
    if not fresh:
        return
    _run(JOIN_POSITIVES + " RETURNING id", dict(shared) | {
        "ids": [positive_of[one.incident, one.person] for one in fresh],
        "incidents": [one.incident for one in fresh], "residents": [one.person for one in fresh],
        "divisions": [one.division_code for one in fresh], "protocols": [one.protocol for one in fresh],
        "samples": [one.sample for one in fresh], "tubes": [one.tube for one in fresh],
        "found": [one.reported_at for one in fresh], "detected": [DETECTED_BY[one.purpose] for one in fresh],
    })  # fmt: skip


def _insert_holds(
    held: Sequence[_Comer], positive_of: Mapping[tuple[uuid.UUID, uuid.UUID], uuid.UUID], shared: Mapping[str, Any]
) -> None:
    people = {(one.incident, one.person): one for one in reversed(held)}
    valid_at = shared["valid_at"]
    _run(JOIN_HOLDS + " RETURNING id", dict(shared) | {
        "ids": [derived_id("hold", positive_of[key], one.pool) for key, one in people.items()],
        "positives": [positive_of[key] for key in people], "places": [one.place for one in people.values()],
        "reasons": [hold_reason(one.code, one.mode) for one in people.values()],
        "authorities": [one.authority for one in people.values()], "appeal_to": APPEAL_TO,
        # A result that comes late does not shorten anybody's hold to nothing: the clock then runs from now.
        "ends": [one.due_at if one.due_at > valid_at else valid_at + (one.due_at - one.reported_at)
                 for one in people.values()],
    })  # fmt: skip


def _release_mistaken(withdrawn: Sequence[uuid.UUID], shared: Mapping[str, Any]) -> list[uuid.UUID]:
    if not withdrawn:
        return []
    freed = [row[0] for row in _run(RELEASE_MISTAKEN, dict(shared) | {"pools": list(withdrawn)})]
    [(why,)] = _run("SELECT min(withdrawn_why) FROM cases_pool WHERE id = ANY(%(pools)s)", {"pools": list(withdrawn)})
    _lift(freed, f"检测结果已更正,原结果有误:{why}", shared)
    return freed


def _decide(
    sampled: Mapping[uuid.UUID, datetime | None], status: str, shared: Mapping[str, Any], handed_to: str = ""
) -> None:
    _run(DECIDE, dict(shared) | {"ids": list(sampled), "sampled": list(sampled.values()), "status": status,
                                 "handed_to": handed_to})  # fmt: skip
    _lift(list(sampled), shared["reason"], shared)


def _lift(positives: Sequence[uuid.UUID], reason: str, shared: Mapping[str, Any]) -> None:
    _run(LIFT + " RETURNING id", dict(shared) | {"positives": list(positives), "reason": reason[:200]})


def _finish_retests(
    positives: Iterable[uuid.UUID], outcome: str, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None
) -> None:
    keys = [(positive, "once") for positive in positives]
    finish_duties(
        keys, kind="confirmatory_retest", by=by, county=county, outcome=outcome, valid_at=valid_at, cause=cause
    )


def _pools_resampled_by(shared: Mapping[str, Any]) -> list[uuid.UUID]:
    return [row[0] for row in _run(RESAMPLED, shared)]


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


def _refresh(
    by: Actor, county: int, pools: Sequence[uuid.UUID], positives: Sequence[uuid.UUID], valid_at: datetime,
    cause: uuid.UUID | None,
) -> None:  # fmt: skip
    with acting(ledger_keeper(by, county)):
        rows = _run(TOUCHED, {"county": county, "pools": list(pools), "positives": list(positives)})
        slice_of = {"pools": list({*pools, *(row[0] for row in rows)}), "members": [row[1] for row in rows]}
        people = list({*positives, *(row[2] for row in rows if row[2])})
        _settle(slice_of, by, county, valid_at, cause)
        reconcile(
            desire_positives(by, county, people), *desire_pools(by, county, slice_of["pools"], slice_of["members"]),
            by=by, county=county, valid_at=valid_at, cause=cause,
        )  # fmt: skip
        _settle(slice_of, by, county, valid_at, cause)


def _settle(slice_of: Mapping[str, Any], by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None) -> None:
    rows = sorted(_run(SETTLED, dict(slice_of) | {"county": county}), key=lambda row: (row[0], row[3]))
    for (kind, outcome), group in groupby(rows, key=lambda row: (row[0], row[3])):
        keys = [(row[1], row[2]) for row in group]
        finish_duties(keys, kind=kind, by=by, county=county, outcome=outcome, valid_at=valid_at, cause=cause)


def _run(sql: str, params: Mapping[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()
