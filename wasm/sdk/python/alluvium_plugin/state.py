"""Typed state of operators: maps, single values, lists and counters, each in a namespace of its own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from .context import Context
from .description import Clock, Namespace
from .keys import K, Keys
from .space import TypedState
from .typed import Codec

if TYPE_CHECKING:
    from typing_extensions import TypeForm

V = TypeVar("V")

COUNT_MAX = 2**64 - 1

# How many entries are read at a time, if all are.
ENTRIES_PAGE = 1_000


class Map(TypedState, Generic[K, V]):
    """Values by key, in a namespace of its own.

    `Map("planes", str, int)` has texts as keys and whole numbers as values; `tuple[str, int]` is a key of two parts.
    Values are kept as JSON, so their type may be a dataclass, a list and so on: see `Codec`.

    Its entries belong to their keys when the state is divided. Reads and writes go through the cache of the `Context`:
    name the keys of a batch with `prefetch`, and the batch costs one read and one write.
    """

    def __init__(self, name: str, key: type[K], value: TypeForm[V]) -> None:
        super().__init__(Namespace(name))
        self._keys = Keys(key)
        self._values = Codec(value)

    def key_bytes(self, key: K) -> bytes:
        """Returns the bytes of a key, as a timer for it needs them."""
        return self._keys.write(key)

    def read_key(self, raw: bytes) -> K | None:
        """Reads a key from its bytes. `None` says that they are none."""
        return self._keys.read(raw)

    def prefetch(self, keys: Iterable[K], context: Context) -> None:
        """Reads the values of keys that will be needed, in one call to the host."""
        context.prefetch(self.namespace.name, [self._keys.write(key) for key in keys])

    def has(self, key: K, context: Context) -> bool:
        """Returns whether there is a value of a key, which may be None."""
        return context.get(self.namespace.name, self._keys.write(key)) is not None

    def get(self, key: K, context: Context) -> V | None:
        """Returns the value of a key, or None if there is none."""
        return self._get(self._keys.write(key), context, self._values.read)

    def page(self, start: bool, limit: int, context: Context) -> list[tuple[K, V]]:
        """Returns a page of entries in the order of their keys, for results.

        There are at most `limit` of them, and with `start` they are the first ones. An empty page is the end.
        """
        return self._page(start, limit, context, self._keys, self._values.read)

    def entries(self, context: Context) -> list[tuple[K, V]]:
        """Returns all entries, in the order of their keys, for a migration. All of them are in memory then."""
        every = page = self.page(True, ENTRIES_PAGE, context)
        while page:
            page = self.page(False, ENTRIES_PAGE, context)
            every += page
        return every

    def set(self, key: K, value: V, context: Context) -> None:
        """Sets the value of a key."""
        self._set(self._keys.write(key), self._values.text(value).encode(), context)

    def delete(self, key: K, context: Context) -> None:
        """Deletes a key."""
        self._set(self._keys.write(key), None, context)


class Value(Generic[V]):
    """One value of the whole operator. An operator with such a value cannot be divided by key."""

    def __init__(self, name: str, value: TypeForm[V]) -> None:
        self._map = Map(name, str, value)
        self.namespace = self._map.namespace
        """Its namespace, for the operator's description."""

    def get(self, context: Context) -> V | None:
        """Returns the value, if it was set."""
        return self._map.get("", context)

    def set(self, value: V, context: Context) -> None:
        """Sets the value."""
        self._map.set("", value, context)


class List(Generic[K, V]):
    """A list for each key: what was pushed last is at its end.

    A list is one value of the state, which a push reads and writes as a whole. So it is for some hundreds of items. For
    more, keep a map whose keys have a number as their last part.
    """

    def __init__(self, name: str, key: type[K], item: TypeForm[V]) -> None:
        self._map: Map[K, list[V]] = Map(name, key, list[item])  # type: ignore[valid-type]
        self.namespace = self._map.namespace
        """Its namespace, for the operator's description."""

    def expires(self, clock: Clock, after: timedelta) -> List[K, V]:
        """Has a list go away by itself, so long after something was pushed to it. Returns the lists themselves."""
        self.namespace = self._map.expires(clock, after).namespace
        return self

    def prefetch(self, keys: Iterable[K], context: Context) -> None:
        """Reads the lists of keys that will be needed, in one call to the host."""
        self._map.prefetch(keys, context)

    def push(self, key: K, item: V, context: Context) -> int:
        """Adds an item to the list of a key, and returns how many it has then."""
        items = [*self.get(key, context), item]
        self._map.set(key, items, context)
        return len(items)

    def get(self, key: K, context: Context) -> list[V]:
        """Returns the list of a key, which is empty if nothing was pushed."""
        return self._map.get(key, context) or []

    def take(self, key: K, context: Context) -> list[V]:
        """Returns the list of a key, and leaves none."""
        items = self.get(key, context)
        self._map.delete(key, context)
        return items


class Counter(Generic[K]):
    """A count for each key."""

    def __init__(self, name: str, key: type[K]) -> None:
        self._map = Map(name, key, int)
        self.namespace = self._map.namespace
        """Its namespace, for the operator's description."""

    def prefetch(self, keys: Iterable[K], context: Context) -> None:
        """Reads the counts of keys that will be needed, in one call to the host."""
        self._map.prefetch(keys, context)

    def add(self, key: K, count: int, context: Context) -> int:
        """Adds to the count of a key, and returns what it is then. A count stays at the largest of 64 bits."""
        if count < 0:
            raise ValueError(f"a count does not grow by {count}")
        total = min(self.get(key, context) + count, COUNT_MAX)
        self._map.set(key, total, context)
        return total

    def get(self, key: K, context: Context) -> int:
        """Returns the count of a key."""
        return self._map.get(key, context) or 0
