"""Right uses of what operators of one's own are made of: rows, state, timers, the context, the harness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alluvium_plugin import (
    Batch,
    Clock,
    Codec,
    ColumnBatch,
    Context,
    Counter,
    Description,
    Entry,
    Format,
    Harness,
    Hashed,
    Host,
    Keys,
    Level,
    List,
    Map,
    Merge,
    Namespace,
    Operator,
    Ordered,
    Parameter,
    Port,
    RecordBatch,
    Refused,
    Row,
    Rows,
    Time,
    Timers,
    Value,
    Window,
    hours,
    key_bytes,
    milliseconds,
    set_bytes,
    set_elements,
    to_json,
)


class Visit(Row):
    page: str
    at: Time


@dataclass
class Seen:
    page: str
    visits: int
    at: Time


class Visits(Operator):
    """Counts visits in every kind of state."""

    def __init__(self) -> None:
        self.rows = Rows(Visit)
        self.limit = 0
        self.pages: Map[str, Seen] = Map("pages", str, Seen)
        self.each = Map("each", tuple[str, int], list[Time]).expires(Clock.EVENT, hours(24))
        # The types of values may be unions with None.
        self.maybe: Map[str, int | None] = Map("maybe", str, int | None)
        self.last = Value("last", Seen)
        self.times = List("times", str, Time).expires(Clock.PROCESSING, hours(1))
        self.counts = Counter("counts", str)

    def describe(self) -> Description:
        described = Description("visits", 2).input("visits").input("raw", Format.RECORDS)
        described = described.output("seen").output("bytes", Format.RECORDS)
        for state in (self.pages, self.each, self.maybe, self.last, self.times, self.counts):
            described = described.namespace(state.namespace)
        described = described.namespace(Namespace("sums", Hashed(), merge=Merge.SET_UNION))
        described = described.namespace(Namespace("days", Ordered(1)).expiring(Clock.EVENT, hours(48)))
        described = described.namespace(Namespace("due", Timers(Clock.PROCESSING))).timers("ends")
        return described.parameter("limit", "2", "How many visits a page has.")

    def migrate(self, from_version: int, context: Context) -> None:
        if from_version != 1:
            raise Refused(f"version {from_version} is not known")
        for page, seen in self.pages.entries(context):
            self.pages.set(page, Seen(seen.page, 0, seen.at), context)

    def open(self, context: Context) -> None:
        self.limit = int(context.parameter("limit") or context.previous_parameter("limit") or "0")

    def begin(self, input: int, header: list[str]) -> None:
        self.rows.begin(header)

    def process(self, input: int, batch: Batch, context: Context) -> None:
        if isinstance(batch, RecordBatch):
            for record in batch.records():
                context.emit_bytes(1, record)
            return
        rows = self.rows.read(batch)
        for state in (self.pages, self.times, self.counts):
            state.prefetch([row.page for row in rows], context)
        for number, row in enumerate(rows):
            visits: int = self.counts.add(row.page, 1, context)
            if visits > self.limit:
                raise Refused(f"{row.page}: too many", number)
            seen = Seen(row.page, visits, row.at)
            self.pages.set(row.page, seen, context)
            self.each.set((row.page, visits), [*(self.each.get((row.page, visits), context) or []), row.at], context)
            self.maybe.set(row.page, None, context)
            assert self.maybe.has(row.page, context)
            self.last.set(seen, context)
            assert self.times.push(row.page, row.at, context) > 0
            context.set_timer("ends", Time(row.at.ms + 1_000), self.pages.key_bytes(row.page))
            context.emit(0, seen)
        self.ask(context)

    def ask(self, context: Context) -> None:
        """Works with bytes alone."""
        context.merge("sums", [(b"a", set_bytes([b"x"])), (b"a", set_bytes([b"y"]))])
        # A namespace goes by its name or by its number.
        sums: int = context.namespace("sums")
        context.prefetch(sums, [b"a"])
        assert set_elements(context.get(sums, b"a") or b"") == {b"x", b"y"}
        for day in (b"1", b"2", b"3"):
            context.set("days", day, day)
        context.set("days", b"3", None)
        context.flush()
        entries: list[Entry] = context.scan("days", b"0", b"9", reverse=True, limit=1)
        assert entries == [(b"2", b"2")]
        assert context.delete_range("days", end=b"2") + context.delete_range("days") == 2
        now: Time | None = context.processing_time()
        if now is not None:
            context.set_timer("due", now, b"")
        assert not context.delete_timer("due", Time(7), b"7")
        context.log(Level.INFO, str(context.watermark()))
        host: Host = context.host
        assert host.watermark() is None or host.namespace("ends") > 0
        host.apply(sums, [(b"b", b""), (b"c", None)])
        assert host.get_many(sums, [b"b", b"c"]) == [b"", None]
        assert len(host.page(sums, True, 10)) == len(context.page("sums", True, 10)) == 2

    def route(self, input: int, batch: Batch) -> Sequence[bytes]:
        return [key_bytes(row.page) for row in self.rows.read(batch)]

    def on_timers(self, namespace: str, at_ms: int, keys: Sequence[bytes], context: Context) -> None:
        for raw in keys:
            page = self.pages.read_key(raw)
            if namespace != "ends" or page is None:
                continue
            taken: list[Time] = self.times.take(page, context)
            assert all(time.ms < at_ms for time in taken) and self.times.get(page, context) == []
            if self.pages.get(page, context) is not None:
                self.pages.delete(page, context)

    def finish(self, context: Context) -> None:
        last: Seen | None = self.last.get(context)
        if last is not None:
            context.emit(0, last)

    def results(self, start: bool, limit: int, context: Context) -> list[str]:
        assert all(seen.visits > 0 for _, seen in self.pages.page(start, limit, context))
        return [to_json({"key": "/", "value": self.counts.get("/", context)})] if start else []


header = "page,at\n"
harness = Harness(Visits, {"limit": "3"})
harness.processing_time("1970-01-01T00:00:00Z")
harness.processing_time(Time(1))
harness.feed(f"{header}/,0\n/,7\n")
harness.feed_to(0, f"{header}/a,7\n".encode())
harness.feed_records(1, ["a", b"b"])
assert harness.route(0, f"{header}/a,7\n") == [b"/a"]
harness.checkpoint()
harness.feed(f"{header}/lost,1\n")
harness.crash()
harness.watermark("1970-01-01T00:00:01Z")
raw_entries: list[Entry] = harness.entries("counts")
timers: list[tuple[Time, bytes]] = harness.timers("ends")
assert (len(raw_entries), [at.ms for at, _ in timers]) == (2, [1_007, 1_007])
harness.finish()
assert (len(harness.emitted()), harness.emitted_to(1), harness.messages()) == (4, ["a", "b"], [])
assert harness.results() == ['{"key":"/","value":2}']
try:
    harness.migrate(Visits)
except Refused as refused:
    assert (refused.text, refused.record) == ("the state is of schema version 2 already", None)

# Types of one's own.
words: Codec[int | None] = Codec(int | None)
assert (words.text(None), words.read(b"7")) == ("null", 7)
keys: Keys[tuple[str, int]] = Keys(tuple[str, int])
assert keys.read(keys.write(("UA", 7))) == ("UA", 7)
port, parameter = Port("visits"), Parameter("limit", None, "How many.")
assert (port.format, parameter.default) == (Format.LINES, None)
batch = ColumnBatch(1, [1], b"7")
assert batch.count == RecordBatch([1], b"7").count
window: Window = (0, 7)
assert milliseconds(window[1]) < hours(1)
