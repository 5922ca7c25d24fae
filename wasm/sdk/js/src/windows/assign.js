// Which windows a time is in.

import { plus, remainder, times } from "../integers.js";

/**
 * A window: from a time up to another, which is not included.
 *
 * @typedef {{ from: Integer, to: Integer }} Window
 * @typedef {import("../integers.js").Integer} Integer
 */

/**
 * How windows lie: one of a length begins after each step, or they end when nothing has come for a gap, and those that
 * touch are one.
 *
 * @typedef {{ windows: (time: Integer) => Window[], touch: (a: Window, b: Window) => boolean }} Assign
 */

/**
 * Windows of a length, of which one begins after each step, at multiples of it since 1970.
 *
 * @param {number} length
 * @param {number} step
 * @returns {Assign}
 */
export function steps(length, step) {
  return {
    windows(time) {
      const left = remainder(time, step);
      const last = plus(time, -left);
      // How many begin at the last step before the time, or at one before that, and still have it.
      const count = Math.floor((length - 1 - left) / step) + 1;
      const first = plus(last, times(-step, count - 1));
      return Array.from({ length: Math.max(count, 0) }, (_, number) => {
        const from = plus(first, times(step, number));
        return { from, to: plus(from, length) };
      });
    },
    touch: isSame,
  };
}

/**
 * Sessions that end after a gap. The window of a time is the session of this time alone.
 *
 * @param {number} gap
 * @returns {Assign}
 */
export function sessions(gap) {
  return {
    windows: (time) => [{ from: time, to: plus(time, gap) }],
    touch: (a, b) => a.from <= b.to && b.from <= a.to,
  };
}

/** @param {Window} a @param {Window} b */
export function isSame(a, b) {
  return a.from === b.from && a.to === b.to;
}

/** Returns the window that has both. @param {Window} a @param {Window} b @returns {Window} */
export function joined(a, b) {
  return { from: b.from < a.from ? b.from : a.from, to: b.to > a.to ? b.to : a.to };
}

/** Whether a window comes before another: it begins earlier, or ends earlier. @param {Window} a @param {Window} b */
export function isBefore(a, b) {
  return a.from < b.from || (a.from === b.from && a.to < b.to);
}
