"""Token buckets of many keys in one memory-mapped file, shared by all processes of a machine without a lock."""

import hashlib
import mmap
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from lianfang.kit.clock import machine_seconds

#: a key's fingerprint, and the machine time (seconds) at which its bucket will be full again
SLOT = struct.Struct("<Qd")
#: neighbours in which a key may lie: four fill one line of a processor's cache
WAYS = 4
SLOTS = 1 << 17
#: no bucket takes longer to fill (seconds): one that says so was written under another clock
LONGEST = 3600.0


@dataclass(frozen=True)
class Rate:
    """How much may pass: ``burst`` at once, ``per_second`` for ever; an empty bucket fills within an hour."""

    per_second: float
    burst: float

    @classmethod
    def read(cls, text: str) -> "Rate":
        """Read ``20/300``: twenty a second, three hundred at once; raises `ValueError` with a sentence."""
        try:
            per_second, burst = (float(part) for part in text.split("/"))
        except ValueError:
            raise ValueError(f"{text!r} is no rate: write it like 20/300, twenty a second and 300 at once") from None
        if not (0 < per_second < 1e9 and 1 <= burst <= per_second * LONGEST):
            raise ValueError(f"{text!r} is no rate: at least one must pass at once, and no more than in an hour")
        return cls(per_second, burst)


class RateStore:
    """Token buckets in a file of 2 MB, about 3 µs for each question.

    Two processes that write at the same instant lose one of the two counts, and a key that finds no free place drives
    out the neighbour that is nearest to full: both only ever let more pass. The file holds fingerprints, never keys.
    """

    def __init__(self, path: Path, slots: int = SLOTS) -> None:
        """Open or make the file (0600); ``slots`` is a power of two."""
        self._mask = slots - 1
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(handle, slots * SLOT.size)
            self._memory = mmap.mmap(handle, slots * SLOT.size)
        finally:
            os.close(handle)

    def take(self, key: bytes, rate: Rate, cost: float = 1.0) -> float:
        """Take ``cost`` from the bucket of a key: 0 when it passes, else the seconds to wait before it would.

        What costs more than a whole bucket passes when the bucket is full, and is paid for afterwards.
        """
        return self._ask(key, rate, cost, take=True)

    def wait(self, key: bytes, rate: Rate, cost: float = 1.0) -> float:
        """Return what `take` would, and take nothing."""
        return self._ask(key, rate, cost, take=False)

    def give_back(self, key: bytes, rate: Rate, cost: float) -> None:
        """Put back what was taken for something that turned out to cost less."""
        tag = _tag(key)
        offset, full_at = self._place(tag)
        SLOT.pack_into(self._memory, offset, tag, full_at - cost / rate.per_second)

    def refill(self, key: bytes) -> None:
        """Fill the bucket of a key."""
        tag = _tag(key)
        SLOT.pack_into(self._memory, self._place(tag)[0], tag, 0.0)

    def _ask(self, key: bytes, rate: Rate, cost: float, *, take: bool) -> float:
        tag, now = _tag(key), machine_seconds()
        offset, full_at = self._place(tag)
        if not now <= full_at <= now + LONGEST:
            full_at = now
        after = full_at + cost / rate.per_second
        late = after - now - rate.burst / rate.per_second
        if late > 1e-9 and full_at > now:
            return min(late, full_at - now)
        if take:
            SLOT.pack_into(self._memory, offset, tag, min(after, now + LONGEST))
        return 0.0

    def _place(self, tag: int) -> tuple[int, float]:
        """Return where a key's bucket lies and when it is full; a key without one takes its fullest neighbour's."""
        first = tag & self._mask
        oldest, best = float("inf"), first
        for way in range(WAYS):
            place = (first ^ way) * SLOT.size
            known, full_at = SLOT.unpack_from(self._memory, place)
            if known == tag:
                return place, full_at
            if full_at < oldest:
                oldest, best = full_at, place
        return best, 0.0


def _tag(key: bytes) -> int:
    # never 0, which is an empty place
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little") | 1 << 63
