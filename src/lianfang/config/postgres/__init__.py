"""PostgreSQL as the house uses it: the embedded server or one of yours, its logins and its databases."""

from lianfang.config.postgres.cluster import EmbeddedCluster
from lianfang.config.postgres.databases import drop_database, prepare_database
from lianfang.config.postgres.endpoints import (
    Endpoint,
    ExternalServer,
    Server,
)
from lianfang.config.postgres.logins import LOGINS, connection, role_name, server_of

__all__ = [
    "LOGINS",
    "EmbeddedCluster",
    "Endpoint",
    "ExternalServer",
    "Server",
    "connection",
    "drop_database",
    "prepare_database",
    "role_name",
    "server_of",
]
