// The join of two streams whose records are near in time.

import { bytesOf } from "../bytes.js";
import { hashed, timers } from "../description.js";
import { plus } from "../integers.js";
import { Placer, placeLine, placing, rowType } from "../placing.js";
import { record } from "../records.js";
import { milliseconds } from "../time.js";
import { boolean, list, optional, tuple } from "../types.js";
import { MapState } from "../state.js";
import { instant } from "./instant.js";

/**
 * @typedef {import("../context.js").Context} Context
 * @typedef {import("../integers.js").Integer} Integer
 * @typedef {import("../operators.js").Batch} Batch
 * @typedef {import("../placing.js").Placed} Placed
 * @typedef {import("../placing.js").Placing} Placing
 */

/**
 * How the records of an input are placed: what `by` of windows takes.
 *
 * @typedef {[import("../rows.js").Row, (row: any) => any, { at?: (row: any) => any, key?: import("../key_type.js").KeyType<any> }?]} Side
 */

/**
 * A record that others may still join, and the records of a key: those of each input in the order in which they came.
 *
 * @typedef {{ at_ms: Integer, is_joined: boolean, row: any }} Open
 * @typedef {[Open[], Open[]]} Sides
 */

/**
 * @typedef {object} Parts
 * @property {string} name
 * @property {[Placing, Placing]} placings
 * @property {number} before
 * @property {number} after
 * @property {number} lateness
 * @property {boolean} isOuter
 */

// The namespace of the records that others may still join, and that of when none can.
const OPEN = "open";
const ENDS = "ends";

// The inputs by number.
const LEFT = 0;
const RIGHT = 1;

// The outputs by number.
const JOINED = 0;
const LATE = 1;

/**
 * An operator that joins the records of two streams that have the same key and times that are near.
 *
 * It has the inputs `left` and `right`. Each pair whose right time is not earlier than the left one by more than
 * `before`, and not later by more than `after`, is a line `{"key": …, "left": …, "right": …}` of the output `joined`, with
 * both rows in JSON. It is emitted when the second of the two has come. With `outer`, a left record that found none is
 * such a line, too, without a right one, when the watermark says that none will come. A record that comes later than the
 * watermark by more than the lateness is a line `{"key": …, "time": …}` of the output `late`, because what it would join
 * may be gone.
 */
export class IntervalJoin {
  #parts;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * Takes the keys and times of the records of both inputs from their rows. Without `between`, the times must be equal.
   *
   * @param {Side} left
   * @param {Side} right
   */
  static by(left, right) {
    const placings = /** @type {[Placing, Placing]} */ ([placing(...left), placing(...right)]);
    if (placings[LEFT].keyType.name !== placings[RIGHT].keyType.name) {
      const [one, another] = placings.map(({ keyType }) => keyType.name);
      throw new TypeError(`the keys of both inputs are of one type, and not ${one} and ${another}`);
    }
    return new IntervalJoin({ name: "", placings, before: 0, after: 0, lateness: 0, isOuter: false });
  }

