// What a host gives an operator, in memory.

import { bytesOf, nameOf } from "../bytes.js";
import { ofOrderedName, orderedName } from "../integers.js";
import { Refusal } from "../refusal.js";
import { merged, wrong } from "./merge.js";
import { Table } from "./table.js";

/**
 * @typedef {import("../context.js").Entry} Entry
 * @typedef {import("../context.js").Host} Host
 * @typedef {import("../description.js").Clock} Clock
 * @typedef {import("../description.js").Description} Description
 * @typedef {import("../integers.js").Integer} Integer
 */

/**
 * What a checkpoint keeps.
 *
 * @typedef {{ tables: Table[], clocks: Record<Clock, Integer | null>, settings: Map<string, string> }} Kept
 */

const TIME_BYTES = 8;
const TIMER_KEY_BYTES_MAX = 65527;
const LINE_BREAK = 10;

/** @implements {Host} */
export class MemoryHost {
  /** @type {{ names: string[], at: number, table: Table } | undefined} */
  #walk;

  /** @param {Description} description @param {Kept} [kept] */
  constructor(description, kept) {
    this.outputs = description.outputs;
    const before = new Map(kept?.tables.map((table) => [table.declared.name, table.copy()]));
    this.tables = description.namespaces.map((declared) => tableOf(declared, before.get(declared.name)));
    /** Those of an older version, which this one cannot see. */
    this.undeclared = [...before.values()].filter((table) => !this.tables.includes(table));
    /** @type {Record<Clock, Integer | null>} */
    this.clocks = { event: null, processing: null, ...kept?.clocks };
    this.emitted = description.outputs.map(() => /** @type {Uint8Array[]} */ ([]));
    /** @type {string[]} */
    this.messages = [];
  }

  /** Moves a clock. An earlier time changes nothing. @param {Clock} clock @param {Integer} time */
  move(clock, time) {
    const before = this.clocks[clock];
    if (before !== null && time <= before) return;
    this.clocks[clock] = time;
    for (const table of this.tables) if (table.declared.expires?.clock === clock) table.expire(time);
  }

  /** Runs a call, all or nothing. @template T @param {() => T} call @returns {T} */
  wholly(call) {
    const emitted = this.emitted.map((records) => records.length);
    for (const table of this.tables) table.begin();
    try {
      return call();
    } catch (error) {
      for (const table of this.tables) table.rollback();
      for (const [output, records] of this.emitted.entries()) records.length = emitted[output];
      throw error;
    }
  }

  /**
   * Returns the timers of a namespace that are set for its first time.
   *
   * @param {number} namespace
   * @param {number} limit
   */
  first(namespace, limit) {
    const names = this.tables[namespace].names();
    if (names.length === 0) return undefined;
    const time = names[0].slice(0, TIME_BYTES);
    const keys = [];
    for (const name of names.slice(0, limit)) if (name.startsWith(time)) keys.push(bytesOf(name.slice(TIME_BYTES)));
    return { at: ofOrderedName(time), keys };
  }

  /** @param {string} name */
  namespace(name) {
    const found = this.tables.findIndex(({ declared }) => declared.name === name);
    if (found < 0) throw new Refusal(`the operator has not described a namespace ${JSON.stringify(name)}`);
    return found;
  }

  /** @param {number} namespace @param {Uint8Array[]} keys */
  getMany(namespace, keys) {
    return keys.map((key) => this.tables[namespace].get(nameOf(key)));
  }

