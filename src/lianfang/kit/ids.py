"""Identifiers made where the record is made: time-ordered for new records, derived for repeatable ones."""

import os
import time
import uuid

NAMESPACE = uuid.UUID("6c69616e-6661-4e67-8000-000000000001")


def new_id() -> uuid.UUID:
    """Return a UUIDv7 (RFC 9562): 48 bits of machine milliseconds, then 74 random bits.

    Ids keep B-tree pages warm; they are never used to order records, because phones' clocks differ.
    """
    millis = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    value = (millis & (1 << 48) - 1) << 80 | 0x7 << 76 | (tail >> 68 & 0xFFF) << 64
    value |= 0b10 << 62 | tail & (1 << 62) - 1
    return uuid.UUID(int=value)


def derived_id(*parts: object) -> uuid.UUID:
    """Return the same UUIDv5 for the same parts, so that a step repeated after a crash is recognised."""
    return uuid.uuid5(NAMESPACE, "\x1f".join(str(part) for part in parts))
