// Iterables: generators, streams, arrays, and whatever else yields records from a position.

import type { Received, Position, Source } from "./source.js";

/**
 * Makes a source of an iterable. `from` gets the number of records that were applied, and returns an iterable of those
 * after them:
 *
 * ```ts
 * const lines = iterable("lines", (count) => linesOf(file, count));
 * ```
 */
export function iterable<T>(name: string, from: (count: bigint) => AsyncIterable<T> | Iterable<T>): Source<T> {
  return positioned(name, async function* (position) {
    let count = position === undefined ? 0n : position;
    if (typeof count !== "bigint") throw new Error(`${name}: the position ${JSON.stringify(count)} is not a number of records`);
    for await (const value of from(count)) yield { value, position: ++count };
  });
}

/** Makes a source of an iterable that yields each record with the position after it. */
export function positioned<T>(name: string, from: (position: Position | undefined) => AsyncIterable<Received<T>> | Iterable<Received<T>>): Source<T> {
  return {
    name,
    async *read(position, signal) {
      const records = from(position);
      const iterator = Symbol.asyncIterator in records ? records[Symbol.asyncIterator]() : records[Symbol.iterator]();
      let wake = () => {};
      signal.addEventListener("abort", () => wake(), { once: true });
      // A record that never comes must not keep the reader from ending.
      const next = () =>
        new Promise<IteratorResult<Received<T>> | undefined>((resolve, reject) => {
          wake = () => resolve(undefined);
          Promise.resolve(iterator.next()).then(resolve, reject);
        });
      let isDone = false;
      try {
        while (!signal.aborted) {
          const result = await next();
          if (result === undefined) return;
          if (result.done) {
            isDone = true;
            return;
          }
          yield [result.value];
        }
      } finally {
        // A generator that waits for its next record would not answer, so nothing waits for it. What it throws concerns no
        // record.
        if (!isDone) void (async () => iterator.return?.())().catch(() => {});
      }
    },
  };
}
