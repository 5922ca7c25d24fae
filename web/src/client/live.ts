import type { AlluviumError } from "../error.js";
import { uncaught } from "../events.js";
import type { Where } from "../live/where.js";
import type { Link } from "./link.js";
import type { Mirror } from "./mirror.js";
import { type Told, errorOf, failureOf } from "./protocol.js";
import { Listeners, type Store, Value } from "./store.js";

/** Which state a live value belongs to. */
export interface Version {
  /** The engine's side that it comes from. Another one may have recovered an older checkpoint. */
  generation: string;
  /** The number of the newest notice. Numbers of one generation grow. */
  sequence: number;
}

/**
 * A value, or the entries of a range, that is kept up to date as long as it has a subscriber. It begins with a snapshot of
 * one moment, and each change follows. If one is missing, or another engine's side took over, it begins again.
 */
export class Live<T> implements Store<T> {
  readonly #link: Link;
  readonly #watched: { where: Where; space: string | undefined };
  readonly #mirror: Mirror<unknown>;
  readonly #read: () => T;
  readonly #listeners = new Listeners<T>();
  readonly #error = new Value<AlluviumError | undefined>(undefined);
  readonly #waiting: (() => void)[] = [];
  #value: T;
  #version: Version | undefined;
  /** Whether a snapshot has come since the watching began. */
  #isLoaded = false;
  #stop: (() => void) | undefined;

  /** @internal */
  constructor(link: Link, watched: { where: Where; space: string | undefined }, mirror: Mirror<unknown>, read: () => T) {
    this.#link = link;
    this.#watched = watched;
    this.#mirror = mirror;
    this.#read = read;
    this.#value = read();
  }

  /** Which state the value belongs to. There is none before the first snapshot. */
  get version(): Version | undefined {
    return this.#version;
  }

  /** Why the value is not kept up to date, if it is not: the namespace is not declared, or its codec cannot read it. */
  get error(): Store<AlluviumError | undefined> {
    return this.#error;
  }

  /** Calls `run` now and whenever the value has changed. The returned function ends this. */
  readonly subscribe = (run: (value: T) => void): (() => void) => {
    this.#stop ??= this.#begin();
    return this.#listeners.begin(run, this.#value, () => this.#rest());
  };

  /** Returns the value, which is the same object until it changes. Before the first snapshot it is empty. */
  readonly getSnapshot = (): T => this.#value;

  /**
   * Resolves with the value when the first snapshot since the first subscriber is there. It rejects if that cannot come, also
   * because the client is closed. It needs a subscriber.
   */
  async loaded(): Promise<T> {
    const isOver = (): boolean => this.#isLoaded || (this.#error.getSnapshot() ?? this.#link.ended) !== undefined;
    if (!isOver()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const error = this.#error.getSnapshot() ?? (this.#isLoaded ? undefined : this.#link.ended);
    if (error !== undefined) throw error;
    return this.#value;
  }

  #begin(): () => void {
    const told = ({ sequence, entries, changes }: Told, generation: string): void => {
      const isFirst = this.#version === undefined;
      this.#version = { generation, sequence };
      this.#isLoaded = true;
      const isChanged = entries === undefined ? this.#mirror.change(changes) : this.#mirror.replace(entries);
      const hadError = this.#error.getSnapshot() !== undefined;
      if (isChanged || isFirst || hadError) this.#renew();
      this.#settle();
    };
    const failed = (error: AlluviumError): void => {
      this.#fail(error);
      this.#settle();
    };
    const ended = (error: AlluviumError): void => {
      if (error.kind !== "closed") failed(error);
      this.#settle();
    };
    // A component may outlive the client, and shows what there was.
    const { ended: end } = this.#link;
    if (end !== undefined) {
      if (end.kind !== "closed") this.#fail(end);
      return () => {};
    }
    return this.#link.watch(this.#watched.where, true, this.#watched.space, { told, failed, ended });
  }

  /** Reads the value again, and tells it. */
  #renew(): void {
    try {
      this.#value = this.#read();
    } catch (thrown) {
      return this.#fail(errorOf(failureOf(thrown)));
    }
    this.#error.set(undefined);
    this.#listeners.tell(this.getSnapshot);
  }

  #fail(error: AlluviumError): void {
    // If nothing shows the error, it must not be silent.
    if (this.#error.listeners === 0) uncaught(error);
    this.#error.set(error);
  }

  #settle(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /**
   * Stops watching if there is no subscriber any more, and forgets the error: who subscribes next finds out whether it is
   * still there. A subscriber that comes in the same turn, as when a component is mounted
   * twice, finds it as it was.
   */
  #rest(): void {
    queueMicrotask(() => {
      if (this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
      this.#isLoaded = false;
      this.#error.set(undefined);
    });
  }
}
