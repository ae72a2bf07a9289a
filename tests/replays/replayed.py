"""One replay of Ding'an for all tests of this folder, in a home and a PostgreSQL of its own, killed once on the way."""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from databases import kill_all, remove_cluster
from lianfang.config.home import Home
from lianfang.config.postgres import EmbeddedCluster, connection

LIANFANG = [sys.executable, "-c", "from lianfang.config.cli import main; main()"]
DATABASE = "lianfang_replay_dingan_2022"
#: the line of progress at which everything is killed: in the middle of the second outbreak day's testing
KILLED_AT = "江南社区居委会第1轮"


@dataclass
class Replayed:
    """A finished replay: where it lives and what ``lianfang replay --json`` printed."""

    home: Home
    outcome: dict

    def lianfang(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*LIANFANG, *arguments],
            env=environment(self.home),
            check=check,
            capture_output=True,
            text=True,
            timeout=900,
        )


def environment(home: Home) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LIANFANG_", "DJANGO_"))}
    return {**kept, "LIANFANG_HOME": str(home.path)}


@pytest.fixture(scope="session")
def replayed() -> Iterator[Replayed]:
    """Replay to the middle, kill -9 replay and database, start again, and go on to the end; once for all processes."""
    folder = Path(os.environ["LIANFANG_TEST_HOME"]) / "replay"
    folder.mkdir(mode=0o700, exist_ok=True)
    home = Home(folder / "home")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = folder / "outcome.json"
        if not told.exists():
            kill_in_the_middle(home)
            done = subprocess.run(
                [*LIANFANG, "replay", "dingan-2022", "--json"], env=environment(home), capture_output=True, text=True,
                timeout=900,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr[-3000:]
            assert " 0 found applied" not in done.stderr, "the second run began anew instead of going on"
            told.write_text(done.stdout)
    EmbeddedCluster(home).ensure_running()
    yield Replayed(home, json.loads(told.read_text()))


def kill_in_the_middle(home: Home) -> None:
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [*LIANFANG, "replay", "dingan-2022"], env=environment(home), stdout=log, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if KILLED_AT in line:
                break
        else:
            raise AssertionError("".join(lines)[-3000:])
        kill_all(EmbeddedCluster(home).processes())
        process.kill()
        process.wait()


@pytest.fixture
def in_replay(replayed, django_db_setup, django_db_blocker) -> Iterator[Replayed]:
    """Point this process at the replay's database as its app login, with the replay's keys, and back afterwards."""
    with pointed_at(replayed.home, "app"), django_db_blocker.unblock():
        yield replayed


@pytest.fixture
def as_its_owner(replayed, django_db_setup, django_db_blocker) -> Iterator[Replayed]:
    """The same as the owner of its tables, who alone could take a record away."""
    with pointed_at(replayed.home, "owner"), django_db_blocker.unblock():
        yield replayed


@contextmanager
def pointed_at(home: Home, login: str) -> Iterator[None]:
    former_home, former = settings.HOME, {alias: dict(connections[alias].settings_dict) for alias in connections}
    connections.close_all()
    settings.HOME = home
    for alias, user in (("default", login), ("owner", "owner")):
        where = connection(home, user, DATABASE)
        connections[alias].settings_dict.update(
            NAME=where["dbname"], USER=where["user"], PASSWORD=where["password"], HOST=where["host"], PORT=where["port"]
        )
    try:
        yield
    finally:
        connections.close_all()
        settings.HOME = former_home
        for alias, before in former.items():
            connections[alias].settings_dict.update(before)


def pytest_sessionfinish() -> None:
    if os.environ.get("LIANFANG_TEST_CONTROLLER") == str(os.getpid()):
        home = Home(Path(os.environ["LIANFANG_TEST_HOME"]) / "replay" / "home")
        if home.path.exists():
            remove_cluster(home)
