"""Windows as an operator."""

from __future__ import annotations

import copy
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from ..aggregates import Aggregate
from ..batches import Batch
from ..context import Context
from ..description import Description, Namespace
from ..host import Host
from ..json_text import to_json
from ..keys import Keys
from ..operator import Operator
from ..refused import Refused
from ..rows import Row, Rows
from ..times import Time
from . import opened
from .assign import Assign, Window, saturated
from .opened import Opened

R = TypeVar("R", bound=Row)

# The namespace of the windows that are open, and that of their ends.
OPEN = "windows"
ENDS = "ends"

# The outputs by number.
WINDOWS = 0
LATE = 1


class Windowed(Operator, Generic[R]):
    """An operator that computes an aggregate for each key and window.

    It has the input `records` and the outputs `windows` and `late`. When the watermark has reached the end of a
    window, it emits a line `{"key": …, "from": …, "to": …, "value": …}` to the first, the windows of one end in the
    order of their keys. A record that comes too late for all of its windows is a line `{"key": …, "time": …}` of the
    second, and changes nothing.
    """

    def __init__(
        self,
        *,
        assign: Assign,
        lateness_ms: int,
        row: type[R],
        key: Callable[[R], Any],
        at: Callable[[R], Time | None],
        keys: Keys[Any],
        aggregate: Aggregate[R, Any],
    ) -> None:
        self._name = ""
        self._assign, self._lateness_ms = assign, lateness_ms
        self._rows = Rows(row)
        self._key, self._at, self._keys = key, at, keys
        self._aggregate = aggregate

    def named(self, name: str) -> Windowed[R]:
        """Returns the operator with a name, which its state belongs to.

        Without it, that is the name of the module that exports the operator.
        """
        named = copy.copy(self)
        named._name = name
        return named

    def describe(self) -> Description:
        described = Description(self._name).input("records").output("windows").output("late")
        return described.namespace(Namespace(OPEN)).timers(ENDS)

    def begin(self, input: int, header: list[str]) -> None:
        self._rows.begin(header)

    def process(self, input: int, batch: Batch, context: Context) -> None:
        placed = []
        for number, row in enumerate(self._rows.read(batch)):
            key, time = self._key(row), self._at(row)
            if time is None:
                raise Refused("it has no time", number)
            placed.append((key, self._keys.write(key), time, row))
        host = context.host
        # The keys in the order in which the batch has them.
        keys = list(dict.fromkeys(raw for _, raw, _, _ in placed))
        all_windows = dict(zip(keys, self._read(keys, host), strict=True))
        watermark, ends = host.watermark(), host.namespace(ENDS)
        late = [
            (key, time)
            for key, raw, time, row in placed
            if not self._add(row, time.ms, raw, all_windows[raw], watermark, ends, host)
        ]
        self._write(all_windows.items(), host)
        for key, time in late:
            context.emit(LATE, {"key": key, "time": time})

    def route(self, input: int, batch: Batch) -> list[bytes]:
        return [self._keys.write(self._key(row)) for row in self._rows.read(batch)]

    def on_timers(self, namespace: str, at_ms: int, keys: Sequence[bytes], context: Context) -> None:
        changed = []
        for raw, windows in zip(keys, self._read(keys, context.host), strict=True):
            key = self._keys.read(raw)
            if key is None:
                raise Refused("a timer for a key that is none")
            for (begin, end), kept in windows:
                if end == at_ms:
                    members = f'"key":{to_json(key)},"from":"{Time(begin)}","to":"{Time(end)}"'
                    line = f'{{{members},"value":{self._aggregate.value(kept)}}}'
                    context.emit_bytes(WINDOWS, line.encode())
            changed.append((raw, [each for each in windows if self._closes(each.window) > at_ms]))
        self._write(changed, context.host)

    def _read(self, keys: Sequence[bytes], host: Host) -> list[list[Opened]]:
        """Reads the open windows of keys."""
        values = host.get_many(host.namespace(OPEN), keys)
        try:
            return [opened.read(self._aggregate, value or b"") for value in values]
        except ValueError:
            raise Refused("an entry of the windows is none") from None

    def _write(self, changed: Iterable[tuple[bytes, list[Opened]]], host: Host) -> None:
        """Writes the open windows of keys. A key without windows goes away."""
        changes = [(raw, opened.write(self._aggregate, windows) if windows else None) for raw, windows in changed]
        host.apply(host.namespace(OPEN), changes)

    def _closes(self, window: Window) -> int:
        """Returns when nothing more may come for a window."""
        return saturated(window[1] + self._lateness_ms)

    def _add(
        self, row: R, at: int, raw: bytes, windows: list[Opened], watermark: int | None, ends: int, host: Host
    ) -> bool:
        """Adds a record to the windows of its key. Returns whether it was in time for one of them."""
        is_in_time = False
        for window in self._assign.windows(at):
            before: list[Opened] = []
            others: list[Opened] = []
            for each in windows:
                (before if self._touches(each.window, window) else others).append(each)
            # A session that was joined is in time if the whole is.
            begin = min([window[0], *(each.window[0] for each in before)])
            joined = begin, max([window[1], *(each.window[1] for each in before)])
            if watermark is not None and self._closes(joined) <= watermark:
                continue
            is_in_time = True
            for each in before:
                if each.window != joined:
                    self._delete_timers(each.window, others, ends, raw, host)
            has_ended = watermark is not None and joined[1] <= watermark
            if has_ended or all(each.window != joined for each in before):
                # One that has ended is emitted again.
                host.set_timer(ends, joined[1], raw)
                if self._lateness_ms > 0:
                    host.set_timer(ends, self._closes(joined), raw)
            kept = before[0].kept if before else self._aggregate.begin()
            for each in before[1:]:
                kept = self._aggregate.join(kept, each.kept)
            kept = self._aggregate.add(kept, row)
            others.insert(bisect_left(others, joined, key=_window), Opened(joined, kept))
            windows[:] = others
        return is_in_time

    def _delete_timers(self, window: Window, others: list[Opened], ends: int, raw: bytes, host: Host) -> None:
        """Deletes the timers of a window that is a part of another one now.

        It keeps those that another open window of the key has, too. A timer is a time and a key, so one timer stands
        for both windows if one closes when the other ends.
        """
        needed = {time for each in others for time in (each.window[1], self._closes(each.window))}
        for time in (window[1], self._closes(window)):
            if time not in needed:
                host.delete_timer(ends, time, raw)

    def _touches(self, before: Window, window: Window) -> bool:
        if self._assign.joins:
            return before[0] <= window[1] and window[0] <= before[1]
        return before == window


def _window(of: Opened) -> Window:
    return of.window
