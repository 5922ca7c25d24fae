// Changes of the state, as callbacks and as iterators are told about them.

import { memory, refused, same } from "./common.mjs";
import { told, watched } from "./watched.mjs";

/** Changes a key, and returns the notice of that. */
function nextOf(checkpoints) {
  return new Promise((resolve) => {
    const stop = checkpoints.subscribe("next", (changes) => (stop(), resolve(changes)));
    checkpoints.put("next", "1");
  });
}

/** Every kind of change is told, once for all that happened without waiting, to those who watch the key or the range. */
export async function changing({ BatchWriter, Checkpoints, int64 }) {
  const namespaces = { totals: { merge: "add" }, log: { kind: "ordered", bytes: 4 } };
  const checkpoints = await Checkpoints.open({ name: "changing", storage: "memory", namespaces });
  const log = checkpoints.namespace("log");
  const totals = checkpoints.namespace("totals", int64);
  let [all, one, prefix, range, logs, counts] = [
    watched(checkpoints, {}),
    watched(checkpoints, "ä"),
    watched(checkpoints, { prefix: "k" }),
    watched(checkpoints, { from: "k2", to: "k4" }),
    watched(log, {}),
    watched(totals, "n"),
  ];
  checkpoints.put("k1", "1");
  checkpoints.put("k1", "2");
  checkpoints.put("ä", "3");
  same("nothing is told before the end of the turn", all.seen, []);
  await told();
  same("puts, the newest of each key", [all.texts(), one.texts(), prefix.texts(), range.texts()], [["k1=2 ä=3"], ["ä=3"], ["k1=2"], []]);
  const batch = new BatchWriter().put("k2", "a").put("k3", "b").delete("k1").put("k4", "c");
  checkpoints.apply(batch);
  log.put("2013", "x");
  await told();
  same("a batch", [all.texts(), prefix.texts(), range.texts(), logs.texts()], [["k1=- k2=a k3=b k4=c"], ["k1=- k2=a k3=b k4=c"], ["k2=a k3=b"], ["2013=x"]]);
  checkpoints.applyPacked(new BatchWriter().put("k3", "B").pack());
  checkpoints.update(new TextEncoder().encode("k2"), (value) => value && new Uint8Array([...value, 98]));
  same("absent", checkpoints.delete("nothing"), false);
  totals.count("n");
  totals.count("n", 4);
  totals.merge("n", 1n);
  await told();
  same("packed, an update, counts", [all.texts(), prefix.texts(), range.texts()], [["k2=ab k3=B"], ["k2=ab k3=B"], ["k2=ab k3=B"]]);
  same("a count is told with its codec", counts.seen.splice(0).map(({ changes }) => changes[0].value), [6n]);
  // A key that is a view of the engine's memory, which grows during the call.
  checkpoints.put("name", "k9");
  checkpoints.read("name", (view) => checkpoints.put(view, new Uint8Array(1 << 22)));
  await told();
  same("a view as key", prefix.seen.splice(0).map(({ changes }) => changes.map(({ value }) => value.length)), [[1 << 22]]);
  // A watcher that comes in the middle of a turn cuts nobody's notice in two. It is told of what was changed since.
  checkpoints.put("k2", "before");
  checkpoints.put("k3", "before");
  const [late, lateOne] = [watched(checkpoints, {}), watched(checkpoints, "k2")];
  same("nothing is told by that", prefix.seen, []);
  checkpoints.put("k3", "after");
  await told();
  same("one notice", [prefix.texts(), late.texts(), lateOne.texts()], [["k2=before k3=after"], ["k3=after"], []]);
  checkpoints.put("k2", "next");
  await told();
  same("the next one", [prefix.texts(), late.texts(), lateOne.texts(), range.texts().length], [["k2=next"], ["k2=next"], ["k2=next"], 2]);
  for (const { stop } of [late, lateOne]) stop();
  all.seen.length = 0;
  for (const day of ["2013-01", "2013-02", "2014-01"]) log.put(day, "x");
  await told();
  logs.seen.length = 0;
  const later = watched(log, { from: "2014" });
  same("deleted", log.deleteRange({ prefix: "2013-" }), 2);
  same("none", log.deleteRange({ prefix: "2012-" }), 0);
  await told();
  same("a deleted range", [logs.texts(), later.texts()], [["reset"], []]);
  one.stop();
  one.stop();
  checkpoints.put("ä", "4");
  await told();
  same("after the end", [all.texts(), one.texts()], [["ä=4"], []]);
  // What changed while nothing was watched is missing, and the numbers show it.
  const stopAll = [all, prefix, range, logs, counts, later].map(({ stop }) => stop);
  const { sequence } = await nextOf(checkpoints);
  stopAll.forEach((stop) => stop());
  checkpoints.put("ä", "5");
  const { since } = await nextOf(checkpoints);
  same("a gap", since > sequence, true);
  [all, prefix, range] = [watched(checkpoints, {}), watched(checkpoints, { prefix: "k" }), watched(checkpoints, { from: "k2", to: "k4" })];
  await refused("a limit", () => checkpoints.subscribe({ limit: 1 }, () => {}), /^invalid-input: a range that is watched has no limit/);
  await refused("a number", () => checkpoints.subscribe(7, () => {}), /^invalid-input: a range that is watched: 7 is not an object/);
  for (let number = 0; number < 10_002; number++) checkpoints.put(`k-${number}`, "");
  await told();
  same("too many", [all.texts(), prefix.texts(), range.texts()], [["reset"], ["reset"], ["reset"]]);
  const many = new BatchWriter();
  for (let number = 0; number < 10_001; number++) many.put(`m-${number}`, "");
  checkpoints.apply(many);
  await told();
  same("too many in a batch", all.texts(), ["reset"]);
  checkpoints.put("last", "1");
  await checkpoints.close();
  same("before a close", all.texts(), ["last=1"]);
  await refused("after a close", () => checkpoints.subscribe("a", () => {}), /^closed: /);
}