  /** @param {number} namespace @param {[Uint8Array, Uint8Array | null][]} changes */
  apply(namespace, changes) {
    const table = this.tables[namespace];
    const { kind, merge } = table.declared;
    if (kind === "timers" && changes.length > 0)
      throw new Refusal(`namespace ${table.declared.name}: timers have no values`);
    for (const [key, value] of changes) {
      const what = merge && value && wrong(merge, value);
      if (what) throw new Refusal(`namespace ${table.declared.name}: ${what}`);
      if (value === null) table.delete(nameOf(key));
      else table.put(nameOf(key), value, this.#now(table));
    }
  }

  /** @param {number} namespace @param {[Uint8Array, Uint8Array][]} changes */
  merge(namespace, changes) {
    const { declared } = this.tables[namespace];
    const { merge, name } = declared;
    if (merge === undefined) throw new Refusal(`namespace ${name}: a merge, but the namespace does not declare how`);
    for (const [key, value] of changes) {
      const what = wrong(merge, value);
      if (what !== undefined) throw new Refusal(`namespace ${name}: ${what}`);
      const [before] = this.getMany(namespace, [key]);
      this.apply(namespace, [[key, before === undefined ? value : merged(merge, before, value)]]);
    }
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
    if (!(limit > 0)) throw new Refusal("a scan of 0 entries would never find any: give a limit of 1 or more");
    const names = this.#range(namespace, from, to);
    return entries(this.tables[namespace].page(reverse ? names.reverse() : names, limit));
  }

  /** @param {number} namespace @param {Uint8Array} from @param {Uint8Array | undefined} to */
  deleteRange(namespace, from, to) {
    const names = this.#range(namespace, from, to);
    for (const name of names) this.tables[namespace].delete(name);
    return names.length;
  }

  /** @param {number} namespace @param {boolean} start @param {number} limit */
  page(namespace, start, limit) {
    if (start) this.#walk = { names: [...this.tables[namespace].names()], at: 0, table: this.tables[namespace] };
    if (this.#walk === undefined) throw new Refusal("the next page was asked for before the first");
    const { names, at, table } = this.#walk;
    const page = table.page(names.slice(at), limit);
    this.#walk.at = page.length === 0 ? names.length : names.indexOf(page[page.length - 1][0], at) + 1;
    return entries(page);
  }

  /** @param {number} namespace @param {Integer} at @param {Uint8Array} key */
  setTimer(namespace, at, key) {
    const table = this.#timers(namespace);
    if (key.length > TIMER_KEY_BYTES_MAX)
      throw new Refusal(`a timer's key of ${key.length} bytes: the most are ${TIMER_KEY_BYTES_MAX}`);
    table.put(orderedName(at) + nameOf(key), new Uint8Array(0), null);
  }

  /** @param {number} namespace @param {Integer} at @param {Uint8Array} key */
  deleteTimer(namespace, at, key) {
    return this.#timers(namespace).delete(orderedName(at) + nameOf(key));
  }

  watermark() {
    return this.clocks.event;
  }

  processingTime() {
    return this.clocks.processing;
  }

  /** @param {number} output @param {Uint8Array} record */
  emit(output, record) {
    const [to, records] = [this.outputs[output], this.emitted[output]];
    if (to === undefined)
      throw new Refusal(`there is no output ${output}: the operator describes ${this.outputs.length}`);
    if (to.format === "lines" && record.includes(LINE_BREAK)) {
      throw new Refusal("a record with a line break in it: emit it line by line, or escape it");
    }
    records.push(record);
  }

  /** @param {import("../context.js").Level} level @param {string} message */
  log(level, message) {
    this.messages.push(`${level}: ${message}`);
  }

  /** @param {number} namespace */
  #timers(namespace) {
    const table = this.tables[namespace];
    if (table.declared.kind !== "timers") throw new Refusal(`namespace ${table.declared.name} does not hold timers`);
    return table;
  }

  /** @param {number} namespace @param {Uint8Array} from @param {Uint8Array | undefined} to */
  #range(namespace, from, to) {
    const { declared } = this.tables[namespace];
    if (declared.kind !== "ordered") {
      throw new Refusal(`namespace ${declared.name} is not ordered: only keys of ordered ones have ranges`);
    }
    const [first, end] = [nameOf(from), to && nameOf(to)];
    return this.tables[namespace].names().filter((name) => name >= first && (end === undefined || name < end));
  }

  /** @param {Table} table */
  #now({ declared }) {
    return declared.expires === undefined ? null : this.clocks[declared.expires.clock];
  }
}

/**
 * Returns the table of a namespace: the one that there is, if it was declared as it is now.
 *
 * @param {import("../description.js").Namespace} declared
 * @param {Table} [before]
 */
function tableOf(declared, before = new Table(declared)) {
  const [was, is] = [before.declared, declared].map(({ name, expires, merge, ...kind }) =>
    JSON.stringify({ name, ...kind, expires: expires && [expires.clock, expires.afterMs], merge }),
  );
  if (was === is) return before;
  throw new Refusal(`namespace ${JSON.stringify(declared.name)} is declared as ${was}, and cannot become ${is}`);
}

/** @param {[string, Uint8Array][]} page @returns {Entry[]} */
const entries = (page) => page.map(([name, value]) => [bytesOf(name), value]);
