"""The running house: web nodes and the worker, kept alive together and ended together."""

import ctypes
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lianfang.config.home import Home, NotReady
from lianfang.config.postgres import Server, server_of
from lianfang.config.trust.certificates import Trust, hosts, renew_when_due

PR_SET_PDEATHSIG = 1
#: enough to keep both cores busy while commits wait for the disk; each thread holds a database connection
THREADS = 8
#: phones that keep their connection open, in each web process: a connection counts here while it is idle too
CONNECTIONS = 4096
GRACE_SECONDS = 15.0
#: a child that ends this often within a minute will not get better by being started again
ENDINGS = 5
#: how often it is looked whether the certificate ends soon
CERTIFICATE_SECONDS = 3600.0

Say = Callable[[str], None]


class PortTaken(NotReady):
    """Another program listens where we were asked to."""


class ChildKeepsEnding(NotReady):
    """The web server or the worker cannot run here."""


@dataclass
class Child:
    """A process that is started again whenever it ends."""

    name: str
    command: list[str]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    starts: list[float] = field(default_factory=list)

    def keep(self) -> bool:
        """Start it when it does not run and say whether it had to be; raises ``ChildKeepsEnding``."""
        if self.process and self.process.poll() is None:
            return False
        now = time.monotonic()
        self.starts = [start for start in self.starts if now - start < 60] + [now]
        if len(self.starts) > ENDINGS:
            raise ChildKeepsEnding(
                f"The {self.name} ended {ENDINGS} times within a minute. Its own message stands above; "
                "`lianfang doctor` looks for the usual causes."
            )
        parent = os.getpid()
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **self.environment},
            start_new_session=True,  # Ctrl-C reaches us alone; we end the children in order
            preexec_fn=lambda: die_with_parent(parent),
        )
        return True

    def end(self, deadline: float) -> None:
        """Wait for it to finish what it does, at most until a monotonic deadline, then kill it."""
        if not self.process:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ask_to_end(self) -> None:
        """Ask it to finish, without waiting."""
        if self.process and self.process.poll() is None:
            self.process.terminate()


@dataclass
class Certificate:
    """The certificate that the web server has loaded: renewed in time, and noticed when it was renewed."""

    home: Home
    looked_at: float = float("-inf")
    loaded: float = 0.0

    def is_new(self, say: Say) -> bool:
        """Renew it when it is due, and say whether the web server must load it again."""
        if time.monotonic() - self.looked_at > CERTIFICATE_SECONDS:
            self.looked_at = time.monotonic()
            if told := renew_when_due(self.home):
                say(told)
        file = Trust.of(self.home).server_file
        changed_at = file.stat().st_mtime if file.exists() else self.loaded
        before, self.loaded = self.loaded, changed_at
        return before not in (0.0, changed_at)


def serve(
    home: Home, database: str, address: tuple[str, int], workers: int, say: Say, plain_port: int | None = None
) -> None:
    """Prepare the database and serve until SIGTERM or SIGINT, over HTTPS when a ``plain_port`` is given beside it.

    The embedded server is started when needed, and again when it dies; it is left running at the end.
    """
    _check_port(*address)
    environment = {"LIANFANG_HOME": str(home.path), "LIANFANG_DATABASE": database}
    web = Child(
        "web server",
        _web_command(address, workers),
        {**environment, "LIANFANG_LOGIN": "app", "LIANFANG_SERVING": "1"},
    )
    children = [web, Child("worker", [*_lianfang(), "work"], {**environment, "LIANFANG_LOGIN": "worker"})]
    certificate = None
    if plain_port:
        certificate = Certificate(home)
        children.append(_beside(web, home, address, plain_port))
    server = server_of(home)
    server.ensure_running()
    _prepare(environment)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        _keep_all(children, server, address, stop, say, certificate)
    finally:
        _end_all(children)
        say("stopped")


