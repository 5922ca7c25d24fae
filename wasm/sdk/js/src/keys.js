// Keys: values whose bytes have their order.
//
// The last part of a key takes the rest of the bytes, so a text alone is its UTF-8. A text before another part ends with
// the bytes 0 and 1, and a zero byte in it is written as 0 and 2. So a text comes before those that continue it. Whole
// numbers have eight bytes, big-endian, and their sign bit is flipped.

import { nameOfText, textOfName } from "./bytes.js";
import { bigint, integer } from "./fixed_keys.js";
import { quoted } from "./json.js";
import { KeyType, keyed } from "./key_type.js";
import { mistaken, other } from "./types.js";

const END = "\0\x01";
const ZERO = "\0\x02";

export const text = new KeyType(
  {
    name: "a text",
    sample: "a",
    column: (field) => field,
    write(value) {
      if (typeof value !== "string") throw mistaken("a text", value);
      return quoted(value);
    },
    parse(json, isInput) {
      // Half a surrogate pair can be escaped in JSON, and cannot be written.
      if (typeof json !== "string" || (isInput && !json.isWellFormed())) throw other("a text", json);
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
      parse(json, isInput) {
        if (!Array.isArray(json) || json.length !== types.length) throw other(name, json);
        return types.map((type, at) => type.parse(json[at], isInput));
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
