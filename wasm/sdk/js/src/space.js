// The namespace of typed state: what all kinds of it do there.

import { nameOf, textOf, utf8 } from "./bytes.js";
import { parse } from "./json.js";
import { Refusal } from "./refusal.js";

/**
 * How values become bytes and are read from them. Bytes of another value are a Refusal that says why.
 *
 * @template V
 * @typedef {{ bytes: (value: V) => Uint8Array, read: (bytes: Uint8Array) => V }} Codec
 */

/**
 * Values as JSON of their type, so that `alluvium dump` shows them and other languages read them.
 *
 * @template V
 * @param {import("./types.js").Type<V>} type
 * @returns {Codec<V>}
 */
export function json(type) {
  return {
    bytes: (value) => utf8(type.write(value)),
    read(bytes) {
      try {
        return type.parse(parse(textOf(bytes) ?? "", type.isExact));
      } catch (error) {
        if (error instanceof Refusal || error instanceof SyntaxError) {
          throw new Refusal(`a value of another type: ${error.message}`);
        }
        throw error;
      }
    },
  };
}

/**
 * The namespace of one piece of typed state.
 *
 * @template V
 */
export class Space {
  /** @param {string} name @param {(bytes: Uint8Array) => V} read Reads a value. */
  constructor(name, read) {
    this.name = name;
    this.readValue = read;
  }

  /**
   * Runs `work`, and says of a refusal which namespace it is about.
   *
   * @template T
   * @param {() => T} work
   * @returns {T}
   */
  #named(work) {
    try {
      return work();
    } catch (error) {
      if (error instanceof Refusal) throw new Refusal(`${this.name}: ${error.text}`);
      throw error;
    }
  }

  /** Reads the value of an entry. @param {Uint8Array} bytes @returns {V} */
  value(bytes) {
    return this.#named(() => this.readValue(bytes));
  }

  /**
   * Reads a key from its name.
   *
   * @template K
   * @param {import("./key_type.js").KeyType<K>} type
   * @param {string} name
   * @returns {K}
   */
  key(type, name) {
    return this.#named(() => {
      const key = type.ofName(name);
      if (key === undefined) throw new Refusal("a key of another type");
      return key;
    });
  }

  /** Returns the value of a key, or undefined. @param {string} name @param {Context} context @returns {V | undefined} */
  get(name, context) {
    const bytes = context.getName(this.name, name);
    return bytes === undefined ? undefined : this.value(bytes);
  }

  /**
   * Returns a page of the entries, in the order of their keys. An empty one is the end.
   *
   * @template K
   * @param {import("./key_type.js").KeyType<K>} type
   * @param {boolean} start
   * @param {number} limit
   * @param {Context} context
   * @returns {[K, V][]}
   */
  page(type, start, limit, context) {
    const entries = context.page(this.name, start, limit);
    return entries.map(([key, value]) => [this.key(type, nameOf(key)), this.value(value)]);
  }
}

/** @typedef {import("./context.js").Context} Context */
