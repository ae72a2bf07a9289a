"""The scope of a transaction: set where it opens, checked by the database in every policy.

The database trusts no plain setting, because any SQL that reaches the app login could change one. What is set is a
token: the range, line, account and backend process, sealed with a key that only this process and the owner's
functions can read. Forged, stale or missing tokens raise; they never answer with zero rows.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import connection, connections, transaction

from lianfang.core.access.rules import Actor, ScopeNotSet

_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def current_actor() -> Actor:
    """Return who is acting, or raise `ScopeNotSet`."""
    actor = _actor.get()
    if actor is None:
        raise ScopeNotSet("nobody is acting: open the transaction with acting(actor)")
    return actor


def scope_token(actor: Actor, backend_pid: int) -> str:
    """Return the sealed text that the database's scope functions accept from one backend process."""
    body = f"{actor.scope.lo}|{actor.scope.hi}|{actor.line}|{actor.account_id}|{backend_pid}"
    seal = hmac.new(settings.HOME.secrets.scope_key, body.encode(), hashlib.sha256).hexdigest()
    return f"{body}#{seal}"


@contextmanager
def acting(actor: Actor, using: str = "default") -> Iterator[Actor]:
    """Open a transaction (or a savepoint of the running one) under one grant, and leave the former grant behind it."""
    if _actor.get() is actor:
        yield actor
        return
    with transaction.atomic(using=using):
        token = _actor.set(actor)
        before = _swap(using, actor)
        try:
            yield actor
        finally:
            _actor.reset(token)
        # A block that failed is rolled back, and its setting with it.
        _restore(using, before)


def read_rows(by: Actor, statement: str, params: Mapping[str, Any]) -> list[Any]:
    """Return all rows of a statement, read under one grant."""
    with acting(by), connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


@contextmanager
def planned(**switches: str) -> Iterator[None]:
    """Set switches of the planner for the length of a block (``enable_seqscan="off"``) and put back what they were.

    Row-level security compares with values the planner cannot see, and CTEs hide their size from it, so that it must be
    told now and then what to leave. Inside a transaction only; blocks may nest.
    """
    with connection.cursor() as cursor:
        before = {}
        for name, value in switches.items():
            cursor.execute("SELECT current_setting(%s), set_config(%s, %s, true)", [name, name, value])
            before[name] = cursor.fetchone()[0]
        yield
        for name, value in before.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


@contextmanager
def planned_wide(wide: bool) -> Iterator[None]:
    """Keep the planner from joining row by row for the length of a block (``wide``: only if more than a few rows are read).

    Where it cannot see how many rows there are it expects a handful and would loop over thousands for each of thousands.
    """
    if not wide:
        yield
        return
    with planned(enable_nestloop="off"):
        yield


def _swap(using: str, actor: Actor) -> str:
    chosen = connections[using]
    chosen.ensure_connection()
    pid = chosen.connection.info.backend_pid
    with chosen.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(current_setting('lianfang.scope', true), ''), set_config('lianfang.scope', %s, true)",
            [scope_token(actor, pid)],
        )
        return str(cursor.fetchone()[0])


def _restore(using: str, before: str) -> None:
    chosen: Any = connections[using]
    # At the outermost level the transaction's end forgets the setting.
    if not chosen.in_atomic_block or chosen.needs_rollback:
        return
    with chosen.cursor() as cursor:
        cursor.execute("SELECT set_config('lianfang.scope', %s, true)", [before])
