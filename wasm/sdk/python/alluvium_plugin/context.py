"""What an operator works with during one call: its state, its clocks, its outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .host import Entry, Host, Level
from .json_text import to_json
from .times import Time

Parameters = Mapping[str, tuple[str, str | None]]
"""The values of parameters by name, and those of the checkpoint that the state comes from."""


class Context:
    """What an operator works with during one call.

    State is read through a cache and written at the end of the call: all reads that `prefetch` names are one call to
    the host, and so are all writes to a namespace. The cache does not outlive the call, because the host may undo it.
    """

    def __init__(self, host: Host, parameters: Parameters) -> None:
        self.host = host
        """The host, for what has no method here. It does not see what waits in the cache before `flush`."""
        self._parameters = parameters
        # The values of the keys that the call has touched, in the order in which it did, and which of them changed.
        self._caches: dict[int, dict[bytes, tuple[bytes | None, bool]]] = {}

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

    def set_timer(self, namespace: str, at: Time, key: bytes) -> None:
        """Sets a timer in the namespace of this name. `key_bytes` makes the bytes of a key."""
        self.host.set_timer(self.namespace(namespace), at.ms, key)

    def delete_timer(self, namespace: str, at: Time, key: bytes) -> bool:
        """Deletes a timer, and returns whether it was set."""
        return self.host.delete_timer(self.namespace(namespace), at.ms, key)

    def scan(
        self, namespace: str, start: bytes = b"", end: bytes | None = None, *, reverse: bool = False, limit: int
    ) -> list[Entry]:
        """Returns entries of an ordered namespace, from `start` up to `end`, which is not included.

        There are at most `limit` of them, and with `reverse` they come from the end. What this call has changed is
        seen.
        """
        self.flush()
        return self.host.scan(self.namespace(namespace), start, end, reverse, limit)

    def delete_range(self, namespace: str, start: bytes = b"", end: bytes | None = None) -> int:
        """Deletes entries of an ordered namespace, and returns how many there were."""
        self.flush()
        return self.host.delete_range(self.namespace(namespace), start, end)

    def merge(self, namespace: str, changes: Iterable[Entry]) -> None:
        """Merges values into those of keys, as the namespace declares it."""
        self.flush()
        self.host.merge(self.namespace(namespace), list(changes))

    def namespace(self, name: str) -> int:
        """Returns the number of a namespace."""
        return self.host.namespace(name)

    def prefetch(self, namespace: int, keys: Iterable[bytes]) -> None:
        """Reads entries that will be needed, all in one call to the host."""
        cache = self._caches.setdefault(namespace, {})
        missing = sorted({key for key in keys if key not in cache})
        if missing:
            values = self.host.get_many(namespace, missing)
            cache.update((key, (value, False)) for key, value in zip(missing, values, strict=True))

    def get(self, namespace: int, key: bytes) -> bytes | None:
        """Returns the value of a key."""
        self.prefetch(namespace, (key,))
        return self._caches[namespace][key][0]

    def set(self, namespace: int, key: bytes, value: bytes | None) -> None:
        """Sets a key to a value, or deletes it."""
        self._caches.setdefault(namespace, {})[key] = (value, True)

    def flush(self) -> None:
        """Writes what has changed. The end of each call does this."""
        caches, self._caches = self._caches, {}
        for namespace, cache in sorted(caches.items()):
            changes = [(key, value) for key, (value, is_changed) in cache.items() if is_changed]
            if changes:
                self.host.apply(namespace, changes)
