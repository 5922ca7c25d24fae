// The cache of a context: what waits in it is written in order, and seen by what follows.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Harness, hashed, ordered, text } from "../src/index.js";
import { ascii, entries, feed, operator, watched } from "./operator.js";

const bytes = (of) => Uint8Array.from(of, (character) => character.charCodeAt(0));

/** An operator over an appended namespace, and one of another kind. Each record is a step. */
function appending(calls) {
  const namespaces = [hashed("texts", { merge: "append" }), ordered("days", 1)];
  return operator(namespaces, (it, context) => {
    const key = bytes(it.key);
    const [what, value] = it.what.split(" ");
    if (what === "watch") watched(context, calls);
    if (what === "merge") context.merge("texts", [[key, bytes(value)]]);
    if (what === "set") context.set("texts", key, bytes(value));
    if (what === "delete") context.set("texts", key, null);
    if (what === "day") context.set("days", key, bytes(value));
    if (what === "scan") context.scan("days", { limit: 9 });
    if (what === "get") context.emit(0, text, ascii(context.get("texts", key) ?? bytes("none")));
    if (what === "page")
      context.emit(
        0,
        text,
        context
          .page("texts", true, 9)
          .map(([, of]) => ascii(of))
          .join(),
      );
  });
}

test("merges of a batch are one write, sets are another, and neither reads", () => {
  const calls = [];
  const harness = new Harness(appending(calls));
  feed(harness, "x,watch,");
  feed(harness, "b,merge 1,", "a,merge 2,", "b,merge 3,", "c,set 4,", "a,set 5,");
  assert.deepEqual(calls, [
    ["merge", 0, "b,a,b"],
    ["apply", 0, "c,a"],
  ]);
  assert.deepEqual(entries(harness, "texts"), [
    ["a", "5"],
    ["b", "13"],
    ["c", "4"],
  ]);
});

test("merges, changes and reads see each other in their order", () => {
  const calls = [];
  const harness = new Harness(appending(calls));
  feed(harness, "a,merge 1,", "a,get,", "a,merge 2,", "a,get,", "a,set x,", "a,merge 3,", "a,get,");
  feed(harness, "a,delete,", "a,get,", "a,merge 4,", "b,set y,", "a,merge 5,", "a,get,", "b,get,", "a,page,");
  assert.deepEqual(harness.emitted(), ['"1"', '"12"', '"x3"', '"none"', '"45"', '"y"', '"45,y"']);
  feed(harness, "a,get,", "a,merge 6,", "b,get,", "a,delete,");
  assert.deepEqual(entries(harness, "texts"), [["b", "y"]]);
});

test("a range writes what waits in its namespace alone", () => {
  const calls = [];
  const harness = new Harness(appending(calls));
  feed(harness, "x,watch,");
  feed(harness, "a,get,", "a,merge 1,", "d,day x,", "d,scan,", "a,merge 2,");
  assert.deepEqual(calls, [
    ["getMany", 0, "a"],
    ["apply", 1, "d"],
    ["merge", 0, "a,a"],
  ]);
});

test("what is merged is what the bytes were when they were given", () => {
  const value = bytes("a");
  const Work = operator([hashed("texts", { merge: "append" })], (_it, context) => {
    context.merge("texts", [[value, value]]);
    value[0] += 1;
  });
  const harness = new Harness(Work);
  feed(harness, "x,,", "x,,");
  assert.deepEqual(entries(harness, "texts"), [
    ["a", "a"],
    ["b", "b"],
  ]);
});
