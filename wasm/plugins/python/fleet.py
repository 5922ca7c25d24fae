"""The plugin `fleet`. It emits each flight with the manufacturer and the seats of its aircraft.

A flight waits until the watermark has reached its hour. Flights and planes have the same keys, so the work can be
divided among workers.
"""

from __future__ import annotations

from dataclasses import dataclass

from alluvium_plugin import Row, Table, TableJoin, Time, export


class Flight(Row):
    carrier: str
    flight: int
    tailnum: str
    time_hour: Time


class Plane(Row):
    tailnum: str
    manufacturer: str
    seats: int | None


@dataclass
class Flown:
    carrier: str
    flight: int
    hour: Time
    tailnum: str
    manufacturer: str | None
    seats: int | None


def flown(it: Flight, plane: Plane | None) -> Flown:
    manufacturer, seats = (plane.manufacturer, plane.seats) if plane else (None, None)
    return Flown(it.carrier, it.flight, it.time_hour, it.tailnum, manufacturer, seats)


planes = Table("planes", Plane, lambda it: it.tailnum, lambda it: it.tailnum)
fleet = TableJoin.by("flights", Flight, lambda it: it.tailnum, planes).emit(flown)
Operator, Timed = export(fleet)
