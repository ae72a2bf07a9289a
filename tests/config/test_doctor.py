"""The doctor finds each illness, names what to do, and changes nothing."""

import json
import os
import platform
import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from click.testing import CliRunner

from lianfang.config import doctor
from lianfang.config.commands.database import database
from lianfang.config.commands.doctor import doctor as command
from lianfang.config.home import Home, current_home
from lianfang.config.postgres import connection, drop_database, prepare_database, server_of

GIGABYTE = 1024**3


@pytest.fixture
def sick_home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def own_logins(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """Roles and a database of this test's own, so that spoiling them disturbs nobody."""
    monkeypatch.setenv("LIANFANG_ROLE_SUFFIX", f"_doctor{os.getpid()}")
    monkeypatch.setenv("LIANFANG_DATABASE", f"lianfang_doctor{os.getpid()}")
    home = current_home()
    prepare_database(home, os.environ["LIANFANG_DATABASE"])
    yield home
    drop_database(home, os.environ["LIANFANG_DATABASE"])
    with server_of(home).endpoint.connect() as admin:
        for login in ("owner", "app", "worker"):
            admin.execute(f"DROP ROLE lianfang_{login}_doctor{os.getpid()}")


def administer(home: Home, statement: str) -> None:
    with server_of(home).endpoint.connect() as admin:
        admin.execute(statement)


@pytest.mark.django_db(databases=["default", "owner"])
def test_a_prepared_house_is_well(prepared_database: None) -> None:
    findings = doctor.examine(current_home())
    database = ("home_folder", "secrets", "database_server", "logins", "migrations", "clock")
    assert {findings[name].state for name in database} == {"ok"}, findings


@pytest.mark.django_db(databases=["default", "owner"])
def test_missing_migration_is_found(prepared_database: None) -> None:
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'duties'")
    finding = doctor.migrations(current_home())
    assert finding.state == "fail"
    assert "database prepare" in finding.advice


def test_login_that_can_bypass_is_found(own_logins: Home) -> None:
    assert doctor.logins(own_logins).state == "ok"
    administer(own_logins, f"ALTER ROLE lianfang_worker_doctor{os.getpid()} BYPASSRLS")
    finding = doctor.logins(own_logins)
    assert finding.state == "fail"
    assert f"lianfang_worker_doctor{os.getpid()} can bypass" in finding.sentence


def test_table_whose_owner_passes_security_is_found(own_logins: Home) -> None:
    with psycopg.connect(**connection(own_logins, "owner", os.environ["LIANFANG_DATABASE"])) as owner:
        owner.execute("CREATE TABLE open_door (id int)")
        owner.execute("ALTER TABLE open_door ENABLE ROW LEVEL SECURITY")
    finding = doctor.logins(own_logins)
    assert (finding.state, "open_door" in finding.sentence) == ("fail", True)


def test_nothing_is_made_where_there_is_no_home(sick_home: Home) -> None:
    findings = doctor.examine(sick_home)
    assert findings["home_folder"].state == "warn"
    assert "there is no home" in findings["database_server"].sentence
    assert not sick_home.path.exists()


def test_stopped_embedded_server_is_a_warning_and_stays_stopped(
    sick_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIANFANG_DATABASE_URL", raising=False)
    _ = sick_home.secrets
    finding = doctor.examine(sick_home)["database_server"]
    assert (finding.state, "does not run" in finding.sentence) == ("warn", True)
    assert not server_of(sick_home).is_running()


def test_silent_external_server_is_a_failure(sick_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANFANG_DATABASE_URL", "postgresql://a:b@127.0.0.1:1/postgres")
    _ = sick_home.secrets
    finding = doctor.examine(sick_home)["database_server"]
    assert (finding.state, "127.0.0.1, port 1" in finding.sentence) == ("fail", True)


def test_open_home_is_found(sick_home: Home) -> None:
    _ = sick_home.secrets
    sick_home.secrets_file.chmod(0o644)
    finding = doctor.home_folder(sick_home)
    assert (finding.state, str(sick_home.secrets_file) in finding.sentence) == ("fail", True)


def test_damaged_secrets_are_found(sick_home: Home) -> None:
    _ = sick_home.secrets
    sick_home.secrets_file.write_text("{")
    assert doctor.examine(Home(sick_home.path))["secrets"].state == "fail"


def test_data_of_a_deleted_home_is_found(tmp_path: Path, sick_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lianfang.config.postgres.installation.SYSTEM_DATA", tmp_path)
    folder = tmp_path / "lianfang-0123456789ab"
    folder.mkdir()
    _ = sick_home.secrets
    (folder / "home").write_text(f"{sick_home.path}\n")
    assert doctor.abandoned_data(sick_home).state == "ok"
    shutil.rmtree(sick_home.path)
    finding = doctor.abandoned_data(sick_home)
    assert (finding.state, str(folder) in finding.sentence) == ("warn", True)
    assert CliRunner().invoke(database, ["sweep"], input="n\n").exit_code == 0
    assert folder.exists()
    assert CliRunner().invoke(database, ["sweep", "--yes"]).exit_code == 0
    assert not folder.exists()


@pytest.mark.parametrize(
    ("library", "state"), [(("glibc", "2.36"), "ok"), (("glibc", "2.17"), "fail"), (("musl", "1.2"), "warn")]
)
def test_c_library(sick_home: Home, monkeypatch: pytest.MonkeyPatch, library: tuple[str, str], state: str) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: library)
    assert doctor.c_library(sick_home).state == state


@pytest.mark.parametrize(("version", "state"), [((3, 10), "warn"), ((3, 11), "ok"), ((3, 15), "warn")])
def test_python(sick_home: Home, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], state: str) -> None:
    monkeypatch.setattr(doctor.sys, "version_info", version)
    assert doctor.python(sick_home).state == state


@pytest.mark.parametrize(("gigabytes", "state"), [(0.5, "fail"), (1.5, "warn"), (8, "ok")])
def test_memory(sick_home: Home, monkeypatch: pytest.MonkeyPatch, gigabytes: float, state: str) -> None:
    monkeypatch.setattr(doctor, "machine_memory", lambda: int(gigabytes * GIGABYTE))
    assert doctor.memory(sick_home).state == state


@pytest.mark.parametrize(("gigabytes", "state"), [(0.5, "fail"), (3, "warn"), (50, "ok")])
def test_disk(sick_home: Home, monkeypatch: pytest.MonkeyPatch, gigabytes: float, state: str) -> None:
    usage = SimpleNamespace(free=int(gigabytes * GIGABYTE))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage)
    assert doctor.disk(sick_home).state == state


def test_clock_before_the_installation_is_found(sick_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "machine_now", lambda: datetime(1970, 1, 1, tzinfo=UTC))
    assert doctor.clock(sick_home).state == "fail"


def test_unbuilt_files_are_found(tmp_path: Path, sick_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "SOURCE", tmp_path)
    vendor = tmp_path / "surfaces/console/static/vendor"
    catalogue = tmp_path / "surfaces/console/locale/en/LC_MESSAGES/django.po"
    vendor.mkdir(parents=True)
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text("")
    assert doctor.static_files(sick_home).state == doctor.translations(sick_home).state == "fail"
    (vendor / "icons.svg").write_text("")
    assert doctor.static_files(sick_home).state == "fail", "the phone app is not built"
    phone = tmp_path / "surfaces/field/static/field/index.html"
    phone.parent.mkdir(parents=True)
    phone.write_text("")
    catalogue.with_suffix(".mo").write_text("")
    assert doctor.static_files(sick_home).state == doctor.translations(sick_home).state == "ok"
    os.utime(catalogue.with_suffix(".mo"), (0, 0))
    assert doctor.translations(sick_home).state == "fail"


def test_taken_port_is_a_warning(sick_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setattr(doctor, "PORT", listening.getsockname()[1])
        assert doctor.port(sick_home).state == "warn"
    assert doctor.port(sick_home).state == "ok"


def test_command_ends_with_one_when_something_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(home: Home) -> doctor.Finding:
        raise RuntimeError("no such thing")

    def fine(home: Home) -> doctor.Finding:
        return doctor.Finding("ok", "Fine.")

    monkeypatch.setattr(doctor, "CHECKS", (fine,))
    assert CliRunner().invoke(command, []).exit_code == 0
    monkeypatch.setattr(doctor, "CHECKS", (fine, broken))
    said = CliRunner().invoke(command, ["--json"])
    assert said.exit_code == 1
    found = json.loads(said.output)
    assert (found["fit"], found["findings"]["fine"]["state"]) == (False, "ok")
    assert "RuntimeError: no such thing" in found["findings"]["broken"]["sentence"]
    assert "broken" in CliRunner().invoke(command, []).output
