// Reading the records of an input of bytes, each of which is JSON of a type.

import { split, textOf } from "./bytes.js";
import { parse } from "./json.js";
import { Refusal, blaming } from "./refusal.js";
import { typed } from "./types.js";

/**
 * Reads the records of a batch, each of which is JSON of a type. A record that is none is named.
 *
 * @template T
 * @param {import("./operators.js").Batch} batch
 * @param {import("./types.js").Type<T>} type
 * @returns {T[]}
 */
export function readJson(batch, type) {
  const of = typed(type);
  if (batch.format !== "records") throw new Refusal("the input has records as bytes, and came with columns");
  return split(batch.lens, batch.bytes).map((bytes, record) => blaming(record, () => one(bytes, of)));
}

/** @template T @param {Uint8Array} bytes @param {import("./types.js").Type<T>} type */
function one(bytes, type) {
  try {
    const json = textOf(bytes);
    if (json === undefined) throw new Refusal("it is no UTF-8");
    return type.parse(parse(json, type.isExact), true);
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof SyntaxError)) throw error;
    throw new Refusal(`no JSON of a record here: ${error.message}`);
  }
}
