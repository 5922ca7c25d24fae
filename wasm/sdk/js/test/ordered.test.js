// Ordered state: its ranges, and what is refused. random_state.test.js has it against a model.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Harness, OrderedMap, bigint, code, hours, integer, key, number, text, time } from "../src/index.js";
import { ascii, entries, feed, operator, watched } from "./operator.js";

const ONE_TO_FIVE = ["a,,1", "a,,2", "a,,3", "a,,4", "a,,5"];

/** Sets the records that say nothing, and then does what a test says. */
function filled(map, work) {
  return operator([map], (it, context) => {
    if (it.what === "") map.set(it.key, it.number, it.number, context);
    else work(it, context);
  });
}

test("each end of a range belongs to it or does not, as it is called", () => {
  const map = new OrderedMap("map", code(1), integer, integer);
  const found = [];
  const look = (range, context) =>
    found.push(
      map
        .range("a", { limit: 9, ...range }, context)
        .map(([of]) => of)
        .join(""),
    );
  const Work = filled(map, (_it, context) => {
    for (const from of [{}, { from: 2 }, { after: 2 }]) {
      for (const to of [{}, { to: 4 }, { through: 4 }]) look({ ...from, ...to }, context);
    }
    look({ reverse: true, limit: 2 }, context);
    look({ after: 1, reverse: true, limit: 2, through: 4 }, context);
    look({ limit: 2 }, context);
    look({ limit: 0 }, context);
    look({ limit: Infinity }, context);
    look({ from: 4, to: 2 }, context);
    look({ after: 3, to: 4 }, context);
    look({ from: undefined, to: undefined }, context);
  });
  feed(new Harness(Work), ...ONE_TO_FIVE, "b,,6", "A,,7", "a,look,");
  assert.deepEqual(found.slice(0, 9), ["12345", "123", "1234", "2345", "23", "234", "345", "3", "34"]);
  assert.deepEqual(found.slice(9), ["54", "43", "12", "", "12345", "", "", "12345"]);
});

test("a range goes on until its limit, because a host may answer with less", () => {
  const map = new OrderedMap("map", code(1), integer, integer);
  const asked = [];
  const Work = filled(map, (it, context) => {
    const { host } = context;
    const scan = host.scan.bind(host);
    host.scan = (namespace, from, to, reverse, limit) => {
      asked.push(limit);
      return scan(namespace, from, to, reverse, Math.min(limit, 2));
    };
    const all = map.range("a", { limit: 4, reverse: it.what === "reverse" }, context);
    assert.deepEqual(
      all.map(([of]) => of),
      it.what === "reverse" ? [5, 4, 3, 2] : [1, 2, 3, 4],
    );
    host.scan = scan;
  });
  feed(new Harness(Work), ...ONE_TO_FIVE, "a,look,", "a,reverse,");
  assert.deepEqual(asked, [4, 2, 4, 2]);
});

test("the greatest owner has ranges, too, and none takes what belongs to another", () => {
  const map = new OrderedMap("map", bigint, text, integer);
  const owners = [2n ** 63n - 1n, 2n ** 63n - 2n, 255n, -(2n ** 63n)];
  const Work = operator([map], (it, context) => {
    for (const owner of owners) map.set(owner, it.key, 1, context);
    for (const owner of owners) assert.deepEqual(map.range(owner, { limit: 9 }, context), [[it.key, 1]]);
    for (const owner of owners) assert.equal(map.deleteRange(owner, {}, context), 1);
    assert.equal(map.deleteRange(owners[0], { from: "b", to: "a" }, context), 0);
  });
  const harness = new Harness(Work);
  feed(harness, "a,,", ",,");
  assert.deepEqual(harness.entries("map"), []);
});

test("keys are read and written through the cache, and deleted in ranges", () => {
  const map = new OrderedMap("map", code(3), key(time, text), number);
  const calls = [];
  const Work = operator([map], (it, context) => {
    const of = [it.number, "x"];
    if (it.what === "watch") watched(context, calls);
    if (it.what === "set") map.set(it.key, of, (map.get(it.key, of, context) ?? 0) + 0.5, context);
    if (it.what === "delete") map.delete(it.key, of, context);
    if (it.what === "before") context.emit(0, integer, map.deleteRange(it.key, { to: of }, context));
  });
  const harness = new Harness(Work);
  feed(harness, "x,watch,");
  feed(harness, "JFK,set,1", "JFK,set,1", "JFK,set,2", "JFK,delete,2", "LGA,set,0");
  assert.deepEqual(
    calls.map(([name]) => name),
    ["getMany", "getMany", "getMany", "apply"],
  );
  assert.deepEqual(entries(harness, "map"), [
    ["JFK\x80\0\0\0\0\0\0\x01x", "1.0"],
    ["LGA\x80\0\0\0\0\0\0\0x", "0.5"],
  ]);
  feed(harness, "JFK,set,3", "JFK,before,3", "JFK,before,9");
  assert.deepEqual(harness.emitted(), ["1", "1"]);
  assert.deepEqual(
    harness.entries("map").map(([of]) => ascii(of.slice(0, 3))),
    ["LGA"],
  );
});

test("entries of an ordered map expire", () => {
  const map = new OrderedMap("map", integer, text, integer).expires("event", hours(1));
  const harness = new Harness(operator([map], (it, context) => map.set(7, it.key, 1, context)));
  harness.watermark(0);
  feed(harness, "a,,");
  harness.watermark(hours(1));
  assert.deepEqual([harness.entries("map"), map.namespace().bytes], [[], 8]);
});

test("mistakes are TypeErrors, and entries of another type are refused", () => {
  const owner = /an owner is of the type integer, bigint, unsigned or code\(…\).* and not a (text|time|key)/;
  for (const type of [text, time, key(integer, integer)]) {
    assert.throws(() => new OrderedMap("map", type, text, text), { name: "TypeError", message: owner });
  }
  assert.throws(() => new OrderedMap("map", "text", text, text), { name: "TypeError", message: /and not text$/ });
  assert.throws(() => new OrderedMap("map", integer, number, text), TypeError);
  const map = new OrderedMap("map", code(1), integer, integer);
  const other = new OrderedMap("map", code(1), text, text);
  const texts = new OrderedMap("map", code(1), integer, text);
  const Work = filled(map, ({ what }, context) => {
    assert.throws(() => map.range("a", {}, context), { name: "RangeError", message: /limit.* and not undefined/ });
    assert.throws(() => map.range("a", { limit: 1.5 }, context), RangeError);
    assert.throws(() => map.range("a", { limit: 9, until: 3 }, context), {
      name: "TypeError",
      message: /has no until/,
    });
    assert.throws(() => map.range("a", { limit: 9, from: 1, after: 1 }, context), { message: /from or after/ });
    assert.throws(() => map.deleteRange("a", { to: 1, through: 1 }, context), { message: /to or through/ });
    assert.throws(() => map.set("ab", 1, 1, context), { name: "TypeError", message: '"ab" has 2 bytes, and not 1' });
    if (what === "key") other.set("a", "x", "y", context);
    if (what === "value") texts.set("a", 1, "y", context);
    map.range("a", { limit: 9 }, context);
  });
  const harness = new Harness(Work);
  assert.throws(() => feed(harness, "a,key,"), { name: "Refusal", message: "map: a key of another type" });
  assert.throws(() => feed(harness, "a,value,"), { name: "Refusal", message: /^map: a value of another type: "y"/ });
});
