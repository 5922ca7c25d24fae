import { Calls, type Place } from "../calls.js";
import { callable } from "../checks.js";
import { type Codec, codecOf } from "../codec.js";
import type { AlluviumError } from "../error.js";
import { type KeyRange, within } from "../range.js";
import type { Session } from "../session.js";
import type { Bytes } from "../text.js";
import { queued } from "./queue.js";
import type { Notice } from "./watchers.js";
import { type Where, idOf, includes, keyOf, wantedBy } from "./where.js";

/** A key that changed. */
export interface Change<V> {
  /** The key. */
  key: Uint8Array;
  /** Its value, or `undefined` if the key does not exist any more. */
  value: V | undefined;
}

/**
 * What changed among the keys that are watched. All that is changed without waiting in between is told at once, so half of
 * a batch is never seen.
 */
export interface Changes<V> {
  /** The number of this notice. Numbers grow, and other watchers of the same state have the same ones. */
  sequence: number;
  /** The number of the notice before this one. If it is not the one that you saw last, you missed some. */
  since: number;
  /**
   * Whether the changes are not told one by one: read again what you watch. It happens if another checkpoint became the
   * state, if entries expired, and if more than 10,000 keys changed at once.
   */
  isReset: boolean;
  /** Each key that changed, in the order of the keys' bytes, with its value. It is empty after a reset. */
  changes: Change<V>[];
}

/** The name of a method that only this package calls: it watches bytes. */
export const watchBytes: unique symbol = Symbol("watchBytes");

/** The name of a method that only this package calls: it returns the entries of a range, in any namespace, as bytes. */
export const rangeBytes: unique symbol = Symbol("rangeBytes");

/** The name of a method that only this package calls: it tells when the checkpoints have ended. */
export const whenEnded: unique symbol = Symbol("whenEnded");

/** A watcher of bytes. */
export interface ByteWatcher {
  told(notice: Notice): void;
  ended(error: AlluviumError | undefined): void;
}

/** Keyed state whose changes can be watched. */
export class Watched<V = Uint8Array, I = V extends Uint8Array ? Bytes : V> extends Calls<V, I> {
  readonly #session: Session;
  readonly #codec: Codec<V, I>;
  readonly #find: () => Place;

  /** @internal */
  constructor(session: Session, codec: Codec<V, I> | undefined, find: () => Place) {
    super(session, codec, find);
    this.#session = session;
    this.#codec = codecOf(codec);
    this.#find = find;
  }

  /**
   * Calls `callback` whenever keys change: one key, or those of a range. It is called in a microtask after the change, once
   * for all that was changed without waiting in between. The returned function ends this.
   *
   * What `callback` throws becomes an uncaught error, and disturbs nothing else. Without watchers, a change costs nothing more.
   */
  subscribe(where: Where, callback: (changes: Changes<V>) => void): () => void {
    callable("callback", callback);
    return this[watchBytes](where, { told: (notice) => callback(this.#changesOf(notice)), ended() {} }).stop;
  }

  /**
   * Returns the same changes as an asynchronous iterator, which watches from the moment of the call. It ends when the
   * checkpoints are closed or `signal` is aborted, and throws if they were taken over or the engine failed. A reader that
   * is far behind gets a reset.
   */
  changes(where: Where = {}, { signal }: { signal?: AbortSignal | undefined } = {}): AsyncIterableIterator<Changes<V>> {
    const watch = (push: (changes: Changes<V>) => void, end: (error?: AlluviumError) => void): (() => void) =>
      this[watchBytes](where, { told: (notice) => push(this.#changesOf(notice)), ended: end }).stop;
    return queued(watch, signal);
  }

  /** @internal */
  [watchBytes](where: Where, { told, ended }: ByteWatcher): { sequence: number; stop: () => void } {
    return this.#session.watch({ wanted: wantedBy(where), find: () => this.#find().id, told, ended });
  }

  /** @internal */
  [whenEnded](listener: (error: AlluviumError | undefined) => void): () => void {
    return this.#session.whenEnded(listener);
  }

  /** @internal */
  *[rangeBytes](range: KeyRange): Generator<[key: Uint8Array, value: Uint8Array], void, undefined> {
    const { isOrdered } = this.#find();
    const bytes = new Calls(this.#session, undefined, this.#find);
    if (isOrdered) return yield* bytes.scan(range);
    // Where keys are not ordered, the engine looks at all of them.
    const { from, to, reverse, limit } = within(range);
    const ends = { from: idOf(from), to: to === undefined ? undefined : idOf(to) };
    let left = limit;
    const entries = bytes.entries(range.prefix ?? "");
    for (const [key, value] of reverse ? [...entries].reverse() : entries) {
      if (left === 0) return;
      if (!includes(ends, idOf(key))) continue;
      left--;
      yield [key, value];
    }
  }

  #changesOf({ changes, ...notice }: Notice): Changes<V> {
    return { ...notice, changes: changes.map(([id, value]) => ({ key: keyOf(id), value: value && this.#codec.read(value) })) };
  }
}
