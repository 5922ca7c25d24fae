// A component without its engine: the exports of the world over imports that note their calls.

import assert from "node:assert/strict";
import { register } from "node:module";
import { beforeEach, test } from "node:test";

import {
  Merged,
  OrderedMap,
  Refusal,
  Rows,
  Tumbling,
  add,
  code,
  integer,
  key,
  record,
  row,
  text,
  time,
  timers,
  MapState,
  hashed,
  ordered,
} from "../src/index.js";

// What componentize-js makes of the interfaces: a call of each goes to `imports`, and refuses by throwing a payload.
const INTERFACES = {
  state: ["namespace", "getMany", "apply", "iterate", "scan", "deleteRange"],
  sink: ["emit"],
  time: ["watermark", "processingTime", "setTimer", "deleteTimer"],
  logging: ["log"],
};
const modules = Object.entries(INTERFACES).map(([name, calls]) => [
  `alluvium:checkpoint/${name}@0.2.0`,
  calls.map((call) => `export function ${call}(...given) { return globalThis.imports.${call}(...given); }`).join("\n"),
]);
const hooks = `
  const modules = new Map(${JSON.stringify(modules)});
  export const resolve = (url, context, next) =>
    modules.has(url) ? { url, format: "module", shortCircuit: true } : next(url, context);
  export const load = (url, context, next) =>
    modules.has(url) ? { source: modules.get(url), format: "module", shortCircuit: true } : next(url, context);
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
const { component } = await import("../src/component.js");

let calls;
beforeEach(() => {
  calls = [];
  const noting =
    (name, answer) =>
    (...given) => {
      calls.push([name, ...given]);
      return answer?.(...given);
    };
  globalThis.imports = {
    namespace: noting("namespace", (name) => ["due", "map"].indexOf(name) + 1),
    getMany: noting("getMany", (_number, { lens }) => ({
      present: Uint8Array.from(lens, () => 0),
      lens: Uint32Array.from(lens, () => 0),
      bytes: new Uint8Array(0),
    })),
    apply: noting("apply"),
    emit: noting("emit"),
    watermark: noting("watermark", () => 2n ** 64n - 5n),
    processingTime: noting("processingTime", () => undefined),
    // As componentize-js passes numbers of 64 bits with a sign: a negative one ends the plugin.
    setTimer: noting("setTimer", (_namespace, at) => assert.ok(BigInt.asIntN(64, at) >= 0n)),
    deleteTimer: noting("deleteTimer", () => true),
    log: noting("log"),
  };
});

const Sample = row({ name: text, at: time });
const map = new MapState("map", key(text, integer), record({ a: integer }));

/** An operator that does with each row what a test says. */
function exported(work, more = {}) {
  const rows = new Rows(Sample);
  const description = { inputs: ["lines"], outputs: ["lines"], namespaces: [timers("due"), map] };
  return component(
    {
      describe: () => description,
      begin: (_input, header) => rows.begin(header),
      process: (_input, batch, context) => rows.read(batch).forEach((it, record) => work(it, context, record)),
      ...more,
    },
    "sample",
  );
}

/** Returns what a call throws. */
function thrown(call) {
  try {
    call();
  } catch (error) {
    return error;
  }
  return assert.fail("nothing was thrown");
}

/** Feeds one record. */
function process({ operator }, name, at = "0") {
  const fields = new TextEncoder().encode(name + at);
  operator.begin(0, ["name", "at"]);
  return operator.process(0, {
    tag: "columns",
    val: { count: 1, fieldLens: Uint32Array.of(name.length, at.length), fields },
  });
}

const bytes = (of) => new TextEncoder().encode(of);

test("an operator describes itself as the interface has it", () => {
  const { operator } = exported(() => {});
  assert.deepEqual(operator.describe(), {
    name: "sample",
    schemaVersion: 1,
    inputs: [{ name: "lines", format: "columns" }],
    outputs: [{ name: "lines", format: "lines" }],
    namespaces: [
      { name: "due", kind: { tag: "timers", val: "event" }, expires: undefined, merge: undefined },
      { name: "map", kind: { tag: "hashed", val: undefined }, expires: undefined, merge: undefined },
    ],
    parameters: [],
  });
  const namespaces = [ordered("o", 3, { merge: "add" }), hashed("e", { expires: { clock: "processing", afterMs: 5 } })];
  const more = { describe: () => ({ name: "own", inputs: ["a"], namespaces }) };
  const described = exported(() => {}, more).operator.describe();
  assert.equal(described.name, "own");
  assert.deepEqual(
    described.namespaces.map(({ kind }) => kind),
    [
      { tag: "ordered", val: 3 },
      { tag: "hashed", val: undefined },
    ],
  );
  assert.equal(described.namespaces[0].merge, "add");
  assert.deepEqual(described.namespaces[1].expires, { domain: "processing", afterMs: 5n });
});

test("a call asks the host as the interfaces have it", () => {
  const work = (it, context) => {
    map.set([it.name, it.at], { a: 1 }, context);
    map.delete(["gone", 0], context);
    context.setTimer("due", -1, bytes(it.name));
    assert.equal(context.deleteTimer("due", it.at, bytes("k")), true);
    assert.equal(context.watermark(), -5, "a time comes with a sign or without");
    assert.equal(context.processingTime(), null);
    context.emit(0, text, it.name);
    context.log("warn", "hm");
    return "what an operator returns is not an answer";
  };
  assert.equal(process(exported(work), "a", "7"), undefined);
  const keys = bytes("a\0\x01?0000000gone\0\x01?0000000").map((byte) =>
    byte === 0x30 ? 0 : byte === 0x3f ? 0x80 : byte,
  );
  keys[10] = 7;
  assert.deepEqual(calls, [
    ["namespace", "map"],
    ["namespace", "due"],
    ["setTimer", 1, -1n, bytes("a")],
    ["deleteTimer", 1, 7n, bytes("k")],
    ["watermark"],
    ["processingTime"],
    ["emit", 0, bytes('"a"')],
    ["log", "warn", "hm"],
    [
      "apply",
      2,
      {
        ops: Uint8Array.of(0, 1),
        keyLens: Uint32Array.of(11, 14),
        valueLens: Uint32Array.of(7, 0),
        keys,
        values: bytes('{"a":1}'),
      },
    ],
  ]);
  assert.equal(BigInt.asIntN(64, -1n), -1n);
});

test("timers come by the number of their namespace", () => {
  const seen = [];
  const { timed } = exported(() => {}, { onTimers: (...given) => void seen.push(given.slice(0, 3)) });
  const keys = { lens: Uint32Array.of(1, 2), bytes: bytes("abb") };
  assert.equal(timed.onTimers(1, 2n ** 64n - 3n, keys), undefined);
  assert.deepEqual(seen, [["due", -3, [bytes("a"), bytes("bb")]]]);
  assert.equal(
    thrown(() => timed.onTimers(9, 1n, keys)),
    "there is no namespace of number 9 that holds timers",
  );
  const without = exported(() => {});
  assert.equal(
    thrown(() => without.timed.onTimers(1, 1n, keys)),
    "there is no work for the timers of due",
  );
  assert.equal(without.timed.finish(), undefined);
  assert.deepEqual(without.operator.results(true, 9), []);
});

test("an operator migrates what another version has left, if it can", () => {
  const { migration } = exported(() => {}, {
    migrate(fromVersion, context) {
      if (fromVersion !== 1) throw new Refusal(`version ${fromVersion} is not known`);
      map.set(["a", 7], { a: fromVersion }, context);
    },
  });
  assert.equal(migration.migrate(1), undefined);
  const [name, namespace, { values }] = calls.pop();
  assert.deepEqual([name, namespace, values], ["apply", 2, bytes('{"a":1}')]);
  assert.equal(
    thrown(() => migration.migrate(9)),
    "version 9 is not known",
  );
  assert.equal(
    thrown(() => exported(() => {}).migration.migrate(1)),
    "the operator does not know a state of schema version 1",
  );
});

/** A batch of rows with a name and a time, as the host passes it. */
const rowsOf = (...fields) => ({
  tag: "columns",
  val: {
    count: fields.length / 2,
    fieldLens: Uint32Array.from(fields, ({ length }) => length),
    fields: bytes(fields.join("")),
  },
});

test("an operator says which keys its records belong to, and without that its work is not divided", () => {
  const rows = new Rows(Sample);
  const Name = key(text, integer);
  const { operator, keyed } = exported(() => {}, {
    begin: (_input, header) => rows.begin(header),
    route: (_input, batch) => rows.read(batch).map(({ name, at }) => Name.bytes([name, at])),
  });
  operator.begin(0, ["name", "at"]);
  const number = (byte) => Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, byte);
  assert.deepEqual(keyed.route(0, rowsOf("a", "7", "", "5")), {
    lens: Uint32Array.of(11, 10),
    bytes: Uint8Array.of(...bytes("a\0\x01"), ...number(7), 0, 1, ...number(5)),
  });
  assert.equal(calls.length, 0, "the answer does not depend on the state");
  assert.deepEqual(
    thrown(() => keyed.route(0, rowsOf("a", "7", "b", "soon"))),
    { record: 1, text: 'at: "soon" is no time, as 2013-01-01T05:00:00Z' },
  );
  assert.deepEqual(
    thrown(() => exported(() => {}).keyed.route(0, rowsOf("a", "7"))),
    {
      record: undefined,
      text: "the operator does not say which keys its records belong to, so its work cannot be divided",
    },
  );
});

test("a route that is not one key for each record is a bug", (context) => {
  const said = [];
  context.mock.method(console, "error", (line) => void said.push(line.split("\n")[0]));
  for (const wrong of [undefined, [], ["a"], [bytes("a"), bytes("b")]]) {
    const { keyed } = exported(() => {}, { route: () => wrong });
    assert.ok(thrown(() => keyed.route(0, rowsOf("a", "7"))) instanceof Error);
    assert.match(said.pop(), /^TypeError: route returns the bytes of a key for each record.*: 1 here$/);
  }
});

test("windows route each record by its key", () => {
  const windows = Tumbling.hours(1).by(Sample, (it) => [it.name, 1]);
  const { operator, keyed } = component(windows.count(), "hours");
  operator.begin(0, ["name", "at"]);
  assert.deepEqual(
    keyed.route(0, rowsOf("a", "7", "b", "8")).bytes,
    Uint8Array.of(...key(text, integer).bytes(["a", 1]), ...key(text, integer).bytes(["b", 1])),
  );
});

test("a refusal is the value of the error", () => {
  const refusing = exported((it, _context, record) => {
    throw new Refusal("not wanted", it.name === "x" ? {} : { record });
  });
  assert.deepEqual(
    thrown(() => process(refusing, "a")),
    { record: 0, text: "not wanted" },
  );
  assert.deepEqual(
    thrown(() => process(refusing, "x")),
    { record: undefined, text: "not wanted" },
  );
  assert.deepEqual(
    thrown(() => process(refusing, "a", "soon")),
    {
      record: 0,
      text: 'at: "soon" is no time, as 2013-01-01T05:00:00Z',
    },
  );
  const header = thrown(() => refusing.operator.begin(0, ["x"]));
  assert.equal(header, "the columns name, at are missing; there are x");
  const open = exported(() => {}, {
    open(context) {
      throw new Refusal(`${context.parameter("a")} ${context.previousParameter("a")}`);
    },
  });
  const settings = [{ name: "a", value: "1", previous: undefined }];
  assert.equal(
    thrown(() => open.operator.open({ settings })),
    "1 undefined",
  );
});

test("what the host refuses is the text of the error", () => {
  const emitting = exported((it, context) => context.emit(3, text, it.name));
  globalThis.imports.emit = () => {
    throw Object.assign(new Error("component error"), { payload: "there is no output 3" });
  };
  assert.deepEqual(
    thrown(() => process(emitting, "a")),
    { record: undefined, text: "there is no output 3" },
  );
  const writing = exported((it, context) => map.set([it.name, 1], { a: 1 }, context));
  globalThis.imports.apply = () => {
    throw Object.assign(new Error("component error"), { payload: { tag: "limit-exceeded", val: "too much" } });
  };
  assert.deepEqual(
    thrown(() => process(writing, "a")),
    { record: undefined, text: "too much" },
  );
});

test("a bug ends the plugin, whatever was thrown", (context) => {
  const said = [];
  context.mock.method(console, "error", (line) => void said.push(line.split("\n")[0]));
  for (const [bug, what] of [
    [new TypeError("a bug"), "TypeError: a bug"],
    ["a text", "thrown: a text"],
    [undefined, "thrown: undefined"],
    [{ text: "not a refusal", record: 1 }, "thrown: [object Object]"],
    [Object.assign(new Error("with a payload"), { payload: "x" }), "Error: with a payload"],
  ]) {
    const throwing = exported(() => {
      throw bug;
    });
    const error = thrown(() => process(throwing, "a"));
    assert.ok(error instanceof Error && !("payload" in error) && !("text" in error));
    assert.equal(said.pop(), what);
  }
  const late = exported(() => {}, { process: async () => {} });
  assert.ok(thrown(() => process(late, "a")) instanceof Error);
  assert.equal(said.pop(), "TypeError: process of an operator answers at once: it cannot be async");
});

test("the merges of a call are one write, and a range is scanned up to its end", () => {
  globalThis.imports.scan = (...given) => {
    calls.push(["scan", ...given]);
    return { keyLens: [], valueLens: [], keys: bytes(""), values: bytes("") };
  };
  const sums = new Merged("map", text, add);
  const days = new OrderedMap("due", code(2), text, integer);
  const work = ({ name }, context) => {
    sums.merge(name, 258, context);
    sums.merge("b", -1n, context);
    days.range(name, { after: "c", limit: Infinity }, context);
  };
  process(exported(work), "aa");
  const of = (name) => calls.filter(([called]) => called === name).map(([, ...given]) => given);
  assert.deepEqual(of("scan"), [[1, bytes("aac\0"), bytes("ab"), false, 2 ** 32 - 1]]);
  const values = Uint8Array.of(2, 1, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255);
  const merges = { ops: Uint8Array.of(2, 2), keyLens: Uint32Array.of(2, 1), valueLens: Uint32Array.of(8, 8) };
  assert.deepEqual(of("apply"), [[2, { ...merges, keys: bytes("aab"), values }]]);
});
