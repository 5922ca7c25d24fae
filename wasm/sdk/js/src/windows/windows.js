// Windows by event time: tumbling, sliding, and sessions.
//
// All windows of a key are one entry of the state, and each window has a timer for its end. So both belong to the key
// when the state is divided.

import { Count, Max, Mean, Min, Sum } from "../aggregates.js";
import { keyed } from "../key_type.js";
import { placing, seenKeyType } from "../placing.js";
import { hours, milliseconds, minutes } from "../time.js";
import { Top } from "../top.js";
import { sessions, steps } from "./assign.js";
import { WindowsOperator } from "./operator.js";

/** A record is in at most so many windows. */
const WINDOWS_MAX = 1000;

/** Windows, before it is said which key they have. */
class Lengths {
  #lateness = 0;

  /** @param {import("./assign.js").Assign} assign */
  constructor(assign) {
    this.assign = assign;
  }

  /**
   * Allows records to come so much later than the end of their window, in milliseconds. The result is emitted at the
   * end, and again when the watermark moves next after such a record. Without it, none may come later.
   *
   * @param {number} ms
   */
  lateness(ms) {
    const allowed = new Lengths(this.assign);
    allowed.#lateness = milliseconds(ms);
    return allowed;
  }

  /**
   * Takes the key of each record from its row, and its time: the one that the row has, or what `at` returns. A record
   * without a time is refused.
   *
   * @param {import("../rows.js").Row} row
   * @param {(row: any) => any} keyOf
   * @param {{ at?: (row: any) => any, key?: import("../key_type.js").KeyType<any> }} [more]
   */
  by(row, keyOf, more) {
    return new Keyed({ ...placing(row, keyOf, more), assign: this.assign, lateness: this.#lateness });
  }
}

/** Windows of one length, each beginning where the one before it ends, at multiples of their length since 1970. */
export class Tumbling extends Lengths {
  /** Returns windows of this length. Less than a millisecond counts as one. @param {number} ms */
  static of(ms) {
    const length = Math.max(milliseconds(ms), 1);
    return new Tumbling(steps(length, length));
  }

  /** Returns windows of so many hours. @param {number} count */
  static hours(count) {
    return Tumbling.of(hours(count));
  }

  /** Returns windows of so many minutes. @param {number} count */
  static minutes(count) {
    return Tumbling.of(minutes(count));
  }
}

/** Windows of one length that overlap, because a window begins after each step. */
export class Sliding extends Lengths {
  /**
   * Returns windows of a length, of which one begins after each step. Less than a millisecond counts as one, and a
   * record is in at most 1,000 windows: a shorter step counts as a thousandth of the length.
   *
   * @param {number} ms
   * @param {number} stepMs
   */
  static of(ms, stepMs) {
    const length = Math.max(milliseconds(ms), 1);
    return new Sliding(steps(length, Math.max(milliseconds(stepMs), Math.floor(length / WINDOWS_MAX), 1)));
  }
}

/** Windows that begin with a record and end when no other has come for a gap. */
export class Session extends Lengths {
  /** Returns sessions that end after this gap. @param {number} ms */
  static gap(ms) {
    return new Session(sessions(Math.max(milliseconds(ms), 1)));
  }
}

/** Windows for each key, before it is said what they compute. */
class Keyed {
  /** @param {Omit<import("./operator.js").Parts, "name" | "aggregate">} parts */
  constructor(parts) {
    this.parts = parts;
  }

  /** Computes an aggregate. @param {import("../aggregates.js").Aggregate<any, any, any>} aggregate */
  aggregate(aggregate) {
    const missing = ["begin", "add", "join", "value", "write", "read"].filter(
      (name) => typeof (/** @type {any} */ (aggregate)?.[name]) !== "function",
    );
    if (missing.length > 0) throw new TypeError(`an aggregate has the methods ${missing.join(", ")}`);
    return new Windows({ ...this.parts, name: "", aggregate });
  }

  /** Counts the records. */
  count() {
    return this.aggregate(new Count());
  }

  /**
   * Adds up a number of each record, in their order. Records without it are passed over.
   *
   * @param {(row: any) => number | null} of
   */
  sum(of) {
    return this.aggregate(new Sum(of));
  }

  /**
   * Computes the mean of a number of each record. Records without it are passed over.
   *
   * @param {(row: any) => number | null} of
   */
  mean(of) {
    return this.aggregate(new Mean(of));
  }

  /**
   * Finds the least of a number of each record. Records without it are passed over.
   *
   * @param {(row: any) => number | null} of
   */
  min(of) {
    return this.aggregate(new Min(of));
  }

  /**
   * Finds the greatest of a number of each record. Records without it are passed over.
   *
   * @param {(row: any) => number | null} of
   */
  max(of) {
    return this.aggregate(new Max(of));
  }

  /**
   * Finds the most frequent items of the records. Each record has one, of the type of a key.
   *
   * @param {number} limit
   * @param {(row: any) => any} of
   * @param {{ item?: import("../key_type.js").KeyType<any> }} [more]
   */
  top(limit, of, { item } = {}) {
    if (typeof of !== "function") throw new TypeError("the item is a function of a row, as (it) => it.dest");
    const itemType = item === undefined ? seenKeyType(this.parts.row, of, "top(…, …, { item: text })") : keyed(item);
    return this.aggregate(new Top(limit, of, itemType));
  }
}

/**
 * An operator that computes an aggregate for each key and window.
 *
 * It has the input `records` and the outputs `windows` and `late`. When the watermark has reached the end of a window,
 * it emits a line `{"key": …, "from": …, "to": …, "value": …}` to the first, the windows of one end in the order of
 * their keys. A record that comes too late for all of its windows is a line `{"key": …, "time": …}` of the second, and
 * changes nothing.
 */
export class Windows {
  #parts;

  /** @param {import("./operator.js").Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * Sets the name of the operator, which its state belongs to. Without it, that is the name of its file.
   *
   * @param {string} name
   */
  named(name) {
    return new Windows({ ...this.#parts, name });
  }

  /** Makes the operator. */
  make() {
    return new WindowsOperator(this.#parts);
  }
}
