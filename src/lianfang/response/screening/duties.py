"""The duty that a round makes of whoever is missing near its end: a visit, never a sanction."""

import uuid
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from lianfang.core.duties.rules import Desired, Kind
from lianfang.kit.clock import at_local, local_date
from lianfang.response.specimens.queries import UNUSABLE_TUBES, VOIDED_SAMPLES

ROUND_VISIT = "round_visit"

KINDS: tuple[Kind, ...] = (
    Kind(
        ROUND_VISIT, "漏检上门", "visit to somebody missing in a round", "screening",
        ("sampled", "found_elsewhere", "excluded", "appointment", "could_not"), 30, "record_visits",
    ),
)  # fmt: skip

# A period has 24 characters: the first 15 bytes of the round's id and a number, which grows with everything that ended a
# former visit without an end to the need: a visit in vain, too little material, a sample voided,
# an exclusion that was not true.
PERIOD = "encode(substring(uuid_send({round}) FROM 1 FOR 15), 'base64') || '.' || {attempt}"

# Visits begin when a round nears its target, is closed, or somebody orders them, so that a round of millions does not
# open millions of duties. After sign-off those who remained are carried on, until a later round has sampled them; so is
# whoever becomes missing only then, because an exclusion was not true, a tube held too little, or a sample was voided.
VISITS = f"""
WITH unusable AS ({UNUSABLE_TUBES}),
voided AS ({VOIDED_SAMPLES}),
round AS (
    SELECT r.* FROM screening_round r WHERE r.county = %(county)s AND (r.closed_at IS NOT NULL OR r.visits_from <= %(at)s
        OR EXISTS (SELECT 1 FROM screening_visitassignment a WHERE a.round_id = r.id AND a.called_at <= %(at)s))
),
lost AS (
    SELECT s.round, s.resident, r.recorded_at AS since FROM unusable JOIN specimens_sample s ON s.tube = unusable.tube
    JOIN specimens_result r ON r.county = s.county AND r.tube = s.tube WHERE s.county = %(county)s
    UNION ALL
    SELECT s.round, s.resident, v.voided_at FROM specimens_samplevoid v
    JOIN specimens_sample s ON s.county = v.county AND s.tube = v.tube AND s.id = v.sample
    WHERE v.county = %(county)s AND v.recorded_at <= %(at)s
),
late AS (
    SELECT e.round, e.resident, e.division_code, e.withdrawn_at AS since FROM screening_exclusion e
    JOIN round r ON r.id = e.round AND e.withdrawn_recorded_at >= r.closed_recorded_at WHERE e.county = %(county)s
    UNION ALL
    SELECT e.round, e.resident, e.division_code, lost.since FROM lost JOIN round r ON r.id = lost.round AND r.closed_at IS NOT NULL
    JOIN screening_rosterentry e ON e.county = %(county)s AND e.round = lost.round AND e.resident = lost.resident
    UNION ALL
    SELECT e.round, e.resident, e.division_code, lost.since FROM lost JOIN round r ON r.id = lost.round AND r.closed_at IS NOT NULL
    JOIN screening_foundentry e ON e.county = %(county)s AND e.round = lost.round AND e.resident = lost.resident
),
carried AS (
    SELECT DISTINCT ON (e.round, e.resident) e.* FROM (
        SELECT m.round, m.resident, m.division_code, NULL::timestamptz AS since FROM screening_missingentry m
        WHERE m.county = %(county)s UNION ALL SELECT * FROM late) AS e
    ORDER BY e.round, e.resident, e.since DESC NULLS LAST
),
member AS (
    SELECT e.round, e.resident, e.division_code, NULL::timestamptz AS since FROM screening_rosterentry e
    WHERE e.county = %(county)s AND e.round IN (SELECT id FROM round WHERE closed_at IS NULL)
    UNION ALL
    SELECT e.round, e.resident, e.division_code, NULL FROM screening_foundentry e
    WHERE e.county = %(county)s AND e.round IN (SELECT id FROM round WHERE closed_at IS NULL)
    UNION ALL
    SELECT * FROM carried WHERE round IN (SELECT id FROM round WHERE closed_at IS NOT NULL)
),
missing AS (
    SELECT m.* FROM member m
    WHERE (%(residents)s::uuid[] IS NULL OR m.resident = ANY(%(residents)s))
      AND NOT EXISTS (SELECT 1 FROM screening_exclusion e WHERE e.county = %(county)s AND e.round = m.round
                      AND e.resident = m.resident AND e.withdrawn_at IS NULL)
      AND NOT EXISTS (SELECT 1 FROM specimens_sample s WHERE s.county = %(county)s AND s.round = m.round
                      AND s.resident = m.resident AND s.tube NOT IN (SELECT tube FROM unusable)
                      AND (s.tube, s.id) NOT IN (SELECT tube, sample FROM voided))
),
visit AS (
    SELECT m.resident, r.id AS round, m.division_code, m.since, r.visit_within, r.closed_at, v.attempt IS NULL AS first,
           1 + coalesce(v.attempt, 0)
             + (SELECT count(*) FROM specimens_sample s WHERE s.county = %(county)s AND s.round = m.round
                AND s.resident = m.resident)
             + (SELECT count(*) FROM screening_exclusion e WHERE e.county = %(county)s AND e.round = m.round
                AND e.resident = m.resident) AS number,
           CASE WHEN v.attempt IS NULL AND r.closed_at IS NULL THEN r.target_at END AS target_at,
           CASE WHEN v.attempt IS NOT NULL THEN coalesce(v.appointment_at, v.visited_at)
                ELSE least(r.visits_from, r.closed_at, (
                    SELECT min(a.called_at) FROM screening_visitassignment a
                    WHERE a.round_id = r.id AND m.division_code BETWEEN a.code_lo AND a.code_hi)) END AS opens_at
    FROM missing m JOIN round r ON r.id = m.round
    LEFT JOIN LATERAL (
        SELECT v.* FROM screening_visit v WHERE v.county = %(county)s AND v.round = m.round AND v.resident = m.resident
        ORDER BY v.attempt DESC LIMIT 1) AS v ON true
)
SELECT 'resident', v.resident, '{ROUND_VISIT}', {PERIOD.format(round="v.round", attempt="v.number")}, v.division_code,
       'grid_worker', NULL::uuid, 'screening.targets', v.round, v.opens_at,
       coalesce(v.target_at, greatest(v.opens_at, v.closed_at, v.since) + v.visit_within)
FROM visit v
WHERE v.opens_at <= CASE WHEN v.first THEN %(at)s ELSE %(day_end)s END AND NOT EXISTS (
    SELECT 1 FROM screening_round later JOIN specimens_sample s ON s.county = later.county AND s.round = later.id
    WHERE later.county = %(county)s AND later.opened_at > v.closed_at AND s.resident = v.resident
      AND (s.tube, s.id) NOT IN (SELECT tube, sample FROM voided))
"""  # noqa: S608 - made of constants

