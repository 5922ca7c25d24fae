// Merging a value into the one that is there, as the engine does it.

import { bytesOf, nameOf } from "../bytes.js";

/** @typedef {import("../description.js").Merge} Merge */

const NUMBER_BYTES = 8;
const I64 = new DataView(new ArrayBuffer(NUMBER_BYTES));

/**
 * Says what is wrong with a value that is merged, or that others are merged into.
 *
 * @param {Merge} merge
 * @param {Uint8Array} value
 * @returns {string | undefined}
 */
export function wrong(merge, value) {
  if (merge === "add" && value.length !== NUMBER_BYTES) return "not a number of eight bytes";
  return merge === "set-union" ? elements(nameOf(value)).wrong : undefined;
}

/**
 * Merges a value into the one before. Both were checked.
 *
 * @param {Merge} merge
 * @param {Uint8Array} before
 * @param {Uint8Array} value
 * @returns {Uint8Array}
 */
export function merged(merge, before, value) {
  const [a, b] = [nameOf(before), nameOf(value)];
  switch (merge) {
    case "add":
      I64.setBigInt64(0, numberOf(before) + numberOf(value), true);
      return new Uint8Array(I64.buffer.slice(0));
    case "min":
      return a < b ? before : value;
    case "max":
      return a > b ? before : value;
    case "append":
      return bytesOf(a + b);
    case "set-union": {
      const all = new Set([...elements(a).of, ...elements(b).of]);
      return bytesOf(
        [...all]
          .sort((x, y) => (x < y ? -1 : 1))
          .map((element) => length(element) + element)
          .join(""),
      );
    }
  }
}

/** @param {Uint8Array} bytes */
function numberOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true);
}

/** Writes the length of an element as LEB128. @param {string} element */
function length(element) {
  let [left, bytes] = [element.length, ""];
  for (; left >= 0x80; left >>= 7) bytes += String.fromCharCode((left & 0x7f) | 0x80);
  return bytes + String.fromCharCode(left);
}

/** Reads a set: its elements in ascending order, each behind its length. @param {string} name */
function elements(name) {
  /** @type {string[]} */
  const of = [];
  let at = 0;
  while (at < name.length) {
    let [len, shift] = [0, 0];
    while (name.charCodeAt(at) >= 0x80) {
      len |= (name.charCodeAt(at) & 0x7f) << shift;
      shift += 7;
      at += 1;
    }
    len |= name.charCodeAt(at) << shift;
    const element = name.slice(at + 1, at + 1 + len);
    at += 1 + len;
    if (Number.isNaN(len) || at > name.length) return { of, wrong: "not a set: an element is cut off" };
    if (of.length > 0 && of[of.length - 1] >= element) return { of, wrong: "not a set: its elements do not ascend" };
    of.push(element);
  }
  return { of, wrong: undefined };
}
