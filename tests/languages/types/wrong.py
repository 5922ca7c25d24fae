"""Wrong uses, each of which mypy refuses: an ignored error that is none is an error itself. Nothing of it runs."""

from __future__ import annotations

from collections.abc import Sequence

from alluvium_plugin import (
    Add,
    Aggregate,
    Append,
    Batch,
    Clock,
    Code,
    Codec,
    Context,
    Counter,
    Deduplicate,
    Description,
    Fold,
    Greatest,
    Harness,
    IntervalJoin,
    JsonRecords,
    Keys,
    Least,
    Level,
    List,
    Map,
    Merge,
    Merged,
    Namespace,
    Operator,
    Ordered,
    OrderedMap,
    Parameter,
    Port,
    Refused,
    Row,
    Rows,
    Session,
    Table,
    TableJoin,
    Time,
    Top,
    Tumbling,
    Union,
    Unsigned,
    Value,
    column,
    export,
    hours,
    key_bytes,
    set_bytes,
)


class Flight(Row):
    carrier: str
    number: int = column("flight")
    hour: Time
    delay: float | None


class Plane(Row):
    carrier: str
    seats: int


def rows(context: Context, batch: Batch) -> None:
    # The row has no such member, and each member must be given.
    Rows(Flight).read(batch)[0].carier  # type: ignore[attr-defined]
    Plane(carrier="UA")  # type: ignore[call-arg]
    Plane(carrier="UA", seats="7")  # type: ignore[arg-type]
    Rows(Flight).read(batch)[0].delay + 1  # type: ignore[operator]
    # Rows are those of a class of rows.
    Rows(int)  # type: ignore[type-var]
    # Only a batch of columns has fields.
    batch.fields  # type: ignore[union-attr]


def windows() -> None:
    day = Tumbling.hours(24)
    by_carrier = day.by(Flight, lambda it: it.carrier)
    # A length is a whole number of hours, and a gap a duration.
    Tumbling.hours("1")  # type: ignore[arg-type]
    Session.gap(7)  # type: ignore[arg-type]
    day.lateness(10)  # type: ignore[arg-type]
    # The row has no such member.
    day.by(Flight, lambda it: it.carier)  # type: ignore[attr-defined]
    # A number that may be missing is no key, and the keys are texts.
    day.by(Flight, lambda it: it.delay)  # type: ignore[type-var]
    day.by(Flight, lambda it: it.carrier, of=int)  # type: ignore[arg-type, return-value]
    day.by(Flight, lambda it: it.carrier, at=lambda it: it.number)  # type: ignore[arg-type, return-value]
    # What is computed is one of numbers.
    by_carrier.mean(lambda it: it.carrier)  # type: ignore[arg-type, return-value]
    by_carrier.top("3", lambda it: it.carrier)  # type: ignore[arg-type]
    by_carrier.top(3, lambda it: it.carrier, of=int)  # type: ignore[arg-type, return-value]
    by_carrier.aggregate(Top(3, lambda it: it.delay, str))  # type: ignore[arg-type, return-value]
    fold: Fold[Flight, int] = Fold(int, lambda kept, it: it.carrier, max)  # type: ignore[arg-type, return-value]
    by_carrier.aggregate(fold.add)  # type: ignore[arg-type]
    # It is not said what the windows compute.
    Harness(by_carrier)  # type: ignore[arg-type]
    export(day)  # type: ignore[arg-type]


def joins() -> None:
    Deduplicate.by(Flight, lambda it: it.delay)  # type: ignore[type-var]
    Deduplicate.by(Flight, lambda it: it.carrier).within(7)  # type: ignore[arg-type]
    # The keys of both inputs are texts. Without `of`, mypy takes a key for one that may be either.
    IntervalJoin.by(Flight, lambda it: it.carrier, Plane, lambda it: it.seats, of=str)  # type: ignore[arg-type, return-value]
    IntervalJoin.by(Flight, lambda it: it.carrier)  # type: ignore[call-arg]
    IntervalJoin.by(Flight, lambda it: it.carrier, Plane, lambda it: it.carrier).between(0, 7)  # type: ignore[arg-type]
    # The keys of the table are texts.
    Table("planes", Plane, lambda it: it.carrier, lambda _: 7, of=str)  # type: ignore[arg-type, return-value]
    Table("planes", Plane, lambda it: it.carrier, lambda _: "UA", of=int)  # type: ignore[arg-type, return-value]
    TableJoin.by("flights", Flight, lambda it: it.carrier, Plane)  # type: ignore[arg-type]


