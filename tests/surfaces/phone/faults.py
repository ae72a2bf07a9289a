"""What goes wrong around a phone: a line that loses answers, a house and a database that die, a browser that is killed."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import psutil
from django.db import connections

from lianfang.config.benchmarks.house import answers, free_port
from lianfang.config.home import current_home
from lianfang.config.postgres import EmbeddedCluster
from surfaces.console.browsing import CHROMIUM
from surfaces.console.chromium import FLAGS
from surfaces.field_app.field_app import PIN, Phone

#: how a request may fare on a bad line; more than half of them arrive somehow
FATES = ("whole", "whole", "whole", "dropped", "half asked", "answer lost", "answer lost", "answer cut", "late")
PATIENCE = 60.0


class Line(ThreadingHTTPServer):
    """The network between phone and house: takes every request, and in a bad mood loses it, or its answer, or a half of them.

    Moods: fine, bad, down, and silent, where the app's files come and the house answers nothing.

    What happened is counted in ``fates``; ``sent`` counts how often each parcel reached the house.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, chance: random.Random, house: int) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.chance, self.house, self.mood = chance, house, "fine"
        self.fates: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.turn = threading.Lock()

    def fate(self, path: str) -> str:
        """How the next request fares."""
        with self.turn:
            if self.mood == "down" or (self.mood == "silent" and path.startswith("/api/")):
                return "dropped"
            drawn = self.chance.choice(FATES) if self.mood == "bad" and path.startswith("/api/") else "whole"
            self.fates[drawn] += 1
            return drawn

    def handle_error(self, *request: Any) -> None: ...

    @property
    def address(self) -> str:
        """Where phones find the house."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Request(BaseHTTPRequestHandler):
    server: Line
    protocol_version = "HTTP/1.1"
    passed_on: ClassVar = {"connection", "transfer-encoding", "keep-alive"}

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fate = self.server.fate(self.path)
        self.close_connection = True
        if fate == "dropped":
            return
        if fate == "late":
            time.sleep(1.5)
        with suppress(OSError, HTTPException):
            house = HTTPConnection("127.0.0.1", self.server.house, timeout=30)
            answer = self._ask(house, body, cut=fate == "half asked")
            if answer is not None:
                self._tell(answer, answer.read(), fate)
            house.close()

    do_POST = do_GET

    def _ask(self, house: HTTPConnection, body: bytes, *, cut: bool) -> HTTPResponse | None:
        house.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in self.passed_on:
                house.putheader(name, value)
        house.putheader("Connection", "close")
        house.endheaders(body[: len(body) // 2] if cut else body)
        if cut:
            return None
        if self.path == "/api/field/parcels":
            self.server.sent.update(one["id"] for one in json.loads(body)["parcels"])
        return house.getresponse()

    def _tell(self, answer: HTTPResponse, body: bytes, fate: str) -> None:
        if fate == "answer lost":
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in self.passed_on | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fate == "answer cut" else body)

    def log_message(self, *words: object) -> None: ...


class House:
    """The web server as it serves, in processes of its own that can be killed, and the database under it."""

    def __init__(self, log: Any) -> None:
        self.port, self.log = free_port(), log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it answers some seconds later."""
        command = [
            sys.executable, "-m", "granian", "--interface=wsgi", "--host=127.0.0.1", f"--port={self.port}", "--workers=1",
            "--blocking-threads=4", "--log-level=error", "--factory", "--no-ws", "lianfang.config.server:web_application",
        ]  # fmt: skip
        served = {
            "LIANFANG_LOGIN": "app",
            "LIANFANG_SERVING": "1",
            "DJANGO_SETTINGS_MODULE": "lianfang.config.settings",
        }
        self.process = subprocess.Popen(
            command, env=os.environ | served, stdout=self.log, stderr=self.log, start_new_session=True
        )

    def wait(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + PATIENCE
        while not answers(self.port):
            assert time.monotonic() < until, "the house does not answer"
            time.sleep(0.1)

    def kill(self) -> None:
        """Kill -9 whatever belongs to it."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def revive(self) -> None:
        """Start it again where it was killed."""
        if self.process is None or self.process.poll() is not None:
            self.start()

    @staticmethod
    def kill_database() -> None:
        """Kill -9 PostgreSQL and start it again; where other tests use it at the same time, only what is under way here."""
        if os.environ.get("PYTEST_XDIST_WORKER") or os.environ.get("LIANFANG_DATABASE_URL"):
            with connections["default"].cursor() as cursor:  # a login may end what the same login began
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
                )
            return
        connections.close_all()
        cluster = EmbeddedCluster(current_home())
        doomed = cluster.processes()
        for process in doomed:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(doomed, 20)
        cluster.ensure_running()


READ = """async () => {
  const database = await new Promise((done, failed) => {
    const opening = indexedDB.open("lianfang-field");
    opening.onsuccess = () => done(opening.result);
    opening.onerror = failed;
  });
  const all = (name) => new Promise((done, failed) => {
    const asked = database.transaction(name).objectStore(name).getAll();
    asked.onsuccess = () => done(asked.result);
    asked.onerror = failed;
  });
  const parcels = (await all("parcels")).map(({ id, state, code }) => ({ id, state, code }));
  const receipts = (await all("receipts")).map(({ id, status, code }) => ({ id, status, code }));
  const shadows = (await all("shadows")).length;
  database.close();
  return { parcels, receipts, shadows };
}"""


class Handset:
    """A phone whose profile lies on the disk, so that it survives the death of its browser."""

    def __init__(self, playwright: Any, profile: Any, address: str) -> None:
        self.playwright, self.profile, self.address = playwright, profile, address
        self.away = False
        self.context: Any = None
        self.phone: Phone = None  # type: ignore[assignment]

    def open(self) -> None:
        """Open the browser on the app."""
        self.context = self.playwright.chromium.launch_persistent_context(
            str(self.profile), executable_path=CHROMIUM, viewport={"width": 390, "height": 844}, has_touch=True,
            is_mobile=True, locale="zh-CN", args=FLAGS,
        )  # fmt: skip
        self.context.set_default_timeout(20_000)
        self.context.set_offline(self.away)
        page = self.context.pages[0] if self.context.pages else self.context.new_page()
        self.phone = Phone(page)
        page.goto(f"{self.address}/field/")

    def unlock(self) -> None:
        """Type the PIN."""
        self.phone.find("key-1").wait_for()
        for digit in PIN:
            self.phone.find(f"key-{digit}").click()
        self.phone.find("filter-open").wait_for()

    def kill(self) -> None:
        """Kill -9 the browser with all its processes."""
        mine = [one for one in psutil.Process().children(recursive=True) if _names(one, str(self.profile))]
        for one in mine:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(mine, 10)
        with suppress(Exception):  # whatever the driver says to a browser that is gone
            self.context.close()

    def go_away(self, away: bool) -> None:
        """Leave coverage, or come back into it."""
        self.away = away
        self.context.set_offline(away)

    def kept(self) -> dict[str, Any]:
        """What waits and what has its receipt, read from the phone's own database."""
        return self.phone.page.evaluate(READ)

    def made(self) -> set[str]:
        """The ids of everything that was ever finished on this phone."""
        kept = self.kept()
        return {one["id"] for one in kept["parcels"] + kept["receipts"]}


def _names(process: psutil.Process, profile: str) -> bool:
    with suppress(psutil.Error):
        return any(profile in word for word in process.cmdline())
    return False


@contextmanager
def line(chance: random.Random, house: int) -> Any:
    """A line to a house, for as long as it is needed."""
    found = Line(chance, house)
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()
