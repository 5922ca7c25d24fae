"""What an operator works with during one call: its state, its clocks, its outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .host import Entry, Host, Level
from .json_text import to_json
from .times import Time

Parameters = Mapping[str, tuple[str, str | None]]
"""The values of parameters by name, and those of the checkpoint that the state comes from."""


class Cache:
    """What a call has read of a namespace, and what it has changed there."""

    def __init__(self) -> None:
        # The values of the keys that were touched, in the order in which they were, and which of them changed.
        self.touched: dict[bytes, tuple[bytes | None, bool]] = {}
        # What will be merged, which is written before `touched`: a key that is in both was set after the merge.
        self.merges: list[Entry] = []


class Context:
    """What an operator works with during one call.

    State is read through a cache and written at the end of the call: all reads that `prefetch` names are one call to
    the host, and so are all writes to a namespace. The cache does not outlive the call, because the host may undo it.

    Every method that works in a namespace takes its name, or its number, which `namespace` returns.
    """

    def __init__(self, host: Host, parameters: Parameters) -> None:
        self.host = host
        """The host, for what has no method here. It does not see what waits in the cache before `flush`."""
        self._parameters = parameters
        self._caches: dict[int, Cache] = {}

    def parameter(self, name: str) -> str | None:
        """Returns the value of a parameter."""
        found = self._parameters.get(name)
        return None if found is None else found[0]

    def previous_parameter(self, name: str) -> str | None:
        """Returns the value that a parameter had in the checkpoint that the state comes from."""
        found = self._parameters.get(name)
        return None if found is None else found[1]

    def watermark(self) -> Time | None:
        """Returns the watermark: no record with an earlier time is expected."""
        ms = self.host.watermark()
        return None if ms is None else Time(ms)

    def processing_time(self) -> Time | None:
        """Returns the processing time."""
        ms = self.host.processing_time()
        return None if ms is None else Time(ms)

    def emit(self, output: int, record: Any) -> None:
        """Emits a line of JSON to an output, by its number."""
        self.host.emit(output, to_json(record).encode())

    def emit_bytes(self, output: int, record: bytes) -> None:
        """Emits a record as it is to an output, by its number."""
        self.host.emit(output, record)

    def log(self, level: Level, message: str) -> None:
        """Writes a message to the host's log."""
        self.host.log(level, message)

    def set_timer(self, namespace: str | int, at: Time, key: bytes) -> None:
        """Sets a timer. `key_bytes` makes the bytes of a key."""
        self.host.set_timer(self._number(namespace), at.ms, key)

    def delete_timer(self, namespace: str | int, at: Time, key: bytes) -> bool:
        """Deletes a timer, and returns whether it was set."""
        return self.host.delete_timer(self._number(namespace), at.ms, key)

    def scan(
        self, namespace: str | int, start: bytes = b"", end: bytes | None = None, *, reverse: bool = False, limit: int
    ) -> list[Entry]:
        """Returns entries of an ordered namespace, from `start` up to `end`, which is not included.

        There are at most `limit` of them, and with `reverse` they come from the end. The host may return fewer, so
        that an answer does not become too large. What this call has changed is seen.
        """
        number = self._number(namespace)
        self._flush_namespace(number)
        return self.host.scan(number, start, end, reverse, limit)

    def delete_range(self, namespace: str | int, start: bytes = b"", end: bytes | None = None) -> int:
        """Deletes entries of an ordered namespace, and returns how many there were."""
        number = self._number(namespace)
        self._flush_namespace(number)
        return self.host.delete_range(number, start, end)

    def page(self, namespace: str | int, start: bool, limit: int) -> list[Entry]:
        """Returns the next entries in the order of their keys, and with `start` the first ones, for results.

        What this call has changed is seen. An empty page is the end.
        """
        number = self._number(namespace)
        self._flush_namespace(number)
        return self.host.page(number, start, limit)

    def namespace(self, name: str) -> int:
        """Returns the number of a namespace."""
        return self.host.namespace(name)

    def prefetch(self, namespace: str | int, keys: Iterable[bytes]) -> None:
        """Reads entries that will be needed, all in one call to the host."""
        number = self._number(namespace)
        self._write_merges(number)
        touched = self._cache(number).touched
        missing = sorted({key for key in keys if key not in touched})
        if missing:
            values = self.host.get_many(number, missing)
            touched.update((key, (value, False)) for key, value in zip(missing, values, strict=True))

    def get(self, namespace: str | int, key: bytes) -> bytes | None:
        """Returns the value of a key."""
        number = self._number(namespace)
        self.prefetch(number, (key,))
        return self._cache(number).touched[key][0]

    def set(self, namespace: str | int, key: bytes, value: bytes | None) -> None:
        """Sets a key to a value, or deletes it."""
        self._cache(self._number(namespace)).touched[key] = (value, True)

    def merge(self, namespace: str | int, changes: Iterable[Entry]) -> None:
        """Merges values into those of keys, as the namespace declares it.

        They wait as other changes do, so a batch that only merges is one write. The host refuses a wrong value when it
        is written. `get` sees what waits.
        """
        number = self._number(namespace)
        for key, value in changes:
            cached = self._cache(number).touched.get(key)
            if cached is not None and cached[1]:
                # It is merged into what waits to be written.
                self._flush_namespace(number)
            elif cached is not None:
                # What was read is not the value any more.
                del self._cache(number).touched[key]
            self._cache(number).merges.append((key, value))

    def flush(self) -> None:
        """Writes what has changed. The end of each call does this."""
        for number in sorted(self._caches):
            self._flush_namespace(number)

    def _number(self, namespace: str | int) -> int:
        return namespace if isinstance(namespace, int) else self.namespace(namespace)

    def _cache(self, number: int) -> Cache:
        cache = self._caches.get(number)
        if cache is None:
            cache = self._caches[number] = Cache()
        return cache

    def _flush_namespace(self, number: int) -> None:
        """Writes what has changed in a namespace, and forgets what was read of it."""
        self._write_merges(number)
        cache = self._caches.pop(number, None)
        changes = [(key, value) for key, (value, is_changed) in cache.touched.items() if is_changed] if cache else []
        if changes:
            self.host.apply(number, changes)

    def _write_merges(self, number: int) -> None:
        cache = self._caches.get(number)
        if cache is not None and cache.merges:
            merges, cache.merges = cache.merges, []
            self.host.merge(number, merges)
