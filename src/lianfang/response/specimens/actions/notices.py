"""Writing who must be told of a finding, and who was told when: so that a correction reaches everybody who heard it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duties, reconcile
from lianfang.kit.clock import response_now
from lianfang.kit.codes import county_of
from lianfang.kit.ids import derived_id
from lianfang.kit.refusals import Refusal
from lianfang.response.specimens.duties import desired_telling
from lianfang.response.specimens.permissions import RECORD_TOLD
from lianfang.response.specimens.reconciling import Channel, NoticeUnknown, Recipient, to_tell
from lianfang.response.specimens.rules import TubeUnknown, county_hand
from lianfang.response.specimens.waiting import told_within

# Where the people in the tubes live, whoever acts: a village must hear of its own wherever the queue was.
VILLAGES = """
SELECT s.tube, s.division_code / 1000 * 1000 FROM specimens_sample s
WHERE s.county = %(county)s AND s.tube = ANY(%(tubes)s) AND NOT EXISTS (
    SELECT 1 FROM specimens_samplevoid v WHERE v.county = s.county AND v.tube = s.tube AND v.sample = s.id)
GROUP BY 1, 2
"""

# Everybody who was told any former finding of the tube, and has not been told this one.
TOLD_BEFORE = """
SELECT DISTINCT n.tube, n.role, n.division_code FROM specimens_resultnotice n
WHERE n.county = %(county)s AND n.tube = ANY(%(tubes)s) AND n.told_at IS NOT NULL
"""

WRITE = """
INSERT INTO specimens_resultnotice (county, id, tube, number, role, division_code, required, opens_at, due_at, told_to,
                                    channel, recorded_at)
SELECT %(county)s, id, tube, number, role, division_code, true, opens_at, opens_at + %(within)s, '', '', %(now)s
FROM unnest(%(ids)s::uuid[], %(tubes)s::uuid[], %(numbers)s::int[], %(roles)s::text[], %(codes)s::bigint[],
            %(opens)s::timestamptz[]) AS sent (id, tube, number, role, division_code, opens_at)
ON CONFLICT DO NOTHING
"""

STANDING = """
SELECT t.id, t.code, r.number, r.value FROM specimens_tube t
JOIN LATERAL (SELECT number, value FROM specimens_result r WHERE r.county = t.county AND r.tube = t.id
              ORDER BY r.number DESC LIMIT 1) AS r ON true
WHERE t.county = %(county)s AND t.id = %(tube)s
"""

TELL = """
INSERT INTO specimens_resultnotice AS notice (county, id, tube, number, role, division_code, required, opens_at, due_at,
                                              told_at, told_to, channel, told_by, recorded_at)
SELECT %(county)s, id, %(tube)s, %(number)s, role, code, false, %(at)s, %(at)s, %(at)s, %(told_to)s, %(channel)s,
       %(account)s, %(now)s
FROM unnest(%(ids)s::uuid[], %(roles)s::text[], %(codes)s::bigint[]) AS sent (id, role, code)
ON CONFLICT (county, tube, number, role, division_code) DO UPDATE
SET told_at = excluded.told_at, told_to = excluded.told_to, channel = excluded.channel, told_by = excluded.told_by
WHERE notice.told_at IS NULL
RETURNING id
"""

OWED = """
SELECT role, division_code FROM specimens_resultnotice
WHERE county = %(county)s AND tube = %(tube)s AND number = %(number)s AND required AND told_at IS NULL
"""


@dataclass(frozen=True)
class Finding:
    """A finding as it was just recorded: the tube, its number in the tube's history, the value, when it was reported."""

    tube: uuid.UUID
    number: int
    value: str
    reported_at: datetime


@dataclass(frozen=True)
class ToldReceipt:
    """How many posts or units were told with this, and how many still wait for the same finding."""

    told: int
    waiting: int


