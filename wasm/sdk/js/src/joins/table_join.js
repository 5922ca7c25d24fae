// The join of a stream with tables.

import { bytesOf } from "../bytes.js";
import { timers } from "../description.js";
import { plus } from "../integers.js";
import { Placer, placing, rowType } from "../placing.js";
import { Refusal, blaming } from "../refusal.js";
import { MapState } from "../state.js";
import { milliseconds } from "../time.js";
import { list, tuple, typed } from "../types.js";
import { instant } from "./instant.js";
import { Table, TableReader, checkLookup } from "./table.js";

/**
 * @typedef {import("../context.js").Context} Context
 * @typedef {import("../integers.js").Integer} Integer
 * @typedef {import("../operators.js").Batch} Batch
 */

/**
 * What makes a line of a record and of what was found for it.
 *
 * @typedef {{ type: import("../types.js").Type<any>, line: (record: any, ...found: any[]) => any }} Emit
 *
 * @typedef {object} Parts
 * @property {string} name
 * @property {string} input
 * @property {import("../placing.js").Placing} placing
 * @property {Table[]} tables
 * @property {number} wait
 * @property {Emit | undefined} emit
 */

// The namespace of the records that wait, and that of when their wait ends.
const WAITING = "waiting";
const DUE = "due";

// The outputs by number.
const JOINED = 0;

/**
 * An operator that joins each record of a stream with the rows of tables that belong to it.
 *
 * Its inputs are the stream and the tables, in this order. A record waits in the state until the watermark has reached
 * its time and the time of `wait`. Then what has come of the tables by then is looked up, and a line of the output
 * `joined` is emitted. So the order of the inputs among each other does not matter, and the lines come in the order of
 * the records' times and keys. A record that comes later waits for the next move of the watermark.
 *
 * For each key it keeps the records that wait, as JSON, with a timer for when their wait ends, and of each table the
 * last row of each key. The work can be divided among workers if records are looked up in all tables by the bytes of
 * their own key. A record that is looked up by others is refused by `route`.
 */
export class TableJoin {
  #parts;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * Names the input of the stream, and takes the keys and times of its records from their rows: the waiting records of a
   * key are one entry of the state.
   *
   * @param {string} input
   * @param {[import("../rows.js").Row, (row: any) => any, { at?: (row: any) => any, key?: import("../key_type.js").KeyType<any> }?]} of
   * @param {...Table} tables
   */
  static by(input, of, ...tables) {
    if (typeof input !== "string") throw new TypeError('a table join has the name of its stream, as by("flights", …)');
    if (tables.length === 0 || !tables.every((table) => table instanceof Table)) {
      throw new TypeError("a stream is joined with tables, as by(…, …, new Table(…))");
    }
    const placed = placing(...of);
    tables.forEach((table) => checkLookup(table, placed.row));
    return new TableJoin({ name: "", input, placing: placed, tables, wait: 0, emit: undefined });
  }

  /** Sets how much longer a record waits for what belongs to it, in milliseconds. @param {number} ms */
  wait(ms) {
    return new TableJoin({ ...this.#parts, wait: milliseconds(ms) });
  }

  /**
   * Makes the line that is emitted of a record and of the row of each table that was found for it, or null.
   *
   * @param {import("../types.js").Type<any>} type
   * @param {(record: any, ...found: any[]) => any} line
   */
  emit(type, line) {
    if (typeof line !== "function")
      throw new TypeError("a line is made by a function, as emit(type, (it, plane) => …)");
    return new TableJoin({ ...this.#parts, emit: { type: typed(type), line } });
  }

  /** Sets the name of the operator, which its state belongs to. @param {string} name */
  named(name) {
    return new TableJoin({ ...this.#parts, name });
  }

  /** Makes the operator. */
  make() {
    const { emit } = this.#parts;
    if (emit === undefined) throw new TypeError("a table join says what it emits, as emit(type, (it, plane) => …)");
    return new TableJoinOperator(this.#parts, emit);
  }
}

/** The operator that `TableJoin` makes. */
class TableJoinOperator {
  /** @param {Parts} parts @param {Emit} emit */
  constructor(parts, emit) {
    this.parts = parts;
    this.emit = emit;
    this.placer = new Placer(parts.placing);
    this.keyType = parts.placing.keyType;
    this.tables = parts.tables.map((table) => new TableReader(table));
    /** @type {MapState<any, [Integer, any][]>} */
    this.waiting = new MapState(
      WAITING,
      this.keyType,
      /** @type {import("../types.js").Type<any>} */ (list(tuple(instant, rowType(parts.placing.row)))),
    );
  }

  describe() {
    return {
      name: this.parts.name,
      inputs: [this.parts.input, ...this.tables.map(({ input }) => input)],
      outputs: ["joined"],
      namespaces: [this.waiting, timers(DUE), ...this.tables],
    };
  }

  /** @param {number} input @param {string[]} header */
  begin(input, header) {
    this.placerOf(input).begin(header);
  }

  /** @param {number} input @param {Batch} batch @param {Context} context */
  process(input, batch, context) {
    if (input > 0) return this.tables[input - 1].take(batch, context);
    const placed = this.placer.place(batch, true);
    this.waiting.prefetch(
      placed.map(({ key }) => key),
      context,
    );
    placed.forEach(({ key, name, row, time }) => {
      const until = plus(time, this.parts.wait);
      this.waiting.set(key, [...(this.waiting.get(key, context) ?? []), [until, row]], context);
      context.setTimer(DUE, until, bytesOf(name));
    });
  }

  /** Returns the key of each record. @param {number} input @param {Batch} batch */
  route(input, batch) {
    if (input > 0) return this.placerOf(input).route(batch);
    return this.placer
      .rowsByKey(batch)
      .map(({ key, row }, record) => blaming(record, () => this.keyEverywhere(key, row)));
  }

  /** @param {string} _namespace @param {Integer} at @param {Uint8Array[]} all @param {Context} context */
  onTimers(_namespace, at, all, context) {
    const keys = all.map((key) => this.keyType.of(key));
    this.waiting.prefetch(keys, context);
    const due = keys.flatMap((key) => {
      const waiting = this.waiting.get(key, context) ?? [];
      const left = waiting.filter(([until]) => until > at);
      if (left.length === 0) this.waiting.delete(key, context);
      else this.waiting.set(key, left, context);
      return waiting.filter(([until]) => until <= at).map(([, row]) => row);
    });
    const found = this.tables.map((table) => table.find(due, context));
    due.forEach((row, index) => {
      const line = this.emit.line(row, ...found.map((rows) => rows[index]));
      context.emit(JOINED, this.emit.type, line);
    });
  }

  /** @param {number} input */
  placerOf(input) {
    return input === 0 ? this.placer : this.tables[input - 1].placer;
  }

  /** Returns the bytes of the key of a record, by which it is looked up in all tables as well. @param {any} key @param {any} row */
  keyEverywhere(key, row) {
    const name = this.keyType.nameOf(key);
    const other = this.tables.find(({ keyType, lookup }) => keyType.nameOf(lookup(row)) !== name);
    if (other === undefined) return bytesOf(name);
    throw new Refusal(`it is looked up in ${other.input} by another key than its own, so the work cannot be divided`);
  }
}
