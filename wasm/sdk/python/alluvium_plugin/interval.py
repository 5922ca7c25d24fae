"""The join of two streams whose records are near in time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import make_dataclass
from datetime import timedelta
from typing import Any, TypeVar

from .batches import Batch
from .context import Context
from .description import Description
from .keys import K, type_text
from .operator import Operator
from .placing import Placed, Placing
from .rows import Row
from .state import Map
from .times import Time, in_ms
from .windows.assign import saturated

L = TypeVar("L", bound=Row)
R = TypeVar("R", bound=Row)

# The namespace of the records that others may still join, and that of when none can.
OPEN = "open"
ENDS = "ends"

# The inputs by number.
LEFT = 0
RIGHT = 1

# The outputs by number.
JOINED = 0
LATE = 1


class IntervalJoin(Operator):
    """An operator that joins the records of two streams that have the same key and times that are near.

    It has the inputs `left` and `right`. Each pair whose right time is not earlier than the left one by more than
    `before`, and not later by more than `after`, is a line `{"key": …, "left": …, "right": …}` of the output `joined`,
    with both rows in JSON. It is emitted when the second of the two has come. With `outer`, a left record that found
    none is such a line, too, without a right one, when the watermark says that none will come. A record that comes
    later than the watermark by more than the lateness is a line `{"key": …, "time": …}` of the output `late`, because
    what it would join may be gone.

    For each key it keeps the records that others may still join, as JSON, with a timer for when none can.
    """

    def __init__(self, left: Placing[Any], right: Placing[Any]) -> None:
        if left.keys.of != right.keys.of:
            types = f"{type_text(left.keys.of)} and {type_text(right.keys.of)}"
            raise TypeError(f"the keys of both inputs are of one type, and not {types}")
        self._name = ""
        self._inputs = left, right
        self._before_ms = self._after_ms = self._lateness_ms = 0
        self._is_outer = False
        self._opened = [_open(left.row), _open(right.row)]
        lefts, rights = self._opened
        self._open: Map[Any, Any] = Map(OPEN, left.keys.of, tuple[list[lefts], list[rights]])  # type: ignore[valid-type]

    @classmethod
    def by(
        cls,
        left: type[L],
        left_key: Callable[[L], K],
        right: type[R],
        right_key: Callable[[R], K],
        *,
        left_at: Callable[[L], Time | None] | None = None,
        right_at: Callable[[R], Time | None] | None = None,
        of: type[K] | None = None,
    ) -> IntervalJoin:
        """Takes the keys and the times of the records of both inputs from their rows, as `by` of windows does.

        Without `between`, the times must be equal.
        """
        return cls(Placing(left, left_key, left_at, of), Placing(right, right_key, right_at, of))

    def between(self, before: timedelta, after: timedelta) -> IntervalJoin:
        """Sets how much earlier, and how much later than the left one the time of a right record may be."""
        return self._with(_before_ms=in_ms(before), _after_ms=in_ms(after))

    def lateness(self, lateness: timedelta) -> IntervalJoin:
        """Allows records to come so much later than the watermark."""
        return self._with(_lateness_ms=in_ms(lateness))

    def outer(self) -> IntervalJoin:
        """Has left records emitted that no right one joins."""
        return self._with(_is_outer=True)

    def named(self, name: str) -> IntervalJoin:
        """Returns the operator with a name, which its state belongs to."""
        return self._with(_name=name)

    def _with(self, **changed: Any) -> IntervalJoin:
        changing = copy.copy(self)
        changing.__dict__.update(changed)
        return changing

    def describe(self) -> Description:
        described = Description(self._name).input("left").input("right").output("joined").output("late")
        return described.namespace(self._open.namespace).timers(ENDS)

    def begin(self, input: int, header: list[str]) -> None:
        self._inputs[input].begin(header)

    def process(self, input: int, batch: Batch, context: Context) -> None:
        placed = self._inputs[input].place(batch)
        self._open.prefetch([each.key for each in placed], context)
        watermark = context.watermark()
        for each in placed:
            if watermark is not None and saturated(each.time.ms + self._lateness_ms) < watermark.ms:
                context.emit(LATE, {"key": each.key, "time": each.time})
                continue
            context.set_timer(ENDS, Time(self._closes(input, each.time.ms)), each.raw)
            self._meet(input, each, context)

    def route(self, input: int, batch: Batch) -> list[bytes]:
        return self._inputs[input].route(batch)

    def on_timers(self, namespace: str, at_ms: int, keys: Sequence[bytes], context: Context) -> None:
        names = [self._inputs[LEFT].read_key(raw) for raw in keys]
        self._open.prefetch(names, context)
        for key in names:
            lefts, rights = self._open.get(key, context) or ([], [])
            for left in lefts:
                if self._is_outer and not left.is_joined and self._closes(LEFT, left.at_ms) <= at_ms:
                    context.emit(JOINED, {"key": key, "left": left.row, "right": None})
            lefts = [each for each in lefts if self._closes(LEFT, each.at_ms) > at_ms]
            rights = [each for each in rights if self._closes(RIGHT, each.at_ms) > at_ms]
            if lefts or rights:
                self._open.set(key, (lefts, rights), context)
            else:
                self._open.delete(key, context)

    def _meet(self, input: int, placed: Placed, context: Context) -> None:
        """Joins a record with those of the other input that are open, and opens it."""
        sides: tuple[list[Any], list[Any]] = self._open.get(placed.key, context) or ([], [])
        met: Any = self._opened[input](placed.time.ms, False, placed.row)
        for other in sides[1 - input]:
            left, right = (met, other) if input == LEFT else (other, met)
            if self._is_pair(left.at_ms, right.at_ms):
                met.is_joined = other.is_joined = True
                context.emit(JOINED, {"key": placed.key, "left": left.row, "right": right.row})
        sides[input].append(met)
        self._open.set(placed.key, sides, context)

    def _is_pair(self, left_ms: int, right_ms: int) -> bool:
        return left_ms - self._before_ms <= right_ms <= left_ms + self._after_ms

    def _closes(self, input: int, at_ms: int) -> int:
        """Returns when nothing more may join a record: the watermark has passed the last time of the other input."""
        span_ms = self._after_ms if input == LEFT else self._before_ms
        return saturated(at_ms + span_ms + self._lateness_ms + 1)


def _open(row: type[Row]) -> type:
    """Returns the type of a record that others may still join."""
    return make_dataclass("Open", [("at_ms", int), ("is_joined", bool), ("row", row)])
