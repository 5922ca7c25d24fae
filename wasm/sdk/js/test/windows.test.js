// Windows: against sums that are made at once, for disordered and late records.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  Refusal,
  Fold,
  Harness,
  Session,
  Sliding,
  Tumbling,
  integer,
  key,
  list,
  number,
  optional,
  row,
  text,
  time,
} from "../src/index.js";
import { random } from "./random.js";
import { csv, records, shown } from "./records.js";

const Sample = row({ key: text, at: time, number: optional(number) });
const by = (it) => it.key;
const tumbling = (lateness) =>
  Tumbling.of(10)
    .lateness(lateness)
    .by(Sample, by)
    .sum((it) => it.number);
const sessions = (lateness) =>
  Session.gap(5)
    .lateness(lateness)
    .by(Sample, by)
    .max((it) => it.number);

test("tumbling windows are those of sums made at once, in any cuts", () => {
  for (let seed = 0; seed < 100; seed += 1) {
    const next = random(seed);
    const all = records(next, 200);
    const harness = new Harness(tumbling(0));
    for (let at = 0; at < all.length;) {
      const end = Math.min(at + 1 + next(40), all.length);
      harness.feed(csv(all.slice(at, end)));
      at = end;
      // No record has a time before this.
      harness.watermark(at * 2);
    }
    harness.finish();
    const sums = new Map();
    for (const { key, at, number } of all) {
      const from = Math.floor(at / 10) * 10;
      const of = JSON.stringify([from, key]);
      sums.set(of, (sums.get(of) ?? 0) + number);
    }
    const expected = [...sums].map(([of, sum]) => [...JSON.parse(of), sum]);
    expected.sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1));
    assert.deepEqual(
      shown(harness),
      expected.map(([from, key, sum]) => [key, from, from + 10, `${sum}.0`]),
      `seed ${seed}`,
    );
    assert.deepEqual(harness.emittedTo("late"), [], `seed ${seed}: nothing was late`);
    assert.deepEqual(harness.entries("windows"), [], `seed ${seed}: windows that have ended are gone`);
    assert.deepEqual(harness.timers("ends"), []);
  }
});

test("sessions are those of records that are sorted at once", () => {
  for (let seed = 0; seed < 100; seed += 1) {
    const next = random(seed);
    const all = records(next, 60).map((record) => ({ ...record, at: record.at * 2 }));
    const harness = new Harness(sessions(0));
    for (const record of all) harness.feed(csv([record]));
    harness.finish();
    const expected = [];
    for (const key of ["a", "b", "c"]) {
      const own = all.filter((record) => record.key === key).sort((a, b) => a.at - b.at);
      let open;
      for (const { at, number } of own) {
        if (open === undefined || at > open[2]) expected.push((open = [key, at, at + 5, number]));
        else [open[2], open[3]] = [at + 5, Math.max(open[3], number)];
      }
    }
    expected.sort((a, b) => a[2] - b[2] || (a[0] < b[0] ? -1 : 1));
    assert.deepEqual(
      shown(harness),
      expected.map((of) => [...of.slice(0, 3), `${of[3]}.0`]),
      `seed ${seed}`,
    );
  }
});

test("a record that is too late is told, and one within the lateness corrects its window", () => {
  const harness = new Harness(tumbling(5));
  harness.feed("key,at,number\na,1,10\na,12,1\n");
  harness.watermark(12);
  assert.deepEqual(shown(harness), [["a", 0, 10, "10.0"]]);
  harness.feed("key,at,number\na,2,7\na,3,1\n");
  harness.watermark(13);
  assert.deepEqual(shown(harness).slice(1), [["a", 0, 10, "18.0"]], "one correction for both");
  harness.watermark(15);
  harness.feed("key,at,number\na,4,7\n");
  harness.finish();
  assert.deepEqual(harness.emittedTo(1), ['{"key":"a","time":"1970-01-01T00:00:00.004Z"}']);
  assert.deepEqual(shown(harness).slice(2), [["a", 10, 20, "1.0"]]);
});

