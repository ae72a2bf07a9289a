"""Positive pools: everybody in a tube found, held, sampled again singly, told, and let go. Behind the door of ``actions``."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duties, ledger_keeper, reconcile
from lianfang.engines.protocol import pack_of_protocol
from lianfang.kit.clock import response_now
from lianfang.kit.ids import derived_id
from lianfang.response.cases.duties import SETTLED, desire_pools, desire_positives
from lianfang.response.cases.queries import where_to_object
from lianfang.response.cases.rules import (
    DETECTED_BY,
    Finding,
    Outbreak,
    hold_reason,
    pool_spans,
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


def unpooled_findings(*, by: Actor, county: int, tubes: Sequence[uuid.UUID]) -> list[Finding]:
    """List the findings for these tubes that call people back and have no pool yet; for whoever knows the incident."""
    with acting(ledger_keeper(by, county)):
        return [Finding(*row) for row in run(FINDINGS, {"county": county, "tubes": list(tubes)})]


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
        shared = shared_params(by, county, valid_at) | {"tubes": list(tubes)}
        run("SELECT pg_advisory_xact_lock(hashtextextended('pools', %(county)s))", shared)
        withdrawn = [row[0] for row in run(WITHDRAW, shared)]
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


def shared_params(by: Actor, county: int, valid_at: datetime) -> dict[str, Any]:
    """Return what every statement about pools is given: whose county, when it held, when we know it, who acts."""
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
    return len(run(OPEN + " RETURNING id", columns | dict(shared))) if known else 0


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
    comers = [_Comer(*row) for row in run(TO_JOIN, shared)]
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
    run(JOIN_MEMBERS + " RETURNING id", dict(shared) | {
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
    run(JOIN_POSITIVES + " RETURNING id", dict(shared) | {
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
    run(JOIN_HOLDS + " RETURNING id", dict(shared) | {
        "ids": [derived_id("hold", positive_of[key], one.pool) for key, one in people.items()],
        "positives": [positive_of[key] for key in people], "places": [one.place for one in people.values()],
        "reasons": [hold_reason(one.code, one.mode) for one in people.values()],
        "authorities": [one.authority for one in people.values()], "appeal_to": where_to_object(shared["county"]),
        # A result that comes late does not shorten anybody's hold to nothing: the clock then runs from now.
        "ends": [one.due_at if one.due_at > valid_at else valid_at + (one.due_at - one.reported_at)
                 for one in people.values()],
    })  # fmt: skip


def _release_mistaken(withdrawn: Sequence[uuid.UUID], shared: Mapping[str, Any]) -> list[uuid.UUID]:
    if not withdrawn:
        return []
    freed = [row[0] for row in run(RELEASE_MISTAKEN, dict(shared) | {"pools": list(withdrawn)})]
    [(why,)] = run("SELECT min(withdrawn_why) FROM cases_pool WHERE id = ANY(%(pools)s)", {"pools": list(withdrawn)})
    lift_holds(freed, f"检测结果已更正，原结果有误：{why}", shared)
    return freed


def lift_holds(positives: Sequence[uuid.UUID], reason: str, shared: Mapping[str, Any]) -> None:
    """End the running holds of positives, with the reason their notices give."""
    run(LIFT + " RETURNING id", dict(shared) | {"positives": list(positives), "reason": reason[:200]})


def _pools_resampled_by(shared: Mapping[str, Any]) -> list[uuid.UUID]:
    return [row[0] for row in run(RESAMPLED, shared)]


def _refresh(
    by: Actor, county: int, pools: Sequence[uuid.UUID], positives: Sequence[uuid.UUID], valid_at: datetime,
    cause: uuid.UUID | None,
) -> None:  # fmt: skip
    with acting(ledger_keeper(by, county)):
        rows = run(TOUCHED, {"county": county, "pools": list(pools), "positives": list(positives)})
        slice_of = {"pools": list({*pools, *(row[0] for row in rows)}), "members": [row[1] for row in rows]}
        people = list({*positives, *(row[2] for row in rows if row[2])})
        _settle(slice_of, by, county, valid_at, cause)
        reconcile(
            desire_positives(by, county, people), *desire_pools(by, county, slice_of["pools"], slice_of["members"]),
            by=by, county=county, valid_at=valid_at, cause=cause,
        )  # fmt: skip
        _settle(slice_of, by, county, valid_at, cause)


def _settle(slice_of: Mapping[str, Any], by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None) -> None:
    rows = sorted(run(SETTLED, dict(slice_of) | {"county": county}), key=lambda row: (row[0], row[3]))
    for (kind, outcome), group in groupby(rows, key=lambda row: (row[0], row[3])):
        keys = [(row[1], row[2]) for row in group]
        finish_duties(keys, kind=kind, by=by, county=county, outcome=outcome, valid_at=valid_at, cause=cause)


def run(sql: str, params: Mapping[str, Any]) -> list[Any]:
    """Return the rows of one statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()
