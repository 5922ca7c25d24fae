// Running an operator in Node, in a test: fed, moved in time, crashed and recovered.

import { nameOf, textOf } from "../bytes.js";
import { integerOf, ofOrderedName } from "../integers.js";
import { isMadeEachTime, made } from "../operators.js";
import { Refusal } from "../refusal.js";
import { parseTime } from "../time.js";
import { descriptionOf, Run } from "./run.js";

const TIME_BYTES = 8;
/** The objects that have been operators of a harness. */
const used = new WeakSet();

/**
 * Runs an operator in Node, without WebAssembly.
 *
 * Clocks move when they are told to, and the timers that are due are worked through then, as a host does it. What the
 * operator emits is shown by `checkpoint`, exactly once, and `emitted` has all of it, shown or not. What a host would
 * show as an error is thrown, and has changed nothing.
 */
export class Harness {
  #exported;
  #parameters;
  #run;
  /** @type {import("./host.js").Kept | undefined} */
  #kept;
  /** The records that were emitted to each output and shown. @type {Uint8Array[][]} */
  #shown;

  /**
   * Starts an operator over an empty state.
   *
   * @param {any} operator What the module of the operator exports.
   * @param {{ parameters?: Record<string, string> }} [options] The parameters that have no default, or another value.
   */
  constructor(operator, { parameters = {} } = {}) {
    this.#exported = operator;
    this.#parameters = new Map(Object.entries(parameters));
    this.#run = this.#start(operator);
    this.#shown = this.#run.description.outputs.map(() => []);
  }

  /** Feeds records to the first input: CSV, whose first line names the columns. @param {string} csv */
  feed(csv) {
    this.feedTo(0, csv);
  }

  /**
   * Feeds records to an input, by its number or name. If one of them is refused, all are.
   *
   * @param {number | string} input
   * @param {string} csv
   */
  feedTo(input, csv) {
    this.#run.feed(input, csv);
  }

  /**
   * Feeds records to an input that takes them as bytes.
   *
   * @param {number | string} input
   * @param {(string | Uint8Array)[]} records
   */
  feedRecords(input, records) {
    this.#run.feedRecords(input, records);
  }

  /**
   * Returns the key that each record of an input belongs to, as the operator says it in `route`.
   *
   * @param {number | string} input
   * @param {string} csv
   */
  route(input, csv) {
    return this.#run.route(input, csv);
  }

  /**
   * Returns the key that each record of an input belongs to that takes them as bytes.
   *
   * @param {number | string} input
   * @param {(string | Uint8Array)[]} records
   */
  routeRecords(input, records) {
    return this.#run.routeRecords(input, records);
  }

  /**
   * Moves the watermark, and works through the timers that are due. An earlier watermark changes nothing.
   *
   * @param {string | number | bigint | Date} time
   */
  watermark(time) {
    this.#run.move("event", timeOf(time));
  }

  /**
   * Moves the processing time, and works through the timers that are due.
   *
   * @param {string | number | bigint | Date} time
   */
  processingTime(time) {
    this.#run.move("processing", timeOf(time));
  }

  /** Ends all inputs: works through all timers of event time, and has the operator finish. */
  finish() {
    this.#run.finish();
  }

  /** Takes a checkpoint, and shows what was emitted. */
  checkpoint() {
    this.#kept = this.#run.keep();
    for (const [output, records] of this.#run.host.emitted.entries()) this.#shown[output].push(...records.splice(0));
  }

  /** Loses everything since the last checkpoint, and starts another instance over what it left. */
  crash() {
    this.#run = this.#start(this.#exported, this.#kept);
  }

  /**
   * Starts another version of the operator over the last checkpoint, after it has brought the state to its own schema
   * version by `migrate`. If that fails, nothing has changed.
   *
   * @param {any} operator What the module of the other version exports.
   */
  migrate(operator) {
    const from = this.#run.description.schemaVersion;
    const { schemaVersion: to } = descriptionOf(made(operator));
    if (from === to) throw new Refusal(`the state is of schema version ${to} already`);
    const kept = instance(operator, this.#kept).migrate(from);
    this.#run = this.#start(operator, kept);
    this.#exported = operator;
    this.#kept = kept;
    // An output that the version before did not have has shown nothing.
    while (this.#shown.length < this.#run.description.outputs.length) this.#shown.push([]);
  }

  /** Returns the lines that were emitted to the first output, by lost instances too if they were shown. */
  emitted() {
    return this.emittedTo(0);
  }

  /** Returns the lines that were emitted to an output, by its number or name. @param {number | string} output */
  emittedTo(output) {
    return this.recordsOf(output).map((record) => textOf(record) ?? nameOf(record));
  }

  /** Returns the records that were emitted to an output, as bytes. @param {number | string} output */
  recordsOf(output) {
    const { outputs } = this.#run.description;
    const number = typeof output === "number" ? output : outputs.findIndex(({ name }) => name === output);
    if (outputs[number] === undefined) {
      throw new RangeError(
        `there is no output ${output}: the operator has ${outputs.map(({ name }) => name).join(", ")}`,
      );
    }
    return [...this.#shown[number], ...this.#run.host.emitted[number]];
  }

  /** Returns all results, page by page. */
  results() {
    return this.#run.results();
  }

  /** Returns the messages of the present instance. */
  messages() {
    return [...this.#run.host.messages];
  }

  /**
   * Returns the entries of a namespace, in the order of their keys. The keys of timers begin with their times.
   *
   * @param {string} namespace
   */
  entries(namespace) {
    return this.#run.entries(namespace);
  }

  /** Returns the timers of a namespace, in the order of their times and keys. @param {string} namespace */
  timers(namespace) {
    return this.entries(namespace).map(([key]) => ({
      at: ofOrderedName(nameOf(key.subarray(0, TIME_BYTES))),
      key: key.slice(TIME_BYTES),
    }));
  }

  /** @param {any} operator @param {import("./host.js").Kept} [kept] */
  #start(operator, kept) {
    const run = instance(operator, kept);
    run.open(this.#parameters);
    return run;
  }
}

/**
 * Makes an instance of an operator, which has seen nothing yet.
 *
 * @param {any} exported
 * @param {import("./host.js").Kept} [kept]
 */
function instance(exported, kept) {
  if (!isMadeEachTime(exported) && typeof exported === "object" && exported !== null) {
    // What it remembers would survive a crash here, and nowhere else.
    if (used.has(exported))
      throw new TypeError("an operator that is started again is a class, or a function that makes it");
    used.add(exported);
  }
  return new Run(exported, kept);
}

/** @param {string | number | bigint | Date} time */
function timeOf(time) {
  if (typeof time === "string") return parseTime(time);
  return integerOf(time instanceof Date ? time.getTime() : time);
}