/** Changes a key until an operation makes the engine busy, so that the last change could not be told before. Returns its value. */
async function untilBusy(checkpoints, operation) {
  let isOver = false;
  operation.catch(() => {}).then(() => (isOver = true));
  for (let number = 0; !isOver; number++) {
    try {
      checkpoints.put("b", String(number));
    } catch (error) {
      same("refused", [error.kind, number > 0], ["busy", true]);
      return number - 1;
    }
    await null;
  }
  throw new Error("the engine was never busy");
}

/** What another state or a clock changes is told as a reset, and by nothing else. */
export async function resets({ Checkpoints }) {
  const namespaces = { seen: { expires: { clock: "processing", afterMs: 100 } }, ends: { expires: { clock: "event", afterMs: 100 } } };
  const storage = memory();
  const checkpoints = await Checkpoints.open({ name: "resets", storage, namespaces, maxRetained: 9 });
  const [seenSpace, endsSpace] = [checkpoints.namespace("seen"), checkpoints.namespace("ends")];
  const [all, seen, ends] = [watched(checkpoints, {}), watched(seenSpace, "a"), watched(endsSpace, {})];
  checkpoints.setProcessingTime(1000);
  seenSpace.put("a", "1");
  endsSpace.put("a", "1");
  await checkpoints.checkpoint();
  same("before", [all.texts(), seen.texts(), ends.texts()], [[], ["a=1"], ["a=1"]]);
  checkpoints.setProcessingTime(1099);
  await told();
  same("not expired", [seen.texts(), seenSpace.has("a")], [[], true]);
  checkpoints.setProcessingTime(1100);
  await told();
  same("expired", [seen.texts(), ends.texts(), seenSpace.has("a")], [["reset"], [], false]);
  // Entries from before the clock was set begin to age now.
  checkpoints.setWatermark(1000);
  checkpoints.setWatermark(1100);
  await told();
  same("by the watermark", ends.texts(), ["reset"]);
  const { id } = await checkpoints.checkpoint();
  checkpoints.put("b", "1");
  await told();
  all.texts();
  const restoring = checkpoints.restore(id);
  await untilBusy(checkpoints, restoring);
  await restoring;
  await told();
  same("restored", [all.texts().at(-1), seen.texts(), ends.texts(), checkpoints.has("b")], ["reset", ["reset"], ["reset"], false]);
  const failing = checkpoints.restore(99);
  const last = await untilBusy(checkpoints, failing);
  await refused("no such checkpoint", () => failing, /^not-found: /);
  await told();
  same("told after a failed restore", all.texts().at(-1), `b=${last}`);
  await checkpoints.importCheckpoint(await checkpoints.exportCheckpoint());
  await told();
  same("imported", [all.texts(), ends.texts()], [["reset"], ["reset"]]);
  const reader = await Checkpoints.open({ name: "resets", storage, readOnly: true });
  const reads = watched(reader, {});
  checkpoints.put("d", "4");
  await checkpoints.checkpoint();
  await reader.refresh();
  await told();
  same("refreshed", [reads.texts(), reader.getText("d")], [["reset"], "4"]);
  await reader.close();
  await checkpoints.checkpointWithState(new Uint8Array(1), { watermark: 5000 });
  await told();
  same("a checkpoint that raises the watermark", ends.texts(), ["reset"]);
  await checkpoints.close();
}

/** An iterator has each change from the moment of the call, and a bounded memory. */
export async function iterating({ Checkpoints, json }) {
  const checkpoints = await Checkpoints.open({ name: "iterating", storage: "memory", codec: json() });
  const controller = new AbortController();
  const changes = checkpoints.changes({ prefix: "a" }, { signal: controller.signal });
  checkpoints.put("a", 1);
  await told();
  checkpoints.put("a", 2);
  checkpoints.put("b", 3);
  await told();
  const [first, second] = [(await changes.next()).value, (await changes.next()).value];
  same("values", [first.changes[0].value, second.changes[0].value, second.changes.length, second.since === first.sequence], [1, 2, 1, true]);
  const third = changes.next();
  checkpoints.delete("a");
  same("a deleted key", (await third).value.changes.map(({ value }) => value), [undefined]);
  for (let round = 0; round < 60; round++) {
    for (let number = 0; number < 200; number++) checkpoints.put(`a${number}`, round);
    await told();
  }
  const behind = (await changes.next()).value;
  same("a reader that is behind", [behind.isReset, behind.changes.length], [true, 0]);
  const waiting = changes.next();
  controller.abort();
  // What was kept behind the reset comes first.
  let last = await waiting;
  while (!last.done) last = await changes.next();
  same("aborted", [last.done, (await changes.next()).done], [true, true]);
  same("aborted before", (await checkpoints.changes("a", { signal: controller.signal }).next()).done, true);
  for await (const { changes: found } of (queueMicrotask(() => checkpoints.put("c", 1)), checkpoints.changes())) {
    same("a loop", found.length, 1);
    break;
  }
  const [left, alone] = [checkpoints.changes(), checkpoints.changes("x")];
  checkpoints.put("z", 9);
  await checkpoints.close();
  same("closed", [(await left.next()).value.changes[0].value, (await left.next()).done, (await alone.next()).done], [9, true, true]);
}
