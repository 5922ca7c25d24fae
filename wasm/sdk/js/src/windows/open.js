// The windows of a key that are open, as one value of the state.
//
// For each window, in their order: the two times and the length of what it keeps, eight, eight and four bytes,
// little-endian, and what it keeps.

import { readInteger, writeInteger } from "../integers.js";

/**
 * A window and what was computed of its records.
 *
 * @typedef {{ window: import("./assign.js").Window, kept: any }} Open
 * @typedef {import("../aggregates.js").Aggregate<any, any, any>} Aggregate
 */

const TO = 8;
const LEN = 16;
const HEAD = 20;

/**
 * Writes the windows of a key.
 *
 * @param {Aggregate} aggregate
 * @param {Open[]} open
 * @returns {Uint8Array}
 */
export function write(aggregate, open) {
  const all = open.map(({ kept }) => aggregate.write(kept));
  let length = 0;
  for (const kept of all) length += HEAD + kept.length;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (let index = 0; index < all.length; index += 1) {
    const kept = all[index];
    writeInteger(view, at, open[index].window.from);
    writeInteger(view, at + TO, open[index].window.to);
    view.setUint32(at + LEN, kept.length, true);
    bytes.set(kept, at + HEAD);
    at += HEAD + kept.length;
  }
  return bytes;
}

/**
 * Reads the windows of a key, or returns undefined if the bytes are none.
 *
 * @param {Aggregate} aggregate
 * @param {Uint8Array} bytes
 * @returns {Open[] | undefined}
 */
export function read(aggregate, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const open = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < HEAD) return undefined;
    const window = { from: readInteger(view, at), to: readInteger(view, at + TO) };
    const len = view.getUint32(at + LEN, true);
    at += HEAD;
    if (bytes.length - at < len) return undefined;
    const kept = aggregate.read(bytes.subarray(at, at + len));
    if (kept === undefined) return undefined;
    open.push({ window, kept });
    at += len;
  }
  return open;
}
