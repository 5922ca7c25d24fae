// Right uses of what operators of one's own are made of: rows, state, timers, the context, the harness.
import {
  add,
  append,
  code,
  column,
  Counter,
  formatTime,
  greatest,
  Harness,
  hashed,
  hours,
  integer,
  key,
  least,
  list,
  ListState,
  MapState,
  Merged,
  ordered,
  OrderedMap,
  parseTime,
  readJson,
  record,
  Refusal,
  row,
  Rows,
  text,
  time,
  timers,
  union,
  unsigned,
  ValueState,
} from "alluvium-plugin";
import type {
  Batch,
  Clock,
  Column,
  ColumnType,
  Context,
  Description,
  Entry,
  FixedKeyType,
  Integer,
  Key,
  Keyed,
  KeyRange,
  KeyType,
  Lengths,
  Merge,
  MergeOperator,
  Moment,
  Namespace,
  Operator,
  Parameter,
  Row,
  Type,
} from "alluvium-plugin";

import { equal } from "./equal.js";
import { objects as ready } from "./ready.js";

const Visit = row({ page: text, at: time });
const Seen = record({ page: text, visits: integer, at: time });
type Seen = { page: string; visits: number; at: number };

const limit: Parameter = { name: "limit", default: "2", doc: "How many visits a page has." };
const sums: Namespace = hashed("sums", { merge: "add" });
const days = ordered("days", 1, { expires: { clock: "event", afterMs: hours(48) } });
const due: Clock = "processing";
const queues = [timers("ends"), timers("due", due)];
const bytes = (...all: number[]): Uint8Array => Uint8Array.from(all);

/** Counts visits in every kind of state. The second input has whole records. */
class Visits implements Operator {
  static context: Context;
  readonly rows = new Rows(Visit);
  readonly pages: MapState<string, Seen> = new MapState("pages", text, Seen);
  readonly each = new MapState("each", key(text, integer), list(text)).expires("event", hours(24));
  readonly last = new ValueState("last", Seen);
  readonly times = new ListState("times", text, time).expires("processing", hours(1));
  readonly counts = new Counter("counts", text);
  #limit = 0;

  describe(): Description {
    return {
      name: "visits",
      schemaVersion: 2,
      inputs: ["visits", { name: "raw", format: "records" }],
      outputs: ["seen", { name: "bytes", format: "records" }],
      namespaces: [this.pages, this.each, this.last, this.times, this.counts, sums, days, ...queues],
      parameters: [limit],
    };
  }

  migrate(fromVersion: number, context: Context): void {
    if (fromVersion !== 1) throw new Refusal(`version ${fromVersion} is not known`);
    for (const [page, seen] of this.pages.entries(context)) this.pages.set(page, { ...seen, visits: 0 }, context);
  }

  open(context: Context): void {
    this.#limit = Number(context.parameter("limit") ?? context.previousParameter("limit"));
  }

  begin(_input: number, header: string[]): void {
    this.rows.begin(header);
  }

