"""Windows by event time: tumbling, sliding, and sessions.

All windows of a key are one entry of the state, and each window has a timer for its end. So both belong to the key
when the state is divided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Generic, TypeVar

from ..aggregates import Aggregate, Count, Max, Mean, Min, Number, Sum
from ..keys import K, Keys
from ..placing import key_type
from ..rows import Row, time_of
from ..times import Time, hours, in_ms, minutes
from ..top import Top
from .assign import Assign, Gap, Steps, Window
from .windowed import Windowed

__all__ = ["Keyed", "Session", "Sliding", "Tumbling", "Window", "Windowed"]

R = TypeVar("R", bound=Row)
W = TypeVar("W", bound="_Windows")

# A record is in at most so many windows: a shorter step counts as this part of the length.
WINDOWS_MAX = 1_000


@dataclass(frozen=True)
class _Windows:
    _assign: Assign
    _lateness_ms: int = 0

    def lateness(self: W, lateness: timedelta) -> W:
        """Allows records to come so much later than the end of their window.

        The result is emitted at the end, and again when the watermark moves next after such a record. Without it, none
        may come later.
        """
        return replace(self, _lateness_ms=in_ms(lateness))

    def by(
        self,
        row: type[R],
        key: Callable[[R], K],
        *,
        at: Callable[[R], Time | None] | None = None,
        of: type[K] | None = None,
    ) -> Keyed[R]:
        """Takes the key of each record from its row, and its time: the field of the type `Time`, or what `at` returns.

        A record without a time is refused. The key is a text, a whole number, or a tuple of these. Its type must be
        known before there is a key. It is what the annotation of the function says, or what the function returns for a
        row of empty and zero fields. If neither says it, `of` does, as `of=tuple[str, int]`.
        """
        return Keyed(self._assign, self._lateness_ms, row, key, at or time_of, Keys(of or key_type(row, key)))


class Tumbling(_Windows):
    """Windows of one length, each beginning where the one before it ends.

    They begin at multiples of their length since 1970.
    """

    @classmethod
    def of(cls, length: timedelta) -> Tumbling:
        """Returns windows of this length. Less than a millisecond counts as one."""
        length_ms = max(in_ms(length), 1)
        return cls(Steps(length_ms, length_ms))

    @classmethod
    def hours(cls, number: int) -> Tumbling:
        """Returns windows of so many hours."""
        return cls.of(hours(number))

    @classmethod
    def minutes(cls, number: int) -> Tumbling:
        """Returns windows of so many minutes."""
        return cls.of(minutes(number))


class Sliding(_Windows):
    """Windows of one length that overlap, because a window begins after each step."""

    @classmethod
    def of(cls, length: timedelta, step: timedelta) -> Sliding:
        """Returns windows of a length, of which one begins after each step.

        Less than a millisecond counts as one, and a record is in at most 1,000 windows: a shorter step counts as a
        thousandth of the length.
        """
        length_ms = max(in_ms(length), 1)
        return cls(Steps(length_ms, max(in_ms(step), length_ms // WINDOWS_MAX, 1)))


class Session(_Windows):
    """Windows that begin with a record and end when no other has come for a gap."""

    @classmethod
    def gap(cls, gap: timedelta) -> Session:
        """Returns sessions that end after this gap."""
        return cls(Gap(max(in_ms(gap), 1)))


@dataclass(frozen=True)
class Keyed(Generic[R]):
    """Windows for each key, before it is said what they compute."""

    _assign: Assign
    _lateness_ms: int
    _row: type[R]
    _key: Callable[[R], Any]
    _at: Callable[[R], Time | None]
    _keys: Keys[Any]

    def aggregate(self, aggregate: Aggregate[R, Any]) -> Windowed[R]:
        """Computes an aggregate."""
        return Windowed(
            assign=self._assign,
            lateness_ms=self._lateness_ms,
            row=self._row,
            key=self._key,
            at=self._at,
            keys=self._keys,
            aggregate=aggregate,
        )

    def count(self) -> Windowed[R]:
        """Counts the records."""
        return self.aggregate(Count())

    def sum(self, number: Number[R]) -> Windowed[R]:
        """Adds up a number of each record, in their order. Records without it are passed over."""
        return self.aggregate(Sum(number))

    def mean(self, number: Number[R]) -> Windowed[R]:
        """Computes the mean of a number of each record. Records without it are passed over."""
        return self.aggregate(Mean(number))

    def min(self, number: Number[R]) -> Windowed[R]:
        """Finds the least of a number of each record. Records without it are passed over."""
        return self.aggregate(Min(number))

    def max(self, number: Number[R]) -> Windowed[R]:
        """Finds the greatest of a number of each record. Records without it are passed over."""
        return self.aggregate(Max(number))

    def top(self, limit: int, item: Callable[[R], K], *, of: type[K] | None = None) -> Windowed[R]:
        """Finds the most frequent items of the records.

        Each record has one: a text, a whole number, or a tuple of these. Its type is found like that of the key.
        """
        return self.aggregate(Top(limit, item, of or key_type(self._row, item, "top(…, of=str)")))
