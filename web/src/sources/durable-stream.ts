// Durable Streams: a stream of JSON that has offsets, over HTTP.
//
// The client gives records in batches, and an offset after each batch. Where a batch ends may be different when it is
// read again. So a position is an offset with the number of records after it: `2 7_8` is two records after the offset
// `7_8`. It stays the same however the stream is cut.

import { AlluviumError } from "../error.js";
import { ConnectionLost, type Received, type Source, drained, split } from "./source.js";

/** The part of the client's answer that the source uses: what `stream` of `@durable-streams/client` resolves to. */
export interface StreamResponseLike {
  /** The offset at which the reading began. */
  readonly startOffset: string;
  /** Gives each batch of records to a subscriber, with the offset after it, and whether there was no more. Returns what ends that. */
  subscribeJson<T>(subscriber: (batch: { items: readonly T[]; offset: string; upToDate: boolean }) => void | Promise<void>): () => void;
  /** Resolves when there is nothing more to read, and is rejected if the reading failed. */
  readonly closed: Promise<void>;
  /** Ends the reading. */
  cancel(reason?: unknown): void;
}

/** Some records, the offset after them, and whether the stream had no more when they were sent. */
interface Batch<T> {
  items: readonly T[];
  offset: string;
  upToDate: boolean;
}

/** What the protocol calls the beginning of every stream. */
const BEGINNING = "-1";

/**
 * How many times in a row a stream must end before what was read of it, to be an error. With the delays of `consume`, that
 * is after 6 to 13 seconds.
 */
const TOO_SHORT_TIMES = 8;

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
 * With `live: true` it never ends. With `live: false` it ends where the stream does. A stream that has lost records that
 * were read, because it was deleted and made again for example, is an error.
 */
export function durableStream<T>(name: string, connect: (offset: string, signal: AbortSignal) => Promise<StreamResponseLike>): Source<T> {
  let tooShortTimes = 0;
  /** Returns what to throw if the stream ends before what was read of it. A server may say so for a moment. */
  const tooShort = (end: string, read: string) => {
    const message = `${name}: the stream ends at ${end}, before ${read}, which was read`;
    if (++tooShortTimes < TOO_SHORT_TIMES) return new ConnectionLost(message);
    return new AlluviumError("not-found", `${message}: it was deleted and made again, or its server has lost records`);
  };
  return {
    name,
    async *read(from, signal) {
      const at = split(name, from) ?? { count: 0, text: BEGINNING };
      let { text: offset, count: skipped } = at;
      // The number of records after `offset` that were seen.
      let since = 0;
      // The offset that the client gave last.
      let given = offset;
      let isFirst = true;
      try {
        const response = await connect(offset, signal);
        for await (const { items, offset: after, upToDate } of batches<T>(response)) {
          // A server may show records a moment before it knows their end. The client then continues at the end that the
          // server tells it, and gives these records once more.
          if (isBefore(after, given)) throw tooShort(after, given);
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
          // What answers first may be a cache, which has less than the stream.
          if (skipped > 0 && items.length === 0 && upToDate && !isFirst) throw tooShort(after, `the record ${skipped} after it`);
          isFirst = false;
          // An empty batch may have another offset, but nothing to keep it with. The last one is as good.
          if (items.length > 0) [offset, since] = [after, 0];
          if (received.length === 0) continue;
          tooShortTimes = 0;
          yield received;
        }
        if (skipped > 0 && !signal.aborted) throw tooShort(given, `the record ${skipped} after it`);
      } catch (thrown) {
        if (signal.aborted) return;
        if (thrown instanceof ConnectionLost || thrown instanceof AlluviumError) throw thrown;
        const { status } = (thrown ?? {}) as { status?: unknown };
        if (isPassing(status)) throw new ConnectionLost(`${name}: ${String(thrown)}`, { cause: thrown });
        throw thrown;
      }
    },
  };
}

/** Whether an offset is before another. The protocol orders the offsets of a stream as texts. */
const isBefore = (offset: string, other: string) => other !== BEGINNING && offset < other;

/** Yields the batches of an answer. The client waits until each is taken. */
async function* batches<T>(response: StreamResponseLike): AsyncGenerator<Batch<T>, void, undefined> {
  const { readable, writable } = new TransformStream<Batch<T>>();
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
