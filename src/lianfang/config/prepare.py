"""Bring a database to where this version of the code needs it: logins, tables, scope key, roles, kinds of duty."""

import os
from collections.abc import Callable

from lianfang.config.home import Home
from lianfang.config.postgres import prepare_database, server_of


def set_up_django(login: str = "app", database: str | None = None) -> None:
    """Point Django at one database as one login; to be called before anything imports a model."""
    os.environ["LIANFANG_LOGIN"] = login
    if database:
        os.environ["LIANFANG_DATABASE"] = database
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lianfang.config.settings")
    import django

    django.setup()


def prepare(home: Home, database: str, *, recreate: bool = False, say: Callable[[str], None] = lambda _: None) -> None:
    """Start the server when it is ours, create the database when there is none, and migrate it; idempotent."""
    say("starting PostgreSQL")
    server_of(home).ensure_running()
    say(f"preparing the database {database}")
    prepare_database(home, database, recreate=recreate)
    set_up_django(database=database)
    migrate()


def migrate() -> None:
    """Bring the tables, the scope key, the roles and the kinds of duty up to date, as the database's owner.

    The key pair that phones seal to is made here when there is none, so that no phone has to wait for it.
    """
    from django.core.management import call_command

    from lianfang.config.kinds import KINDS
    from lianfang.config.settings import HOME, PARCEL_KEYS
    from lianfang.core.access.actions import declare_roles, write_scope_key
    from lianfang.core.duties.actions import declare_kinds

    call_command("migrate", database="owner", verbosity=0, interactive=False)
    write_scope_key(HOME.secrets.scope_key)
    declare_roles()
    PARCEL_KEYS.newest()
    declare_kinds(KINDS)
