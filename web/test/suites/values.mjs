// Tests of the values that cross between JavaScript and the engine. serde-wasm-bindgen converts them. The shapes
// are those that src/types.ts documents, and the errors are those of serde.

import { same } from "../harness.mjs";

const { AlluviumError, Checkpoints } = await import("../../dist/node.js");

/** Returns the shape of a value: its names and types, without the data. */
function shape(value) {
  if (value === null) return "null";
  if (value instanceof Map) return `Map ${JSON.stringify([...value].map(([key, of]) => [key, shape(of)]))}`;
  if (value instanceof Uint8Array) return "Uint8Array";
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, shape(of)]));
  return typeof value;
}

const metadata = {
  id: "bigint",
  epoch: "bigint",
  timestampMs: "number",
  walPosition: "bigint",
  sourceOffsets: 'Map [["in","bigint"]]',
  watermark: "bigint",
  sizeBytes: "number",
  keyCount: "number",
  isIncremental: "boolean",
  parentId: "null",
  files: ["string", "string"],
  isOriginal: "boolean",
  keysChanged: "number",
  tombstones: "number",
  bytesChanged: "number",
  bytesWritten: "number",
  stateBytes: "number",
  stateDigest: "string",
  hasState: "boolean",
  annotations: 'Map [["by","string"]]',
};

const statistics = {
  id: "bigint",
  keysChanged: "number",
  tombstones: "number",
  bytesChanged: "number",
  deltaBytes: "number",
  rebasedBytes: "number",
  bytesWritten: "number",
  freezeUs: "number",
  writeUs: "number",
};

const report = { deleted: [], reclaimedBytes: "number", rebasedBytes: "number", errors: [] };

/** Everything that the engine returns has the documented names and types. 64-bit integers arrive exactly. */
export async function given() {
  const files = memory();
  const open = (options) => Checkpoints.open({ name: "values", storage: files, ...options });
  const checkpoints = await open();
  same("recovered, at first", checkpoints.recovered, null);
  checkpoints.put("a", "b");
  checkpoints.setSourceOffset("in", 2n ** 64n - 1n);
  checkpoints.setWatermark(-(2n ** 63n));
  checkpoints.setAnnotation("by", "values");
  same("sourceOffsets", shape(checkpoints.sourceOffsets), metadata.sourceOffsets);
  checkpoints.setPosition("clicks", 2n ** 64n - 1n);
  checkpoints.setPosition("clicks", "shard 7", "7");
  same("positions", [...checkpoints.positions].map(([source, partitions]) => [source, shape(partitions)]), [["clicks", 'Map [["","bigint"],["7","Uint8Array"]]']]);
  same("memory", shape(checkpoints.memory), { stateBytes: "number", logBytes: "number", payloadBytes: "number" });
  const maintained = new Promise((resolve) => checkpoints.on("maintenance", resolve));
  const first = await checkpoints.checkpoint({ walPosition: 2n ** 53n + 1n });
  same("metadata", shape(first), { ...metadata, statistics });
  const exact = [first.walPosition, first.sourceOffsets.get("in"), first.watermark].map(String);
  same("64 bits", exact, ["9007199254740993", "18446744073709551615", "-9223372036854775808"]);
  same("counts", [first.keyCount, first.keysChanged, first.statistics.keysChanged, first.stateBytes], [1, 1, 1, 2]);
  // The mark that a first checkpoint is under way is deleted when it is there.
  same("maintenance", shape(await maintained), { ...report, deleted: ["string"] });
  const offsets = new Map([["in", 2n ** 64n - 1n], ["other", 7]]);
  const second = await checkpoints.checkpointWithState(new Uint8Array([1]), { sourceOffsets: offsets });
  same("offsets that were given", [...second.sourceOffsets].map(String), ["in,18446744073709551615", "other,7"]);
  same("a parent", [second.parentId === first.id, second.hasState], [true, true]);
  same("garbage", shape(await checkpoints.collectGarbage()), report);
  same("verified", shape(await checkpoints.verify()), { isDamaged: "boolean", checkpoints: "number", files: "number", bytes: "number", findings: [] });
  files.files.set("segments/stray", new Uint8Array([1]));
  const [finding] = (await checkpoints.verify()).findings;
  same("a finding", shape(finding), { path: "string", severity: "string", what: "string" });
  await checkpoints.close();

  const newest = files.files.get(second.files.find((path) => path.endsWith("metadata.json")));
  newest[0] ^= 0xff;
  const fallen = await open({ allowFallback: true });
  const skipped = [{ id: "bigint", reason: "string" }];
  same("recovered", shape(fallen.recovered), { checkpointId: "bigint", keyCount: "number", bytesRead: "number", walEntries: "number", skipped, isOriginal: "boolean" });
  const listed = await fallen.list();
  same("listed", listed.map((item) => Object.keys(item)), [["id", "damage"], ["id", "metadata"]]);
  same("damage", shape(listed[0]), { id: "bigint", damage: "string" });
  await fallen.close();
}

