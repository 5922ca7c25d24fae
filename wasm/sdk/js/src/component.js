// An operator as a component: the exports of the world, and its imports as a host. Only a component can load this.

import * as logging from "alluvium:checkpoint/logging@0.2.0";
import * as sink from "alluvium:checkpoint/sink@0.2.0";
import * as state from "alluvium:checkpoint/state@0.2.0";
import * as clocks from "alluvium:checkpoint/time@0.2.0";

import { packed, split } from "./bytes.js";
import { Context } from "./context.js";
import { described } from "./description.js";
import { answered, made, migrated, routed } from "./operators.js";
import { Refusal } from "./refusal.js";
import { clockOf, columns, declared, entries, timeOf } from "./wire.js";

/** @typedef {import("./context.js").Entry} Entry */
/** @typedef {import("./context.js").Host} Host */
/** @typedef {import("./integers.js").Integer} Integer */

const PUT = 0;
const DELETE = 1;
const MERGE = 2;
const NONE = new Uint8Array(0);
/** How many calls are named that led to a bug. */
const STACK_LINES = 4;

/**
 * Returns the exports of a component with this operator. Only the world of an operator that migrates has `migration`.
 *
 * @param {any} exported What the module of the operator exports.
 * @param {string} name The name of an operator without one.
 */
export function component(exported, name) {
  const operator = made(exported);
  const description = described(
    answered("describe", () => operator.describe()),
    name,
  );
  const host = new Imports();
  /** @type {import("./context.js").Parameters} */
  let parameters = new Map();

  /**
   * Calls the operator, and writes what it has changed.
   *
   * @template T
   * @param {string} name
   * @param {(context: Context) => T} call
   * @returns {T}
   */
  const calling = (name, call) => {
    const context = new Context(host, parameters);
    const answer = answered(name, () => call(context));
    context.flush();
    return answer;
  };
  const queues = description.namespaces.filter(({ kind }) => kind === "timers").map((queue) => queue.name);

  return {
    operator: {
      describe: () => ({
        ...description,
        namespaces: description.namespaces.map(declared),
      }),
      open: (/** @type {any} */ { settings }) =>
        refusing(() => {
          parameters = new Map(
            settings.map((/** @type {any} */ { name, value, previous }) => [name, { value, previous }]),
          );
          calling("open", (context) => operator.open?.(context));
        }),
      begin: (/** @type {number} */ input, /** @type {string[]} */ header) =>
        refusing(() => void answered("begin", () => operator.begin?.(input, header))),
      process: (/** @type {number} */ input, /** @type {any} */ { tag, val }) =>
        refusing(
          () => void calling("process", (context) => operator.process(input, { format: tag, ...val }, context)),
          failureOf,
        ),
      results: (/** @type {boolean} */ start, /** @type {number} */ limit) =>
        refusing(() => calling("results", (context) => operator.results?.(start, limit, context) ?? [])),
    },
    migration: {
      migrate: (/** @type {number} */ fromVersion) =>
        refusing(() => void calling("migrate", (context) => migrated(operator, fromVersion, context))),
    },
    timed: {
      onTimers: (/** @type {number} */ namespace, /** @type {bigint} */ at, /** @type {any} */ { lens, bytes }) =>
        refusing(
          () =>
            void calling("onTimers", (context) => {
              const queue = queues.find((name) => host.namespace(name) === namespace);
              if (queue === undefined)
                throw new Refusal(`there is no namespace of number ${namespace} that holds timers`);
              if (operator.onTimers === undefined) throw new Refusal(`there is no work for the timers of ${queue}`);
              return operator.onTimers(queue, timeOf(at), split(lens, bytes), context);
            }),
        ),
      finish: () => refusing(() => void calling("finish", (context) => operator.finish?.(context))),
    },
    keyed: {
      route: (/** @type {number} */ input, /** @type {any} */ { tag, val }) =>
        refusing(() => packed(answered("route", () => routed(operator, input, { format: tag, ...val }))), failureOf),
    },
  };
}

/** Returns a refusal as the interface has that of a batch. @param {Refusal} refusal */
const failureOf = ({ record, text }) => ({ record, text });

/**
 * Runs a call, and throws the value of its error if it is refused. Everything else that is thrown ends the plugin.
 *
 * @template T
 * @param {() => T} call
 * @param {(refusal: Refusal) => unknown} [value]
 * @returns {T}
 */
