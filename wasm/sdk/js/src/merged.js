// Typed state that the engine merges: a change does not read what is there.

import { hashed } from "./description.js";
import { keyed } from "./key_type.js";
import { MergeOperator } from "./merges.js";
import { Space } from "./space.js";

/** @typedef {import("./context.js").Context} Context */

/**
 * Values by key that the engine merges, in a namespace of its own: sums, extremes, sets.
 *
 * A change does not read what is there, so a batch that only merges costs one write.
 *
 * @template K, V, [R=V]
 */
export class Merged {
  #key;
  #operator;
  #space;
  /** @type {import("./description.js").Expiry | undefined} */
  #expires;

  /**
   * @param {string} name
   * @param {import("./key_type.js").KeyType<K>} key
   * @param {MergeOperator<V, R>} operator
   */
  constructor(name, key, operator) {
    if (!(operator instanceof MergeOperator)) {
      throw new TypeError(
        `values are merged by add, least(…), greatest(…), append or union(…), and not by ${String(operator)}`,
      );
    }
    this.name = name;
    this.#key = keyed(key);
    this.#operator = operator;
    this.#space = new Space(name, operator.read);
  }

  /**
   * Returns the values that go away by themselves, so many milliseconds after something was merged into them.
   *
   * @param {import("./description.js").Clock} clock
   * @param {number} afterMs
   * @returns {Merged<K, V, R>}
   */
  expires(clock, afterMs) {
    const values = new Merged(this.name, this.#key, this.#operator);
    values.#expires = { clock, afterMs };
    return values;
  }

  /** Returns its namespace, which the description of the operator names. */
  namespace() {
    return hashed(this.name, { expires: this.#expires, merge: this.#operator.merge });
  }

  /** Merges an operand into the value of a key. @param {K} key @param {V} operand @param {Context} context */
  merge(key, operand, context) {
    context.mergeName(this.name, this.#key.nameOf(key), this.#operator.bytes(operand));
  }

  /**
   * Returns the value of a key, or undefined if nothing was merged into it. What waits to be merged is merged before.
   *
   * @param {K} key
   * @param {Context} context
   * @returns {R | undefined}
   */
  get(key, context) {
    return this.#space.get(this.#key.nameOf(key), context);
  }

  /**
   * Returns a page of values in the order of their keys, for results: at most `limit`, and with `start` the first ones.
   * An empty page is the end.
   *
   * @param {boolean} start
   * @param {number} limit
   * @param {Context} context
   * @returns {[K, R][]}
   */
  page(start, limit, context) {
    return this.#space.page(this.#key, start, limit, context);
  }

  /** Deletes the value of a key. @param {K} key @param {Context} context */
  delete(key, context) {
    context.setName(this.name, this.#key.nameOf(key), null);
  }
}
