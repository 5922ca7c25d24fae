// What a call has read of a namespace, and what it will change there.
//
// Entries are found by the names of their keys: see bytes.js.

import { bytesOf } from "./bytes.js";

/** @typedef {import("./context.js").Host} Host */

export class Cache {
  #host;
  #number;
  /** Entries by name, in the order in which the call touched them. */
  #touched = /** @type {Map<string, { value: Uint8Array | undefined, isChanged: boolean }>} */ (new Map());
  /**
   * What will be merged, in its order, before what was set is written. A key that was set is written before something is
   * merged into it, and one that was read is read again.
   *
   * @type {[Uint8Array, Uint8Array][]}
   */
  #merges = [];

  /** @param {Host} host @param {number} number The number of the namespace. */
  constructor(host, number) {
    this.#host = host;
    this.#number = number;
  }

  /** Reads entries that are not here yet, all in one call to the host. @param {string[]} names */
  prefetch(names) {
    // The same keys make the same call, whatever their order in the batch is.
    const missing = [...new Set(names)].filter((name) => !this.#touched.has(name)).sort(byBytes);
    if (missing.length === 0) return;
    this.#writeMerges();
    const values = this.#host.getMany(this.#number, missing.map(bytesOf));
    missing.forEach((name, at) => this.#touched.set(name, { value: values[at], isChanged: false }));
  }

  /** @param {string} name */
  get(name) {
    if (!this.#touched.has(name)) this.prefetch([name]);
    return this.#touched.get(name)?.value;
  }

  /** @param {string} name @param {Uint8Array | null} value */
  set(name, value) {
    this.#touched.set(name, { value: value ?? undefined, isChanged: true });
  }

  /** Merges a value into that of a key when the cache is written, which is not read for it. @param {string} name @param {Uint8Array} value */
  merge(name, value) {
    const touched = this.#touched.get(name);
    if (touched?.isChanged) this.flush();
    else if (touched !== undefined) this.#touched.delete(name);
    this.#merges.push([bytesOf(name), value]);
  }

  /** Writes what has changed, and forgets what was read. */
  flush() {
    this.#writeMerges();
    /** @type {[Uint8Array, Uint8Array | null][]} */
    const changes = [];
    this.#touched.forEach(({ value, isChanged }, name) => {
      if (isChanged) changes.push([bytesOf(name), value ?? null]);
    });
    this.#touched.clear();
    if (changes.length > 0) this.#host.apply(this.#number, changes);
  }

  #writeMerges() {
    if (this.#merges.length === 0) return;
    const merges = this.#merges;
    this.#merges = [];
    this.#host.merge(this.#number, merges);
  }
}

/** @param {string} a @param {string} b */
function byBytes(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
