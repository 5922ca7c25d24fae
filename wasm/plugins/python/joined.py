"""The plugin `joined`. It emits each flight with the weather at its airport in that hour, and with its plane.

A flight waits in the state until the watermark has passed its hour. Then its weather has come, if there is any, and it
is emitted. So the order of the inputs among each other does not matter, and the lines come in the order of the hours
and of the flights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import alluvium_plugin
from alluvium_plugin import Batch, Context, Description, Map, Refused, Row, Rows, Time, column, export, hours

# The inputs by number.
FLIGHTS = 0
WEATHER = 1

# The namespace of the hours at which flights are due.
DUE = "due"


class Flight(Row):
    carrier: str
    number: int = column("flight")
    tailnum: str
    origin: str
    dest: str
    time_hour: Time


class Weather(Row):
    origin: str
    time_hour: Time
    temp: float | None
    visib: float | None


class Plane(Row):
    tailnum: str
    manufacturer: str
    seats: int | None


@dataclass
class Waiting:
    """What is kept of a flight, beside its carrier, number and hour."""

    tailnum: str
    origin: str
    dest: str


class Join(alluvium_plugin.Operator):
    def __init__(self) -> None:
        self.flights, self.weather, self.planes = Rows(Flight), Rows(Weather), Rows(Plane)
        # By the carrier, the number and the hour of a flight.
        self.waiting = Map("waiting", tuple[str, int, int], Waiting)
        self.weather_of = Map("weather", tuple[str, int], tuple[float | None, float | None])
        self.plane_of = Map("planes", str, tuple[str, int | None])

    def describe(self) -> Description:
        described = Description("joined").input("flights").input("weather").input("planes").output("flights")
        for each in (self.waiting, self.weather_of, self.plane_of):
            described = described.namespace(each.namespace)
        return described.timers(DUE)

    def begin(self, input: int, header: list[str]) -> None:
        (self.flights, self.weather, self.planes)[input].begin(header)

    def process(self, input: int, batch: Batch, context: Context) -> None:
        if input == FLIGHTS:
            for it in self.flights.read(batch):
                name = it.carrier, it.number, it.time_hour.ms
                context.set_timer(DUE, it.time_hour + hours(1), self.waiting.key_bytes(name))
                self.waiting.set(name, Waiting(it.tailnum, it.origin, it.dest), context)
        elif input == WEATHER:
            for at in self.weather.read(batch):
                self.weather_of.set((at.origin, at.time_hour.ms), (at.temp, at.visib), context)
        else:
            for plane in self.planes.read(batch):
                self.plane_of.set(plane.tailnum, (plane.manufacturer, plane.seats), context)

    def on_timers(self, namespace: str, at_ms: int, keys: Sequence[bytes], context: Context) -> None:
        names = [name for name in map(self.waiting.read_key, keys) if name is not None]
        if len(names) < len(keys):
            raise Refused("a timer for what is no flight")
        self.waiting.prefetch(names, context)
        due = []
        for name in names:
            waiting = self.waiting.get(name, context)
            if waiting is not None:
                self.waiting.delete(name, context)
                due.append((name, waiting))
        self.weather_of.prefetch([(waiting.origin, name[2]) for name, waiting in due], context)
        self.plane_of.prefetch([waiting.tailnum for _, waiting in due], context)
        for (carrier, number, hour), waiting in due:
            temp, visib = self.weather_of.get((waiting.origin, hour), context) or (None, None)
            manufacturer, seats = self.plane_of.get(waiting.tailnum, context) or (None, None)
            flight = {"carrier": carrier, "flight": number, "hour": Time(hour), **vars(waiting)}
            seen = {"temp": temp, "visib": visib, "manufacturer": manufacturer, "seats": seats}
            context.emit(0, flight | seen)


Operator, Timed = export(Join)
