// Right uses of the operators that are ready: windows, a deduplication, joins. The compiler takes them, and they run.
import {
  bigint,
  boolean,
  column,
  Count,
  days,
  Deduplicate,
  Fold,
  Harness,
  hours,
  integer,
  IntervalJoin,
  key,
  list,
  Max,
  Mean,
  milliseconds,
  Min,
  minutes,
  number,
  optional,
  record,
  row,
  seconds,
  Session,
  Sliding,
  Sum,
  Table,
  TableJoin,
  text,
  time,
  Top,
  tuple,
  Tumbling,
} from "alluvium-plugin";
import type { Aggregate, Counted, Exported, Operator, Placing, ValueOf, Windows } from "alluvium-plugin";

import { equal } from "./equal.js";

const Flight = row({
  carrier: text,
  number: column("flight", bigint),
  origin: text,
  hour: time,
  delay: optional(number),
  isLate: column("is_late", boolean),
  seats: integer,
});
const HEADER = "carrier,flight,origin,hour,delay,is_late,seats\n";

/** Runs an operator over some records, and returns what it emits to its first output. */
function emitted(operator: Exported): string[] {
  const harness = new Harness(operator);
  harness.feed(`${HEADER}UA,1,EWR,2013-01-01T05:00:00Z,2.5,true,100\nUA,2,EWR,2013-01-01T05:30:00Z,NA,false,50\n`);
  harness.finish();
  return harness.emitted();
}

/** Returns the values of windows. */
const values = (windows: Windows): unknown[] => emitted(windows.named("it")).map((line) => JSON.parse(line).value);

// What a window computes: by its name, and as a class of its own.
const day = Tumbling.hours(24).lateness(minutes(10));
const byCarrier = day.by(Flight, (it) => it.carrier);
equal(values(byCarrier.count()), [2]);
equal(values(byCarrier.aggregate(new Count())), [2]);
equal(values(byCarrier.sum((it) => it.delay)), [2.5]);
equal(values(byCarrier.aggregate(new Sum((it) => it.delay))), [2.5]);
equal(values(byCarrier.mean((it) => it.seats)), [75]);
equal(values(byCarrier.aggregate(new Mean((it) => it.seats))), [75]);
equal(values(byCarrier.min((it) => it.seats)), [50]);
equal(values(byCarrier.aggregate(new Min((it) => it.seats))), [50]);
equal(values(byCarrier.max((it) => it.seats)), [100]);
equal(values(byCarrier.aggregate(new Max((it) => it.seats))), [100]);
equal(values(byCarrier.top(1, (it) => it.origin)), [[{ item: "EWR", count: 2 }]]);
equal(values(byCarrier.top(1, (it) => it.origin, { item: text })), [[{ item: "EWR", count: 2 }]]);
equal(values(byCarrier.aggregate(new Top(1, (it) => it.origin, text))), [[{ item: "EWR", count: 2 }]]);

const Seen = record({ numbers: list(bigint), late: boolean });
const seen = new Fold(
  Seen,
  () => ({ numbers: [], late: false }),
  (value, it: { number: bigint; isLate: boolean }) => ({
    numbers: [...value.numbers, it.number],
    late: value.late || it.isLate,
  }),
  (value, later) => ({ numbers: [...value.numbers, ...later.numbers], late: value.late || later.late }),
);
equal(values(byCarrier.aggregate(seen)), [{ numbers: [1, 2], late: true }]);

// An aggregate of one's own keeps its bytes itself.
const longest: Aggregate<{ seats: number }, number, number | null> = {
  type: optional(integer),
  begin: () => 0,
  add: (kept, it) => Math.max(kept, it.seats),
  join: (kept, later) => Math.max(kept, later),
  value: (kept) => kept,
  write: (kept) => Uint8Array.of(kept),
  read: (bytes) => bytes[0],
};
equal(values(byCarrier.aggregate(longest)), [100]);
const kept: Counted = new Sum<number>((it) => it).add({ count: 0, number: 0 }, 7);
equal(kept, { count: 1, number: 7 });

