// Windows with allowed lateness: against windows that are computed of a whole epoch at once, for any order of its
// records and any cuts of its batches.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Harness, Session, Sliding, row, text, time, formatTime } from "../src/index.js";
import { random } from "./random.js";

const Timed = row({ key: text, at: time });
const byKey = (it) => it.key;

/** Counts sessions if there is no step. */
const harnessOf = ({ length, step, lateness }) =>
  new Harness(
    (step === null ? Session.gap(length) : Sliding.of(length, step))
      .lateness(lateness)
      .by(Timed, byKey)
      .count(),
  );

const feed = (harness, records) =>
  harness.feed(["key,at", ...records.map(({ key, at }) => `${key},${at}`), ""].join("\n"));

const state = (harness) => [harness.entries("windows"), harness.timers("ends")];

/** Compares by one part after the other. */
const ordered =
  (...parts) =>
  (a, b) => {
    const part = parts.find((of) => of(a) !== of(b)) ?? parts[0];
    return part(a) < part(b) ? -1 : Number(part(a) > part(b));
  };

/** The windows of a record alone. */
function spans({ length, step }, at) {
  if (step === null) return [{ from: at, to: at + length }];
  const all = Array.from({ length }, (_, back) => ({ from: at - back, to: at - back + length }));
  return all.filter(({ from }) => from % step === 0);
}

/** Windows that are computed of the records of a whole epoch. */
class AtOnce {
  constructor(kind) {
    Object.assign(this, { kind, watermark: -100, open: [], late: [], emitted: [] });
  }

  /** Takes the records of an epoch, and moves the watermark behind them. */
  epoch(records, watermark) {
    const all = this.open;
    for (const { key, at } of records) {
      const own = spans(this.kind, at).filter(({ to }) => to + this.kind.lateness > this.watermark);
      all.push(...own.map(({ from, to }) => ({ key, from, to, count: 1, isNew: true })));
      if (own.length === 0) this.late.push(`{"key":"${key}","time":"${formatTime(at)}"}`);
    }
    all.sort(ordered(byKey, (it) => it.from));
    this.open = [];
    for (const next of all) {
      const last = this.open.at(-1);
      const isOne = this.kind.step === null ? last?.to >= next.from : last?.from === next.from;
      if (last?.key !== next.key || !isOne) {
        this.open.push(next);
        continue;
      }
      last.to = Math.max(last.to, next.to);
      last.count += next.count;
      last.isNew ||= next.isNew;
    }
    const ended = this.open.filter(({ to, isNew }) => to <= watermark && (to > this.watermark || isNew));
    ended.sort(ordered((it) => it.to, byKey));
    for (const { key, from, to, count } of ended) {
      this.emitted.push(`{"key":"${key}","from":"${formatTime(from)}","to":"${formatTime(to)}","value":${count}}`);
    }
    this.open = this.open.filter(({ to }) => to + this.kind.lateness > watermark);
    for (const open of this.open) open.isNew = false;
    this.watermark = watermark;
  }
}

test("windows are those of each epoch at once, in any order and cuts", () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const next = random(seed);
    const length = 1 + next(6);
    const step = [length, 1 + next(length), null, null][next(4)];
    const kind = { length, step, lateness: next(13) };
    const place = `seed ${seed}: ${JSON.stringify(kind)}`;
    const [cut, whole, atOnce] = [harnessOf(kind), harnessOf(kind), new AtOnce(kind)];
    for (const harness of [cut, whole]) harness.watermark(-100);
    let watermark = 0;
    for (let epoch = 0; epoch < 8; epoch += 1) {
      // A session of the earliest record is still in time, so the order cannot decide what is late.
      const earliest = Math.max(watermark - kind.lateness - length + 1, watermark - 15);
      const records = Array.from({ length: next(8) }, () => ({
        key: ["a", "b"][next(2)],
        at: earliest + next(watermark + 15 - earliest),
      }));
      for (let at = 0; at < records.length;) {
        const end = at + 1 + next(records.length - at);
        feed(cut, records.slice(at, end));
        at = end;
      }
      records.sort(ordered(byKey, (it) => it.at));
      feed(whole, records);
      assert.deepEqual(state(cut), state(whole), `${place}: the order and the cuts change the state`);
      watermark += next(12);
      for (const harness of [cut, whole]) harness.watermark(watermark);
      atOnce.epoch(records, watermark);
    }
    for (const harness of [cut, whole]) harness.finish();
    atOnce.epoch([], Number.MAX_SAFE_INTEGER);
    assert.deepEqual(cut.emitted(), atOnce.emitted, place);
    assert.deepEqual(whole.emitted(), atOnce.emitted, place);
    assert.deepEqual(cut.emittedTo("late").toSorted(), atOnce.late.toSorted(), place);
    assert.deepEqual(state(cut), [[], []], place);
  }
});

test("a session that grows leaves the timers of others", () => {
  // The session of 3 would be closed at 15, when that of 10 ends, and the session of 4 closes at 16.
  const kind = { length: 5, step: null, lateness: 7 };
  const harness = harnessOf(kind);
  feed(harness, [
    { key: "a", at: 3 },
    { key: "a", at: 10 },
  ]);
  feed(harness, [{ key: "a", at: 4 }]);
  const times = (of) => of.timers("ends").map(({ at }) => at);
  assert.deepEqual(times(harness), [9, 15, 16, 22]);
  harness.finish();
  const line = (from, to, value) =>
    `{"key":"a","from":"${formatTime(from)}","to":"${formatTime(to)}","value":${value}}`;
  assert.deepEqual(harness.emitted(), [line(3, 9, 2), line(10, 15, 1)]);
  assert.deepEqual(harness.emittedTo("late"), []);

  // The session of 10 ends at 15, when that of 3 is closed, and grows before that.
  const other = harnessOf(kind);
  feed(other, [
    { key: "a", at: 3 },
    { key: "a", at: 10 },
  ]);
  feed(other, [{ key: "a", at: 11 }]);
  assert.deepEqual(times(other), [8, 15, 16, 23]);
});
