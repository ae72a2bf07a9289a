"""What a positive, a case and a contact oblige, by the clocks of the protocol under which they were recorded."""

import uuid
from collections.abc import Iterable, Sequence

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import ledger_keeper
from lianfang.core.duties.rules import Desired, Kind
from lianfang.engines.protocol import pack_of_protocol
from lianfang.response.cases.rules import AT_ONCE, placing_clock

KINDS: tuple[Kind, ...] = (
    Kind("hold_in_place", "就地留置", "hold in place", "cases", ("held",), 4, "hold_in_place"),
    Kind("confirmatory_retest", "复核判定", "confirmatory retest", "cases", ("negative", "positive", "handed_over"), 5, "record_retest"),
    Kind("pool_resample", "混管单采复核", "single resample of a pool member", "cases", ("sampled", "could_not"), 5, "register_tubes"),
    Kind("inform_pool_community", "告知混管人员", "tell the people of a pool", "cases", ("told",), 4, "tell_pool_members"),
    Kind("inform_pool_police", "混管协查通报", "police informed of a pool", "cases", ("acknowledged",), 4, "acknowledge_pool"),
    Kind("tell_release", "告知解除", "tell somebody that nothing remains", "cases", ("told",), 12, "tell_pool_members"),
    Kind("positive_transfer", "阳性人员转运", "transfer of a case by ambulance", "cases", ("transferred",), 3, "transfer_case"),
    Kind("case_report", "网络直报", "direct report of a case", "cases", ("reported",), 8, "report_case"),
    Kind("core_info", "核心信息", "core information of a case", "cases", ("recorded",), 9, "record_investigation"),
    Kind("preliminary_report", "流调初步报告", "preliminary investigation report", "cases", ("recorded",), 20, "record_investigation"),
    Kind("contact_in_quarantine", "密接管控到位", "contact placed in quarantine", "cases", ("placed",), 7, "record_placed"),
)  # fmt: skip

CLOCK = (
    "unnest(%(protocols)s::text[], %(names)s::text[], %(spans)s::interval[], %(kinds_of)s::text[])"
    " AS clock (protocol, name, span, kind)"
)

POSITIVES = f"""
SELECT 'screen_positive', p.id, clock.kind, 'once', p.division_code,
       CASE WHEN clock.kind = 'hold_in_place' THEN 'community' WHEN p.pooled THEN 'epidemiologist' ELSE 'sampler' END,
       NULL::uuid, p.protocol || ' ' || clock.name, p.id, p.found_at, coalesce(
           (SELECT min(q.due_at) FROM cases_poolmember m JOIN cases_pool q ON q.id = m.pool_id
            WHERE p.pooled AND m.county = p.county AND m.positive_id = p.id AND q.withdrawn_at IS NULL),
           p.found_at + clock.span)
FROM cases_screenpositive p JOIN {CLOCK} ON clock.protocol = p.protocol
WHERE NOT (p.pooled AND clock.kind = 'hold_in_place') AND p.county = %(county)s AND (%(subjects)s::uuid[] IS NULL OR p.id = ANY(%(subjects)s::uuid[]))
  AND (p.status = 'open'
       OR clock.kind = 'confirmatory_retest' AND (p.retest_sampled_at IS NOT NULL OR p.status = 'handed_over')
       OR clock.kind = 'hold_in_place' AND EXISTS (SELECT FROM cases_hold h WHERE h.positive_id = p.id))
"""  # noqa: S608 - made of the constant above

# Whose sample it is may be told by two records that were merged, before or after the tube was filled.
KIN = """
JOIN LATERAL (
    WITH RECURSIVE same (id) AS (
        SELECT DISTINCT unnest(ARRAY[m.resident, p.resident])
        UNION SELECT r.merged_into FROM same JOIN people_resident r ON r.id = same.id
    ) SELECT id FROM same WHERE id IS NOT NULL
) AS kin ON true
"""

