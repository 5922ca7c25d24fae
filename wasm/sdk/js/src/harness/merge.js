// Merging a value into the one that is there, as the engine does it.

import { bytesOf, nameOf } from "../bytes.js";
import { elementOf, elementsOf } from "../sets.js";

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
  return merge === "set-union" ? elementsOf(nameOf(value)).wrong : undefined;
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
      const all = new Set([...elementsOf(a).of, ...elementsOf(b).of]);
      return bytesOf(
        [...all]
          .sort((x, y) => (x < y ? -1 : 1))
          .map(elementOf)
          .join(""),
      );
    }
  }
}

/** @param {Uint8Array} bytes */
function numberOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true);
}
