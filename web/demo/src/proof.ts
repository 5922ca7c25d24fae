// The proof. It adds up everything again from the first record, in a plain Map without checkpoints, and
// compares the result with the recovered state.

import type { Checkpoints } from "alluvium";
import { PAST, type Past } from "./archive.js";
import { type Route, add, encode, merge } from "./route.js";
import { INPUT, type Source } from "./source.js";
import { breathe } from "./turns.js";

export interface Difference {
  key: string;
  /** The value according to the records, or null if they have no such key. */
  expected: string | null;
  /** The value in the state, or null if it has no such key. */
  found: string | null;
}

export interface Proof {
  records: number;
  keys: number;
  /** The first differences. */
  differences: Difference[];
  differenceCount: number;
  tookMs: number;
}

const SHOWN = 50;
const SLICE = 200_000;
const KEYS_SLICE = 5_000;

/** How the proof tells where it is. */
export interface Telling {
  /** It counts records, and then compares keys. */
  progress(done: number, of: number, what: "records" | "keys"): void;
  /** What the records change has been compared. What remains is the past, so the stream may continue. */
  released(): void;
}

/** Compares every key, every value and the watermark with an uninterrupted run over the same number of records. */
export async function prove(checkpoints: Checkpoints, source: Source, telling: Telling): Promise<Proof> {
  const begun = performance.now();
  const records = Number(checkpoints.sourceOffset(INPUT));
  const { size: keys, watermark: found } = checkpoints;
  const seen = new Differences();
  const known = Math.min(records, source.total);
  if (known < records) seen.add("(source offset)", `at most ${source.total}`, String(records));
  const { sums, watermark } = await count(source, known, telling);
  if (String(found ?? null) !== String(watermark)) seen.add("(watermark)", String(watermark), String(found ?? null));
  if (source.past === undefined) compareAll(checkpoints, sums, seen);
  else await comparePast(checkpoints, source.past, sums, seen, telling);
  return { records, keys, differences: seen.shown, differenceCount: seen.count, tookMs: performance.now() - begun };
}

class Differences {
  readonly shown: Difference[] = [];
  count = 0;
  add(key: string, expected: string | null, found: string | null): void {
    this.count++;
    if (this.shown.length < SHOWN) this.shown.push({ key, expected, found });
  }
}

/** Adds up the records from the first one. */
async function count(source: Source, records: number, { progress }: Telling): Promise<{ sums: Map<string, Route>; watermark: number | null }> {
  const sums = new Map<string, Route>();
  let watermark: number | null = null;
  for (let from = 0; from < records; from += SLICE) {
    source.each(from, Math.min(from + SLICE, records), (key, isCancelled, delay, timeMs) => {
      add(sums, key, isCancelled, delay);
      if (timeMs !== null && (watermark === null || timeMs > watermark)) watermark = timeMs;
    });
    progress(Math.min(from + SLICE, records), records, "records");
    await breathe();
  }
  return { sums, watermark };
}

/** Compares every entry of the state with the sums. */
function compareAll(checkpoints: Checkpoints, sums: Map<string, Route>, seen: Differences): void {
  for (const [key, found] of checkpoints.textEntries()) {
    const expected = sums.get(key);
    if (expected === undefined) seen.add(key, null, found);
    else if (encode(expected) !== found) seen.add(key, encode(expected), found);
    sums.delete(key);
  }
  for (const [key, expected] of sums) seen.add(key, encode(expected), null);
}

/** Compares the past, and the sums of what the records added to it. The number of keys says that there are no others. */
async function comparePast(checkpoints: Checkpoints, past: Past, sums: Map<string, Route>, seen: Differences, telling: Telling): Promise<void> {
  const written = Number(checkpoints.sourceOffset(PAST));
  if (checkpoints.size !== written) seen.add("(keys)", String(written), String(checkpoints.size));
  const decoder = new TextDecoder();
  for (let from = 0; from < written; ) {
    // The first slice is what the records change. The stream waits for it, and not for the others.
    const to = from === 0 ? Math.min(past.inUse, written) : Math.min(from + KEYS_SLICE, written);
    const keys = Array.from({ length: to - from }, (_, at) => past.key(from + at));
    checkpoints.getMany(keys).forEach((bytes, at) => {
      const key = keys[at]!;
      const added = sums.get(key);
      const expected = encode(added ? merge(past.value(from + at), added) : past.value(from + at));
      const found = bytes === undefined ? null : decoder.decode(bytes);
      if (found !== expected) seen.add(key, expected, found);
    });
    if (from === 0) telling.released();
    from = to;
    if (from % (20 * KEYS_SLICE) < KEYS_SLICE) telling.progress(from, written, "keys");
    await breathe();
  }
}