#: Single resamples of a member ``m`` (whose positive is ``p``) by what was found in them, after the latest corrections.
RETESTS = f"""
LEFT JOIN LATERAL (
    SELECT count(*) AS taken, count(*) FILTER (WHERE r.value IN ('insufficient', 'indeterminate')) AS unusable,
           count(*) FILTER (WHERE r.value IS NULL) AS waiting, count(*) FILTER (WHERE r.value = 'negative') AS negative,
           count(*) FILTER (WHERE r.value = 'positive') AS positive,
           max(s.taken_at) FILTER (WHERE r.value IN ('negative', 'positive')) AS decisive_at,
           max(s.taken_at) AS taken_at, max(r.reported_at) FILTER (WHERE r.value IN ('insufficient', 'indeterminate')) AS again_at
    FROM (SELECT) AS one {KIN}
    JOIN specimens_sample s ON s.county = m.county AND s.round IS NULL AND s.resident = kin.id
    LEFT JOIN LATERAL (SELECT value, reported_at FROM specimens_result r WHERE r.county = s.county AND r.tube = s.tube
                       ORDER BY r.number DESC LIMIT 1) AS r ON true
    WHERE s.purpose = 'confirmatory_retest' AND s.order_id IN (m.positive_id, m.id)
      AND NOT EXISTS (SELECT FROM specimens_samplevoid v WHERE v.county = s.county AND v.tube = s.tube AND v.sample = s.id)
) AS retest ON true
"""  # noqa: S608 - made of the constant above

# A person in several pools is told and sampled once: the pool that stands and had them first speaks. The tube of a single
# resample calls for nothing more, unless it found somebody who had been released.
LEADING = """
SELECT DISTINCT ON (coalesce(m.positive_id, m.id)) m.*, q.value, q.code, q.protocol, q.reported_at, q.due_at,
       q.resample_within, p.status, p.decided_at, p.resident AS person
FROM cases_poolmember m JOIN cases_pool q ON q.id = m.pool_id LEFT JOIN cases_screenpositive p ON p.id = m.positive_id
WHERE m.county = %(county)s AND q.withdrawn_at IS NULL
  AND (q.value = 'indeterminate' OR p.pooled AND (q.purpose <> 'confirmatory_retest' OR p.tube = q.tube))
ORDER BY coalesce(m.positive_id, m.id), m.joined_at, m.id
"""

#: each attempt that was needed is a duty of its own: a resample of no use or a visit in vain calls for the next one
ATTEMPTS = f"""
SELECT m.*, retest.taken, retest.waiting + retest.negative + retest.positive > 0 AS sampled,
       coalesce(m.status = 'open', retest.negative + retest.positive = 0) AS undecided,
       1 + retest.unusable + coalesce(tried.times, 0) AS number,
       greatest(retest.again_at, tried.next_at, m.joined_at) AS again_at
FROM ({LEADING}) AS m CROSS JOIN LATERAL (SELECT m.person AS resident) AS p {RETESTS}
LEFT JOIN LATERAL (SELECT count(*) AS times, max(a.next_at) AS next_at
                   FROM cases_resampleattempt a JOIN cases_poolmember x ON x.id = a.member_id
                   WHERE x.county = m.county AND (x.id = m.id OR x.positive_id = m.positive_id)) AS tried ON true
"""  # noqa: S608 - made of constants above

RESAMPLES = f"""
SELECT 'pool_member', m.id, 'pool_resample', k::text, m.division_code, 'rapid_squad', NULL::uuid,
       m.protocol || CASE m.value WHEN 'positive' THEN ' confirmatory_retest' ELSE ' pool_retest' END, m.pool_id,
       CASE k WHEN 1 THEN m.joined_at ELSE m.again_at END,
       CASE k WHEN 1 THEN m.joined_at ELSE m.again_at END + CASE m.value WHEN 'positive' THEN m.resample_within
                                                            ELSE m.due_at - m.reported_at END
FROM ({ATTEMPTS}) AS m CROSS JOIN generate_series(1, m.number) AS k
WHERE (k < m.number OR m.undecided OR m.sampled) AND m.id = ANY(%(subjects)s::uuid[])
"""  # noqa: S608 - made of the constant above

# One duty for each village and batch of late comers, with the list behind it.
INFORMS = f"""
SELECT 'pool', m.pool_id, told.kind, told.mark || (m.division_code / told.size)::text || '.' || m.wave,
       m.division_code / told.size * told.size, told.role, NULL::uuid, min(m.protocol) || ' pool_retest', m.pool_id,
       min(m.joined_at), min(m.joined_at) + %(at_once)s
FROM ({LEADING}) AS m
CROSS JOIN (VALUES ('inform_pool_community', 'v', 1000::bigint, 'community'),
                   ('inform_pool_police', 't', 1000000::bigint, 'police')) AS told (kind, mark, size, role)
WHERE m.value = 'positive' AND m.pool_id = ANY(%(subjects)s::uuid[])
GROUP BY m.pool_id, told.kind, told.mark, told.size, told.role, m.division_code / told.size, m.wave
HAVING bool_or(m.status = 'open')
    OR bool_or(CASE told.kind WHEN 'inform_pool_police' THEN m.police_told_at ELSE m.told_at END IS NOT NULL)
"""  # noqa: S608 - made of the constant above

