"""The sealer chains audit rows in batches, outside the commits that write them; `verify_audit` recomputes the chain.

A batch takes every row whose transaction id lies below the oldest transaction still running, so no row can appear
in a sealed batch later. The chain is keyed, so that whoever can write the tables still cannot forge it.

A database restored into another server (a new cluster) numbers its transactions anew, so each row and each batch says which
server counted: what the former one left unsealed becomes a last batch of its own, then the chain goes on with the new one.
"""

import hashlib
import hmac
import uuid
from dataclasses import dataclass
from itertools import pairwise

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
FROM access_auditentry WHERE cluster = %s AND xid >= %s AND xid < %s ORDER BY xid, seq
"""

LEFT_BEHIND = """
SELECT e.cluster, max(e.xid) + 1 FROM access_auditentry e
WHERE e.cluster <> %s AND e.xid >= (SELECT coalesce(max(s.xid_until), 0) FROM access_auditseal s WHERE s.cluster = e.cluster)
GROUP BY e.cluster
"""


@dataclass(frozen=True)
class Verification:
    """What `verify_audit` found: sealed batches and rows, rows not sealed yet, and the first broken batch if any.

    ``restored``: the batches that are the first of another server, because the database was restored into it.
    """

    batches: int
    sealed: int
    unsealed: int
    broken: int | None
    restored: tuple[int, ...] = ()


def seal_audit() -> int:
    """Seal all rows of finished transactions and return their number (0 when there is nothing new)."""
    with acting(SEALER), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [0x5EA1])
        here, until = _finished(cursor)
        return sum(_seal(cursor, cluster, end) for cluster, end in [*_left_behind(cursor, here), (here, until)])


def _finished(cursor) -> tuple[int, int]:  # type: ignore[no-untyped-def]
    """Return this server's number and its oldest running transaction."""
    cursor.execute("SELECT this_cluster(), pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    here, until = cursor.fetchone()
    return here, until


def _left_behind(cursor, here: int) -> list[tuple[int, int]]:  # type: ignore[no-untyped-def]
    """Return each other server with rows that it did not seal before the database left it, and past the last of them."""
    number, cluster, *_ = _last_seal(cursor)
    if number and cluster == here:
        return []
    cursor.execute(LEFT_BEHIND, [here])
    return list(cursor.fetchall())


def _seal(cursor, cluster: int, until: int) -> int:  # type: ignore[no-untyped-def]
    number, _, digest = _last_seal(cursor)
    rows, digest = _digest(cursor, cluster, _sealed_until(cursor, cluster), until, digest)
    if not rows:
        return 0
    cursor.execute(
        "INSERT INTO access_auditseal (number, cluster, xid_until, entries, digest, sealed_at) VALUES (%s, %s, %s, %s, %s, %s)",
        [number + 1, cluster, until, rows, digest, machine_now()],
    )
    return rows


def verify_audit() -> Verification:
    """Recompute every batch from its rows and report the first that does not match its seal."""
    with acting(SEALER), connection.cursor() as cursor:
        cursor.execute("SELECT number, cluster, xid_until, entries, digest FROM access_auditseal ORDER BY number")
        seals, ends, former, sealed = cursor.fetchall(), dict[int, int](), b"", 0
        restored = tuple(after[0] for before, after in pairwise(seals) if before[1] != after[1])
        for number, cluster, until, entries, digest in seals:
            rows, former = _digest(cursor, cluster, ends.get(cluster, 0), until, former)
            if rows != entries or former != bytes(digest):
                return Verification(len(seals), sealed, 0, number, restored)
            ends[cluster], sealed = until, sealed + rows
        cursor.execute("SELECT count(*) FROM access_auditentry")
        return Verification(len(seals), sealed, cursor.fetchone()[0] - sealed, None, restored)


def _last_seal(cursor) -> tuple[int, int, bytes]:  # type: ignore[no-untyped-def]
    cursor.execute("SELECT number, cluster, digest FROM access_auditseal ORDER BY number DESC LIMIT 1")
    number, cluster, digest = cursor.fetchone() or (0, 0, b"")
    return number, cluster, bytes(digest)


def _sealed_until(cursor, cluster: int) -> int:  # type: ignore[no-untyped-def]
    cursor.execute("SELECT coalesce(max(xid_until), 0) FROM access_auditseal WHERE cluster = %s", [cluster])
    return int(cursor.fetchone()[0])


def _digest(cursor, cluster: int, start: int, until: int, former: bytes) -> tuple[int, bytes]:  # type: ignore[no-untyped-def]
    chain = hmac.new(settings.HOME.secrets.sealing_key, former, hashlib.sha256)
    cursor.execute(ROWS, [cluster, start, until])
    rows = 0
    for (line,) in cursor:
        chain.update(line.encode() + b"\n")
        rows += 1
    return rows, chain.digest()
