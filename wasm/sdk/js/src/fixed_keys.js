// Keys that always have as many bytes: whole numbers, times, and texts of one length.

import { nameOfText, textOfName } from "./bytes.js";
import { integerOf, ofOrderedName, ofUnsignedName, orderedName, parseInteger, unsignedName } from "./integers.js";
import { Digits, quoted } from "./json.js";
import { KeyType } from "./key_type.js";
import { Refusal } from "./refusal.js";
import { beyondDate, formatTime, isBeyondDate, parseTime } from "./time.js";
import { integerColumn, mistaken, other, refused } from "./types.js";

/** @typedef {import("./key_type.js").Cursor} Cursor */

const NUMBER_BYTES = 8;
const U64_MAX = 2n ** 64n - 1n;
const UNSIGNED = /^\+?[0-9]+$/;
/** As many bytes as the host takes for the owner of a key. */
const CODE_BYTES_MAX = 65535;

/** Takes the next bytes of a name. @param {Cursor} cursor @param {number} count @returns {string | undefined} */
function takeBytes(cursor, count) {
  const { name, at } = cursor;
  if (name.length < at + count) return undefined;
  cursor.at += count;
  return name.slice(at, cursor.at);
}

/** Takes a number with a sign. @param {Cursor} cursor */
function takeInteger(cursor) {
  const taken = takeBytes(cursor, NUMBER_BYTES);
  return taken === undefined ? undefined : ofOrderedName(taken);
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
    return orderedName(value);
  },
  (cursor) => {
    const value = takeInteger(cursor);
    return value === undefined ? undefined : safe(value);
  },
  NUMBER_BYTES,
);

/** The digits of a number in JSON. @param {unknown} json */
const digitsOf = (json) => (json instanceof Digits ? json.text : typeof json === "number" ? String(json) : "");

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
      const value = parseInteger(digitsOf(json));
      if (value === undefined) throw other("a whole number of 64 bits", json);
      return BigInt(value);
    },
  },
  (value) => {
    if (typeof value !== "bigint") throw mistaken("a BigInt", value);
    return orderedName(integerOf(value));
  },
  (cursor) => {
    const value = takeInteger(cursor);
    return value === undefined ? undefined : BigInt(value);
  },
  NUMBER_BYTES,
);

/** Reads a number of 64 bits without a sign, or returns undefined if the text is none. @param {string} digits */
function parseUnsigned(digits) {
  const value = UNSIGNED.test(digits) ? BigInt(digits.replace("+", "")) : undefined;
  return value === undefined || value > U64_MAX ? undefined : value;
}

/** @param {unknown} value @returns {bigint} */
function checkedUnsigned(value) {
  if (typeof value !== "bigint" || value < 0n || value > U64_MAX) {
    throw mistaken("a BigInt of 64 bits without a sign", value);
  }
  return value;
}

export const unsigned = new KeyType(
  {
    name: "a whole number of 64 bits without a sign",
    sample: 0n,
    isExact: true,
    column(field) {
      const value = parseUnsigned(field);
      if (value === undefined) throw refused(field, "number");
      return value;
    },
    write: (value) => String(checkedUnsigned(value)),
    parse(json) {
      const value = parseUnsigned(digitsOf(json));
      if (value === undefined) throw other("a whole number of 64 bits without a sign", json);
      return value;
    },
  },
  (value) => unsignedName(checkedUnsigned(value)),
  (cursor) => {
    const taken = takeBytes(cursor, NUMBER_BYTES);
    return taken === undefined ? undefined : ofUnsignedName(taken);
  },
  NUMBER_BYTES,
);

// It does not say its length, because no language has times as owners.
export const time = new KeyType(
  {
    name: "a time",
    sample: 0,
    isTime: true,
    column: parseTime,
    write: (value) => quoted(formatTime(integerOf(value))),
    parse(json, isInput) {
      if (typeof json !== "string") throw other("a time", json);
      const value = parseTime(json);
      if (isInput && isBeyondDate(value)) throw beyondDate(json);
      return value;
    },
  },
  (value) => orderedName(integerOf(value)),
  takeInteger,
);

/**
 * A text of exactly so many bytes of UTF-8, such as the code of an airport.
 *
 * @param {number} bytes
 * @returns {KeyType<string>}
 */
export function code(bytes) {
  if (!Number.isInteger(bytes) || bytes < 1 || bytes > CODE_BYTES_MAX) {
    throw new RangeError(`${String(bytes)} is no number of bytes of a code: give one from 1 to ${CODE_BYTES_MAX}`);
  }
  const name = `a text of ${bytes} bytes`;
  /** Returns the name of a text, or says what is wrong with it. @param {string} text */
  const checked = (text) => {
    const name = nameOfText(text);
    return name.length === bytes ? { name } : { wrong: `${quoted(text)} has ${name.length} bytes, and not ${bytes}` };
  };
  /** Returns a text that was read. @param {string} text */
  const read = (text) => {
    const { wrong } = checked(text);
    if (wrong !== undefined) throw new Refusal(wrong);
    return text;
  };
  /** Returns the name of a text that an operator gives. @param {unknown} value */
  const given = (value) => {
    if (typeof value !== "string") throw mistaken(name, value);
    const { name: found, wrong } = checked(value);
    if (found === undefined) throw new TypeError(wrong);
    return found;
  };
  return new KeyType(
    {
      name,
      sample: "a".repeat(bytes),
      column: read,
      write: (value) => (given(value), quoted(value)),
      parse(json) {
        if (typeof json !== "string" || !json.isWellFormed()) throw other(name, json);
        return read(json);
      },
    },
    given,
    (cursor) => {
      const taken = takeBytes(cursor, bytes);
      return taken === undefined ? undefined : textOfName(taken);
    },
    bytes,
  );
}
