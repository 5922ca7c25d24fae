// What an operator works with during one call: its state, its clocks, its outputs.

import { nameOf, utf8 } from "./bytes.js";
import { Cache } from "./cache.js";
import { integerOf } from "./integers.js";
import { typed } from "./types.js";

/**
 * What an operator asks of its host. A component asks the interfaces that it imports, and a test the harness. What a
 * host refuses is a Refusal, and has changed nothing.
 *
 * @typedef {object} Host
 * @property {(name: string) => number} namespace
 * @property {(namespace: number, keys: Uint8Array[]) => (Uint8Array | undefined)[]} getMany
 * @property {(namespace: number, changes: [Uint8Array, Uint8Array | null][]) => void} apply
 * @property {(namespace: number, changes: [Uint8Array, Uint8Array][]) => void} merge
 * @property {(namespace: number, from: Uint8Array, to: Uint8Array | undefined, reverse: boolean, limit: number) => Entry[]} scan
 * @property {(namespace: number, from: Uint8Array, to: Uint8Array | undefined) => number} deleteRange
 * @property {(namespace: number, start: boolean, limit: number) => Entry[]} page
 * @property {(namespace: number, at: Integer, key: Uint8Array) => void} setTimer
 * @property {(namespace: number, at: Integer, key: Uint8Array) => boolean} deleteTimer
 * @property {() => Integer | null} watermark
 * @property {() => Integer | null} processingTime
 * @property {(output: number, record: Uint8Array) => void} emit
 * @property {(level: Level, message: string) => void} log
 */

/** @typedef {import("./integers.js").Integer} Integer */
/** @typedef {[Uint8Array, Uint8Array]} Entry */
/** @typedef {"debug" | "info" | "warn" | "error"} Level */
/** @typedef {Map<string, { value: string, previous?: string }>} Parameters */

const NONE = new Uint8Array(0);

/**
 * What an operator works with during one call.
 *
 * State is read through a cache and written at the end of the call: all reads that `prefetch` names are one call to the
 * host, and so are all writes to a namespace. The cache does not outlive the call, because the host may undo it.
 */
export class Context {
  /** By the numbers of their namespaces. */
  #caches = /** @type {Map<number, Cache>} */ (new Map());
  #parameters;

  /** @param {Host} host @param {Parameters} parameters */
  constructor(host, parameters) {
    /** The host, for windows. What waits in the cache is not seen by it before `flush`. */
    this.host = host;
    this.#parameters = parameters;
  }

  /** Returns the value of a parameter. @param {string} name */
  parameter(name) {
    return this.#parameters.get(name)?.value;
  }

  /** Returns the value that a parameter had in the checkpoint that the state comes from. @param {string} name */
  previousParameter(name) {
    return this.#parameters.get(name)?.previous;
  }

  /** Returns the watermark: no record with an earlier time is expected. It is null as long as there is none. */
  watermark() {
    return this.host.watermark();
  }

  /** Returns the processing time. It is null as long as there is none. */
  processingTime() {
    return this.host.processingTime();
  }

  /**
   * Emits a value to an output, as a line of JSON.
   *
   * @template T
   * @param {number} output
   * @param {import("./types.js").Type<T>} type
   * @param {T} value
   */
  emit(output, type, value) {
    this.host.emit(output, utf8(typed(type).write(value)));
  }

  /** Emits a record of bytes to an output. @param {number} output @param {Uint8Array} bytes */
  emitBytes(output, bytes) {
    this.host.emit(output, bytes);
  }

  /** Writes a message to the host's log. @param {Level} level @param {string} message */
  log(level, message) {
    this.host.log(level, message);
  }

  /** Sets a timer. @param {string} namespace @param {Integer} at @param {Uint8Array} key */
  setTimer(namespace, at, key) {
    this.host.setTimer(this.host.namespace(namespace), integerOf(at), key);
  }

  /**
   * Deletes a timer, and returns whether it was set.
   *
   * @param {string} namespace
   * @param {Integer} at
   * @param {Uint8Array} key
   */
  deleteTimer(namespace, at, key) {
    return this.host.deleteTimer(this.host.namespace(namespace), integerOf(at), key);
  }

  /**
   * Reads entries that will be needed, all in one call to the host.
   *
   * @param {string} namespace
   * @param {Uint8Array[]} keys
   */
  prefetch(namespace, keys) {
    this.prefetchNames(namespace, keys.map(nameOf));
  }

  /** Returns the value of a key. @param {string} namespace @param {Uint8Array} key */
  get(namespace, key) {
    return this.getName(namespace, nameOf(key));
  }

  /**
   * Sets a key to a value, or deletes it with null.
   *
   * @param {string} namespace
   * @param {Uint8Array} key
   * @param {Uint8Array | null} value
   */
  set(namespace, key, value) {
    this.setName(namespace, nameOf(key), value);
  }

  /**
   * Merges values into those of keys, in this order. No value is read for it, and the end of the call merges all at once.
   *
   * @param {string} namespace
   * @param {[Uint8Array, Uint8Array][]} changes
   */
  merge(namespace, changes) {
    // The bytes are written later, when the operator may have changed them.
    for (const [key, value] of changes) this.mergeName(namespace, nameOf(key), value.slice());
  }

  /** @param {string} namespace @param {string[]} names */
  prefetchNames(namespace, names) {
    this.#cache(namespace).prefetch(names);
  }

  /** @param {string} namespace @param {string} name */
  getName(namespace, name) {
    return this.#cache(namespace).get(name);
  }

  /** @param {string} namespace @param {string} name @param {Uint8Array | null} value */
  setName(namespace, name, value) {
    this.#cache(namespace).set(name, value);
  }

  /** @param {string} namespace @param {string} name @param {Uint8Array} value */
  mergeName(namespace, name, value) {
    this.#cache(namespace).merge(name, value);
  }

  /**
   * Returns entries of an ordered namespace, from a key up to another, which is not included.
   *
   * @param {string} namespace
   * @param {{ from?: Uint8Array, to?: Uint8Array, reverse?: boolean, limit: number }} range
   */
  scan(namespace, { from = NONE, to, reverse = false, limit }) {
    return this.host.scan(this.#written(namespace), from, to, reverse, limit);
  }

  /**
   * Deletes a range of an ordered namespace.
   *
   * @param {string} namespace
   * @param {{ from?: Uint8Array, to?: Uint8Array }} [range]
   */
  deleteRange(namespace, { from = NONE, to } = {}) {
    return this.host.deleteRange(this.#written(namespace), from, to);
  }

  /**
   * Returns a page of a namespace, for results.
   *
   * @param {string} namespace
   * @param {boolean} start
   * @param {number} limit
   */
  page(namespace, start, limit) {
    return this.host.page(this.#written(namespace), start, limit);
  }

  /** Writes what has changed. The end of each call does this. */
  flush() {
    const caches = [...this.#caches].sort((a, b) => a[0] - b[0]);
    for (const [, cache] of caches) cache.flush();
  }

  /** Writes what has changed in a namespace, and returns its number. The host does not see before what waits. @param {string} namespace */
  #written(namespace) {
    const number = this.host.namespace(namespace);
    this.#caches.get(number)?.flush();
    return number;
  }

  /** @param {string} namespace */
  #cache(namespace) {
    const number = this.host.namespace(namespace);
    let cache = this.#caches.get(number);
    if (cache === undefined) this.#caches.set(number, (cache = new Cache(this.host, number)));
    return cache;
  }
}
