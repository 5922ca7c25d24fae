// What a source is: records, each with the position after it.

/** A position in a source: an integer that only grows, or a text that only the source understands. */
export type Position = bigint | string;

/** A record, and the position after it: a reader that continues there gets the next record. */
export interface Received<T> {
  /** The record. */
  value: T;
  /** The position after it. */
  position: Position;
}

/** Something that can be read from a position. `T` is what `apply` gets for each record. */
export interface Source<T> {
  /** The name under which a checkpoint keeps the position. */
  readonly name: string;
  /**
   * Reads the records after a position, or all of them if there is none. It ends if there are no more records, and
   * when `signal` is aborted. A `ConnectionLost` is not the end: it is read again from the last position.
   */
  read(from: Position | undefined, signal: AbortSignal): AsyncIterable<readonly Received<T>[]>;
}

/** A source throws this if it was interrupted and can be read again. */
export class ConnectionLost extends Error {
  /** The name of this kind of error. */
  override readonly name = "ConnectionLost";
}

/** How many records or messages a source holds in memory before it closes its connection, to open it again later. */
export const HELD_MAX = 10_000;

/** Returns a number and a text that were joined with a space, such as `2 7_8`. */
export function split(source: string, from: Position | undefined): { count: number; text: string } | undefined {
  if (from === undefined) return undefined;
  const [, count, text] = (typeof from === "string" && /^(0|[1-9]\d{0,14}) (.*)$/s.exec(from)) || [];
  if (count === undefined || text === undefined) throw new Error(`${source}: the position ${JSON.stringify(String(from))} is not one of this kind of source`);
  return { count: Number(count), text };
}

/** Yields what a stream holds, and cancels it if the caller wants no more. Not every browser iterates streams. */
export async function* drained<T>(stream: ReadableStream<T>): AsyncGenerator<T, void, undefined> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
