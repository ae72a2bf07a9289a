"""One PostgreSQL for a whole run of the suite, one database for each of its processes, the app login in every test.

With ``LIANFANG_DATABASE_URL`` set the same suite runs on that server instead of the embedded one.
"""

import os
import shutil
import tempfile
import uuid
from pathlib import Path

import pytest

if "LIANFANG_TEST_HOME" not in os.environ:  # the first process makes the home; xdist's workers inherit it
    os.environ["LIANFANG_TEST_HOME"] = tempfile.mkdtemp(prefix="lianfang-tests-")
    os.environ["LIANFANG_TEST_CONTROLLER"] = str(os.getpid())
os.environ["LIANFANG_HOME"] = os.environ["LIANFANG_TEST_HOME"]
os.environ["LIANFANG_DATABASE"] = f"lianfang_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
os.environ["LIANFANG_LOGIN"] = "app"
os.environ["DJANGO_SETTINGS_MODULE"] = "lianfang.config.settings"

import django

django.setup()
# xdist's workers inherit the environment: left there, pytest-django would read these settings before this file does
del os.environ["DJANGO_SETTINGS_MODULE"]

from lianfang.core.access.rules import Actor
from lianfang.kit.codes import CodeRange, code_range

DINGAN = 469021
XINZHU = 469021101201
JIANGNAN = 469021100004


@pytest.fixture(scope="session")
def prepared_database(request):
    from lianfang.config.home import current_home
    from lianfang.config.prepare import prepare

    with request.getfixturevalue("django_db_blocker").unblock():
        prepare(current_home(), os.environ["LIANFANG_DATABASE"], recreate=True)
    if not os.environ.get("LIANFANG_DATABASE_URL"):
        leave_statistics_alone()


def leave_statistics_alone():
    """What one test wrote and took back must not reach another one's plans through the statistics."""
    from lianfang.config.home import current_home
    from lianfang.config.postgres import server_of

    with server_of(current_home()).endpoint.connect() as connected:
        connected.execute("ALTER SYSTEM SET autovacuum = off")
        connected.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def django_db_setup(prepared_database):
    """Replace pytest-django's own database by the one made as a user's is made."""


#: what preparing a database writes, which tests that commit must not empty
REFERENCE = {
    "access_role",
    "access_lineofwork",
    "duties_dutykind",
    "django_migrations",
    "django_content_type",
    "scope_key",
}


@pytest.fixture
def committing(django_db_setup, django_db_blocker):
    """For the few tests that need real commits: no transaction around them, every table emptied afterwards."""
    from django.db import connections

    with django_db_blocker.unblock():
        try:
            yield
        finally:
            with connections["owner"].cursor() as cursor:
                cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
                tables = sorted({name for (name,) in cursor.fetchall()} - REFERENCE)
                cursor.execute(f"TRUNCATE {', '.join(tables)}")
            connections.close_all()


@pytest.fixture(autouse=True, scope="session")
def cheap_passwords():
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_unconfigure():
    if os.environ.get("LIANFANG_TEST_CONTROLLER") != str(os.getpid()):
        return
    from lianfang.config.home import current_home
    from lianfang.config.postgres import EmbeddedCluster

    if not os.environ.get("LIANFANG_DATABASE_URL"):
        EmbeddedCluster(current_home()).destroy()
    shutil.rmtree(Path(os.environ["LIANFANG_TEST_HOME"]), ignore_errors=True)


def make_actor(
    *permissions: str, scope: CodeRange | str = "469021", role: str = "commander", line: str = "command"
) -> Actor:
    """An actor that need not exist as an account: the county's commander unless told otherwise."""
    area = code_range(scope) if isinstance(scope, str) else scope
    return Actor(uuid.uuid4(), uuid.uuid4(), role, line, area, frozenset(permissions), role)


@pytest.fixture
def commander() -> Actor:
    """The owner of everything here: whole county, all permissions the tests need."""
    return make_actor("duties.read_duties", "duties.finish_duty", "duties.waive_duty")


@pytest.fixture
def grid_worker() -> Actor:
    """Somebody of Xinzhu village, and of nowhere else."""
    return make_actor(
        "duties.read_duties", "duties.finish_duty", scope=str(XINZHU), role="grid_worker", line="community"
    )


def pytest_collection_modifyitems(items):
    """What takes long begins first, file by file, so that no process ends alone with it (Makefile: --no-loadscope-reorder)."""
    long = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("browser")}
    items.sort(key=lambda item: item.path not in long)