  /**
   * Sets how much earlier, and how much later than the left one the time of a right record may be.
   *
   * @param {number} beforeMs
   * @param {number} afterMs
   */
  between(beforeMs, afterMs) {
    return new IntervalJoin({ ...this.#parts, before: milliseconds(beforeMs), after: milliseconds(afterMs) });
  }

  /** Allows records to come so much later than the watermark. @param {number} ms */
  lateness(ms) {
    return new IntervalJoin({ ...this.#parts, lateness: milliseconds(ms) });
  }

  /** Has left records emitted that no right one joins. */
  outer() {
    return new IntervalJoin({ ...this.#parts, isOuter: true });
  }

  /** Sets the name of the operator, which its state belongs to. @param {string} name */
  named(name) {
    return new IntervalJoin({ ...this.#parts, name });
  }

  /** Makes the operator. */
  make() {
    return new IntervalJoinOperator(this.#parts);
  }
}

/** The operator that `IntervalJoin` makes. */
class IntervalJoinOperator {
  /** @param {Parts} parts */
  constructor(parts) {
    this.parts = parts;
    const [left, right] = parts.placings.map(({ row }) => rowType(row));
    const open = (/** @type {import("../types.js").Type<any>} */ row) =>
      list(record({ at_ms: instant, is_joined: boolean, row }));
    this.placers = parts.placings.map((placing) => new Placer(placing));
    this.keyType = parts.placings[LEFT].keyType;
    /** @type {MapState<any, Sides>} */
    this.kept = new MapState(
      OPEN,
      this.keyType,
      /** @type {import("../types.js").Type<any>} */ (tuple(open(left), open(right))),
    );
    this.joined = record({ key: this.keyType, left, right: optional(right) });
  }

  describe() {
    return {
      name: this.parts.name,
      inputs: ["left", "right"],
      outputs: ["joined", "late"],
      namespaces: [hashed(OPEN), timers(ENDS)],
    };
  }

  /** @param {number} input @param {string[]} header */
  begin(input, header) {
    this.placers[input].begin(header);
  }

  /** @param {number} input @param {Batch} batch @param {Context} context */
  process(input, batch, context) {
    const placed = this.placers[input].place(batch, true);
    this.kept.prefetch(
      placed.map(({ key }) => key),
      context,
    );
    const watermark = context.watermark();
    placed.forEach((it) => this.meet(input, it, watermark, context));
  }

  /** Returns the key of each record. @param {number} input @param {Batch} batch */
  route(input, batch) {
    return this.placers[input].route(batch);
  }

  /** @param {string} _namespace @param {Integer} at @param {Uint8Array[]} all @param {Context} context */
  onTimers(_namespace, at, all, context) {
    const keys = all.map((key) => this.keyType.of(key));
    this.kept.prefetch(keys, context);
    keys.forEach((key) => {
      const [lefts, rights] = this.kept.get(key, context) ?? [[], []];
      const stays = (/** @type {number} */ input) => (/** @type {Open} */ it) => this.closes(input, it.at_ms) > at;
      lefts.forEach((left) => {
        if (stays(LEFT)(left) || left.is_joined || !this.parts.isOuter) return;
        context.emit(JOINED, this.joined, { key, left: left.row, right: null });
      });
      const left = /** @type {Sides} */ ([lefts.filter(stays(LEFT)), rights.filter(stays(RIGHT))]);
      if (left[LEFT].length + left[RIGHT].length === 0) this.kept.delete(key, context);
      else this.kept.set(key, left, context);
    });
  }

  /**
   * Joins a record of an input with those of the other one that are open, and opens it, unless it comes too late.
   *
   * @param {number} input
   * @param {Placed} placed
   * @param {Integer | null} watermark
   * @param {Context} context
   */
  meet(input, placed, watermark, context) {
    const { key, name, row, time } = placed;
    if (watermark !== null && plus(time, this.parts.lateness) < watermark) {
      context.emitBytes(LATE, placeLine(this.keyType, placed));
      return;
    }
    context.setTimer(ENDS, this.closes(input, time), bytesOf(name));
    const sides = this.kept.get(key, context) ?? /** @type {Sides} */ ([[], []]);
    const met = { at_ms: time, is_joined: false, row };
    sides[1 - input].forEach((it) => {
      const [left, right] = input === LEFT ? [met, it] : [it, met];
      if (!this.isPair(left.at_ms, right.at_ms)) return;
      met.is_joined = it.is_joined = true;
      context.emit(JOINED, this.joined, { key, left: left.row, right: right.row });
    });
    sides[input].push(met);
    this.kept.set(key, sides, context);
  }

  /** @param {Integer} left @param {Integer} right */
  isPair(left, right) {
    return right >= plus(left, -this.parts.before) && right <= plus(left, this.parts.after);
  }

  /**
   * Returns when nothing more may join a record of an input: the watermark has passed the last time of the other one.
   *
   * @param {number} input
   * @param {Integer} at
   */
  closes(input, at) {
    const span = input === LEFT ? this.parts.after : this.parts.before;
    return plus(plus(plus(at, span), this.parts.lateness), 1);
  }
}
