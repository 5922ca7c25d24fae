// Windows as an operator.

import { bytesOf, utf8 } from "../bytes.js";
import { hashed, timers } from "../description.js";
import { time as timeType } from "../fixed_keys.js";
import { plus } from "../integers.js";
import { Placer, placeLine } from "../placing.js";
import { Refusal, blaming } from "../refusal.js";
import { isBefore, isSame, joined } from "./assign.js";
import * as open from "./open.js";

/**
 * @typedef {import("../context.js").Context} Context
 * @typedef {import("../context.js").Host} Host
 * @typedef {import("../integers.js").Integer} Integer
 * @typedef {import("../operators.js").Batch} Batch
 * @typedef {import("./assign.js").Window} Window
 * @typedef {import("./open.js").Open} Open
 */

/**
 * A key with its windows, and a record with its place in a batch.
 *
 * @typedef {{ bytes: Uint8Array, windows: Open[] }} Windowed
 * @typedef {{ record: number, row: any, key: any, of: Windowed, time: Integer }} Placed
 */

/**
 * What windows are made of, besides how records are placed.
 *
 * @typedef {object} More
 * @property {string} name
 * @property {import("./assign.js").Assign} assign
 * @property {number} lateness
 * @property {import("../aggregates.js").Aggregate<any, any, any>} aggregate
 *
 * @typedef {import("../placing.js").Placing & More} Parts
 */

// The namespace of the windows that are open, and that of their ends.
const OPEN = "windows";
const ENDS = "ends";

// The outputs by number.
const WINDOWS = 0;
const LATE = 1;

const NO_BYTES = new Uint8Array(0);

/** The operator that `Windows` makes. */
export class WindowsOperator {
  /** @param {Parts} parts */
  constructor(parts) {
    this.parts = parts;
    this.placer = new Placer(parts);
  }

  describe() {
    return {
      name: this.parts.name,
      inputs: ["records"],
      outputs: ["windows", "late"],
      namespaces: [hashed(OPEN), timers(ENDS)],
    };
  }

  /** @param {number} _input @param {string[]} header */
  begin(_input, header) {
    this.placer.begin(header);
  }

  /** @param {number} _input @param {Batch} batch @param {Context} context */
  process(_input, batch, context) {
    const { host } = context;
    const { keyType } = this.parts;
    /** The keys of the batch with their windows, in the order in which the batch has them. */
    const keys = /** @type {Map<string, Windowed>} */ (new Map());
    /** @type {Placed[]} */
    const placed = this.placer.place(batch).map(({ record, row, key, name, time }) => {
      let of = keys.get(name);
      if (of === undefined) keys.set(name, (of = { bytes: bytesOf(name), windows: [] }));
      return { record, row, key, of, time };
    });
    const all = [...keys.values()];
    const found = this.read(
      all.map(({ bytes }) => bytes),
      host,
    );
    for (let at = 0; at < all.length; at += 1) all[at].windows = found[at];

    const clock = { watermark: host.watermark(), ends: host.namespace(ENDS) };
    const late = placed.filter((it) => !this.add(it, clock, host));
    this.write(all, host);
    for (const each of late) host.emit(LATE, placeLine(keyType, each));
  }

  /** Returns the key of each record. @param {number} _input @param {Batch} batch */
  route(_input, batch) {
    return this.placer.route(batch);
  }

  /** @param {string} _namespace @param {Integer} at @param {Uint8Array[]} keys @param {Context} context */
  onTimers(_namespace, at, keys, { host }) {
    const { aggregate, keyType } = this.parts;
    const all = this.read(keys, host).map((windows, index) => ({ bytes: keys[index], windows }));
    all.forEach((of) => {
      const name = keyType.write(keyType.of(of.bytes));
      of.windows.forEach(({ window, kept }) => {
        if (window.to !== at) return;
        const times = `"from":${timeType.write(window.from)},"to":${timeType.write(window.to)}`;
        host.emit(WINDOWS, utf8(`{"key":${name},${times},"value":${aggregate.type.write(aggregate.value(kept))}}`));
      });
      of.windows = of.windows.filter(({ window }) => this.closes(window) > at);
    });
    this.write(all, host);
  }

  /** Reads the open windows of keys. @param {Uint8Array[]} keys @param {Host} host @returns {Open[][]} */
  read(keys, host) {
    return host.getMany(host.namespace(OPEN), keys).map((bytes) => {
      const windows = open.read(this.parts.aggregate, bytes ?? NO_BYTES);
      if (windows === undefined) throw new Refusal("an entry of the windows is none");
      return windows;
    });
  }

  /**
   * Writes the open windows of keys. A key without windows goes away.
   *
   * @param {Windowed[]} all
   * @param {Host} host
   */
  write(all, host) {
    const change = (/** @type {Windowed} */ { bytes, windows }) =>
      /** @type {[Uint8Array, Uint8Array | null]} */ ([
        bytes,
        windows.length === 0 ? null : open.write(this.parts.aggregate, windows),
      ]);
    host.apply(host.namespace(OPEN), all.map(change));
  }

  /** Returns when nothing more may come for a window. @param {Window} window */
  closes(window) {
    return plus(window.to, this.parts.lateness);
  }

  /**
   * Deletes the timers of a window that is a part of another one now, but none that another open window of the key has,
   * too. A timer is a time and a key, so one timer stands for both windows if one closes when the other ends.
   *
   * @param {Window} window
   * @param {Open[]} others
   * @param {number} ends
   * @param {Uint8Array} key
   * @param {Host} host
   */
  deleteTimers(window, others, ends, key, host) {
    const times = (/** @type {Window} */ of) => [of.to, this.closes(of)];
    const needed = new Set(others.flatMap((other) => times(other.window)));
    times(window).forEach((at) => {
      if (!needed.has(at)) host.deleteTimer(ends, at, key);
    });
  }

  /**
   * Adds a record to the windows of its key. Returns whether it was in time for one of them.
   *
   * @param {Placed} placed
   * @param {{ watermark: Integer | null, ends: number }} clock
   * @param {Host} host
   */
  add({ record, row, of, time }, { watermark, ends }, host) {
    const { aggregate, assign, lateness } = this.parts;
    let isInTime = false;
    assign.windows(time).forEach((window) => {
      const touches = (/** @type {Open} */ other) => assign.touch(other.window, window);
      const before = of.windows.filter(touches);
      // A session that was joined is in time if the whole is.
      const whole = before.reduce((all, other) => joined(all, other.window), window);
      if (watermark !== null && this.closes(whole) <= watermark) return;
      isInTime = true;
      const rest = of.windows.filter((other) => !touches(other));
      before.forEach((other) => {
        if (!isSame(other.window, whole)) this.deleteTimers(other.window, rest, ends, of.bytes, host);
      });
      const hasEnded = watermark !== null && whole.to <= watermark;
      if (hasEnded || !before.some((other) => isSame(other.window, whole))) {
        // One that has ended is emitted again.
        host.setTimer(ends, whole.to, of.bytes);
        if (lateness > 0) host.setTimer(ends, this.closes(whole), of.bytes);
      }
      const earlier = before.map(({ kept }) => kept);
      const kept =
        earlier.length === 0 ? aggregate.begin() : earlier.reduce((all, later) => aggregate.join(all, later));
      const at = rest.findIndex((other) => !isBefore(other.window, whole));
      rest.splice(at < 0 ? rest.length : at, 0, {
        window: whole,
        kept: blaming(record, () => aggregate.add(kept, row)),
      });
      of.windows = rest;
    });
    return isInTime;
  }
}
