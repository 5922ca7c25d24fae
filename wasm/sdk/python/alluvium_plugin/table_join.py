"""The join of a stream with tables."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from .batches import Batch
from .context import Context
from .description import Description
from .keys import K
from .operator import Operator
from .placing import Placing
from .refused import Refused
from .rows import Row
from .state import Map
from .table import Table
from .times import Time, in_ms
from .windows.assign import saturated

S = TypeVar("S", bound=Row)

# The namespace of the records that wait, and that of when their wait ends.
WAITING = "waiting"
DUE = "due"

# The outputs by number.
JOINED = 0


class TableJoin(Operator):
    """An operator that joins each record of a stream with the rows of tables that belong to it.

    Its inputs are the stream and the tables, in this order. A record waits in the state until the watermark has reached
    its time and the time of `wait`. Then what has come of the tables by then is looked up, and a line of the output
    `joined` is emitted. So the order of the inputs among each other does not matter, and the lines come in the order of
    the records' times and keys. A record that comes later waits for the next move of the watermark.

    For each key it keeps the records that wait, as JSON, with a timer for when their wait ends, and of each table the
    last row of each key. The work can be divided among workers if records are looked up in all tables by the bytes of
    their own key. A record that is looked up by others is refused by `route`.
    """

    def __init__(self, input: str, stream: Placing[Any], tables: Sequence[Table[Any]]) -> None:
        if not tables or not all(isinstance(table, Table) for table in tables):
            raise TypeError("a stream is joined with tables, as by(…, Table(…))")
        self._name = ""
        self._input, self._stream, self._tables = input, stream, tables
        self._wait_ms = 0
        self._line: Callable[..., Any] | None = None
        self._waiting: Map[Any, Any] = Map(WAITING, stream.keys.of, list[tuple[int, stream.row]])  # type: ignore[name-defined]

    @classmethod
    def by(
        cls,
        input: str,
        row: type[S],
        key: Callable[[S], K],
        *tables: Table[Any],
        at: Callable[[S], Time | None] | None = None,
        of: type[K] | None = None,
    ) -> TableJoin:
        """Names the input of the stream, and takes the keys and times of its records, as `by` of windows does.

        The waiting records of a key are one entry of the state.
        """
        return cls(input, Placing(row, key, at, of), tables)

    def wait(self, wait: timedelta) -> TableJoin:
        """Sets how much longer a record waits for what belongs to it."""
        return self._with(_wait_ms=in_ms(wait))

    def emit(self, line: Callable[..., Any]) -> TableJoin:
        """Makes the line that is emitted of a record and of the row of each table that was found for it, or None.

        `emit(lambda order, article: (order.article, article and article.price))` is an array of two.
        """
        return self._with(_line=line)

    def named(self, name: str) -> TableJoin:
        """Returns the operator with a name, which its state belongs to."""
        return self._with(_name=name)

    def _with(self, **changed: Any) -> TableJoin:
        changing = copy.copy(self)
        changing.__dict__.update(changed)
        return changing

    def describe(self) -> Description:
        described = Description(self._name).input(self._input).output("joined")
        described = described.namespace(self._waiting.namespace).timers(DUE)
        for table in self._tables:
            described = described.input(table.input).namespace(table.namespace)
        return described

    def open(self, context: Context) -> None:
        if self._line is None:
            raise TypeError("a table join says what it emits, as emit(lambda it, plane: …)")

    def begin(self, input: int, header: list[str]) -> None:
        (self._stream if input == 0 else self._tables[input - 1]).begin(header)

    def process(self, input: int, batch: Batch, context: Context) -> None:
        if input > 0:
            self._tables[input - 1].take(batch, context)
            return
        placed = self._stream.place(batch)
        self._waiting.prefetch([each.key for each in placed], context)
        for each in placed:
            until_ms = saturated(each.time.ms + self._wait_ms)
            waiting = self._waiting.get(each.key, context) or []
            self._waiting.set(each.key, [*waiting, (until_ms, each.row)], context)
            context.set_timer(DUE, Time(until_ms), each.raw)

    def route(self, input: int, batch: Batch) -> list[bytes]:
        if input > 0:
            return self._tables[input - 1].route(batch)
        rows = self._stream.rows_by_key(batch)
        return [self._key_everywhere(number, key, row) for number, (key, row) in enumerate(rows)]

    def on_timers(self, namespace: str, at_ms: int, keys: Sequence[bytes], context: Context) -> None:
        names = [self._stream.read_key(raw) for raw in keys]
        self._waiting.prefetch(names, context)
        due = []
        for key in names:
            waiting = self._waiting.get(key, context) or []
            due += [row for until_ms, row in waiting if until_ms <= at_ms]
            left = [each for each in waiting if each[0] > at_ms]
            if left:
                self._waiting.set(key, left, context)
            else:
                self._waiting.delete(key, context)
        found = [table.find(due, context) for table in self._tables]
        for row, *rows in zip(due, *found, strict=True):
            context.emit(JOINED, self._line(row, *rows))  # type: ignore[misc]

    def _key_everywhere(self, number: int, key: Any, row: Any) -> bytes:
        """Returns the bytes of the key of a record, by which it is looked up in all tables as well."""
        raw = self._stream.keys.write(key)
        for table in self._tables:
            if table.lookup_bytes(row) != raw:
                what = f"it is looked up in {table.input} by another key than its own, so the work cannot be divided"
                raise Refused(what, number)
        return raw
