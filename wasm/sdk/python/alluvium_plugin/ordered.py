"""Keyed state in the order of its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from .code import Code
from .context import Context
from .description import Namespace, Ordered
from .keys import K, Keys, fixed, type_text
from .space import TypedState
from .typed import Codec

if TYPE_CHECKING:
    from typing_extensions import TypeForm

Owner = TypeVar("Owner", bound=int | Code)
V = TypeVar("V")

# A host counts the entries that it is asked for with 32 bits.
SCAN_MAX = 2**32 - 1


Span = tuple[bytes, bytes | None]
"""The bytes of keys from the first one, which belongs to a range, to the second, which does not."""


class OrderedMap(TypedState, Generic[Owner, K, V]):
    """Values by an owner and a key, in the order of the keys, in a namespace of its own.

    `OrderedMap("departures", Airport, Time, str)` has the departures of each airport by their times, where `Airport` is
    a `Code`. An owner always has as many bytes, so it is of a class of codes, an int or an `Unsigned`. The other types
    are those of a `Map`.

    The entries of an owner stay together when the state is divided, so `Operator.route` returns the bytes of the owner.
    Ranges of an owner cost what they find, however large the state is. A range is read from the host, so what waits in
    the cache is written before.

    The bounds of a range have names: `at_least` and `at_most` belong to it, `above` and `below` do not. Without a
    bound, it has all keys of the owner on that side. The last five departures before noon, the last one first, are
    `departures.range(airport, context, below=noon, limit=5, reverse=True)`.
    """

    def __init__(self, name: str, owner: type[Owner], key: type[K], value: TypeForm[V]) -> None:
        form = fixed(owner)
        if form is None or not issubclass(form.of, (int, Code)):
            what = "an owner always has as many bytes, so its type is int, Unsigned or a class of codes"
            raise TypeError(f"{name}: {what}, and not {type_text(owner)}")
        super().__init__(Namespace(name, Ordered(form.length)))
        self._owners, self._keys, self._values = Keys(owner), Keys(key), Codec(value)
        self._owner_length = form.length

    def get(self, owner: Owner, key: K, context: Context) -> V | None:
        """Returns the value of a key, or None if there is none."""
        return self._get(self._bytes(owner, key), context, self._values.read)

    def set(self, owner: Owner, key: K, value: V, context: Context) -> None:
        """Sets the value of a key."""
        self._set(self._bytes(owner, key), self._values.text(value).encode(), context)

    def delete(self, owner: Owner, key: K, context: Context) -> None:
        """Deletes a key."""
        self._set(self._bytes(owner, key), None, context)

    def range(
        self,
        owner: Owner,
        context: Context,
        *,
        at_least: K | None = None,
        above: K | None = None,
        at_most: K | None = None,
        below: K | None = None,
        reverse: bool = False,
        limit: int,
    ) -> list[tuple[K, V]]:
        """Returns the first entries of a range of an owner, and with `reverse` the last ones, the last one first.

        There are at most `limit` of them. A range that ends before it begins has none.
        """
        if limit < 0:
            raise ValueError(f"{limit} is no number of entries")
        start, end = self._span(owner, at_least, above, at_most, below)
        found: list[tuple[K, V]] = []
        # The host may return fewer entries than it is asked for, so that an answer does not become too large.
        while len(found) < limit and not _is_empty(start, end):
            left = min(limit - len(found), SCAN_MAX)
            page = context.scan(self.namespace.name, start, end, reverse=reverse, limit=left)
            if not page:
                break
            last, _ = page[-1]
            start, end = (start, last) if reverse else (_successor(last), end)
            found += [(self._key_of(raw), self._value(value, self._values.read)) for raw, value in page]
        return found

    def delete_range(
        self,
        owner: Owner,
        context: Context,
        *,
        at_least: K | None = None,
        above: K | None = None,
        at_most: K | None = None,
        below: K | None = None,
    ) -> int:
        """Deletes a range of an owner, and returns how many entries there were."""
        start, end = self._span(owner, at_least, above, at_most, below)
        return 0 if _is_empty(start, end) else context.delete_range(self.namespace.name, start, end)

    def _bytes(self, owner: Owner, key: K) -> bytes:
        return self._owners.write(owner) + self._keys.write(key)

    def _key_of(self, raw: bytes) -> K:
        return self._key(raw[self._owner_length :], self._keys)

    def _span(self, owner: Owner, at_least: K | None, above: K | None, at_most: K | None, below: K | None) -> Span:
        """Returns the bytes of a range."""
        if (at_least is not None and above is not None) or (at_most is not None and below is not None):
            raise TypeError("a range has one bound on each side: at_least or above, and at_most or below")
        start = self._owners.write(owner)
        end = _end_of(start)
        if at_least is not None:
            start = self._bytes(owner, at_least)
        elif above is not None:
            start = _successor(self._bytes(owner, above))
        if at_most is not None:
            end = _successor(self._bytes(owner, at_most))
        elif below is not None:
            end = self._bytes(owner, below)
        return start, end


def _successor(key: bytes) -> bytes:
    """Returns the least key that is greater."""
    return key + b"\0"


def _end_of(start: bytes) -> bytes | None:
    """Returns the least bytes that no key with this beginning reaches, if there are such bytes."""
    kept = start.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None


def _is_empty(start: bytes, end: bytes | None) -> bool:
    return end is not None and end <= start
