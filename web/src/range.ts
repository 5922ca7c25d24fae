import { members, refuse } from "./checks.js";
import { type Bytes, bytesOf } from "./text.js";

/** A range of keys of an ordered namespace. Without an end, it is all keys. */
export interface KeyRange {
  /** The first key of the range. */
  from?: Bytes | undefined;
  /** The key at which the range ends, which is not in it. */
  to?: Bytes | undefined;
  /** Only keys that start with this. */
  prefix?: Bytes | undefined;
  /** Whether the last entry comes first. */
  reverse?: boolean | undefined;
  /** The most entries. There is no limit by default. */
  limit?: number | undefined;
}

/** A range of keys with both ends, of which the upper one may be open. */
export interface Resolved {
  from: Bytes;
  to: Bytes | undefined;
  reverse: boolean;
  limit: number;
}

/** The members of a range without an order: those that say which keys are in it. */
export const ENDS = ["from", "to", "prefix"] as const;

/**
 * Returns the one range that `from`, `to` and `prefix` have in common. `what` names the range in an error. A member that
 * is misspelt would make the range larger, so it is refused.
 */
export function within(range: KeyRange, what = "a range", allowed: readonly string[] = [...ENDS, "reverse", "limit"]): Resolved {
  const { from, to, prefix, reverse = false, limit = Number.MAX_SAFE_INTEGER } = members(what, range, allowed);
  if (!Number.isSafeInteger(limit) || limit < 0) refuse(`limit: ${String(limit)} is not a number of entries`);
  if (typeof reverse !== "boolean") refuse(`reverse: ${String(reverse)} is not a boolean`);
  if (prefix === undefined) return { from: from ?? "", to, reverse, limit };
  const lower = bytesOf(prefix);
  const upper = behind(lower);
  const isLater = from !== undefined && compare(bytesOf(from), lower) > 0;
  const isEarlier = to !== undefined && (upper === undefined || compare(bytesOf(to), upper) < 0);
  return { from: isLater ? from : lower, to: isEarlier ? to : upper, reverse, limit };
}

/** Returns the first key behind all keys that start with a prefix. There is none if all bytes of it are 255. */
function behind(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return undefined;
  const key = prefix.slice(0, length);
  key[length - 1]!++;
  return key;
}

/** Returns the first key behind a key. */
export function after(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

/** Compares two keys in the order of their bytes. */
function compare(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) if (a[at] !== b[at]) return a[at]! - b[at]!;
  return a.length - b.length;
}
