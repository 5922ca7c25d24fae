// Rows: columns by name and type, and what is wrong with them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { bigint, boolean, column, integer, list, number, optional, row, Rows, text, time } from "../src/index.js";

const encoder = new TextEncoder();

/** Makes a batch of records with these fields, which are texts or bytes. */
function batch(records) {
  const fields = records.flat().map((field) => (typeof field === "string" ? encoder.encode(field) : field));
  return {
    format: "columns",
    count: records.length,
    fieldLens: Uint32Array.from(fields, (field) => field.length),
    fields: Uint8Array.from(fields.flatMap((field) => [...field])),
  };
}

/** Reads one field of a type. */
function read(type, field) {
  const rows = new Rows(row({ it: type }));
  rows.begin(["other", "it"]);
  return rows.read(batch([["x", field]]))[0].it;
}

test("fields are read by their types", () => {
  const cases = [
    [text, "\ufeffé😀", "\ufeffé😀"],
    [text, "NA", "NA"],
    [integer, "+12", 12],
    [integer, "-0", 0],
    [integer, "9007199254740991", 9007199254740991],
    [integer, "000000000000000000000012", 12],
    [bigint, "9223372036854775807", 2n ** 63n - 1n],
    [bigint, "-9223372036854775808", -(2n ** 63n)],
    [boolean, "true", true],
    [time, "1970-01-01T00:00:01Z", 1000],
    [optional(number), "", null],
    [optional(number), "NA", null],
    [optional(text), "x", "x"],
    [optional(time), "NA", null],
    [number, "-0", -0],
  ];
  for (const [given, expected] of [
    ["1", 1],
    ["+.5", 0.5],
    ["5.", 5],
    ["-1e3", -1000],
    ["1E+2", 100],
    ["4.9e-324", 5e-324],
  ]) {
    cases.push([number, given, expected]);
  }
  for (const [type, field, expected] of cases) assert.ok(Object.is(read(type, field), expected), field);
});

test("what cannot be read is quoted, and its column and record are named", () => {
  const refused = (type, field, what) => {
    const about = { name: "Refusal", record: 0, text: `it${what}`, message: `record 0: it${what}` };
    assert.throws(() => read(type, field), about, JSON.stringify(field));
  };
  for (const field of [
    "",
    ".",
    "1_0",
    "inf",
    "-Infinity",
    "NaN",
    "1e999",
    "0x1",
    " 1",
    "1 ",
    "1e",
    "e5",
    "--1",
    "NA",
  ]) {
    refused(number, field, `: ${JSON.stringify(field)} is no number`);
  }
  for (const field of ["", "1.0", "1e3", "٣", "9223372036854775808", "-9223372036854775809", '\x7f"\t']) {
    refused(integer, field, `: ${JSON.stringify(field)} is no number`);
    refused(bigint, field, `: ${JSON.stringify(field)} is no number`);
  }
  refused(integer, "9007199254740992", ': "9007199254740992" is beyond 2^53, where numbers round: read it as bigint');
  refused(boolean, "yes", ': "yes" is no true or false');
  refused(time, "soon", ': "soon" is no time, as 2013-01-01T05:00:00Z');
  refused(time, "8640000000000001", ': "8640000000000001" is beyond the times of a Date');
  refused(optional(time), "-9007199254740993", ': "-9007199254740993" is beyond the times of a Date');
  for (const type of [text, integer, optional(number)]) refused(type, Uint8Array.of(0x4e, 0xff), " is no UTF-8");
});

test("columns are found by their names", () => {
  const rows = new Rows(row({ station: text, at: column("time_hour", time), celsius: optional(number) }));
  assert.throws(() => rows.read(batch([])), { message: "the input was not begun" });
  assert.throws(() => rows.begin(["station", "at"]), {
    name: "Refusal",
    message: "the columns time_hour, celsius are missing; there are station, at",
  });
  rows.begin(["celsius", "x", "time_hour", "station", "station"]);
  const records = [
    ["4.5", "", "0", "a", "b"],
    ["NA", "?", "1", "c", "d"],
  ];
  assert.deepEqual(rows.read(batch(records)), [
    { station: "a", at: 0, celsius: 4.5 },
    { station: "c", at: 1, celsius: null },
  ]);
  // The fields are read in the order of the row, so the first mistake is the same in every language.
  const message = 'record 1: time_hour: "x" is no time, as 2013-01-01T05:00:00Z';
  assert.throws(() => rows.read(batch([records[0], ["y", "", "x", "", ""]])), { message, record: 1 });
});

test("batches are checked against their header", () => {
  const rows = new Rows(row({ a: text }));
  rows.begin(["a", "b"]);
  const right = batch([["1", "2"]]);
  for (const [wrong, message] of [
    [{ ...right, count: 2 }, "a batch with other columns than its header"],
    [{ ...right, fieldLens: right.fieldLens.subarray(1) }, "a batch with other columns than its header"],
    [{ ...right, fields: right.fields.subarray(1) }, "a batch that is shorter than its lengths say"],
    [
      { format: "records", lens: new Uint32Array(0), bytes: new Uint8Array(0) },
      "the input has columns, and came without",
    ],
  ]) {
    assert.throws(() => rows.read(wrong), { name: "Refusal", message, record: undefined });
  }
});

test("a row has a time if one field is one", () => {
  assert.equal(row({ a: text, at: time }).time.name, "at");
  assert.equal(row({ at: optional(time) }).time.name, "at");
  assert.equal(row({ a: text }).time, undefined);
  assert.equal(row({ from: time, to: time }).time, undefined);
  assert.throws(() => row({ a: list(text) }), { message: /^a: no column can be a list/ });
  assert.throws(() => row({ a: "text" }), TypeError);
  assert.throws(() => new Rows({ a: text }), TypeError);
});
