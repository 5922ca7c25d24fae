"""Wrong uses, each of which mypy refuses: an ignored error that is none is an error itself. Nothing of it runs."""

from __future__ import annotations

from collections.abc import Sequence

from alluvium_plugin import (
    Aggregate,
    Batch,
    Clock,
    Codec,
    Context,
    Counter,
    Deduplicate,
    Description,
    Fold,
    Harness,
    IntervalJoin,
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
    Refused,
    Row,
    Rows,
    Session,
    Table,
    TableJoin,
    Time,
    Top,
    Tumbling,
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