// Keys of several parts and of named types, and times that the row does not have.
const at: Placing<{ hour: number; carrier: string }> = { at: (it) => it.hour + seconds(1), key: text };
equal(
  values(
    Tumbling.minutes(60)
      .by(Flight, (it) => [it.carrier, it.number])
      .count(),
  ),
  [1, 1],
);
equal(
  values(
    Tumbling.of(days(1))
      .by(Flight, (it) => it.carrier, at)
      .count(),
  ),
  [2],
);
equal(
  values(
    Sliding.of(hours(2), hours(1))
      .by(Flight, (it) => it.number, { key: bigint })
      .count(),
  ),
  [1, 1, 1, 1],
);
equal(
  values(
    Session.gap(milliseconds(1))
      .by(Flight, (it) => it.origin)
      .count(),
  ),
  [1, 1],
);
const parts = { key: key(text, bigint) };
equal(
  values(
    Session.gap(hours(1))
      .by(Flight, (it): [string, bigint] => [it.origin, it.number], parts)
      .count(),
  ),
  [1, 1],
);

const unique = Deduplicate.by(Flight, (it) => it.carrier)
  .within(days(7))
  .lateness(hours(1))
  .named("unique");
equal(emitted(unique).length, 1);
const made: Operator = Deduplicate.by(Flight, (it) => it.origin, { at: (it) => it.hour, key: text }).make();
equal(emitted(made).length, 1);

// Joins of two streams.
const Left = row({ id: text, at: time });
const Right = row({ of: text, at: time, paid: optional(number) });
const pairs = IntervalJoin.by([Left, (it) => it.id], [Right, (it) => it.of, { at: (it) => it.at }])
  .between(hours(1), hours(2))
  .lateness(minutes(1))
  .outer()
  .named("pairs");
const harness = new Harness(pairs.make());
harness.feedTo("left", "id,at\na,0\nb,0\n");
harness.feedTo("right", "of,at,paid\na,7,1.5\n");
harness.finish();
equal(
  harness.emitted().map((line) => JSON.parse(line).right?.paid),
  [1.5, undefined],
);

// Joins with tables. The function of a line knows what is found in each.
const Stream = row({ carrier: text, flight: integer, at: time });
const Carrier = row({ carrier: text, name: text });
const Line = record({ flight: integer, carrier: optional(text), found: tuple(boolean, boolean) });
type Lines = ValueOf<typeof Line>;
const carriers = new Table("carriers", [Carrier, (it) => it.carrier, { key: text }], (it) => it.carrier);
const others = new Table("others", [row({ id: integer, seats: bigint }), (it) => it.id], (it) => it.flight);
const joined = TableJoin.by("flights", [Stream, (it) => it.carrier, { at: (it) => it.at }], carriers, others)
  .wait(minutes(1))
  .emit(Line, ({ flight }, carrier, other): Lines => {
    const seats: bigint | undefined = other?.seats;
    return { flight, carrier: carrier?.name ?? null, found: [carrier !== null, seats !== undefined] };
  })
  .named("joined");
const tables = new Harness(joined.make());
tables.feedTo("flights", "carrier,flight,at\nUA,1,0\n");
tables.feedTo("carriers", "carrier,name\nUA,United\n");
tables.finish();
equal(tables.emitted(), ['{"flight":1,"carrier":"United","found":[true,false]}']);

/** An object of each class, for the comparison of its members with their declarations. */
export const objects = {
  Lengths: day,
  Tumbling: Tumbling.of(1),
  Sliding: Sliding.of(1, 1),
  Session: Session.gap(1),
  Keyed: byCarrier,
  Windows: byCarrier.count(),
  Count: new Count(),
  Sum: new Sum<number>((it) => it),
  Mean: new Mean<number>((it) => it),
  Min: new Min<number>((it) => it),
  Max: new Max<number>((it) => it),
  Top: new Top<string, string>(1, (it) => it, text),
  Fold: seen,
  Deduplicate: unique,
  IntervalJoin: pairs,
  Table: carriers,
  TableJoin: joined,
  Harness: harness,
  text,
  integer,
  bigint,
  key: parts.key,
  number,
  boolean,
  time,
  optional: optional(text),
  tuple: tuple(text),
  list: list(text),
  record: Seen,
};
