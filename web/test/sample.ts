// Uses every public call in a strict TypeScript program. The test compiles it against the packed tarball, runs it
// in Node, and checks that no method of `Checkpoints` is missing here.

import * as alluvium from "alluvium";
import { AlluviumError, BatchWriter, Checkpoints, int64, json, jsonBytes, jsonOf, raw, serialized, text, textOf } from "alluvium";
import wasm from "alluvium/alluvium.wasm";
import type {
  AlluviumErrorKind,
  Bytes,
  Changes,
  CheckpointDirectory,
  CheckpointMetadata,
  Clock,
  Codec,
  Integer,
  KeyRange,
  ListedCheckpoint,
  MaintenanceReport,
  MemoryUsage,
  Namespace,
  NamespaceDeclaration,
  OpenOptions,
  RecoverySummary,
  StorageEstimate,
  Timer,
  Timers,
  VerifyReport,
  WhenBusy,
  Where,
} from "alluvium";

function same(what: string, found: unknown, expected: unknown): void {
  const text = (value: unknown) => JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part));
  if (text(found) !== text(expected)) throw new Error(`${what}: found ${text(found)}, expected ${text(expected)}`);
}

let now = 1_700_000_000_000;
const clock: Clock = { unixMs: () => now, monotonicUs: () => now * 1000 };
const options: OpenOptions = {
  name: "sample",
  storage: "memory",
  maxRetained: 5,
  intervalMs: 1000,
  maxInFlight: 2,
  incremental: true,
  recoveryReadRatio: 1.5,
  maxRebaseBytes: 1024 * 1024,
  memoryLimitBytes: 64 * 1024 * 1024,
  create: true,
  allowFallback: false,
  whenTaken: "fail",
  storeId: new Uint8Array(16),
  clock,
};

