// Wrong uses, each of which the compiler refuses: a line of these without an error is an error itself. Nothing of it runs.
import {
  add,
  append,
  bigint,
  code,
  column,
  Counter,
  Deduplicate,
  Fold,
  Harness,
  hashed,
  hours,
  integer,
  IntervalJoin,
  key,
  least,
  list,
  ListState,
  MapState,
  Merged,
  number,
  optional,
  ordered,
  OrderedMap,
  readJson,
  record,
  Refusal,
  row,
  Rows,
  Session,
  Table,
  TableJoin,
  text,
  time,
  timers,
  Top,
  tuple,
  Tumbling,
  union,
  unsigned,
  ValueState,
} from "alluvium-plugin";
import type { Batch, Context, Description, Operator } from "alluvium-plugin";

const Flight = row({ carrier: text, number: bigint, hour: time, delay: optional(number) });
const Plane = row({ carrier: text, seats: integer });
declare const context: Context;
declare const batch: Batch;
declare const harness: Harness;
declare const bytes: Uint8Array;
const same = <T>(value: T): T => value;
const miles = (sum: number, it: { distance: number }): number => sum + it.distance;

// Rows and types.
// @ts-expect-error: no column has a list.
row({ all: list(text) });
// @ts-expect-error: no column has a key of two parts.
column("both", key(text, text));
// @ts-expect-error: a key has two parts or more.
key(text);
// @ts-expect-error: no key has a number with a fraction.
key(text, number);
// @ts-expect-error: a type is none of its values.
optional("text");
// @ts-expect-error: a text is written by the type of texts.
text.write(7);
// @ts-expect-error: BigInts are of another type.
integer.bytes(7n);
// @ts-expect-error: rows are read by what `row` returns.
new Rows({ carrier: text });
// @ts-expect-error: the row has no such member.
new Rows(Flight).read(batch).map((it) => it.carier);
// @ts-expect-error: a code is of so many bytes.
code("JFK");
// @ts-expect-error: a number without a sign is a BigInt.
unsigned.bytes(7);
// @ts-expect-error: a code is a text.
code(3).write(7);
// @ts-expect-error: the records have no such member.
readJson(batch, record({ at: time })).map((it) => it.att);
// @ts-expect-error: a row is read from columns.
readJson(batch, Flight);
// @ts-expect-error: there is no such option.
record({ at: time }, { closed: true });
// @ts-expect-error: a type is made by the package.
row({ carrier: { name: "a text", column: String, write: String } });
// @ts-expect-error: a column is made by `column`.
row({ carrier: { name: "carrier", type: text } });
// @ts-expect-error: a type is no row.
new Rows(text);
// @ts-expect-error: only a batch of columns has fields.
batch.fields;

// Windows.
const day = Tumbling.hours(24);
const byCarrier = day.by(Flight, (it) => it.carrier);
// @ts-expect-error: a length is a number.
Tumbling.hours("1");
// @ts-expect-error: a gap is a number of milliseconds.
Session.gap(hours);
// @ts-expect-error: the row has no such member.
day.by(Flight, (it) => it.carier);
// @ts-expect-error: a number that may be null is no key.
day.by(Flight, (it) => it.delay);
// @ts-expect-error: the keys are texts.
day.by(Flight, (it) => it.carrier, { key: integer });
// @ts-expect-error: the second part of the keys is a BigInt.
day.by(Flight, (it): [string, bigint] => [it.carrier, it.number], { key: key(text, text) });
// @ts-expect-error: a time is a whole number.
day.by(Flight, (it) => it.carrier, { at: (it) => it.carrier });
// @ts-expect-error: there is no such option.
day.by(Flight, (it) => it.carrier, { lateness: 7 });
// @ts-expect-error: a mean is one of numbers.
byCarrier.mean((it) => it.carrier);
// @ts-expect-error: BigInts do not add up to a number.
byCarrier.sum((it) => it.number);
// @ts-expect-error: the items are texts.
byCarrier.top(3, (it) => it.carrier, { item: integer });
// @ts-expect-error: the items are texts.
byCarrier.aggregate(new Top(3, (it) => it.carrier, integer));
// @ts-expect-error: the sum is a text.
byCarrier.aggregate(new Fold(number, () => "", same, same));
// @ts-expect-error: the rows have no such member.
byCarrier.aggregate(new Fold(number, () => 0, miles, same));
// @ts-expect-error: an aggregate has more methods.
byCarrier.aggregate({ type: number, begin: () => 0 });
// @ts-expect-error: it is not said what the windows compute.
new Harness(byCarrier);

