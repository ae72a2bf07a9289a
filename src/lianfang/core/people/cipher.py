"""Identifiers are kept encrypted (AES-256-GCM) and found by a keyed hash that differs from county to county."""

import hashlib
import hmac
import os
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12


@dataclass(frozen=True)
class Cipher:
    """The keys of one county: ``data_key`` opens what is stored, ``lookup_key`` only recognises it."""

    data_key: bytes
    lookup_key: bytes
    county: int

    def seal(self, text: str) -> bytes:
        """Return nonce and ciphertext of an identifier; two calls never give the same bytes."""
        nonce = os.urandom(NONCE)
        return nonce + self._box.encrypt(nonce, text.encode(), self._context)

    def open(self, sealed: bytes) -> str:
        """Return the identifier; raises `cryptography.exceptions.InvalidTag` for another key, county or damage."""
        return self._box.decrypt(sealed[:NONCE], sealed[NONCE:], self._context).decode()

    def lookup(self, text: str) -> bytes:
        """Return the 32 bytes under which the county finds an identifier again."""
        return hmac.new(self._county_key, text.strip().upper().encode(), hashlib.sha256).digest()

    @cached_property
    def _box(self) -> AESGCM:
        return AESGCM(self.data_key)

    @cached_property
    def _context(self) -> bytes:
        return str(self.county).encode()

    @cached_property
    def _county_key(self) -> bytes:
        return hmac.new(self.lookup_key, f"county:{self.county}".encode(), hashlib.sha256).digest()
