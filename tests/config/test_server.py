"""The running house: children live and die together, and come back after any kill."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from cryptography import x509

from databases import kill_all, remove_cluster
from lianfang.config.home import Home
from lianfang.config.postgres import EmbeddedCluster
from lianfang.config.server import Child, ChildKeepsEnding, PortTaken, serve
from lianfang.config.trust import certificates

COMMAND = [sys.executable, "-c", "from lianfang.config.cli import main; main()", "serve"]

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """A house served from a home of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port, self.options = free_port(), options
        self.home = Home(folder / "served home")
        self.log = folder / "log"
        self.start()

    def start(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIANFANG_")}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "--port", str(self.port), *self.options],
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


class Phone:
    """What trusts the authority of a house and nothing else, and follows no redirect."""

    def __init__(self, authority: Path) -> None:
        secure = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(authority)))
        self.opener = urllib.request.build_opener(secure, Unled)

    def get(self, address: str) -> http.client.HTTPResponse:
        try:
            return self.opener.open(address, timeout=5)
        except urllib.error.HTTPError as error:
            return error  # type: ignore[return-value]

    def answers(self, address: str) -> bool:
        try:
            return self.get(address).status < 500
        except OSError:
            return False


class Unled(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *words: object) -> None:
        return None


def test_over_https_the_plain_port_only_leads_there_and_a_renewed_certificate_is_taken_up(tmp_path: Path) -> None:
    plain = free_port()
    trust = certificates.make(Home(tmp_path / "served home"), ["localhost"], ["127.0.0.1"])
    running, phone = Running(tmp_path, "--tls", "--plain-port", str(plain)), Phone(trust.authority_file)
    secure = f"https://localhost:{running.port}"
    try:
        eventually(lambda: phone.answers(f"{secure}/nowhere"), 60, running.log)
        page = phone.get(f"{secure}/sign-in")
        assert (page.status, page.headers["Strict-Transport-Security"]) == (200, None)
        assert "Secure" in page.headers["Set-Cookie"]
        eventually(lambda: phone.answers(f"http://localhost:{plain}/"), 20, running.log)
        assert "安装本地证书" in phone.get(f"http://localhost:{plain}/").read().decode()
        led = phone.get(f"http://localhost:{plain}/sign-in")
        assert (led.status, led.headers["Location"]) == (307, f"{secure}/sign-in")

        renewed = certificates.renew(running.home).server.serial_number
        eventually(lambda: served_serial(running.port) == renewed, 20, running.log)
        eventually(lambda: phone.answers(f"{secure}/nowhere"), 20, running.log)
    finally:
        running.process.terminate()
        running.process.wait(20)
        remove_cluster(running.home)


def served_serial(port: int) -> int:
    try:
        return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", port)).encode()).serial_number
    except OSError:
        return 0


def test_https_without_a_certificate_is_explained(tmp_path: Path) -> None:
    with pytest.raises(certificates.NoCertificate, match="lianfang certificate make"):
        serve(Home(tmp_path), "lianfang", ("127.0.0.1", free_port()), 1, lambda _: None, plain_port=free_port())


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
