"""What a machine must offer for the house to run, checked one by one, each with what to do."""

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import psycopg

from lianfang.config.home import OTHERS, Home, NotReady
from lianfang.config.parcel_keys import ParcelKeys
from lianfang.config.postgres import LOGINS, EmbeddedCluster, connection, role_name, server_of
from lianfang.config.postgres.databases import can_bypass
from lianfang.config.postgres.endpoints import check_version
from lianfang.config.postgres.installation import abandoned_folders
from lianfang.config.postgres.tuning import machine_memory
from lianfang.config.trust.certificates import RENEW_BELOW_DAYS, NoCertificate, Trust, days_left, hosts
from lianfang.kit.clock import machine_now

State = Literal["ok", "warn", "fail"]
SOURCE = Path(__file__).resolve().parent.parent
GIGABYTE = 1024**3
PORT = 8100
#: how long phones seal to one key pair
KEY_AGE = timedelta(days=365)
TESTED_PYTHONS = (3, 11), (3, 14)


@dataclass(frozen=True)
class Finding:
    """The answer of one check: its state, a sentence, and what to do when it is not well."""

    state: State
    sentence: str
    advice: str = ""


Check = Callable[[Home], Finding]


class NotChecked(Exception):
    """An earlier thing is missing, so this one cannot be looked at yet."""


def examine(home: Home) -> dict[str, Finding]:
    """Run every check; none of them starts, makes or changes anything."""
    return {check.__name__: _answer(check, home) for check in CHECKS}


def python(home: Home) -> Finding:
    """Python is a version that the house was tested with."""
    found = platform.python_version()
    oldest, newest = TESTED_PYTHONS
    if not oldest <= sys.version_info[:2] <= newest:
        return Finding("warn", f"Python {found} was not tested.", "Use Python 3.11 to 3.14.")
    return Finding("ok", f"Python {found}.")


def c_library(home: Home) -> Finding:
    """The C library is one that the installed packages were built for."""
    name, found = platform.libc_ver()
    if name != "glibc":
        return Finding("warn", f"The C library is {name or 'unknown'}, not glibc.", "Use a Linux with glibc 2.28.")
    if tuple(int(part) for part in found.split(".")[:2]) < (2, 28):
        return Finding("fail", f"glibc is {found}.", "Use a system with glibc 2.28 or later (since 2018).")
    return Finding("ok", f"glibc {found}.")


def memory(home: Home) -> Finding:
    """There is memory for the database, two web nodes and the worker."""
    found = machine_memory() / GIGABYTE
    sentence = f"{found:.1f} GB of memory."
    if found < 1:
        return Finding("fail", sentence, "Give the machine at least 2 GB.")
    if found < 2:
        return Finding("warn", sentence, "A county needs 2 GB or more.")
    return Finding("ok", sentence)


def disk(home: Home) -> Finding:
    """There is room where the home and the embedded data lie."""
    folders = [home.path]
    if home.secrets_file.exists() and isinstance(server := server_of(home), EmbeddedCluster):
        folders.append(server.placement.folder)
    folder, free = min(((place, _free(place)) for place in folders), key=lambda pair: pair[1])
    sentence = f"{free / GIGABYTE:.1f} GB free under {folder}."
    if free < GIGABYTE:
        return Finding("fail", sentence, "Free at least 1 GB: a full disk stops the database.")
    if free < 5 * GIGABYTE:
        return Finding("warn", sentence, "A county's outbreak takes some gigabytes; free 5 GB.")
    return Finding("ok", sentence)


def home_folder(home: Home) -> Finding:
    """The home folder is there, ours and closed to others."""
    _need_home(home)
    status = home.path.stat()
    if status.st_uid != os.geteuid():
        return Finding("fail", f"{home.path} belongs to {home.path.owner()}.", "Run as that user.")
    open_to_others = [path for path in (home.path, home.secrets_file) if path.stat().st_mode & OTHERS]
    if open_to_others:
        names = " and ".join(str(path) for path in open_to_others)
        return Finding("fail", f"Other users may open {names}.", f"Run `chmod -R go= '{home.path}'`.")
    return Finding("ok", f"{home.path} is closed to other users.")


def secrets(home: Home) -> Finding:
    """Every key and password can be read."""
    _need_home(home)
    _ = home.secrets
    return Finding("ok", "Every key and password can be read. Keep a copy apart from the database's backups.")


def parcel_keys(home: Home) -> Finding:
    """What phones seal is opened here: the key pairs can be read, by nobody else."""
    _need_home(home)
    held = ParcelKeys(home)
    if not held.file.exists():
        raise NotChecked("the key pair that phones seal to is not made yet.")
    if held.file.stat().st_mode & OTHERS:
        return Finding("fail", f"Other users may open {held.file}.", f"Run `chmod go= '{held.file}'`.")
    found, now = held.all(), machine_now()
    sentence = f"Phones seal to {found[0].id}; {len(found) - 1} older key pairs go on opening."
    if now - found[0].made_at > KEY_AGE:
        return Finding("warn", f"{sentence} It is older than {KEY_AGE.days} days.", "Run `lianfang keys rotate`.")
    return Finding("ok", f"{sentence} Keep a copy of {held.file.name} beside that of the keys.")


def abandoned_data(home: Home) -> Finding:
    """No data lies about whose keys are gone."""
    if left := abandoned_folders():
        names = ", ".join(str(folder) for folder in left)
        return Finding("warn", f"The home folders of {names} are gone.", "`lianfang database sweep` deletes them.")
    return Finding("ok", "No data of a deleted home is left.")


def database_server(home: Home) -> Finding:
    """PostgreSQL answers and is new enough."""
    _need_database(home)
    with server_of(home).endpoint.connect() as connected:
        check_version(connected)
        kind = "embedded" if isinstance(server_of(home), EmbeddedCluster) else "external"
        return Finding("ok", f"PostgreSQL {connected.info.server_version // 10000} ({kind}) answers.")


