// The watchers of one namespace, and what was changed for them since they were last told.

import type { AlluviumError } from "../error.js";
import { type Wanted, includes, overlap } from "./where.js";

/** More changed keys than this are not told one by one: their watchers read again what they want. */
export const MOST_CHANGES = 10_000;

/** What changed, for one watcher. */
export interface Notice {
  /** The number of this notice. Numbers grow. */
  sequence: number;
  /** The number of the notice before it, or that with which the watching began. */
  since: number;
  /** Whether the changes are not told one by one. */
  isReset: boolean;
  /** The ids of the keys that changed, in their order, with the values that they have now. */
  changes: [id: string, value: Uint8Array | undefined][];
}

/** Somebody who is told about changes. */
export interface Watcher {
  /** Which keys are watched. */
  readonly wanted: Wanted;
  /** Finds the namespace among those of the current state. It throws if it is not there. */
  readonly find: () => number;
  /** Is called with each notice. */
  told(notice: Notice): void;
  /** Is called once, if the checkpoints end. It gets no error if they were closed. */
  ended(error: AlluviumError | undefined): void;
}

/** The watchers of one namespace. */
export class Watchers {
  /** The number of the last notice of each watcher. */
  readonly since = new Map<Watcher, number>();
  readonly #byKey = new Map<string, Set<Watcher>>();
  readonly #ranges = new Set<Watcher>();
  #touched = new Set<string>();
  #resets = new Set<Watcher>();
  /** Whether more keys were changed than are told. */
  #isFull = false;
  /** The keys that were changed before a watcher came, and not since. It has not to be told of them. */
  #before = new Map<Watcher, Set<string>>();

  /** Adds a watcher that knows the state of a sequence number. */
  add(watcher: Watcher, sequence: number): void {
    const { from, isKey } = watcher.wanted;
    this.since.set(watcher, sequence);
    // Later changes are not noted key by key.
    if (this.#isFull) this.#resets.add(watcher);
    const before = isKey ? [from].filter((id) => this.#touched.has(id)) : [...this.#touched].filter((id) => includes(watcher.wanted, id));
    if (before.length > 0) this.#before.set(watcher, new Set(before));
    if (isKey) this.#byKey.set(from, (this.#byKey.get(from) ?? new Set()).add(watcher));
    else this.#ranges.add(watcher);
  }

  /** Removes a watcher. */
  remove(watcher: Watcher): void {
    const { from } = watcher.wanted;
    const same = this.#byKey.get(from);
    if (same?.delete(watcher) && same.size === 0) this.#byKey.delete(from);
    this.#ranges.delete(watcher);
    this.#resets.delete(watcher);
    this.#before.delete(watcher);
    this.since.delete(watcher);
  }

  /** Takes note of a changed key. Returns whether anybody wants it. */
  touch(id: string): boolean {
    for (const before of this.#before.values()) before.delete(id);
    if (this.#isFull || this.#touched.has(id)) return true;
    if (!this.#byKey.has(id) && !this.#isInRange(id)) return false;
    if (this.#touched.size < MOST_CHANGES) this.#touched.add(id);
    else this.#isFull = this.reset();
    return true;
  }

  /** Takes note that keys of a range changed, by default of all, which are not told one by one. Returns whether anybody wants them. */
  reset(range: Pick<Wanted, "from" | "to"> = { from: "", to: undefined }): boolean {
    const concerned = [...this.since.keys()].filter(({ wanted }) => overlap(wanted, range));
    for (const watcher of concerned) this.#resets.add(watcher);
    return concerned.length > 0;
  }

  /** Returns the notices of what was changed, and forgets it. `read` returns the values of ids. */
  notices(sequence: number, read: (ids: string[]) => (Uint8Array | undefined)[]): [Watcher, Notice][] {
    const [touched, resets, before] = [[...this.#touched].sort(), this.#resets, this.#before];
    // If this fails, nothing is forgotten.
    const values = touched.length > 0 ? read(touched) : [];
    this.#touched = new Set();
    this.#resets = new Set();
    this.#isFull = false;
    this.#before = new Map();
    const changed = new Map<Watcher, Notice["changes"]>();
    const note = (watcher: Watcher, id: string, value: Uint8Array | undefined): void => {
      if (before.get(watcher)?.has(id)) return;
      const changes = changed.get(watcher);
      if (changes) changes.push([id, value]);
      else changed.set(watcher, [[id, value]]);
    };
    touched.forEach((id, at) => {
      for (const watcher of this.#byKey.get(id) ?? []) note(watcher, id, values[at]);
      for (const watcher of this.#ranges) if (includes(watcher.wanted, id)) note(watcher, id, values[at]);
    });
    for (const watcher of resets) changed.set(watcher, []);
    return [...changed].map(([watcher, changes]) => {
      const since = this.since.get(watcher) ?? sequence;
      this.since.set(watcher, sequence);
      return [watcher, { sequence, since, isReset: resets.has(watcher), changes }];
    });
  }

  #isInRange(id: string): boolean {
    for (const { wanted } of this.#ranges) if (includes(wanted, id)) return true;
    return false;
  }
}
