// Interval joins of late records: a record that is in time finds all others that are, and no other record counts.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Harness, IntervalJoin, formatTime, integer, row, text, time } from "../src/index.js";
import { random } from "./random.js";

const Event = row({ key: text, at: time, number: integer });
const side = [Event, (it) => it.key];

const join = (before, after, lateness) =>
  new Harness(IntervalJoin.by(side, side).between(before, after).lateness(lateness).outer());
const feed = (harness, input, { key, at, number }) => harness.feedTo(input, `key,at,number\n${key},${at},${number}\n`);
const shown = ({ key, at, number }) => `{"key":"${key}","at":"${formatTime(at)}","number":${number}}`;
const pair = (left, right) => `{"key":"${left.key}","left":${shown(left)},"right":${right}}`;

test("records that are in time make all of their pairs", () => {
  for (let seed = 0; seed < 60; seed += 1) {
    const next = random(seed);
    const [before, after, lateness] = [next(31), next(31), next(16)];
    const harness = join(before, after, lateness);
    const [inTime, late] = [[[], []], []];
    let watermark = -100;
    harness.watermark(watermark);
    for (let number = 0; number < 120; number += 1) {
      const record = { key: "ab"[next(2)], at: watermark + next(50) - 25, number };
      const input = next(2);
      feed(harness, input, record);
      if (record.at + lateness >= watermark) inTime[input].push(record);
      else late.push(`{"key":"${record.key}","time":"${formatTime(record.at)}"}`);
      watermark += next(6);
      harness.watermark(watermark);
    }
    harness.finish();
    const expected = inTime[0].flatMap((left) => {
      const isPair = ({ key, at }) => key === left.key && at >= left.at - before && at <= left.at + after;
      const rights = inTime[1].filter(isPair).map(shown);
      return (rights.length === 0 ? ["null"] : rights).map((right) => pair(left, right));
    });
    const place = `seed ${seed}: ${before} before, ${after} after, lateness ${lateness}`;
    assert.ok(late.length > 0 && expected.length > 10, place);
    assert.deepEqual(harness.emitted().toSorted(), expected.toSorted(), place);
    assert.deepEqual(harness.emittedTo("late"), late, place);
    assert.deepEqual([harness.entries("open"), harness.entries("ends")], [[], []], place);
  }
});

test("a left record behind the watermark is late, and not without a right one", () => {
  const harness = join(60, 10, 0);
  feed(harness, 1, { key: "a", at: -30, number: 1 });
  harness.watermark(32);
  const left = { key: "a", at: 32, number: 3 };
  feed(harness, 0, { key: "a", at: 25, number: 2 });
  feed(harness, 0, left);
  harness.finish();
  assert.deepEqual(harness.emittedTo("late"), ['{"key":"a","time":"1970-01-01T00:00:00.025Z"}']);
  assert.deepEqual(harness.emitted(), [pair(left, "null")], "the right record is not in its interval");
});