test("a time is in each window that slides over it", () => {
  const harness = new Harness(Sliding.of(10, 4).by(Sample, by).count());
  harness.feed("key,at,number\na,8,\na,-1,\n");
  harness.finish();
  const from = [
    [-8, 1],
    [-4, 1],
    [0, 1],
    [4, 1],
    [8, 1],
  ];
  assert.deepEqual(
    shown(harness),
    from.map(([from, count]) => ["a", from, from + 10, String(count)]),
  );
  const rare = new Harness(Sliding.of(3, 10).by(Sample, by).count());
  rare.feed("key,at,number\na,2,\na,3,\n");
  rare.finish();
  assert.deepEqual(shown(rare), [["a", 0, 3, "1"]]);
  assert.equal(rare.emittedTo("late").length, 1, "what no window has is told");
});

test("a record between two sessions joins them", () => {
  const harness = new Harness(sessions(0));
  harness.feed("key,at,number\na,1,3\na,9,4\nb,1,9\n");
  assert.equal(harness.timers("ends").length, 3);
  harness.feed("key,at,number\na,5,1\n");
  assert.deepEqual(
    harness.timers("ends").map(({ at, key }) => [at, String.fromCharCode(...key)]),
    [
      [6, "b"],
      [14, "a"],
    ],
  );
  harness.watermark(14);
  assert.deepEqual(shown(harness), [
    ["b", 1, 6, "9.0"],
    ["a", 1, 14, "4.0"],
  ]);
});

test("an entry has its bytes", () => {
  const harness = new Harness(
    Tumbling.of(10)
      .by(Sample, (it) => [it.key, 7])
      .mean((it) => it.number),
  );
  harness.feed("key,at,number\na,1,3\na,2,4\na,12,NA\n");
  const [[entryKey, value]] = harness.entries("windows");
  assert.equal(Buffer.from(entryKey).toString("hex"), "610001" + "8000000000000007");
  const windows = ["0000000000000000" + "0a00000000000000" + "10000000" + "0200000000000000" + "0000000000001c40"];
  windows.push("0a00000000000000" + "1400000000000000" + "10000000" + "0000000000000000" + "0000000000000000");
  assert.equal(Buffer.from(value).toString("hex"), windows.join(""));
  harness.finish();
  assert.match(harness.emitted()[0], /^\{"key":\["a",7\],"from":.*,"value":3\.5\}$/);
  assert.match(harness.emitted()[1], /"value":null\}$/);
});

test("bytes of numbers are the same on every machine", () => {
  const kept = (windows, numbers) => {
    const harness = new Harness(windows);
    harness.feed(csv(numbers.map((number) => ({ key: "a", at: 1, number }))));
    return Buffer.from(harness.entries("windows")[0][1]).subarray(28).toString("hex");
  };
  const nan = (it) => (it.number === 2 ? NaN : it.number * Infinity);
  assert.equal(kept(Tumbling.of(10).by(Sample, by).sum(nan), [1, -1, 1]), "000000000000f87f");
  assert.equal(kept(Tumbling.of(10).by(Sample, by).min(nan), [2]), "000000000000f87f");
  const [zero, negative] = ["0000000000000000", "0000000000000080"];
  for (const name of ["min", "max"]) {
    const windows = () =>
      Tumbling.of(10)
        .by(Sample, by)
        [name]((it) => it.number);
    assert.equal(kept(windows(), ["0", "-0"]), zero);
    assert.equal(kept(windows(), ["-0", "0"]), negative);
  }
});

test("times at the ends of 64 bits stay there", () => {
  const harness = new Harness(Tumbling.hours(24).by(Sample, by).count());
  const [first, last] = [-(2n ** 63n), 2n ** 63n - 1n];
  harness.feed(`key,at,number\na,${first},\na,${last},\na,9007199254740993,\n`);
  harness.finish();
  const ends = harness
    .emitted()
    .map((line) => JSON.parse(line))
    .map(({ from, to }) => [from, to]);
  assert.deepEqual(ends, [
    [String(first), "-9223372036768375808"],
    ["9007199222400000", "9007199308800000"],
    ["9223372036828800000", String(last)],
  ]);
  const used = Tumbling.of(10)
    .by(Sample, by, { at: (it) => it.at })
    .count();
  const refused = { name: "Refusal", message: `record 0: at: "${last}" is beyond the times of a Date` };
  assert.throws(() => new Harness(used).feed(`key,at,number\na,${last},\n`), refused);
});