  process(input: number, batch: Batch, context: Context): void {
    Visits.context = context;
    if (input === 1) return this.raw(batch, context);
    const rows = this.rows.read(batch);
    this.pages.prefetch(new Set(rows.map(({ page }) => page)), context);
    this.times.prefetch([], context);
    this.each.prefetch([["/", 0]], context);
    rows.forEach(({ page, at }, number) => {
      const visits = this.counts.add(page, 1, context);
      if (visits > this.#limit) throw new Refusal(`${page}: too many`, { record: number });
      const seen: Seen = { page, visits, at };
      this.pages.set(page, seen, context);
      this.each.set([page, visits], [...(this.each.get([page, visits], context) ?? []), formatTime(at)], context);
      this.last.set(seen, context);
      this.times.push(page, at, context);
      context.setTimer("ends", at + hours(1), text.bytes(page));
      context.emit(0, Seen, seen);
    });
  }

  /** Works with bytes alone. */
  private raw(batch: Batch, context: Context): void {
    if (batch.format !== "records") throw new Refusal("the input has records");
    context.emitBytes(1, batch.bytes.subarray(0, batch.lens[0]));
    context.merge("sums", [[bytes(1), bytes(1, 0, 0, 0, 0, 0, 0, 0)]]);
    for (const day of [1, 2, 3]) context.set("days", bytes(day), bytes(day));
    context.set("days", bytes(3), null);
    context.flush();
    const [first]: Entry[] = context.scan("days", { from: bytes(0), to: bytes(9), reverse: true, limit: 1 });
    equal(
      first?.map((part) => part[0]),
      [2, 2],
    );
    equal(context.deleteRange("days", { to: bytes(2) }), 1);
    equal(context.deleteRange("days"), 1);
    context.prefetch("sums", [bytes(1)]);
    equal(context.get("sums", bytes(1))?.length, 8);
    equal(context.page("sums", true, 10).length, 1);
    const [page]: [string, Seen][] = this.pages.page(true, 1, context);
    equal(page?.[1].visits, 2);
    const now: Integer | null = context.processingTime();
    if (now !== null) context.setTimer("due", now, bytes(1));
    equal(context.deleteTimer("due", 7n, bytes(2)), false);
    context.log("info", String(context.watermark()));
  }

  route(_input: number, batch: Batch): Uint8Array[] {
    return this.rows.read(batch).map(({ page }) => text.bytes(page));
  }

  onTimers(namespace: string, at: Integer, keys: Uint8Array[], context: Context): void {
    if (namespace !== "ends") return;
    for (const page of keys.map((name) => text.of(name))) {
      const taken: number[] = this.times.take(page, context);
      equal([taken.every((each) => each < at), this.times.get(page, context)], [true, []]);
      const seen = this.pages.get(page, context);
      if (seen !== undefined && at > seen.at) this.pages.delete(page, context);
    }
  }

  finish(context: Context): void {
    const last: Seen | undefined = this.last.get(context);
    if (last !== undefined) context.emit(0, Seen, last);
  }

  results(start: boolean, _limit: number, context: Context): string[] {
    return start ? [`{"key":"/","value":${this.counts.get("/", context)}}`] : [];
  }
}

const header = "page,at\n";
const harness = new Harness(Visits, { parameters: { limit: "3" } });
const moments: Moment[] = ["1970-01-01T00:00:00Z", 1, 2n, new Date(3)];
for (const moment of moments) harness.processingTime(moment);
harness.feed(`${header}/,0\n/,7\n`);
harness.feedTo("visits", `${header}/a,7\n`);
harness.feedRecords("raw", ["a", bytes(1, 2)]);
equal(harness.route("visits", `${header}/a,7\n`).length, 1);
harness.checkpoint();
harness.feed(`${header}/lost,1\n`);
harness.crash();
harness.watermark("1970-01-01T01:00:00Z");
equal(harness.entries("counts").length, 2);
equal(harness.timers("ends")[0]?.at, 7 + hours(1));
harness.finish();
equal(harness.emitted().length, 4);
equal(harness.emittedTo("bytes"), ["a"]);
equal(harness.recordsOf(1)[0]?.length, 1);
equal(harness.results(), ['{"key":"/","value":2}']);
equal(harness.messages().length, 0);
try {
  harness.migrate(Visits);
} catch (error) {
  equal(error instanceof Refusal && [error.text, error.record], ["the state is of schema version 2 already", null]);
}
equal(parseTime("1970-01-01T00:00:01Z"), 1000);

const Reading = record({ meter: code(2), at: time, litres: integer }, { isClosed: true });
const sensor: FixedKeyType<string> = code(2);
const sum: MergeOperator<Integer, bigint> = add;

/** Keeps readings in the order of their times, and merges what they say. */
class Meters implements Operator {
  readonly readings: OrderedMap<string, number, number> = new OrderedMap("readings", sensor, time, integer);
  readonly counts = new OrderedMap("counts", unsigned, key(text, integer), text).expires("event", hours(1));
  readonly litres: Merged<string, Integer, bigint> = new Merged("litres", sensor, sum);
  readonly least = new Merged("least", sensor, least(integer)).expires("processing", hours(1));
  readonly greatest = new Merged("greatest", sensor, greatest(key(code(2), integer)));
  readonly log = new Merged("log", sensor, append);
  readonly times = new Merged("times", sensor, union(time));

