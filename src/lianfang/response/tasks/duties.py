"""What field work obliges: each turn of a task, the repair of what was found, word to whoever reported a hazard."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from lianfang.core.duties.rules import Desired, Kind
from lianfang.kit.clock import at_local, local_date, response_now
from lianfang.response.tasks.rules import (
    CLEAN_UP,
    CLEANED,
    DELIVERED,
    DELIVERY,
    FINDINGS,
    FIX,
    IN_ORDER,
    INSPECTION,
    MISSED_FOR,
    PATROL,
    PATROLLED,
    TASK_KINDS,
    TASK_NAMES,
    TELL,
    TOLD_WITHIN,
)

KINDS: tuple[Kind, ...] = (
    Kind(DELIVERY, *TASK_NAMES[DELIVERY], "tasks", (DELIVERED,), 18, "record_delivery"),
    Kind(CLEAN_UP, *TASK_NAMES[CLEAN_UP], "tasks", (CLEANED,), 22, "record_clean_up"),
    Kind(FIX, "问题整改", "finding put right", "tasks", ("fixed",), 23, "record_fixed"),
    Kind(INSPECTION, *TASK_NAMES[INSPECTION], "tasks", (IN_ORDER, FINDINGS), 27, "record_inspection"),
    Kind(PATROL, *TASK_NAMES[PATROL], "tasks", (PATROLLED,), 28, "record_patrol"),
    Kind(TELL, "回告上报人", "word to whoever reported a hazard", "tasks", ("told",), 32, "record_reporter_told"),
)  # fmt: skip

MINE = "{one}.county = %(county)s AND (%(subjects)s::uuid[] IS NULL OR {one}.id = ANY(%(subjects)s::uuid[]))"

# Turns are made from the plan each time, never stored. One that was done stays; one that was missed stays for a day.
TURNS = f"""
SELECT 'task', t.id, t.kind, turn.period, t.division_code, t.role, t.assignee,
       CASE WHEN t.hazard IS NULL THEN 'field work given by a desk' ELSE 'hazard reported' END, coalesce(t.hazard, t.id),
       turn.opens_at, turn.opens_at + (t.due_at - t.starts_at)
FROM tasks_task t
CROSS JOIN LATERAL (
    SELECT t.starts_at AS opens_at, 'once' AS period WHERE t.every_hours IS NULL
    UNION ALL
    SELECT slot, to_char(slot AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI')
    FROM generate_series(t.starts_at, least(t.until, %(horizon)s) - interval '1 microsecond', make_interval(hours => t.every_hours)) slot
    WHERE t.every_hours IS NOT NULL
) AS turn
WHERE {MINE.format(one="t")} AND (
    EXISTS (SELECT FROM tasks_taskrecord r WHERE r.task_id = t.id AND r.period = turn.period)
    OR t.withdrawn_at IS NULL
       AND (t.every_hours IS NULL OR turn.opens_at + (t.due_at - t.starts_at) + %(missed_for)s > %(at)s))
"""  # noqa: S608 - made of the constant above

FIXES = f"""
SELECT 'finding', f.id, 'fix_finding', 'once', f.division_code, 'community', NULL::uuid, 'inspection finding', f.task_id,
       f.found_at, f.must_fix_by
FROM tasks_finding f WHERE {MINE.format(one="f")} AND f.must_fix_by IS NOT NULL
"""  # noqa: S608 - made of the constant above

# Told when the work was done, and also when it will not be.
WORD = f"""
SELECT 'hazard', h.id, 'tell_reporter', 'once', h.division_code,
       CASE h.channel WHEN 'hotline' THEN 'service_desk' ELSE 'community' END, NULL::uuid, 'hazard reported', h.task,
       ended.at, ended.at + %(told_within)s
FROM tasks_hazard h
JOIN LATERAL (SELECT least(t.withdrawn_at, (SELECT min(r.done_at) FROM tasks_taskrecord r WHERE r.task_id = t.id)) AS at
              FROM tasks_task t WHERE t.id = h.task) AS ended ON ended.at IS NOT NULL
WHERE {MINE.format(one="h")}
"""  # noqa: S608 - made of the constant above


def desire_turns(subjects: Sequence[uuid.UUID] | None = None) -> Desired:
    """Desire the turns of a county's tasks, or of some, up to the end of the local day."""
    at = response_now()
    params: dict[str, object] = {
        "at": at, "horizon": at_local(local_date(at) + timedelta(days=1)), "missed_for": MISSED_FOR, "subjects": None,
    }  # fmt: skip
    return Desired(TASK_KINDS, TURNS, params | _chosen(subjects), subjects, "withdrawn, or the next turns speak for it")


def desire_fixes(subjects: Sequence[uuid.UUID] | None = None) -> Desired:
    """Desire that findings be put right by their day."""
    return Desired((FIX,), FIXES, _chosen(subjects), subjects, "the finding was taken back")


def desire_word(subjects: Sequence[uuid.UUID] | None = None) -> Desired:
    """Desire that whoever reported a hazard hears what came of it."""
    return Desired((TELL,), WORD, {"told_within": TOLD_WITHIN} | _chosen(subjects), subjects, "the work is still to do")


def _chosen(subjects: Sequence[uuid.UUID] | None) -> dict[str, object]:
    return {"subjects": None if subjects is None else list(subjects)}
