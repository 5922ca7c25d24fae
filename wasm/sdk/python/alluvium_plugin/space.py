"""The namespace of typed state: what all kinds of typed state do with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from .context import Context
from .description import Clock, Namespace
from .keys import K, Keys
from .refused import Refused

if TYPE_CHECKING:
    from typing_extensions import Self

V = TypeVar("V")

Read = Callable[[bytes], V]
"""Reads a value. Its `ValueError` says what is wrong with the bytes."""


class TypedState:
    """One piece of typed state, in a namespace of its own."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        """Its namespace, for the operator's description."""

    def expires(self, clock: Clock, after: timedelta) -> Self:
        """Has entries go away by themselves, so long after they were changed. Returns the state itself."""
        self.namespace = self.namespace.expiring(clock, after)
        return self

    def _get(self, key: bytes, context: Context, read: Read[V]) -> V | None:
        """Returns the value of a key."""
        raw = context.get(self.namespace.name, key)
        return None if raw is None else self._value(raw, read)

    def _set(self, key: bytes, value: bytes | None, context: Context) -> None:
        """Sets a key to a value, or deletes it."""
        context.set(self.namespace.name, key, value)

    def _page(self, start: bool, limit: int, context: Context, keys: Keys[K], read: Read[V]) -> list[tuple[K, V]]:
        """Returns a page of the entries."""
        page = context.page(self.namespace.name, start, limit)
        return [(self._key(raw, keys), self._value(value, read)) for raw, value in page]

    def _key(self, raw: bytes, keys: Keys[K]) -> K:
        key = keys.read(raw)
        if key is None:
            raise self._wrong("a key of another type")
        return key

    def _value(self, raw: bytes, read: Read[V]) -> V:
        try:
            return read(raw)
        except ValueError as what:
            raise self._wrong(str(what)) from None

    def _wrong(self, what: str) -> Refused:
        """Says what is wrong with an entry, and where."""
        return Refused(f"{self.namespace.name}: {what}")
