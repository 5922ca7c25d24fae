// Tables that a stream is joined with.

import { hashed } from "../description.js";
import { Placer, keyTypeOfSample, rowType, timeless } from "../placing.js";
import { MapState } from "../state.js";

/**
 * @typedef {import("../context.js").Context} Context
 * @typedef {import("../operators.js").Batch} Batch
 */

/** A table: the last row of each key of an input, which records of a stream are joined with. */
export class Table {
  /**
   * @param {string} input The name of the input, and of the namespace of its rows.
   * @param {[import("../rows.js").Row, (row: any) => any, { key?: import("../key_type.js").KeyType<any> }?]} of
   * How the rows are read, and the key of each.
   * @param {(record: any) => any} lookup Returns the key of the row that belongs to a record of the stream.
   */
  constructor(input, of, lookup) {
    if (typeof input !== "string") throw new TypeError('a table has the name of its input, as new Table("planes", …)');
    if (typeof lookup !== "function") throw new TypeError("a lookup is a function of a record, as (it) => it.tailnum");
    this.input = input;
    this.placing = timeless(...of);
    this.lookup = lookup;
  }
}

/** What a table join does with a table. */
export class TableReader {
  /** @param {Table} table */
  constructor({ input, placing, lookup }) {
    this.input = input;
    this.lookup = lookup;
    this.placer = new Placer(placing);
    this.keyType = placing.keyType;
    this.rowType = rowType(placing.row);
    this.rows = new MapState(input, this.keyType, this.rowType);
  }

  namespace() {
    return hashed(this.input);
  }

  /** Takes rows. @param {Batch} batch @param {Context} context */
  take(batch, context) {
    this.placer.rowsByKey(batch).forEach(({ key, row }) => this.rows.set(key, row, context));
  }

  /**
   * Finds the rows that belong to records, in their order, with one read. What is not there is null.
   *
   * @param {any[]} records
   * @param {Context} context
   */
  find(records, context) {
    const keys = records.map((record) => this.lookup(record));
    this.rows.prefetch(keys, context);
    return keys.map((key) => this.rows.get(key, context) ?? null);
  }
}

/**
 * Checks that the lookup of a table makes keys of the table, as far as a row of samples shows it.
 *
 * @param {Table} table
 * @param {import("../rows.js").Row} stream
 */
export function checkLookup({ input, placing, lookup }, stream) {
  const found = keyTypeOfSample(stream, lookup);
  if (found === undefined || found.name === placing.keyType.name) return;
  throw new TypeError(`${input} is looked up by ${found.name}, and its keys are of the type ${placing.keyType.name}`);
}
