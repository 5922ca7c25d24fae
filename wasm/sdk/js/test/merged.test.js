// Merged state: its bytes, what a change costs, and what is refused. random_state.test.js has it against a model.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  Harness,
  MapState,
  Merged,
  add,
  append,
  bigint,
  greatest,
  hours,
  integer,
  key,
  least,
  text,
  time,
  union,
} from "../src/index.js";
import { ascii, entries, feed, operator, watched } from "./operator.js";

const bytes = (of) => Uint8Array.from(of, (character) => character.charCodeAt(0));

/** Merges operands into one value each, and returns the value and its bytes. */
function merged(how, ...operands) {
  const values = new Merged("values", text, how);
  let found;
  const Work = operator([values], (it, context) => {
    if (it.what === "get") found = values.get("a", context);
    else values.merge("a", operands[it.number], context);
  });
  const harness = new Harness(Work);
  feed(harness, ...operands.map((_, at) => `a,,${at}`), "a,get,");
  return [found, ascii(harness.entries("values")[0][1])];
}

test("values have the bytes that every language writes", () => {
  assert.deepEqual(merged(add, 5, -7n), [-2n, "\xfe\xff\xff\xff\xff\xff\xff\xff"]);
  assert.deepEqual(merged(add, 2n ** 63n - 1n, 1)[0], -(2n ** 63n));
  assert.deepEqual(merged(least(time), 7, -1, 3), [-1, "\x7f\xff\xff\xff\xff\xff\xff\xff"]);
  const pair = key(text, bigint);
  assert.deepEqual(merged(greatest(pair), ["a", 9n], ["b", -1n], ["b", -2n])[0], ["b", -1n]);
  assert.deepEqual(merged(append, bytes("ab"), bytes(""), bytes("\xff")), [bytes("ab\xff"), "ab\xff"]);
  assert.deepEqual(merged(union(text), "b", "", "b", "aé"), [["", "aé", "b"], "\0\x03a\xc3\xa9\x01b"]);
  const long = "x".repeat(300);
  assert.deepEqual(merged(union(text), long, "y"), [[long, "y"], `\xac\x02${long}\x01y`]);
  assert.deepEqual(merged(union(integer), 1, -1)[0], [-1, 1]);
});

test("a batch that only merges costs one write", () => {
  const sums = new Merged("sums", text, add);
  const calls = [];
  const Work = operator([sums], (it, context) => {
    if (it.what === "watch") watched(context, calls);
    else sums.merge(it.key, 1, context);
  });
  const harness = new Harness(Work);
  feed(harness, "x,watch,");
  feed(harness, "b,,", "a,,", "b,,");
  assert.deepEqual(calls, [["merge", 0, "b,a,b"]]);
  harness.checkpoint();
  feed(harness, "a,,");
  harness.crash();
  assert.deepEqual(
    entries(harness, "sums").map(([of, sum]) => of + sum.charCodeAt(0)),
    ["a1", "b2"],
  );
});

test("a value that is deleted begins again, and pages are for results", () => {
  const sums = new Merged("sums", integer, add);
  const results = (start, _limit, context) => sums.page(start, 2, context).map(([of, sum]) => `${of}: ${sum}`);
  const Work = operator(
    [sums],
    (it, context) => {
      sums.merge(it.number, 5, context);
      if (it.what === "again") sums.delete(it.number, context);
      if (it.what === "again") sums.merge(it.number, 1, context);
      if (it.what === "page") context.emit(0, integer, sums.page(true, 9, context).length);
    },
    { results },
  );
  const harness = new Harness(Work);
  feed(harness, "x,,2", "x,again,2", "x,,10", "x,page,-1");
  assert.deepEqual(harness.emitted(), ["3"], "what waits is in a page");
  assert.deepEqual(harness.results(), ["-1: 5", "2: 1", "10: 5"]);
});

test("a value expires after the last merge", () => {
  const sums = new Merged("sums", text, add).expires("processing", hours(1));
  const harness = new Harness(operator([sums], (it, context) => sums.merge(it.key, 1, context)));
  harness.processingTime(0);
  feed(harness, "a,,");
  harness.processingTime(1);
  feed(harness, "a,,");
  harness.processingTime(hours(1));
  assert.equal(harness.entries("sums").length, 1);
  harness.processingTime(hours(1) + 1);
  assert.equal(harness.entries("sums").length, 0);
});

test("mistakes are TypeErrors, and values of another type are refused", () => {
  for (const how of ["add", least, undefined]) {
    assert.throws(() => new Merged("a", text, how), { name: "TypeError", message: /merged by add, least\(…\)/ });
  }
  assert.throws(() => union("text"), { name: "TypeError", message: /a key is of the type/ });
  for (const [how, wrong] of [
    [add, 1.5],
    [add, "1"],
    [least(integer), 1n],
    [append, "text"],
    [union(text), 7],
  ]) {
    assert.throws(() => merged(how, wrong), TypeError);
  }
  assert.throws(() => merged(add, 2n ** 63n), RangeError);
  const values = new MapState("values", text, text);
  for (const how of [add, least(integer), union(text), union(integer)]) {
    const other = new Merged("values", text, how);
    const Work = operator([values], (it, context) => {
      values.set(it.key, "aa", context);
      other.get(it.key, context);
    });
    const refusal = { name: "Refusal", message: "values: a value of another type" };
    assert.throws(() => feed(new Harness(Work), "a,,"), refusal);
  }
});
