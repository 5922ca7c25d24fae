// Keys: bytes that have the order of the keys.

import assert from "node:assert/strict";
import { test } from "node:test";

import { bigint, code, integer, key, number, text, time, unsigned } from "../src/index.js";

const latin = (bytes) => Buffer.from(bytes).toString("latin1");

test("keys have the bytes that every language writes", () => {
  const cases = [
    [text, "JFK", "JFK"],
    [text, "", ""],
    [text, "a\0é", "a\0\xc3\xa9"],
    [integer, 7, "\x80\0\0\0\0\0\0\x07"],
    [integer, -1, "\x7f\xff\xff\xff\xff\xff\xff\xff"],
    [bigint, -(2n ** 63n), "\0\0\0\0\0\0\0\0"],
    [bigint, 2n ** 63n - 1n, "\xff\xff\xff\xff\xff\xff\xff\xff"],
    [unsigned, 7n, "\0\0\0\0\0\0\0\x07"],
    [unsigned, 2n ** 64n - 1n, "\xff\xff\xff\xff\xff\xff\xff\xff"],
    [time, -1, "\x7f\xff\xff\xff\xff\xff\xff\xff"],
    [code(3), "JFK", "JFK"],
    [code(3), "é\0", "\xc3\xa9\0"],
    [key(code(1), text, code(2)), ["\0", "a", "bc"], "\0a\0\x01bc"],
    [key(time, unsigned), [1, 2n], "\x80\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02"],
    [key(text, integer), ["JFK", 7], "JFK\0\x01\x80\0\0\0\0\0\0\x07"],
    [key(text, text), ["a\0b", "c\0"], "a\0\x02b\0\x01c\0"],
    [key(integer, text), [0, "é"], "\x80\0\0\0\0\0\0\0\xc3\xa9"],
    [key(key(text, text), text), [["a", "b"], "c"], "a\0\x01b\0\x01c"],
  ];
  for (const [type, value, expected] of cases) {
    const bytes = type.bytes(value);
    assert.equal(latin(bytes), expected);
    assert.deepEqual(type.of(bytes), value);
  }
});

test("bytes are in the order of the keys", () => {
  const texts = ["", "a", "a\0", "a\0b", "ab", "b", "é", "\ud800\udc00"];
  const numbers = [-(2n ** 63n), -1n, 0n, 1n, 2n ** 63n - 1n];
  const keys = texts.flatMap((of) => numbers.map((number) => [of, number]));
  const type = key(text, bigint);
  const bytes = keys.map((of) => Buffer.from(type.bytes(of)));
  assert.deepEqual([...bytes].sort(Buffer.compare), bytes);
  assert.deepEqual(
    bytes.map((of) => type.of(of)),
    keys,
  );
});

test("bytes of another key are refused", () => {
  const refused = { name: "Refusal", message: "a timer for a key that is none" };
  for (const [type, bytes] of [
    [integer, "\x80\0\0\0\0\0\0\0?"],
    [integer, "1234567"],
    [key(text, text), "no end"],
    [key(text, text), "a\0"],
    [key(text, text), "a\0\x03\0\x01"],
    [unsigned, "1234567"],
    [time, "123456789"],
    [code(3), "JF"],
    [code(3), "JFKX"],
    [code(2), "a\xff"],
    [key(code(2), text), "a"],
    [text, "\xff"],
    [key(text, integer), "a\0\x01short"],
  ]) {
    assert.throws(() => type.of(Buffer.from(bytes, "latin1")), refused, JSON.stringify(bytes));
  }
  const beyond = Buffer.from("ffffffffffffffff", "hex");
  assert.throws(() => integer.of(beyond), { name: "Refusal", message: /beyond 2\^53/ });
});

test("what is no key is a bug", () => {
  assert.throws(() => text.bytes(null), { message: "null is not a text" });
  assert.throws(() => integer.bytes(1.5), { message: "1.5 is not a whole number up to 2^53" });
  assert.throws(() => bigint.bytes(2n ** 63n), RangeError);
  assert.throws(() => key(text, integer).bytes(["a"]), { message: '["a"] is not a key of a text and a whole number' });
  assert.throws(() => text.bytes("\udc00"), { message: /half a surrogate pair/ });
  assert.throws(() => key(text, number), {
    message: /a key is of the type text, integer, bigint, unsigned, time or code\(…\).* and not a number/,
  });
  assert.throws(() => unsigned.bytes(-1n), { message: "-1n is not a BigInt of 64 bits without a sign" });
  assert.throws(() => unsigned.bytes(2n ** 64n), TypeError);
  assert.throws(() => code(3).bytes(7), { message: "7 is not a text of 3 bytes" });
  assert.throws(() => code(3).write("LONDON"), TypeError);
  for (const wrong of ["3", 0, 1.5, 65536]) assert.throws(() => code(wrong), RangeError);
  assert.throws(() => key(text), { message: /two parts or more/ });
});

test("a text of another length than its type is refused, in the words of every language", () => {
  const message = '"LONDON" has 6 bytes, and not 3';
  assert.throws(() => code(3).column("LONDON"), { name: "Refusal", message });
  assert.throws(() => code(3).parse("LONDON"), { name: "Refusal", message });
  assert.throws(() => code(3).bytes("LONDON"), { name: "TypeError", message });
  assert.throws(() => code(1).column("é"), { message: '"é" has 2 bytes, and not 1' });
  assert.equal(code(2).column("é"), "é");
});

test("numbers without a sign are those of 64 bits", () => {
  const most = 2n ** 64n - 1n;
  assert.deepEqual([unsigned.column("+7"), unsigned.column(String(most)), unsigned.write(most)], [7n, most, `${most}`]);
  for (const field of ["-1", "-0", "1.5", "", "18446744073709551616"]) {
    assert.throws(() => unsigned.column(field), { name: "Refusal", message: `"${field}" is no number` });
  }
  assert.throws(() => unsigned.parse(-1), { name: "Refusal" });
});
