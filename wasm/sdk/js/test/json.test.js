// JSON: the same bytes as serde_json writes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Digits, float, parse, quoted } from "../src/json.js";
import { bigint, boolean, integer, list, number, optional, record, text, time, tuple } from "../src/index.js";

// What serde_json 1.0.154 writes for these numbers.
const FLOATS = [
  [0, "0.0"],
  [-0, "-0.0"],
  [1, "1.0"],
  [6, "6.0"],
  [-6.25, "-6.25"],
  [0.1, "0.1"],
  [38.70235294117647, "38.70235294117647"],
  [123456.789, "123456.789"],
  [0.0001, "0.0001"],
  [1e-5, "0.00001"],
  [1.5e-5, "0.000015"],
  [9.999999999999999e-6, "9.999999999999999e-6"],
  [1e-6, "1e-6"],
  [-1.25e-7, "-1.25e-7"],
  [5e-324, "5e-324"],
  [2.2250738585072014e-308, "2.2250738585072014e-308"],
  [1e15, "1000000000000000.0"],
  [9007199254740993, "9007199254740992.0"],
  [9999999999999998, "9999999999999998.0"],
  [1e16, "1e+16"],
  [123456789012345680, "1.2345678901234568e+17"],
  [-1e20, "-1e+20"],
  [1e21, "1e+21"],
  [1.5e300, "1.5e+300"],
  [1.7976931348623157e308, "1.7976931348623157e+308"],
  [NaN, "null"],
  [Infinity, "null"],
  [-Infinity, "null"],
];

test("numbers are written as serde_json writes them", () => {
  for (const [value, expected] of FLOATS) {
    assert.equal(float(value), expected);
    assert.equal(number.write(value), expected);
    if (Number.isFinite(value)) assert.ok(Object.is(JSON.parse(expected), value), expected);
  }
});

test("texts are written as serde_json writes them", () => {
  const cases = [
    ["", '""'],
    ['"\\/', '"\\"\\\\/"'],
    ["\b\t\n\f\r", '"\\b\\t\\n\\f\\r"'],
    ["\0\x01\x0b\x1f\x7f\x80", '"\\u0000\\u0001\\u000b\\u001f\x7f\x80"'],
    ["é\u2028\u2029\ufeff😀", '"é\u2028\u2029\ufeff😀"'],
  ];
  for (const [value, expected] of cases) assert.equal(quoted(value), expected);
  assert.throws(() => quoted("a\ud800"), { name: "TypeError", message: /half a surrogate pair/ });
});

test("types write their values", () => {
  const Line = record({ name: text, count: integer, big: bigint, mean: number, at: time, seats: optional(integer) });
  const value = { name: "a", count: 6, big: 2n ** 63n - 1n, mean: 6, at: 1357016400500, seats: null };
  assert.equal(
    Line.write(value),
    '{"name":"a","count":6,"big":9223372036854775807,"mean":6.0,"at":"2013-01-01T05:00:00.5Z","seats":null}',
  );
  assert.equal(Line.write({ ...value, seats: undefined, more: 1 }), Line.write(value));
  assert.equal(tuple(optional(number), boolean).write([39, true]), "[39.0,true]");
  assert.equal(list(tuple(text)).write([["a"], ["b"]]), '[["a"],["b"]]');
  assert.equal(integer.write(-0), "0");
});

test("what is not of a type is a bug", () => {
  const cases = [
    [integer, 1.5, "1.5 is not a whole number up to 2^53"],
    [integer, 2 ** 53, "9007199254740992 is not a whole number up to 2^53"],
    [integer, 1n, "1n is not a whole number up to 2^53"],
    [bigint, 1, "1 is not a BigInt"],
    [number, "1", '"1" is not a number'],
    [number, undefined, "undefined is not a number"],
    [text, null, "null is not a text"],
    [boolean, 1, "1 is not true or false"],
    [time, 1.5, "1.5 is no whole number up to 2^53"],
    [tuple(text, text), ["a"], '["a"] is not a tuple of a text and a text'],
    [record({ a: optional(text) }), { b: "x" }, "a record has no a: it must have one, which may be null"],
  ];
  for (const [type, value, message] of cases) assert.throws(() => type.write(value), { name: "TypeError", message });
  assert.throws(() => bigint.write(2n ** 63n), RangeError);
  assert.throws(() => optional("text"), { message: "text is no type, as text, number or optional(number)" });
  assert.throws(() => record({ a: String }), TypeError);
});

test("types read what they wrote", () => {
  const State = record({ a: text, b: tuple(optional(number), bigint), c: list(integer), d: time, e: boolean });
  for (const big of [0n, -1n, 2n ** 53n + 1n, -(2n ** 63n)]) {
    const value = { a: 'n1 "s2" 12345678901234567890', b: [-0, big], c: [1, -2], d: -5, e: false };
    const read = State.parse(parse(State.write(value), State.isExact));
    assert.deepEqual(read, value);
  }
});

test("JSON of another type is refused", () => {
  for (const [type, json] of [
    [text, "1"],
    [integer, "1.5"],
    [integer, "9007199254740993"],
    [bigint, '"1"'],
    [bigint, "1.5"],
    [bigint, "12345678901234567890.5"],
    [number, "null"],
    [boolean, "0"],
    [time, '"soon"'],
    [tuple(text), "{}"],
    [list(text), '"a"'],
    [record({ a: text }), "[]"],
    [record({ toString: text }), "{}"],
  ]) {
    assert.throws(() => type.parse(parse(json, type.isExact)), { name: "Refusal" }, json);
  }
});

test("numbers of JSON keep their digits", () => {
  const read = parse('{"n":[12345678901234567890,-1.5e3,"12345678901234567890","s\\"n"],"\\u0041":{"s":null}}', true);
  assert.deepEqual(read, {
    n: [new Digits("12345678901234567890"), new Digits("-1.5e3"), "12345678901234567890", 's"n'],
    A: { s: null },
  });
});