def state(context: Context) -> None:
    seats: Map[str, int | None] = Map("seats", str, int | None)
    flown = List("flown", tuple[str, int], Time)
    # A number with a fraction is no key.
    Map("a", float, str)  # type: ignore[type-var]
    Counter("a", float)  # type: ignore[type-var]
    Keys(list[str])  # type: ignore[type-var]
    key_bytes(1.5)  # type: ignore[arg-type]
    # A type is none of its values.
    Map("a", str, 7)  # type: ignore[arg-type]
    Codec("7 of them")  # type: ignore[arg-type]
    # The keys are texts, and the values numbers or None.
    seats.get(7, context)  # type: ignore[arg-type]
    seats.set("UA", "7", context)  # type: ignore[arg-type]
    seats.prefetch([7], context)  # type: ignore[list-item]
    found: int = seats.get("UA", context)  # type: ignore[assignment]
    seats.delete("UA")  # type: ignore[call-arg]
    seats.expires(Clock.EVENT, 7)  # type: ignore[arg-type]
    seats.expires("event", hours(1))  # type: ignore[arg-type]
    # The keys have two parts, and the items are times.
    flown.push("UA", Time(7), context)  # type: ignore[arg-type]
    flown.push(("UA", 7), 7, context)  # type: ignore[arg-type]
    items: list[str] = flown.take(("UA", found), context)  # type: ignore[assignment]
    Counter("a", str).add("UA", 1.5, context)  # type: ignore[arg-type]
    # It has one value, and no keys.
    Value("a", str).set("UA", items, context)  # type: ignore[call-arg, arg-type]


class Airport(Code, bytes=3):
    """The code of an airport."""


class Endless(Code):  # type: ignore[call-arg]
    """It does not say its length."""


def ordered(context: Context, jfk: Airport) -> None:
    flights = OrderedMap("flights", Airport, tuple[Time, int], str)
    # An owner always has as many bytes.
    OrderedMap("a", str, str, str)  # type: ignore[type-var]
    OrderedMap("a", Time, str, str)  # type: ignore[type-var]
    OrderedMap("a", Airport, float, str)  # type: ignore[type-var]
    OrderedMap("a", Airport, str, 7)  # type: ignore[arg-type]
    # A text is none of the airports, and a code is made of one.
    flights.get("JFK", (Time(7), 7), context)  # type: ignore[arg-type]
    Airport(7)  # type: ignore[arg-type]
    # The keys have two parts, and the values are texts.
    flights.set(jfk, Time(7), "UA", context)  # type: ignore[arg-type]
    flights.set(jfk, (Time(7), 7), 7, context)  # type: ignore[arg-type]
    flights.delete(jfk, context)  # type: ignore[call-arg]
    # A range has a limit, and its bounds are keys with names.
    flights.range(jfk, context)  # type: ignore[call-arg]
    flights.range(jfk, (Time(7), 7), context, limit=5)  # type: ignore[call-arg, arg-type]
    flights.range(jfk, context, below=Time(7), limit=5)  # type: ignore[arg-type]
    flights.delete_range(jfk, context, above=7)  # type: ignore[arg-type]
    flights.delete_range(jfk, context, limit=7)  # type: ignore[call-arg]
    found: list[str] = flights.range(jfk, context, limit=5)  # type: ignore[assignment]
    OrderedMap("a", Unsigned, str, str).get(len(found), "UA", context)  # type: ignore[arg-type]
    Unsigned("7")  # type: ignore[arg-type]


