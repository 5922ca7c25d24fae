// Changes as an asynchronous iterator.

import type { AlluviumError } from "../error.js";
import type { Changes } from "./watched.js";

/** A reader that is behind by more changed keys or notices than this gets one reset instead. */
const MOST_WAITING = 10_000;

interface Waiting<C> {
  resolve(result: IteratorResult<C, undefined>): void;
  reject(error: unknown): void;
}

/** Keeps changes until they are asked for. A slow reader costs a bounded amount of memory. */
export class ChangeQueue<C extends Changes<unknown>> implements AsyncIterableIterator<C, undefined, undefined> {
  readonly #stop: () => void;
  #kept: C[] = [];
  #keptChanges = 0;
  readonly #waiting: Waiting<C>[] = [];
  #end: { error: AlluviumError | undefined } | undefined;

  /** Makes a queue. `stop` ends what fills it. */
  constructor(stop: () => void) {
    this.#stop = stop;
  }

  /** Adds changes. */
  push(changes: C): void {
    if (this.#end !== undefined) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting.resolve({ value: changes, done: false });
    this.#kept.push(changes);
    this.#keptChanges += 1 + changes.changes.length;
    if (this.#keptChanges <= MOST_WAITING) return;
    this.#kept = [{ ...changes, since: this.#kept[0]!.since, isReset: true, changes: [] }];
    this.#keptChanges = 1;
  }

  /** Ends the iteration behind what is kept, with an error if there is one. */
  end(error: AlluviumError | undefined): void {
    this.#end ??= { error };
    for (const waiting of this.#waiting.splice(0)) this.#finish(waiting);
  }

  /** Returns the next changes. */
  next(): Promise<IteratorResult<C, undefined>> {
    return new Promise((resolve, reject) => {
      const value = this.#kept.shift();
      if (value !== undefined) {
        this.#keptChanges -= 1 + value.changes.length;
        return resolve({ value, done: false });
      }
      this.#waiting.push({ resolve, reject });
      if (this.#end !== undefined) this.end(undefined);
    });
  }

  /** Ends the iteration, at the end of a loop. */
  async return(): Promise<IteratorResult<C, undefined>> {
    this.#stop();
    this.#kept = [];
    this.end(undefined);
    return { value: undefined, done: true };
  }

  /** Returns itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Answers one call of `next` at the end. Only the first gets the error. */
  #finish({ resolve, reject }: Waiting<C>): void {
    const error = this.#end?.error;
    this.#end = { error: undefined };
    if (error === undefined) resolve({ value: undefined, done: true });
    else reject(error);
  }
}

/**
 * Returns changes as an iterator. `watch` begins to watch and returns the function that ends this. It is given what takes
 * changes, and what ends the iteration. An aborted signal ends it too.
 */
export function queued<C extends Changes<unknown>>(
  watch: (push: (changes: C) => void, end: (error?: AlluviumError) => void) => () => void,
  signal: AbortSignal | undefined,
): ChangeQueue<C> {
  let stopWatching = (): void => {};
  const stop = (): void => {
    stopWatching();
    signal?.removeEventListener("abort", aborted);
  };
  const queue = new ChangeQueue<C>(stop);
  const end = (error?: AlluviumError): void => {
    stop();
    queue.end(error);
  };
  const aborted = (): void => end();
  if (signal?.aborted) end();
  else {
    stopWatching = watch((changes) => queue.push(changes), end);
    signal?.addEventListener("abort", aborted);
  }
  return queue;
}
