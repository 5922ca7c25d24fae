// Keys: values whose bytes have their order.
//
// The last part of a key takes the rest of the bytes, so a text alone is its UTF-8. A text before another part ends with
// the bytes 0 and 1, and a zero byte in it is written as 0 and 2. So a text comes before those that continue it. Whole
// numbers have eight bytes, big-endian, and their sign bit is flipped.

import { bytesOf, nameOf, nameOfText, textOfName } from "./bytes.js";
import { integerOf, ofOrderedName, orderedName, parseInteger } from "./integers.js";
import { Digits, quoted } from "./json.js";
import { Refusal } from "./refusal.js";
import { Type, integerColumn, mistaken, other } from "./types.js";

const END = "\0\x01";
const ZERO = "\0\x02";
const NUMBER_BYTES = 8;

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
   */
  constructor(parts, part, take) {
    super(parts);
    this.part = part;
    this.take = take;
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
    `a key is of the type text, integer or bigint, or of key(…) with several of these, and not ${
      type instanceof Type ? type.name : String(type)
    }`,
  );
}

export const text = new KeyType(
  {
    name: "a text",
    sample: "a",
    column: (field) => field,
    write(value) {
      if (typeof value !== "string") throw mistaken("a text", value);
      return quoted(value);
    },
    parse(json) {
      if (typeof json !== "string") throw other("a text", json);
      return json;
    },
  },
  (value, isLast) => {
    if (typeof value !== "string") throw mistaken("a text", value);
    const name = nameOfText(value);
    return isLast ? name : name.replaceAll("\0", ZERO) + END;
  },
  (cursor, isLast) => {
    const { name, at } = cursor;
    // The first zero byte that is followed by what no text has ends the text, or is wrong.
    const end = isLast ? name.length : name.slice(at).search(/\0(?!\x02)/) + at;
    if (end < at || (!isLast && !name.startsWith(END, end))) return undefined;
    cursor.at = isLast ? end : end + END.length;
    const part = name.slice(at, end);
    return textOfName(isLast ? part : part.replaceAll(ZERO, "\0"));
  },
);

/** @param {any} value */
const integerPart = (value) => orderedName(integerOf(value));

/** @param {Cursor} cursor */
function takeInteger(cursor) {
  const { name, at } = cursor;
  if (name.length < at + NUMBER_BYTES) return undefined;
  cursor.at += NUMBER_BYTES;
  return ofOrderedName(name.slice(at, cursor.at));
}

const BEYOND = "is beyond 2^53, where numbers round: read it as bigint";

/** @param {import("./integers.js").Integer} value @returns {number} */
function safe(value) {
  if (typeof value === "bigint") throw new Refusal(`"${value}" ${BEYOND}`);
  return value;
}

export const integer = new KeyType(
  {
    name: "a whole number",
    sample: 0,
    column: (field) => safe(integerColumn(field)),
    write(value) {
      if (!Number.isSafeInteger(value)) throw mistaken("a whole number up to 2^53", value);
      return String(value);
    },
    parse(json) {
      const value = json instanceof Digits ? Number(json.text) : json;
      if (!Number.isSafeInteger(value)) throw other("a whole number up to 2^53", json);
      return value;
    },
  },
  (value) => {
    if (!Number.isSafeInteger(value)) throw mistaken("a whole number up to 2^53", value);
    return integerPart(value);
  },
  (cursor) => {
    const value = takeInteger(cursor);
    return value === undefined ? undefined : safe(value);
  },
);

export const bigint = new KeyType(
  {
    name: "a whole number of 64 bits",
    sample: 0n,
    isExact: true,
    column: (field) => BigInt(integerColumn(field)),
    write(value) {
      if (typeof value !== "bigint") throw mistaken("a BigInt", value);
      return String(integerOf(value));
    },
    parse(json) {
      const value = parseInteger(json instanceof Digits ? json.text : typeof json === "number" ? String(json) : "");
      if (value === undefined) throw other("a whole number of 64 bits", json);
      return BigInt(value);
    },
  },
  (value) => {
    if (typeof value !== "bigint") throw mistaken("a BigInt", value);
    return integerPart(value);
  },
  (cursor) => {
    const value = takeInteger(cursor);
    return value === undefined ? undefined : BigInt(value);
  },
);

/**
 * A key of several parts, which is an array.
 *
 * @param {...KeyType<any>} parts
 * @returns {KeyType<any[]>}
 */
export function key(...parts) {
  const types = parts.map(keyed);
  if (types.length < 2) throw new TypeError("a key has two parts or more; a single one is its type alone, as text");
  const name = `a key of ${types.map((type) => type.name).join(" and ")}`;
  const all = (/** @type {any} */ value) => {
    if (!Array.isArray(value) || value.length !== types.length) throw mistaken(name, value);
    return types;
  };
  const isLastOf = (/** @type {number} */ at) => at === types.length - 1;
  return new KeyType(
    {
      name,
      sample: types.map((type) => type.sample),
      isExact: types.some((type) => type.isExact),
      write: (value) =>
        `[${all(value)
          .map((type, at) => type.write(value[at]))
          .join()}]`,
      parse(json) {
        if (!Array.isArray(json) || json.length !== types.length) throw other(name, json);
        return types.map((type, at) => type.parse(json[at]));
      },
    },
    (value, isLast) =>
      all(value)
        .map((type, at) => type.part(value[at], isLast && isLastOf(at)))
        .join(""),
    (cursor, isLast) => {
      const taken = new Array(types.length);
      for (let at = 0; at < types.length; at += 1) {
        taken[at] = types[at].take(cursor, isLast && isLastOf(at));
        if (taken[at] === undefined) return undefined;
      }
      return taken;
    },
  );
}

/**
 * Returns the type that some keys have: of a text, a number, a BigInt, or an array of these.
 *
 * @param {unknown} value
 * @returns {KeyType<any> | undefined}
 */
export function keyTypeOf(value) {
  if (typeof value === "string") return text;
  if (typeof value === "number") return integer;
  if (typeof value === "bigint") return bigint;
  if (!Array.isArray(value) || value.length < 2) return undefined;
  const types = value.map(keyTypeOf);
  return types.every((type) => type !== undefined) ? key(...types) : undefined;
}