def merged(context: Context, batch: Batch) -> None:
    miles = Merged("miles", str, Add())
    # The engine merges numbers here, and its operator is not the name of one.
    Merged("miles", str, Merge.ADD)  # type: ignore[arg-type]
    Merged("miles", float, Add())  # type: ignore[type-var]
    Merged("miles", str, Least(float))  # type: ignore[type-var]
    miles.merge("UA", 1.5, context)  # type: ignore[arg-type]
    miles.merge(7, 7, context)  # type: ignore[arg-type]
    # What was not merged is none.
    miles.get("UA", context) + 7  # type: ignore[operator]
    Merged("last", str, Greatest(Time)).merge("UA", 7, context)  # type: ignore[arg-type]
    Merged("texts", str, Append()).merge("UA", "text", context)  # type: ignore[arg-type]
    airports: set[str] | None = Merged("airports", str, Union(str)).get("UA", context)  # type: ignore[assignment]
    page: list[tuple[str, str]] = miles.page(True, 7, context)  # type: ignore[assignment]
    # Records are those of a type, and each of them is one.
    JsonRecords("7 of them")  # type: ignore[arg-type]
    JsonRecords(Plane, True)  # type: ignore[call-arg]
    JsonRecords(Plane).read(batch).seats  # type: ignore[attr-defined]


def asked(context: Context) -> None:
    context.emit("seen", 7)  # type: ignore[arg-type]
    context.emit_bytes(0, "7")  # type: ignore[arg-type]
    # A namespace is one by its name or its number.
    context.get(b"sums", b"a")  # type: ignore[arg-type]
    context.merge("sums", [(b"a", None)])  # type: ignore[list-item]
    context.set(context.namespace("sums"), b"a", "7")  # type: ignore[arg-type]
    context.scan("days", reverse=True)  # type: ignore[call-arg]
    context.set_timer("ends", 7, b"a")  # type: ignore[arg-type]
    context.log("info", "it begins")  # type: ignore[arg-type]
    # There may be no watermark.
    context.watermark().ms  # type: ignore[union-attr]
    set_bytes(["a"])  # type: ignore[list-item]


def described() -> None:
    Description("a").input("b", "records")  # type: ignore[arg-type]
    Description("a").namespace("b")  # type: ignore[arg-type]
    Description("a").timers("b", "event")  # type: ignore[arg-type]
    Description("a").parameter("b", 7, "How many.")  # type: ignore[arg-type]
    Namespace("a", Ordered())  # type: ignore[call-arg]
    Namespace("a", merge="add").merge = Merge.ADD  # type: ignore[arg-type, misc]
    Parameter("a")  # type: ignore[call-arg]
    Port("a", "lines")  # type: ignore[arg-type]
    Refused("no carrier", "7")  # type: ignore[arg-type]


class Idle(Operator):
    def describe(self) -> Description:
        return Description("idle").input("a")

    def begin(self, input: int, header: str) -> None:  # type: ignore[override]
        """The header is a list."""

    def route(self, input: int, batch: Batch) -> Sequence[str]:  # type: ignore[override]
        return ["UA"]

    def on_timers(self, namespace: str, at_ms: int, keys: Sequence[bytes]) -> None:  # type: ignore[override]
        """There is no context."""


class Kept(Aggregate[Flight, int]):
    """Most of it is missing."""

    def add(self, kept: int, row: Plane) -> int:  # type: ignore[override]
        return kept


def tests(harness: Harness) -> None:
    # There is no work for a batch.
    Harness(Idle())  # type: ignore[abstract]
    Kept()  # type: ignore[abstract]
    Harness(Idle, {"limit": 7})  # type: ignore[dict-item]
    harness.feed([b"a"])  # type: ignore[arg-type]
    harness.watermark(7)  # type: ignore[arg-type]
    harness.emitted_to("late")  # type: ignore[arg-type]
    harness.timers(0)  # type: ignore[arg-type]
