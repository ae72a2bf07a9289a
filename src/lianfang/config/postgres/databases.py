"""Roles and databases, made the same way on the embedded server and on one of yours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from lianfang.config.home import Home, NotReady
from lianfang.config.postgres.endpoints import (
    Endpoint,
    check_version,
)
from lianfang.config.postgres.logins import LOGINS, role_name, server_of

Connected = psycopg.Connection[Any]
#: any number: it keeps two preparers of one server from altering the same roles at once
PREPARING = 0x6C69616E
#: a request that waits longer for a lock answers the phone with an error it can retry; a job may wait longer
WAITS = {
    "app": {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "30s"},
    "worker": {"lock_timeout": "60s", "idle_in_transaction_session_timeout": "10min"},
}


class LoginTooPowerful(NotReady):
    """A login could pass row-level security, so the scope of its users would not hold."""


def prepare_database(home: Home, database: str = "lianfang", *, recreate: bool = False) -> None:
    """Bring the three logins and an empty or existing database into the state the house needs; repeatable.

    Starts the server when it must. With ``recreate`` the database and all it holds is dropped first.
    """
    server = server_of(home)
    server.ensure_running()
    with _alone(server.endpoint) as connected:
        for login in LOGINS:
            _prepare_login(connected, home, login)
        _prepare_group(connected)
        if recreate:
            _drop(connected, database)
        _create(connected, database)
    with server.endpoint.connect(database) as connected:
        _grant(connected, database)


def drop_database(home: Home, database: str) -> None:
    """Drop a database and end its sessions; does nothing when there is none."""
    server = server_of(home)
    server.ensure_running()
    with _alone(server.endpoint) as connected:
        _drop(connected, database)


def can_bypass(connected: Connected, role: str) -> bool:
    """Say whether a role passes row-level security, itself or through a role it may become."""
    found = connected.execute(
        "SELECT 1 FROM pg_roles WHERE (rolsuper OR rolbypassrls) AND pg_has_role(%s, oid, 'MEMBER')", [role]
    )
    return found.fetchone() is not None


@contextmanager
def _alone(endpoint: Endpoint) -> Iterator[Connected]:
    with endpoint.connect() as connected:
        check_version(connected)
        connected.execute("SELECT pg_advisory_lock(%s)", [PREPARING])
        yield connected


def _prepare_login(connected: Connected, home: Home, login: str) -> None:
    role = role_name(login)
    name = sql.Identifier(role)
    if not connected.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
        inherit = sql.SQL("" if login == "owner" else "NOINHERIT")
        connected.execute(sql.SQL("CREATE ROLE {} {}").format(name, inherit))
    # hashed here, so that no log or statement view of the server ever holds the password
    password = getattr(home.secrets, f"{login}_password").encode()
    verifier = connected.pgconn.encrypt_password(password, role.encode(), b"scram-sha-256").decode()
    connected.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(verifier)))
    for setting, value in WAITS.get(login, {}).items():
        connected.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.Identifier(setting), sql.Literal(value))
        )
    _hide_statements(connected, name)
    if can_bypass(connected, role):
        raise LoginTooPowerful(
            f"The role {role} is a superuser or may bypass row-level security (itself or through a role it "
            "belongs to). Take that away on the server, or set LIANFANG_ROLE_SUFFIX for roles of other names."
        )


def _hide_statements(connected: Connected, role: sql.Identifier) -> None:
    """Keep one request's statements, with the names and the sealed scope in them, out of every other request's sight.

    Only a superuser may: on a server whose administrator is none, ask for track_activities to be off.
    """
    row = connected.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if row and row[0]:
        connected.execute(sql.SQL("ALTER ROLE {} SET track_activities = off").format(role))


def _prepare_group(connected: Connected) -> None:
    """Let an administrator that is no superuser act for the owner, whose database it must create."""
    row = connected.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if row and not row[0]:
        owner = sql.Identifier(role_name("owner"))
        connected.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))


def _create(connected: Connected, database: str) -> None:
    if connected.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
        return
    connected.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' {}").format(
            sql.Identifier(database), sql.Identifier(role_name("owner")), _collation(connected)
        )
    )


def _collation(connected: Connected) -> sql.Composable:
    """Order text by code point with Unicode's letters, the same on every machine and after every upgrade."""
    if connected.info.server_version >= 170000:
        return sql.SQL("LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'")
    found = connected.execute(
        "SELECT collcollate FROM pg_collation WHERE collprovider = 'c'"
        " AND lower(replace(collcollate, '-', '')) = 'c.utf8' LIMIT 1"
    ).fetchone()
    return sql.SQL("LOCALE {}").format(sql.Literal(found[0] if found else "C"))


def _drop(connected: Connected, database: str) -> None:
    connected.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


GRANTS = (
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {users}",  # temporary tables: COPY goes through them
    "ALTER DATABASE {database} SET timezone = 'UTC'",
    "ALTER SCHEMA public OWNER TO {owner}",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {users}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public"
    " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {users}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {users}",
)


def _grant(connected: Connected, database: str) -> None:
    users = sql.SQL(", ").join(sql.Identifier(role_name(login)) for login in ("app", "worker"))
    names = {
        "database": sql.Identifier(database),
        "owner": sql.Identifier(role_name("owner")),
        "users": users,
    }
    with connected.transaction():
        for statement in GRANTS:
            connected.execute(sql.SQL(statement).format(**names))