NOTICES = """
SELECT DISTINCT ON (m.positive_id) 'pool_member', m.id, 'tell_release', 'once', m.division_code, 'community', NULL::uuid,
       q.protocol || ' pool_retest', m.pool_id, p.decided_at, p.decided_at + %(at_once)s
FROM cases_poolmember m JOIN cases_pool q ON q.id = m.pool_id JOIN cases_screenpositive p ON p.id = m.positive_id
WHERE m.county = %(county)s AND m.id = ANY(%(subjects)s::uuid[]) AND p.pooled AND p.status IN ('negative', 'withdrawn')
ORDER BY m.positive_id, m.joined_at, m.id
"""

#: what is outstanding in the ledger and done by the records: (kind, subject, period, outcome)
SETTLED = f"""
SELECT d.kind, d.subject, d.period, 'sampled' FROM duties_duty d JOIN ({ATTEMPTS}) AS m ON m.id = d.subject
WHERE d.county = %(county)s AND d.kind = 'pool_resample' AND d.state = 'outstanding'
  AND d.subject = ANY(%(members)s::uuid[]) AND (d.period::int < m.number OR m.sampled)
UNION ALL
SELECT d.kind, d.subject, d.period, 'told' FROM duties_duty d JOIN ({LEADING}) AS m ON m.pool_id = d.subject
WHERE d.county = %(county)s AND d.kind = 'inform_pool_community' AND d.state = 'outstanding'
  AND d.subject = ANY(%(pools)s::uuid[]) AND d.period = 'v' || (m.division_code / 1000)::text || '.' || m.wave
GROUP BY d.kind, d.subject, d.period
HAVING bool_or(m.told_at IS NOT NULL) AND NOT bool_or(m.told_at IS NULL AND m.status = 'open')
"""  # noqa: S608 - made of constants above

CASES = f"""
WITH standing AS (
    SELECT c.*, coalesce((SELECT k.class_code FROM cases_classification k WHERE k.case_id = c.id
                          ORDER BY k.valid_at DESC, k.recorded_at DESC LIMIT 1) <> 'ruled_out', true) AS infected
    FROM cases_case c
    WHERE c.county = %(county)s AND (%(subjects)s::uuid[] IS NULL OR c.id = ANY(%(subjects)s::uuid[]))
)
SELECT 'case', c.id, clock.kind, 'once', c.division_code,
       CASE clock.kind WHEN 'positive_transfer' THEN 'driver' ELSE 'epidemiologist' END, NULL::uuid,
       c.protocol || ' ' || clock.name, c.id, c.known_at, c.known_at + clock.span
FROM standing c JOIN {CLOCK} ON clock.protocol = c.protocol
WHERE CASE clock.kind
          WHEN 'positive_transfer' THEN c.transfer_needed AND c.infected OR c.transferred_at IS NOT NULL
          ELSE c.infected OR EXISTS (SELECT FROM cases_investigation i WHERE i.case_id = c.id AND i.stage = clock.kind)
      END
"""  # noqa: S608 - made of the constant above

REPORTS = """
SELECT 'case', c.id, 'case_report', k.class_code, c.division_code, 'epidemiologist', NULL::uuid,
       c.protocol || ' ' || clock.name, k.id, k.valid_at, k.valid_at + clock.span
FROM cases_case c
JOIN LATERAL (SELECT DISTINCT ON (class_code) id, class_code, valid_at FROM cases_classification
              WHERE case_id = c.id ORDER BY class_code, valid_at, recorded_at) k ON true
JOIN unnest(%(protocols)s::text[], %(classes)s::text[], %(names)s::text[], %(spans)s::interval[])
     AS clock (protocol, class_code, name, span) ON clock.protocol = c.protocol AND clock.class_code = k.class_code
WHERE c.county = %(county)s AND (%(subjects)s::uuid[] IS NULL OR c.id = ANY(%(subjects)s::uuid[]))
"""

# A person in two tiers is placed once: the active determination of the tier with the shorter clock speaks.
CONTACTS = """
SELECT DISTINCT ON (k.incident, k.resident, k.placed_at IS NULL)
       'contact', k.id, 'contact_in_quarantine', 'once', k.division_code, 'community', NULL::uuid,
       k.protocol || ' ' || clock.name, k.id, k.determined_at, k.determined_at + clock.span
FROM cases_contact k
JOIN unnest(%(protocols)s::text[], %(tiers)s::text[], %(names)s::text[], %(spans)s::interval[])
     AS clock (protocol, tier, name, span) ON clock.protocol = k.protocol AND clock.tier = k.tier
WHERE k.county = %(county)s AND (k.status = 'active' OR k.placed_at IS NOT NULL)
  AND (%(subjects)s::uuid[] IS NULL OR (k.incident, k.resident) IN
       (SELECT incident, resident FROM cases_contact WHERE id = ANY(%(subjects)s::uuid[])))
ORDER BY k.incident, k.resident, k.placed_at IS NULL, clock.span, k.determined_at
"""