// A deduplication and joins.
// @ts-expect-error: what makes it is `by`.
new Deduplicate();
// @ts-expect-error: the keys are texts.
Deduplicate.by(Flight, (it) => it.carrier, { key: bigint });
// @ts-expect-error: the keys of both inputs are of one type.
IntervalJoin.by([Flight, (it) => it.carrier], [Plane, (it) => it.seats]);
// @ts-expect-error: it has two inputs.
IntervalJoin.by([Flight, (it) => it.carrier]);
// @ts-expect-error: the keys of the table are texts.
new Table("planes", [Plane, (it) => it.carrier, { key: integer }], () => "UA");
const planes = new Table("planes", [Plane, (it) => it.carrier], (it) => it.carrier);
// @ts-expect-error: the keys of the table are texts.
new Table("planes", [Plane, (it) => it.carrier], (it: { seats: number }) => it.seats);
const others = new Table("others", [Plane, (it) => it.carrier], (it: { other: string }) => it.other);
const join = TableJoin.by("flights", [Flight, (it) => it.carrier], planes);
// @ts-expect-error: the records of the stream have no such member.
TableJoin.by("flights", [Flight, (it) => it.carrier], others);
// @ts-expect-error: a row that is not there is null.
join.emit(integer, (_, plane) => plane.seats);
// @ts-expect-error: the line is of another type.
join.emit(record({ seats: integer }), (_, plane) => ({ seats: plane?.seats ?? null }));
// @ts-expect-error: the line has no member `number`.
join.emit(record({ seats: integer, number: bigint }), () => ({ seats: 7 }));
// @ts-expect-error: there is one table.
join.emit(integer, (_, plane, other) => other);

// State.
const seats = new MapState("seats", text, optional(integer));
const flown = new ListState("flown", key(text, bigint), time);
// @ts-expect-error: a number with a fraction is no key.
new MapState("a", number, text);
// @ts-expect-error: the keys are texts.
seats.get(7, context);
// @ts-expect-error: what is not there is undefined.
export const found: number | null = seats.get("UA", context);
// @ts-expect-error: the values are numbers.
seats.set("UA", "7", context);
// @ts-expect-error: state is in a context.
seats.delete("UA");
// @ts-expect-error: the keys are texts.
seats.prefetch([7], context);
// @ts-expect-error: there is no such clock.
seats.expires("machine", 7);
// @ts-expect-error: the keys have two parts.
flown.push("UA", 7, context);
// @ts-expect-error: the items are times.
flown.push(["UA", 7n], "1970-01-01T00:00:00Z", context);
// @ts-expect-error: the items are times.
export const items: string[] = flown.take(["UA", 7n], context);
// @ts-expect-error: a count is a number.
new Counter("a", text).add("UA", 1n, context);
// @ts-expect-error: it has one value, and no keys.
new ValueState("a", text).set("UA", "7", context);
// @ts-expect-error: a page says whether it is the first.
seats.page(10, context);

