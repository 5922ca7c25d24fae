// JSON as operators in all languages write it: the same bytes for the same value.

import { utf8 } from "./bytes.js";

// Between these sizes, numbers are written without an exponent.
const FIXED_FROM = 1e-5;
const FIXED_BELOW = 1e16;

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/g;
const LONG_NUMBER = /[0-9]{16}/;

/**
 * Writes a text. A text with half a surrogate pair is a TypeError.
 *
 * @param {string} text
 * @returns {string}
 */
export function quoted(text) {
  // JSON.stringify escapes what must be escaped and nothing else, but for halves of pairs.
  if (!text.isWellFormed()) utf8(text);
  return JSON.stringify(text);
}

/**
 * Writes a number of 64 bits with a fraction: the shortest digits that read as the same number, with `.0` if it is
 * whole. What no JSON can say is `null`.
 *
 * @param {number} number
 * @returns {string}
 */
export function float(number) {
  if (!Number.isFinite(number)) return "null";
  const size = Math.abs(number);
  if (size === 0) return Object.is(number, -0) ? "-0.0" : "0.0";
  if (size < FIXED_FROM || size >= FIXED_BELOW) return number.toExponential();
  // JavaScript writes these sizes with an exponent from 1e-7 down only.
  const digits = String(number);
  return Number.isInteger(number) ? `${digits}.0` : digits;
}

/** The digits of a number, as they stand in JSON. */
export class Digits {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
}

/**
 * Reads JSON. With `isExact`, numbers are `Digits` if one of them may be above 2^53, where a JavaScript number rounds.
 * Throws a SyntaxError.
 *
 * @param {string} text
 * @param {boolean} isExact
 * @returns {unknown}
 */
export function parse(text, isExact) {
  if (!isExact || !LONG_NUMBER.test(text)) return JSON.parse(text);
  // What is no JSON may become some by the marks.
  JSON.parse(text);
  // A string cannot be mistaken for a number that became one, because the strings get a letter in front.
  const marked = text.replace(STRING_OR_NUMBER, (part) => (part[0] === '"' ? `"s${part.slice(1)}` : `"n${part}"`));
  return unmarked(JSON.parse(marked));
}

/** @param {any} value @returns {unknown} */
function unmarked(value) {
  if (typeof value === "string") return value[0] === "n" ? new Digits(value.slice(1)) : value.slice(1);
  if (Array.isArray(value)) return value.map(unmarked);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.slice(1), unmarked(member)]));
}