# Who was sampled or excluded meanwhile: their visits have come to an end, and to which.
SETTLED = f"""
WITH unusable AS ({UNUSABLE_TUBES}), voided AS ({VOIDED_SAMPLES})
SELECT d.subject, d.period, CASE WHEN s.resident IS NOT NULL THEN 'sampled' ELSE 'excluded' END
FROM duties_duty d
LEFT JOIN LATERAL (SELECT s.resident FROM specimens_sample s WHERE s.county = d.county AND s.round = d.source
                   AND s.resident = d.subject AND s.tube NOT IN (SELECT tube FROM unusable)
                     AND (s.tube, s.id) NOT IN (SELECT tube, sample FROM voided) LIMIT 1) AS s ON true
LEFT JOIN screening_exclusion e ON e.county = d.county AND e.round = d.source AND e.resident = d.subject
                                AND e.withdrawn_at IS NULL
WHERE d.county = %(county)s AND d.kind = '{ROUND_VISIT}' AND d.state = 'outstanding'
  AND (%(residents)s::uuid[] IS NULL OR d.subject = ANY(%(residents)s))
  AND (s.resident IS NOT NULL OR e.resident IS NOT NULL)
"""  # noqa: S608 - made of constants


def visits(at: datetime, residents: Sequence[uuid.UUID] | None = None) -> Desired:
    """Return the visits that all rounds of a county want at an instant, or those to some of its people."""
    day_end = at_local(local_date(at) + timedelta(days=1), time())
    people = None if residents is None else list(residents)
    return Desired(
        (ROUND_VISIT,), VISITS, {"at": at, "day_end": day_end, "residents": people}, people,
        reason="sampled in a later round, or no longer on a roster",
    )  # fmt: skip
