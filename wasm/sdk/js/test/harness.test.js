// The harness keeps to what a host does, and says what is wrong.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Harness, Refusal, Tumbling, integer, row, text, time, timers } from "../src/index.js";
import { csv } from "../src/harness/csv.js";
import { Table } from "../src/harness/table.js";
import { random } from "./random.js";

/** The least that an operator has. */
const least = {
  describe: () => ({ name: "least", inputs: ["records"], outputs: ["lines"] }),
  begin() {},
  process() {},
};
const with_ = (more) => () => ({ ...least, ...more });

test("timers are due in order, and those that they set as well", () => {
  const bytes = (of) => Uint8Array.from(of, (character) => character.charCodeAt(0));
  const Timers = with_({
    describe: () => ({
      ...least.describe(),
      namespaces: [timers("second"), timers("first"), timers("clock", "processing")],
    }),
    process(_input, _batch, context) {
      for (const name of ["first", "second", "clock"]) {
        for (const [at, key] of [
          [2, "b"],
          [2, "a"],
          [1, "c"],
        ])
          context.setTimer(name, at, bytes(key));
      }
      context.setTimer("first", 9, bytes("deleted"));
      context.emit(
        0,
        text,
        `${context.deleteTimer("first", 9, bytes("deleted"))} ${context.deleteTimer("first", 9, bytes("x"))}`,
      );
    },
    onTimers(name, at, keys, context) {
      if (name === "first" && at === 1) context.setTimer("second", 1, bytes("late"));
      context.emit(0, text, `${name} ${at} ${keys.map((key) => String.fromCharCode(...key)).join(" ")}`);
    },
  });
  const harness = new Harness(Timers);
  harness.feed("x\n1\n");
  harness.processingTime("5");
  assert.deepEqual(harness.emitted(), ['"true false"', '"clock 1 c"', '"clock 2 a b"'], "there is no watermark yet");
  harness.watermark("2");
  const fired = ["second 1 c", "first 1 c", "second 1 late", "second 2 a b", "first 2 a b"];
  assert.deepEqual(
    harness.emitted().slice(3),
    fired.map((line) => JSON.stringify(line)),
  );
});

test("more timers of one time than a call has come in several", () => {
  const calls = [];
  const Many = with_({
    describe: () => ({ ...least.describe(), namespaces: [timers("due")] }),
    process(_input, _batch, context) {
      for (let number = 0; number < 5000; number += 1) context.setTimer("due", -7, integer.bytes(number));
    },
    onTimers: (_name, at, keys) => void calls.push([at, keys.length, integer.of(keys[0])]),
  });
  const harness = new Harness(Many);
  harness.feed("x\n1\n");
  harness.finish();
  assert.deepEqual(calls, [
    [-7, 4096, 0],
    [-7, 904, 4096],
  ]);
});

test("parameters have values, and those of the checkpoint before", () => {
  const Parameters = with_({
    describe: () => ({
      ...least.describe(),
      parameters: [
        { name: "limit", doc: "The most that is allowed." },
        { name: "unit", default: "F" },
      ],
    }),
    open(context) {
      const shown = ["limit", "unit", "none"].map(
        (name) => `${context.parameter(name)}/${context.previousParameter(name)}`,
      );
      context.log("info", shown.join(" "));
    },
  });
  assert.throws(() => new Harness(Parameters), {
    message: 'the parameter "limit" must be set: The most that is allowed.',
  });
  const unknown = { parameters: { limit: "1", x: "2" } };
  assert.throws(() => new Harness(Parameters, unknown), { message: 'the operator has no parameter "x"' });
  const harness = new Harness(Parameters, { parameters: { limit: "5" } });
  assert.deepEqual(harness.messages(), ["info: 5/undefined F/undefined undefined/undefined"]);
  harness.checkpoint();
  harness.crash();
  assert.deepEqual(harness.messages(), ["info: 5/5 F/F undefined/undefined"]);
});

test("results come page by page, and records of bytes as they are", () => {
  const Pages = with_({
    describe: () => ({
      name: "pages",
      inputs: ["lines", { name: "raw", format: "records" }],
      outputs: ["lines", { name: "raw", format: "records" }],
      namespaces: [{ name: "all", kind: "hashed" }],
    }),
    process(_input, batch, context) {
      let at = 0;
      for (const len of batch.lens) {
        const record = batch.bytes.slice(at, (at += len));
        context.set("all", record, record);
        context.emitBytes(1, record);
      }
    },
    results: (start, limit, context) =>
      context.page("all", start, Math.min(limit, 2)).map(([key]) => String.fromCharCode(...key)),
  });
  const harness = new Harness(Pages);
  harness.feedRecords("raw", ["b", "a\n", Uint8Array.of(0x64), "c", "e"]);
  assert.deepEqual(harness.results(), ["a\n", "b", "c", "d", "e"]);
  assert.deepEqual(harness.emittedTo("raw"), ["b", "a\n", "d", "c", "e"]);
  assert.throws(() => harness.feedTo("raw", "x\n"), { message: "the input raw takes records, and not columns" });
  assert.throws(() => harness.feedRecords(0, []), { message: "the input lines takes columns, and not records" });
});

