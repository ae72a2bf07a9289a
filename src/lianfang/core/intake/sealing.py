"""What is kept encrypted with the installation's own key: photos, and what the rules said to a parcel (AES-256-GCM)."""

import json
import os
import uuid
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE = 12


def seal_note(parcel: uuid.UUID, note: dict[str, str]) -> bytes:
    """Encrypt what the rules said to a parcel."""
    return _seal(b"note", parcel, json.dumps(note).encode())


def open_note(parcel: uuid.UUID, sealed: bytes) -> dict[str, Any]:
    """Return what the rules said to a parcel."""
    return dict(json.loads(_open(b"note", parcel, sealed)))


def seal_photo(photo: uuid.UUID, jpeg: bytes) -> bytes:
    """Encrypt a photo."""
    return _seal(b"photo", photo, jpeg)


def open_photo(photo: uuid.UUID, sealed: bytes) -> bytes:
    """Return a photo's JPEG."""
    return _open(b"photo", photo, sealed)


def _seal(what: bytes, id: uuid.UUID, content: bytes) -> bytes:
    nonce = os.urandom(NONCE)
    return nonce + _box().encrypt(nonce, content, what + id.bytes)


def _open(what: bytes, id: uuid.UUID, sealed: bytes) -> bytes:
    return _box().decrypt(sealed[:NONCE], sealed[NONCE:], what + id.bytes)


def _box() -> AESGCM:
    return AESGCM(settings.HOME.secrets.data_key)
