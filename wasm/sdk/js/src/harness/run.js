// An instance of an operator over a state in memory.

import { bytesOf, packed, utf8 } from "../bytes.js";
import { Context } from "../context.js";
import { described } from "../description.js";
import { answered, made, migrated, routed } from "../operators.js";
import { Refusal } from "../refusal.js";
import { csv } from "./csv.js";
import { MemoryHost } from "./host.js";

/**
 * @typedef {import("../description.js").Clock} Clock
 * @typedef {import("../integers.js").Integer} Integer
 * @typedef {import("./host.js").Kept} Kept
 */

/** How many timers one call has at most, as a host has it. */
const TIMERS_PER_CALL = 4096;
/** How many results are asked for at a time. */
const RESULTS_PAGE = 100;
const EVENT = /** @type {Clock} */ ("event");
const PROCESSING = /** @type {Clock} */ ("processing");

export class Run {
  /** The columns of each input that was begun. @type {Map<number, string[]>} */
  #headers = new Map();

  /** The values of parameters that a checkpoint keeps. @type {Map<string, string>} */
  #settings;

  /** @param {any} exported @param {Kept} [kept] */
  constructor(exported, kept) {
    this.operator = made(exported);
    this.description = descriptionOf(this.operator);
    this.host = new MemoryHost(this.description, kept);
    this.#settings = new Map(kept?.settings);
    /** @type {import("../context.js").Parameters} */
    this.parameters = new Map();
  }

