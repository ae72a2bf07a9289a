"""The duty to sample somebody at home who cannot come to a site."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from lianfang.core.duties.rules import Desired, Kind
from lianfang.response.specimens.queries import SAMPLED_IN_ROUNDS

HOME_SAMPLING = "home_sampling"

KINDS: tuple[Kind, ...] = (
    Kind(
        HOME_SAMPLING, "上门采样", "sampling at home of somebody who cannot come", "sampling",
        ("sampled", "excluded", "appointment", "could_not"), 25, "record_home_sampling",
    ),
)  # fmt: skip

# As with visits, a period has 24 characters: the first 15 bytes of the round's id and a number, which grows with every
# order, attempt and sample, so that it never stands for two rows of work.
PERIOD = "encode(substring(uuid_send({round}) FROM 1 FOR 15), 'base64') || '.' || {number}"

#: The orders of open rounds that still stand, with their latest attempt. Params: county, residents.
STANDING_ORDERS = """
SELECT DISTINCT ON (o.round, o.resident) o.*, r.target_at, r.visit_within, a.outcome, a.appointment_at, a.visited_at
FROM sampling_homesampling o JOIN screening_round r ON r.id = o.round AND r.closed_at IS NULL
LEFT JOIN LATERAL (
    SELECT a.outcome, a.appointment_at, a.visited_at FROM sampling_homesamplingattempt a
    WHERE a.county = o.county AND a.round = o.round AND a.home_sampling = o.id ORDER BY a.attempt DESC LIMIT 1
) AS a ON true
WHERE o.county = %(county)s AND (%(residents)s::uuid[] IS NULL OR o.resident = ANY(%(residents)s))
ORDER BY o.round, o.resident, o.number DESC
"""

HOME_SAMPLINGS = f"""
WITH sampled AS MATERIALIZED (
    SELECT DISTINCT s.round, s.resident FROM ({SAMPLED_IN_ROUNDS}) AS s
    JOIN sampling_homesampling o ON o.county = %(county)s AND o.round = s.round AND o.resident = s.resident
),
standing AS (
    SELECT o.*,
           (SELECT count(*) FROM sampling_homesamplingattempt a
            WHERE a.county = o.county AND a.round = o.round AND a.resident = o.resident)
         + (SELECT count(*) FROM specimens_sample s
            WHERE s.county = o.county AND s.round = o.round AND s.resident = o.resident) + o.number AS period,
           coalesce(o.appointment_at, o.ordered_at) AS opens_at
    FROM ({STANDING_ORDERS}) AS o
    WHERE o.outcome IS DISTINCT FROM 'could_not'
      AND (o.round, o.resident) NOT IN (SELECT round, resident FROM sampled)
      AND NOT EXISTS (SELECT 1 FROM screening_exclusion e WHERE e.county = o.county AND e.round = o.round
                      AND e.resident = o.resident AND e.withdrawn_at IS NULL)
)
SELECT 'resident', s.resident, '{HOME_SAMPLING}', {PERIOD.format(round="s.round", number="s.period")}, s.division_code,
       'sampler', NULL::uuid, 'screening.targets', s.round, s.opens_at,
       CASE WHEN s.target_at > s.opens_at THEN s.target_at ELSE s.opens_at + s.visit_within END
FROM standing s
"""  # noqa: S608 - made of constants

# Who was sampled or excluded meanwhile, wherever that was: the work is done.
SETTLED = f"""
SELECT d.subject, d.period, CASE WHEN s.resident IS NOT NULL THEN 'sampled' ELSE 'excluded' END
FROM duties_duty d
LEFT JOIN LATERAL (SELECT s.resident FROM ({SAMPLED_IN_ROUNDS}) AS s
                   WHERE s.round = d.source AND s.resident = d.subject LIMIT 1) AS s ON true
LEFT JOIN screening_exclusion e ON e.county = d.county AND e.round = d.source AND e.resident = d.subject
                                AND e.withdrawn_at IS NULL
WHERE d.county = %(county)s AND d.kind = '{HOME_SAMPLING}' AND d.state = 'outstanding'
  AND (%(residents)s::uuid[] IS NULL OR d.subject = ANY(%(residents)s))
  AND (s.resident IS NOT NULL OR e.resident IS NOT NULL)
"""  # noqa: S608 - made of constants


def home_samplings(at: datetime, rounds: Sequence[uuid.UUID], residents: Sequence[uuid.UUID] | None = None) -> Desired:
    """Return the samplings at home that a county's rounds want at an instant, or those of some of its people."""
    people = None if residents is None else list(residents)
    params = {"at": at, "rounds": list(rounds), "residents": people}
    return Desired(
        (HOME_SAMPLING,), HOME_SAMPLINGS, params, people,
        reason="the round was signed off, or it turned out not to be possible",
    )  # fmt: skip
