// The stream, in a worker that may be killed at any moment. It owns the checkpoints; the page only
// shows what it is told.

import { BatchWriter, Checkpoints, estimate } from "../dist/index.js";
import { add, loadFlights, prove } from "./delays.js";

const SOURCE = "input";
/** Records are handed on in ticks, so that messages get in between. */
const TICK_MS = 50;

let checkpoints;
let flights;
let rate = 2000;
let everyRecords = 1000;
let isPaused = false;
let position = 0;
const writer = new BatchWriter();

const commands = {
  rate: ({ value }) => void (rate = value),
  pause: ({ value }) => {
    isPaused = value;
    tell();
  },
  async restore({ id }) {
    await checkpoints.restore(BigInt(id));
    await recovered(`went back to checkpoint ${id}`);
  },
  async export({ id }) {
    postMessage({ type: "file", id, blob: await checkpoints.exportCheckpoint(BigInt(id)) });
  },
  async import({ file }) {
    const { id } = await checkpoints.importCheckpoint(file);
    await recovered(`took in ${file.name} as checkpoint ${id}`);
  },
  async verify() {
    const report = await checkpoints.verify();
    const what = report.isDamaged ? report.findings.map(({ path, what }) => `${path}: ${what}`).join("; ") : "no damage";
    postMessage({ type: "note", text: `Read ${report.files} files, ${report.bytes.toLocaleString()} bytes: ${what}.`, isBad: report.isDamaged });
  },
};

onmessage = async ({ data: { command, ...options } }) => {
  try {
    await commands[command](options);
  } catch (error) {
    postMessage({ type: "error", kind: error.kind, text: error.message });
  }
};

/** Holds what was recovered against the uninterrupted run, and says so. */
async function recovered(how) {
  position = Number(checkpoints.sourceOffset(SOURCE));
  const proof = prove(flights, checkpoints.textEntries(), position);
  postMessage({ type: "recovered", how, position, proof });
  await tellCheckpoints();
  tell();
}

async function tellCheckpoints() {
  const listed = await checkpoints.list();
  postMessage({
    type: "checkpoints",
    kept: listed.filter(({ metadata }) => metadata).map(({ metadata }) => ({
      id: String(metadata.id),
      parent: metadata.parentId === null ? null : String(metadata.parentId),
      records: Number(metadata.sourceOffsets.get(SOURCE) ?? 0n),
      keys: metadata.keyCount,
      bytes: metadata.bytesWritten,
      stateBytes: metadata.stateBytes,
    })),
    storage: await estimate(),
  });
}

/** The running figures: by carrier, for the picture. */
function tell() {
  const carriers = new Map();
  for (const [key, text] of checkpoints.textEntries()) {
    const route = JSON.parse(text);
    const sum = carriers.get(key.slice(0, 2)) ?? { flights: 0, cancelled: 0, delay: 0 };
    sum.flights += route.flights;
    sum.cancelled += route.cancelled;
    sum.delay += route.arr_delay_min;
    carriers.set(key.slice(0, 2), sum);
  }
  const { payloadBytes } = checkpoints.memory;
  postMessage({ type: "figures", position, total: flights.length, keys: checkpoints.size, stateBytes: payloadBytes, isPaused, carriers: [...carriers] });
}

/** Takes in flights up to `end`: one batch, and a checkpoint wherever one is due. */
function advance(end) {
  const changed = new Map();
  for (; position < end; position++) {
    const flight = flights[position];
    const text = changed.has(flight.key) ? undefined : checkpoints.getText(flight.key);
    const before = changed.get(flight.key) ?? (text === undefined ? undefined : JSON.parse(text));
    changed.set(flight.key, add(before, flight));
  }
  for (const [key, route] of changed) writer.put(key, JSON.stringify(route));
  checkpoints.apply(writer);
  checkpoints.setSourceOffset(SOURCE, position);
  checkpoints.setWatermark(flights[position - 1].timeMs);
}

let owed = 0;

async function tick() {
  try {
    if (!isPaused && position < flights.length) {
      owed += (rate * TICK_MS) / 1000;
      while (owed >= 1 && position < flights.length) {
        // Batches end where a checkpoint is due, so that every one is of a round number of records.
        const due = (Math.floor(position / everyRecords) + 1) * everyRecords;
        const end = Math.min(flights.length, due, position + Math.floor(owed));
        owed -= end - position;
        advance(end);
        if (position === due || position === flights.length) await checkpointed();
      }
      tell();
    }
  } catch (error) {
    // Another tab took over, or storage failed: nothing goes on as if nothing were.
    postMessage({ type: "error", kind: error.kind, text: error.message, isFatal: true });
    return;
  }
  setTimeout(tick, TICK_MS);
}

async function checkpointed() {
  const started = performance.now();
  // At the full rate the stream runs ahead of the disk; a few on their way are enough.
  const { id, statistics, keyCount } = await checkpoints.checkpoint();
  postMessage({
    type: "checkpoint",
    id: String(id),
    records: position,
    keys: keyCount,
    changed: statistics.keysChanged,
    bytes: statistics.bytesWritten,
    freezeUs: statistics.freezeUs,
    durableMs: performance.now() - started,
  });
  await tellCheckpoints();
}

try {
  flights = await loadFlights(new URL("../../tests/data/flights-2013-01.csv.gz", import.meta.url)).catch(() =>
    loadFlights(new URL("./flights-2013-01.csv.gz", import.meta.url)),
  );
  checkpoints = await Checkpoints.open({ name: "demo", maxRetained: 12, whenTaken: "wait" });
  checkpoints.on("fenced", ({ reason }) => postMessage({ type: "error", kind: "fenced", text: reason, isFatal: true }));
  const found = checkpoints.recovered;
  await recovered(found ? `recovered checkpoint ${found.checkpointId} from ${found.bytesRead.toLocaleString()} bytes` : "began anew");
  tick();
} catch (error) {
  postMessage({ type: "error", kind: error.kind, text: error.message, isFatal: true });
}
