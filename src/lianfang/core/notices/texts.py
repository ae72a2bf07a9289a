"""Text messages: gathered per account, handed to a gateway until it says yes.

A message is handed over until the gateway has said yes, each time under the same id (``{id}`` in its address). A gateway that
honours ids sends it once whatever breaks in between; one that does not may send it twice when its yes is lost, which a
message that only says “open the app” can bear. Two workers never hold the same message.
"""

import json
import logging
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import apprise
from django.conf import settings
from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.notices.rules import KINDS, text_of, wait_after
from lianfang.core.people.actions import county_cipher
from lianfang.kit.clock import machine_now
from lianfang.kit.codes import EVERYWHERE

LOG = logging.getLogger("lianfang.texts")
#: the installation's own hand, which knows numbers and opens no other table
POSTMAN = Actor(uuid.UUID(int=6), uuid.UUID(int=6), "postman", "notices", EVERYWHERE, frozenset(), "postman")
#: notices of this long are gathered into one message
GATHER = timedelta(seconds=60)
#: an account gets at most one message in this time, alarms apart
GAP = timedelta(minutes=15)
#: what is older was seen, or is of no use any more
STALE = timedelta(hours=24)
#: whoever took a message and died gives it back after this long; longer than any gateway takes to answer
LEASE = timedelta(minutes=5)
BATCH, AT_ONCE = 40, 8

# Unread notices of accounts with a number, as soon as the oldest has waited; alarms at once.
GATHERED = """
WITH untold AS (
    SELECT n.id, n.account, n.created_at, k.text, k.alarm
    FROM notices_notice n JOIN unnest(%(kinds)s::text[], %(texts)s::text[], %(alarms)s::bool[]) AS k (kind, text, alarm) USING (kind)
    JOIN notices_noticephone p ON p.account = n.account
    WHERE n.text IS NULL AND n.read_at IS NULL AND n.created_at > %(stale)s
    FOR UPDATE OF n SKIP LOCKED
), ready AS (
    SELECT account, bool_or(alarm) AS alarm FROM untold u GROUP BY account
    HAVING bool_or(alarm) OR (%(loud)s AND min(created_at) <= %(gathered)s AND NOT EXISTS (
        SELECT 1 FROM notices_textmessage t WHERE t.account = u.account AND t.created_at > %(gap)s))
), counted AS (
    SELECT account, alarm, gen_random_uuid() AS id, (
        SELECT jsonb_object_agg(text, number) FROM (
            SELECT text, count(*) AS number FROM untold u WHERE u.account = r.account GROUP BY text) AS each) AS counts
    FROM ready r
), told AS (
    UPDATE notices_notice n SET text = c.id FROM counted c JOIN untold u ON u.account = c.account WHERE n.id = u.id
)
INSERT INTO notices_textmessage (id, account, counts, alarm, state, tries, next_at, created_at)
SELECT id, account, counts, alarm, 'waiting', 0, %(now)s, %(now)s FROM counted
"""

# Taken for the length of a lease: whoever dies with a message gives it back by time.
TAKE = """
WITH taken AS (
    SELECT t.id FROM notices_textmessage t
    WHERE t.state = 'waiting' AND t.next_at <= %(now)s AND (%(loud)s OR t.alarm)
    ORDER BY t.alarm DESC, t.next_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED
)
UPDATE notices_textmessage t SET next_at = %(lease)s, tries = t.tries + 1
FROM taken LEFT JOIN notices_textmessage m ON m.id = taken.id LEFT JOIN notices_noticephone p ON p.account = m.account
WHERE t.id = taken.id RETURNING t.id, t.counts::text, t.tries, p.county, p.number
"""

FINISH = """
UPDATE notices_textmessage t SET state = done.state, next_at = done.next_at,
       finished_at = CASE WHEN done.state = 'waiting' THEN NULL ELSE %(now)s::timestamptz END
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(nexts)s::timestamptz[]) AS done (id, state, next_at)
WHERE t.id = done.id AND t.state = 'waiting'
"""


@dataclass(frozen=True)
class Text:
    """A message taken to be handed over; ``number`` is "" when its account has none any more."""

    id: uuid.UUID
    words: str
    tries: int
    number: str


Deliver = Callable[[Text], bool]


def send_texts(deliver: Deliver | None = None) -> int:
    """Gather what was not told yet and hand over what is due; return how many messages a gateway has taken.

    Does nothing without a gateway (``LIANFANG_NOTICE_URLS``). Stops after a batch of which nothing got through.
    """
    if deliver is None:
        if not settings.NOTICE_URLS:
            return 0
        deliver = partial(hand_over, settings.NOTICE_URLS)
    _gather(machine_now())
    sent = 0
    while texts := _take(machine_now()):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            accepted = list(pool.map(partial(_delivered, deliver), texts))
        _finish(texts, accepted, machine_now())
        sent += sum(accepted)
        if not any(accepted):
            break
    return sent


def hand_over(urls: Sequence[str], text: Text) -> bool:
    """Hand a message to the first gateway that takes it; the number and the id stand where the addresses name them."""
    for url in urls:
        gateway = apprise.Apprise()
        filled = url.replace("{phone}", quote(text.number, safe="")).replace("{id}", str(text.id))
        if gateway.add(filled) and gateway.notify(body=text.words):
            return True
    return False


def _delivered(deliver: Deliver, text: Text) -> bool:
    if not text.number:
        return False
    try:
        return bool(deliver(text))
    except Exception as error:  # one message, whatever its gateway does, must not keep the others
        LOG.error("Text message %s: %s", text.id, type(error).__name__)
        return False


def _loud(now: datetime) -> bool:
    quiet = settings.QUIET_HOURS
    return quiet is None or quiet.until(now) is None


def _gather(now: datetime) -> None:
    told = [kind for kind in KINDS.values() if kind.text]
    params: dict[str, Any] = {
        "kinds": [kind.code for kind in told], "texts": [kind.text for kind in told],
        "alarms": [kind.alarm for kind in told], "now": now, "gathered": now - GATHER, "gap": now - GAP,
        "stale": now - STALE, "loud": _loud(now),
    }  # fmt: skip
    with acting(POSTMAN), connection.cursor() as cursor:
        cursor.execute(GATHERED, params)


def _take(now: datetime) -> list[Text]:
    with acting(POSTMAN), connection.cursor() as cursor:
        cursor.execute(TAKE, {"now": now, "lease": now + LEASE, "batch": BATCH, "loud": _loud(now)})
        return [
            Text(id, text_of(json.loads(counts)), tries, county_cipher(county).open(bytes(number)) if number else "")
            for id, counts, tries, county, number in cursor.fetchall()
        ]


def _finish(texts: Sequence[Text], accepted: Sequence[bool], now: datetime) -> None:
    states, nexts = [], []
    for text, yes in zip(texts, accepted, strict=True):
        wait = wait_after(text.tries) if text.number else None
        states.append("sent" if yes else "waiting" if wait else "given_up")
        nexts.append(now + wait if wait and not yes else now)
    if lost := states.count("given_up"):
        LOG.error("%s text messages were given up: the gateway took none of their tries, or the number is gone", lost)
    with acting(POSTMAN), connection.cursor() as cursor:
        cursor.execute(FINISH, {"ids": [text.id for text in texts], "states": states, "nexts": nexts, "now": now})
