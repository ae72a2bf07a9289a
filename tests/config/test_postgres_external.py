"""A server of the user's own: the same logins, the same database, made with the same code."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from databases import MACHINE_PROGRAMS, external_cluster
from lianfang.config.home import Home, NotReady
from lianfang.config.postgres import LOGINS, connection, drop_database, prepare_database, role_name, server_of
from lianfang.config.postgres import endpoints as endpoints_module
from lianfang.config.postgres.databases import LoginTooPowerful
from lianfang.config.postgres.endpoints import ServerNotReachable, ServerTooOld

pytestmark = pytest.mark.skipif(
    not MACHINE_PROGRAMS.exists(), reason=f"this machine has no PostgreSQL 15 in {MACHINE_PROGRAMS}"
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with external_cluster() as url:
        yield url


@pytest.fixture
def home(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("LIANFANG_DATABASE_URL", url)
    return Home(tmp_path / "home")


def administrator(url: str, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url, dbname=database, autocommit=True)


def test_database_is_prepared_and_repeatable(home: Home) -> None:
    prepare_database(home)
    prepare_database(home)
    with psycopg.connect(**connection(home, "owner")) as owner:
        owner.execute("CREATE TABLE found (name text)")
        assert owner.info.server_version // 10000 == 15
    for login in ("app", "worker"):
        with psycopg.connect(**connection(home, login)) as connected:
            connected.execute("INSERT INTO found VALUES ('é')")
            assert connected.execute("SELECT upper(name) FROM found").fetchone() == ("É",)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connected.execute("CREATE TABLE own (id int)")
    drop_database(home, "lianfang")


def test_others_on_the_server_cannot_connect(home: Home, url: str) -> None:
    prepare_database(home)
    with administrator(url) as admin:
        admin.execute("CREATE ROLE stranger LOGIN PASSWORD 'stranger'")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(url, user="stranger", password="stranger", dbname="lianfang")


def test_administrator_without_superuser_suffices(home: Home, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with administrator(url) as admin:
        admin.execute("CREATE ROLE county_admin LOGIN CREATEROLE CREATEDB PASSWORD 'county'")
    host = url.split("@")[1]
    monkeypatch.setenv("LIANFANG_DATABASE_URL", f"postgresql://county_admin:county@{host}")
    monkeypatch.setenv("LIANFANG_ROLE_SUFFIX", "_county")
    prepare_database(home, "county")
    prepare_database(home, "county")
    assert role_name("app") == "lianfang_app_county"
    for login in LOGINS:
        with psycopg.connect(**connection(home, login, "county")) as connected:
            assert connected.execute("SELECT current_user").fetchone() == (role_name(login),)
    drop_database(home, "county")


@pytest.mark.parametrize("power", ["ALTER ROLE lianfang_app_x BYPASSRLS", "GRANT passer TO lianfang_app_x"])
def test_login_that_could_bypass_is_refused(home: Home, url: str, monkeypatch: pytest.MonkeyPatch, power: str) -> None:
    monkeypatch.setenv("LIANFANG_ROLE_SUFFIX", "_x")
    prepare_database(home, "powers")
    with administrator(url) as admin:
        admin.execute("DROP ROLE IF EXISTS passer")
        admin.execute("CREATE ROLE passer BYPASSRLS")
        admin.execute(power)
        with pytest.raises(LoginTooPowerful, match="lianfang_app_x"):
            prepare_database(home, "powers")
        admin.execute("ALTER ROLE lianfang_app_x NOBYPASSRLS")
        admin.execute("REVOKE passer FROM lianfang_app_x")
    drop_database(home, "powers")


def test_older_server_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints_module, "OLDEST_SERVER", 16)
    with pytest.raises(ServerTooOld, match="PostgreSQL 15; Lianfang needs 16 or later"):
        prepare_database(home)


def test_wrong_password_and_silent_server_are_explained(home: Home, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANFANG_DATABASE_URL", url.replace("postgres:", "postgres:x", 1))
    with pytest.raises(ServerNotReachable, match="password authentication failed"):
        server_of(home).ensure_running()
    monkeypatch.setenv("LIANFANG_DATABASE_URL", "postgresql://a:b@127.0.0.1:1/postgres")
    assert not server_of(home).is_running()
    with pytest.raises(ServerNotReachable, match=r"127\.0\.0\.1, port 1"):
        server_of(home).ensure_running()


@pytest.mark.parametrize(
    ("variable", "value"), [("LIANFANG_DATABASE_URL", "postgresql://["), ("LIANFANG_ROLE_SUFFIX", "x; DROP")]
)
def test_unreadable_settings_are_named(home: Home, monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(NotReady, match=variable):
        connection(home, "app")