  /** Starts the run. @param {Map<string, string>} given The parameters. */
  open(given) {
    this.parameters = settings(this.description.parameters, given, this.#settings);
    for (const [name, { value }] of this.parameters) this.#settings.set(name, value);
    this.#call("open", (context) => this.operator.open?.(context));
  }

  /** Has the operator rewrite the state of another version, and returns what a checkpoint keeps. @param {number} from */
  migrate(from) {
    this.#call("migrate", (context) => migrated(this.operator, from, context));
    if (this.host.emitted.some((records) => records.length > 0)) {
      throw new Refusal("it emitted something: only a batch may");
    }
    return this.keep();
  }

  /** Returns what a checkpoint keeps. @returns {Kept} */
  keep() {
    const { tables, undeclared, clocks } = this.host;
    const kept = [...tables, ...undeclared].map((table) => table.copy());
    return { tables: kept, clocks: { ...clocks }, settings: new Map(this.#settings) };
  }

  /** Reads records of an input, and begins it if need be. @param {number | string} input @param {string} text */
  #read(input, text) {
    const number = this.#input(input, "columns");
    const [header = [], ...records] = csv(text);
    if (JSON.stringify(this.#headers.get(number)) !== JSON.stringify(header)) {
      answered("begin", () => this.operator.begin?.(number, header));
      this.#headers.set(number, header);
    }
    const { lens, bytes } = packed(records.flat().map(utf8));
    const batch = /** @type {const} */ ({ format: "columns", count: records.length, fieldLens: lens, fields: bytes });
    return { number, batch };
  }

  /** @param {number | string} input @param {string} text */
  feed(input, text) {
    const { number, batch } = this.#read(input, text);
    this.#call("process", (context) => this.operator.process(number, batch, context));
  }

  /** @param {number | string} input @param {string} text */
  route(input, text) {
    const { number, batch } = this.#read(input, text);
    return answered("route", () => routed(this.operator, number, batch));
  }

  /** Returns a batch of whole records. @param {number | string} input @param {(string | Uint8Array)[]} records */
  #whole(input, records) {
    const number = this.#input(input, "records");
    const parts = records.map((record) => (typeof record === "string" ? utf8(record) : record));
    const batch = /** @type {const} */ ({ format: "records", ...packed(parts) });
    return { number, batch };
  }

  /** @param {number | string} input @param {(string | Uint8Array)[]} records */
  feedRecords(input, records) {
    const { number, batch } = this.#whole(input, records);
    this.#call("process", (context) => this.operator.process(number, batch, context));
  }

  /** @param {number | string} input @param {(string | Uint8Array)[]} records */
  routeRecords(input, records) {
    const { number, batch } = this.#whole(input, records);
    return answered("route", () => routed(this.operator, number, batch));
  }

  /** Moves a clock, and works through the timers that are due. @param {Clock} clock @param {Integer} time */
  move(clock, time) {
    this.host.move(clock, time);
    this.#fire(false);
  }

  finish() {
    this.#fire(true);
    this.#call("finish", (context) => this.operator.finish?.(context));
  }

  /** @returns {string[]} */
  results() {
    const all = [];
    for (let start = true; ; start = false) {
      const page = this.#call("results", (context) => this.operator.results?.(start, RESULTS_PAGE, context) ?? []);
      if (page.length === 0) return all;
      all.push(...page);
    }
  }

  /** @param {string} namespace */
  entries(namespace) {
    const table = this.host.tables[this.host.namespace(namespace)];
    return table.names().map((name) => [bytesOf(name), /** @type {Uint8Array} */ (table.get(name))]);
  }

  /**
   * Works through the timers that are due: those of event time first, each in the order of their times and of the
   * namespaces.
   *
   * @param {boolean} isEnd Whether all of event time is due.
   */
  #fire(isEnd) {
    for (let due = this.#due(isEnd); due !== undefined; due = this.#due(isEnd)) {
      const { namespace, name, at, keys } = due;
      this.#call("onTimers", (context) => {
        for (const key of keys) this.host.deleteTimer(namespace, at, key);
        if (this.operator.onTimers === undefined) throw new Refusal(`there is no work for the timers of ${name}`);
        return this.operator.onTimers(name, at, keys, context);
      });
    }
  }

  /** @param {boolean} isEnd */
  #due(isEnd) {
    for (const clock of [EVENT, PROCESSING]) {
      const now = this.host.clocks[clock];
      /** @type {{ namespace: number, name: string, at: Integer, keys: Uint8Array[] } | undefined} */
      let first;
      for (const [namespace, { declared }] of this.host.tables.entries()) {
        if (declared.kind !== "timers" || declared.clock !== clock) continue;
        const found = this.host.first(namespace, TIMERS_PER_CALL);
        // Of namespaces with timers for the same time, the first one is chosen.
        if (found && (first === undefined || found.at < first.at)) first = { namespace, name: declared.name, ...found };
      }
      if (first && ((isEnd && clock === EVENT) || (now !== null && first.at <= now))) return first;
    }
    return undefined;
  }

  /** @param {number | string} input @param {string} format */
  #input(input, format) {
    const { inputs } = this.description;
    const number = typeof input === "number" ? input : inputs.findIndex(({ name }) => name === input);
    const found = inputs[number];
    if (found === undefined) {
      throw new Refusal(`there is no input ${input}: the operator has ${inputs.map(({ name }) => name).join(", ")}`);
    }
    if (found.format !== format) throw new Refusal(`the input ${found.name} takes ${found.format}, and not ${format}`);
    return number;
  }

  /**
   * Calls the operator, all or nothing.
   *
   * @template T
   * @param {string} name
   * @param {(context: Context) => T} call
   * @returns {T}
   */
  #call(name, call) {
    return this.host.wholly(() => {
      const context = new Context(this.host, this.parameters);
      const answer = answered(name, () => call(context));
      context.flush();
      return answer;
    });
  }
}

/** Returns what an operator says of itself. @param {import("../operators.js").Operator} operator */
export function descriptionOf(operator) {
  return described(
    answered("describe", () => operator.describe()),
    "operator",
  );
}

/**
 * Returns the values of parameters, and those of the checkpoint before.
 *
 * @param {import("../description.js").Parameter[]} parameters
 * @param {Map<string, string>} given
 * @param {Map<string, string>} before
 * @returns {import("../context.js").Parameters}
 */
function settings(parameters, given, before) {
  const unknown = [...given.keys()].find((name) => !parameters.some((it) => it.name === name));
  if (unknown !== undefined) throw new Refusal(`the operator has no parameter ${JSON.stringify(unknown)}`);
  return new Map(
    parameters.map(({ name, default: usual, doc }) => {
      const value = given.get(name) ?? usual;
      if (value === undefined) throw new Refusal(`the parameter ${JSON.stringify(name)} must be set: ${doc}`);
      return [name, { value, previous: before.get(name) }];
    }),
  );
}
