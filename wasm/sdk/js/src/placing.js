// Where records belong: the key and the time of each.

import { utf8 } from "./bytes.js";
import { time as timeType } from "./fixed_keys.js";
import { integerOf } from "./integers.js";
import { keyed } from "./key_type.js";
import { keyTypeOf } from "./keys.js";
import { record } from "./records.js";
import { Refusal, blaming } from "./refusal.js";
import { Row, Rows } from "./rows.js";

/**
 * @typedef {import("./integers.js").Integer} Integer
 * @typedef {import("./key_type.js").KeyType<any>} KeyType
 * @typedef {import("./operators.js").Batch} Batch
 */

/**
 * How the key and the time of a record are taken from its row.
 *
 * @typedef {object} Placing
 * @property {Row} row
 * @property {KeyType} keyType
 * @property {(row: any) => any} keyOf
 * @property {((row: any) => Integer | null) | undefined} at
 */

/**
 * A record with its place in a batch, its key, the name of the key, and its time.
 *
 * @typedef {{ record: number, row: any, key: any, name: string, time: Integer }} Placed
 */

/**
 * Checks how records are placed, and finds the type of the keys if none is given.
 *
 * @param {Row} row
 * @param {(row: any) => any} keyOf
 * @param {{ at?: (row: any) => any, key?: KeyType }} [more]
 * @returns {Placing}
 */
export function placing(row, keyOf, more = {}) {
  if (row instanceof Row && more.at === undefined && row.time === undefined) {
    throw new TypeError("the row does not have one time: say which it is, as by(…, …, { at: (it) => it.departed })");
  }
  return { ...timeless(row, keyOf, more), at: more.at };
}

/**
 * Checks which keys records have that need no time.
 *
 * @param {Row} row
 * @param {(row: any) => any} keyOf
 * @param {{ key?: KeyType }} [more]
 * @returns {Placing}
 */
export function timeless(row, keyOf, { key } = {}) {
  if (!(row instanceof Row)) throw new TypeError("by takes what row({…}) returns, and a function of a row");
  if (typeof keyOf !== "function") throw new TypeError("the key is a function of a row, as (it) => it.origin");
  const keyType = key === undefined ? seenKeyType(row, keyOf, "by(…, …, { key: text })") : keyed(key);
  return { row, keyType, keyOf, at: undefined };
}

/**
 * Finds the type of keys by computing one. A function need not work for every row.
 *
 * @param {Row} row
 * @param {(row: any) => any} keyOf
 * @param {string} how How the type is named.
 * @returns {KeyType}
 */
export function seenKeyType(row, keyOf, how) {
  const found = keyTypeOfSample(row, keyOf);
  if (found === undefined) {
    throw new TypeError(`the type of the key is not seen from the row: name it, as ${how}`);
  }
  return found;
}

/**
 * Returns the type of the key of a row of samples, if it has one.
 *
 * @param {Row} row
 * @param {(row: any) => any} keyOf
 */
export function keyTypeOfSample(row, keyOf) {
  try {
    return keyTypeOf(keyOf(row.sample()));
  } catch {
    // A bug in it is found with the first record.
    return undefined;
  }
}

/** Reads the records of an input with their keys and times. */
export class Placer {
  /** @param {Placing} placing */
  constructor(placing) {
    this.placing = placing;
    this.rows = new Rows(placing.row);
  }

  /** @param {string[]} header */
  begin(header) {
    this.rows.begin(header);
  }

  /**
   * Reads a batch. A record without a time is refused. With `isWhole`, rows have their time also if it is beyond those of
   * a Date, so that they can be written.
   *
   * @param {Batch} batch
   * @param {boolean} [isWhole]
   * @returns {Placed[]}
   */
  place(batch, isWhole = false) {
    const { keyOf, keyType } = this.placing;
    return this.rows.timed(batch).map(({ row, time, wide }, record) =>
      blaming(record, () => {
        const key = keyOf(row);
        const placed = { record, row, key, name: keyType.nameOf(key), time: this.#timeOf(row, time) };
        if (isWhole && wide !== undefined) placed.row = this.#whole(row, wide, time);
        return placed;
      }),
    );
  }

  /**
   * Reads a batch whose records need no time, with their keys. Rows are whole, so that they can be written.
   *
   * @param {Batch} batch
   * @returns {{ key: any, row: any }[]}
   */
  rowsByKey(batch) {
    const { keyOf } = this.placing;
    return this.rows.timed(batch).map(({ row, time, wide }, record) =>
      blaming(record, () => ({
        key: keyOf(row),
        row: wide === undefined ? row : this.#whole(row, wide, time),
      })),
    );
  }

  /** Returns the key of each record of a batch. @param {Batch} batch @returns {Uint8Array[]} */
  route(batch) {
    const { keyOf, keyType } = this.placing;
    return this.rows.timed(batch).map(({ row }, record) => blaming(record, () => keyType.bytes(keyOf(row))));
  }

  /** Returns a row that has its time. @param {any} row @param {string} wide @param {Integer | null | undefined} time */
  #whole(row, wide, time) {
    // Another field of this size is refused where it is read.
    return wide === this.placing.row.time?.name
      ? Object.create(row, { [wide]: { value: time, enumerable: true } })
      : row[wide];
  }

  /** @param {any} row @param {Integer | null | undefined} own @returns {Integer} */
  #timeOf(row, own) {
    const time = this.placing.at === undefined ? own : this.placing.at(row);
    if (time === null) throw new Refusal("it has no time");
    return integerOf(/** @type {Integer} */ (time));
  }
}

/** Returns the type of the rows as JSON: the members in their order. @param {Row} row */
export function rowType(row) {
  return record(Object.fromEntries(row.fields.map(({ name, type }) => [name, type])));
}

/**
 * Returns the line that says of a record where it belongs, if that is all that is said of it.
 *
 * @param {KeyType} keyType
 * @param {{ key: any, time: Integer }} placed
 */
export function placeLine(keyType, { key, time }) {
  return utf8(`{"key":${keyType.write(key)},"time":${timeType.write(time)}}`);
}
