"""Identifiers are kept encrypted (AES-256-GCM) and found by a keyed hash that differs from county to county."""

import base64
import hashlib
import hmac
import os
import uuid
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12
#: what every resident's code begins with, so that a scanner tells it from a tube's
CODE_MARK = "LF1:"


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

    def printed_code(self, resident: uuid.UUID, serial: int) -> str:
        """Return the code on a resident's card: ``LF1:`` and 24 letters (120 bits) that say nothing and nobody guesses.

        It follows from the county's key, so that it is printed again without being kept; the register knows its lookup.
        """
        digest = hmac.digest(self._county_key, f"code:{resident}:{serial}".encode(), "sha256")
        return CODE_MARK + base64.b32encode(digest[:15]).decode()

    @cached_property
    def _box(self) -> AESGCM:
        return AESGCM(self.data_key)

    @cached_property
    def _context(self) -> bytes:
        return str(self.county).encode()

    @cached_property
    def _county_key(self) -> bytes:
        return hmac.new(self.lookup_key, f"county:{self.county}".encode(), hashlib.sha256).digest()
