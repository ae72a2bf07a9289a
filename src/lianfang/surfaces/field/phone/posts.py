"""What somebody on post needs: their own shifts, the checkpoints of their area, and the places they may be sent to."""

from typing import Any

from lianfang.surfaces.field.phone.buckets import Family

CHECKPOINTS = """
SELECT 'checkpoints' AS bucket, c.name AS place, c.id, c.name, c.division_code, c.road, c.emergency_lane, c.lon, c.lat, o.until,
       o.reason, o.authority, o.appeal_to
FROM checkpoints_checkpoint c
JOIN LATERAL (SELECT * FROM checkpoints_checkpointorder o WHERE o.checkpoint_id = c.id ORDER BY o.number DESC LIMIT 1) AS o ON true
WHERE c.division_code BETWEEN %(lo)s AND %(hi)s AND c.closed_at IS NULL
"""
CHECKPOINT_COLUMNS = (
    "id", "name", "division_code", "road", "emergency_lane", "lon", "lat", "ordered_until", "reason", "authority", "appeal_to",
)  # fmt: skip

SHIFTS = """
SELECT 'shifts' AS bucket, s.starts_at AS place, a.id, s.id, s.name, s.staffs, s.subject, s.division_code, s.starts_at, s.ends_at,
       s.protective, t.checked_in_at, t.checked_out_at
FROM workforce_shiftassignment a JOIN workforce_shift s ON s.id = a.shift_id
LEFT JOIN workforce_attendance t ON t.assignment_id = a.id
WHERE (a.responder_id = ANY(%(hands)s) OR a.team_id = ANY(%(hands)s)) AND a.cancelled_at IS NULL AND s.cancelled_at IS NULL
  AND s.ends_at >= %(today)s AND s.starts_at < %(tomorrow)s
"""
SHIFT_COLUMNS = (
    "id", "shift", "name", "staffs", "subject", "division_code", "starts_at", "ends_at", "protective", "checked_in_at",
    "checked_out_at",
)  # fmt: skip

# Hospitals and laboratories of the county, and every place of the own village: public, and few.
PLACES = """
SELECT 'places' AS bucket, p.name AS place, p.id, p.kind, p.name, p.division_code, round(p.lon::numeric, 5)::float,
       round(p.lat::numeric, 5)::float
FROM territory_place p WHERE p.division_code BETWEEN %(near_lo)s AND %(near_hi)s
UNION ALL
SELECT 'places', p.name, p.id, p.kind, p.name, p.division_code, round(p.lon::numeric, 5)::float, round(p.lat::numeric, 5)::float
FROM territory_place p
WHERE p.kind IN ('hospital', 'fever_clinic', 'laboratory', 'quarantine_site')
  AND p.division_code BETWEEN %(county)s * 1000000000::bigint AND %(county)s * 1000000000::bigint + 999999999
  AND p.division_code NOT BETWEEN %(near_lo)s AND %(near_hi)s
"""
PLACE_COLUMNS = ("id", "kind", "name", "division_code", "lon", "lat")


def checkpoint_family(asked: dict[str, Any]) -> Family:
    """Return the open checkpoints of an area, each with the order it stands on."""
    return Family(CHECKPOINT_COLUMNS, CHECKPOINTS, asked)


def post_families(asked: dict[str, Any]) -> list[Family]:
    """Return the shifts of whoever asks, and the places around them."""
    return [Family(SHIFT_COLUMNS, SHIFTS, asked), Family(PLACE_COLUMNS, PLACES, asked)]
