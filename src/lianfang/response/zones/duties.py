"""What zones oblige: the check of needs after an emergency, a look at the conditions each day, a decision at the end."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from lianfang.core.duties.rules import Desired, Kind
from lianfang.kit.clock import at_local, local_date, response_now
from lianfang.response.zones.rules import DAY, REVIEW_DUE, REVIEW_OPENS

KINDS: tuple[Kind, ...] = (
    Kind("zone_needs_check", "封控需求核查", "check of needs in a sealed zone", "zones", ("checked",), 3, "check_zone"),
    Kind("zone_end_decision", "风险区到期决定", "decision at the end of a zone", "zones", ("decided",), 6, "decide_zone"),
    Kind("zone_review", "风险区每日评估", "daily look at a zone's conditions", "zones", ("reviewed",), 16, "review_zone"),
)  # fmt: skip

MINE = "z.county = %(county)s AND (%(subjects)s::uuid[] IS NULL OR z.id = ANY(%(subjects)s::uuid[]))"

CHECKS = f"""
SELECT 'zone', z.id, 'zone_needs_check', 'once', z.division_code, 'community', NULL::uuid, z.protocol || ' emergency sealing',
       z.id, z.effective_at, z.check_due_at
FROM zones_zone z
WHERE {MINE} AND z.check_due_at IS NOT NULL
  AND (least(z.lifted_at, z.ends_at) > %(at)s OR EXISTS (SELECT FROM zones_zonecheck c WHERE c.zone = z.id))
"""  # noqa: S608 - made of the constant above

REVIEWS = f"""
SELECT 'zone', z.id, 'zone_review', d.day::date::text, z.division_code, 'epidemiologist', NULL::uuid,
       z.protocol || ' zones.' || z.level || '.release', z.id,
       (d.day + %(review_opens)s) AT TIME ZONE 'Asia/Shanghai', (d.day + %(review_due)s) AT TIME ZONE 'Asia/Shanghai'
FROM zones_zone z
CROSS JOIN LATERAL generate_series(
    date_trunc('day', z.effective_at AT TIME ZONE 'Asia/Shanghai') + interval '1 day',
    least(%(horizon)s, z.lifted_at, z.ends_at) AT TIME ZONE 'Asia/Shanghai' - interval '1 microsecond', interval '1 day') d (day)
WHERE {MINE} AND (least(z.lifted_at, z.ends_at) > %(at)s
                  OR EXISTS (SELECT FROM zones_zonecondition c WHERE c.zone_id = z.id AND c.day = d.day::date))
"""  # noqa: S608 - made of the constant above

# Every term that a zone was given, whether it stands or a later decision has answered it in its last day.
ENDS = f"""
SELECT 'zone', z.id, 'zone_end_decision', (h.ends_at AT TIME ZONE 'Asia/Shanghai')::text, z.division_code, 'commander', NULL::uuid,
       z.protocol || ' ends unless renewed', h.id, greatest(h.ends_at - interval '1 day', h.valid_at), h.ends_at
FROM zones_zone z
JOIN (SELECT *, lead(valid_at) OVER (PARTITION BY zone_id ORDER BY valid_at, recorded_at) AS answered_at
      FROM zones_zonehistory) h ON h.zone_id = z.id
WHERE {MINE} AND h.ends_at IS NOT NULL AND greatest(h.ends_at - interval '1 day', h.valid_at) < %(horizon)s
  AND (h.answered_at IS NULL OR h.answered_at >= greatest(h.ends_at - interval '1 day', h.valid_at))
"""  # noqa: S608 - made of the constant above


def desire_zones(subjects: Sequence[uuid.UUID] | None = None) -> tuple[Desired, ...]:
    """Desire everything that the zones of a county (or some of them) oblige up to the end of the local day."""
    at = response_now()
    params: dict[str, object] = {"at": at, "horizon": at_local(local_date(at) + DAY)}
    windows: dict[str, timedelta] = {"review_opens": REVIEW_OPENS, "review_due": REVIEW_DUE}
    over = "the zone has ended"
    return (
        Desired(("zone_needs_check",), CHECKS, params, subjects, over),
        Desired(("zone_review",), REVIEWS, params | windows, subjects, over),
        Desired(("zone_end_decision",), ENDS, params, subjects, "another end was decided before"),
    )
