// Deduplication: the first record of a key passes, and others of the key only when a time has gone by.

import { bytesOf, utf8 } from "./bytes.js";
import { hashed, timers } from "./description.js";
import { distance, plus, readInteger, writeInteger } from "./integers.js";
import { Placer, placeLine, placing, rowType } from "./placing.js";
import { Refusal } from "./refusal.js";
import { days, milliseconds } from "./time.js";

/**
 * @typedef {import("./context.js").Context} Context
 * @typedef {import("./integers.js").Integer} Integer
 * @typedef {import("./operators.js").Batch} Batch
 */

/**
 * What a deduplication is made of, besides how records are placed.
 *
 * @typedef {{ name: string, within: number, lateness: number }} More
 * @typedef {import("./placing.js").Placing & More} Parts
 */

// The namespace of the times of what has passed, and that of when these can be forgotten.
const PASSED = "passed";
const ENDS = "ends";

// The outputs by number.
const UNIQUE = 0;
const DUPLICATES = 1;
const LATE = 2;

const TIME_BYTES = 8;

/**
 * An operator that lets a record pass if no other one of its key has passed within a duration of event time.
 *
 * It has the input `records`. A record that passes is a line of the output `unique`, as its row is in JSON. Any other is
 * a line `{"key": …, "time": …}` of the output `duplicates`. One that comes later than the watermark by more than the
 * lateness is such a line of the output `late`, because what was before it may be forgotten.
 */
export class Deduplicate {
  #parts;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * Takes the key of each record from its row, and its time: the one that the row has, or what `at` returns. Without
   * `within` it is one day in which records are duplicates.
   *
   * @param {import("./rows.js").Row} row
   * @param {(row: any) => any} keyOf
   * @param {{ at?: (row: any) => any, key?: import("./key_type.js").KeyType<any> }} [more]
   */
  static by(row, keyOf, more) {
    return new Deduplicate({ ...placing(row, keyOf, more), name: "", within: days(1), lateness: 0 });
  }

  /**
   * Sets within which time another record of a key is a duplicate. Less than a millisecond counts as one.
   *
   * @param {number} ms
   */
  within(ms) {
    return new Deduplicate({ ...this.#parts, within: Math.max(milliseconds(ms), 1) });
  }

  /** Allows records to come so much later than the watermark. @param {number} ms */
  lateness(ms) {
    return new Deduplicate({ ...this.#parts, lateness: milliseconds(ms) });
  }

  /** Sets the name of the operator, which its state belongs to. @param {string} name */
  named(name) {
    return new Deduplicate({ ...this.#parts, name });
  }

  /** Makes the operator. */
  make() {
    return new DeduplicateOperator(this.#parts);
  }
}

/** The operator that `Deduplicate` makes. */
class DeduplicateOperator {
  /** @param {Parts} parts */
  constructor(parts) {
    this.parts = parts;
    this.placer = new Placer(parts);
    this.rowType = rowType(parts.row);
  }

  describe() {
    return {
      name: this.parts.name,
      inputs: ["records"],
      outputs: ["unique", "duplicates", "late"],
      namespaces: [hashed(PASSED), timers(ENDS)],
    };
  }

  /** @param {number} _input @param {string[]} header */
  begin(_input, header) {
    this.placer.begin(header);
  }

  /** @param {number} _input @param {Batch} batch @param {Context} context */
  process(_input, batch, context) {
    const { within, lateness } = this.parts;
    const placed = this.placer.place(batch, true);
    context.prefetchNames(
      PASSED,
      placed.map(({ name }) => name),
    );
    const watermark = context.watermark();
    placed.forEach((it) => {
      const { row, name, time } = it;
      if (watermark !== null && plus(time, lateness) < watermark) return this.tell(LATE, it, context);
      const times = read(context.getName(PASSED, name));
      if (times.some((passed) => distance(passed, time) < within)) return this.tell(DUPLICATES, it, context);
      const later = times.findIndex((passed) => passed >= time);
      times.splice(later < 0 ? times.length : later, 0, time);
      context.setName(PASSED, name, write(times));
      context.setTimer(ENDS, this.forgets(time), bytesOf(name));
      context.emitBytes(UNIQUE, utf8(this.rowType.write(row)));
    });
  }

  /** Returns the key of each record. @param {number} _input @param {Batch} batch */
  route(_input, batch) {
    return this.placer.route(batch);
  }

  /** @param {string} _namespace @param {Integer} at @param {Uint8Array[]} keys @param {Context} context */
  onTimers(_namespace, at, keys, context) {
    const names = keys.map((key) => this.parts.keyType.nameOf(this.parts.keyType.of(key)));
    context.prefetchNames(PASSED, names);
    names.forEach((name) => {
      const times = read(context.getName(PASSED, name)).filter((time) => this.forgets(time) > at);
      context.setName(PASSED, name, times.length === 0 ? null : write(times));
    });
  }

  /** Returns when what has passed at a time can be forgotten. @param {Integer} time */
  forgets(time) {
    return plus(plus(time, this.parts.within), this.parts.lateness);
  }

  /**
   * Says of a record that it does not pass.
   *
   * @param {number} output
   * @param {import("./placing.js").Placed} placed
   * @param {Context} context
   */
  tell(output, placed, context) {
    context.emitBytes(output, placeLine(this.parts.keyType, placed));
  }
}

/** Writes times, of eight bytes each, little-endian. @param {Integer[]} times */
function write(times) {
  const bytes = new Uint8Array(times.length * TIME_BYTES);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < times.length; at += 1) writeInteger(view, at * TIME_BYTES, times[at]);
  return bytes;
}

/** Reads times. @param {Uint8Array | undefined} bytes @returns {Integer[]} */
function read(bytes) {
  if (bytes === undefined) return [];
  if (bytes.length % TIME_BYTES !== 0) throw new Refusal(`${PASSED}: an entry of the times is none`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / TIME_BYTES }, (_, at) => readInteger(view, at * TIME_BYTES));
}
