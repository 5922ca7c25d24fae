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
      attempt(() => (listener as (detail: CheckpointEvents[K]) => void)(detail));
    }
  }
}

/** Makes an uncaught error of what a callback threw. It does not end what called the callback. */
export function uncaught(thrown: unknown): void {
  queueMicrotask(() => {
    throw thrown;
  });
}

/** Runs a callback. What it throws must not fail a checkpoint, or keep others from being told. */
export function attempt(call: () => void): void {
  try {
    call();
  } catch (thrown) {
    uncaught(thrown);
  }
}
