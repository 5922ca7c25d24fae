"""The plugin `board`. It answers which flights left an airport last before a time.

Departures come as columns, and questions as lines of JSON: `{"origin":"JFK","at":"2013-01-05T12:00:00Z","last":3}`. A
question is answered when the watermark reaches its time, so the answer is complete. The parameter `hours` says how far
back an answer goes. Departures are kept in the order of their times. Those that no later answer can show are deleted,
all of them at once. The results show what the engine has added up by airport.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import alluvium_plugin
from alluvium_plugin import (
    Add,
    Batch,
    Code,
    Context,
    Description,
    Format,
    Greatest,
    JsonRecords,
    Keys,
    Level,
    List,
    Merged,
    OrderedMap,
    Refused,
    Row,
    Rows,
    Time,
    Union,
    Unsigned,
    export,
    key_bytes,
    to_json,
)

# The number of the input of questions; that of the departures is 0.
QUESTIONS = 1

# The namespace of the times at which questions are answered.
DUE = "due"

HOUR_MS = 3_600_000

# The least time that there is.
FIRST_MS = -(2**63)


class Airport(Code, bytes=3):
    """The code of an airport."""


class Departure(Row):
    origin: Airport
    dest: str
    carrier: str
    flight: Unsigned
    time_hour: Time


@dataclass
class Flight:
    """What is kept of a departure, and what an answer shows of it."""

    carrier: str
    number: Unsigned
    dest: str


@dataclass
class Question:
    origin: Airport
    at: Time
    last: Unsigned

    def __post_init__(self) -> None:
        if self.last >= 2**16:
            raise ValueError(f"last: {self.last} has more than 16 bits")


class Board(alluvium_plugin.Operator):
    def __init__(self) -> None:
        self.rows, self.questions = Rows(Departure), JsonRecords(Question, exact=True)
        # Flights by airport, and then by time, carrier and number. Two of one carrier may leave within an hour.
        self.departures = OrderedMap("departures", Airport, tuple[Time, str, Unsigned], Flight)
        self.asked = List("asked", Airport, Question)
        self.flights = Merged("flights", Airport, Add())
        self.latest = Merged("latest", Airport, Greatest(Time))
        self.destinations = Merged("destinations", Airport, Union(str))
        self.airports = Keys(Airport)
        # How far an answer goes back.
        self.back_ms = 0

    def describe(self) -> Description:
        described = Description("board").input("departures").input("questions", Format.RECORDS).output("answers")
        described = described.namespace(self.departures.namespace).namespace(self.asked.namespace)
        for each in (self.flights, self.latest, self.destinations):
            described = described.namespace(each.namespace)
        return described.timers(DUE).parameter("hours", "24", "how many hours an answer goes back")

    def open(self, context: Context) -> None:
        hours = context.parameter("hours") or ""
        digits = re.fullmatch(r"\+?0*([0-9]{1,3})", hours)
        if digits is None or not 1 <= int(digits[1]) <= 168:
            raise Refused(f"the parameter hours: {to_json(hours)} is no number of hours from 1 to 168")
        self.back_ms = int(digits[1]) * HOUR_MS
        before = context.previous_parameter("hours")
        if before not in (None, hours):
            # Departures that the shorter time has left behind are gone.
            context.log(Level.WARN, f"answers go back {hours} hours, and went back {before} before")

    def begin(self, input: int, header: list[str]) -> None:
        self.rows.begin(header)

    def process(self, input: int, batch: Batch, context: Context) -> None:
        if input == QUESTIONS:
            for question in self.questions.read(batch):
                self.asked.push(question.origin, question, context)
                context.set_timer(DUE, question.at, key_bytes(question.origin))
            return
        for it in self.rows.read(batch):
            self.flights.merge(it.origin, 1, context)
            self.latest.merge(it.origin, it.time_hour, context)
            self.destinations.merge(it.origin, it.dest, context)
            key = it.time_hour, it.carrier, it.flight
            self.departures.set(it.origin, key, Flight(it.carrier, it.flight, it.dest), context)

    def route(self, input: int, batch: Batch) -> Sequence[bytes]:
        if input == QUESTIONS:
            return [key_bytes(question.origin) for question in self.questions.read(batch)]
        return [key_bytes(it.origin) for it in self.rows.read(batch)]

    def on_timers(self, namespace: str, at_ms: int, keys: Sequence[bytes], context: Context) -> None:
        now = Time(at_ms)
        first = Time(max(at_ms - self.back_ms, FIRST_MS)), "", Unsigned(0)
        end = now, "", Unsigned(0)
        for raw in keys:
            origin = self.airports.read(raw)
            if origin is None:
                raise Refused("a timer for what is no airport")
            asked = self.asked.take(origin, context)
            for question in asked:
                if question.at == now:
                    found = self.departures.range(
                        origin, context, at_least=first, below=end, limit=question.last, reverse=True
                    )
                    flights = [{"at": at, "flight": flight} for (at, _, _), flight in found]
                    context.emit(0, {"origin": origin, "before": now, "departures": flights})
            for question in asked:
                if question.at != now:
                    self.asked.push(origin, question, context)
            # Timers fire in the order of their times, so no answer goes back further any more.
            self.departures.delete_range(origin, context, below=first)

    def results(self, start: bool, limit: int, context: Context) -> list[str]:
        lines = []
        for origin, flights in self.flights.page(start, limit, context):
            latest, destinations = self.latest.get(origin, context), self.destinations.get(origin, context)
            line = {"key": origin, "flights": flights, "latest": latest, "destinations": destinations}
            lines.append(to_json(line))
        return lines


Operator, Timed = export(Board)
