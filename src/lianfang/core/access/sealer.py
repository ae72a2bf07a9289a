"""The sealer chains audit rows in batches, outside the commits that write them; `verify_audit` recomputes the chain.

A batch takes every row whose transaction id lies below the oldest transaction still running, so no row can appear
in a sealed batch later. The chain is keyed, so that whoever can write the tables still cannot forge it.
"""

import hashlib
import hmac
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import machine_now
from lianfang.kit.codes import EVERYWHERE

SEALER = Actor(uuid.UUID(int=1), uuid.UUID(int=1), "sealer", "audit", EVERYWHERE, frozenset(), "sealer")

ROWS = """
SELECT concat_ws('|', seq, xid, id, verb, account_id, grant_id, role, division_code, subject_kind, subject_id, count,
                 detail::text, extract(epoch FROM response_at), extract(epoch FROM machine_at))
FROM access_auditentry WHERE xid >= %s AND xid < %s ORDER BY xid, seq
"""


@dataclass(frozen=True)
class Verification:
    """What `verify_audit` found: sealed batches and rows, rows not sealed yet, and the first broken batch if any."""

    batches: int
    sealed: int
    unsealed: int
    broken: int | None


def seal_audit() -> int:
    """Seal all rows of finished transactions as one batch and return their number (0 when there is nothing new)."""
    with acting(SEALER), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [0x5EA1])
        number, start, digest = _last_seal(cursor)
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        until = cursor.fetchone()[0]
        rows, digest = _digest(cursor, start, until, digest)
        if not rows:
            return 0
        cursor.execute(
            "INSERT INTO access_auditseal (number, xid_until, entries, digest, sealed_at) VALUES (%s, %s, %s, %s, %s)",
            [number + 1, until, rows, digest, machine_now()],
        )
        return rows


def verify_audit() -> Verification:
    """Recompute every batch from its rows and report the first that does not match its seal."""
    with acting(SEALER), connection.cursor() as cursor:
        cursor.execute("SELECT number, xid_until, entries, digest FROM access_auditseal ORDER BY number")
        seals, start, former, sealed = cursor.fetchall(), 0, b"", 0
        for number, until, entries, digest in seals:
            rows, former = _digest(cursor, start, until, former)
            if rows != entries or former != bytes(digest):
                return Verification(len(seals), sealed, 0, number)
            start, sealed = until, sealed + rows
        cursor.execute("SELECT count(*) FROM access_auditentry WHERE xid >= %s", [start])
        return Verification(len(seals), sealed, cursor.fetchone()[0], None)


def _last_seal(cursor) -> tuple[int, int, bytes]:  # type: ignore[no-untyped-def]
    cursor.execute("SELECT number, xid_until, digest FROM access_auditseal ORDER BY number DESC LIMIT 1")
    number, until, digest = cursor.fetchone() or (0, 0, b"")
    return number, until, bytes(digest)


def _digest(cursor, start: int, until: int, former: bytes) -> tuple[int, bytes]:  # type: ignore[no-untyped-def]
    chain = hmac.new(settings.HOME.secrets.sealing_key, former, hashlib.sha256)
    cursor.execute(ROWS, [start, until])
    rows = 0
    for (line,) in cursor:
        chain.update(line.encode() + b"\n")
        rows += 1
    return rows, chain.digest()
