"""Adding flights up: one route for each key of the state, and its value as JSON."""

import re
from typing import NamedTuple, Optional

from flights import I64_MAX, I64_MIN, Flight, Wrong, quoted

U64_MAX = 2**64 - 1
VALUE = re.compile(
    r'\{"flights":([0-9]+),"cancelled":([0-9]+),"arr_delay_min":(-?[0-9]+),"worst_arr_delay_min":(null|-?[0-9]+)\}'
)


class Route(NamedTuple):
    """The value of one key, in the order of its JSON."""

    flights: int
    cancelled: int
    arr_delay_min: int
    worst_arr_delay_min: Optional[int]

    def fits(self) -> bool:
        """Whether every sum fits its 64 bits: Python's integers would grow past them."""
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
    """Both together; an error when a sum is too large."""
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
    """Digit for digit what the plugin of the same name in Rust writes."""
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
    """One line of the results: the route's members after its key."""
    return f'{{"key":{quoted(key)},{write(read(key, text))[1:]}'
