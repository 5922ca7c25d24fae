"""Adds flights up, with one route for each key of the state, and reads and writes its value as JSON."""

import re
from typing import NamedTuple, Optional

from flights import I64_MAX, I64_MIN, Flight, Wrong, quoted

U64_MAX = 2**64 - 1
VALUE = re.compile(
    r'\{"flights":([0-9]+),"cancelled":([0-9]+),"arr_delay_min":(-?[0-9]+),"worst_arr_delay_min":(null|-?[0-9]+)\}'
)


class Route(NamedTuple):
    """The value of one key. The fields have the order of its JSON."""

    flights: int
    cancelled: int
    arr_delay_min: int
    worst_arr_delay_min: Optional[int]

    def fits(self) -> bool:
        """Returns whether every sum fits 64 bits. Python's integers have no limit."""
        worst = self.worst_arr_delay_min
        return (
            self.flights <= U64_MAX
            and self.cancelled <= U64_MAX
            and I64_MIN <= self.arr_delay_min <= I64_MAX
            and (worst is None or I64_MIN <= worst <= I64_MAX)
        )


def one(flight: Flight) -> Route:
    return Route(1, int(flight.cancelled), flight.delay_minutes or 0, flight.delay_minutes)


def plus(key: str, a: Route, b: Route) -> Route:
    """Returns the sum of both routes. Raises `Wrong` if a sum is too large."""
    delays = [worst for worst in (a.worst_arr_delay_min, b.worst_arr_delay_min) if worst is not None]
    route = Route(
        a.flights + b.flights,
        a.cancelled + b.cancelled,
        a.arr_delay_min + b.arr_delay_min,
        max(delays, default=None),
    )
    if not route.fits():
        raise Wrong(f"state of {quoted(key)}: the sums do not fit 64 bits any more")
    return route


def write(route: Route) -> str:
    """Writes the same JSON as the plugin of the same name in Rust, byte for byte."""
    worst = "null" if route.worst_arr_delay_min is None else route.worst_arr_delay_min
    return (
        f'{{"flights":{route.flights},"cancelled":{route.cancelled},'
        f'"arr_delay_min":{route.arr_delay_min},"worst_arr_delay_min":{worst}}}'
    )


def read(key: str, text: str) -> Route:
    found = VALUE.fullmatch(text)
    if found:
        flights, cancelled, delay, worst = found.groups()
        route = Route(int(flights), int(cancelled), int(delay), None if worst == "null" else int(worst))
        if route.fits():
            return route
    raise Wrong(f"state of {quoted(key)} is not from this plugin: {text}")


def line(key: str, text: str) -> str:
    """Returns one line of the results: the key, followed by the route's members."""
    return f'{{"key":{quoted(key)},{write(read(key, text))[1:]}'
