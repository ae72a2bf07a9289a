"""What humans decided about the parcels of whoever carries the phone: shown where the phone lists what it sent."""

import hashlib
from collections.abc import Sequence
from typing import Any

from lianfang.core.intake.rules import TABLE, receipt_of
from lianfang.surfaces.field.phone.buckets import Family

COLUMNS = ("id", "status", "code", "zh", "en", "reason", "decided_at")

# As long as the phone keeps its receipts.
DECIDED = """
SELECT 'decided' AS bucket, p.decided_at AS place, coalesce(p.sent_as, p.id), p.state, p.code, NULL::text, NULL::text, p.reason, p.decided_at
FROM intake_parcel p
WHERE p.account_id = %(account)s AND p.decided_at >= %(today)s - interval '7 days'
"""


def decided_family(asked: dict[str, Any]) -> Family:
    """Return the caller's own parcels that a human decided in the last seven days, with the reason given."""
    return Family(COLUMNS, DECIDED, asked, _told, hashlib.sha256(repr(TABLE).encode()).hexdigest())


def _told(rows: list[tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
    made = []
    for id, state, code, _zh, _en, reason, decided_at in rows:
        receipt = receipt_of(id, state, code)
        made.append([id, receipt.status, code, receipt.zh, receipt.en, reason, decided_at])
    return made