def work(database: str | None = None) -> None:
    """Do the work behind the scenes until SIGTERM: seal the audit each second, let time pass every two minutes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    from lianfang.config.prepare import set_up_django

    set_up_django("worker", database)
    from django.db import OperationalError

    from lianfang.config.worker import work_forever

    try:
        work_forever()
    except OperationalError as error:
        reason = str(error).splitlines()[0]
        raise NotReady(f"The worker lost the database and ends; `serve` starts it again: {reason}") from error


def web_application() -> Any:
    """Make the application inside a web node, and tie the node's life to its parent's."""
    _belong_to_parent()
    from lianfang.config.wsgi import application

    return application


def plain_application() -> Any:
    """Make what answers on the plain port when the house itself is served over HTTPS."""
    _belong_to_parent()
    from lianfang.config.trust.download import application

    return application


def _belong_to_parent() -> None:
    # forked with the parent's handlers, which would swallow a request to end while the application loads
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent and parent.pid:
        die_with_parent(parent.pid, signal.SIGKILL)


def die_with_parent(parent: int, by: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to end this process when its parent dies, also by kill -9; ``parent`` is its number."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, by, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), by)


def _keep_all(
    children: list[Child],
    server: Server,
    address: tuple[str, int],
    stop: threading.Event,
    say: Say,
    certificate: Certificate | None,
) -> None:
    announced, troubled = False, ""
    while not stop.is_set():
        troubled = _keep_database(server, troubled, say)
        if certificate and certificate.is_new(say):
            children[0].ask_to_end()
        for child in children:
            if child.keep() and len(child.starts) > 1:
                say(f"the {child.name} had ended and was started again")
        if not announced and _answers(*address):
            announced = True
            say("ready at {}://{}:{}".format("https" if certificate else "http", *address))
        stop.wait(1.0 if announced else 0.1)


def _keep_database(server: Server, troubled: str, say: Say) -> str:
    """Start the database again when it is gone; return the trouble, which is said once."""
    if server.is_running():
        return ""
    try:
        server.ensure_running()
    except NotReady as error:
        if error.message != troubled:
            say(error.message)
        return error.message
    say("the database was gone and answers again")
    return ""


def _end_all(children: list[Child]) -> None:
    for child in children:
        child.ask_to_end()
    deadline = time.monotonic() + GRACE_SECONDS
    for child in children:
        child.end(deadline)


def _prepare(environment: dict[str, str]) -> None:
    # in a process of its own, so that the owner's login is gone from memory before anybody is served
    command = [*_lianfang(), "database", "prepare"]
    if subprocess.run(command, env={**os.environ, **environment}, check=False).returncode:
        raise NotReady("The database could not be prepared, for the reason above; nothing is served.")


def _lianfang() -> list[str]:
    return [sys.executable, "-c", "from lianfang.config.cli import main; main()"]


def _beside(web: Child, home: Home, address: tuple[str, int], plain_port: int) -> Child:
    """Make the web server speak TLS, and return what answers on the plain port beside it."""
    host, port = address
    _check_port(host, plain_port, "--plain-port")
    trust = Trust.of(home)
    known = [f"[{name}]" if ":" in name else name for name in hosts(trust.server)]
    # in-app views of older phones stop at TLS 1.2
    flags = {"certificate": trust.server_file, "keyfile": trust.server_file, "protocol-min": "tls1.2"}
    web.command[-1:-1] = [f"--ssl-{name}={value}" for name, value in flags.items()]
    given = os.environ.get("LIANFANG_HOSTS", "127.0.0.1 localhost [::1]")
    web.environment.update(LIANFANG_HTTPS="1", LIANFANG_HOSTS=" ".join([given, *known]))
    options = {"interface": "wsgi", "host": host, "port": plain_port, "workers": 1, "blocking-threads": 4}
    options |= {"backpressure": 256, "log-level": "error"}
    command = [sys.executable, "-m", "granian", *(f"--{name}={value}" for name, value in options.items())]
    command += ["--no-ws", "--respawn-failed-workers", "--factory", "lianfang.config.server:plain_application"]
    return Child("download page", command, {"LIANFANG_HOME": str(home.path), "LIANFANG_SECURE_PORT": str(port)})


def _web_command(address: tuple[str, int], workers: int) -> list[str]:
    host, port = address
    options = {
        "interface": "wsgi",
        "host": host,
        "port": str(port),
        "workers": str(workers),
        "blocking-threads": str(THREADS),
        "backpressure": str(CONNECTIONS),
        "backlog": str(CONNECTIONS),
        "workers-kill-timeout": "10",
        "log-level": "error",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [
        *(sys.executable, "-m", "granian", *flags),
        *("--factory", "--no-ws", "--respawn-failed-workers", "lianfang.config.server:web_application"),
    ]


def _check_port(host: str, port: int, option: str = "--port") -> None:
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise PortTaken(
            f"Port {port} of {host} cannot be used ({error.strerror}). End what listens there, "
            f"or choose another with {option}."
        ) from error


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
