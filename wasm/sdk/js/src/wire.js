// Values as the interfaces of a component have them.

import { packed, split } from "./bytes.js";
import { integerOf } from "./integers.js";

/** @typedef {import("./context.js").Entry} Entry */

const NONE = new Uint8Array(0);

/** Reads a time, which comes with a sign or without. @param {bigint} time */
export const timeOf = (time) => integerOf(BigInt.asIntN(64, time));

/** Reads a clock, which may have no time yet. @param {bigint | undefined} time */
export const clockOf = (time) => (time === undefined ? null : timeOf(time));

/** Returns a batch of mutations. @param {Uint8Array} ops @param {[Uint8Array, Uint8Array | null][]} changes */
export function columns(ops, changes) {
  const keys = packed(changes.map((change) => change[0]));
  const values = packed(changes.map((change) => change[1] ?? NONE));
  return { ops, keyLens: keys.lens, valueLens: values.lens, keys: keys.bytes, values: values.bytes };
}

/** Reads a page of entries. @param {any} page @returns {Entry[]} */
export function entries({ keyLens, valueLens, keys, values }) {
  const found = split(valueLens, values);
  return split(keyLens, keys).map((key, at) => [key, found[at]]);
}

/** Returns a namespace as the interface declares it. @param {import("./description.js").Namespace} namespace */
export function declared(namespace) {
  const { name, expires, merge } = namespace;
  const val =
    namespace.kind === "ordered" ? namespace.bytes : namespace.kind === "timers" ? namespace.clock : undefined;
  return {
    name,
    kind: { tag: namespace.kind, val },
    expires: expires && { domain: expires.clock, afterMs: BigInt(expires.afterMs) },
    merge,
  };
}