test("an input is begun again when its columns change", () => {
  const begun = [];
  const harness = new Harness(with_({ begin: (input, header) => void begun.push([input, ...header]) }));
  for (const csv of ["a,b\n1,2\n", "a,b\n3,4\n", "b\n5\n"]) harness.feed(csv);
  harness.checkpoint();
  harness.crash();
  harness.feed("b\n6\n");
  assert.deepEqual(begun, [
    [0, "a", "b"],
    [0, "b"],
    [0, "b"],
  ]);
});

test("errors of the harness say what is wrong", () => {
  const harness = new Harness(with_({}));
  const cases = [
    [() => harness.feedTo(3, "a\n"), "there is no input 3: the operator has records"],
    [() => harness.feedTo("x", "a\n"), "there is no input x: the operator has records"],
    [() => harness.emittedTo("x"), "there is no output x: the operator has lines"],
    [() => harness.entries("x"), 'the operator has not described a namespace "x"'],
    [() => harness.watermark("soon"), '"soon" is no time, as 2013-01-01T05:00:00Z'],
    [() => harness.watermark(new Date("x")), "NaN is no whole number up to 2^53"],
    [() => harness.feed("a,b\n1\n"), "CSV: line 2 has 1 fields, but the header has 2"],
    [() => harness.feed('a\n"1\n'), "CSV: line 2: a field in quotes is not one alone, or does not end"],
    [
      () => new Harness({}),
      "an operator has the methods describe, process, and this has no describe and no process: an object with nothing",
    ],
    [() => new Harness(undefined), /has no describe.*: undefined$/],
    [() => new Harness(with_({ finish: 1 })), "finish of an operator is a method, and not 1"],
    [() => new Harness(with_({ describe: () => ({ name: "x" }) })), "an operator has an input"],
    [
      () => new Harness(with_({ describe: () => ({ ...least.describe(), input: [] }) })),
      /a description has no input: it has name/,
    ],
    [
      () => new Harness(with_({ describe: () => ({ ...least.describe(), namespaces: [{ name: "a", kind: "x" }] }) })),
      /namespace "a": a kind is/,
    ],
    [
      () => new Harness(with_({ process: async () => {} })).feed("a\n1\n"),
      "process of an operator answers at once: it cannot be async",
    ],
    [
      () => new Harness(with_({ process: (_i, _b, context) => context.emit(2, text, "x") })).feed("a\n"),
      "there is no output 2: the operator describes 1",
    ],
    [
      () => new Harness(with_({ process: (_i, _b, context) => context.emitBytes(0, Uint8Array.of(10)) })).feed("a\n"),
      /a line break in it/,
    ],
    [
      () =>
        new Harness(with_({ process: (_i, _b, context) => context.setTimer("x", 1, new Uint8Array(0)) })).feed("a\n"),
      /not described a namespace "x"/,
    ],
  ];
  for (const [code, message] of cases) assert.throws(code, { message });
});

test("an operator that remembers is made again", () => {
  const once = { ...least };
  const harness = new Harness(once);
  assert.throws(() => harness.crash(), { name: "TypeError", message: /started again is a class, or a function/ });
  assert.throws(() => new Harness(once), TypeError);
  const windows = Tumbling.minutes(1)
    .by(row({ a: text, at: time }), (it) => it.a)
    .count();
  const [one, two] = [new Harness(windows), new Harness(windows)];
  one.feed("a,at\nx,0\n");
  two.feed("at,a\n0,y\n");
  one.feed("a,at\nx,0\n");
  one.finish();
  assert.match(one.emitted()[0], /"key":"x",.*"value":2\}$/);
  class Refusing {
    describe = least.describe;
    begin() {}
    process() {
      throw new Refusal("why", { record: 4 });
    }
  }
  assert.throws(() => new Harness(Refusing).feed("a\n1\n"), {
    name: "Refusal",
    record: 4,
    text: "why",
    message: "record 4: why",
  });
});

test("CSV is read as a host reads it", () => {
  const cases = [
    [
      "a,b\n1,2\n",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    ["\ufeffa\r\n\r\n1\r2", [["a"], ["1"], ["2"]]],
    [
      'a,b\n"x,""y""\n",\n',
      [
        ["a", "b"],
        ['x,"y"\n', ""],
      ],
    ],
    ['a\n""\n', [["a"], [""]]],
    ['a\nx"y\n', [["a"], ['x"y']]],
    [
      "a,b\n,",
      [
        ["a", "b"],
        ["", ""],
      ],
    ],
    ["", []],
  ];
  for (const [text, expected] of cases) assert.deepEqual(csv(text), expected, JSON.stringify(text));
});

test("a table keeps its order", () => {
  const next = random(3);
  const table = new Table({ name: "t", kind: "ordered", bytes: 1 });
  const names = new Set();
  for (let round = 0; round < 3000; round += 1) {
    const name = String.fromCharCode(next(20), next(20));
    table.begin();
    const isThere = next(3) > 0;
    if (isThere) table.put(name, new Uint8Array(0), null);
    else table.delete(name);
    if (next(4) === 0) table.rollback();
    else if (isThere) names.add(name);
    else names.delete(name);
    assert.deepEqual(table.names(), [...names].sort());
  }
});
