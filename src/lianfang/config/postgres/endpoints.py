"""Which server this installation uses, and how each login reaches it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from lianfang.config.home import NotReady

OLDEST_SERVER = 15


class ServerNotReachable(NotReady):
    """No PostgreSQL answers where one was expected."""


class ServerTooOld(NotReady):
    """The PostgreSQL server is older than the oldest we support."""


@dataclass(frozen=True)
class Endpoint:
    """Where a server listens and how its administrator signs in, as psycopg's connection parameters."""

    parameters: Mapping[str, Any] = field(repr=False)

    def for_login(self, user: str, password: str, database: str) -> dict[str, Any]:
        """Return the parameters for another login and database."""
        return {**self.parameters, "user": user, "password": password, "dbname": database}

    def connect(self, database: str | None = None) -> psycopg.Connection[tuple[Any, ...]]:
        """Open an autocommitting connection as administrator, to a named database or the maintenance one."""
        given = {**self.parameters, **({"dbname": database} if database else {})}
        try:
            return psycopg.connect(**given, autocommit=True)
        except psycopg.OperationalError as error:
            place = f"{given['host']}, port {given['port']}"
            raise ServerNotReachable(
                f"PostgreSQL at {place} did not let the administrator {given.get('user')} in: {str(error).strip()}"
            ) from error

    def ping(self, seconds: int = 3) -> pq.Ping:
        """Ask whether a server accepts connections, without signing in: OK, REJECT (starting) or none."""
        known = {name: value for name, value in self.parameters.items() if name != "password"}
        return pq.Ping(pq.PGconn.ping(make_conninfo(**{**known, "connect_timeout": seconds}).encode()))


class Server(Protocol):
    """The embedded cluster or an external server."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens."""

    def ensure_running(self) -> None:
        """Return when it accepts connections; raises ``NotReady`` otherwise."""

    def is_running(self) -> bool:
        """Say whether it accepts connections now."""


@dataclass(frozen=True)
class ExternalServer:
    """A PostgreSQL server of the user's, given by ``LIANFANG_DATABASE_URL`` with an administrator's login.

    The administrator may be a superuser or a role with CREATEROLE and CREATEDB; the URL's database is the one
    it signs in to, not the one that is made.
    """

    url: str = field(repr=False)

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens; raises ``ServerNotReachable`` when the URL cannot be read."""
        try:
            given = conninfo_to_dict(self.url)
        except psycopg.ProgrammingError as error:
            raise ServerNotReachable(
                f"LIANFANG_DATABASE_URL cannot be read ({str(error).strip()}). "
                "Write it as postgresql://admin:password@host:5432/postgres."
            ) from error
        usual = {"host": "localhost", "port": 5432, "dbname": "postgres", "user": "postgres", "connect_timeout": 10}
        return Endpoint({**usual, **given})

    def is_running(self) -> bool:
        """Say whether it accepts connections now."""
        return self.endpoint.ping() == pq.Ping.OK

    def ensure_running(self) -> None:
        """Check that it can be reached and is new enough."""
        with self.endpoint.connect() as connected:
            check_version(connected)


def check_version(connected: psycopg.Connection[Any]) -> None:
    """Refuse a server older than we support with ``ServerTooOld``."""
    major = connected.info.server_version // 10000
    if major < OLDEST_SERVER:
        raise ServerTooOld(
            f"The server at {connected.info.host} is PostgreSQL {major}; Lianfang needs {OLDEST_SERVER} or "
            "later. Upgrade it, or unset LIANFANG_DATABASE_URL to use the embedded server."
        )


def wait_until_open(endpoint: Endpoint, seconds: float) -> bool:
    """Wait while a server starts or recovers; return whether it accepts connections."""
    end = time.monotonic() + seconds
    while (answer := endpoint.ping()) == pq.Ping.REJECT and time.monotonic() < end:
        time.sleep(0.05)
    return answer == pq.Ping.OK
