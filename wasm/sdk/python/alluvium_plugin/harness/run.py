"""An instance of an operator over a state in memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from ..batches import ColumnBatch, RecordBatch
from ..context import Context
from ..description import Clock, Format
from ..operator import Operator, routed
from ..refused import Refused
from .host import Kept, MemoryHost
from .space import Space, split_timer_key, timer_key

T = TypeVar("T")

# How many timers one call has at most, as a host has it.
TIMERS_PER_CALL = 4_096

# What feeds or routes the records of a format, to say so where another one does.
USES = {
    ("feed", Format.LINES): "feed_to feeds",
    ("feed", Format.RECORDS): "feed_records feeds",
    ("route", Format.LINES): "route routes",
    ("route", Format.RECORDS): "route_records routes",
}

# How many results are asked for at a time.
RESULTS_PAGE = 100


class Run:
    """An instance of an operator, over what a checkpoint holds."""

    def __init__(self, operator: Operator, kept: Kept) -> None:
        self.operator = operator
        self.described = operator.describe()
        self.host = MemoryHost(self.described, kept)
        # The columns of each input that was begun.
        self._headers: dict[int, list[str]] = {}
        self._parameters: dict[str, tuple[str, str | None]] = {}

    def open(self, given: Mapping[str, str]) -> None:
        """Starts the run, with these parameters."""
        self._parameters = self._settle(given)
        self.call(self.operator.open)

    def migrate(self, from_version: int) -> Kept:
        """Has the operator rewrite the state of another version, and returns what a checkpoint holds then."""
        self.call(lambda context: self.operator.migrate(from_version, context))
        if any(self.host.emitted):
            raise Refused("it emitted something: only a batch may")
        return self.host.kept

    def call(self, work: Callable[[Context], T]) -> T:
        """Calls the operator, all or nothing."""

        def whole() -> T:
            context = Context(self.host, self._parameters)
            value = work(context)
            context.flush()
            return value

        return self.host.call(whole)

    def _read(self, input: int, text: str | bytes, use: str) -> ColumnBatch:
        """Reads records of an input, and begins it if need be: CSV, whose first line names the columns."""
        self._check(input, Format.LINES, use)
        header, *records = rows_of(text)
        if self._headers.get(input) != header:
            self.operator.begin(input, header)
            self._headers[input] = header
        fields = [field.encode(errors="surrogateescape") for record in records for field in record]
        return ColumnBatch(len(records), [len(field) for field in fields], b"".join(fields))

    def _read_records(self, input: int, records: Iterable[str | bytes], use: str) -> RecordBatch:
        """Reads records of an input as bytes."""
        self._check(input, Format.RECORDS, use)
        parts = [each.encode() if isinstance(each, str) else each for each in records]
        return RecordBatch([len(part) for part in parts], b"".join(parts))

    def _check(self, input: int, format: Format, use: str) -> None:
        """Refuses an input that is not there, or whose records are of another format."""
        if not 0 <= input < len(self.described.inputs):
            raise Refused(f"there is no input {input}: the operator describes {len(self.described.inputs)}")
        port = self.described.inputs[input]
        if port.format is not format:
            raise Refused(f"the input {port.name} takes {port.format.name.lower()}: {USES[use, port.format]} them")

    def feed_records(self, input: int, records: Iterable[str | bytes]) -> None:
        """Feeds records as bytes to an input."""
        batch = self._read_records(input, records, "feed")
        self.call(lambda context: self.operator.process(input, batch, context))

    def feed(self, input: int, text: str | bytes) -> None:
        """Feeds records to an input."""
        batch = self._read(input, text, "feed")
        self.call(lambda context: self.operator.process(input, batch, context))

    def route_records(self, input: int, records: Iterable[str | bytes]) -> list[bytes]:
        """Returns the key that each record of an input of bytes belongs to."""
        return routed(self.operator, input, self._read_records(input, records, "route"))

    def route(self, input: int, text: str | bytes) -> list[bytes]:
        """Returns the key that each record of an input belongs to."""
        return routed(self.operator, input, self._read(input, text, "route"))

    def move(self, clock: Clock, at_ms: int) -> None:
        """Moves a clock, and works through the timers that are due."""
        self.host.move(clock, at_ms)
        self._fire(all_of_event_time=False)

    def finish(self) -> None:
        """Ends all inputs."""
        self._fire(all_of_event_time=True)
        self.call(self.operator.finish)

    def results(self) -> list[str]:
        """Returns all results, page by page."""
        every = page = self._page(start=True)
        while page:
            page = self._page(start=False)
            every = every + page
        return every

    def _page(self, start: bool) -> list[str]:
        return self.call(lambda context: self.operator.results(start, RESULTS_PAGE, context))

    def _settle(self, given: Mapping[str, str]) -> dict[str, tuple[str, str | None]]:
        """Returns the values of the parameters, and those of the checkpoint."""
        described = self.described.parameters
        unknown = [name for name in given if name not in [each.name for each in described]]
        if unknown:
            raise Refused(f"the operator has no parameter {unknown[0]!r}")
        settled: dict[str, tuple[str, str | None]] = {}
        before = self.host.kept.parameters
        for each in described:
            value = given.get(each.name, each.default)
            if value is None:
                raise Refused(f"the parameter {each.name!r} must be set: {each.doc}")
            settled[each.name] = value, before.get(each.name)
        before.update((name, value) for name, (value, _) in settled.items())
        return settled

    def _fire(self, all_of_event_time: bool) -> None:
        """Works through the timers that are due.

        Those of event time come first, each in the order of their times and of the namespaces.
        """
        while True:
            due = self._due(all_of_event_time)
            if due is None:
                return
            self._take(*due)

    def _take(self, name: str, space: Space, at_ms: int) -> None:
        stored = space.begin_with(timer_key(at_ms, b""), TIMERS_PER_CALL)
        keys = [split_timer_key(each)[1] for each in stored]

        def work(context: Context) -> None:
            for key in keys:
                self.host.delete_timer(space.number, at_ms, key)
            self.operator.on_timers(name, at_ms, keys, context)

        self.call(work)

    def _due(self, all_of_event_time: bool) -> tuple[str, Space, int] | None:
        for clock in (Clock.EVENT, Clock.PROCESSING):
            is_ended = all_of_event_time and clock is Clock.EVENT
            now_ms = self.host.kept.clocks.get(clock)
            firsts = [(space.first(), name, space) for name, space in self.host.queues(clock)]
            found = [(split_timer_key(first)[0], name, space) for first, name, space in firsts if first is not None]
            if found:
                at_ms, name, space = min(found, key=lambda each: each[0])
                if is_ended or (now_ms is not None and at_ms <= now_ms):
                    return name, space, at_ms
        return None


def rows_of(text: str | bytes) -> list[list[str]]:
    """Reads CSV. Bytes that are no UTF-8 stay what they are."""
    decoded = text if isinstance(text, str) else text.decode(errors="surrogateescape")
    reader = csv.reader(io.StringIO(decoded, newline=""), strict=True)
    try:
        rows = [row for row in reader if row]
    except csv.Error as error:
        raise Refused(f"line {reader.line_num} is no CSV: {error}") from None
    if not rows:
        raise Refused("there is no header: the first line names the columns")
    for number, row in enumerate(rows[1:]):
        if len(row) != len(rows[0]):
            raise Refused(f"it has {len(row)} fields, and the header has {len(rows[0])}", number)
    return rows
