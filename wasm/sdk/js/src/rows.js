// Rows: records whose fields have names and types.

import { textOf } from "./bytes.js";
import { Refusal, blaming } from "./refusal.js";
import { beyondDate, isBeyondDate } from "./time.js";
import { Type, typed } from "./types.js";

/** @typedef {import("./integers.js").Integer} Integer */
/** @typedef {import("./operators.js").Batch} Batch */

/** A field that is read from a column of another name. */
class Column {
  /** @param {string} name @param {Type<any>} type */
  constructor(name, type) {
    this.name = name;
    this.type = type;
  }
}

/**
 * Reads a field of a row from the column of this name.
 *
 * @param {string} name
 * @param {Type<any>} type
 */
export function column(name, type) {
  return new Column(String(name), typed(type));
}

/** What the rows of an input have: see `row`. */
export class Row {
  /** @param {Record<string, Type<any> | Column>} shape */
  constructor(shape) {
    /** The fields, in the order in which they are read. */
    this.fields = Object.entries(shape).map(([name, of]) => {
      const { name: from, type } = of instanceof Column ? of : { name, type: typed(of) };
      if (type.column === undefined) throw new TypeError(`${name}: no column can be ${type.name}`);
      return { name, column: from, type, read: type.column };
    });
    const times = this.fields.filter(({ type }) => type.isTime);
    /** The field that is the time of a record. Which of several is meant, only the author knows. */
    this.time = times.length === 1 ? times[0] : undefined;
  }

  /** Returns a row with some value in each field. */
  sample() {
    return Object.fromEntries(this.fields.map(({ name, type }) => [name, type.sample]));
  }
}

/**
 * Says what the rows of an input have: each member is read from the column of its name. The member of the type `time`
 * is the time of the record, if there is one such member.
 *
 * @param {Record<string, Type<any> | Column>} shape
 */
export function row(shape) {
  return new Row(shape);
}

/** Reads the rows of an input. */
export class Rows {
  /** @param {Row} row */
  constructor(row) {
    if (!(row instanceof Row)) throw new TypeError("rows are read by what row({…}) returns");
    this.row = row;
    /** Where the columns are, and how many there are in all. @type {{ at: number[], width: number } | undefined} */
    this.columns = undefined;
  }

  /**
   * Finds the columns in a header. A header without some of them is refused.
   *
   * @param {string[]} header
   */
  begin(header) {
    const missing = this.row.fields.map(({ column }) => column).filter((column) => !header.includes(column));
    if (missing.length > 0) {
      throw new Refusal(`the columns ${missing.join(", ")} are missing; there are ${header.join(", ")}`);
    }
    this.columns = { at: this.row.fields.map(({ column }) => header.indexOf(column)), width: header.length };
  }

  /**
   * Reads a batch. A record that cannot be read is named.
   *
   * @param {Batch} batch
   * @returns {Record<string, any>[]}
   */
  read(batch) {
    return this.timed(batch).map(({ row, wide }, record) => {
      if (wide !== undefined) blaming(record, () => row[wide]);
      return row;
    });
  }

  /**
   * Reads a batch, and the time of each record. A time beyond those of a Date is only there: `wide` names its field,
   * whose reading is refused.
   *
   * @param {Batch} batch
   */
  timed(batch) {
    if (this.columns === undefined) throw new Refusal("the input was not begun");
    if (batch.format !== "columns") throw new Refusal("the input has columns, and came without");
    const { at, width } = this.columns;
    const { count, fieldLens, fields } = batch;
    if (fieldLens.length !== count * width) throw new Refusal("a batch with other columns than its header");
    const starts = new Array(width);
    const read = new Array(count);
    let [record, end] = [0, 0];
    const bytesOf = (/** @type {number} */ index) => {
      const column = at[index];
      return fields.subarray(starts[column], starts[column] + fieldLens[record * width + column]);
    };
    const one = () => this.one(bytesOf);
    for (; record < count; record += 1) {
      for (let column = 0; column < width; column += 1) {
        starts[column] = end;
        end += fieldLens[record * width + column];
      }
      if (end > fields.length) throw new Refusal("a batch that is shorter than its lengths say");
      read[record] = blaming(record, one);
    }
    return read;
  }

  /**
   * Reads a record.
   *
   * @param {(index: number) => Uint8Array} bytesOf
   */
  one(bytesOf) {
    /** @type {{ row: Record<string, any>, time: Integer | null | undefined, wide: string | undefined }} */
    const read = { row: {}, time: undefined, wide: undefined };
    for (let index = 0; index < this.row.fields.length; index += 1) {
      const field = this.row.fields[index];
      const { name, column, type } = field;
      const text = textOf(bytesOf(index));
      if (text === undefined) throw new Refusal(`${column} is no UTF-8`);
      const value = readOf(field, text);
      if (field === this.row.time) read.time = value;
      if (type.isTime && isBeyondDate(value)) {
        read.wide = name;
        const refuse = () => {
          throw new Refusal(`${column}: ${beyondDate(text).text}`);
        };
        Object.defineProperty(read.row, name, { enumerable: true, get: refuse });
      } else {
        read.row[name] = value;
      }
    }
    return read;
  }
}

/**
 * Reads a field, and names its column in a refusal.
 *
 * @param {{ column: string, read: (text: string) => any }} field
 * @param {string} text
 */
function readOf({ column, read }, text) {
  try {
    return read(text);
  } catch (error) {
    if (error instanceof Refusal) throw new Refusal(`${column}: ${error.text}`);
    throw error;
  }
}
