// What an operator is, and how one is made and called.

import { Refusal } from "./refusal.js";

/**
 * Records of an input: fields one after the other with their lengths, or whole records.
 *
 * @typedef {{ format: "columns", count: number, fieldLens: Uint32Array, fields: Uint8Array }} ColumnBatch
 * @typedef {{ format: "records", lens: Uint32Array, bytes: Uint8Array }} RecordBatch
 * @typedef {ColumnBatch | RecordBatch} Batch
 */

/** @typedef {import("./context.js").Context} Context */

/**
 * An operator: see index.d.ts. Only `describe` and `process` must be there.
 *
 * @typedef {object} Operator
 * @property {() => any} describe
 * @property {(fromVersion: number, context: Context) => void} [migrate]
 * @property {(context: Context) => void} [open]
 * @property {(input: number, header: string[]) => void} [begin]
 * @property {(input: number, batch: Batch, context: Context) => void} process
 * @property {(input: number, batch: Batch) => Uint8Array[]} [route]
 * @property {(namespace: string, at: import("./integers.js").Integer, keys: Uint8Array[], context: Context) => void} [onTimers]
 * @property {(context: Context) => void} [finish]
 * @property {(start: boolean, limit: number, context: Context) => string[]} [results]
 */

const NEEDED = ["describe", "process"];
const KNOWN = ["migrate", "open", "begin", "route", "onTimers", "finish", "results"];

/** What makes an operator: a class, a function that returns one, or an object that `make` is a method of. */
const isMaker = (/** @type {any} */ of) => typeof of === "function" || typeof of?.make === "function";

/**
 * Makes an operator of what a module exports: a class, a function that returns one, windows, or an object that is one.
 *
 * @param {any} exported
 * @returns {Operator}
 */
export function made(exported) {
  const operator =
    typeof exported === "function" ? constructed(exported) : isMaker(exported) ? exported.make() : exported;
  const missing = NEEDED.filter((name) => typeof operator?.[name] !== "function");
  if (missing.length > 0) {
    throw new TypeError(
      `an operator has the methods ${NEEDED.join(", ")}, and this has no ${missing.join(" and no ")}: ${shown(operator)}`,
    );
  }
  for (const name of KNOWN) {
    if (operator[name] !== undefined && typeof operator[name] !== "function") {
      throw new TypeError(`${name} of an operator is a method, and not ${shown(operator[name])}`);
    }
  }
  return operator;
}

/** Whether an instance can be made again, with nothing of the one before in its memory. @param {any} exported */
export const isMadeEachTime = isMaker;

/** @param {any} maker */
function constructed(maker) {
  // A class cannot be called, and an arrow function cannot be constructed.
  return typeof maker.prototype?.process === "function" ? new maker() : maker();
}

/** @param {unknown} value */
function shown(value) {
  if (value === null || typeof value !== "object") return String(value);
  return `an object with ${Object.keys(value).join(", ") || "nothing"}`;
}

/**
 * Returns the keys that an operator says the records of a batch belong to, one for each record.
 *
 * @param {Operator} operator
 * @param {number} input
 * @param {Batch} batch
 * @returns {Uint8Array[]}
 */
export function routed(operator, input, batch) {
  if (operator.route === undefined) {
    throw new Refusal("the operator does not say which keys its records belong to, so its work cannot be divided");
  }
  const keys = operator.route(input, batch);
  const count = batch.format === "columns" ? batch.count : batch.lens.length;
  const isRight = Array.isArray(keys) && keys.length === count && keys.every((key) => key instanceof Uint8Array);
  if (!isRight)
    throw new TypeError(`route returns the bytes of a key for each record, as Name.bytes(name): ${count} here`);
  return keys;
}

/**
 * Has an operator rewrite the state that another version of it has left.
 *
 * @param {Operator} operator
 * @param {number} fromVersion
 * @param {Context} context
 */
export function migrated(operator, fromVersion, context) {
  if (operator.migrate === undefined) {
    throw new Refusal(`the operator does not know a state of schema version ${fromVersion}`);
  }
  return operator.migrate(fromVersion, context);
}

/**
 * Calls a method of an operator, which answers at once.
 *
 * @template T
 * @param {string} name
 * @param {() => T} call
 * @returns {T}
 */
export function answered(name, call) {
  const answer = call();
  if (typeof (/** @type {any} */ (answer)?.then) === "function") {
    throw new TypeError(`${name} of an operator answers at once: it cannot be async`);
  }
  return answer;
}
