// Which keys are watched, and keys as texts that can be compared and looked up.

import { ENDS, type KeyRange, within } from "../range.js";
import { type Bytes, bytesOf } from "../text.js";

/** Which keys are watched: one key, or those of a range. `{}` is all keys. Any namespace can be watched by range. */
export type Where = Bytes | Pick<KeyRange, "from" | "to" | "prefix">;

/** The range of ids that is watched. */
export interface Wanted {
  from: string;
  to: string | undefined;
  /** Whether it is the one key `from`. */
  isKey: boolean;
}

/** So many bytes are made into a text by one call. */
const PIECE = 4096;

/**
 * Returns a key's id: a text with one unit for each byte. Ids are in the order of the keys' bytes. The id of a key that
 * is an ASCII text is that text.
 */
export function idOf(key: Bytes): string {
  if (typeof key === "string" && /^[\0-\x7f]*$/.test(key)) return key;
  const bytes = bytesOf(key);
  let id = "";
  for (let at = 0; at < bytes.length; at += PIECE) id += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return id;
}

/** Returns the key of an id. */
export function keyOf(id: string): Uint8Array {
  const key = new Uint8Array(id.length);
  for (let at = 0; at < id.length; at++) key[at] = id.charCodeAt(at);
  return key;
}

/** Returns the range of ids that somebody wants to watch. */
export function wantedBy(where: Where): Wanted {
  if (typeof where === "string" || where instanceof Uint8Array) {
    const from = idOf(where);
    return { from, to: `${from}\0`, isKey: true };
  }
  const { from, to } = within(where, "a range that is watched", ENDS);
  return { from: idOf(from), to: to === undefined ? undefined : idOf(to), isKey: false };
}

/** Returns whether an id is in a range. */
export const includes = ({ from, to }: Pick<Wanted, "from" | "to">, id: string): boolean => id >= from && (to === undefined || id < to);

/** Returns whether two ranges have ids in common. */
export const overlap = (a: Pick<Wanted, "from" | "to">, b: Pick<Wanted, "from" | "to">): boolean =>
  (b.to === undefined || a.from < b.to) && (a.to === undefined || b.from < a.to);
