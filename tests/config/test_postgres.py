"""The embedded server: private, durable, and there again after any kill."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg import sql

from databases import kill_all, remove_cluster, running_cluster
from lianfang.config.home import Home
from lianfang.config.postgres import (
    LOGINS,
    EmbeddedCluster,
    connection,
    drop_database,
    prepare_database,
    role_name,
)
from lianfang.config.postgres import cluster as cluster_module
from lianfang.config.postgres import installation as installation_module
from lianfang.config.postgres.cluster import ClusterNotStarted

PR_SET_CHILD_SUBREAPER = 36


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = running_cluster(tmp_path_factory.mktemp("cluster"))
    with pytest.MonkeyPatch.context() as environment:
        # these tests are about the embedded server, also when the suite runs on another
        environment.delenv("LIANFANG_DATABASE_URL", raising=False)
        prepare_database(home)
        yield home
    remove_cluster(home)


@pytest.fixture
def cluster(home: Home) -> EmbeddedCluster:
    cluster = EmbeddedCluster(home)
    cluster.ensure_running()
    return cluster


def one(home: Home, login: str, statement: sql.SQL | sql.Composed, database: str = "lianfang") -> object:
    with psycopg.connect(**connection(home, login, database)) as connected:
        row = connected.execute(statement).fetchone()
        return row[0] if row else None


def postmaster(cluster: EmbeddedCluster) -> int:
    return int((cluster.placement.data / "postmaster.pid").read_text().split("\n", 1)[0])


@contextmanager
def adopting_orphans() -> Iterator[None]:
    """Become the parent of daemons started meanwhile; who does not wait for them leaves zombies."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def test_works_in_a_path_with_a_blank_and_leaves_folders_above_alone(home: Home, cluster: EmbeddedCluster) -> None:
    assert " " in str(home.path)
    assert home.path.parent.stat().st_mode & 0o777 == 0o700
    for folder in (cluster.placement.data, cluster.placement.sockets, cluster.placement.log):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_every_login_is_an_ordinary_role(home: Home, cluster: EmbeddedCluster) -> None:
    for login in LOGINS:
        powers = sql.SQL(
            "SELECT current_user || (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb"
            " OR rolreplication)::text FROM pg_roles WHERE rolname = current_user"
        )
        assert one(home, login, powers) == role_name(login) + "false"


@pytest.mark.parametrize("user", ["lianfang_admin", "lianfang_owner", "lianfang_app", "lianfang_worker"])
@pytest.mark.parametrize("password", ["", "wrong"])
def test_nobody_gets_in_without_the_password(cluster: EmbeddedCluster, user: str, password: str) -> None:
    parameters = cluster.endpoint.for_login(user, password, "postgres")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(**parameters)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_of_the_machine_cannot_reach_the_socket(cluster: EmbeddedCluster) -> None:
    path = cluster.placement.sockets / ".s.PGSQL.5432"
    script = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    done = subprocess.run(
        ["/usr/bin/env", "python3", "-c", script, str(path)],
        user=65534, group=65534, extra_groups=[], capture_output=True, text=True, cwd="/",
    )  # fmt: skip
    assert done.returncode != 0
    assert "PermissionError" in done.stderr


