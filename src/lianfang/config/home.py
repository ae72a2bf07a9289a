"""The home folder: where one installation keeps its secrets, its embedded database and its lock."""

import fcntl
import json
import os
import secrets as random
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from platformdirs import user_data_path

KEY_BYTES = 32
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class NotReady(click.ClickException):
    """What the machine must provide is missing or unsafe; the command line prints the sentence and ends."""


class HomeNotPrivate(NotReady):
    """The home folder cannot be kept from other users of the machine."""


class SecretUnreadable(NotReady):
    """A secret is missing, damaged or of the wrong form; a new one would make existing records unreadable."""


@dataclass(frozen=True)
class Secrets:
    """What must never leave the installation: keys (32 bytes each) and database passwords (text)."""

    installation: str
    django_secret_key: str
    scope_key: bytes
    data_key: bytes
    lookup_key: bytes
    sealing_key: bytes
    device_key: bytes
    admin_password: str
    owner_password: str
    app_password: str
    worker_password: str

    def __repr__(self) -> str:
        return f"Secrets(installation={self.installation!r}, …)"


@dataclass(frozen=True)
class Home:
    """One installation's folder, 0700: ``secrets.json``, ``lock`` and ``postgres`` (a link when root's)."""

    path: Path

    @cached_property
    def secrets(self) -> Secrets:
        """Read the secrets, made once when there are none; each may come from ``LIANFANG_<NAME>_FILE``.

        Raises ``SecretUnreadable`` when a file is damaged, rather than replace a key that records depend on.
        """
        self.ensure()
        if not self.secrets_file.exists():
            self._make_secrets()
        stored = _read_json(self.secrets_file)
        return Secrets(**{field.name: _secret(field.name, field.type, stored, self) for field in fields(Secrets)})

    @property
    def secrets_file(self) -> Path:
        """The file of secrets, 0600."""
        return self.path / "secrets.json"

    def ensure(self) -> None:
        """Create the folder for its owner alone, or check an existing one; raises ``HomeNotPrivate``."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_owner()
            if self.path.stat().st_mode & OTHERS:
                self._tighten()
        except OSError as error:
            raise HomeNotPrivate(
                f"The home folder {self.path} cannot be used ({error.strerror}). "
                "Set LIANFANG_HOME to a folder that you may write."
            ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the installation's lock against other processes; the kernel frees it when the holder dies."""
        self.ensure()
        file = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    def _check_owner(self) -> None:
        # root writing in another user's folder could be led astray by that user's links
        if self.path.stat().st_uid != os.geteuid():
            raise HomeNotPrivate(
                f"The home folder {self.path} belongs to {self.path.owner()}. Run this command as that user, "
                "or set LIANFANG_HOME to a folder of your own."
            )

    def _tighten(self) -> None:
        # somebody's shared folder must not be shut by us: only an empty one, or one that is a home already
        if not self.secrets_file.exists() and any(self.path.iterdir()):
            raise HomeNotPrivate(
                f"The folder {self.path} is open to other users and holds files that are not Lianfang's. "
                "Set LIANFANG_HOME to an empty or new folder."
            )
        self.path.chmod(0o700)

    def _make_secrets(self) -> None:
        text = json.dumps({field.name: _generate(field.name, field.type) for field in fields(Secrets)}, indent=1)
        handle, name = tempfile.mkstemp(dir=self.path, prefix=".secrets-")  # mkstemp gives 0600
        try:
            with os.fdopen(handle, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            # link fails when another process was first, and never shows a half-written file
            os.link(name, self.secrets_file)
            sync_folder(self.path)
        except FileExistsError:
            pass
        finally:
            Path(name).unlink()


def current_home() -> Home:
    """Return the home named by ``LIANFANG_HOME``, else ``lianfang`` in the user's data folder."""
    given = os.environ.get("LIANFANG_HOME")
    return Home(Path(given).expanduser().absolute() if given else user_data_path("lianfang"))


def _generate(name: str, kind: object) -> str:
    if name == "installation":
        return random.token_hex(6)
    return random.token_hex(KEY_BYTES) if kind is bytes else random.token_urlsafe(48)


def _read_json(path: Path) -> dict[str, str]:
    try:
        stored = json.loads(path.read_text())
        if isinstance(stored, dict):
            return stored
        reason = "it is not a list of named secrets"
    except (OSError, ValueError) as error:
        reason = str(error)
    raise SecretUnreadable(
        f"The secrets in {path} cannot be read: {reason}. Put the file back from your copy of the keys; "
        "new ones would make every encrypted record unreadable."
    )


def _secret(name: str, kind: object, stored: dict[str, str], home: Home) -> Any:
    variable = f"LIANFANG_{name.upper()}_FILE"
    given = os.environ.get(variable) if name != "installation" else None
    place = f"the file {given} (named by {variable})" if given else f"{home.secrets_file}, field {name}"
    try:
        text = Path(given).read_text().strip() if given else stored[name]
    except KeyError:
        raise SecretUnreadable(f"{home.secrets_file} has no field {name}. Put it back from your copy.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SecretUnreadable(f"The secret {name} cannot be read from {place}: {error}.") from error
    if not isinstance(text, str) or not text:
        raise SecretUnreadable(f"The secret {name} is empty in {place}.")
    return _key(name, text, place) if kind is bytes else text


def _key(name: str, text: str, place: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise SecretUnreadable(
            f"The key {name} in {place} is not {KEY_BYTES} bytes, written as {2 * KEY_BYTES} hex digits."
        )
    return key


def sync_folder(path: Path) -> None:
    """Make what was written into a folder survive a loss of power."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
