"""The real server, started as a user starts it, for the length of a measurement."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lianfang.config.server import THREADS

START_SECONDS = 60.0


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def start(database: str, port: int, log: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start ``lianfang serve`` on a database, in a group of its own, and wait until it answers."""
    command = [
        sys.executable, "-c", "from lianfang.config.cli import main; main()",
        "serve", "--database", database, "--port", str(port),
    ]  # fmt: skip
    server = subprocess.Popen(
        command, env=os.environ | {"LIANFANG_LOGIN": ""}, stdout=subprocess.DEVNULL, start_new_session=True
    )
    until = time.monotonic() + START_SECONDS
    while not answers(port):
        if server.poll() is not None or time.monotonic() > until:
            end(server)
            raise AssertionError("the server did not start: its message stands above")
        time.sleep(0.1)
    return server


def answers(port: int) -> bool:
    """Say whether the server answers a request, which needs the database too."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return b" 200 " in line.recv(64)
    except OSError:
        return False


def end(server: subprocess.Popen[bytes]) -> None:
    """Ask the server to finish, and wait for it."""
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
    server.wait(30)


@contextmanager
def serving(database: str) -> Iterator[int]:
    """Serve a database and yield the port."""
    port = free_port()
    server = start(database, port)
    try:
        yield port
    finally:
        end(server)


@contextmanager
def serving_obvious(database: str) -> Iterator[int]:
    """Serve the obvious way with as many processes and threads as the house, and yield the port."""
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "--interface=wsgi", "--host=127.0.0.1", f"--port={port}", "--workers=2",
        f"--blocking-threads={THREADS}", "--log-level=error", "--factory", "--no-ws",
        "lianfang.config.benchmarks.obvious:application",
    ]  # fmt: skip
    served = {"LIANFANG_DATABASE": database, "LIANFANG_LOGIN": "app", "LIANFANG_SERVING": "1"}
    server = subprocess.Popen(command, env=os.environ | served, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        until = time.monotonic() + START_SECONDS
        while not _listens(port):
            if server.poll() is not None or time.monotonic() > until:
                raise AssertionError("the obvious way did not start: its message stands above")
            time.sleep(0.1)
        time.sleep(2)  # it listens before its application is loaded
        yield port
    finally:
        end(server)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
