// The plugin `carriers`. It adds up the flights and miles of each carrier.
//
// Version 1 kept them as an array, `[flights, miles]`. Version 2 keeps them by name, so that members can be added, and
// migrates what version 1 has left.

import { bigint, integer, MapState, record, Refusal, row, Rows, text, tuple } from "alluvium-plugin";

// The namespace of the totals by carrier, in both versions.
const TOTALS = "totals";

// A sum of miles stays within 64 bits.
const [LEAST, MOST] = [-(2n ** 63n), 2n ** 63n - 1n];

const Flight = row({ carrier: text, distance: bigint });
const Line = record({ carrier: text, flights: integer, miles: bigint });

export default class Carriers {
  rows = new Rows(Flight);
  totals = new MapState(TOTALS, text, record({ flights: integer, miles: bigint }));

  describe() {
    return {
      name: "carriers",
      schemaVersion: 2,
      inputs: ["flights"],
      outputs: ["flights"],
      namespaces: [this.totals],
    };
  }

  migrate(fromVersion, context) {
    if (fromVersion !== 1) throw new Refusal(`version ${fromVersion} is not known`);
    const before = new MapState(TOTALS, text, tuple(integer, bigint));
    for (const [carrier, [flights, miles]] of before.entries(context)) {
      this.totals.set(carrier, { flights, miles }, context);
    }
  }

  begin(_input, header) {
    this.rows.begin(header);
  }

  process(_input, batch, context) {
    const rows = this.rows.read(batch);
    this.totals.prefetch(
      rows.map(({ carrier }) => carrier),
      context,
    );
    for (const { carrier, distance } of rows) {
      const before = this.totals.get(carrier, context) ?? { flights: 0, miles: 0n };
      const [flights, added] = [before.flights + 1, before.miles + distance];
      const miles = added > MOST ? MOST : added < LEAST ? LEAST : added;
      this.totals.set(carrier, { flights, miles }, context);
      if (flights % 100 === 0) context.emit(0, Line, { carrier, flights, miles });
    }
  }

  route(_input, batch) {
    return this.rows.read(batch).map(({ carrier }) => text.bytes(carrier));
  }
}
