// The most frequent items of a window.

import { bytesOf, nameOf, packed } from "./bytes.js";
import { integer } from "./fixed_keys.js";
import { keyed } from "./key_type.js";
import { record } from "./records.js";
import { Refusal } from "./refusal.js";
import { list } from "./types.js";

const LEN_BYTES = 4;
const COUNT_BYTES = 8;

/** Items by their names, with their counts. @typedef {Map<string, number>} Counts */

/**
 * Counts the items of the records, and returns those with the most: the first of `{"item": …, "count": …}`, the most
 * frequent one first, and of equally frequent ones the first in the order of their keys.
 *
 * It keeps all items of a window, because a rare one may become frequent: the length of each and its bytes, four bytes
 * and so many, and its count in eight bytes, little-endian.
 */
export class Top {
  /**
   * @param {number} limit How many items are found.
   * @param {(row: any) => any} of Returns the item of a record.
   * @param {import("./key_type.js").KeyType<any>} item The type of the items.
   */
  constructor(limit, of, item) {
    if (!Number.isSafeInteger(limit) || limit < 0) throw new RangeError(`${limit} is no number of items`);
    if (typeof of !== "function") throw new TypeError("the item is a function of a row, as (it) => it.dest");
    this.limit = limit;
    this.of = of;
    this.item = keyed(item);
    this.type = list(record({ item: this.item, count: integer }));
  }

  /** @returns {Counts} */
  begin() {
    return new Map();
  }

  /** @param {Counts} kept @param {any} row */
  add(kept, row) {
    return counted(kept, this.item.nameOf(this.of(row)), 1);
  }

  /** @param {Counts} kept @param {Counts} later */
  join(kept, later) {
    for (const [name, count] of later) counted(kept, name, count);
    return kept;
  }

  /** @param {Counts} kept */
  value(kept) {
    // The sort is stable, so equal counts stay in the order of the names.
    const most = inOrder(kept).sort(([, a], [, b]) => b - a);
    return most.slice(0, this.limit).map(([name, count]) => ({ item: this.item.ofName(name), count }));
  }

  /** @param {Counts} kept */
  write(kept) {
    const parts = inOrder(kept).map(([name, count]) => {
      const part = new Uint8Array(LEN_BYTES + name.length + COUNT_BYTES);
      const view = new DataView(part.buffer);
      view.setUint32(0, name.length, true);
      part.set(bytesOf(name), LEN_BYTES);
      view.setBigUint64(LEN_BYTES + name.length, BigInt(count), true);
      return part;
    });
    return packed(parts).bytes;
  }

  /** @param {Uint8Array} bytes @returns {Counts | undefined} */
  read(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const kept = this.begin();
    let at = 0;
    while (at < bytes.length) {
      if (at + LEN_BYTES > bytes.length) return undefined;
      const nameAt = at + LEN_BYTES;
      const countAt = nameAt + view.getUint32(at, true);
      at = countAt + COUNT_BYTES;
      if (at > bytes.length) return undefined;
      const name = nameOf(bytes.subarray(nameAt, countAt));
      const count = Number(view.getBigUint64(countAt, true));
      if (!this.#isItem(name) || !Number.isSafeInteger(count)) return undefined;
      kept.set(name, count);
    }
    return kept;
  }

  /** @param {string} name */
  #isItem(name) {
    try {
      return this.item.ofName(name) !== undefined;
    } catch (error) {
      if (error instanceof Refusal) return false;
      throw error;
    }
  }
}

/** @param {Counts} kept @param {string} name @param {number} count */
function counted(kept, name, count) {
  return kept.set(name, (kept.get(name) ?? 0) + count);
}

/** Returns the items in the order of their names. @param {Counts} kept @returns {[string, number][]} */
const inOrder = (kept) => [...kept].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
