// Crashes, and other cuts of batches: they change nothing that is shown, and no byte of the state.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Harness, Session, Sliding, Tumbling, number, optional, row, text, time } from "../src/index.js";
import { random } from "./random.js";
import { csv, records } from "./records.js";

const Sample = row({ key: text, at: time, number: optional(number) });
const by = (it) => it.key;
const operators = [
  Tumbling.of(10)
    .lateness(4)
    .by(Sample, by)
    .sum((it) => it.number / 3),
  Sliding.of(10, 3)
    .lateness(2)
    .by(Sample, by)
    .mean((it) => it.number / 3),
  Session.gap(5)
    .lateness(6)
    .by(Sample, by)
    .max((it) => it.number),
];

/** Takes a part of the records, and what is left. */
const chunks = (all, size) =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));

test("crashes change nothing that is shown", () => {
  for (let seed = 0; seed < 30; seed += 1) {
    const next = random(seed);
    const cuts = chunks(records(next, 120), 10);
    const operator = operators[seed % operators.length];
    const run = (mayCrash) => {
      const harness = new Harness(operator);
      let [done, durable] = [0, 0];
      while (done < cuts.length) {
        harness.feed(csv(cuts[done]));
        done += 1;
        if (mayCrash && next(4) === 0) {
          harness.crash();
          done = durable;
          continue;
        }
        harness.watermark(done * 20 + 18);
        if (mayCrash && next(8) === 0) {
          harness.crash();
          done = durable;
          continue;
        }
        harness.checkpoint();
        durable = done;
      }
      harness.finish();
      return [harness.emitted(), harness.emittedTo(1)];
    };
    const expected = run(false);
    assert.ok(expected[0].length > 0 && expected[1].length > 0);
    assert.deepEqual(run(true), expected, `seed ${seed}`);
  }
});

test("batches may be cut anywhere between two times", () => {
  for (let seed = 0; seed < 100; seed += 1) {
    const next = random(seed);
    const epochs = chunks(records(next, 90), 30);
    const operator = operators[seed % operators.length];
    const run = (isCut) => {
      const harness = new Harness(operator);
      for (const epoch of epochs) {
        for (let at = 0; at < epoch.length;) {
          const end = isCut ? Math.min(at + 1 + next(epoch.length - at), epoch.length) : epoch.length;
          harness.feed(csv(epoch.slice(at, end)));
          at = end;
        }
        harness.watermark(Math.max(...epoch.map(({ at }) => at)) - 10);
      }
      return [harness.entries("windows"), harness.entries("ends"), harness.emitted(), harness.emittedTo("late")];
    };
    const whole = run(false);
    assert.ok(whole[0].length > 0 && whole[1].length > 0 && whole[2].length > 0);
    assert.deepEqual(run(true), whole, `seed ${seed}`);
  }
});

test("records that are refused change nothing", () => {
  const harness = new Harness(operators[0]);
  harness.feed("key,at,number\na,1,1\n");
  const state = () => [harness.entries("windows"), harness.entries("ends"), harness.emitted(), harness.emittedTo(1)];
  const before = state();
  for (const [csv, message] of [
    ["key,time\na,1\n", "the columns at, number are missing; there are key, time"],
    ["key,at,number\na,1,1\na,soon,1\n", 'record 1: at: "soon" is no time, as 2013-01-01T05:00:00Z'],
    ["key,at,number\nb,1,1\na,2,x\n", 'record 1: number: "x" is no number'],
  ]) {
    assert.throws(() => harness.feed(csv), { name: "Refusal", message });
    assert.deepEqual(state(), before);
  }
  harness.feed("key,at,number\na,2,2\n");
  harness.finish();
  assert.match(harness.emitted()[0], /"value":1\.0\}$/);
});

test("many windows leave nothing behind", () => {
  const harness = new Harness(Tumbling.of(10).by(Sample, by).count());
  let largest = 0;
  for (let round = 0; round < 20; round += 1) {
    harness.feed(csv(Array.from({ length: 500 }, (_, number) => ({ key: `${number}`, at: round * 10, number }))));
    harness.watermark(round * 10);
    largest = Math.max(largest, harness.entries("windows").length);
    harness.checkpoint();
  }
  harness.finish();
  assert.deepEqual([largest, harness.emitted().length], [500, 10000]);
  assert.deepEqual([harness.entries("windows"), harness.entries("ends")], [[], []]);
});