function refusing(call, value = (refusal) => refusal.message) {
  try {
    return call();
  } catch (error) {
    if (error instanceof Refusal) throw value(error);
    // The code between this module and the host does not say what was thrown, and takes what has members of an error's
    // value for one. An Error without any ends the plugin.
    const where = error instanceof Error && error.stack?.split("\n").slice(0, STACK_LINES).join("\n");
    console.error(where ? `${error.name}: ${error.message}\n${where}` : `thrown: ${String(error)}`);
    throw new Error("the operator has a bug");
  }
}

/**
 * Asks the host. What it refuses has a text, alone or in a case of an error.
 *
 * @template T
 * @param {() => T} question
 * @returns {T}
 */
function asked(question) {
  try {
    return question();
  } catch (error) {
    const { payload } = /** @type {any} */ (error);
    const text = payload?.val ?? payload;
    throw typeof text === "string" ? new Refusal(text) : error;
  }
}

/**
 * The imports of the component.
 *
 * @implements {Host}
 */
class Imports {
  /** @type {Map<string, number>} */
  #numbers = new Map();
  /** @type {any} */
  #walk = undefined;

  /** @param {string} name */
  namespace(name) {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = asked(() => state.namespace(name));
    this.#numbers.set(name, number);
    return number;
  }

  /** @param {number} namespace @param {Uint8Array[]} keys @returns {(Uint8Array | undefined)[]} */
  getMany(namespace, keys) {
    const found = asked(() => state.getMany(namespace, packed(keys)));
    return split(found.lens, found.bytes).map((value, at) => (found.present[at] === 1 ? value : undefined));
  }

  /** @param {number} namespace @param {[Uint8Array, Uint8Array | null][]} changes */
  apply(namespace, changes) {
    const ops = new Uint8Array(changes.length);
    for (let at = 0; at < ops.length; at += 1) ops[at] = changes[at][1] === null ? DELETE : PUT;
    asked(() => state.apply(namespace, columns(ops, changes)));
  }

  /** @param {number} namespace @param {[Uint8Array, Uint8Array][]} changes */
  merge(namespace, changes) {
    asked(() => state.apply(namespace, columns(new Uint8Array(changes.length).fill(MERGE), changes)));
  }

  /**
   * @param {number} namespace
   *
   * @param {Uint8Array} from
   * @param {Uint8Array | undefined} to
   * @param {boolean} reverse
   * @param {number} limit
   */
  scan(namespace, from, to, reverse, limit) {
    return entries(asked(() => state.scan(namespace, from, to, reverse, limit)));
  }

  /** @param {number} namespace @param {Uint8Array} from @param {Uint8Array | undefined} to */
  deleteRange(namespace, from, to) {
    return Number(asked(() => state.deleteRange(namespace, from, to)));
  }

  /** @param {number} namespace @param {boolean} start @param {number} limit */
  page(namespace, start, limit) {
    if (start) this.#walk = asked(() => state.iterate(namespace, NONE));
    if (this.#walk === undefined) throw new Refusal("the next page was asked for before the first");
    return entries(asked(() => this.#walk.next(limit)));
  }

  /** @param {number} namespace @param {Integer} at @param {Uint8Array} key */
  setTimer(namespace, at, key) {
    asked(() => before1970(at, () => clocks.setTimer(namespace, BigInt(at), key)));
  }

  /** @param {number} namespace @param {Integer} at @param {Uint8Array} key */
  deleteTimer(namespace, at, key) {
    return asked(() => before1970(at, () => clocks.deleteTimer(namespace, BigInt(at), key)));
  }

  watermark() {
    return clockOf(clocks.watermark());
  }

  processingTime() {
    return clockOf(clocks.processingTime());
  }

  /** @param {number} output @param {Uint8Array} record */
  emit(output, record) {
    asked(() => sink.emit(output, record));
  }

  /** @param {import("./context.js").Level} level @param {string} message */
  log(level, message) {
    logging.log(level, message);
  }
}

// The code between this module and the host has globals of its own, which its objects lead to.
const { constructor: ObjectThere } = Object.getPrototypeOf(Object.getPrototypeOf(clocks.setTimer));
const BigIntThere = ObjectThere(0n).constructor;

/**
 * Calls the host with a time that may be before 1970.
 *
 * componentize-js ends the plugin if it is to pass a negative number of 64 bits (its issue 343), which that code makes
 * with BigInt.asIntN. The same bits without a sign pass, and the host reads them with a sign.
 *
 * @template T
 * @param {Integer} at
 * @param {() => T} call
 * @returns {T}
 */
function before1970(at, call) {
  if (at >= 0) return call();
  const { asIntN } = BigIntThere;
  BigIntThere.asIntN = BigIntThere.asUintN;
  try {
    return call();
  } finally {
    BigIntThere.asIntN = asIntN;
  }
}
