"""Right uses of the operators that are ready, and of ordered and merged state. mypy takes them, and they run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alluvium_plugin import (
    Add,
    Aggregate,
    Append,
    Batch,
    Clock,
    Code,
    Context,
    Count,
    Deduplicate,
    Description,
    Fold,
    Format,
    Greatest,
    Harness,
    IntervalJoin,
    JsonRecords,
    Least,
    Max,
    Mean,
    Merged,
    Min,
    Operator,
    OrderedMap,
    RecordBatch,
    Row,
    Session,
    Sliding,
    Sum,
    Table,
    TableJoin,
    Time,
    Top,
    Tumbling,
    Union,
    Unsigned,
    Windowed,
    column,
    export,
    hours,
    key_bytes,
    milliseconds,
    minutes,
    seconds,
    to_json,
)


class Flight(Row):
    carrier: str
    number: int = column("flight")
    origin: str
    hour: Time
    delay: float | None
    is_late: bool


HEADER = "carrier,flight,origin,hour,delay,is_late\n"
RECORDS = "UA,1,EWR,2013-01-01T05:00:00Z,2.5,true\nUA,2,EWR,2013-01-01T05:30:00Z,NA,false\n"


def emitted(operator: Operator) -> list[str]:
    """Runs an operator over some records, and returns what it emits to its first output."""
    harness = Harness(operator)
    harness.feed(HEADER + RECORDS)
    harness.finish()
    return harness.emitted()


def values(windows: Windowed[Flight]) -> list[Any]:
    """Returns the values of windows."""
    return [json.loads(line)["value"] for line in emitted(windows.named("it"))]


class Longest(Aggregate[Flight, int]):
    """An aggregate of one's own, which keeps its bytes itself."""

    def begin(self) -> int:
        return 0

    def add(self, kept: int, row: Flight) -> int:
        return max(kept, len(row.origin))

    def join(self, kept: int, later: int) -> int:
        return max(kept, later)

    def value(self, kept: int) -> str:
        return to_json(kept)

    def write(self, kept: int) -> bytes:
        return bytes([kept])

    def read(self, raw: bytes) -> int:
        return raw[0]


def numbers(kept: list[int], flight: Flight) -> list[int]:
    return [*kept, flight.number]


def joined(kept: list[int], later: list[int]) -> list[int]:
    return kept + later


# What a window computes: by its name, and as a class of its own.
by_carrier = Tumbling.hours(24).lateness(minutes(10)).by(Flight, lambda it: it.carrier)
assert values(by_carrier.count()) == values(by_carrier.aggregate(Count())) == [2]
assert values(by_carrier.sum(lambda it: it.delay)) == [2.5]
assert values(by_carrier.aggregate(Sum(lambda it: it.delay))) == [2.5]
assert (
    values(by_carrier.mean(lambda it: it.number)) == values(by_carrier.aggregate(Mean(lambda it: it.number))) == [1.5]
)
assert values(by_carrier.min(lambda it: it.number)) == values(by_carrier.aggregate(Min(lambda it: it.number))) == [1]
assert values(by_carrier.max(lambda it: it.number)) == values(by_carrier.aggregate(Max(lambda it: it.number))) == [2]
assert values(by_carrier.top(1, lambda it: it.origin)) == [[{"item": "EWR", "count": 2}]]
assert values(by_carrier.top(1, lambda it: it.origin, of=str)) == [[{"item": "EWR", "count": 2}]]
assert values(by_carrier.aggregate(Top(1, lambda it: it.origin, str))) == [[{"item": "EWR", "count": 2}]]
assert values(by_carrier.aggregate(Fold(list[int], numbers, joined))) == [[1, 2]]
assert values(by_carrier.aggregate(Longest())) == [3]

# Keys of several parts and of named types, and times that the row does not have.
assert len(values(Tumbling.minutes(60).by(Flight, lambda it: (it.carrier, it.number)).count())) == 2
of_both = Session.gap(hours(1)).by(Flight, lambda it: (it.carrier, it.number), of=tuple[str, int])
assert len(values(of_both.count())) == 2
later = Tumbling.of(hours(24)).by(Flight, lambda it: it.carrier, at=lambda it: Time(it.hour.ms + 1))
assert values(later.count()) == [2]
assert values(Sliding.of(hours(2), hours(1)).by(Flight, lambda it: it.number).count()) == [1, 1, 1, 1]
assert values(Session.gap(milliseconds(1)).by(Flight, lambda it: it.origin).count()) == [1, 1]

unique = Deduplicate.by(Flight, lambda it: it.carrier, of=str).within(hours(24)).lateness(seconds(1)).named("unique")
assert len(emitted(unique)) == 1
assert len(emitted(Deduplicate.by(Flight, lambda it: it.origin, at=lambda it: it.hour))) == 1


class Left(Row):
    id: str
    at: Time


class Right(Row):
    of: str
    at: Time
    paid: float | None


