// What single calls cost, as the README shows them: with texts as keys, on a million entries, against a Map of the same
// entries. Alluvium and the Map take turns, and each ratio compares two measurements of the same turn.

import { BatchWriter, Checkpoints, int64 } from "/dist/index.js";

const CALLS = 100_000;
const ROUNDS = 9;
/** How many mutations an application collects before it applies them. */
const BATCH = 500;

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

function timed(work) {
  const started = performance.now();
  work();
  return performance.now() - started;
}

/** Measures the calls on so many entries. `key`, `value` and `random` are those of the other benchmarks. */
export async function calls(entries, { key, value, random }) {
  const namespaces = { counts: { merge: "add" }, log: { kind: "ordered", bytes: 4 } };
  const checkpoints = await Checkpoints.open({ name: "calls", storage: "memory", namespaces, maxRetained: 1 });
  const counts = checkpoints.namespace("counts", int64);
  const log = checkpoints.namespace("log");
  const [map, counted] = [new Map(), new Map()];
  const [batch, countBatch, logBatch] = [new BatchWriter(), new BatchWriter(int64), new BatchWriter()];
  for (let number = 0; number < entries; number++) {
    const [text, bytes] = [key(number), value()];
    map.set(text, bytes);
    counted.set(text, 1);
    batch.put(text, bytes);
    countBatch.count(text);
    logBatch.put(text, bytes);
    if (batch.size === BATCH || number === entries - 1) checkpoints.apply(batch), counts.apply(countBatch), log.apply(logBatch);
  }
  await checkpoints.checkpoint();

  const keys = Array.from({ length: CALLS }, () => key(Math.floor(random() * entries)));
  const absent = keys.map((text) => `${text}?`);
  const values = keys.map(value);
  let kept = 0;
  /** Returns the nanoseconds of one call, by what is measured. */
  const turns = async (work) => {
    const times = Object.fromEntries(Object.keys(work).map((name) => [name, []]));
    for (let round = 0; round < ROUNDS; round++) {
      // What was changed is made durable between the turns, as an application does.
      await checkpoints.checkpoint();
      for (const [name, call] of Object.entries(work)) times[name].push((timed(call) * 1e6) / CALLS);
    }
    return times;
  };
  const ratio = (ours, others) => median(ours.map((ns, round) => ns / others[round]));

  const reads = await turns({
    map: () => keys.forEach((text) => (kept += map.get(text).length)),
    get: () => keys.forEach((text) => (kept += checkpoints.get(text).length)),
    view: () => keys.forEach((text) => (kept += checkpoints.read(text, (bytes) => bytes.length))),
    absent: () => absent.forEach((text) => (kept += checkpoints.has(text) ? 1 : 0)),
    many: () => {
      for (let at = 0; at < CALLS; at += BATCH) kept += checkpoints.getMany(keys.slice(at, at + BATCH)).length;
    },
  });
  const writes = await turns({
    map: () => keys.forEach((text, at) => map.set(text, values[at])),
    put: () => keys.forEach((text, at) => checkpoints.put(text, values[at])),
    writer: () => {
      keys.forEach((text, at) => batch.put(text, values[at]).size === BATCH && batch.clear());
      batch.clear();
    },
    batch: () => keys.forEach((text, at) => batch.put(text, values[at]).size === BATCH && checkpoints.apply(batch)),
  });
  const merges = await turns({
    map: () => keys.forEach((text) => counted.set(text, (counted.get(text) ?? 0) + 1)),
    count: () => keys.forEach((text) => counts.count(text)),
  });
  const prefixes = Array.from({ length: 25 }, () => key(Math.floor(random() * entries)).slice(0, -3));
  const first = (space, prefix) => {
    let found = 0;
    for (const _ of space.entries(prefix)) if (++found === 100) break;
    return found;
  };
  const scans = prefixes.map((prefix) => timed(() => (kept += first(log, prefix))));
  const walks = prefixes.slice(0, 5).map((prefix) => timed(() => (kept += first(checkpoints, prefix))));
  const all = [timed(() => (kept += first(checkpoints, "")))];
  await checkpoints.close();
  if (!(kept > 0)) throw new Error("nothing was read");
  return {
    getVsMap: ratio(reads.get, reads.map),
    putVsMap: ratio(writes.put, writes.map),
    mergeVsMap: ratio(merges.count, merges.map),
    getNs: median(reads.get),
    viewNs: median(reads.view),
    absentNs: median(reads.absent),
    getManyNs: median(reads.many),
    mapGetNs: median(reads.map),
    putNs: median(writes.put),
    batchPutNs: median(writes.batch),
    writerNs: median(writes.writer),
    mapPutNs: median(writes.map),
    countNs: median(merges.count),
    mapCountNs: median(merges.map),
    scanFirstMs: median(scans),
    walkFirstMs: median(walks),
    walkAllFirstMs: median(all),
  };
}
