// Applies the records of a source to checkpoints, so that state and position are always of one moment.

import type { Checkpoints } from "../checkpoints.js";
import { AlluviumError } from "../error.js";
import { afterReplacing, beforeReplaced } from "../for-sources.js";
import { textOf } from "../text.js";
import { ConnectionLost, type Position, type Source } from "./source.js";
import { Taking } from "./taking.js";

/** The options of `consume`. */
export interface ConsumeOptions {
  /** Ends the reading. What was applied until then is made durable. */
  signal?: AbortSignal | undefined;
  /** Is told that the source was interrupted, and after how many milliseconds it is read again. */
  onRetry?: ((error: Error, delayMs: number) => void) | undefined;
}

/** After so many records of one batch, a checkpoint is taken if one is due. */
const RECORDS_BETWEEN = 256;

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
 * `shouldCheckpoint` says so, also while the source is silent, and one at the end. Resolves when the source has ended or
 * `signal` was aborted, and all of it is durable.
 *
 * If another checkpoint becomes the state, by `restore` for example, the source is read again from the position of that
 * one.
 *
 * `apply` must be synchronous: a checkpoint could otherwise hold a part of a record. If it throws, the state may hold
 * a part of its record. Close the checkpoints then without a further checkpoint, and open them again.
 */
export async function consume<T>(checkpoints: Checkpoints<any, any>, source: Source<T>, apply: (value: T) => void, options: ConsumeOptions = {}): Promise<void> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  options.signal?.addEventListener("abort", abort);
  if (options.signal?.aborted) abort();
  const taking = new Taking(checkpoints, abort);
  /** Waits while another checkpoint becomes the state. After that, the engine can be called until the next await. */
  const ready = () => afterReplacing(checkpoints, () => {});
  /** Applies what the source has from the position of the state, until it ends or `reading` is aborted. */
  const read = async (reading: AbortSignal, onBatch: () => void) => {
    let reached = positionOf(checkpoints, source.name);
    for await (const batch of source.read(reached, reading)) {
      // It may have been on its way when another checkpoint became the state.
      if (reading.aborted) return;
      // While a batch is applied, and if that fails, the state may hold a part of a record.
      taking.rest();
      for (const [index, { value, position }] of batch.entries()) {
        refuseReturn(source.name, reached, position);
        refuseThenable(source.name, apply(value));
        checkpoints.setPosition(source.name, position);
        reached = position;
        if (reading.aborted) return;
        // What was missed arrives in one large batch. It must not be all or nothing.
        if (index % RECORDS_BETWEEN !== RECORDS_BETWEEN - 1) continue;
        await taking.whenDue(reading);
        if (reading.aborted) return;
      }
      onBatch();
      await taking.whenDue(reading);
      if (!reading.aborted && checkpoints.isChanged) taking.wait();
    }
  };
  /** Reads the source to its end, through lost connections. */
  const readOn = async (reading: AbortSignal) => {
    for (let delayMs = RETRY_MS_LEAST; !reading.aborted; ) {
      try {
        return await read(reading, () => (delayMs = RETRY_MS_LEAST));
      } catch (thrown) {
        if (!(thrown instanceof ConnectionLost)) throw thrown;
        if (reading.aborted) return;
        // Readers that were interrupted together must not come back together.
        const waitMs = Math.round(delayMs * (0.5 + Math.random() / 2));
        options.onRetry?.(thrown, waitMs);
        await passed(waitMs, reading);
        delayMs = Math.min(2 * delayMs, RETRY_MS_MOST);
      }
    }
  };
  let reading = new AbortController();
  const interrupt = () => {
    taking.rest();
    reading.abort();
  };
  const forget = checkpoints[beforeReplaced](interrupt);
  stop.signal.addEventListener("abort", interrupt);
  try {
    do {
      await ready();
      reading = new AbortController();
      if (!stop.signal.aborted) await readOn(reading.signal);
      taking.rest();
      await taking.written();
      await ready();
    } while (reading.signal.aborted && !stop.signal.aborted);
    await checkpoints.checkpoint({ whenBusy: "queue" });
  } finally {
    taking.rest();
    forget();
    options.signal?.removeEventListener("abort", abort);
    stop.abort();
  }
}

/** Refuses a record whose number was reached before: it was applied, or the source was made again and counts from its beginning. */
function refuseReturn(source: string, reached: Position | undefined, position: Position): void {
  if (typeof position !== "bigint" || typeof reached !== "bigint" || position > reached) return;
  throw new AlluviumError("invalid-input", `${source}: a record with the position ${position} came after the position ${reached}; a position that is a number must grow with each record`);
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
