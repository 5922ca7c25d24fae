"""What the plugin `delays` does, as a flow of Bytewax.

The flow reads INPUT and writes OUTPUT, both from the environment. A line on the standard output says when the first
record of this start has been added.
"""

import os
from dataclasses import dataclass
from typing import Iterable, Optional, Tuple

import bytewax.operators as op
from bytewax.connectors.files import FileSink, FileSource
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic

Flight = Tuple[bool, Optional[int]]


@dataclass
class Route:
    """The value of one key."""

    flights: int = 0
    cancelled: int = 0
    delay: int = 0
    worst: Optional[int] = None


def known(field: str) -> Optional[int]:
    """Returns the number in a field, or none where the data has none."""
    return None if field in ("", "NA") else int(field)


def read(line: str) -> Iterable[Tuple[str, Flight]]:
    """Returns the key of a flight with what it adds; nothing for the first line."""
    if line.startswith("year,"):
        return []
    fields = line.split(",")
    delay = known(fields[8])
    return [(f"{fields[9]}:{fields[12]}-{fields[13]}", (known(fields[3]) is None, delay))]


class Sum(StatefulBatchLogic):
    """Adds the flights of one key up. The end of the input writes its value."""

    has_begun = False

    def __init__(self, state: Optional[Route]):
        self.route = state or Route()

    def on_batch(self, values):
        """Adds flights."""
        route = self.route
        for is_cancelled, delay in values:
            route.flights += 1
            route.cancelled += is_cancelled
            if delay is not None:
                route.delay += delay
                route.worst = delay if route.worst is None else max(route.worst, delay)
        if not Sum.has_begun:
            Sum.has_begun = True
            print("first record", flush=True)
        return [], StatefulBatchLogic.RETAIN

    def on_eof(self):
        """Writes the value."""
        route = self.route
        worst = "" if route.worst is None else route.worst
        return [f"{route.flights},{route.cancelled},{route.delay},{worst}"], StatefulBatchLogic.RETAIN

    def snapshot(self):
        """Returns what a checkpoint keeps."""
        route = self.route
        return Route(route.flights, route.cancelled, route.delay, route.worst)


flow = Dataflow("delays")
lines = op.input("flights", flow, FileSource(os.environ["INPUT"], batch_size=1000))
keyed = op.flat_map("read", lines, read)
sums = op.stateful_batch("sum", keyed, Sum)
rows = op.map("row", sums, lambda item: (item[0], f"{item[0]},{item[1]}"))
op.output("routes", rows, FileSink(os.environ["OUTPUT"]))
