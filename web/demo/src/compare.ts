// Compares two kept checkpoints. Each is exported and opened in memory, so the stream's own state does not
// change.

import { Checkpoints } from "alluvium";
import type { Change } from "./protocol.js";

const SHOWN = 200;

export interface Comparison {
  /** The first changes, sorted by key. */
  changes: Change[];
  added: number;
  removed: number;
  changed: number;
  same: number;
}

export async function compare(of: Checkpoints, before: bigint, after: bigint): Promise<Comparison> {
  const copies: Checkpoints[] = [];
  try {
    for (const id of [before, after]) {
      const archive = await of.exportCheckpoint(id);
      const copy = await Checkpoints.open({ name: "copy", storage: "memory" });
      copies.push(copy);
      await copy.importCheckpoint(archive);
    }
    return walk(copies[0]!, copies[1]!);
  } finally {
    await Promise.all(copies.map((copy) => copy.close()));
  }
}

/** Compares every key of both states. */
function walk(old: Checkpoints, now: Checkpoints): Comparison {
  const all: Change[] = [];
  const counts = { added: 0, removed: 0, changed: 0, same: 0 };
  const note = (kind: keyof typeof counts, change: Change) => {
    counts[kind]++;
    if (all.length < SHOWN) all.push(change);
  };
  for (const [key, after] of now.textEntries()) {
    const before = old.getText(key) ?? null;
    if (before === after) counts.same++;
    else note(before === null ? "added" : "changed", { key, before, after });
  }
  for (const [key, before] of old.textEntries()) {
    if (!now.has(key)) note("removed", { key, before, after: null });
  }
  return { changes: all.sort((a, b) => (a.key < b.key ? -1 : 1)), ...counts };
}
