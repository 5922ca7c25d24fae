// Deduplication, top-N, joins, lists, ordered and merged state: what they emit and keep is what it is in Rust, whose test writes the files.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import {
  Deduplicate,
  Harness,
  IntervalJoin,
  ListState,
  Merged,
  OrderedMap,
  Rows,
  Table,
  TableJoin,
  Tumbling,
  add,
  append,
  bigint,
  boolean,
  code,
  greatest,
  integer,
  key,
  least,
  list,
  number,
  optional,
  record,
  row,
  text,
  time,
  tuple,
  union,
} from "../src/index.js";

const order = { id: text, at: time, price: number, big: bigint, note: optional(text) };
const payment = { id: text, at: time, ok: boolean };
const price = { big: bigint, price: optional(number) };
const [Order, Payment, Price] = [order, payment, price].map(row);

/** Shows bytes: as text what is text, and everything else in hexadecimal. */
function shown(bytes) {
  const isText = bytes.every((byte) => byte >= 0x20 && byte <= 0x7e);
  return isText ? Buffer.from(bytes).toString() : `x${Buffer.from(bytes).toString("hex")}`;
}

/** Does the steps of a file, and returns what the file says of them then. */
function steps(file, harness) {
  const did = {
    feed: (of, body) => (harness.feedTo(Number(of), body), body.trimEnd().split("\n")),
    watermark: (of) => (harness.watermark(of), []),
    finish: () => (harness.finish(), []),
    emitted: (of) => harness.emittedTo(Number(of)),
    entries: (of) => harness.entries(of).map(([name, value]) => `${shown(name)} ${shown(value)}`.trimEnd()),
  };
  return file
    .replace(/^# /, "")
    .split("\n# ")
    .flatMap((step) => {
      const [head, ...body] = step.split("\n");
      const [what, of] = head.split(" ");
      return [`# ${head}`, ...did[what](of, `${body.join("\n")}\n`)];
    });
}

/** Pushes each order to three lists, and takes the orders of a key when there are three. */
class Lists {
  rows = new Rows(Order);
  orders = new ListState("orders", text, record(order));
  times = new ListState("times", text, time);
  pairs = new ListState("pairs", text, tuple(bigint, optional(text)));

  describe() {
    const namespaces = [this.orders, this.times, this.pairs];
    return { name: "lists", inputs: ["orders"], outputs: ["counts"], namespaces };
  }

  begin(_input, header) {
    this.rows.begin(header);
  }

  process(_input, batch, context) {
    for (const it of this.rows.read(batch)) {
      const count = this.orders.push(it.id, it, context);
      this.times.push(it.id, it.at, context);
      this.pairs.push(it.id, [it.big, it.note], context);
      if (count < 3) context.emit(0, integer, count);
      else context.emit(0, list(record(order)), this.orders.take(it.id, context));
    }
  }
}

const Sale = row({ shop: code(2), id: text, at: time, big: bigint, note: optional(text) });
const Sold = tuple(bigint, optional(text));
const SoldAt = list(tuple(key(time, text), Sold));
const Values = tuple(optional(bigint), optional(time), optional(key(text, bigint)), optional(list(text)));

/** Keeps sales in the order of their times and merges what they say. It emits the ranges before each. */
class Sales {
  rows = new Rows(Sale);
  sales = new OrderedMap("sales", code(2), key(time, text), Sold);
  numbers = new OrderedMap("numbers", bigint, text, boolean);
  sums = new Merged("sums", text, add);
  least = new Merged("least", code(2), least(time));
  greatest = new Merged("greatest", code(2), greatest(key(text, bigint)));
  notes = new Merged("notes", bigint, append);
  ids = new Merged("ids", code(2), union(text));

  describe() {
    const { sales, numbers, sums, least, greatest, notes, ids } = this;
    const namespaces = [sales, numbers, sums, least, greatest, notes, ids];
    return { name: "sales", inputs: ["sales"], outputs: ["ranges", "values"], namespaces };
  }

  begin(_input, header) {
    this.rows.begin(header);
  }

  process(_input, batch, context) {
    for (const { shop, id, at, big, note } of this.rows.read(batch)) {
      const [of, before] = [
        [at, id],
        [at - 10, ""],
      ];
      const first = this.sales.range(shop, { from: before, to: of, limit: 2 }, context);
      const last = this.sales.range(shop, { through: of, limit: 3, reverse: true }, context);
      context.emit(0, tuple(SoldAt, SoldAt), [first, last]);
      this.sales.set(shop, of, [big, note], context);
      this.numbers.set(big, id, note !== null, context);
      this.sums.merge(id, big, context);
      this.least.merge(shop, at, context);
      this.greatest.merge(shop, [id, big], context);
      this.ids.merge(shop, id, context);
      if (note !== null) this.notes.merge(big, Buffer.from(note), context);
      const [sum, least] = [this.sums.get(id, context), this.least.get(shop, context)];
      context.emit(1, Values, [sum, least, this.greatest.get(shop, context), this.ids.get(shop, context)]);
      if (big === 7n) this.forget(shop, id, before, context);
    }
  }

  forget(shop, id, before, context) {
    const gone = this.sales.deleteRange(shop, { to: before }, context);
    this.numbers.delete(7n, id, context);
    this.sums.delete(id, context);
    const [sum, number] = [this.sums.get(id, context), this.numbers.get(7n, id, context)];
    context.emit(1, tuple(integer, optional(bigint), optional(boolean)), [gone, sum, number]);
  }
}

const OPERATORS = {
  lists: Lists,
  ordered: Sales,
  interval: IntervalJoin.by([Order, (it) => it.id], [Payment, (it) => it.id])
    .between(3, 5)
    .lateness(2)
    .outer(),
  deduplicate: Deduplicate.by(Order, (it) => [it.id, it.big])
    .within(10)
    .lateness(3),
  top: Tumbling.of(10)
    .lateness(5)
    .by(Order, (it) => it.id)
    .top(2, (it) => it.big),
  table: TableJoin.by(
    "orders",
    [Order, (it) => [it.id, it.big]],
    new Table("payments", [Payment, (it) => it.id], (it) => it.id),
    new Table("prices", [Price, (it) => it.big], (it) => it.big),
  )
    .wait(4)
    .emit(tuple(record(order), optional(record(payment)), optional(record(price))), (...all) => all),
};
for (const [name, operator] of Object.entries(OPERATORS)) {
  const path = fileURLToPath(new URL(`../../tests/golden/${name}.txt`, import.meta.url));
  test(`${name}: the same in all languages`, { skip: !existsSync(path) && "not in a checkout" }, () => {
    const file = readFileSync(path, "utf8");
    assert.deepEqual(steps(file, new Harness(operator)), file.trimEnd().split("\n"));
  });
}

test("a crash loses nothing of a join, because all of it is in the state", () => {
  const harness = new Harness(OPERATORS.interval);
  harness.feedTo("left", "id,at,price,big,note\na,0,6,1,\n");
  harness.checkpoint();
  harness.feedTo("right", "id,at,ok\na,1,true\n");
  harness.crash();
  harness.feedTo("right", "id,at,ok\na,1,true\n");
  assert.equal(harness.emitted().length, 1);
  harness.finish();
  assert.equal(harness.emitted().length, 1, "it is joined, so it does not come alone");
});

test("mistakes in deduplications and joins are told where they are made", () => {
  assert.throws(() => Deduplicate.by({}, (it) => it.id), /by takes what row/);
  assert.throws(() => Deduplicate.by(Order, "id"), /the key is a function of a row/);
  assert.throws(() => Deduplicate.by(row({ id: text }), (it) => it.id), /does not have one time/);
  assert.throws(() => Deduplicate.by(Order, (it) => it.none), /is not seen from the row: name it/);
  assert.throws(() => Deduplicate.by(Order, (it) => it.id).within("1"), RangeError);
  const texts = [Order, (it) => it.id];
  assert.throws(
    () => IntervalJoin.by(texts, [Order, (it) => it.big]),
    /of one type, and not a text and a whole number/,
  );
  const windows = Tumbling.of(10).by(Order, (it) => it.id);
  assert.throws(() => windows.top(-1, (it) => it.id), /-1 is no number of items/);
  assert.throws(() => windows.top(1, (it) => it.price.none), /name it, as top\(…, …, \{ item: text \}\)/);
  assert.throws(() => windows.top(1, "id"), /the item is a function of a row/);
});

test("a record that cannot be deduplicated is named", () => {
  const departed = Deduplicate.by(Order, (it) => it.id, { at: (it) => (it.big === 1n ? null : Number(it.big)) });
  const harness = new Harness(departed);
  assert.throws(() => harness.feed("id,at,price,big,note\na,0,6,2,\na,0,6,1,\n"), {
    message: "record 1: it has no time",
  });
  assert.deepEqual(harness.emitted(), []);
  const other = new Harness(Deduplicate.by(Order, (it) => it.id, { key: key(text, text) }));
  assert.throws(() => other.feed("id,at,price,big,note\na,0,6,2,\n"), TypeError);
});
