"""What an account was told, newest last, and where its text messages go."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.notices.models import NoticePhone
from lianfang.core.notices.rules import KINDS, words
from lianfang.core.people.actions import county_cipher
from lianfang.core.people.identity import mask_phone

#: with nothing known yet, a phone gets the last ones; later everything since what it has
MOST = 200

LIST = """
SELECT id, kind, params::text, duty, at, read_at FROM notices_notice
WHERE account = %(account)s AND kind = ANY(%(kinds)s) AND (%(after)s::bigint IS NULL OR id > %(after)s)
ORDER BY id DESC LIMIT %(most)s
"""


@dataclass(frozen=True)
class NoticeRow:
    """One notice as a phone shows it."""

    id: int
    kind: str
    at: datetime
    zh: str
    en: str
    tone: str
    duty: int | None
    read: bool


def notices_of(*, by: Actor, after: int | None = None) -> list[NoticeRow]:
    """Return the actor's own notices with a greater id than ``after``, oldest first; without it the last 200."""
    params = {"account": by.account_id, "after": after, "kinds": list(KINDS), "most": MOST}
    with acting(by), connection.cursor() as cursor:
        cursor.execute(LIST, params)
        return [_row(*row) for row in reversed(cursor.fetchall())]


def masked_phone(*, by: Actor) -> str:
    """Return the actor's own number without its middle, or "" when there is none."""
    with acting(by):
        row = NoticePhone.objects.filter(account=by.account_id).first()
    return mask_phone(county_cipher(row.county).open(bytes(row.number))) if row else ""


def _row(id: int, kind: str, params: str, duty: int | None, at: datetime, read_at: datetime | None) -> NoticeRow:
    zh, en = words(kind, json.loads(params))
    return NoticeRow(id, kind, at, zh, en, KINDS[kind].tone, duty, read_at is not None)