# Joins of two streams.
pairs = IntervalJoin.by(Left, lambda it: it.id, Right, lambda it: it.of, left_at=lambda it: it.at, of=str)
both = Harness(pairs.between(hours(1), hours(2)).lateness(minutes(1)).outer().named("pairs"))
both.feed_to(0, "id,at\na,0\nb,0\n")
both.feed_to(1, "of,at,paid\na,7,1.5\n")
both.finish()
assert [(json.loads(line)["right"] or {}).get("paid") for line in both.emitted()] == [1.5, None]
IntervalJoin.by(Left, lambda it: it.id, Right, lambda it: it.of, right_at=lambda it: it.at)


class Carrier(Row):
    carrier: str
    name: str


def line(flight: Flight, carrier: Carrier | None) -> dict[str, Any]:
    return {"flight": flight.number, "name": carrier.name if carrier else None}


# Joins with tables.
carriers = Table("carriers", Carrier, lambda it: it.carrier, lambda it: it.carrier, of=str)
looked_up = TableJoin.by("flights", Flight, lambda it: it.carrier, carriers, at=lambda it: it.hour, of=str)
tables = Harness(looked_up.wait(minutes(1)).emit(line).named("joined"))
tables.feed_to(0, HEADER + RECORDS)
tables.feed_to(1, "carrier,name\nUA,United\n")
tables.finish()
assert tables.emitted()[0] == '{"flight":1,"name":"United"}'


class Airport(Code, bytes=3):
    """The code of an airport."""


@dataclass
class Departure:
    origin: Airport
    at: Time
    flight: Unsigned
    miles: int


class Board(Operator):
    """Keeps departures in their order, and merges what they say."""

    def __init__(self) -> None:
        self.records = JsonRecords(Departure)
        self.exact: JsonRecords[list[int | None]] = JsonRecords(list[int | None], exact=True)
        # The owner is a code, and the keys have two parts.
        self.flights: OrderedMap[Airport, tuple[Time, Unsigned], int | None] = OrderedMap(
            "flights", Airport, tuple[Time, Unsigned], int | None
        )
        self.numbers = OrderedMap("numbers", int, str, bool).expires(Clock.EVENT, hours(1))
        self.miles = Merged("miles", Airport, Add()).expires(Clock.PROCESSING, hours(1))
        self.first = Merged("first", str, Least(Time))
        self.last = Merged("last", str, Greatest(tuple[Time, Unsigned]))
        self.raw = Merged("raw", int, Append())
        self.airports = Merged("airports", int, Union(Airport))

    def describe(self) -> Description:
        described = Description("board").input("departures", Format.RECORDS).output("departures")
        for state in (self.flights, self.numbers, self.miles, self.first, self.last, self.raw, self.airports):
            described = described.namespace(state.namespace)
        return described

    def process(self, input: int, batch: Batch, context: Context) -> None:
        for it in self.records.read(batch):
            key = it.at, it.flight
            self.flights.set(it.origin, key, it.miles, context)
            miles: int | None = self.flights.get(it.origin, key, context)
            found: list[tuple[tuple[Time, Unsigned], int | None]] = self.flights.range(
                it.origin, context, at_least=(Time(0), Unsigned(0)), below=key, limit=2, reverse=True
            )
            self.numbers.set(it.flight, it.origin, miles is None, context)
            assert len(self.numbers.range(it.flight, context, above="", at_most="~", limit=9)) == 1
            self.miles.merge(it.origin, it.miles, context)
            self.first.merge("all", it.at, context)
            self.last.merge("all", key, context)
            self.raw.merge(7, it.origin.encode(), context)
            self.airports.merge(7, it.origin, context)
            first: Time | None = self.first.get("all", context)
            last: tuple[Time, Unsigned] | None = self.last.get("all", context)
            airports: list[Airport] | None = self.airports.get(7, context)
            context.emit(0, (found, self.miles.get(it.origin, context), first, last, airports))
        self.flights.delete(Airport("JFK"), (Time(0), Unsigned(0)), context)
        assert self.flights.delete_range(Airport("EWR"), context, below=(Time(9), Unsigned(0))) == 1
        self.raw.delete(7, context)

    def route(self, input: int, batch: Batch) -> Sequence[bytes]:
        return [key_bytes(it.origin) for it in self.records.read(batch)]

    def results(self, start: bool, limit: int, context: Context) -> list[str]:
        return [to_json({"key": origin, "miles": miles}) for origin, miles in self.miles.page(start, limit, context)]


departures = ['{"origin":"EWR","at":"7","flight":1,"miles":5}', '{"origin":"JFK","at":"8","flight":2,"miles":6}']
board = Harness(Board)
board.feed_records(0, departures)
assert board.route_records(0, departures) == [b"EWR", b"JFK"]
assert board.results() == ['{"key":"EWR","miles":5}', '{"key":"JFK","miles":6}']
assert board.emitted()[1].endswith(',2],["EWR","JFK"]]')
assert Board().exact.read(RecordBatch([8], b"[1,null]")) == [[1, None]]

Operator_, Timed = export(unique)