def logins(home: Home) -> Finding:
    """Every login gets in, and none can pass the row-level security that holds users to their scope."""
    _need_database(home)
    for login in LOGINS:
        with psycopg.connect(**connection(home, login, _database())) as connected:
            if can_bypass(connected, role_name(login)):
                return Finding(
                    "fail",
                    f"The role {role_name(login)} can bypass row-level security.",
                    "Take SUPERUSER and BYPASSRLS from it and from every role it is a member of.",
                )
            unforced = connected.execute(
                "SELECT string_agg(relname, ', ') FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity"
            ).fetchone()
    if unforced and unforced[0]:
        return Finding("fail", f"The owner passes row-level security on {unforced[0]}.", "Add FORCE to these.")
    return Finding("ok", f"{', '.join(LOGINS)} get in and none can bypass row-level security.")


def migrations(home: Home) -> Finding:
    """The database's tables are those of this version."""
    _need_database(home)
    from lianfang.config.prepare import set_up_django

    set_up_django(database=_database())
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connections["owner"])
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        first = missing[0][0]
        return Finding(
            "fail", f"{len(missing)} migrations are not applied, from {first}.", "Run `lianfang database prepare`."
        )
    return Finding("ok", "Every migration is applied.")


def clock(home: Home) -> Finding:
    """The time-zone data knows China, and the clock is not in the past."""
    if datetime(2022, 7, 14, 12, tzinfo=ZoneInfo("Asia/Shanghai")).utcoffset() != timedelta(hours=8):
        return Finding("fail", "Asia/Shanghai is not at UTC+8 here.", "Install the system's tzdata package.")
    built = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    now = machine_now()
    if now < built - timedelta(days=1):
        return Finding(
            "fail", f"The clock shows {now:%Y-%m-%d %H:%M} UTC, before Lianfang was installed.", "Set the clock."
        )
    return Finding("ok", f"The clock shows {now.astimezone(ZoneInfo('Asia/Shanghai')):%Y-%m-%d %H:%M} in China.")


def static_files(home: Home) -> Finding:
    """The console's scripts and styles and the phone app are there."""
    wanted = [SOURCE / "surfaces/console/static/vendor/icons.svg", SOURCE / "surfaces/field/static/field/index.html"]
    missing = [path.parent for path in wanted if not path.exists()]
    if missing:
        return Finding("fail", f"Scripts and styles are missing in {missing[0]}.", "Run `make setup`.")
    return Finding("ok", "Scripts, styles and the phone app are built.")


def translations(home: Home) -> Finding:
    """Every catalogue is compiled, and not older than its source."""
    sources = list(SOURCE.glob("**/locale/*/LC_MESSAGES/*.po"))
    stale = [path for path in sources if not _is_newer(path.with_suffix(".mo"), path)]
    if stale:
        return Finding("fail", f"{stale[0]} is not compiled.", "Run `make setup`.")
    return Finding("ok", f"{len(sources)} catalogues are compiled.")


def port(home: Home) -> Finding:
    """The console's usual port is free."""
    try:
        with socket.create_server(("127.0.0.1", PORT)):
            return Finding("ok", f"Port {PORT} is free.")
    except OSError as error:
        advice = "Nothing to do when that is Lianfang; otherwise use `lianfang serve --port`."
        return Finding("warn", f"Port {PORT} is in use ({error.strerror}).", advice)


def certificate(home: Home) -> Finding:
    """The server's certificate is valid for a while yet, and its keys are closed to others."""
    trust = Trust.of(home)
    try:
        left, served = days_left(trust.server), ", ".join(hosts(trust.server))
    except NoCertificate:
        return Finding(
            "ok", "No certificate was made here: phones need one, or a server with HTTPS in front of this one."
        )
    if trust.open_to_others:
        return Finding(
            "fail", f"Other users may read {trust.open_to_others[0]}.", f"Run `chmod -R go= '{trust.folder}'`."
        )
    if left < 0:
        return Finding("fail", f"The certificate for {served} has ended.", "Run `lianfang certificate renew`.")
    if left < RENEW_BELOW_DAYS:
        return Finding(
            "warn", f"The certificate for {served} ends in {left} days.", "Run `lianfang certificate renew`."
        )
    return Finding("ok", f"The certificate for {served} is valid for {left} days.")


CHECKS: tuple[Check, ...] = (
    *(python, c_library, memory, disk, clock, port),
    *(static_files, translations),
    *(home_folder, secrets, parcel_keys, abandoned_data, certificate),
    *(database_server, logins, migrations),
)


def _answer(check: Check, home: Home) -> Finding:
    try:
        return check(home)
    except NotChecked as reason:
        return Finding("warn", f"Not checked: {reason}", "Run `lianfang database prepare`, then this again.")
    except NotReady as error:
        return Finding("fail", error.message, "See the sentence.")
    except Exception as error:
        # a check that breaks is itself a finding; the others must still be made
        words = " ".join(str(error).split())
        return Finding(
            "fail", f"{type(error).__name__}: {words}", "Run `lianfang database prepare`; if it stays, report it."
        )


def _need_home(home: Home) -> None:
    if not home.secrets_file.exists():
        raise NotChecked(f"there is no home in {home.path} yet.")


def _need_database(home: Home) -> None:
    _need_home(home)
    server = server_of(home)
    if isinstance(server, EmbeddedCluster) and not server.is_running():
        raise NotChecked("the embedded PostgreSQL does not run.")


def _database() -> str:
    return os.environ.get("LIANFANG_DATABASE", "lianfang")


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _is_newer(compiled: Path, source: Path) -> bool:
    return compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime
