// Typed state of operators of your own.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  bigint,
  Counter,
  Harness,
  hashed,
  hours,
  integer,
  key,
  list,
  ListState,
  MapState,
  number,
  optional,
  ordered,
  record,
  Refusal,
  text,
  timers,
  tuple,
  ValueState,
} from "../src/index.js";
import { ascii, entries, feed, operator, watched } from "./operator.js";

test("maps, values and counters keep JSON that every language reads", () => {
  const map = new MapState("map", key(text, integer), tuple(optional(number), text));
  const value = new ValueState("value", record({ last: text, big: bigint }));
  const counter = new Counter("counter", text);
  const Work = operator([map, value, counter], (it, context) => {
    const of = [it.key, 7];
    const before = map.get(of, context);
    map.set(of, [it.number, (before?.[1] ?? "") + it.what], context);
    value.set({ last: it.key, big: (value.get(context)?.big ?? 2n ** 62n) + 1n }, context);
    context.emit(0, integer, counter.add(it.key, 2, context));
    if (it.what === "gone") map.delete(of, context);
  });
  const harness = new Harness(Work);
  feed(harness, "b,x,6", "a,y,", "b,z,0.5");
  assert.deepEqual(entries(harness, "map"), [
    ["a\0\x01\x80\0\0\0\0\0\0\x07", '[null,"y"]'],
    ["b\0\x01\x80\0\0\0\0\0\0\x07", '[0.5,"xz"]'],
  ]);
  assert.deepEqual(entries(harness, "value"), [["", '{"last":"b","big":4611686018427387907}']]);
  assert.deepEqual(entries(harness, "counter"), [
    ["a", "2"],
    ["b", "4"],
  ]);
  assert.deepEqual(harness.emitted(), ["2", "2", "4"]);
  harness.checkpoint();
  feed(harness, "b,gone,1");
  assert.equal(harness.entries("map").length, 1);
  harness.crash();
  feed(harness, "b,+,1");
  assert.equal(entries(harness, "map")[1][1], '[1.0,"xz+"]');
  assert.deepEqual(harness.emitted(), ["2", "2", "4", "6"]);
});

test("lists keep what was pushed, in its order, and can be taken", () => {
  const lists = new ListState("lists", text, tuple(text, integer));
  const Work = operator([lists], (it, context) => {
    if (it.what === "take") context.emit(0, list(tuple(text, integer)), lists.take(it.key, context));
    else context.emit(0, integer, lists.push(it.key, [it.what, it.number], context));
  });
  const harness = new Harness(Work);
  feed(harness, "a,x,1", "b,y,2", "a,z,3");
  assert.deepEqual(entries(harness, "lists"), [
    ["a", '[["x",1],["z",3]]'],
    ["b", '[["y",2]]'],
  ]);
  harness.checkpoint();
  feed(harness, "a,take,");
  harness.crash();
  feed(harness, "a,take,", "a,take,", "a,w,4");
  assert.deepEqual(harness.emitted(), ["1", "1", "2", '[["x",1],["z",3]]', "[]", "1"]);
});

test("a value of another type is refused, and named", () => {
  const texts = new MapState("shared", text, text);
  const numbers = new MapState("shared", text, record({ a: integer }));
  const Work = operator([texts], (it, context) => {
    if (it.what === "write") texts.set(it.key, "x", context);
    else numbers.get(it.key, context);
  });
  const harness = new Harness(Work);
  feed(harness, "a,write,");
  const message = 'shared: a value of another type: "x" is not a record of a';
  assert.throws(() => feed(harness, "a,read,"), { name: "Refusal", message });
});

test("a map has pages of its entries, in the order of their keys", () => {
  const map = new MapState("map", key(text, integer), integer);
  const results = (start, limit, context) => map.page(start, Math.min(limit, 2), context).map((entry) => `${entry}`);
  const Work = operator(
    [map],
    (it, context) => {
      map.set([it.key, it.number], it.number, context);
      // What waits is in a page, too.
      if (it.what === "page")
        context.emit(
          0,
          list(integer),
          map.page(true, 9, context).map((entry) => entry[1]),
        );
    },
    { results },
  );
  const harness = new Harness(Work);
  feed(harness, "b,,2", "a,,10", "a,page,9");
  assert.deepEqual(harness.emitted(), ["[9,10,2]"]);
  assert.deepEqual(harness.results(), ["a,9,9", "a,10,10", "b,2,2"]);
});

test("a call costs one read and one write a namespace, in the order of the first touch", () => {
  const [first, second] = [new MapState("first", text, integer), new MapState("second", text, integer)];
  const calls = [];
  const Work = operator([first, second], (it, context) => {
    if (it.what === "watch") {
      watched(context, calls);
      return;
    }
    first.prefetch(["d", "c", "d", it.key], context);
    second.set(it.key, 1, context);
    first.set(it.key, (first.get(it.key, context) ?? 0) + 1, context);
    first.set("c", 1, context);
    first.get("c", context);
  });
  const harness = new Harness(Work);
  feed(harness, "x,watch,");
  feed(harness, "z,,", "a,,", "z,,");
  assert.deepEqual(calls, [
    ["getMany", 0, "c,d,z"],
    ["getMany", 0, "a"],
    ["apply", 0, "c,z,a"],
    ["apply", 1, "z,a"],
  ]);
});

test("an error leaves the state as it was", () => {
  const map = new MapState("map", text, integer);
  const Work = operator([map, timers("due")], (it, context) => {
    map.set(it.key, 1, context);
    context.setTimer("due", 5, text.bytes(it.key));
    context.emit(0, text, it.key);
    context.flush();
    if (it.what === "refuse") throw new Refusal("not wanted");
    if (it.what === "bug") throw new RangeError("a bug");
  });
  const harness = new Harness(Work);
  feed(harness, "a,,");
  const state = () => [harness.entries("map"), harness.timers("due"), harness.emitted()];
  const before = state();
  assert.throws(() => feed(harness, "b,,", "a,refuse,"), { name: "Refusal", message: "not wanted" });
  assert.deepEqual(state(), before);
  assert.throws(() => feed(harness, "b,,", "a,bug,"), RangeError);
  assert.deepEqual(state(), before);
  assert.throws(() => harness.watermark(5), { name: "Refusal", message: "there is no work for the timers of due" });
  assert.deepEqual(state(), before, "the timers are set again");
});

test("entries go away when their clock has passed them", () => {
  for (const [clock, move] of [
    ["event", "watermark"],
    ["processing", "processingTime"],
  ]) {
    const map = new MapState("map", text, integer).expires(clock, hours(1));
    const Work = operator([map], (it, context) => map.set(it.key, 1, context));
    const harness = new Harness(Work);
    const keys = () => entries(harness, "map").map(([key]) => key);
    feed(harness, "early,,");
    harness[move](1000);
    feed(harness, "a,,");
    harness[move]("1970-01-01T00:30:00Z");
    feed(harness, "a,,", "b,,");
    harness[move](hours(1) + 999);
    assert.deepEqual(keys(), ["a", "b", "early"]);
    harness[move](hours(1) + 1000);
    assert.deepEqual(keys(), ["a", "b"], "what was written before there was a time ages since there is one");
    harness.checkpoint();
    harness[move](hours(9));
    assert.deepEqual(keys(), []);
    harness.crash();
    assert.deepEqual(keys(), ["a", "b"], "the clock is that of the checkpoint");
  }
});

test("ordered namespaces have ranges, and values merge", () => {
  const bytes = (of) => Uint8Array.from(of, (character) => character.charCodeAt(0));
  const le = (number) => new Uint8Array(BigInt64Array.of(number).buffer);
  const namespaces = [ordered("days", 1), hashed("sums", { merge: "add" }), hashed("sets", { merge: "set-union" })];
  const Work = operator(namespaces, (it, context) => {
    const range = { from: bytes("b"), to: bytes("d") };
    if (it.what === "put") context.set("days", bytes(it.key), bytes("x"));
    if (it.what === "scan") {
      const keys = (page) => page.map(([key]) => ascii(key)).join();
      context.emit(0, text, keys(context.scan("days", { ...range, limit: 9 })));
      context.emit(0, text, keys(context.scan("days", { reverse: true, limit: 2 })));
    }
    if (it.what === "delete") context.emit(0, integer, context.deleteRange("days", range));
    if (it.what === "add") context.merge("sums", [[bytes(it.key), le(BigInt(it.number))]]);
    if (it.what === "union") context.merge("sets", [[bytes("s"), bytes(`\x01${it.key}`)]]);
    if (it.what === "wrong") context.scan("sums", { limit: 1 });
    if (it.what === "malformed") context.merge("sums", [[bytes("s"), bytes("short")]]);
  });
  const harness = new Harness(Work);
  feed(harness, "a,put,", "c,put,", "b,put,", "d,put,", "x,scan,", "x,delete,", "k,add,5", "k,add,-7");
  feed(harness, "b,union,", "a,union,", "b,union,");
  assert.deepEqual(harness.emitted(), ['"b,c"', '"d,c"', "2"]);
  assert.deepEqual(
    harness.entries("sums").map(([, sum]) => sum),
    [le(-2n)],
  );
  assert.deepEqual(entries(harness, "sets"), [["s", "\x01a\x01b"]]);
  const message = "namespace sums is not ordered: only keys of ordered ones have ranges";
  assert.throws(() => feed(harness, "x,wrong,"), { name: "Refusal", message });
  assert.throws(() => feed(harness, "x,malformed,"), { message: "namespace sums: not a number of eight bytes" });
});