  describe(): Description {
    const { readings, counts, litres, least, greatest, log, times } = this;
    const namespaces = [readings, counts, litres, least, greatest, log, times];
    return { inputs: [{ name: "readings", format: "records" }], namespaces };
  }

  process(_input: number, batch: Batch, context: Context): void {
    for (const { meter, at, litres } of readJson(batch, Reading)) {
      this.readings.set(meter, at, litres, context);
      this.counts.set(7n, [meter, at], "a", context);
      this.litres.merge(meter, litres, context);
      this.litres.merge(meter, 1n, context);
      this.least.merge(meter, litres, context);
      this.greatest.merge(meter, [meter, litres], context);
      this.log.merge(meter, bytes(at), context);
      this.times.merge(meter, at, context);
    }
    const range: KeyRange<number> = { from: 1, to: 3 };
    const found: [number, number][] = this.readings.range("k1", { ...range, limit: 9 }, context);
    const last = this.readings.range("k1", { after: 1, through: 3, limit: Infinity, reverse: true }, context);
    const value: number | undefined = this.readings.get("k1", 1, context);
    const times: number[] | undefined = this.times.get("k1", context);
    equal(
      [found, last, value, times],
      [
        [
          [1, 5],
          [2, 7],
        ],
        [[2, 7]],
        5,
        [1, 2],
      ],
    );
    const least: number | undefined = this.least.get("k1", context);
    const greatest: [string, number] | undefined = this.greatest.get("k1", context);
    const log: Uint8Array | undefined = this.log.get("k1", context);
    equal([least, greatest, log?.length, this.readings.name, this.log.name], [5, ["k1", 7], 2, "readings", "log"]);
    equal([this.readings.deleteRange("k1", { through: 1 }, context), this.counts.deleteRange(7n, {}, context)], [1, 2]);
    this.readings.delete("k1", 9, context);
    this.log.delete("k1", context);
  }

  route(_input: number, batch: Batch): Uint8Array[] {
    return readJson(batch, Reading).map(({ meter }) => sensor.bytes(meter));
  }

  results(start: boolean, limit: number, context: Context): string[] {
    const page: [string, bigint][] = this.litres.page(start, limit, context);
    return page.map(([meter, litres]) => `{"key":"${meter}","value":${litres}}`);
  }
}

const meters = new Harness(Meters);
const readings = ['{"meter":"k1","at":"1","litres":5}', '{"meter":"k1","at":"2","litres":7}'];
equal(meters.routeRecords("readings", readings)[1]?.length, sensor.byteLength);
meters.feedRecords(0, readings);
equal(meters.results(), ['{"key":"k1","value":14}']);

// Types of one's own, by the names of the package.
const name = <T extends Key>(type: KeyType<T>, value: T): Uint8Array => type.bytes(value);
const field = <T>(type: ColumnType<T>, value: string): T => type.column(value);
const json = <T>(type: Type<T>, value: T): string => type.write(value);
const windows = <R>(lengths: Lengths, of: Row<R>): Keyed<R> => lengths.by(of, () => "all");
const from: Column<string> = column("b", text);
const merges: Merge[] = ["add", "min", "max", "append", "set-union"];
equal([name(text, "a").length, field(integer, "7"), json(text, "a"), merges.length], [1, 7, '"a"', 5]);
windows(ready.Lengths, row({ a: from, at: time }))
  .count()
  .make();

/** An object of each class, for the comparison of its members with their declarations. */
export const objects = {
  ...ready,
  Rows: new Rows(Visit),
  MapState: new MapState("a", text, text),
  ValueState: new ValueState("a", text),
  ListState: new ListState("a", text, text),
  Counter: new Counter("a", text),
  OrderedMap: new OrderedMap("a", integer, text, text),
  Merged: new Merged("a", text, add),
  code: code(3),
  unsigned,
  Refusal: new Refusal("no", { record: 1 }),
  Harness: harness,
  Context: Visits.context,
};
