"""Version 1 of the plugin `carriers`, whose state version 2 migrates."""

from __future__ import annotations

import alluvium_plugin
from alluvium_plugin import Batch, Context, Description, Map, Row, Rows, export

# A sum of miles stays within 64 bits.
LEAST, MOST = -(2**63), 2**63 - 1


class Flight(Row):
    carrier: str
    distance: int


class Carriers(alluvium_plugin.Operator):
    def __init__(self) -> None:
        self.rows = Rows(Flight)
        self.totals = Map("totals", str, tuple[int, int])

    def describe(self) -> Description:
        return Description("carriers").input("flights").output("flights").namespace(self.totals.namespace)

    def begin(self, input: int, header: list[str]) -> None:
        self.rows.begin(header)

    def process(self, input: int, batch: Batch, context: Context) -> None:
        for it in self.rows.read(batch):
            flights, miles = self.totals.get(it.carrier, context) or (0, 0)
            flights, miles = flights + 1, max(LEAST, min(miles + it.distance, MOST))
            self.totals.set(it.carrier, (flights, miles), context)
            if flights % 100 == 0:
                context.emit(0, {"carrier": it.carrier, "flights": flights, "miles": miles})


Operator, Timed = export(Carriers)
