"""Who is told: of duties given by name and overdue ones, set-based and each thing once; of a phone that wiped itself."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction

from lianfang.core.access.actions import ADMINISTRATION, confirm_wipe
from lianfang.core.access.queries import wipe_parties
from lianfang.core.access.rules import Actor
from lianfang.core.notices.actions import notice_keeper, notify, notify_from
from lianfang.core.notices.rules import NewNotice
from lianfang.kit.clock import local_date
from lianfang.kit.codes import unit_range
from lianfang.kit.ids import new_id

# A duty names an account, a post, a responder or a team; each leads to the accounts that hold it now.
NAMED = """
WITH named AS MATERIALIZED (
    SELECT d.id, d.assignee, d.due_at, k.name_zh, k.name_en
    FROM duties_duty d JOIN duties_dutykind k ON k.code = d.kind
    WHERE d.state = 'outstanding' AND d.assignee IS NOT NULL AND d.division_code BETWEEN %(lo)s AND %(hi)s
), holders AS (
    SELECT a.id AS assignee, a.id AS account FROM access_account a
    UNION SELECT g.post_id, g.account_id FROM access_grant g
          WHERE g.post_id IS NOT NULL AND g.valid_from <= %(machine)s AND (g.valid_until IS NULL OR g.valid_until > %(machine)s)
    UNION SELECT r.id, r.account FROM workforce_responder r WHERE r.account IS NOT NULL
    UNION SELECT m.team_id, r.account FROM workforce_teammember m JOIN workforce_responder r ON r.id = m.responder_id
          WHERE r.account IS NOT NULL AND m.since <= %(now)s AND (m.until IS NULL OR m.until > %(now)s)
)
SELECT h.account, {kind}, {key}, n.id, jsonb_build_object('zh', n.name_zh, 'en', n.name_en, 'due', n.due_at)
FROM named n JOIN holders h USING (assignee) JOIN access_account a ON a.id = h.account AND a.is_active
WHERE {when}
"""

GIVEN = NAMED.format(kind="'duty_given'", key="n.id || ':' || n.assignee", when="n.due_at > %(now)s")
OVERDUE = NAMED.format(
    kind="'duty_overdue'",
    key="n.id || ':' || extract(epoch FROM n.due_at)::bigint",
    when="n.due_at <= %(now)s AND n.due_at > %(since)s",
)

# Most duties are a role's at a place: whoever holds it there is told once a day that some are overdue, not of each.
OF_A_ROLE = """
SELECT g.account_id, 'duties_overdue', %(day)s, NULL::bigint, jsonb_build_object('count', sum(late.number))
FROM (
    SELECT role, division_code, count(*) AS number FROM duties_duty
    WHERE state = 'outstanding' AND assignee IS NULL AND division_code BETWEEN %(lo)s AND %(hi)s
      AND due_at <= %(now)s AND due_at > %(since)s
    GROUP BY role, division_code
) AS late
JOIN access_grant g ON g.role_id = late.role AND late.division_code BETWEEN g.code_lo AND g.code_hi
 AND g.valid_from <= %(machine)s AND (g.valid_until IS NULL OR g.valid_until > %(machine)s)
JOIN access_account a ON a.id = g.account_id AND a.is_active
GROUP BY g.account_id
"""


def confirm_wiped(device: uuid.UUID) -> bool:
    """Record that a device has wiped itself, and tell whoever ordered it and, where it has one, its owner."""
    with transaction.atomic():
        if not confirm_wipe(device):
            return False
        title, owner, ordered_by = wipe_parties(device)
        told = [NewNotice(ordered_by, "wipe_confirmed", str(new_id()), params={"title": title})] if ordered_by else []
        told += [NewNotice(owner, "device_wiped", str(new_id()))] if owner else []
        notify(told, by=ADMINISTRATION)
        return True


def tell_of_duties(*, by: Actor, county: int, now: datetime, machine: datetime) -> int:
    """Tell accounts of a county of duties given to them by name and of overdue ones; return how many notices are new.

    What has been overdue for longer than a day was told then, and climbs to whoever answers for it.
    """
    area = unit_range(county * 10**9)
    day = local_date(now)
    since = now - timedelta(days=1)
    params = {"lo": area.lo, "hi": area.hi, "now": now, "machine": machine, "since": since, "day": str(day)}
    keeper = notice_keeper(by, area)
    return sum(notify_from(query, params, by=keeper) for query in (GIVEN, OVERDUE, OF_A_ROLE))
