// What a type of keys is.

import { bytesOf, nameOf } from "./bytes.js";
import { Refusal } from "./refusal.js";
import { Type } from "./types.js";

/**
 * Where a name is read.
 *
 * @typedef {{ name: string, at: number }} Cursor
 */

/**
 * A type whose values can be keys.
 *
 * @template T
 * @extends {Type<T>}
 */
export class KeyType extends Type {
  /**
   * @param {import("./types.js").Parts<T>} parts
   * @param {(value: T, isLast: boolean) => string} part Writes a value as a part of a name.
   * @param {(cursor: Cursor, isLast: boolean) => T | undefined} take Reads a value, and moves the cursor behind it.
   * @param {number} [byteLength] How many bytes each value has, if all have as many.
   */
  constructor(parts, part, take, byteLength) {
    super(parts);
    this.part = part;
    this.take = take;
    this.byteLength = byteLength;
  }

  /** Returns the name of a key: its bytes, as this package keeps them. @param {T} value */
  nameOf(value) {
    return this.part(value, true);
  }

  /** Returns the bytes of a key. @param {T} value @returns {Uint8Array} */
  bytes(value) {
    return bytesOf(this.nameOf(value));
  }

  /**
   * Reads a key from its bytes. Bytes of another key are a Refusal.
   *
   * @param {Uint8Array} bytes
   * @returns {T}
   */
  of(bytes) {
    const value = this.ofName(nameOf(bytes));
    if (value === undefined) throw new Refusal("a timer for a key that is none");
    return value;
  }

  /** Reads a key from its name, or returns undefined if it is the name of another one. @param {string} name */
  ofName(name) {
    const cursor = { name, at: 0 };
    const value = this.take(cursor, true);
    return cursor.at === name.length ? value : undefined;
  }
}

/** Checks that a value is a type of keys. @param {unknown} type @returns {KeyType<any>} */
export function keyed(type) {
  if (type instanceof KeyType) return type;
  throw new TypeError(
    `a key is of the type text, integer, bigint, unsigned, time or code(…), or of key(…) with several of these, and not ${shown(type)}`,
  );
}

/**
 * Checks that a value is a type of owners: the first bytes of a key are its owner, so all owners have as many.
 *
 * @param {unknown} type
 */
export function owned(type) {
  if (type instanceof KeyType && type.byteLength !== undefined) return { type, bytes: type.byteLength };
  throw new TypeError(
    `an owner is of the type integer, bigint, unsigned or code(…), which have as many bytes for all, and not ${shown(type)}`,
  );
}

/** @param {unknown} type */
const shown = (type) => (type instanceof Type ? type.name : String(type));
