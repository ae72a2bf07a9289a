"""The running house: children live and die together, and come back after any kill."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from databases import kill_all, remove_cluster
from lianfang.config.home import Home
from lianfang.config.postgres import EmbeddedCluster
from lianfang.config.server import Child, ChildKeepsEnding, PortTaken, serve

COMMAND = [sys.executable, "-c", "from lianfang.config.cli import main; main()", "serve"]


class Running:
    """A house served from a home of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home = Home(folder / "served home")
        self.log = folder / "log"
        self.start()

    def start(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIANFANG_")}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "--port", str(self.port)],
                env={**kept, "LIANFANG_HOME": str(self.home.path)},
                stdout=log,
                stderr=log,
            )

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/nowhere", timeout=2)
        except urllib.error.HTTPError as error:
            return error.code == 404
        except OSError:
            return False
        return True

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, word: str) -> psutil.Process | None:
        children = psutil.Process(self.process.pid).children()
        living = (child for child in children if child.status() != psutil.STATUS_ZOMBIE)
        return next((child for child in living if word in child.cmdline()), None)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    try:
        eventually(running.answers, 60, running.log)
        yield running
    finally:
        if running.process.poll() is None:
            running.process.terminate()
            running.process.wait(20)
        remove_cluster(running.home)


def eventually(fact: Callable[[], bool], seconds: float, log: Path) -> None:
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def test_asked_to_end_it_ends_at_once_with_all_its_children(running: Running) -> None:
    family = running.family()
    assert len(family) >= 3
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(5) == 0
    assert not any(child.is_running() for child in family)
    assert EmbeddedCluster(running.home).is_running()


def test_children_die_with_a_killed_parent(running: Running) -> None:
    family = running.family()
    running.process.kill()
    running.process.wait()
    gone, alive = psutil.wait_procs(family, timeout=10)
    assert (len(gone), alive) == (len(family), [])


def test_everything_comes_back_after_kills(running: Running) -> None:
    for word in ("work", "granian"):
        killed = running.child(word)
        assert killed
        below = killed.children()
        killed.kill()
        assert psutil.wait_procs(below, timeout=10)[1] == []
        eventually(lambda killed=killed, word=word: running.child(word) not in (None, killed), 20, running.log)
    eventually(running.answers, 20, running.log)
    cluster = EmbeddedCluster(running.home)
    kill_all(cluster.processes())
    eventually(lambda: "the database was gone and answers again" in running.log.read_text(), 20, running.log)
    eventually(running.answers, 20, running.log)


def test_taken_port_is_explained(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = ("127.0.0.1", listening.getsockname()[1])
        with pytest.raises(PortTaken, match=f"Port {address[1]}.*--port"):
            serve(Home(tmp_path), "lianfang", address, 1, say=lambda _: None)


def test_child_that_keeps_ending_is_given_up() -> None:
    child = Child("worker", [sys.executable, "-c", ""], {})
    with pytest.raises(ChildKeepsEnding, match="The worker ended 5 times"):
        for _ in range(6):
            child.keep()
            assert child.process
            child.process.wait()