def protocols_in(table: str, by: Actor, county: int) -> list[str]:
    """Return the dated protocols under which a county's rows of a table were recorded."""
    # The whole county: what the protocol obliges does not depend on who happens to act.
    with acting(ledger_keeper(by, county)), connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT protocol FROM {table} WHERE county = %s", [county])  # noqa: S608
        return [row[0] for row in cursor.fetchall()]


def _clocks(protocols: Iterable[str], clock_of: dict[str, str]) -> dict[str, object]:
    """Return columns protocol, clock, span, kind; a clock that a pack does not have obliges nobody."""
    rows = [
        (protocol, name, pack_of_protocol(protocol).clocks[name].hours, kind)
        for protocol in protocols
        for kind, name in clock_of.items()
        if name in pack_of_protocol(protocol).clocks
    ]
    return {
        "protocols": [row[0] for row in rows],
        "names": [row[1] for row in rows],
        "spans": [f"{row[2]} hours" for row in rows],
        "kinds_of": [row[3] for row in rows],
    }


def desire_positives(by: Actor, county: int, subjects: Sequence[uuid.UUID] | None = None) -> Desired:
    """Desire hold and retest for preliminary positives (all of a county, or some)."""
    protocols = protocols_in("cases_screenpositive", by, county)
    params = _clocks(protocols, {"confirmatory_retest": "confirmatory_retest"})
    hours = AT_ONCE.total_seconds() / 3600
    for protocol in protocols:
        for key, value in zip(params, (protocol, "at_once", f"{hours} hours", "hold_in_place"), strict=True):
            params[key].append(value)  # type: ignore[attr-defined]
    return Desired(("hold_in_place", "confirmatory_retest"), POSITIVES, params, subjects, "the positive was decided")


def desire_pools(
    by: Actor, county: int, pools: Sequence[uuid.UUID], members: Sequence[uuid.UUID]
) -> tuple[Desired, ...]:
    """Desire single resamples and notices for members of pools, and that communities and police know of the pools."""
    span: dict[str, object] = {"at_once": AT_ONCE}
    return (
        Desired(("pool_resample",), RESAMPLES, {}, members, "the person's standing is settled, or the result was corrected"),
        Desired(("inform_pool_community", "inform_pool_police"), INFORMS, span, pools, "the result was corrected"),
        Desired(("tell_release",), NOTICES, span, members, "the person is not released any more"),
    )  # fmt: skip


def desire_cases(by: Actor, county: int, subjects: Sequence[uuid.UUID] | None = None) -> tuple[Desired, ...]:
    """Desire transfer, core information, preliminary report and one direct report per class for cases."""
    protocols = protocols_in("cases_case", by, county)
    clock_of = {
        "positive_transfer": "positive_transfer",
        "core_info": "core_info",
        "preliminary_report": "preliminary_report",
    }
    packs = {protocol: pack_of_protocol(protocol) for protocol in protocols}
    reports = [
        (protocol, code, rule.report_clock, f"{pack.clocks[rule.report_clock].hours} hours")
        for protocol, pack in packs.items()
        for code, rule in pack.case_classes.items()
        if rule.report_clock
    ]
    columns = [list(column) for column in zip(*reports, strict=True)] or [[], [], [], []]
    params: dict[str, object] = dict(zip(("protocols", "classes", "names", "spans"), columns, strict=True))
    reason = "the case was ruled out"
    return (
        Desired(tuple(clock_of), CASES, _clocks(protocols, clock_of), subjects, reason),
        Desired(("case_report",), REPORTS, params, subjects, reason),
    )


def desire_contacts(by: Actor, county: int, subjects: Sequence[uuid.UUID] | None = None) -> Desired:
    """Desire that contacts be in quarantine within their tier's clock."""
    rows = []
    for protocol in protocols_in("cases_contact", by, county):
        pack = pack_of_protocol(protocol)
        for tier in pack.tiers:
            name = placing_clock(pack, tier)
            if name:
                rows.append((protocol, tier, name, f"{pack.clocks[name].hours} hours"))
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    params: dict[str, object] = dict(zip(("protocols", "tiers", "names", "spans"), columns, strict=True))
    return Desired(
        ("contact_in_quarantine",),
        CONTACTS,
        params,
        subjects,
        "no longer a contact, or placed by another determination",
    )