async function main(): Promise<void> {
  const checkpoints = await Checkpoints.open(options);
  const recovered: RecoverySummary | null = checkpoints.recovered;
  same("no checkpoint found", recovered, null);
  const told: string[] = [];
  const off = checkpoints.on("checkpoint", ({ metadata, statistics }) => told.push(`${metadata.id} ${statistics.keysChanged}`));
  checkpoints.on("begin", ({ pending }) => told.push(`begin ${pending}`));

  const key: Bytes = "a";
  checkpoints.put(key, new Uint8Array([49]));
  checkpoints.putJson("b", { two: 2 });
  same("get", checkpoints.get("a")?.length, 1);
  same("getMany", checkpoints.getMany(["a", "nothing"]).map((value) => value?.length), [1, undefined]);
  same("has", [checkpoints.has("b"), checkpoints.has("c")], [true, false]);
  same("texts", [checkpoints.getText("a"), checkpoints.getJson("b")], ["1", { two: 2 }]);
  same("helpers", jsonOf(jsonBytes([textOf(new Uint8Array([104, 105]))])), ["hi"]);
  const batch = new BatchWriter().put("c", "3").delete("c").put("d", "4");
  same("batch", [batch.size, batch.bytes], [3, 5]);
  same("apply", checkpoints.apply(batch), 3);
  same("applyPacked", checkpoints.applyPacked(new BatchWriter().put("e", "5").pack()), 1);
  same("delete", [checkpoints.delete("e"), checkpoints.delete("e")], [true, false]);
  same("size", checkpoints.size, 3);
  same("entries", [...checkpoints.entries("d")].map(([, value]) => textOf(value)), ["4"]);
  same("textEntries", [...checkpoints.textEntries()].length, 3);
  same("iteration", [...checkpoints].length, 3);

  const [where, heard]: [Where, number[]] = [{ prefix: "f" }, []];
  const stop: () => void = checkpoints.subscribe(where, (changes: Changes<Uint8Array>) => heard.push(changes.sequence - changes.since));
  const changes: AsyncIterableIterator<Changes<Uint8Array>> = checkpoints.changes("f");
  checkpoints.put("f", "6");
  checkpoints.delete("f");
  for await (const { isReset, changes: found } of changes) {
    same("changes", [isReset, found.map(({ key, value }) => [textOf(key), value])], [false, [["f", undefined]]]);
    break;
  }
  stop();
  same("heard", heard, [1]);

  checkpoints.epoch = 7;
  const epoch: bigint = checkpoints.epoch;
  // Safe integers may be numbers. A bigint is always accepted.
  const offsets: Integer[] = [2 ** 53 - 1, 2n ** 53n];
  for (const offset of offsets) checkpoints.setSourceOffset("in", offset);
  same("offsets", [epoch, checkpoints.sourceOffset("in"), checkpoints.sourceOffsets.get("other")], [7n, 2n ** 53n, undefined]);
  const positions: (bigint | Uint8Array | undefined)[] = [];
  for (const position of [7, 8n, "text", new Uint8Array([1])]) {
    checkpoints.setPosition("clicks", position, "7");
    positions.push(checkpoints.position("clicks", "7"));
  }
  same("positions", positions.map(String), ["7", "8", "116,101,120,116", "1"]);
  same("a position of none", [checkpoints.position("clicks"), [...checkpoints.positions.keys()]], [undefined, ["clicks"]]);
  checkpoints.setWatermark(-1n);
  checkpoints.setWatermark(5);
  same("watermark", checkpoints.watermark, 5n);
  checkpoints.setAnnotation("by", "sample");
  const memory: MemoryUsage = checkpoints.memory;
  same("memory", memory.payloadBytes > 0, true);

  // A deleted key counts as changed.
  const first = await checkpoints.checkpoint({ walPosition: 10 });
  same("checkpoint", [first.keyCount, first.walPosition, first.annotations.get("by"), first.statistics.keysChanged], [3, 10n, "sample", 6]);
  same("events", told, ["begin 1", `${first.id} 6`]);
  off();
  same("walPosition", [checkpoints.walPosition, checkpoints.latestCheckpointId], [10n, first.id]);
  same("not due", checkpoints.shouldCheckpoint(), false);
  now += 1000;
  same("due", checkpoints.shouldCheckpoint(), true);

  const state = new Uint8Array([1, 2, 3]);
  const second: CheckpointMetadata = await checkpoints.checkpointWithState(state, { sourceOffsets: [["in", 2n ** 53n]], watermark: 6 });
  same("loadState", [...(await checkpoints.loadState(second.id))], [1, 2, 3]);
  const archive: Blob = await checkpoints.exportCheckpoint(first.id);
  const imported = await checkpoints.importCheckpoint(archive);
  const listed: ListedCheckpoint[] = await checkpoints.list();
  same("list", listed.map(({ id }) => id), [imported.id, second.id, first.id]);
  const restored = await checkpoints.restore(first.id);
  same("restore", [restored.keyCount, checkpoints.getText("d")], [3, "4"]);
  const report: VerifyReport = await checkpoints.verify();
  same("verify", [report.isDamaged, report.checkpoints], [false, (await checkpoints.list()).length]);
  await checkpoints.checkpoint();
  const deleted: MaintenanceReport = await checkpoints.deleteCheckpoint(second.id);
  same("deleteCheckpoint", deleted.deleted.length > 0, true);
  await checkpoints.cleanup(1);
  same("cleanup", (await checkpoints.list()).length, 1);
  same("collectGarbage", (await checkpoints.collectGarbage()).errors, []);
  await checkpoints.close();

  let kind: AlluviumErrorKind | undefined;
  try {
    checkpoints.put("a", "late");
  } catch (error) {
    if (error instanceof AlluviumError) kind = error.kind;
  }
  same("after close", kind, "closed");
  await spaces();
  const aborted = AbortSignal.abort();
  const other = await Checkpoints.open({ name: "other", storage: "memory", signal: aborted, whenTaken: "wait" });
  await other[Symbol.asyncDispose]();

  // Node has no storage of an origin, so these return little.
  const estimate: StorageEstimate = await alluvium.estimate();
  same("estimate", [estimate.isPersistent, await alluvium.persist()], [false, false]);
  const own: CheckpointDirectory | undefined = undefined;
  const rest: [typeof alluvium.destroy, typeof alluvium.setWasmSource, unknown] = [alluvium.destroy, alluvium.setWasmSource, own];
  same("functions", rest.slice(0, 2).map((value) => typeof value), ["function", "function"]);

  // An option that is undefined is as if it were left out.
  const given: AbortSignal | undefined = undefined;
  const source: { wasm?: typeof wasm } = {};
  await (await Checkpoints.open({ name: "undefined", storage: "memory", signal: given, wasm: source.wasm, maxRetained: undefined })).close();

  // @ts-expect-error: a value must be bytes or text.
  const wrong: Bytes = 7;
  // @ts-expect-error: this storage does not exist.
  const nowhere: OpenOptions = { name: "x", storage: "disk" };
  void [wrong, nowhere];
  console.log("done");
}

