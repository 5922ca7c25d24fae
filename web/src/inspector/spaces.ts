// The parts of a state: the default namespace, declared namespaces, and timers.

import type { Checkpoints } from "../checkpoints.js";

/** A part of the state that can be walked through. */
export interface Part {
  name: string;
  size: number;
  entries(prefix: Uint8Array | string): Iterable<[key: Uint8Array, value: Uint8Array]>;
}

/** The latest time that there is. Timers up to then are all timers. */
const FOREVER = 2n ** 63n - 1n;
const MOST_TIMERS = 100_000;

/** Returns every part of a state. The default namespace comes first. */
export function partsOf(checkpoints: Checkpoints): Part[] {
  return [{ name: "", size: checkpoints.size, entries: (prefix) => checkpoints.entries(prefix) }, ...checkpoints.namespaces.map((name) => partOf(checkpoints, name))];
}

function partOf(checkpoints: Checkpoints, name: string): Part {
  try {
    const space = checkpoints.namespace(name);
    return { name, size: space.size, entries: (prefix) => space.entries(prefix) };
  } catch (thrown) {
    // A namespace of timers is no namespace of entries. The error may come from another copy of the package.
    if ((thrown as { kind?: string }).kind !== "invalid-input") throw thrown;
    const timers = checkpoints.timers(name);
    const text = (at: bigint) => new TextEncoder().encode(`at ${at} ms`);
    return {
      name,
      size: timers.size,
      *entries() {
        for (const { at, key } of timers.due({ upTo: FOREVER, limit: MOST_TIMERS })) yield [key, text(at)];
      },
    };
  }
}

export const titleOf = (name: string) => (name === "" ? "(default)" : name);
