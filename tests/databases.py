"""Throw-away PostgreSQL servers for tests: the embedded one, and one of the machine's own version 15."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from lianfang.config.home import Home
from lianfang.config.postgres import EmbeddedCluster

MACHINE_PROGRAMS = Path("/usr/lib/postgresql/15/bin")


def running_cluster(folder: Path) -> Home:
    """Return a home in a folder (its name holds a blank) whose embedded server runs; many may ask at once."""
    home = Home(folder / "lianfang home")
    EmbeddedCluster(home).ensure_running()
    return home


def remove_cluster(home: Home) -> None:
    """Stop a home's embedded server and delete its data."""
    EmbeddedCluster(home).destroy()


@contextmanager
def external_cluster(programs: Path = MACHINE_PROGRAMS) -> Iterator[str]:
    """Run a server from a folder of programs for the length of a block and give its administrator's URL."""
    folder = Path(tempfile.mkdtemp(prefix="lianfang-external-", dir="/tmp"))
    password, port = secrets.token_hex(12), _free_port()
    (folder / "password").write_text(password)
    account = _unprivileged()
    for path in (folder, folder / "password"):
        shutil.chown(path, account)
    try:
        initdb = (
            "-U",
            "postgres",
            "--pwfile=password",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
        )
        _run(account, folder, programs / "initdb", "-D", "data", *initdb, "--no-sync")
        # nothing here outlives the test, so nothing needs to reach the disk
        options = f"-c fsync=off -c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
        _run(account, folder, programs / "pg_ctl", "start", "-w", "-D", "data", "-l", "log", "-o", options)
        yield f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    finally:
        _run(account, folder, programs / "pg_ctl", "stop", "-w", "-D", "data", "-m", "immediate", check=False)
        shutil.rmtree(folder)


def _unprivileged() -> str:
    """Name whom the server runs as: PostgreSQL refuses root."""
    if os.geteuid():
        return pwd.getpwuid(os.geteuid()).pw_name
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "lianfang", "nobody") if name in names)


def _run(account: str, folder: Path, *command: object, check: bool = True) -> None:
    user = {"user": account, "group": pwd.getpwnam(account).pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    with (folder / "said").open("w+") as said:
        done = subprocess.run([str(part) for part in command], cwd=folder, stdout=said, stderr=said, **user)  # type: ignore[call-overload]
        said.seek(0)
        assert not check or done.returncode == 0, said.read()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kill_all(processes: Iterable[psutil.Process]) -> None:
    """Kill processes at once; those that ended meanwhile, as a server's do when it dies, are gone already."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
