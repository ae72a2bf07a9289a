"""A planned shift obliges those assigned to it to come, and the post responsible to fill it where nobody is."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from lianfang.core.duties.rules import Desired, Kind

ATTENDANCE = Kind("shift_attendance", "到岗值守", "turn up for a shift", "workforce", ("attended", "absent"), rank=30,
                  command="check_in")  # fmt: skip
KINDS: tuple[Kind, ...] = (ATTENDANCE,)
#: how long after the beginning of a shift a check-in is still in time
GRACE = timedelta(minutes=15)

QUERY = """
WITH planned AS (
    SELECT s.*, coalesce((SELECT sum(a.people) FROM workforce_shiftassignment a
                          WHERE a.shift_id = s.id AND a.cancelled_at IS NULL), 0) AS assigned
    FROM workforce_shift s
    WHERE s.county = %(county)s AND s.cancelled_at IS NULL AND s.starts_at < %(horizon)s AND s.id = ANY(%(shifts)s)
)
SELECT 'shift', s.id, 'shift_attendance', 'once', s.division_code, s.role, NULL::uuid, 'shift to be filled', s.id,
       s.starts_at, s.starts_at + %(grace)s
FROM planned s WHERE s.assigned < s.headcount
UNION ALL
SELECT 'shift_assignment', a.id, 'shift_attendance', 'once', s.division_code, s.role,
       coalesce(a.responder_id, a.team_id), 'roster', s.id, s.starts_at, s.starts_at + %(grace)s
FROM planned s JOIN workforce_shiftassignment a ON a.shift_id = s.id AND a.cancelled_at IS NULL
"""


def desired_attendance(
    county: int, shifts: Sequence[uuid.UUID], assignments: Sequence[uuid.UUID], horizon: datetime
) -> Desired:
    """Return who owes attendance on these shifts (and all their assignments) that begin before the horizon."""
    params: dict[str, object] = {"shifts": list(shifts), "horizon": horizon, "grace": GRACE}
    return Desired((ATTENDANCE.code,), QUERY, params, [*shifts, *assignments], "the roster was changed")
