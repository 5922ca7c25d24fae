// The entries of one namespace in memory, in the order of their bytes.

import { Refusal } from "../refusal.js";
import { plus } from "../integers.js";

/** @typedef {import("../integers.js").Integer} Integer */

/**
 * An entry. `expires` is the time at which it goes away, and null if its clock showed no time when it was written.
 *
 * @typedef {{ value: Uint8Array, expires?: Integer | null }} Entry
 */

const KEY_BYTES_MAX = 65535;
const VALUE_BYTES_MAX = 64 << 20;
/** After its first entry, a page holds at most so many bytes of keys and values. */
const PAGE_BYTES = 1 << 20;

export class Table {
  /** @type {Map<string, Entry>} */
  #entries;
  /** The names in their order, if it was asked for. @type {string[] | undefined} */
  #order;
  /** What each change of the open call replaced. @type {[string, Entry | undefined][]} */
  #undo = [];

  /**
   * @param {import("../description.js").Namespace} declared
   * @param {Map<string, Entry>} [entries]
   */
  constructor(declared, entries = new Map()) {
    this.declared = declared;
    this.#entries = entries;
  }

  /** Returns a copy that later changes leave as it is. */
  copy() {
    return new Table(this.declared, new Map(this.#entries));
  }

  /** @param {string} name @returns {Uint8Array | undefined} */
  get(name) {
    return this.#entries.get(name)?.value;
  }

  /** @param {string} name @param {Uint8Array} value @param {Integer | null} now */
  put(name, value, now) {
    if (name.length > KEY_BYTES_MAX) throw new Refusal(`a key of ${name.length} bytes: the most are ${KEY_BYTES_MAX}`);
    if (value.length > VALUE_BYTES_MAX)
      throw new Refusal(`a value of ${value.length} bytes: the most are ${VALUE_BYTES_MAX}`);
    const { expires } = this.declared;
    const entry = { value, expires: expires && now !== null ? plus(now, expires.afterMs) : null };
    this.#change(name, entry);
  }

  /** Deletes an entry, and returns whether it was there. @param {string} name */
  delete(name) {
    const wasThere = this.#entries.has(name);
    if (wasThere) this.#change(name, undefined);
    return wasThere;
  }

  /** Returns the names in the order of their bytes. */
  names() {
    this.#order ??= [...this.#entries.keys()].sort((a, b) => (a < b ? -1 : 1));
    return this.#order;
  }

  /**
   * Returns those of the names that a page has.
   *
   * @param {Iterable<string>} names
   * @param {number} limit
   * @returns {[string, Uint8Array][]}
   */
  page(names, limit) {
    /** @type {[string, Uint8Array][]} */
    const page = [];
    let bytes = 0;
    for (const name of names) {
      const value = this.get(name);
      if (value === undefined) continue;
      bytes += name.length + value.length;
      if (page.length === limit || (page.length > 0 && bytes > PAGE_BYTES)) break;
      page.push([name, value]);
    }
    return page;
  }

  /** Deletes what has expired. What was written before there was a time begins to age now. @param {Integer} now */
  expire(now) {
    const { expires } = this.declared;
    if (expires === undefined) return;
    for (const [name, entry] of [...this.#entries]) {
      if (entry.expires === null) this.#entries.set(name, { ...entry, expires: plus(now, expires.afterMs) });
      else if (/** @type {Integer} */ (entry.expires) <= now) this.#set(name, undefined);
    }
  }

  /** Begins a call, which `rollback` undoes. */
  begin() {
    this.#undo = [];
  }

  rollback() {
    for (const [name, entry] of this.#undo.reverse()) this.#set(name, entry);
    this.#undo = [];
  }

  /** @param {string} name @param {Entry | undefined} entry */
  #change(name, entry) {
    this.#undo.push([name, this.#entries.get(name)]);
    this.#set(name, entry);
  }

  /** @param {string} name @param {Entry | undefined} entry */
  #set(name, entry) {
    const wasThere = this.#entries.has(name);
    if (entry === undefined) this.#entries.delete(name);
    else this.#entries.set(name, entry);
    if (this.#order === undefined || wasThere === (entry !== undefined)) return;
    this.#order.splice(placeOf(this.#order, name), wasThere ? 1 : 0, ...(wasThere ? [] : [name]));
  }
}

/** Returns where a name is among others, or would be. @param {string[]} order @param {string} name */
function placeOf(order, name) {
  let [from, to] = [0, order.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (order[middle] < name) from = middle + 1;
    else to = middle;
  }
  return from;
}
