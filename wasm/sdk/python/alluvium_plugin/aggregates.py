"""What windows compute of their records."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar, get_origin

from .json_text import float_text, int_text
from .typed import Codec

R = TypeVar("R")
T = TypeVar("T")

Number = Callable[[R], "float | None"]
"""A function that returns a number of a record, or None if the record has none."""

COUNT = struct.Struct("<Q")
COUNTED = struct.Struct("<Qd")

# Machines differ in the bits of what is no number, and those bits are a part of the state.
NAN_BYTES = bytes.fromhex("000000000000f87f")


class Aggregate(ABC, Generic[R, T]):
    """Computes a value of many records, one by one.

    What it keeps meanwhile, a `T`, is a part of the state. Its bytes must be the same for the same records in the same
    order.
    """

    @abstractmethod
    def begin(self) -> T:
        """Begins without a record."""

    @abstractmethod
    def add(self, kept: T, row: R) -> T:
        """Takes a record, and returns what is kept then."""

    @abstractmethod
    def join(self, kept: T, later: T) -> T:
        """Joins two, of which the first has the earlier records."""

    @abstractmethod
    def value(self, kept: T) -> str:
        """Returns the value, as JSON: `to_json` makes it."""

    @abstractmethod
    def write(self, kept: T) -> bytes:
        """Writes what it keeps."""

    @abstractmethod
    def read(self, raw: bytes) -> T:
        """Reads what it keeps. A `ValueError` says that the bytes are none."""


class Count(Aggregate[Any, int]):
    """Counts the records. It keeps eight bytes, little-endian."""

    def begin(self) -> int:
        return 0

    def add(self, kept: int, row: Any) -> int:
        return kept + 1

    def join(self, kept: int, later: int) -> int:
        return kept + later

    def value(self, kept: int) -> str:
        return int_text(kept)

    def write(self, kept: int) -> bytes:
        return COUNT.pack(kept)

    def read(self, raw: bytes) -> int:
        if len(raw) != COUNT.size:
            raise ValueError("a count has eight bytes")
        count: int = COUNT.unpack(raw)[0]
        return count


Counted = tuple[int, float]
"""A count, and a number that was computed of so many."""


class Numbers(Aggregate[R, Counted]):
    """Computes a number of a number of each record.

    Records without the number are passed over, and without any the value is null. It keeps a count and a number of
    eight bytes each, little-endian.
    """

    def __init__(self, number: Number[R]) -> None:
        self._number = number

    @abstractmethod
    def joined(self, before: float, number: float) -> float:
        """Returns what comes of two numbers, of which the first is the earlier one."""

    def begin(self) -> Counted:
        return 0, 0.0

    def add(self, kept: Counted, row: R) -> Counted:
        number = self._number(row)
        if number is None:
            return kept
        if not isinstance(number, (int, float)):
            raise TypeError(f"{number!r} is no number")
        return self.join(kept, (1, float(number)))

    def join(self, kept: Counted, later: Counted) -> Counted:
        if later[0] == 0 or kept[0] == 0:
            return later if kept[0] == 0 else kept
        return kept[0] + later[0], self.joined(kept[1], later[1])

    def value(self, kept: Counted) -> str:
        return float_text(kept[1]) if kept[0] else "null"

    def write(self, kept: Counted) -> bytes:
        count, number = kept
        return COUNTED.pack(count, number) if number == number else COUNT.pack(count) + NAN_BYTES

    def read(self, raw: bytes) -> Counted:
        if len(raw) != COUNTED.size:
            raise ValueError("a count and a number have sixteen bytes")
        count, number = COUNTED.unpack(raw)
        return count, number


class Sum(Numbers[R]):
    """Adds up a number of each record, in their order."""

    def joined(self, before: float, number: float) -> float:
        return before + number


class Mean(Sum[R]):
    """Computes the mean of a number of each record."""

    def value(self, kept: Counted) -> str:
        return float_text(kept[1] / kept[0]) if kept[0] else "null"


class Min(Numbers[R]):
    """Finds the least of a number of each record, and of equal ones the first."""

    def joined(self, before: float, number: float) -> float:
        return number if number < before else before


class Max(Numbers[R]):
    """Finds the greatest of a number of each record, and of equal ones the first."""

    def joined(self, before: float, number: float) -> float:
        return number if number > before else before


class Fold(Aggregate[R, T]):
    """Computes a value of your own, which takes records one by one. It is kept as JSON.

    `Fold(list[str], add, join)` begins with an empty list. `add` takes what is kept and a record, `join` two that are
    kept, of which the second has the later records, and both return what is kept then. They may change what they are
    given. The type is one that `Codec` knows and that can be made of nothing.
    """

    def __init__(self, of: type[T], add: Callable[[T, R], T], join: Callable[[T, T], T]) -> None:
        self._codec = Codec(of)
        self._make: Callable[[], T] = get_origin(of) or of
        self._add, self._join = add, join

    def begin(self) -> T:
        return self._make()

    def add(self, kept: T, row: R) -> T:
        return self._add(kept, row)

    def join(self, kept: T, later: T) -> T:
        return self._join(kept, later)

    def value(self, kept: T) -> str:
        return self._codec.text(kept)

    def write(self, kept: T) -> bytes:
        return self._codec.text(kept).encode()

    def read(self, raw: bytes) -> T:
        return self._codec.read(raw)
