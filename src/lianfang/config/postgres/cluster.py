"""The embedded server: made, started, found and stopped by us, outliving the process that started it."""

import shutil
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil
from psycopg import pq

from lianfang.config.home import Home, NotReady
from lianfang.config.postgres.endpoints import Endpoint, wait_until_open
from lianfang.config.postgres.installation import PORT, Placement
from lianfang.config.postgres.tuning import configuration, machine_memory

MAJOR = "18"
ADMINISTRATOR = "lianfang_admin"
#: replaying 2 GB of write-ahead log on a slow disk takes minutes; giving up would only start it over
RECOVERY_SECONDS = 600
ORPHAN_SECONDS = 5.0
ACCESS = """# Every connection gives a password, from whatever user of this machine.
local all         all              scram-sha-256
host  all         all 127.0.0.1/32 scram-sha-256
"""


class ClusterNotStarted(NotReady):
    """The embedded server could not be initialised or started."""


@dataclass(frozen=True)
class EmbeddedCluster:
    """The PostgreSQL 18 of one home, reached through a Unix socket that only its user can open."""

    home: Home

    @cached_property
    def placement(self) -> Placement:
        """Its folders, programs and operating-system user."""
        return Placement(self.home)

    @cached_property
    def endpoint(self) -> Endpoint:
        """Where it listens, with the administrator's login."""
        return Endpoint(
            {
                "host": str(self.placement.sockets),
                "port": PORT,
                "user": ADMINISTRATOR,
                "password": self.home.secrets.admin_password,
                "dbname": "postgres",
            }
        )

    def is_running(self) -> bool:
        """Say whether it accepts connections now: by connecting, never by a process number."""
        return self.endpoint.ping() == pq.Ping.OK

    def ensure_running(self) -> None:
        """Return when it accepts connections, starting it (and making it, the first time) when it does not.

        Several processes may call at once: one starts it, the others wait. Raises ``ClusterNotStarted``.
        """
        if self.is_running():
            return
        with self.home.lock():
            if wait_until_open(self.endpoint, RECOVERY_SECONDS):
                return
            self._make_folders()
            if not self.placement.data.exists():
                self._initialise()
            self._clear_remains()
            self._start()

    def stop(self) -> None:
        """Stop it, ending open transactions; does nothing when it is not running."""
        with self.home.lock():
            if self.is_running():
                said = self.placement.run("pg_ctl", "stop", "-D", "data", "-m", "fast", "-w", "-t", "60")
                if said.returncode:
                    raise ClusterNotStarted(f"The embedded PostgreSQL did not stop: {said.stdout.strip()}")

    def destroy(self) -> None:
        """Stop it and delete its folders with all data: for scratch homes and tests."""
        self.stop()
        remove_folder(self.placement.folder)
        shutil.rmtree(self.placement.sockets, ignore_errors=True)
        pointer = self.home.path / "postgres"
        if pointer.is_symlink():
            pointer.unlink()

    def processes(self) -> list[psutil.Process]:
        """Return the server's living processes, its own and those of its connections."""
        return processes_in(self.placement.data)

    def _make_folders(self) -> None:
        try:
            self.placement.make_folders()
        except OSError as error:
            raise ClusterNotStarted(f"The embedded PostgreSQL has no folder to live in: {error}") from error

    def _initialise(self) -> None:
        # made under another name and renamed when whole: an initdb cut short is simply done again
        unfinished = self.placement.unfinished
        shutil.rmtree(unfinished, ignore_errors=True)
        self.placement.make_own(unfinished)
        password = self.placement.folder / "password"
        self.placement.write(password, self.home.secrets.admin_password)
        try:
            said = self.placement.run(
                "initdb",
                *("-D", unfinished.name, "-U", ADMINISTRATOR, f"--pwfile={password.name}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums"),
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            )
        finally:
            password.unlink()
        if said.returncode:
            words = said.stdout.strip()
            raise ClusterNotStarted(f"PostgreSQL could not be set up in {self.placement.folder}: {words}")
        unfinished.rename(self.placement.data)

    def _clear_remains(self) -> None:
        """After a kill: end what still works on the data, then take away lock files that name the dead.

        PostgreSQL takes a zombie, or a stranger that got the dead server's number, for a running server and
        refuses to start. Its lock file may go only when nothing works in the data folder any more: a second
        server beside a living backend would destroy the data.
        """
        left = self._wait_for_end()
        if server := [process for process in left if process.pid == self._recorded_number()]:
            raise ClusterNotStarted(
                f"The embedded PostgreSQL runs (process {server[0].pid}) but does not answer at "
                f"{self.placement.sockets}. Look at its log in {self.placement.log}, end it, and try again."
            )
        for orphan in left:
            orphan.kill()  # its server is dead, so nothing it does can be committed any more
        psutil.wait_procs(left, timeout=ORPHAN_SECONDS)
        (self.placement.data / "postmaster.pid").unlink(missing_ok=True)
        for remains in self.placement.sockets.glob(".s.PGSQL.*"):
            remains.unlink()

    def _wait_for_end(self) -> list[psutil.Process]:
        end = time.monotonic() + ORPHAN_SECONDS
        while (left := self.processes()) and time.monotonic() < end:
            time.sleep(0.02)
        return left

    def _recorded_number(self) -> int:
        try:
            return int((self.placement.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return 0

    def _start(self) -> None:
        self._check_version()
        place = self.placement
        place.write(place.configuration, configuration(place.sockets, machine_memory()))
        place.write(place.folder / "access.conf", ACCESS)
        # pg_ctl hands these to a shell: relative names keep blanks and quotes of the path out of it
        options = ("-o", f"-c config_file={place.configuration.name}", "-l", "log/start.log")
        said = place.run("pg_ctl", "start", "-D", "data", *options, "-w", "-t", str(RECOVERY_SECONDS))
        if said.returncode or not wait_until_open(self.endpoint, RECOVERY_SECONDS):
            raise ClusterNotStarted(
                f"The embedded PostgreSQL did not start: {said.stdout.strip()} "
                f"Its own words: {self._last_words()} (whole logs in {place.log})"
            )

    def _check_version(self) -> None:
        found = (self.placement.data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise ClusterNotStarted(
                f"The data in {self.placement.data} was written by PostgreSQL {found}, this is {MAJOR}. "
                "Dump it with the old programs and load it again, or bring the old version back."
            )

    def _last_words(self) -> str:
        logs = sorted(self.placement.log.glob("*.log"), key=lambda log: log.stat().st_mtime)
        lines = [line for log in logs for line in log.read_text(errors="replace").splitlines()]
        return " / ".join(lines[-6:]) or "none"


def processes_in(data: Path) -> list[psutil.Process]:
    """Return the living PostgreSQL processes that work in a data folder; a zombie works nowhere and is dead."""
    folder = str(data.resolve())
    return [process for process in psutil.process_iter() if _works_in(process, folder)]


def remove_folder(folder: Path) -> None:
    """Delete a server's folder, ending first what still works in it."""
    left = processes_in(folder / "data")
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=ORPHAN_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)


def _works_in(process: psutil.Process, folder: str) -> bool:
    try:
        return process.name() == "postgres" and process.cwd() == folder
    except psutil.Error:
        return False
