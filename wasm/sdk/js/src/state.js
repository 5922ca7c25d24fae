// Typed state of operators: maps, single values, lists and counters, each in a namespace of its own.
//
// Values are kept as JSON, so that `alluvium dump` shows them and other languages read them.

import { hashed } from "./description.js";
import { integer } from "./fixed_keys.js";
import { keyed } from "./key_type.js";
import { text } from "./keys.js";
import { Space, json } from "./space.js";
import { list, typed } from "./types.js";

/** @typedef {import("./context.js").Context} Context */

/** How many entries are read at a time, if all are. */
const ENTRIES_PAGE = 1000;

/**
 * Values by key, in a namespace of its own.
 *
 * Its entries belong to their keys when the state is divided. Reads and writes go through the cache of the context:
 * name the keys of a batch with `prefetch`, and the batch costs one read and one write.
 *
 * @template K, V
 */
export class MapState {
  #key;
  #value;
  #space;
  #json;
  /** @type {import("./description.js").Expiry | undefined} */
  #expires;

  /**
   * @param {string} name
   * @param {import("./key_type.js").KeyType<K>} key
   * @param {import("./types.js").Type<V>} value
   */
  constructor(name, key, value) {
    this.name = name;
    this.#key = keyed(key);
    this.#value = typed(value);
    this.#json = json(this.#value);
    this.#space = new Space(name, this.#json.read);
  }

  /**
   * Returns the map whose entries go away by themselves, so many milliseconds after they were set.
   *
   * @param {import("./description.js").Clock} clock
   * @param {number} afterMs
   * @returns {MapState<K, V>}
   */
  expires(clock, afterMs) {
    const map = new MapState(this.name, this.#key, this.#value);
    map.#expires = { clock, afterMs };
    return map;
  }

  /** Returns its namespace, which the description of the operator names. */
  namespace() {
    return hashed(this.name, { expires: this.#expires });
  }

  /**
   * Reads the values of keys that will be needed, in one call to the host.
   *
   * @param {Iterable<K>} keys
   * @param {Context} context
   */
  prefetch(keys, context) {
    context.prefetchNames(
      this.name,
      Array.from(keys, (key) => this.#key.nameOf(key)),
    );
  }

  /** Returns the value of a key, or undefined. @param {K} key @param {Context} context @returns {V | undefined} */
  get(key, context) {
    return this.#space.get(this.#key.nameOf(key), context);
  }

  /**
   * Returns a page of entries in the order of their keys, for results: at most `limit`, and with `start` the first ones.
   * An empty page is the end.
   *
   * @param {boolean} start
   * @param {number} limit
   * @param {Context} context
   * @returns {[K, V][]}
   */
  page(start, limit, context) {
    return this.#space.page(this.#key, start, limit, context);
  }

  /**
   * Returns all entries, in the order of their keys, for a migration. All of them are in memory then.
   *
   * @param {Context} context
   * @returns {[K, V][]}
   */
  entries(context) {
    /** @type {[K, V][]} */
    const all = [];
    for (let start = true; ; start = false) {
      const page = this.page(start, ENTRIES_PAGE, context);
      if (page.length === 0) return all;
      for (const entry of page) all.push(entry);
    }
  }

  /** Sets the value of a key. @param {K} key @param {V} value @param {Context} context */
  set(key, value, context) {
    context.setName(this.name, this.#key.nameOf(key), this.#json.bytes(value));
  }

  /** Deletes a key. @param {K} key @param {Context} context */
  delete(key, context) {
    context.setName(this.name, this.#key.nameOf(key), null);
  }
}

/**
 * One value of the whole operator. An operator with such a value cannot be divided by key.
 *
 * @template V
 */
export class ValueState {
  #map;

  /** @param {string} name @param {import("./types.js").Type<V>} value */
  constructor(name, value) {
    this.#map = new MapState(name, text, value);
  }

  /** Returns its namespace, which the description of the operator names. */
  namespace() {
    return this.#map.namespace();
  }

  /** Returns the value, or undefined if it was not set. @param {Context} context @returns {V | undefined} */
  get(context) {
    return this.#map.get("", context);
  }

  /** Sets the value. @param {V} value @param {Context} context */
  set(value, context) {
    this.#map.set("", value, context);
  }
}

/**
 * A list for each key: what was pushed last is at its end.
 *
 * A list is one value of the state, which a push reads and writes as a whole. So it is for some hundreds of items. For
 * more, keep a map whose keys have a number as their last part.
 *
 * @template K, V
 */
export class ListState {
  #of;
  #map;

  /** @param {string} name @param {import("./key_type.js").KeyType<K>} key @param {import("./types.js").Type<V>} item */
  constructor(name, key, item) {
    this.#of = { name, key, item };
    this.#map = new MapState(name, key, list(item));
  }

  /**
   * Returns the lists that go away by themselves, so many milliseconds after something was pushed to them.
   *
   * @param {import("./description.js").Clock} clock
   * @param {number} afterMs
   * @returns {ListState<K, V>}
   */
  expires(clock, afterMs) {
    const { name, key, item } = this.#of;
    const lists = new ListState(name, key, item);
    lists.#map = lists.#map.expires(clock, afterMs);
    return lists;
  }

  /** Returns its namespace, which the description of the operator names. */
  namespace() {
    return this.#map.namespace();
  }

  /** Reads the lists of keys that will be needed, in one call to the host. @param {Iterable<K>} keys @param {Context} context */
  prefetch(keys, context) {
    this.#map.prefetch(keys, context);
  }

  /** Adds an item to the list of a key, and returns how many it has then. @param {K} key @param {V} item @param {Context} context */
  push(key, item, context) {
    const items = [...this.get(key, context), item];
    this.#map.set(key, items, context);
    return items.length;
  }

  /** Returns the list of a key, which is empty if nothing was pushed. @param {K} key @param {Context} context @returns {V[]} */
  get(key, context) {
    return this.#map.get(key, context) ?? [];
  }

  /** Returns the list of a key, and leaves none. @param {K} key @param {Context} context @returns {V[]} */
  take(key, context) {
    const items = this.get(key, context);
    this.#map.delete(key, context);
    return items;
  }
}

/**
 * A count for each key.
 *
 * @template K
 */
export class Counter {
  #map;

  /** @param {string} name @param {import("./key_type.js").KeyType<K>} key */
  constructor(name, key) {
    this.#map = new MapState(name, key, integer);
  }

  /** Returns its namespace, which the description of the operator names. */
  namespace() {
    return this.#map.namespace();
  }

  /**
   * Adds to the count of a key, and returns what it is then.
   *
   * @param {K} key
   * @param {number} count
   * @param {Context} context
   */
  add(key, count, context) {
    if (!(count >= 0)) throw new RangeError(`${count} cannot be added to a count`);
    const sum = this.get(key, context) + count;
    this.#map.set(key, sum, context);
    return sum;
  }

  /** Returns the count of a key. @param {K} key @param {Context} context @returns {number} */
  get(key, context) {
    return this.#map.get(key, context) ?? 0;
  }
}
