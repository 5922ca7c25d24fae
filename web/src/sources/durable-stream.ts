// Durable Streams: a stream of JSON that has offsets, over HTTP.
//
// The client gives records in batches, and an offset after each batch. Where a batch ends may be different when it is
// read again. So a position is an offset with the number of records after it: `2 7_8` is two records after the offset
// `7_8`. It stays the same however the stream is cut.

import { ConnectionLost, type Received, type Source, drained, split } from "./source.js";

/** The part of the client's answer that the source uses: what `stream` of `@durable-streams/client` resolves to. */
export interface StreamResponseLike {
  /** The offset at which the reading began. */
  readonly startOffset: string;
  /** Gives each batch of records, with the offset after it, to a subscriber. Returns what ends that. */
  subscribeJson<T>(subscriber: (batch: { items: readonly T[]; offset: string }) => void | Promise<void>): () => void;
  /** Resolves when there is nothing more to read, and is rejected if the reading failed. */
  readonly closed: Promise<void>;
  /** Ends the reading. */
  cancel(reason?: unknown): void;
}

/** What the protocol calls the beginning of every stream. */
const BEGINNING = "-1";

/** Errors with these HTTP statuses are worth another try. So are errors without one: the network failed. */
const isPassing = (status: unknown) => typeof status !== "number" || status >= 500 || status === 408 || status === 429;

/**
 * Makes a source of a Durable Stream. `connect` gets the offset to continue at, and opens the stream there:
 *
 * ```ts
 * import { stream } from "@durable-streams/client";
 *
 * const orders = durableStream<Order>("orders", (offset, signal) => stream({ url, offset, live: true, signal }));
 * ```
 *
 * With `live: true` it never ends. With `live: false` it ends where the stream does.
 */
export function durableStream<T>(name: string, connect: (offset: string, signal: AbortSignal) => Promise<StreamResponseLike>): Source<T> {
  return {
    name,
    async *read(from, signal) {
      const at = split(name, from) ?? { count: 0, text: BEGINNING };
      let { text: offset, count: skipped } = at;
      // The number of records after `offset` that were seen.
      let since = 0;
      // The offset that the client gave last.
      let given = offset;
      try {
        const response = await connect(offset, signal);
        for await (const { items, offset: after } of batches<T>(response)) {
          // If the connection breaks between records and their offset, the client gives the records with the offset that
          // it had, and then once more. No position could tell them apart.
          if (items.length > 0 && after === given) throw new ConnectionLost(`${name}: the connection broke before the offset of ${items.length} records came`);
          given = after;
          const received: Received<T>[] = [];
          for (const [index, value] of items.entries()) {
            since++;
            const position = index === items.length - 1 ? `0 ${after}` : `${since} ${offset}`;
            if (skipped > 0) skipped--;
            else received.push({ value, position });
          }
          // An empty batch may have another offset, but nothing to keep it with. The last one is as good.
          if (items.length > 0) [offset, since] = [after, 0];
          if (received.length > 0) yield received;
        }
      } catch (thrown) {
        if (signal.aborted) return;
        if (thrown instanceof ConnectionLost) throw thrown;
        const { status } = (thrown ?? {}) as { status?: unknown };
        if (isPassing(status)) throw new ConnectionLost(`${name}: ${String(thrown)}`, { cause: thrown });
        throw thrown;
      }
    },
  };
}

/** Yields the batches of an answer. The client waits until each is taken. */
async function* batches<T>(response: StreamResponseLike): AsyncGenerator<{ items: readonly T[]; offset: string }, void, undefined> {
  const { readable, writable } = new TransformStream<{ items: readonly T[]; offset: string }>();
  const writer = writable.getWriter();
  // It rejects if the reader wants no more, which is no error.
  writer.closed.catch(() => {});
  const unsubscribe = response.subscribeJson<T>((batch) => writer.write(batch).catch(() => {}));
  response.closed.then(
    () => writer.close().catch(() => {}),
    (error: unknown) => writer.abort(error).catch(() => {}),
  );
  try {
    yield* drained(readable);
  } finally {
    unsubscribe();
    response.cancel();
  }
}
