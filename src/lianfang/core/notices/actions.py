"""Telling accounts, each thing once; marking as read; the number for text messages."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.permissions import MANAGE_ACCOUNTS
from lianfang.core.access.queries import actors_of
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.notices.models import NoticePhone
from lianfang.core.notices.rules import KINDS, NewNotice, PhoneRefused
from lianfang.core.people.actions import county_cipher
from lianfang.core.people.identity import normalise_phone, phone_fault
from lianfang.kit.clock import machine_now, response_now
from lianfang.kit.codes import EVERYWHERE, CodeRange, county_of

COLUMNS = "account, kind, key, duty, params"

TELL = """
INSERT INTO notices_notice (account, kind, key, duty, params, at, created_at)
SELECT told.account, told.kind, told.key, told.duty, told.params, %(now)s, %(machine_now)s
FROM ({query}) AS told ({columns})
ON CONFLICT (account, kind, key) DO NOTHING
"""

LISTED = """
SELECT * FROM unnest(%(accounts)s::uuid[], %(kinds)s::text[], %(keys)s::text[], %(duties)s::bigint[], %(params)s::jsonb[])
"""

READ = """
UPDATE notices_notice SET read_at = %(now)s
WHERE account = %(account)s AND read_at IS NULL AND id = ANY(%(ids)s)
"""


def notice_keeper(by: Actor, within: CodeRange | None = None) -> Actor:
    """Return the hand that writes notices to whomever they concern, on behalf of whoever acts."""
    return Actor(by.account_id, by.grant_id, by.role, "notices", within or by.scope, frozenset())


def notify(notices: Sequence[NewNotice], *, by: Actor) -> int:
    """Tell accounts something, however many in one statement; return how many notices are new.

    What was told before under the same kind and key is not told again. Raises ``KeyError`` for a kind without words.
    """
    for kind in {notice.kind for notice in notices}:
        KINDS[kind]
    if not notices:
        return 0
    columns = {
        "accounts": [notice.account for notice in notices], "kinds": [notice.kind for notice in notices],
        "keys": [notice.key for notice in notices], "duties": [notice.duty for notice in notices],
        "params": [json.dumps(dict(notice.params), default=_plain) for notice in notices],
    }  # fmt: skip
    return notify_from(LISTED, columns, by=notice_keeper(by))


def notify_from(query: str, params: Mapping[str, Any], *, by: Actor) -> int:
    """Tell whatever a query returns (`COLUMNS` in order), as a `notice_keeper`; return how many notices are new."""
    times = {"now": response_now(), "machine_now": machine_now()}
    with acting(by), connection.cursor() as cursor:
        cursor.execute(TELL.format(query=query, columns=COLUMNS), {**params, **times})
        return int(cursor.rowcount)


def read_notices(ids: Sequence[int], *, by: Actor) -> int:
    """Mark the actor's own notices as read; return how many had not been."""
    with acting(by), connection.cursor() as cursor:
        cursor.execute(READ, {"account": by.account_id, "ids": list(ids), "now": machine_now()})
        return int(cursor.rowcount)


def set_phone(
    *,
    by: Actor,
    phone: str,
    account: uuid.UUID | None = None,
    valid_at: datetime | None = None,
    cause: uuid.UUID | None = None,
) -> bool:
    """Set the number for text messages, or take it away with ""; one's own, or as administrator one of the area's.

    Returns whether there is a number now. Raises `PhoneRefused` for a text that is no mobile number.
    """
    whose = account or by.account_id
    if whose != by.account_id:
        by.require(MANAGE_ACCOUNTS)
    number = normalise_phone(phone)
    if number and (fault := phone_fault(number)):
        raise PhoneRefused(fault)
    if number.startswith("0"):
        raise PhoneRefused("Text messages go to mobile numbers only: give one of 11 digits beginning 13 to 19.")
    served = next((actor.scope for actor in actors_of(whose, machine_now()) if by.scope.covers(actor.scope)), None)
    if served is None:
        raise PhoneRefused("This account holds no post in your area: ask the administrator of its unit.")
    # an older number may stand under a unit the account has left
    with acting(notice_keeper(by, EVERYWHERE)):
        NoticePhone.objects.filter(account=whose).delete()
        if number:
            county = county_of(served.lo)
            NoticePhone.objects.create(
                account=whose, county=county, division_code=served.lo, number=county_cipher(county).seal(number),
                set_by=by.account_id, set_at=machine_now(),
            )  # fmt: skip
        record_audit(
            by,
            "notices.set_phone",
            subject=("account", whose),
            division_code=served.lo,
            cleared=not number,
            cause=cause,
        )
    return bool(number)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is nothing a notice says")
