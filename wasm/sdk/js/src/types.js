// Types: how values are read from columns, written as JSON, and read from it.
//
// JavaScript does not tell 6 from 6.0, and rounds whole numbers above 2^53. So a type says what a value is, and its
// bytes are those that operators in other languages write.

import { parseInteger } from "./integers.js";
import { Digits, float, quoted } from "./json.js";
import { Refusal } from "./refusal.js";

const NUMBER = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;

/**
 * What a type has. `column` is only there if a column can be of the type.
 *
 * @template T
 * @typedef {object} Parts
 * @property {string} name What a value is, with its article.
 * @property {(value: T) => string} write Writes a value as JSON. A value of another type is a TypeError.
 * @property {(json: any, isInput?: boolean) => T} parse Takes a value from parsed JSON, or throws a Refusal. JSON of an
 *   input may be anything, and that of the state was written by an operator.
 * @property {(text: string) => T} [column] Reads a field, or throws a Refusal.
 * @property {T} [sample] Some value.
 * @property {boolean} [isExact] Whether `parse` takes numbers as `Digits`.
 * @property {boolean} [isTime] Whether a row of it has this as its time.
 */

/** @template T */
export class Type {
  /** @param {Parts<T>} parts */
  constructor(parts) {
    this.name = parts.name;
    this.write = parts.write;
    this.parse = parts.parse;
    this.column = parts.column;
    this.sample = parts.sample;
    this.isExact = parts.isExact ?? false;
    this.isTime = parts.isTime ?? false;
  }
}

/** Says that a value is not of a type, which is a bug of the operator. @param {string} name @param {unknown} value */
export function mistaken(name, value) {
  const shown = typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? String(value));
  return new TypeError(`${shown} is not ${name}`);
}

/**
 * Says that JSON of the state is not of a type: another operator wrote it.
 *
 * @param {string} name
 * @param {unknown} json
 */
export function other(name, json) {
  return new Refusal(`${json instanceof Digits ? json.text : JSON.stringify(json)} is not ${name}`);
}

/** Checks that a value is a type. @param {unknown} type @returns {Type<any>} */
export function typed(type) {
  if (type instanceof Type) return type;
  throw new TypeError(`${String(type)} is no type, as text, number or optional(number)`);
}

/** Says that a field is none of a type. @param {string} text @param {string} what */
export const refused = (text, what) => new Refusal(`${quoted(text)} is no ${what}`);

/** Reads a field as a whole number of 64 bits. @param {string} text */
export function integerColumn(text) {
  const value = parseInteger(text);
  if (value === undefined) throw refused(text, "number");
  return value;
}

export const number = new Type({
  name: "a number",
  sample: 0,
  column(text) {
    const value = NUMBER.test(text) ? Number(text) : Infinity;
    if (!Number.isFinite(value)) throw refused(text, "number");
    return value;
  },
  write(value) {
    if (typeof value !== "number") throw mistaken("a number", value);
    return float(value);
  },
  parse(json) {
    const value = json instanceof Digits ? Number(json.text) : json;
    if (typeof value !== "number") throw other("a number", json);
    // 1e999 is JSON, and would be written as null.
    if (!Number.isFinite(value)) throw new Refusal("a number is beyond those of 64 bits");
    return value;
  },
});

export const boolean = new Type({
  name: "true or false",
  sample: false,
  column(text) {
    if (text !== "true" && text !== "false") throw refused(text, "true or false");
    return text === "true";
  },
  write(value) {
    if (typeof value !== "boolean") throw mistaken("true or false", value);
    return String(value);
  },
  parse(json) {
    if (typeof json !== "boolean") throw other("true or false", json);
    return json;
  },
});

/**
 * A value that may be missing, which is null. An empty field and `NA` are none.
 *
 * @template T
 * @param {Type<T>} type
 * @returns {Type<T | null>}
 */
export function optional(type) {
  const { name, column, write, parse, isExact, isTime } = typed(type);
  /** @type {Parts<T | null>} */
  const parts = {
    name: `${name} or null`,
    sample: null,
    isExact,
    isTime,
    column: column && ((text) => (text === "" || text === "NA" ? null : column(text))),
    write: (value) => (value === null || value === undefined ? "null" : write(value)),
    parse: (json, isInput) => (json === null ? null : parse(json, isInput)),
  };
  return new Type(parts);
}

/**
 * Values of different types, one after the other: an array of this length.
 *
 * @param {...Type<any>} types
 * @returns {Type<any[]>}
 */
export function tuple(...types) {
  const parts = types.map(typed);
  const name = `a tuple of ${parts.map((part) => part.name).join(" and ")}`;
  return new Type({
    name,
    sample: parts.map((part) => part.sample),
    isExact: parts.some((part) => part.isExact),
    write(value) {
      if (!Array.isArray(value) || value.length !== parts.length) throw mistaken(name, value);
      return `[${parts.map((part, at) => part.write(value[at])).join()}]`;
    },
    parse(json, isInput) {
      if (!Array.isArray(json) || json.length !== parts.length) throw other(name, json);
      return parts.map((part, at) => part.parse(json[at], isInput));
    },
  });
}

/**
 * Any number of values of one type: an array.
 *
 * @template T
 * @param {Type<T>} type
 * @returns {Type<T[]>}
 */
export function list(type) {
  const { name: each, write, parse, isExact } = typed(type);
  const name = `a list, each of which is ${each}`;
  /** @type {Parts<T[]>} */
  const parts = {
    name,
    sample: [],
    isExact,
    write(value) {
      if (!Array.isArray(value)) throw mistaken(name, value);
      return `[${value.map((item) => write(item)).join()}]`;
    },
    parse(json, isInput) {
      if (!Array.isArray(json)) throw other(name, json);
      return json.map((item) => parse(item, isInput));
    },
  };
  return new Type(parts);
}
