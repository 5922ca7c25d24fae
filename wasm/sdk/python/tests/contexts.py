"""Contexts over a host that notes what it is asked, for the tests of state."""

from __future__ import annotations

from typing import Any

from alluvium_plugin import Context, Description
from alluvium_plugin.harness.host import Kept, MemoryHost


class Counting(MemoryHost):
    """Notes what it is asked."""

    calls: list[Any]

    def get_many(self, namespace: int, keys: Any) -> Any:
        self.calls.append(("get", namespace, list(keys)))
        return super().get_many(namespace, keys)

    def apply(self, namespace: int, changes: Any) -> None:
        self.calls.append(("apply", namespace, list(changes)))
        super().apply(namespace, changes)

    def merge(self, namespace: int, changes: Any) -> None:
        self.calls.append(("merge", namespace, list(changes)))
        super().merge(namespace, changes)

    def scan(self, namespace: int, start: bytes, end: bytes | None, reverse: bool, limit: int) -> Any:
        self.calls.append(("scan", namespace, limit))
        return super().scan(namespace, start, end, reverse, limit)

    def delete_range(self, namespace: int, start: bytes, end: bytes | None) -> int:
        self.calls.append(("delete", namespace))
        return super().delete_range(namespace, start, end)


def context_of(described: Description) -> tuple[Context, Counting]:
    """Returns a context over an empty state, and its host."""
    host = Counting(described, Kept({}, {}, {}))
    host.calls = []
    return Context(host, {}), host
