// Deduplication, joins and the most frequent items: against what is computed of all records at once.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  Deduplicate,
  Harness,
  IntervalJoin,
  Table,
  TableJoin,
  Tumbling,
  formatTime,
  integer,
  number,
  optional,
  row,
  text,
  time,
  tuple,
} from "../src/index.js";
import { random } from "./random.js";

const Event = row({ key: text, at: time, number: integer });
const keyOf = (it) => it.key;

/** Returns records up to 20 ms out of order, each with its number. */
const records = (next, count) =>
  Array.from({ length: count }, (_, number) => ({ key: "abc"[next(3)], at: number * 2 + next(20), number }));

const csv = (records) =>
  ["key,at,number", ...records.map(({ key, at, number }) => `${key},${at},${number}`), ""].join("\n");

const shown = ({ key, at, number }) => `{"key":"${key}","at":"${formatTime(at)}","number":${number}}`;

/**
 * Feeds records to inputs in turns, in batches of any length, and moves the watermark behind them. Crashes lose what came
 * after the last checkpoint, and it is fed again.
 */
function fed(operator, inputs, next, crashes) {
  const harness = new Harness(operator);
  for (let epoch = 0; epoch < inputs[0].length / 10;) {
    for (const [input, records] of inputs.entries()) {
      for (let at = epoch * 10, end; at < epoch * 10 + 10; at = end) {
        end = at + 1 + next(epoch * 10 + 10 - at);
        harness.feedTo(input, csv(records.slice(at, end)));
      }
    }
    harness.watermark((epoch + 1) * 20);
    if (crashes && next(2) === 0) {
      harness.crash();
      continue;
    }
    harness.checkpoint();
    epoch += 1;
  }
  harness.finish();
  return harness;
}

/** Checks what an operator emits, with crashes and without, and that nothing is left in these namespaces. */
function check(operator, inputs, seed, expected, namespaces, isSorted = true) {
  const next = random(seed + 1000);
  const harness = fed(operator, inputs, next, false);
  const lines = harness.emitted();
  assert.ok(expected.length > 10);
  assert.deepEqual(isSorted ? lines : lines.toSorted(), isSorted ? expected : expected.toSorted(), `seed ${seed}`);
  for (const name of namespaces) assert.deepEqual(harness.entries(name), [], name);
  assert.deepEqual(fed(operator, inputs, next, true).emitted(), lines, `seed ${seed}: crashes change nothing`);
  return harness;
}

test("an interval join has each pair once", () => {
  const outer = IntervalJoin.by([Event, keyOf], [Event, keyOf]).between(3, 5).outer();
  for (let seed = 0; seed < 20; seed += 1) {
    const next = random(seed);
    const inputs = [records(next, 100), records(next, 100)];
    const expected = inputs[0].flatMap((left) => {
      const isPair = ({ key, at }) => key === left.key && at >= left.at - 3 && at <= left.at + 5;
      const rights = inputs[1].filter(isPair).map(shown);
      const line = (right) => `{"key":"${left.key}","left":${shown(left)},"right":${right}}`;
      return (rights.length === 0 ? ["null"] : rights).map(line);
    });
    const harness = check(outer, inputs, seed, expected, ["open", "ends"], false);
    assert.deepEqual(harness.emittedTo("late"), [], "nothing was late");
  }
});

test("duplicates are those of a scan at once", () => {
  const unique = Deduplicate.by(Event, keyOf).within(7);
  for (let seed = 0; seed < 20; seed += 1) {
    const all = records(random(seed), 200);
    const passed = [];
    for (const each of all) {
      if (passed.every(({ key, at }) => key !== each.key || Math.abs(at - each.at) >= 7)) passed.push(each);
    }
    const harness = check(unique, [all], seed, passed.map(shown), ["passed", "ends"]);
    assert.equal(harness.emittedTo("duplicates").length, 200 - passed.length);
  }
});

test("the most frequent items are those of a count at once", () => {
  const most = Tumbling.of(50)
    .by(Event, () => "")
    .top(2, keyOf);
  for (let seed = 0; seed < 20; seed += 1) {
    const all = records(random(seed), 600);
    const windows = new Map();
    for (const { key, at } of all) {
      const from = Math.floor(at / 50) * 50;
      if (!windows.has(from)) windows.set(from, new Map());
      windows.get(from).set(key, (windows.get(from).get(key) ?? 0) + 1);
    }
    const line = ([from, counts]) => {
      const items = [...counts].sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1)).slice(0, 2);
      const value = items.map(([item, count]) => `{"item":"${item}","count":${count}}`);
      return `{"key":"","from":"${formatTime(from)}","to":"${formatTime(from + 50)}","value":[${value}]}`;
    };
    const expected = [...windows].sort(([a], [b]) => a - b).map(line);
    check(most, [all], seed, expected, ["windows", "ends"]);
  }
});

const numbers = tuple(integer, optional(integer), optional(integer));
const joined = TableJoin.by(
  "stream",
  [Event, keyOf],
  new Table("first", [Event, keyOf], keyOf),
  new Table("second", [Event, (it) => it.number % 7], (it) => it.number % 7),
)
  .wait(5)
  .emit(numbers, (event, first, second) => [event.number, first?.number ?? null, second?.number ?? null]);

