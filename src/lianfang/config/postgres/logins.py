"""The logins of the house, and how each of them reaches its server."""

import os
import re
from typing import Any

from lianfang.config.home import Home, NotReady
from lianfang.config.postgres.cluster import EmbeddedCluster
from lianfang.config.postgres.endpoints import ExternalServer, Server

LOGINS = ("owner", "app", "worker")


def server_of(home: Home) -> Server:
    """Return the server that ``LIANFANG_DATABASE_URL`` names, else the home's embedded cluster."""
    url = os.environ.get("LIANFANG_DATABASE_URL")
    return ExternalServer(url) if url else EmbeddedCluster(home)


def role_name(login: str) -> str:
    """Return the role of a login, ending in ``LIANFANG_ROLE_SUFFIX`` where installations share a server."""
    suffix = os.environ.get("LIANFANG_ROLE_SUFFIX", "")
    if not re.fullmatch(r"[a-z0-9_]{0,30}", suffix):
        raise NotReady(f"LIANFANG_ROLE_SUFFIX is {suffix!r}; use up to 30 small letters, digits and underscores.")
    return f"lianfang_{login}{suffix}"


def connection(home: Home, login: str, database: str = "lianfang") -> dict[str, Any]:
    """Return how a login (owner, app, worker) reaches a database, as psycopg parameters; starts nothing."""
    if login not in LOGINS:
        raise ValueError(f"no such login: {login!r}; there are {', '.join(LOGINS)}")
    password = getattr(home.secrets, f"{login}_password")
    return server_of(home).endpoint.for_login(role_name(login), password, database)
