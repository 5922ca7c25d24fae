// Version 1 of the plugin `carriers`, whose state version 2 migrates.

import { bigint, integer, MapState, record, row, Rows, text, tuple } from "alluvium-plugin";

// A sum of miles stays within 64 bits.
const [LEAST, MOST] = [-(2n ** 63n), 2n ** 63n - 1n];

const Flight = row({ carrier: text, distance: bigint });
const Line = record({ carrier: text, flights: integer, miles: bigint });

export default class Carriers {
  rows = new Rows(Flight);
  totals = new MapState("totals", text, tuple(integer, bigint));

  describe() {
    return { name: "carriers", inputs: ["flights"], outputs: ["flights"], namespaces: [this.totals] };
  }

  begin(_input, header) {
    this.rows.begin(header);
  }

  process(_input, batch, context) {
    for (const { carrier, distance } of this.rows.read(batch)) {
      const [before, sum] = this.totals.get(carrier, context) ?? [0, 0n];
      const [flights, added] = [before + 1, sum + distance];
      const miles = added > MOST ? MOST : added < LEAST ? LEAST : added;
      this.totals.set(carrier, [flights, miles], context);
      if (flights % 100 === 0) context.emit(0, Line, { carrier, flights, miles });
    }
  }
}