interface Order {
  total: number;
}

/** Brings a state of an older version up to date. */
function upgrade(state: Checkpoints<any, any>, from: number): void {
  for (const [key, total] of state.entries()) state.put(key, { total, from });
}

/** Namespaces, codecs, timers, and what else an application declares. */
async function spaces(): Promise<void> {
  const namespaces: Record<string, NamespaceDeclaration> = {
    totals: { merge: "add" },
    log: { kind: "ordered", bytes: 4, expires: { clock: "processing", afterMs: 1000 } },
    ends: { kind: "timers", clock: "event" },
  };
  const whenBusy: WhenBusy = "join";
  const checkpoints = await Checkpoints.open<Order>({ name: "spaces", storage: "memory", namespaces, whenBusy, schemaVersion: 1, migrate: upgrade, codec: json() });
  checkpoints.put("a", { total: 1 });
  const total: number | undefined = checkpoints.get("a")?.total;
  const order: Order | undefined = checkpoints.update("a", (before) => ({ total: (before?.total ?? 0) + 1 }));
  const typed: { total: number } | undefined = checkpoints.getJson<Order>("a");
  same("codec", [total, order, typed, checkpoints.read("a", (bytes) => bytes.length)], [1, { total: 2 }, { total: 2 }, 11]);
  same("typed batch", checkpoints.apply(new BatchWriter<Order>(json()).put("b", { total: 3 })), 1);
  same("names", checkpoints.namespaces, ["totals", "log", "ends"]);
  const totals: Namespace<bigint, Integer> = checkpoints.namespace("totals", int64);
  totals.count("n");
  totals.merge("n", 2);
  const count: bigint | undefined = totals.get("n");
  same("count", count, 3n);
  const log = checkpoints.namespace("log", text);
  checkpoints.setProcessingTime(5_000);
  for (const key of ["a1", "a2", "b1"]) log.put(key, key);
  const range: KeyRange = { prefix: "a", reverse: true };
  same("scan", [[...log.scanText(range)], [...log.scan({ from: "a2", limit: 1 })].length, log.deleteRange({ to: "b" })], [[["a2", "a2"], ["a1", "a1"]], 1, 2]);
  checkpoints.setProcessingTime(6_000);
  same("expiry", [checkpoints.processingTime, log.size, checkpoints.deleteExpired()], [6_000n, 0, 0]);
  const ends: Timers = checkpoints.timers("ends");
  ends.set(5, "x");
  const due: Timer[] = ends.due({ upTo: 5 });
  same("timers", [due.length, ends.delete(5, "x"), ends.take(), ends.size, ends.clock], [1, true, [], 0, undefined]);
  const kept: Codec<unknown> = serialized<unknown>(JSON);
  checkpoints.namespace("log", kept).put("c", [1]);
  same("raw", checkpoints.namespace("log", raw).get("c")?.length, 3);
  same("default namespace", [checkpoints.scan.length, checkpoints.scanText.length, checkpoints.count.length, checkpoints.merge.length], [0, 0, 1, 2]);
  same("changed", [checkpoints.isChanged, checkpoints.isReadOnly, checkpoints.annotation("schema-version")], [true, false, "1"]);
  const { id } = await checkpoints.checkpoint({ whenBusy: "queue", walPosition: () => 5 });
  same("unchanged", (await checkpoints.checkpoint({ ifChanged: true })).id, id);
  checkpoints.put("a", { total: 9 });
  await checkpoints.sync();
  same("sync", checkpoints.walBytes > 0, true);
  const refused = await checkpoints.refresh().then(() => "refreshed", (error: unknown) => (error instanceof AlluviumError ? error.kind : "?"));
  same("refresh", refused, "invalid-input");
  // @ts-expect-error: a value of another type.
  const wrong = () => checkpoints.put("a", { sum: 1 });
  void wrong;
  await checkpoints.close();
}

await main();
