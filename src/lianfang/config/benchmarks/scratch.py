"""A database for one measurement."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lianfang.config.home import current_home
from lianfang.config.postgres import drop_database, server_of
from lianfang.config.prepare import prepare

Say = Callable[[str], None]


@contextmanager
def scratch_database(name: str, say: Say) -> Iterator[str]:
    """Prepare a database for one measurement and drop it afterwards."""
    home = current_home()
    server_of(home).ensure_running()
    prepare(home, name, recreate=True, say=say)
    try:
        yield name
    finally:
        from django.db import connections

        connections.close_all()
        drop_database(home, name)
