// Readers that crash: their storage stops in the middle of a checkpoint, and the next reader opens what is there.

import { same, seed, until } from "../harness.mjs";
import { random } from "../stream.mjs";

const { Checkpoints } = await import("../../dist/node.js");
const { consume } = await import("../../dist/sources/index.js");
const { memoryDirectory } = await import("../../dist/testing/index.js");

/** How many records each source gives. */
export const RECORDS = 3000;

/** Opens checkpoints on files in memory. After `crash()` nothing that they write gets there any more, and nothing returns. */
export async function opened(files) {
  const directory = memoryDirectory(files);
  let isCrashed = false;
  const never = new Promise(() => {});
  const create = (paths, contents) => (isCrashed ? never : directory.create(paths, contents));
  const checkpoints = await Checkpoints.open({ name: "sources", storage: { ...directory, create, delete: (paths) => (isCrashed ? never : directory.delete(paths)) }, intervalMs: 1 });
  return { checkpoints, crash: () => (isCrashed = true) };
}

/** Adds record `number`. A record that is there already was read twice. */
export function apply(checkpoints, { number }) {
  if (checkpoints.has(`record-${number}`)) throw new Error(`record ${number} was read twice`);
  if (number !== checkpoints.size) throw new Error(`record ${number} came after ${checkpoints.size - 1}`);
  checkpoints.put(`record-${number}`, String(number));
}

/** Reads a source to its last record, with crashes in between. Each reader has a source of its own. */
export async function withCrashes(makeSource, total = RECORDS) {
  const files = new Map();
  const next = random(seed + 11);
  let crashes = 0;
  let retries = 0;
  for (;;) {
    const { checkpoints, crash } = await opened(files);
    const crashAt = checkpoints.size + Math.ceil((next() * total) / 4);
    const stop = new AbortController();
    let isCrashed = false;
    // Without a checkpoint there would be no progress.
    let isKept = false;
    checkpoints.on("checkpoint", () => (isKept = true));
    const reading = consume(
      checkpoints,
      makeSource(),
      (record) => {
        apply(checkpoints, record);
        if (isKept && checkpoints.size >= crashAt && checkpoints.size < total) {
          isCrashed = true;
          crash();
        }
        if (checkpoints.size === total || isCrashed) stop.abort();
      },
      { signal: stop.signal, onRetry: () => retries++ },
    );
    if (!(await Promise.race([reading.then(() => true), until("the reader crashed", () => isCrashed).then(() => false)]))) {
      crashes++;
      continue;
    }
    await checkpoints.close();
    break;
  }
  const { checkpoints } = await opened(files);
  same("records", checkpoints.size, total);
  await checkpoints.close();
  return { crashes, retries };
}
