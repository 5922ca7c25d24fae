// The proof. It adds up everything again from the first record, in a plain Map without checkpoints, and
// compares the result with the recovered state.

import type { Checkpoints } from "alluvium";
import { type Route, add, encode } from "./route.js";
import { INPUT, type Source } from "./source.js";

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

/** Compares every key, every value and the watermark with an uninterrupted run over the same number of records. */
export async function prove(checkpoints: Checkpoints, source: Source, progress: (done: number, of: number) => void): Promise<Proof> {
  const begun = performance.now();
  const records = Number(checkpoints.sourceOffset(INPUT));
  const differences: Difference[] = [];
  let differenceCount = 0;
  const differ = (key: string, expected: string | null, found: string | null) => {
    differenceCount++;
    if (differences.length < SHOWN) differences.push({ key, expected, found });
  };

  const sums = new Map<string, Route>();
  let watermark: number | null = null;
  const known = Math.min(records, source.total);
  if (known < records) differ("(source offset)", `at most ${source.total}`, String(records));
  for (let from = 0; from < known; from += SLICE) {
    source.each(from, Math.min(from + SLICE, known), (key, isCancelled, delay, timeMs) => {
      add(sums, key, isCancelled, delay);
      if (timeMs !== null && (watermark === null || timeMs > watermark)) watermark = timeMs;
    });
    progress(Math.min(from + SLICE, known), known);
    // Messages can be handled here, so that the page still responds during a long proof.
    await new Promise((resolve) => setTimeout(resolve));
  }

  let keys = 0;
  for (const [key, found] of checkpoints.textEntries()) {
    keys++;
    const expected = sums.get(key);
    if (expected === undefined) differ(key, null, found);
    else if (encode(expected) !== found) differ(key, encode(expected), found);
    sums.delete(key);
  }
  for (const [key, expected] of sums) differ(key, encode(expected), null);
  const found = checkpoints.watermark;
  if (String(found ?? null) !== String(watermark)) differ("(watermark)", String(watermark), String(found ?? null));
  return { records, keys, differences, differenceCount, tookMs: performance.now() - begun };
}