test("a table join finds what has come by the end of the wait", () => {
  for (let seed = 0; seed < 30; seed += 1) {
    const next = random(seed);
    const inputs = [records(next, 100), records(next, 100), records(next, 100)];
    // The epoch in which each record is due, and what was read of the tables by then.
    const dues = inputs[0].map(({ key, at, number }) => {
      const until = at + 5;
      const epoch = Math.min(Math.max(Math.ceil(until / 20), Math.floor(number / 10) + 1), 10);
      return { epoch, until, key, number };
    });
    const byKey = (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.number - b.number);
    dues.sort((a, b) => a.epoch - b.epoch || a.until - b.until || byKey(a, b));
    const last = (table, epoch, isIt) => table.slice(0, epoch * 10).findLast(isIt)?.number ?? null;
    const expected = dues.map(({ epoch, key, number }) => {
      const first = last(inputs[1], epoch, (it) => it.key === key);
      const second = last(inputs[2], epoch, (it) => it.number % 7 === number % 7);
      return JSON.stringify([number, first, second]);
    });
    check(joined, inputs, seed, expected, ["waiting", "due"]);
  }
});

test("a table join is divided if its tables have the keys of its records", () => {
  const table = new Table("table", [Event, keyOf], (it) => (it.number < 9 ? it.key : ""));
  const harness = new Harness(TableJoin.by("stream", [Event, keyOf], table).emit(integer, (it) => it.number));
  const keys = (input, csv) => harness.route(input, csv).map((key) => Buffer.from(key).toString());
  assert.deepEqual(keys("stream", "key,at,number\na,1,8\né,9223372036854775000,7\n"), ["a", "é"]);
  assert.deepEqual(keys("table", "key,at,number\nc,1,9\n"), ["c"]);
  assert.throws(() => harness.route(0, "key,at,number\na,1,8\nb,1,9\n"), {
    message: "record 1: it is looked up in table by another key than its own, so the work cannot be divided",
  });
  assert.throws(() => harness.route(1, "key,at,number\na,soon,9\n"), /^Refusal: record 0: at: "soon" is no time/);
  for (const operator of [
    Deduplicate.by(Event, (it) => [it.key, it.number]),
    IntervalJoin.by([Event, (it) => [it.key, it.number]], [Event, (it) => [it.key, it.number]]),
  ]) {
    const [key] = new Harness(operator).route(0, "key,at,number\na,1,8\n");
    assert.equal(Buffer.from(key).toString("latin1"), "a\0\x01\x80\0\0\0\0\0\0\x08");
  }
});

test("mistakes in table joins are told where they are made", () => {
  const table = new Table("table", [Event, keyOf], keyOf);
  assert.throws(() => new Table("table", [Event, keyOf]), /a lookup is a function of a record/);
  assert.throws(() => new Table([Event, keyOf], keyOf), /a table has the name of its input/);
  assert.throws(() => new Table("table", [{}, keyOf], keyOf), /by takes what row/);
  assert.throws(() => TableJoin.by([Event, keyOf], table), /the name of its stream/);
  assert.throws(() => TableJoin.by("stream", [Event, keyOf]), /joined with tables/);
  assert.throws(() => TableJoin.by("stream", [row({ key: text }), keyOf], table), /does not have one time/);
  const byNumber = new Table("table", [Event, (it) => it.number], keyOf);
  assert.throws(
    () => TableJoin.by("stream", [Event, keyOf], byNumber),
    /table is looked up by a text, and its keys are of the type a whole number/,
  );
  const silent = TableJoin.by("stream", [Event, keyOf], table);
  assert.throws(() => new Harness(silent), /a table join says what it emits/);
  assert.throws(() => silent.emit(integer), /a line is made by a function/);
  assert.throws(() => silent.emit("text", keyOf), TypeError);
});

test("records of a table join that are none are named and change nothing", () => {
  const harness = new Harness(joined);
  harness.feedTo("stream", "key,at,number\na,1,1\n");
  const state = () => ["waiting", "due", "first", "second"].map((name) => harness.entries(name));
  const before = state();
  for (const [input, csv, message] of [
    ["stream", "key,at,number\na,1,1\na,soon,1\n", /^record 1: at: "soon" is no time/],
    ["first", "key,at\na,1\n", /^the columns number are missing; there are key, at$/],
    ["second", "key,at,number\na,1,1\na,1,x\n", /^record 1: number: "x" is no number$/],
  ]) {
    assert.throws(() => harness.feedTo(input, csv), { name: "Refusal", message });
    assert.deepEqual(state(), before);
  }
  // The time of a row of a table may be beyond those of a Date, as that of a record may be.
  harness.feedTo("first", "key,at,number\na,9223372036854775807,2\n");
  harness.finish();
  assert.deepEqual(harness.emitted(), ["[1,2,null]"]);
  const timed = TableJoin.by(
    "stream",
    [Event, keyOf, { at: (it) => (it.number === 1 ? null : it.at) }],
    new Table("table", [row({ key: text, price: optional(number) }), keyOf], keyOf),
  ).emit(optional(number), (_, found) => found?.price);
  const priced = new Harness(timed);
  priced.feedTo("table", "key,price\na,6\nb,\n");
  priced.feedTo("stream", "key,at,number\na,1,0\nb,1,0\nc,1,0\n");
  assert.throws(() => priced.feedTo("stream", "key,at,number\na,1,1\n"), { message: "record 0: it has no time" });
  priced.finish();
  assert.deepEqual(priced.emitted(), ["6.0", "null", "null"]);
});
