// The listeners of `Checkpoints.on`.

import type { CheckpointEvents } from "./types.js";

/** Listeners by event. */
export class Listeners {
  readonly #listeners = new Map<keyof CheckpointEvents, Set<(detail: never) => void>>();

  /** Adds a listener. The returned function removes it. */
  on<K extends keyof CheckpointEvents>(event: K, listener: (detail: CheckpointEvents[K]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Calls every listener of an event. */
  emit<K extends keyof CheckpointEvents>(event: K, detail: CheckpointEvents[K]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        (listener as (detail: CheckpointEvents[K]) => void)(detail);
      } catch (thrown) {
        // An error in a listener must not fail the checkpoint.
        uncaught(thrown);
      }
    }
  }
}

/** Makes an uncaught error of what a callback threw. It does not end what called the callback. */
export function uncaught(thrown: unknown): void {
  queueMicrotask(() => {
    throw thrown;
  });
}