def open_notices(
    findings: Sequence[Finding], *, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None
) -> None:
    """Write who must be told of findings and open the duties; inside the transaction that records the findings.

    Notices of a former finding that nobody has heard yet lapse.
    """
    if not findings:
        return
    tubes = [finding.tube for finding in findings]
    with acting(county_hand(by, county)), connection.cursor() as cursor:
        cursor.execute(VILLAGES, {"county": county, "tubes": tubes})
        villages = _grouped(cursor.fetchall())
        cursor.execute(TOLD_BEFORE, {"county": county, "tubes": tubes})
        told = _grouped([(tube, Recipient(role, code)) for tube, role, code in cursor.fetchall()])
        rows = [
            (_notice_id(one.tube, one.number, who), one.tube, one.number, who.role, who.division_code, one.reported_at)
            for one in findings
            for who in to_tell(one.value, county, villages.get(one.tube, []), told.get(one.tube, []))
        ]
        if rows:
            names = ("ids", "tubes", "numbers", "roles", "codes", "opens")
            params: dict[str, Any] = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
            params |= {"county": county, "now": response_now(), "within": told_within(by)}
            cursor.execute(WRITE, params)
        cursor.execute(
            "SELECT id FROM specimens_resultnotice WHERE county = %s AND tube = ANY(%s) AND required", [county, tubes]
        )
        subjects = [id for (id,) in cursor.fetchall()]
    if subjects:
        reconcile(desired_telling(subjects), by=by, county=county, valid_at=valid_at, cause=cause)


def notices_of(tubes: Sequence[uuid.UUID], county: int) -> int:
    """Count the posts and units that must be told, or were, what first was found in these tubes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM specimens_resultnotice"
            " WHERE county = %s AND tube = ANY(%s) AND number = 1 AND required",
            [county, list(tubes)],
        )
        return int(cursor.fetchone()[0])


def record_told(
    tube: uuid.UUID,
    *,
    by: Actor,
    channel: Channel,
    told_to: str,
    valid_at: datetime,
    recipients: Sequence[Recipient] = (),
    cause: uuid.UUID | None = None,
) -> ToldReceipt:
    """Record that the standing finding of a tube was told, to whom (post or unit) and by which channel.

    Without ``recipients`` everybody who still had to be told was; recipients that nobody demanded are kept too, so that
    a correction reaches them. Telling again changes nothing.
    """
    by.require(RECORD_TOLD)
    if not told_to.strip():
        raise Refusal("Say which post or unit was told, for example “Xinzhu community duty desk”.")
    county = county_of(by.scope.lo)
    with acting(by), connection.cursor() as cursor:
        number = _standing_number(county, tube)
        params: dict[str, Any] = {"county": county, "tube": tube, "number": number}
        cursor.execute(OWED, params)
        owed = [Recipient(*row) for row in cursor.fetchall()]
        named = list(dict.fromkeys(recipients)) or owed
        if not named and not _heard(county, tube, number):
            raise NoticeUnknown("Nobody has to be told this finding: name who was told all the same.")
        params |= {
            "ids": [_notice_id(tube, number, one) for one in named], "roles": [one.role for one in named],
            "codes": [one.division_code for one in named], "at": valid_at, "told_to": told_to.strip(),
            "channel": channel, "account": by.account_id, "now": response_now(),
        }  # fmt: skip
        cursor.execute(TELL, params)
        told = [id for (id,) in cursor.fetchall()]
        finish_duties(
            [(id, "once") for id in told], kind="tell_result", by=by, county=county, outcome="told", valid_at=valid_at,
            cause=cause,
        )  # fmt: skip
        record_audit(
            by, RECORD_TOLD, subject=("tube", tube), division_code=by.scope.lo, count=len(told), number=number,
            channel=channel, command=cause,
        )  # fmt: skip
    return ToldReceipt(len(told), len(set(owed) - set(named)))


def _standing_number(county: int, tube: uuid.UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(STANDING, {"county": county, "tube": tube})
        row = cursor.fetchone()
    if row is None:
        raise TubeUnknown(f"Tube {tube} has no finding in this county that could be told: wait for the laboratory.")
    return int(row[2])


def _heard(county: int, tube: uuid.UUID, number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM specimens_resultnotice WHERE county = %s AND tube = %s AND number = %s)",
            [county, tube, number],
        )
        return bool(cursor.fetchone()[0])


def _notice_id(tube: uuid.UUID, number: int, who: Recipient) -> uuid.UUID:
    return derived_id("result_notice", tube, number, who.role, who.division_code)


def _grouped(rows: Sequence[tuple[uuid.UUID, Any]]) -> dict[uuid.UUID, list[Any]]:
    found: dict[uuid.UUID, list[Any]] = {}
    for tube, value in rows:
        found.setdefault(tube, []).append(value)
    return found
