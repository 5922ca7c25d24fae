// The browser benchmarks, in one run of one page: 10,000 of 1,000,000 entries change. Keys have 16 bytes and
// values 100. Alluvium and the other libraries take turns, so what slows the machine slows all of them.

import { BatchWriter, Checkpoints } from "/dist/index.js";
import { calls } from "/bench/calls.mjs";
import { peers } from "/bench/peers.mjs";

const parameters = new URLSearchParams(location.search);
const ENTRIES = Number(parameters.get("entries"));
const CHANGED = Number(parameters.get("changed"));
const ROUNDS = Number(parameters.get("rounds"));
/** Peers and single puts run only in one round of five, because they can take a second a round. */
const SLOW_EVERY = 5;

const post = (path, body) => fetch(path, { method: "POST", body: JSON.stringify(body) });
const say = (text) => post("/progress", text);
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Waits before each measurement, so that garbage and pending writes of the one before do not slow it. */
const rest = () => new Promise((resolve) => setTimeout(resolve, 50));

async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

const key = (number) => `key-${String(number).padStart(12, "0")}`;

let seed = 42;
function random() {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
}

function value() {
  const bytes = new Uint8Array(100);
  for (let at = 0; at < 100; at += 4) new DataView(bytes.buffer).setUint32(at, random() * 2 ** 32);
  return bytes;
}

/** Opens a raw database with one store. */
function database(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onupgradeneeded = () => request.result.createObjectStore("values");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function transaction(database, mode, work, store = "values") {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, mode, { durability: "strict" });
    const result = work(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(result?.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

async function run() {
  if (parameters.get("only") === "calls") return { refused: {}, ...(await calls(ENTRIES, { key, value, random })) };
  const figures = {};
  const open = () => Checkpoints.open({ name: "bench", maxRetained: 2 });
  let checkpoints = await open();
  const writer = new BatchWriter();
  const fill = await timed(() => {
    for (let number = 0; number < ENTRIES; number++) {
      writer.put(key(number), value());
      if (writer.size === 10_000) checkpoints.apply(writer);
    }
    checkpoints.apply(writer);
  });
  const first = await timed(() => checkpoints.checkpoint());
  await say(`${ENTRIES} entries applied in ${Math.round(fill)} ms, first checkpoint in ${Math.round(first)} ms`);

  const raw = await database("bench-raw");
  const puts = await database("bench-puts");
  const times = { ours: [], raw: [], puts: [], freezeUs: [], write: [] };
  const others = new Map();
  figures.refused = {};
  for (const [name, open] of Object.entries(peers)) {
    try {
      others.set(name, await open());
      times[name] = [];
    } catch (error) {
      figures.refused[name] = String(error);
    }
  }
  let bytes;
  const oursThen = [];
  for (let round = 0; round < ROUNDS; round++) {
    const changed = new Map();
    while (changed.size < CHANGED) changed.set(Math.floor(random() * ENTRIES), value());
    for (const [number, bytes] of changed) writer.put(key(number), bytes);
    checkpoints.apply(writer);
    let metadata;
    const maintained = new Promise((resolve) => {
      const off = checkpoints.on("maintenance", () => (off(), resolve()));
    });
    await rest();
    times.ours.push(await timed(async () => (metadata = await checkpoints.checkpoint())));
    times.freezeUs.push(metadata.statistics.freezeUs);
    times.write.push(metadata.statistics.writeUs / 1000);
    // Maintenance is not part of the commit, and must not slow the other measurements.
    await maintained;
    // This commit names the files that a compaction created. They were written before it, so they do not count.
    bytes = metadata.statistics.bytesWritten - metadata.statistics.rebasedBytes;
    const content = crypto.getRandomValues(new Uint8Array(65_536));
    const same = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += content.length) same.set(content.subarray(0, bytes - at), at);
    await rest();
    times.raw.push(await timed(() => transaction(raw, "readwrite", (store) => store.put(new Blob([same]), round))));
    if (round % SLOW_EVERY !== SLOW_EVERY - 1) continue;
    oursThen.push(times.ours[round]);
    const entries = [...changed].map(([number, bytes]) => [key(number), bytes]);
    await rest();
    times.puts.push(
      await timed(() => transaction(puts, "readwrite", (store) => entries.forEach(([key, bytes]) => void store.put(bytes, key)))),
    );
    for (const [name, write] of others) {
      await rest();
      try {
        times[name].push(await timed(() => write(entries)));
      } catch (error) {
        others.delete(name);
        delete times[name];
        figures.refused[name] = String(error);
      }
    }
  }
  for (const [name, values] of Object.entries(times)) figures[name] = median(values);
  // Each ratio compares two measurements of the same round.
  figures.vsRaw = median(times.ours.map((ms, round) => ms / times.raw[round]));
  if (times.dexie) figures.vsDexie = median(times.dexie.map((ms, round) => ms / oursThen[round]));
  figures.bytes = bytes;
  await say(`commit: ${JSON.stringify(figures)}`);

  await checkpoints.close();
  const recover = [];
  const read = [];
  for (let round = 0; round < 5; round++) {
    recover.push(await timed(async () => (checkpoints = await open())));
    figures.recoveredBytes = checkpoints.recovered.bytesRead;
    if (checkpoints.size !== ENTRIES) throw new Error(`${checkpoints.size} of ${ENTRIES} entries recovered`);
    if (round < 4) await checkpoints.close();
    const engine = await database("alluvium/bench");
    // Reads the same bytes: every segment completely.
    const contents = await transaction(engine, "readonly", (store) => store.getAll(IDBKeyRange.bound("segments/", "segments0")), "files");
    engine.close();
    read.push(
      await timed(async () => {
        let total = 0;
        // Small contents are bytes, and large ones blobs.
        for (const content of contents) total += content instanceof Blob ? (await content.arrayBuffer()).byteLength : content.byteLength;
        figures.readBytes = total;
      }),
    );
  }
  figures.recover = median(recover);
  figures.read = median(read);
  await say(`recovery: ${Math.round(figures.recover)} ms, reading: ${Math.round(figures.read)} ms`);

  await checkpoints.close();
  Object.assign(figures, await calls(ENTRIES, { key, value, random }));
  return figures;
}

run().then(
  (figures) => post("/figures", { figures }),
  (error) => post("/figures", { error: error.stack ?? String(error) }),
);
