// Times: read from two forms, and written as RFC 3339.

import assert from "node:assert/strict";
import { test } from "node:test";

import { days, formatTime, hours, milliseconds, minutes, parseTime, seconds, time } from "../src/index.js";
import { random } from "./random.js";

test("times are read", () => {
  const cases = [
    ["2013-01-01T05:00:00Z", 1357016400000],
    ["2013-01-01t05:00z", 1357016400000],
    ["2013-01-01 06:30:00+01:30", 1357016400000],
    ["2013-01-01T00:00:00-05:00", 1357016400000],
    ["2012-02-29T00:00:00Z", 1330473600000],
    ["2000-02-29T23:59:60Z", 951868799000],
    ["1970-01-01T00:00:00.5Z", 500],
    ["1970-01-01T00:00:00.123999999Z", 123],
    ["1969-12-31T23:59:59.9995Z", 0],
    ["1969-12-31T23:59:59.998Z", -2],
    ["0000-01-01T00:00:00Z", -62167219200000],
    ["-000001-12-31T23:59:59.999Z", -62167219200001],
    ["-000004-02-29T00:00:00Z", -62288352000000],
    ["-009999-01-02T01:59:59Z", -377705023201000],
    ["+5", 5],
    ["-0", 0],
    ["-12", -12],
    ["9007199254740993", 9007199254740993n],
    ["-9223372036854775808", -(2n ** 63n)],
  ];
  for (const [given, ms] of cases) assert.ok(Object.is(parseTime(given), ms), given);
});

test("what is no time is quoted", () => {
  for (const given of [
    "",
    "soon",
    "1.5",
    "1e3",
    " 1",
    "9223372036854775808",
    "2013-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2013-13-01T00:00:00Z",
    "2013-00-01T00:00:00Z",
    "2013-04-31T00:00:00Z",
    "2013-01-00T00:00:00Z",
    "2013-01-01T24:00:00Z",
    "2013-01-01T23:60:00Z",
    "2013-01-01T23:59:61Z",
    "2013-01-01T00:00:00.Z",
    "2013-01-01T00:00:00.1234567891Z",
    "2013-01-01T00:00:00",
    "2013-01-01",
    "2013-01-01T00:00:00+26:00",
    "2013-01-01T00:00:00+00:60",
    "9999-12-31T23:59:59Z",
    "2013-01-01T05Z",
    "20130101T050000Z",
    "2013-01-01T05:00:00,5Z",
    "2013-01-01T05:00.5Z",
    "2013-01-01T05:00:00+0530",
    "2013-01-01T05:00:00+05",
    "2013-01-01T05:00:00+05:30:15",
    "2013-01-01T05:00:00Z[UTC]",
    "+002013-01-01T05:00:00Z",
    "-002013-02-29T05:00:00Z",
    "-000000-01-01T00:00:00Z",
    "-010000-01-01T00:00:00Z",
    "-009999-01-01T00:00:00Z",
    '"\t\x7f',
  ]) {
    const message = `${JSON.stringify(given)} is no time, as 2013-01-01T05:00:00Z`;
    assert.throws(() => parseTime(given), { name: "Refusal", message });
  }
});

test("times are written", () => {
  const cases = [
    [1357016400000, "2013-01-01T05:00:00Z"],
    [1357016400500, "2013-01-01T05:00:00.5Z"],
    [4, "1970-01-01T00:00:00.004Z"],
    [-1, "1969-12-31T23:59:59.999Z"],
    [-62167219200001, "-000001-12-31T23:59:59.999Z"],
    [253402207200999, "9999-12-30T22:00:00.999Z"],
    [253402207201000, "253402207201000"],
    [-377705023201000, "-009999-01-02T01:59:59Z"],
    [-377705023201001, "-377705023201001"],
    [2n ** 63n - 1n, "9223372036854775807"],
  ];
  for (const [ms, expected] of cases) assert.equal(formatTime(ms), expected);
  assert.equal(time.write(0), '"1970-01-01T00:00:00Z"');
});

test("times are those of a Date", () => {
  const next = random(1);
  for (let round = 0; round < 20000; round += 1) {
    const ms = next(500000) * 630720000 - 62135596800000 + next(1000);
    const expected = new Date(ms)
      .toISOString()
      .replace(/\.000Z$/, "Z")
      .replace(/(\.\d+?)0+Z$/, "$1Z");
    assert.equal(formatTime(ms), expected);
    assert.equal(parseTime(expected), ms);
  }
});

test("durations are milliseconds", () => {
  assert.deepEqual(
    [milliseconds(1.9), seconds(1.5), minutes(2), hours(1), days(1)],
    [1, 1500, 120000, 3600000, 86400000],
  );
  for (const wrong of [-1, NaN, Infinity, "5", undefined]) assert.throws(() => hours(wrong), RangeError);
});
