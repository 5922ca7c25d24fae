// Whole numbers of 64 bits with a sign, and their bytes.
//
// A JavaScript number is exact up to 2^53, and most whole numbers of a stream are less. So a whole number is a number
// here if it is a safe one, and else a BigInt: each has one form, `===` and `<` work, and only rare ones are slow.

import { bytesOf } from "./bytes.js";

/** @typedef {number | bigint} Integer */

const I64_MIN = -(2n ** 63n);
const I64_MAX = 2n ** 63n - 1n;
const INTEGER = /^[+-]?[0-9]+$/;
// Fifteen digits are less than 2^53.
const SHORT = 15;

/** Returns a whole number in its one form, and the nearest one of 64 bits if it has more. @param {bigint} big */
function normal(big) {
  const rounded = Number(big);
  if (Number.isSafeInteger(rounded)) return rounded;
  return big < I64_MIN ? I64_MIN : big > I64_MAX ? I64_MAX : big;
}

/**
 * Returns a whole number of 64 bits in its one form.
 *
 * @param {Integer} value
 * @returns {Integer}
 */
export function integerOf(value) {
  if (typeof value === "number") {
    if (Number.isSafeInteger(value)) return value + 0;
    throw new TypeError(`${value} is no whole number up to 2^53`);
  }
  if (typeof value !== "bigint") throw new TypeError(`${String(value)} is no whole number`);
  if (value < I64_MIN || value > I64_MAX) throw new RangeError(`${value} has more than 64 bits`);
  return normal(value);
}

/**
 * Reads a whole number of 64 bits, or returns undefined if the text is none.
 *
 * @param {string} text
 * @returns {Integer | undefined}
 */
export function parseInteger(text) {
  if (!INTEGER.test(text)) return undefined;
  // Adding 0 makes 0 of -0.
  if (text.length <= SHORT) return Number(text) + 0;
  const big = BigInt(text.replace(/^\+/, ""));
  return big < I64_MIN || big > I64_MAX ? undefined : normal(big);
}

/**
 * Returns the sum, or the nearest number of 64 bits.
 *
 * @param {Integer} a
 * @param {Integer} b
 * @returns {Integer}
 */
export function plus(a, b) {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return normal(BigInt(a) + BigInt(b));
}

/** Returns how far two numbers are apart. It may be no safe number, and then it is larger than each. @param {Integer} a @param {Integer} b */
export function distance(a, b) {
  if (typeof a === "number" && typeof b === "number") return Math.abs(a - b);
  const apart = BigInt(a) - BigInt(b);
  return apart < 0n ? -apart : apart;
}

/** Returns the product of two safe numbers, or the nearest number of 64 bits. @param {number} a @param {number} b */
export function times(a, b) {
  const product = a * b;
  return Number.isSafeInteger(product) ? product + 0 : normal(BigInt(a) * BigInt(b));
}

/**
 * Returns what is left when steps are taken from a number, from 0 up to the step.
 *
 * @param {Integer} a
 * @param {number} step
 * @returns {number}
 */
export function remainder(a, step) {
  const left = typeof a === "number" ? a % step : Number(a % BigInt(step));
  return left < 0 ? left + step : left + 0;
}

const EIGHT = new DataView(new ArrayBuffer(8));

/** Returns the eight bytes of a number as a name, big-endian and with the sign bit flipped. @param {Integer} value */
export function orderedName(value) {
  EIGHT.setBigInt64(0, BigInt(value) ^ I64_MIN);
  return Reflect.apply(String.fromCharCode, null, new Uint8Array(EIGHT.buffer));
}

/** Returns the eight bytes of a number without a sign as a name, big-endian. @param {bigint} value */
export function unsignedName(value) {
  EIGHT.setBigUint64(0, value);
  return Reflect.apply(String.fromCharCode, null, new Uint8Array(EIGHT.buffer));
}

/** Reads the eight bytes that `unsignedName` writes. @param {string} name */
export function ofUnsignedName(name) {
  return new DataView(bytesOf(name).buffer).getBigUint64(0);
}

/** Reads the eight bytes that `orderedName` writes. @param {string} name */
export function ofOrderedName(name) {
  const bytes = bytesOf(name);
  return normal(new DataView(bytes.buffer).getBigInt64(0) ^ I64_MIN);
}

/** Writes a number of 64 bits, little-endian. @param {DataView} view @param {number} at @param {Integer} value */
export function writeInteger(view, at, value) {
  view.setBigInt64(at, BigInt(value), true);
}

/** Reads a number of 64 bits, little-endian. @param {DataView} view @param {number} at */
export function readInteger(view, at) {
  return normal(view.getBigInt64(at, true));
}