// Ordered and merged state.
const days = new OrderedMap("days", code(3), time, text);
// @ts-expect-error: owners are texts of one length.
new OrderedMap("a", text, time, text);
// @ts-expect-error: no owner has two parts.
new OrderedMap("a", key(integer, integer), time, text);
// @ts-expect-error: no key has a number with a fraction.
new OrderedMap("a", integer, number, text);
// @ts-expect-error: an entry has an owner.
days.get(7, context);
// @ts-expect-error: the keys are times.
days.set("JFK", "7", "a", context);
// @ts-expect-error: a range has a limit.
days.range("JFK", { from: 7 }, context);
// @ts-expect-error: a range has no such end.
days.range("JFK", { until: 7, limit: 1 }, context);
// @ts-expect-error: a range begins once.
days.range("JFK", { from: 7, after: 7, limit: 1 }, context);
// @ts-expect-error: a range ends once.
days.deleteRange("JFK", { to: 7, through: 7 }, context);
// @ts-expect-error: the keys are times.
days.deleteRange("JFK", { to: "7" }, context);
// @ts-expect-error: the values are texts.
export const entries: [number, number][] = days.range("JFK", { limit: 1 }, context);
const flights = new Merged("flights", text, add);
// @ts-expect-error: an operator of merges is none of the engine's names.
new Merged("a", text, "add");
// @ts-expect-error: the least is of some type.
new Merged("a", text, least);
// @ts-expect-error: a set has keys.
union(number);
// @ts-expect-error: a sum is one of whole numbers.
flights.merge("UA", "1", context);
// @ts-expect-error: a sum is a BigInt.
export const sum: number | undefined = flights.get("UA", context);
// @ts-expect-error: what is appended is bytes.
new Merged("a", text, append).merge("UA", "text", context);
// @ts-expect-error: the elements are texts.
new Merged("a", text, union(text)).merge("UA", 7, context);
// @ts-expect-error: a set is an array.
export const destinations: string | undefined = new Merged("a", text, union(text)).get("UA", context);
// @ts-expect-error: a value is merged, and not set.
flights.set("UA", 7n, context);

// The context.
// @ts-expect-error: a text is a text.
context.emit(0, text, 7);
// @ts-expect-error: the parts are in another order.
context.emit(0, tuple(text, number), [7, "UA"]);
// @ts-expect-error: the tuple has two parts.
context.emit(0, tuple(text, text), ["UA"]);
// @ts-expect-error: each member must be there.
context.emit(0, record({ carrier: text, seats: optional(integer) }), { carrier: "UA" });
// @ts-expect-error: there is no such member.
context.emit(0, record({ carrier: text }), { carrier: "UA", seats: 7 });
// @ts-expect-error: bytes are no text.
context.set("a", bytes, "7");
// @ts-expect-error: only what is set can be null.
context.merge("a", [[bytes, null]]);
// @ts-expect-error: a scan has a limit.
context.scan("a", { reverse: true });
// @ts-expect-error: a time is a whole number.
context.setTimer("a", "1970-01-01T00:00:00Z", bytes);
// @ts-expect-error: there is no such level.
context.log("fatal", "it ends");
// @ts-expect-error: there may be no watermark.
export const watermark: number | bigint = context.watermark();

// What an operator says of itself.
// @ts-expect-error: there is no such clock.
timers("a", "machine");
// @ts-expect-error: there is no such merge.
hashed("a", { merge: "sum" });
// @ts-expect-error: some bytes say who owns a key.
ordered("a");
// @ts-expect-error: an operator has inputs.
export const without: Description = { outputs: ["a"] };
// @ts-expect-error: the state has namespaces, and no names.
export const named: Description = { inputs: ["a"], namespaces: ["b"] };
// @ts-expect-error: an input has columns or records.
export const lines: Description = { inputs: [{ name: "a", format: "lines" }] };
// @ts-expect-error: an output has lines or records.
export const columns: Description = { inputs: ["a"], outputs: [{ name: "b", format: "columns" }] };
const parts = { describe: () => ({ inputs: ["a"] }), begin: () => {}, process: () => {} };
// @ts-expect-error: there is no work for a batch.
export const idle: Operator = { describe: parts.describe, begin: parts.begin };
// @ts-expect-error: the key of a record is bytes.
export const routing: Operator = { ...parts, route: () => ["UA"] };
// @ts-expect-error: a time may be beyond 2^53.
export const timed: Operator = { ...parts, onTimers: (_namespace, at) => hours(at) };
// @ts-expect-error: the record is a number.
new Refusal("no carrier", { record: "7" });

// Tests.
// @ts-expect-error: an operator has methods.
new Harness({});
// @ts-expect-error: parameters are texts.
new Harness(parts, { parameters: { limit: 7 } });
// @ts-expect-error: records are bytes or texts.
harness.feedRecords("a", [7]);
// @ts-expect-error: there are many records.
harness.routeRecords("a", "7");
// @ts-expect-error: a time is one.
harness.watermark(true);
// @ts-expect-error: an output has a number or a name.
harness.emittedTo(["a"]);
