// The contract of stores, which frameworks know.

import { attempt } from "../events.js";

/**
 * Something with a value that changes: what React's `useSyncExternalStore` and the stores of Svelte, Solid and others
 * expect. Its methods may be passed on without it.
 */
export interface Store<T> {
  /** Calls `run` now and whenever the value has changed. The returned function ends this. */
  readonly subscribe: (run: (value: T) => void) => () => void;
  /** Returns the value. It is the same one until it changes. */
  readonly getSnapshot: () => T;
}

/** Those who are told of a value. */
export class Listeners<T> {
  readonly #runs = new Set<{ run: (value: T) => void }>();

  /** The number of them. */
  get size(): number {
    return this.#runs.size;
  }

  /** Adds one. The same function may be added twice. */
  add(run: (value: T) => void): () => void {
    const listener = { run };
    this.#runs.add(listener);
    return () => void this.#runs.delete(listener);
  }

  /** Adds one, and tells it the value that there is. If it throws, it is not added, because its caller gets no function that would end it. */
  begin(run: (value: T) => void, value: T, stopped: () => void = () => {}): () => void {
    const remove = this.add(run);
    const stop = (): void => {
      remove();
      stopped();
    };
    try {
      run(value);
    } catch (thrown) {
      stop();
      throw thrown;
    }
    return stop;
  }

  /** Tells each of them. What one throws does not keep others from being told. */
  tell(value: () => T): void {
    for (const { run } of [...this.#runs]) attempt(() => run(value()));
  }
}

/** A store whose value is set. */
export class Value<T> implements Store<T> {
  #value: T;
  readonly #listeners = new Listeners<T>();

  constructor(value: T) {
    this.#value = value;
  }

  /** The number of those who are told. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /** Sets the value, and tells it if it is another one. */
  set(value: T): void {
    if (value === this.#value) return;
    this.#value = value;
    this.#listeners.tell(this.getSnapshot);
  }

  readonly subscribe = (run: (value: T) => void): (() => void) => this.#listeners.begin(run, this.#value);

  readonly getSnapshot = (): T => this.#value;
}
