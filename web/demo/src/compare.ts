// Compares two kept checkpoints. Each is opened for reading beside the stream, so the stream's own state does not change.

import { Checkpoints } from "alluvium";
import { breathe } from "./turns.js";
import type { Change, Settings } from "./protocol.js";

const SHOWN = 200;
/** How long the stream waits at most for a part of the comparison. */
const SLICE_MS = 12;

export interface Comparison {
  /** The first changes, sorted by key. */
  changes: Change[];
  added: number;
  removed: number;
  changed: number;
  same: number;
}

export async function compare({ name }: Checkpoints, storage: Settings["storage"], before: bigint, after: bigint): Promise<Comparison> {
  const opened: Checkpoints[] = [];
  try {
    for (const checkpoint of [before, after]) opened.push(await Checkpoints.open({ name, storage, readOnly: true, checkpoint }));
    return await walk(opened[0]!, opened[1]!);
  } finally {
    await Promise.all(opened.map((copy) => copy.close()));
  }
}

const isSame = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, at) => byte === b[at]);

/** Compares every key of both states, in slices. */
async function walk(old: Checkpoints, now: Checkpoints): Promise<Comparison> {
  const all: Change[] = [];
  const counts = { added: 0, removed: 0, changed: 0, same: 0 };
  const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? null : new TextDecoder().decode(bytes));
  const note = (kind: keyof typeof counts, key: Uint8Array, before: Uint8Array | undefined, after: Uint8Array | undefined) => {
    counts[kind]++;
    if (all.length < SHOWN) all.push({ key: text(key)!, before: text(before), after: text(after) });
  };
  let until = performance.now() + SLICE_MS;
  const pause = async () => {
    await breathe();
    until = performance.now() + SLICE_MS;
  };
  for (const [key, after] of now.entries()) {
    const before = old.get(key);
    if (before !== undefined && isSame(before, after)) counts.same++;
    else note(before === undefined ? "added" : "changed", key, before, after);
    if (performance.now() > until) await pause();
  }
  for (const [key, before] of old.entries()) {
    if (!now.has(key)) note("removed", key, before, undefined);
    if (performance.now() > until) await pause();
  }
  return { changes: all.sort((a, b) => (a.key < b.key ? -1 : 1)), ...counts };
}