def test_app_cannot_pass_row_level_security(home: Home, cluster: EmbeddedCluster) -> None:
    with psycopg.connect(**connection(home, "owner")) as owner:
        owner.execute("CREATE TABLE guarded (place int)")
        owner.execute("ALTER TABLE guarded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        owner.execute("CREATE POLICY own ON guarded USING (place = current_setting('t.place')::int)")
        owner.execute("SET t.place = '1'")
        owner.execute("INSERT INTO guarded VALUES (1)")
    for login in ("app", "worker"):
        with psycopg.connect(**connection(home, login), autocommit=True) as connected:
            connected.execute("SET t.place = '2'")
            assert connected.execute("SELECT count(*) FROM guarded").fetchone() == (0,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connected.execute("INSERT INTO guarded VALUES (1)")
            for escape in (
                "SET row_security = off; SELECT * FROM guarded",
                "ALTER TABLE guarded DISABLE ROW LEVEL SECURITY",
                "SET ROLE lianfang_owner",
                "DROP POLICY own ON guarded",
                "CREATE TABLE elsewhere AS SELECT 1",
                "COPY (SELECT 1) TO PROGRAM 'true'",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connected.execute(escape)
            connected.execute("SET row_security = on; SET t.place = '1'")
            assert connected.execute("SELECT count(*) FROM guarded").fetchone() == (1,)


def test_database_has_the_meaning_we_rely_on(home: Home, cluster: EmbeddedCluster) -> None:
    for setting, value in {
        "timezone": "UTC",
        "fsync": "on",
        "synchronous_commit": "on",
        "server_encoding": "UTF8",
        "listen_addresses": "",
        "lock_timeout": "5s",
    }.items():
        assert one(home, "app", sql.SQL("SHOW {}").format(sql.Identifier(setting))) == value
    assert one(home, "app", sql.SQL("SELECT upper('é') || ('Z' < 'a')::text")) == "Étrue"


def test_prepare_is_repeatable_and_recreate_empties(home: Home, cluster: EmbeddedCluster) -> None:
    prepare_database(home, "scratch")
    with psycopg.connect(**connection(home, "owner", "scratch")) as owner:
        owner.execute("CREATE TABLE kept (id int)")
    prepare_database(home, "scratch")
    exists = sql.SQL("SELECT to_regclass('kept')::text")
    assert one(home, "app", exists, "scratch") == "kept"
    prepare_database(home, "scratch", recreate=True)
    assert one(home, "app", exists, "scratch") is None
    drop_database(home, "scratch")
    drop_database(home, "scratch")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(**connection(home, "app", "scratch"))


def test_personal_values_stay_out_of_the_log(home: Home, cluster: EmbeddedCluster) -> None:
    with psycopg.connect(**connection(home, "owner")) as owner:
        owner.execute("CREATE TABLE named (name text UNIQUE)")
        owner.execute("INSERT INTO named VALUES ('synthetic-person')")
        owner.commit()
        with pytest.raises(psycopg.errors.UniqueViolation):
            owner.execute("INSERT INTO named VALUES ('synthetic-person')")
    logged = "".join(path.read_text() for path in cluster.placement.log.glob("postgresql-*.log"))
    assert "duplicate key" in logged
    assert "synthetic-person" not in logged


def kill_server_only(cluster: EmbeddedCluster) -> None:
    os.kill(postmaster(cluster), signal.SIGKILL)


def kill_everything(cluster: EmbeddedCluster) -> None:
    kill_all(cluster.processes())


@pytest.mark.parametrize("kill", [kill_server_only, kill_everything])
def test_after_a_kill_one_call_brings_every_acknowledged_row_back(
    home: Home, cluster: EmbeddedCluster, kill: Callable[[EmbeddedCluster], None]
) -> None:
    with adopting_orphans():
        cluster.stop()
        cluster.ensure_running()
        killed = postmaster(cluster)
        with psycopg.connect(**connection(home, "owner"), autocommit=True) as owner:
            owner.execute("CREATE TABLE IF NOT EXISTS tubes (id int)")
            owner.execute("TRUNCATE tubes")
            for number in range(200):
                owner.execute("INSERT INTO tubes VALUES (%s)", [number])
            kill(cluster)
        wait_for_zombie(killed)
        EmbeddedCluster(home).ensure_running()
        assert psutil.Process(killed).status() == psutil.STATUS_ZOMBIE, "the dead server was reaped: no zombie tested"
        assert one(home, "app", sql.SQL("SELECT count(*) FROM tubes")) == 200
    os.waitpid(killed, 0)


def wait_for_zombie(number: int) -> None:
    end = time.monotonic() + 5
    while psutil.Process(number).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_lock_file_that_names_a_stranger_does_not_stop_a_start(home: Home, cluster: EmbeddedCluster) -> None:
    cluster.stop()
    (cluster.placement.data / "postmaster.pid").write_text(f"{os.getppid()}\n{cluster.placement.data}\n")
    cluster.ensure_running()
    assert cluster.is_running()


def test_initialisation_cut_short_is_done_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "cut short")
    cluster = EmbeddedCluster(home)
    cluster.placement.make_folders()
    cluster.placement.make_own(cluster.placement.unfinished)
    (cluster.placement.unfinished / "PG_VERSION").write_text("18\n")
    try:
        cluster.ensure_running()
        assert not cluster.placement.unfinished.exists()
    finally:
        cluster.destroy()
    assert not cluster.placement.folder.exists()


def test_many_starters_at_once_make_one_server(tmp_path: Path) -> None:
    home = Home(tmp_path / "many starters")
    script = (
        "import sys; from lianfang.config.home import *; from lianfang.config.postgres import *;"
        "home = Home(Path(sys.argv[1])); prepare_database(home);"
        "print((EmbeddedCluster(home).placement.data / 'postmaster.pid').read_text().split()[0])"
    )
    command = [sys.executable, "-c", script, str(home.path)]
    try:
        starters = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
        ]
        said = [starter.communicate() for starter in starters]
        assert {starter.returncode for starter in starters} == {0}, said
        assert len({out for out, _ in said}) == 1
    finally:
        remove_cluster(home)


def test_server_outlives_its_starter_and_starts_within_a_second(cluster: EmbeddedCluster) -> None:
    cluster.stop()
    assert not cluster.is_running()
    script = "import sys; from lianfang.config.postgres import *; from lianfang.config.home import *;"
    script += "EmbeddedCluster(Home(Path(sys.argv[1]))).ensure_running()"
    subprocess.run([sys.executable, "-c", script, str(cluster.home.path)], check=True)
    assert cluster.is_running()
    cluster.stop()
    began = time.monotonic()
    cluster.ensure_running()
    assert time.monotonic() - began < 1.0


def test_hung_server_is_named_and_left_alone(cluster: EmbeddedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "ORPHAN_SECONDS", 0.2)
    number = postmaster(cluster)
    os.kill(number, signal.SIGSTOP)
    try:
        with pytest.raises(ClusterNotStarted, match=f"process {number}.*does not answer"):
            EmbeddedCluster(cluster.home).ensure_running()
    finally:
        os.kill(number, signal.SIGCONT)
    assert psutil.pid_exists(number)
    assert cluster.is_running()


@pytest.mark.skipif(os.geteuid() != 0, reason="any other user runs the programs that it installed")
def test_programs_in_a_folder_of_roots_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    installation_module._copy_programs(installation_module._packages(), closed)
    monkeypatch.setattr(installation_module, "_packages", lambda: closed)
    cluster = EmbeddedCluster(Home(tmp_path / "home"))
    try:
        cluster.ensure_running()
        assert cluster.placement.programs.is_relative_to(cluster.placement.folder)
        assert tmp_path.stat().st_mode & 0o777 == 0o700
    finally:
        cluster.destroy()


@pytest.mark.parametrize("name", ["long" * 30, "one, two"])
def test_socket_of_a_long_or_divided_path_lies_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(installation_module.Placement, "folder", tmp_path / name)
    sockets = installation_module.Placement(Home(tmp_path / "home")).sockets
    assert len(str(sockets / ".s.PGSQL.5432")) <= 107
    assert sockets.parent == Path("/tmp")


def test_data_of_another_version_is_refused(tmp_path: Path) -> None:
    cluster = EmbeddedCluster(Home(tmp_path / "old"))
    cluster.placement.make_folders()
    cluster.placement.make_own(cluster.placement.data)
    (cluster.placement.data / "PG_VERSION").write_text("16\n")
    try:
        with pytest.raises(ClusterNotStarted, match="written by PostgreSQL 16"):
            cluster.ensure_running()
    finally:
        cluster.destroy()


def test_unknown_login_is_refused(home: Home) -> None:
    with pytest.raises(ValueError, match="no such login: 'root'"):
        connection(home, "root")