test("a fold keeps a value of its own type", () => {
  const seen = new Fold(
    list(number),
    () => [],
    (kept, it) => [...kept, it.number],
    (kept, later) => kept.concat(later),
  );
  const harness = new Harness(Session.gap(5).by(Sample, by).aggregate(seen));
  harness.feed("key,at,number\na,1,6\na,9,0.5\n");
  assert.deepEqual(
    harness.entries("windows").map(([, value]) => String.fromCharCode(...value.slice(20, 25))),
    ["[6.0]"],
  );
  harness.feed("key,at,number\na,5,7\n");
  harness.finish();
  assert.match(harness.emitted()[0], /"value":\[6\.0,0\.5,7\.0\]\}$/);
});

test("mistakes in the code are told where they are made", () => {
  const windows = Tumbling.minutes(1);
  const Two = row({ a: optional(text), n: integer, from: time, to: time });
  const at = (it) => it.from;
  const cases = [
    [() => windows.by(Two, (it) => it.n), /does not have one time/],
    [() => windows.by(Two, (it) => it.a, { at }), /the type of the key is not seen from the row/],
    [() => windows.by(Two, (it) => it.a.slice(1), { at }), /the type of the key is not seen from the row/],
    [() => windows.by(Two, (it) => it.b, { at }), /the type of the key is not seen from the row/],
    [() => windows.by(Two, "a", { at }), /the key is a function of a row/],
    [() => windows.by({ a: text }, (it) => it.a), /by takes what row/],
    [() => windows.by(Two, (it) => it.a, { at, key: number }), /a key is of the type text/],
    [() => windows.by(Sample, by).mean(), /a function of a row/],
    [() => windows.by(Sample, by).aggregate({ begin() {} }), /an aggregate has the methods add, join/],
    [() => windows.lateness("5"), /"?5"? is no duration/],
    [() => new Fold(list(number), []), /begin of a fold is a function/],
  ];
  for (const [code, message] of cases) assert.throws(code, { message });
  const key2 = windows.by(Two, (it) => [it.a ?? "", it.n], { at, key: key(text, integer) }).count();
  const harness = new Harness(key2);
  harness.feed("a,n,from,to\nNA,5,0,1\n");
  harness.finish();
  assert.match(harness.emitted()[0], /^\{"key":\["",5\]/);
});

test("a bug in a function of rows is no refusal", () => {
  const harness = new Harness(
    Tumbling.minutes(1)
      .by(Sample, by)
      .mean((it) => it.nmber),
  );
  const bug = { name: "TypeError", message: "undefined is not a number or null" };
  assert.throws(() => harness.feed("key,at,number\na,1,1\n"), bug);
  assert.deepEqual(harness.entries("windows"), []);
  const named = Tumbling.minutes(1)
    .by(Sample, by, { at: () => null })
    .count()
    .named("untimed");
  assert.equal(named.make().describe().name, "untimed");
  const refused = { name: "Refusal", record: 0, message: "record 0: it has no time" };
  assert.throws(() => new Harness(named).feed("key,at,number\na,1,1\n"), refused);
});

test("a refusal names the record if a function of rows throws it, and not if the host does", () => {
  const refusing = (it) => {
    if (it.number === 2) throw new Refusal("not two");
    return it.number;
  };
  const harness = new Harness(Tumbling.of(10).by(Sample, by).sum(refusing));
  const named = { name: "Refusal", record: 1, message: "record 1: not two" };
  assert.throws(() => harness.feed("key,at,number\na,1,1\na,1,2\n"), named);
  const unnamed = { name: "Refusal", record: undefined, message: /^a timer's key of 65528 bytes/ };
  assert.throws(() => harness.feed(`key,at,number\na,1,1\n${"x".repeat(65528)},1,1\n`), unnamed);
  assert.deepEqual(harness.timers("ends"), []);
});
