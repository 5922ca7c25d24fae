"""The plugin `carriers`. It adds up the flights and miles of each carrier.

Version 1 kept them as an array, `[flights, miles]`. Version 2 keeps them by name, so that members can be added, and
migrates what version 1 has left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import alluvium_plugin
from alluvium_plugin import Batch, Context, Description, Map, Refused, Row, Rows, export, key_bytes

# The namespace of the totals by carrier, in both versions.
TOTALS = "totals"

# A sum of miles stays within 64 bits.
LEAST, MOST = -(2**63), 2**63 - 1


class Flight(Row):
    carrier: str
    distance: int


@dataclass
class Totals:
    flights: int
    miles: int


class Carriers(alluvium_plugin.Operator):
    def __init__(self) -> None:
        self.rows = Rows(Flight)
        self.totals = Map(TOTALS, str, Totals)

    def describe(self) -> Description:
        described = Description("carriers", schema_version=2).input("flights").output("flights")
        return described.namespace(self.totals.namespace)

    def migrate(self, from_version: int, context: Context) -> None:
        if from_version != 1:
            raise Refused(f"version {from_version} is not known")
        before = Map(TOTALS, str, tuple[int, int])
        for carrier, (flights, miles) in before.entries(context):
            self.totals.set(carrier, Totals(flights, miles), context)

    def begin(self, input: int, header: list[str]) -> None:
        self.rows.begin(header)

    def process(self, input: int, batch: Batch, context: Context) -> None:
        flights = self.rows.read(batch)
        self.totals.prefetch([it.carrier for it in flights], context)
        for it in flights:
            totals = self.totals.get(it.carrier, context) or Totals(0, 0)
            totals.flights += 1
            totals.miles = max(LEAST, min(totals.miles + it.distance, MOST))
            self.totals.set(it.carrier, totals, context)
            if totals.flights % 100 == 0:
                context.emit(0, {"carrier": it.carrier, **vars(totals)})

    def route(self, input: int, batch: Batch) -> Sequence[bytes]:
        return [key_bytes(it.carrier) for it in self.rows.read(batch)]


Operator, Timed = export(Carriers)
