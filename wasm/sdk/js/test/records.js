// Records for tests of windows, and what windows have emitted.

import { parseTime } from "../src/index.js";

/** Returns records of a few keys, up to 20 ms out of order. */
export function records(next, count) {
  return Array.from({ length: count }, (_, number) => ({
    key: ["a", "b", "c"][next(3)],
    at: number * 2 + next(20),
    number: next(100) - 50,
  }));
}

/** Returns records as CSV. */
export function csv(records) {
  return ["key,at,number", ...records.map(({ key, at, number }) => `${key},${at},${number}`), ""].join("\n");
}

/** Returns what windows have emitted: the key, the two times in milliseconds, and the value as it is written. */
export function shown(harness) {
  return harness.emitted().map((line) => {
    const { key, from, to } = JSON.parse(line);
    return [key, parseTime(from), parseTime(to), /"value":(.*)\}$/.exec(line)[1]];
  });
}
