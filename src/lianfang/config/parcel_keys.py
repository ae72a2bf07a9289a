"""The key pairs that phones seal their parcels to: made on first start, rotated by a command, old ones kept to open.

``parcel-keys.json`` in the home (0600), newest first: [{"private": 64 hex digits, "made_at": instant}]. Installations with
several web nodes give the same file to each, as ``LIANFANG_PARCEL_KEYS_FILE``.
"""

import json
import os
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from lianfang.config.home import Home, SecretUnreadable, sync_folder
from lianfang.kit.clock import machine_now
from lianfang.kit.parcels import key_id, new_private_key, public_key

VARIABLE = "LIANFANG_PARCEL_KEYS_FILE"


@dataclass(frozen=True)
class ParcelKey:
    """One key pair: what opens parcels stays here, what seals them goes to every phone."""

    private: bytes = field(repr=False)
    made_at: datetime

    @cached_property
    def public(self) -> bytes:
        """The public key: 65 bytes, uncompressed."""
        return public_key(self.private)

    @cached_property
    def id(self) -> str:
        """The 16 hex digits by which parcels name the key."""
        return key_id(self.public)


@dataclass
class ParcelKeys:
    """The key pairs of one installation as this process sees them: read anew when another process rotated them."""

    home: Home
    _seen: tuple[int, int] = (0, 0)
    _keys: tuple[ParcelKey, ...] = ()

    @property
    def file(self) -> Path:
        """The file of key pairs."""
        given = os.environ.get(VARIABLE)
        return Path(given) if given else self.home.path / "parcel-keys.json"

    def all(self) -> tuple[ParcelKey, ...]:
        """Return every key pair, newest first; the first one is made when there is none."""
        if not self.file.exists():
            self._make_first()
        state = self.file.stat()
        if (state.st_mtime_ns, state.st_ino) != self._seen:
            self._keys = _read(self.file)
            self._seen = (state.st_mtime_ns, state.st_ino)
        return self._keys

    def newest(self) -> ParcelKey:
        """Return the key pair that phones seal to from now on."""
        return self.all()[0]

    def opening(self) -> dict[str, bytes]:
        """Return the private keys by their ids."""
        return {key.id: key.private for key in self.all()}

    def rotate(self) -> ParcelKey:
        """Add a new key pair in front; the others stay, to open what is on its way."""
        with self.home.lock():
            fresh = ParcelKey(new_private_key(), machine_now())
            name = _written(self.file.parent, (fresh, *self.all()))
            Path(name).replace(self.file)
            sync_folder(self.file.parent)
        return fresh

    def _make_first(self) -> None:
        if os.environ.get(VARIABLE):
            raise SecretUnreadable(f"The key pairs for parcels named by {VARIABLE} are not in {self.file}.")
        self.home.ensure()
        name = _written(self.home.path, (ParcelKey(new_private_key(), machine_now()),))
        try:
            os.link(name, self.file)  # fails when another process was first, and never shows a half-written file
            sync_folder(self.home.path)
        except FileExistsError:
            pass
        finally:
            Path(name).unlink()


def _written(folder: Path, keys: tuple[ParcelKey, ...]) -> str:
    handle, name = tempfile.mkstemp(dir=folder, prefix=".parcel-keys-")  # mkstemp gives 0600
    with os.fdopen(handle, "w") as file:
        json.dump([{"private": key.private.hex(), "made_at": key.made_at.isoformat()} for key in keys], file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    return name


def _read(path: Path) -> tuple[ParcelKey, ...]:
    try:
        keys = tuple(
            ParcelKey(bytes.fromhex(row["private"]), datetime.fromisoformat(row["made_at"]))
            for row in json.loads(path.read_text())
        )
        if keys and all(key.id for key in keys):
            return keys
        reason = "it holds no key pair"
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
    raise SecretUnreadable(
        f"The key pairs for parcels in {path} cannot be read ({reason}). Put the file back from your copy of the keys; "
        "with a new one, what phones have sealed already could not be opened."
    )
