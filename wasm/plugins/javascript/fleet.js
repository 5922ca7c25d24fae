// The plugin `fleet`. It emits each flight with the manufacturer and the seats of its aircraft.
//
// A flight waits until the watermark has reached its hour. Flights and planes have the same keys, so the work can be
// divided among workers.

import { bigint, optional, record, row, Table, TableJoin, text, time } from "alluvium-plugin";

const Flight = row({ carrier: text, flight: bigint, tailnum: text, time_hour: time });
const Plane = row({ tailnum: text, manufacturer: text, seats: optional(bigint) });

const Flown = record({
  carrier: text,
  flight: bigint,
  hour: time,
  tailnum: text,
  manufacturer: optional(text),
  seats: optional(bigint),
});

const planes = new Table("planes", [Plane, (it) => it.tailnum], (it) => it.tailnum);
const joined = TableJoin.by("flights", [Flight, (it) => it.tailnum], planes);
export default joined.emit(Flown, ({ carrier, flight, time_hour, tailnum }, plane) => {
  const { manufacturer, seats } = plane ?? { manufacturer: null, seats: null };
  return { carrier, flight, hour: time_hour, tailnum, manufacturer, seats };
});
