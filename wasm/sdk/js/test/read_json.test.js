// Records of an input of bytes, which are JSON of a type.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  Harness,
  Refusal,
  bigint,
  code,
  integer,
  list,
  number,
  optional,
  readJson,
  record,
  row,
  text,
  time,
  tuple,
} from "../src/index.js";

/** Reads records in an operator, and returns them. */
function read(type, ...records) {
  let found;
  class Reading {
    describe() {
      return { inputs: [{ name: "all", format: "records" }, "columns"] };
    }
    process(_input, batch) {
      found = readJson(batch, type);
    }
  }
  new Harness(Reading).feedRecords(0, records);
  return found;
}

const refused = (type, json, message) =>
  assert.throws(() => read(type, "null", json), {
    name: "Refusal",
    message: `record 1: no JSON of a record here: ${message}`,
  });

test("records are read as their type", () => {
  const Question = record({ origin: code(3), at: time, last: integer, big: optional(bigint) });
  const [first, second] = read(
    Question,
    '{"origin":"JFK","at":"2013-01-05T12:00:00Z","last":3}',
    ' { "big" : 9223372036854775807, "last":-1, "at":"7", "origin":"é1", "more": [1e3, 0.5] } ',
  );
  assert.deepEqual(first, { origin: "JFK", at: Date.UTC(2013, 0, 5, 12), last: 3, big: null });
  assert.deepEqual(second, { origin: "é1", at: 7, last: -1, big: 2n ** 63n - 1n });
  assert.deepEqual(read(list(tuple(text, number)), '[["a",1],["",-0.5e1]]', "[]"), [
    [
      ["a", 1],
      ["", -5],
    ],
    [],
  ]);
});

test("a record that is none is named, and says where it is wrong", () => {
  const At = optional(record({ of: record({ at: optional(time) }), name: text }));
  refused(At, '{"of":{},"name":7}', "name: 7 is not a text");
  refused(At, '{"of":{"at":7},"name":""}', "of: at: 7 is not a time");
  refused(At, '{"name":""}', "of is missing");
  refused(At, '{"of":null,"name":""}', "of: null is not a record of at");
  refused(At, "[]", "[] is not a record of of, name");
  refused(At, '{"of":{"at":"8640000000000001"},"name":""}', 'of: at: "8640000000000001" is beyond the times of a Date');
  refused(optional(code(3)), '"LONDON"', '"LONDON" has 6 bytes, and not 3');
  refused(optional(text), '"\\ud800"', '"\\ud800" is not a text');
  refused(optional(code(3)), '"\\ud800"', '"\\ud800" is not a text of 3 bytes');
  refused(optional(number), "1e999", "a number is beyond those of 64 bits");
  refused(optional(tuple(bigint, number)), `[1,1${"0".repeat(400)}]`, "a number is beyond those of 64 bits");
  refused(optional(bigint), "9223372036854775808", "9223372036854775808 is not a whole number of 64 bits");
  for (const json of ["", "{", "01234567890123456", '{"a":1234567890123456789,}', "+1"]) {
    assert.throws(() => read(optional(bigint), "1", json), {
      name: "Refusal",
      message: /^record 1: no JSON of a record here: /,
    });
  }
  refused(optional(text), Uint8Array.of(0x22, 0xff, 0x22), "it is no UTF-8");
});

test("a closed record has no other members", () => {
  const Closed = record({ a: optional(integer), b: optional(integer) }, { isClosed: true });
  const message = 'there is no member "c": the members are a, b';
  assert.deepEqual(read(Closed, '{"b":1}', "{}"), [
    { a: null, b: 1 },
    { a: null, b: null },
  ]);
  refused(optional(Closed), '{"a":1,"c":2}', message);
  refused(optional(list(Closed)), '[{"c":2}]', message);
  // What another version has left in the state is read.
  assert.deepEqual(Closed.parse({ a: 1, c: 2 }), { a: 1, b: null });
});

test("mistakes of the operator are told", () => {
  const columns = { format: "columns", count: 0, fieldLens: new Uint32Array(0), fields: new Uint8Array(0) };
  const message = "the input has records as bytes, and came with columns";
  assert.throws(() => readJson(columns, text), { name: "Refusal", message });
  assert.throws(() => read(row({ a: text }), "1"), TypeError);
});

test("the harness shows the keys of records", () => {
  class Routed {
    describe() {
      return { inputs: [{ name: "all", format: "records" }, "columns"] };
    }
    process() {}
    route(_input, batch) {
      return readJson(batch, code(3)).map((of) => code(3).bytes(of));
    }
  }
  const harness = new Harness(Routed);
  assert.deepEqual(
    harness.routeRecords("all", ['"JFK"', Buffer.from('"LGA"')]).map((of) => `${Buffer.from(of)}`),
    ["JFK", "LGA"],
  );
  assert.throws(() => harness.routeRecords(0, ["7"]), { message: /^record 0: no JSON/ });
  assert.throws(() => harness.routeRecords("columns", []), Refusal);
});
