"""Deduplication: the first record of a key passes, and others of the key only when a time has gone by."""

from __future__ import annotations

import copy
from bisect import insort
from collections.abc import Callable, Sequence
from datetime import timedelta
from struct import iter_unpack, pack
from typing import Any, Generic, TypeVar

from .batches import Batch
from .context import Context
from .description import Description, Namespace
from .keys import K
from .operator import Operator
from .placing import Placed, Placing
from .refused import Refused
from .rows import Row
from .times import Time, hours, in_ms
from .windows.assign import saturated

R = TypeVar("R", bound=Row)

# The namespace of the times of what has passed, and that of when these can be forgotten.
PASSED = "passed"
ENDS = "ends"

# The outputs by number.
UNIQUE = 0
DUPLICATES = 1
LATE = 2

TIME_BYTES = 8


class Deduplicate(Operator, Generic[R]):
    """An operator that lets a record pass if no other one of its key has passed within a duration of event time.

    It has the input `records`. A record that passes is a line of the output `unique`, as its row is in JSON. Any other
    is a line `{"key": …, "time": …}` of the output `duplicates`. One that comes later than the watermark by more than
    the lateness is such a line of the output `late`, because what was before it may be forgotten.

    For each key it keeps the times of what has passed, of eight bytes each, little-endian, in their order. Each has a
    timer for when no record can be its duplicate any more.
    """

    def __init__(self, placing: Placing[R]) -> None:
        self._name = ""
        self._placing = placing
        self._within_ms, self._lateness_ms = in_ms(hours(24)), 0

    @classmethod
    def by(
        cls,
        row: type[R],
        key: Callable[[R], K],
        *,
        at: Callable[[R], Time | None] | None = None,
        of: type[K] | None = None,
    ) -> Deduplicate[R]:
        """Takes the key and the time of each record from its row, as `by` of windows does.

        Without `within` it is one day in which records are duplicates.
        """
        return cls(Placing(row, key, at, of))

    def within(self, duration: timedelta) -> Deduplicate[R]:
        """Sets within which time another record of a key is a duplicate. Less than a millisecond counts as one."""
        return self._with(_within_ms=max(in_ms(duration), 1))

    def lateness(self, lateness: timedelta) -> Deduplicate[R]:
        """Allows records to come so much later than the watermark."""
        return self._with(_lateness_ms=in_ms(lateness))

    def named(self, name: str) -> Deduplicate[R]:
        """Returns the operator with a name, which its state belongs to."""
        return self._with(_name=name)

    def _with(self, **changed: Any) -> Deduplicate[R]:
        changing = copy.copy(self)
        changing.__dict__.update(changed)
        return changing

    def describe(self) -> Description:
        described = Description(self._name).input("records").output("unique").output("duplicates").output("late")
        return described.namespace(Namespace(PASSED)).timers(ENDS)

    def begin(self, input: int, header: list[str]) -> None:
        self._placing.begin(header)

    def process(self, input: int, batch: Batch, context: Context) -> None:
        placed = self._placing.place(batch)
        passed = context.namespace(PASSED)
        context.prefetch(passed, [each.raw for each in placed])
        watermark = context.watermark()
        for each in placed:
            at_ms = each.time.ms
            if watermark is not None and saturated(at_ms + self._lateness_ms) < watermark.ms:
                _tell(LATE, each, context)
                continue
            times = _read(context.get(passed, each.raw))
            if any(abs(time - at_ms) < self._within_ms for time in times):
                _tell(DUPLICATES, each, context)
                continue
            insort(times, at_ms)
            context.set(passed, each.raw, _write(times))
            context.set_timer(ENDS, Time(self._forgets(at_ms)), each.raw)
            context.emit(UNIQUE, each.row)

    def route(self, input: int, batch: Batch) -> list[bytes]:
        return self._placing.route(batch)

    def on_timers(self, namespace: str, at_ms: int, keys: Sequence[bytes], context: Context) -> None:
        for raw in keys:
            self._placing.read_key(raw)
        passed = context.namespace(PASSED)
        context.prefetch(passed, keys)
        for raw in keys:
            times = [time for time in _read(context.get(passed, raw)) if self._forgets(time) > at_ms]
            context.set(passed, raw, _write(times) if times else None)

    def _forgets(self, at_ms: int) -> int:
        """Returns when what has passed at a time can be forgotten."""
        return saturated(saturated(at_ms + self._within_ms) + self._lateness_ms)


def _tell(output: int, placed: Placed, context: Context) -> None:
    """Says of a record that it does not pass."""
    context.emit(output, {"key": placed.key, "time": placed.time})


def _write(times: list[int]) -> bytes:
    return pack(f"<{len(times)}q", *times)


def _read(raw: bytes | None) -> list[int]:
    if raw is None:
        return []
    if len(raw) % TIME_BYTES:
        raise Refused(f"{PASSED}: an entry of the times is none")
    return [time for (time,) in iter_unpack("<q", raw)]
