// How values are merged, and what they are: the operators of `Merged`.

import { nameOf, bytesOf } from "./bytes.js";
import { integerOf, writeInteger } from "./integers.js";
import { keyed } from "./key_type.js";
import { Refusal } from "./refusal.js";
import { elementOf, elementsOf } from "./sets.js";
import { mistaken } from "./types.js";

/** @typedef {import("./integers.js").Integer} Integer */
/** @typedef {import("./description.js").Merge} Merge */

const NUMBER_BYTES = 8;

/**
 * An operator of merges.
 *
 * @template V, [R=V]
 */
export class MergeOperator {
  /**
   * @param {Merge} merge The engine's operator.
   * @param {(operand: V) => Uint8Array} bytes Returns the bytes of what is merged.
   * @param {(bytes: Uint8Array) => R | undefined} read Reads a value, or returns undefined if it is of another type.
   */
  constructor(merge, bytes, read) {
    this.merge = merge;
    this.bytes = bytes;
    this.read = (/** @type {Uint8Array} */ from) => {
      const value = read(from);
      if (value === undefined) throw new Refusal("a value of another type");
      return value;
    };
  }
}

export const add = new MergeOperator(
  "add",
  (/** @type {Integer} */ operand) => {
    const bytes = new Uint8Array(NUMBER_BYTES);
    writeInteger(new DataView(bytes.buffer), 0, integerOf(operand));
    return bytes;
  },
  (bytes) =>
    // A sum may be beyond 2^53 at any time, so it is always a BigInt.
    bytes.length === NUMBER_BYTES ? new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true) : undefined,
);

/**
 * @template T
 * @param {Merge} merge
 * @param {import("./key_type.js").KeyType<T>} type
 */
function extreme(merge, type) {
  const key = keyed(type);
  return new MergeOperator(
    merge,
    (/** @type {T} */ operand) => key.bytes(operand),
    (bytes) => /** @type {T | undefined} */ (key.ofName(nameOf(bytes))),
  );
}

/** Keeps the least value. @template T @param {import("./key_type.js").KeyType<T>} type */
export const least = (type) => extreme("min", type);

/** Keeps the greatest value. @template T @param {import("./key_type.js").KeyType<T>} type */
export const greatest = (type) => extreme("max", type);

export const append = new MergeOperator(
  "append",
  (/** @type {Uint8Array} */ operand) => {
    if (!(operand instanceof Uint8Array)) throw mistaken("a Uint8Array", operand);
    // It is written later, when the operator may have changed it.
    return operand.slice();
  },
  (bytes) => bytes,
);

/**
 * Adds an element to a set. The set is an array of its elements, in the order of their keys.
 *
 * @template T
 * @param {import("./key_type.js").KeyType<T>} type
 * @returns {MergeOperator<T, T[]>}
 */
export function union(type) {
  const key = keyed(type);
  return new MergeOperator(
    "set-union",
    (operand) => bytesOf(elementOf(key.nameOf(operand))),
    (bytes) => {
      const { of, wrong } = elementsOf(nameOf(bytes));
      const values = of.map((name) => key.ofName(name));
      return wrong === undefined && values.every((value) => value !== undefined) ? values : undefined;
    },
  );
}
