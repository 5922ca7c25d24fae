// Typed state in the order of its keys.

import { bytesOf, nameOf } from "./bytes.js";
import { ordered } from "./description.js";
import { keyed, owned } from "./key_type.js";
import { Space, json } from "./space.js";
import { typed } from "./types.js";

/** @typedef {import("./context.js").Context} Context */

/**
 * The keys of a range: from one end to the other, or up to the end of the owner where neither of two is given. `from` and
 * `through` belong to the range, `after` and `to` do not.
 *
 * @template K
 * @typedef {{ from?: K, after?: K, to?: K, through?: K }} Range
 */

/** The most entries that a host can be asked for. */
const ASKED_MAX = 2 ** 32 - 1;
const ENDS = ["from", "after", "to", "through"];

/**
 * Values by an owner and a key, in the order of the keys, in a namespace of its own.
 *
 * The entries of an owner stay together when the state is divided, so `route` returns the bytes of the owner. Ranges of
 * an owner cost what they find, however large the state is. A range is read from the host, so what waits in the cache
 * of the context is written before.
 *
 * @template O, K, V
 */
export class OrderedMap {
  #owner;
  #key;
  #value;
  #space;
  #json;
  /** @type {import("./description.js").Expiry | undefined} */
  #expires;

  /**
   * @param {string} name
   * @param {import("./key_type.js").KeyType<O>} owner A type whose keys all have as many bytes.
   * @param {import("./key_type.js").KeyType<K>} key
   * @param {import("./types.js").Type<V>} value
   */
  constructor(name, owner, key, value) {
    this.name = name;
    this.#owner = owned(owner);
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
   * @returns {OrderedMap<O, K, V>}
   */
  expires(clock, afterMs) {
    const map = new OrderedMap(this.name, this.#owner.type, this.#key, this.#value);
    map.#expires = { clock, afterMs };
    return map;
  }

  /** Returns its namespace, which the description of the operator names. */
  namespace() {
    return ordered(this.name, this.#owner.bytes, { expires: this.#expires });
  }

  /** Returns the value of a key, or undefined. @param {O} owner @param {K} key @param {Context} context @returns {V | undefined} */
  get(owner, key, context) {
    return this.#space.get(this.#name(owner, key), context);
  }

  /** Sets the value of a key. @param {O} owner @param {K} key @param {V} value @param {Context} context */
  set(owner, key, value, context) {
    context.setName(this.name, this.#name(owner, key), this.#json.bytes(value));
  }

  /** Deletes a key. @param {O} owner @param {K} key @param {Context} context */
  delete(owner, key, context) {
    context.setName(this.name, this.#name(owner, key), null);
  }

  /**
   * Returns the first entries of a range of an owner, at most `limit`. With `reverse`, these are the last ones, and the
   * last of them comes first.
   *
   * @param {O} owner
   * @param {Range<K> & { limit: number, reverse?: boolean }} range
   * @param {Context} context
   * @returns {[K, V][]}
   */
  range(owner, { limit, reverse = false, ...ends }, context) {
    if (!(limit >= 0) || !(Number.isInteger(limit) || limit === Infinity)) {
      throw new RangeError(`a range has a limit, which is a whole number or Infinity, and not ${String(limit)}`);
    }
    let { from, to } = this.#range(owner, ends);
    /** @type {[K, V][]} */
    const found = [];
    // The host may return fewer entries than it is asked for, so that an answer does not become too large.
    while (found.length < limit && !isEmpty(from, to)) {
      const asked = { limit: Math.min(limit - found.length, ASKED_MAX), reverse, ...inBytes(from, to) };
      const page = context.scan(this.name, asked);
      if (page.length === 0) break;
      const last = nameOf(page[page.length - 1][0]);
      if (reverse) to = last;
      else from = successor(last);
      for (const [key, value] of page) {
        found.push([this.#space.key(this.#key, nameOf(key).slice(this.#owner.bytes)), this.#space.value(value)]);
      }
    }
    return found;
  }

  /**
   * Deletes a range of an owner, and returns how many entries there were.
   *
   * @param {O} owner
   * @param {Range<K>} range
   * @param {Context} context
   * @returns {number}
   */
  deleteRange(owner, range, context) {
    const { from, to } = this.#range(owner, range);
    return isEmpty(from, to) ? 0 : context.deleteRange(this.name, inBytes(from, to));
  }

  /** @param {O} owner @param {K} key */
  #name(owner, key) {
    return this.#owner.type.nameOf(owner) + this.#key.nameOf(key);
  }

  /**
   * Returns the names from the first one, which belongs to the range, to the one that does not any more. Every owner
   * but the greatest has such a one.
   *
   * @param {O} owner
   * @param {Range<K>} range
   * @returns {{ from: string, to: string | undefined }}
   */
  #range(owner, range) {
    // A name that is written wrong must not become a range without an end.
    const unknown = Object.keys(range).find((name) => !ENDS.includes(name));
    if (unknown !== undefined) throw new TypeError(`a range has no ${unknown}: its ends are ${ENDS.join(", ")}`);
    const { from, after, to, through } = range;
    if (from !== undefined && after !== undefined)
      throw new TypeError("a range begins by from or after, and not by both");
    if (to !== undefined && through !== undefined)
      throw new TypeError("a range ends by to or through, and not by both");
    const all = this.#owner.type.nameOf(owner);
    const name = (/** @type {K} */ key) => all + this.#key.nameOf(key);
    return {
      from: from !== undefined ? name(from) : after !== undefined ? successor(name(after)) : all,
      to: to !== undefined ? name(to) : through !== undefined ? successor(name(through)) : endOf(all),
    };
  }
}

/** Returns the least name that is greater. @param {string} name */
const successor = (name) => `${name}\0`;

/** Returns the least name that no name with this beginning reaches, if there is such a one. @param {string} start */
function endOf(start) {
  let length = start.length;
  while (length > 0 && start[length - 1] === "\xff") length -= 1;
  if (length === 0) return undefined;
  return start.slice(0, length - 1) + String.fromCharCode(start.charCodeAt(length - 1) + 1);
}

/** @param {string} from @param {string | undefined} to */
const isEmpty = (from, to) => to !== undefined && to <= from;

/** @param {string} from @param {string | undefined} to */
const inBytes = (from, to) => ({ from: bytesOf(from), ...(to === undefined ? {} : { to: bytesOf(to) }) });
