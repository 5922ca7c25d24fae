// What windows compute of their records.

import { textOf, utf8 } from "./bytes.js";
import { parse } from "./json.js";
import { integer } from "./fixed_keys.js";
import { Refusal } from "./refusal.js";
import { mistaken, number, optional, typed } from "./types.js";

/**
 * Computes a value of many records, one by one. What it keeps meanwhile is a part of the state: its bytes are the same
 * for the same records in the same order.
 *
 * @template R, K, V
 * @typedef {object} Aggregate
 * @property {import("./types.js").Type<V>} type The type of the value.
 * @property {() => K} begin Begins without a record.
 * @property {(kept: K, row: R) => K} add Takes a record, and returns what it keeps then.
 * @property {(kept: K, later: K) => K} join Joins two, of which the second has the later records.
 * @property {(kept: K) => V} value Returns the value.
 * @property {(kept: K) => Uint8Array} write Writes what it keeps.
 * @property {(bytes: Uint8Array) => K | undefined} read Reads what it keeps, or returns undefined.
 */

const COUNT_BYTES = 8;
// What is no number has many forms, and machines differ in which one they compute.
const NAN_BITS = 0x7ff8000000000000n;

/** How many records there are. It keeps eight bytes, little-endian. */
export class Count {
  type = integer;

  begin() {
    return 0;
  }

  /** @param {number} kept */
  add(kept) {
    return kept + 1;
  }

  /** @param {number} kept @param {number} later */
  join(kept, later) {
    return kept + later;
  }

  /** @param {number} kept */
  value(kept) {
    return kept;
  }

  /** @param {number} kept */
  write(kept) {
    const view = new DataView(new ArrayBuffer(COUNT_BYTES));
    view.setBigUint64(0, BigInt(kept), true);
    return new Uint8Array(view.buffer);
  }

  /** @param {Uint8Array} bytes */
  read(bytes) {
    return bytes.length === COUNT_BYTES ? countOf(bytes) : undefined;
  }
}

/** Reads a count. No window has more than 2^53 records. @param {Uint8Array} bytes */
function countOf(bytes) {
  const count = Number(viewOf(bytes).getBigUint64(0, true));
  return Number.isSafeInteger(count) ? count : undefined;
}

/** @param {Uint8Array} bytes */
const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * A number that was computed of so many records.
 *
 * @typedef {{ count: number, number: number }} Counted
 */

/**
 * A number of each record. Records without it are passed over, and without any the value is null. It keeps a count and a
 * number of eight bytes each, little-endian.
 *
 * @template R
 */
class Numbers {
  type = optional(number);

  /**
   * @param {(row: R) => number | null} of Takes the number from a row.
   * @param {(number: number, next: number) => number} step
   */
  constructor(of, step) {
    if (typeof of !== "function") throw new TypeError("what is computed is a function of a row, as (it) => it.temp");
    this.of = of;
    this.step = step;
  }

  /** @returns {Counted} */
  begin() {
    return { count: 0, number: 0 };
  }

  /** @param {Counted} kept @param {R} row */
  add(kept, row) {
    const number = this.of(row);
    if (number === null) return kept;
    // A name that is written wrong gives undefined, and must not pass over all records.
    if (typeof number !== "number") throw mistaken("a number or null", number);
    return this.join(kept, { count: 1, number });
  }

  /** @param {Counted} kept @param {Counted} later @returns {Counted} */
  join(kept, later) {
    if (later.count === 0) return kept;
    const number = kept.count === 0 ? later.number : this.step(kept.number, later.number);
    return { count: kept.count + later.count, number };
  }

  /** @param {Counted} kept @returns {number | null} */
  value(kept) {
    return kept.count === 0 ? null : kept.number;
  }

  /** @param {Counted} kept */
  write({ count, number }) {
    const view = new DataView(new ArrayBuffer(2 * COUNT_BYTES));
    view.setBigUint64(0, BigInt(count), true);
    if (Number.isNaN(number)) view.setBigUint64(COUNT_BYTES, NAN_BITS, true);
    else view.setFloat64(COUNT_BYTES, number, true);
    return new Uint8Array(view.buffer);
  }

  /** @param {Uint8Array} bytes @returns {Counted | undefined} */
  read(bytes) {
    if (bytes.length !== 2 * COUNT_BYTES) return undefined;
    const count = countOf(bytes);
    return count === undefined ? undefined : { count, number: viewOf(bytes).getFloat64(COUNT_BYTES, true) };
  }
}

/** The sum of a number of each record, in their order. @template R @extends {Numbers<R>} */
export class Sum extends Numbers {
  /** @param {(row: R) => number | null} of */
  constructor(of) {
    super(of, (sum, number) => sum + number);
  }
}

/** The mean of a number of each record. @template R @extends {Sum<R>} */
export class Mean extends Sum {
  /** @param {Counted} kept */
  value(kept) {
    return kept.count === 0 ? null : kept.number / kept.count;
  }
}

/** The least of a number of each record, and of equal ones the first. @template R @extends {Numbers<R>} */
export class Min extends Numbers {
  /** @param {(row: R) => number | null} of */
  constructor(of) {
    super(of, (least, number) => (number < least ? number : least));
  }
}

/** The greatest of a number of each record, and of equal ones the first. @template R @extends {Numbers<R>} */
export class Max extends Numbers {
  /** @param {(row: R) => number | null} of */
  constructor(of) {
    super(of, (greatest, number) => (number > greatest ? number : greatest));
  }
}

/**
 * A value of your own, which takes records one by one. It is kept as JSON of its type.
 *
 * @template R, T
 */
export class Fold {
  /**
   * @param {import("./types.js").Type<T>} type The type of the value.
   * @param {() => T} begin Returns the value without a record.
   * @param {(value: T, row: R) => T} add Takes a record, and returns the value then.
   * @param {(value: T, later: T) => T} join Joins two values, of which the second has the later records.
   */
  constructor(type, begin, add, join) {
    this.type = typed(type);
    for (const [name, of] of Object.entries({ begin, add, join })) {
      if (typeof of !== "function") throw new TypeError(`${name} of a fold is a function, and not ${String(of)}`);
    }
    this.begin = begin;
    this.add = add;
    this.join = join;
  }

  /** @param {T} kept */
  value(kept) {
    return kept;
  }

  /** @param {T} kept */
  write(kept) {
    return utf8(this.type.write(kept));
  }

  /** @param {Uint8Array} bytes @returns {T | undefined} */
  read(bytes) {
    try {
      return this.type.parse(parse(textOf(bytes) ?? "", this.type.isExact));
    } catch (error) {
      if (error instanceof Refusal || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }
}
