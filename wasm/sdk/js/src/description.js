// What an operator says of itself.

/**
 * @typedef {"event" | "processing"} Clock
 * @typedef {"columns" | "lines" | "records"} Format
 * @typedef {{ name: string, format: Format }} Port
 * @typedef {{ kind: "hashed" } | { kind: "ordered", bytes: number } | { kind: "timers", clock: Clock }} Kind
 * @typedef {"add" | "min" | "max" | "append" | "set-union"} Merge
 * @typedef {{ clock: Clock, afterMs: number }} Expiry
 * @typedef {Kind & { name: string, expires?: Expiry, merge?: Merge }} Namespace
 * @typedef {{ name: string, default?: string, doc: string }} Parameter
 * @typedef {object} Description
 * @property {string} name
 * @property {number} schemaVersion
 * @property {Port[]} inputs
 * @property {Port[]} outputs
 * @property {Namespace[]} namespaces
 * @property {Parameter[]} parameters
 */

const CLOCKS = ["event", "processing"];
const KINDS = ["hashed", "ordered", "timers"];
const MERGES = ["add", "min", "max", "append", "set-union"];

/**
 * A namespace of timers by a clock: the time in the records, or that of the machine.
 *
 * @param {string} name
 * @param {Clock} [clock]
 * @returns {Namespace}
 */
export function timers(name, clock = "event") {
  return { name, kind: "timers", clock };
}

/**
 * A namespace whose entries are kept by the hash of their key.
 *
 * @param {string} name
 * @param {{ expires?: Expiry, merge?: Merge }} [more]
 * @returns {Namespace}
 */
export function hashed(name, more = {}) {
  return { name, kind: "hashed", ...more };
}

/**
 * A namespace whose entries are in the order of their keys, of which so many bytes at the start say who owns a key.
 *
 * @param {string} name
 * @param {number} bytes
 * @param {{ expires?: Expiry, merge?: Merge }} [more]
 * @returns {Namespace}
 */
export function ordered(name, bytes, more = {}) {
  return { name, kind: "ordered", bytes, ...more };
}

/**
 * Completes and checks what `describe` returns. Mistakes are TypeErrors, because they are bugs.
 *
 * @param {any} said
 * @param {string} name The name of an operator without one.
 * @returns {Description}
 */
export function described(said, name) {
  if (said === null || typeof said !== "object") throw new TypeError("describe returns an object");
  const known = ["name", "schemaVersion", "inputs", "outputs", "namespaces", "parameters"];
  const unknown = Object.keys(said).filter((member) => !known.includes(member));
  check(unknown.length === 0, `a description has no ${unknown.join(", ")}: it has ${known.join(", ")}`);
  const { schemaVersion = 1, inputs = [], outputs = [], namespaces = [], parameters = [] } = said;
  check(inputs.length > 0, "an operator has an input");
  check(Number.isInteger(schemaVersion) && schemaVersion >= 0, "schemaVersion is a whole number");
  return {
    name: text(said.name || name, "the name of an operator"),
    schemaVersion,
    inputs: inputs.map((/** @type {any} */ it) => port(it, "columns")),
    outputs: outputs.map((/** @type {any} */ it) => port(it, "lines")),
    namespaces: namespaces.map(namespaceOf),
    parameters: parameters.map(parameter),
  };
}

/** @param {boolean} isRight @param {string} what */
function check(isRight, what) {
  if (!isRight) throw new TypeError(what);
}

/** @param {any} value @param {string} what @returns {string} */
function text(value, what) {
  check(typeof value === "string" && value !== "", `${what} is a text, and not ${JSON.stringify(value)}`);
  return value;
}

/** @param {any} it @param {Format} usual @returns {Port} */
function port(it, usual) {
  const { name, format = usual } = typeof it === "string" ? { name: it } : it;
  check(format === usual || format === "records", `${name}: a format is ${usual} or records, and not ${format}`);
  return { name: text(name, "the name of an input or output"), format };
}

/** Takes a namespace, or state that has one. @param {any} it @returns {Namespace} */
function namespaceOf(it) {
  const { name, kind, bytes, clock, expires, merge } = typeof it?.namespace === "function" ? it.namespace() : it;
  const of = (/** @type {string} */ what) => `namespace ${JSON.stringify(name)}: ${what}`;
  text(name, "the name of a namespace");
  check(KINDS.includes(kind), of(`a kind is ${KINDS.join(", ")}, and not ${kind}`));
  check(
    kind !== "ordered" || (Number.isInteger(bytes) && bytes > 0),
    of("at least one byte of a key says who owns it"),
  );
  check(kind !== "timers" || CLOCKS.includes(clock), of(`a clock is ${CLOCKS.join(" or ")}, and not ${clock}`));
  check(kind !== "timers" || (expires === undefined && merge === undefined), of("timers neither expire nor merge"));
  check(
    merge === undefined || MERGES.includes(merge),
    of(`values are merged by ${MERGES.join(", ")}, and not ${merge}`),
  );
  if (expires !== undefined) {
    check(CLOCKS.includes(expires.clock), of(`a clock is ${CLOCKS.join(" or ")}, and not ${expires.clock}`));
    check(
      Number.isSafeInteger(expires.afterMs) && expires.afterMs > 0,
      of("entries expire after one millisecond or more"),
    );
  }
  return { name, kind, bytes, clock, expires, merge };
}

/** @param {any} it @returns {Parameter} */
function parameter(it) {
  const { name, default: usual, doc = "" } = it;
  check(usual === undefined || typeof usual === "string", `parameter ${name}: its default is a text`);
  return { name: text(name, "the name of a parameter"), default: usual, doc };
}