/** An option that is missing, undefined, null or unknown keeps its default. An option of a wrong type is an error with its name. */
export async function options() {
  const open = (options) => Checkpoints.open({ name: "values", storage: "memory", ...options });
  await (await open({ maxRetained: null, intervalMs: undefined, unknown: { a: 1 }, recoveryReadRatio: 2, storeId: new Uint8Array(16) })).close();
  const refused = async (options) => {
    try {
      await (await open(options)).close();
      return "opened";
    } catch (error) {
      if (!(error instanceof AlluviumError) || error.kind !== "invalid-input") throw error;
      return error.message;
    }
  };
  const expected = {
    maxRetained: ["3", -1, 1.5, NaN, {}, 2n ** 64n],
    intervalMs: ["soon"],
    maxInFlight: [true],
    incremental: [1, "yes"],
    recoveryReadRatio: ["1"],
    maxRebaseBytes: [-1n],
    memoryLimitBytes: [[]],
    create: ["no"],
    allowFallback: [0],
    storeId: [new Uint8Array(15), new Uint8Array(17), "sixteen letters."],
    writer: [new Uint8Array(7), new Uint8Array(9), "8letters"],
  };
  for (const [name, values] of Object.entries(expected)) {
    for (const value of values) {
      const message = await refused({ [name]: value });
      const isNamed = message.startsWith(`option ${name}: `) && /invalid (type|length)|Couldn't deserialize/.test(message);
      if (!isNamed) throw new Error(`${name} of ${String(value)}: ${message}`);
    }
  }
}

/** A directory that the caller implements gets the documented arguments. What it returns and throws is checked. */
export async function directories() {
  const kinds = async (change) => {
    const directory = Object.assign(memory(), change);
    try {
      const checkpoints = await Checkpoints.open({ name: "values", storage: directory });
      checkpoints.put("a", "b");
      await checkpoints.checkpoint();
      await checkpoints.close();
      return "written";
    } catch (error) {
      return `${error.kind}: ${error.message}`;
    }
  };
  let called;
  const recording = memory();
  const { create } = recording;
  await kinds({ files: recording.files, create: (...args) => {
    // The first call creates the mark that a first checkpoint is under way.
    if (args[0].length > 1) called ??= shape(args);
    return create(...args);
  } });
  same("create is called with", called, [["string", "string"], ["Uint8Array", "Uint8Array"]]);
  const fails = (error) => ({ create: () => Promise.reject(error) });
  const cases = [
    ["a whole directory", {}, /^written$/],
    ["a listing of numbers", { list: async () => [[1, 2, 3]] }, /^io: .*the listing is not one of path, bytes and kind: invalid type/],
    ["a listing of another kind", { list: async () => [["a", 1, 9]] }, /^io: .*there is no kind 9/],
    ["a listing of negative bytes", { list: async () => [["a", -1, 0]] }, /^io: .*invalid type/],
    ["no listing", { list: async () => undefined }, /^io: .*the listing is not one of path/],
    ["a listing that is no promise", { list() { return [...this.files].map(([path, { length }]) => [path, length, 0]); } }, /^written$/],
    ["a method that throws at once", { create: () => { throw Object.assign(new Error("at once"), { kind: "no-space" }); } }, /^no-space: .*at once/],
    ["a missing method", { readRange: undefined }, /^invalid-input: .*no method readRange/],
    ["an error with kind and path", fails(Object.assign(new Error("no room"), { kind: "no-space", path: "x/y" })), /^no-space: .*x\/y.*no room/],
    ["an error of an unknown kind", fails(Object.assign(new Error("strange"), { kind: "odd" })), /^io: .*strange/],
    ["a DOMException", fails(new DOMException("full", "QuotaExceededError")), /^no-space: .*full/],
    ["a text", fails("just a text"), /^io: .*just a text/],
    ["nothing", fails(undefined), /^io: /],
    ["an error whose parts are no texts", fails(Object.assign(new Error("parts"), { path: 7 })), /^io: .*parts/],
  ];
  for (const [name, change, expected] of cases) {
    const found = await kinds(change);
    if (!expected.test(found)) throw new Error(`${name}: ${found}`);
  }
}

/** A directory in memory that follows the documented contract. */
function memory() {
  const files = new Map();
  const found = (path) => files.get(path) ?? Promise.reject(Object.assign(new Error("none"), { kind: "not-found", path }));
  return {
    files,
    list: async () => [...files].map(([path, { length }]) => [path, length, 0]),
    read: async (path) => (await found(path)).slice(),
    readRange: async (path, offset, length) => (await found(path)).slice(offset, offset + length),
    async create(paths, contents) {
      paths.forEach((path, at) => files.set(path, contents[at]));
    },
    async delete(paths) {
      for (const path of paths) files.delete(path);
    },
  };
}
