// The difference of two kept checkpoints, each opened in memory from its exported archive: the stream's
// own state is not touched.

import { Checkpoints } from "alluvium";
import type { Change } from "./protocol.js";

const SHOWN = 200;

export interface Comparison {
  /** The first few, in key order. */
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

/** Looks every key of the one up in the other, and what the other has besides. */
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
