"""Keyed state that the engine merges: a change does not read what is there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from .context import Context
from .description import Merge, Namespace
from .keys import K, Keys
from .merges import NUMBER_BYTES, set_bytes, set_elements
from .space import TypedState
from .times import I64_MAX, I64_MIN

E = TypeVar("E")
"""What is merged into a value."""
V = TypeVar("V")
"""The value."""

OTHER_TYPE = "a value of another type"


class MergeOperator(ABC, Generic[E, V]):
    """How values are merged, and what they are."""

    how: Merge
    """The engine's operator."""

    @abstractmethod
    def write(self, operand: E) -> bytes:
        """Returns the bytes of what is merged into a value."""

    @abstractmethod
    def read(self, raw: bytes) -> V:
        """Reads a value. A `ValueError` says that the bytes are none."""


class Add(MergeOperator[int, int]):
    """Adds whole numbers. A sum that leaves the range of 64 bits wraps around."""

    how = Merge.ADD

    def write(self, operand: int) -> bytes:
        if not isinstance(operand, int) or isinstance(operand, bool):
            raise TypeError(f"a whole number is added, and not {operand!r}")
        if not I64_MIN <= operand <= I64_MAX:
            raise OverflowError(f"{operand} does not fit 64 bits")
        return int.to_bytes(operand, NUMBER_BYTES, "little", signed=True)

    def read(self, raw: bytes) -> int:
        if len(raw) != NUMBER_BYTES:
            raise ValueError(OTHER_TYPE)
        return int.from_bytes(raw, "little", signed=True)


class _Extreme(MergeOperator[K, K]):
    def __init__(self, of: type[K]) -> None:
        self._keys = Keys(of)

    def write(self, operand: K) -> bytes:
        return self._keys.write(operand)

    def read(self, raw: bytes) -> K:
        return _read(raw, self._keys)


class Least(_Extreme[K]):
    """Keeps the least value of a type, which is one of keys: `Least(Time)`."""

    how = Merge.MIN


class Greatest(_Extreme[K]):
    """Keeps the greatest value of a type, which is one of keys: `Greatest(tuple[int, str])`."""

    how = Merge.MAX


class Append(MergeOperator[bytes, bytes]):
    """Writes bytes behind those that are there. A value grows with each of them, so something must delete it."""

    how = Merge.APPEND

    def write(self, operand: bytes) -> bytes:
        if not isinstance(operand, bytes):
            raise TypeError(f"bytes are appended, and not {operand!r}")
        return operand

    def read(self, raw: bytes) -> bytes:
        return raw


class Union(MergeOperator[K, list[K]]):
    """Adds an element to a set. The elements are of a type of keys: `Union(str)`.

    The value is a list of the elements in their order, because the order of a Python set differs from run to run.
    """

    how = Merge.SET_UNION

    def __init__(self, of: type[K]) -> None:
        self._keys = Keys(of)

    def write(self, operand: K) -> bytes:
        return set_bytes([self._keys.write(operand)])

    def read(self, raw: bytes) -> list[K]:
        # The order of the bytes is that of the elements.
        return [_read(element, self._keys) for element in sorted(set_elements(raw))]


class Merged(TypedState, Generic[K, E, V]):
    """Values by key that the engine merges, in a namespace of its own: sums, extremes, sets.

    `Merged("miles", str, Add())` adds up whole numbers by texts. The operators are `Add`, `Least`, `Greatest`, `Append`
    and `Union`. A change does not read what is there, so a batch that only merges costs one write.
    """

    def __init__(self, name: str, key: type[K], operator: MergeOperator[E, V]) -> None:
        super().__init__(Namespace(name, merge=operator.how))
        self._keys, self._operator = Keys(key), operator

    def merge(self, key: K, operand: E, context: Context) -> None:
        """Merges an operand into the value of a key."""
        context.merge(self.namespace.name, [(self._keys.write(key), self._operator.write(operand))])

    def get(self, key: K, context: Context) -> V | None:
        """Returns the value of a key, or None if nothing was merged into it. What waits is merged before."""
        return self._get(self._keys.write(key), context, self._operator.read)

    def page(self, start: bool, limit: int, context: Context) -> list[tuple[K, V]]:
        """Returns a page of values in the order of their keys, for results.

        There are at most `limit` of them, and with `start` they are the first ones. An empty page is the end.
        """
        return self._page(start, limit, context, self._keys, self._operator.read)

    def delete(self, key: K, context: Context) -> None:
        """Deletes the value of a key."""
        self._set(self._keys.write(key), None, context)


def _read(raw: bytes, keys: Keys[K]) -> K:
    value = keys.read(raw)
    if value is None:
        raise ValueError(OTHER_TYPE)
    return value
