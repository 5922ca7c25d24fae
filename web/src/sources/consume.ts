// Applies the records of a source to checkpoints, so that state and position are always of one moment.

import type { Checkpoints } from "../checkpoints.js";
import { AlluviumError } from "../error.js";
import { intervalMs } from "../interval.js";
import { textOf } from "../text.js";
import { ConnectionLost, type Position, type Source } from "./source.js";

/** The options of `consume`. */
export interface ConsumeOptions {
  /** Ends the reading. What was applied until then is made durable. */
  signal?: AbortSignal | undefined;
  /** Is told that the source was interrupted, and after how many milliseconds it is read again. */
  onRetry?: ((error: Error, delayMs: number) => void) | undefined;
}

/** After so many records of one batch, a checkpoint is taken if one is due. */
const RECORDS_BETWEEN = 256;

/** How often it is asked in an interval whether a checkpoint is due. The clock of the checkpoints need not be that of timers. */
const PARTS_OF_INTERVAL = 8;
const LONGEST_WAIT_MS = 0x7fff_ffff;

const RETRY_MS_LEAST = 100;
const RETRY_MS_MOST = 10_000;

/** Returns the position in a source that the state of the checkpoints belongs to. */
export function positionOf(checkpoints: Checkpoints<any, any>, source: string): Position | undefined {
  const position = checkpoints.position(source);
  return position instanceof Uint8Array ? textOf(position) : position;
}

/**
 * Reads a source from the position that the state belongs to, and calls `apply` for each record. The position moves
 * together with the state, so each checkpoint holds exactly the records before its position. A checkpoint is taken when
 * `shouldCheckpoint` says so, also while the source is silent, and one at the end. Resolves when the source has ended or `signal` was aborted, and all
 * of it is durable.
 *
 * `apply` must be synchronous: a checkpoint could otherwise hold a part of a record. If it throws, the state may hold
 * a part of its record. Close the checkpoints then without a further checkpoint, and open them again.
 */
export async function consume<T>(checkpoints: Checkpoints<any, any>, source: Source<T>, apply: (value: T) => void, options: ConsumeOptions = {}): Promise<void> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  options.signal?.addEventListener("abort", abort);
  if (options.signal?.aborted) abort();
  let writing: Promise<unknown> = Promise.resolve();
  const take = () => {
    writing = checkpoints.checkpoint();
    // It is awaited before the next one, and at the end, which comes at once: a silent source would hide the error.
    writing.catch(abort);
  };
  const whenDue = async () => {
    if (!checkpoints.shouldCheckpoint()) return;
    await writing;
    take();
  };
  // Records that no checkpoint holds become durable when one is due, even if no other record comes.
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const rest = () => clearTimeout(waiting);
  const wait = () => {
    rest();
    waiting = setTimeout(() => {
      try {
        if (checkpoints.shouldCheckpoint()) take();
        else wait();
      } catch (thrown) {
        writing = Promise.reject(thrown as Error);
        writing.catch(abort);
      }
    }, Math.min(Math.max(checkpoints[intervalMs] / PARTS_OF_INTERVAL, 1), LONGEST_WAIT_MS));
    // Only the source keeps Node alive.
    (waiting as { unref?: () => void }).unref?.();
  };
  const read = async (onBatch: () => void) => {
    for await (const batch of source.read(positionOf(checkpoints, source.name), stop.signal)) {
      // While a batch is applied, and if that fails, the state may hold a part of a record.
      rest();
      for (const [index, { value, position }] of batch.entries()) {
        refuseThenable(source.name, apply(value));
        checkpoints.setPosition(source.name, position);
        if (stop.signal.aborted) return;
        // What was missed arrives in one large batch. It must not be all or nothing.
        if (index % RECORDS_BETWEEN === RECORDS_BETWEEN - 1) await whenDue();
      }
      onBatch();
      await whenDue();
      if (checkpoints.isChanged && !stop.signal.aborted) wait();
    }
  };
  try {
    for (let delayMs = RETRY_MS_LEAST; !stop.signal.aborted; ) {
      try {
        await read(() => (delayMs = RETRY_MS_LEAST));
        break;
      } catch (thrown) {
        if (stop.signal.aborted && thrown instanceof ConnectionLost) break;
        if (!(thrown instanceof ConnectionLost)) throw thrown;
        // Readers that were interrupted together must not come back together.
        const waitMs = Math.round(delayMs * (0.5 + Math.random() / 2));
        options.onRetry?.(thrown, waitMs);
        await passed(waitMs, stop.signal);
        delayMs = Math.min(2 * delayMs, RETRY_MS_MOST);
      }
    }
    rest();
    await writing;
    await checkpoints.checkpoint();
  } finally {
    rest();
    options.signal?.removeEventListener("abort", abort);
    stop.abort();
  }
}

function refuseThenable(source: string, returned: unknown): void {
  if (typeof (returned as PromiseLike<unknown> | undefined)?.then !== "function") return;
  (returned as Promise<unknown>).then(undefined, () => {});
  throw new AlluviumError("invalid-input", `${source}: apply returned a promise; it must change the state before it returns, so that a checkpoint holds whole records`);
}

/** Waits for some time, or until the signal is aborted. */
function passed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
