"""The entries of one namespace in memory, as the engine keeps them: in order, expiring, and merged."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import NamedTuple

from ..description import Hashed, Merge, Namespace, Ordered, Timers
from ..merges import merged, wrong_with
from ..refused import Refused
from ..times import I64_MAX, I64_MIN

KEY_BYTES_MAX = 65_535
VALUE_BYTES_MAX = 64 << 20
TIME_BYTES = 8

# The expiry time of an entry that was written before its clock showed a time. It begins to age when the clock does.
UNSET_MS = I64_MAX


class Stored(NamedTuple):
    """A value, and when it expires if the entries of its namespace do."""

    value: bytes
    expires_ms: int


class Space:
    """The entries of one namespace. `now_ms` is what its clock shows, which only those that expire need."""

    def __init__(self, declared: Namespace, number: int) -> None:
        self.declared = declared
        self.number = number
        self.now_ms: int | None = None
        self._entries: dict[bytes, Stored] = {}
        # The keys in order, for namespaces that are read in their order.
        self._order: list[bytes] | None = None if isinstance(declared.kind, Hashed) else []

    def copy(self) -> Space:
        """Returns the same entries, which change on their own from now on."""
        copied = Space(self.declared, self.number)
        copied.now_ms = self.now_ms
        copied._entries = dict(self._entries)
        copied._order = None if self._order is None else list(self._order)
        return copied

    def stored(self, key: bytes) -> Stored | None:
        """Returns what is stored for a key, whether it has expired or not."""
        return self._entries.get(key)

    def restore(self, key: bytes, stored: Stored | None) -> None:
        """Stores for a key what was stored before."""
        self.delete(key)
        if stored is not None:
            self._store(key, stored)

    def get(self, key: bytes) -> bytes | None:
        """Returns the value of a key, if it is there and has not expired."""
        stored = self._entries.get(key)
        return None if stored is None or self._is_gone(stored) else stored.value

    def put(self, key: bytes, value: bytes) -> None:
        """Sets the value of a key."""
        if len(key) > KEY_BYTES_MAX:
            raise Refused(f"key of {len(key)} bytes: at most {KEY_BYTES_MAX}")
        if len(value) > VALUE_BYTES_MAX:
            raise Refused(f"value of {len(value)} bytes: at most {VALUE_BYTES_MAX}")
        if self.declared.merge is not None:
            self._check(self.declared.merge, value)
        self._store(key, Stored(value, self._expiry()))

    def delete(self, key: bytes) -> bool:
        """Deletes a key, and returns whether it was there."""
        if self._entries.pop(key, None) is None:
            return False
        if self._order is not None:
            self._order.pop(bisect_left(self._order, key))
        return True

    def merge(self, key: bytes, value: bytes) -> None:
        """Merges a value into that of a key."""
        how = self.declared.merge
        if how is None:
            raise self._wrong("a merge, but the namespace does not declare how")
        self._check(how, value)
        before = self.get(key)
        self.put(key, value if before is None else merged(how, before, value))

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Yields the entries in the order of their keys."""
        for key in self._order if self._order is not None else sorted(self._entries):
            if not self._is_gone(self._entries[key]):
                yield key, self._entries[key].value

    def range(self, start: bytes, end: bytes | None) -> list[bytes]:
        """Returns the keys of a range of an ordered namespace, in their order."""
        if not isinstance(self.declared.kind, Ordered) or self._order is None:
            what = "only keys of ordered ones have ranges"
            raise Refused(f"namespace {self.number} is not ordered: {what}")
        last = len(self._order) if end is None else bisect_left(self._order, end)
        keys = self._order[bisect_left(self._order, start) : last]
        return [key for key in keys if not self._is_gone(self._entries[key])]

    def first(self) -> bytes | None:
        """Returns the first key of a namespace that holds timers."""
        return self._order[0] if self._order else None

    def begin_with(self, prefix: bytes, limit: int) -> list[bytes]:
        """Returns the first keys that begin with these bytes, in their order."""
        order = self._order or []
        at = bisect_left(order, prefix)
        return [key for key in order[at : at + limit] if key.startswith(prefix)]

    def check_holds_timers(self) -> None:
        """Checks that the namespace holds timers."""
        if not isinstance(self.declared.kind, Timers):
            raise Refused(f"namespace {self.number} does not hold timers")

    def clock_moved(self, now_ms: int) -> None:
        """Moves the clock by which entries expire. Those that were written before it showed a time age from now on."""
        self.now_ms = now_ms
        for key, stored in self._entries.items():
            if stored.expires_ms == UNSET_MS:
                self._entries[key] = Stored(stored.value, self._expiry())

    def _store(self, key: bytes, stored: Stored) -> None:
        if key not in self._entries and self._order is not None:
            insort(self._order, key)
        self._entries[key] = stored

    def _expiry(self) -> int:
        if self.declared.expires is None or self.now_ms is None:
            return UNSET_MS
        return min(self.now_ms + self.declared.expires[1], UNSET_MS - 1)

    def _is_gone(self, stored: Stored) -> bool:
        return self.declared.expires is not None and self.now_ms is not None and stored.expires_ms <= self.now_ms

    def _check(self, how: Merge, value: bytes) -> None:
        what = wrong_with(how, value)
        if what is not None:
            raise self._wrong(what)

    def _wrong(self, what: str) -> Refused:
        return Refused(f"namespace {self.number}: {what}")


def timer_key(at_ms: int, key: bytes) -> bytes:
    """Returns the key of a timer: its time, big-endian with its sign bit flipped, and the key that it is for."""
    if not I64_MIN <= at_ms <= I64_MAX:
        raise OverflowError(f"a timer at {at_ms} does not fit 64 bits")
    return (at_ms - I64_MIN).to_bytes(TIME_BYTES, "big") + key


def split_timer_key(stored: bytes) -> tuple[int, bytes]:
    """Splits the key of a timer into its time and the key that it is for."""
    return int.from_bytes(stored[:TIME_BYTES], "big") + I64_MIN, stored[TIME_BYTES:]
