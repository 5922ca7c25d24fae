// The plugin `delays` in JavaScript. It adds up flight delays for each carrier and route.
//
// The state has one key for each carrier and route, `{carrier}:{origin}-{dest}`. Its value is the JSON object
// that the plugin of the same name in Rust writes, byte for byte. Each can continue from the other's checkpoints.

import * as state from "alluvium:checkpoint/state@0.2.0";
import { eachFlight, findColumns } from "./flights.js";
import * as route from "./route.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// The namespace that every state has.
const DEFAULT = 0;

// These values are lost when the host discards the instance: the header, which the next `begin` passes
// again, and the walk that `results` continues. Data that must survive is in `state`.
let columns = null;
let walk = null;

export const operator = {
  describe() {
    return {
      name: "delays",
      schemaVersion: 1,
      inputs: [{ name: "flights", format: "columns" }],
      outputs: [],
      namespaces: [],
      parameters: [],
    };
  },

  open(context) {
    columns = null;
    walk = null;
  },

  begin(input, header) {
    columns = findColumns(header);
  },

  process(input, batch) {
    try {
      workIn(batch);
    } catch (text) {
      // A text alone blames no single record. What is neither is a bug, and ends the plugin.
      throw typeof text === "string" ? { record: undefined, text } : text;
    }
  },

  results(start, limit) {
    if (start) walk = asked(() => state.iterate(DEFAULT, new Uint8Array(0)));
    if (walk === null) throw "results was called for the next page before the first page";
    const page = asked(() => walk.next(limit));
    let [keyAt, valueAt] = [0, 0];
    return Array.from(page.ops, (_, index) => {
      const key = page.keys.subarray(keyAt, (keyAt += page.keyLens[index]));
      const value = page.values.subarray(valueAt, (valueAt += page.valueLens[index]));
      return route.line(decoder.decode(key), decoder.decode(value));
    });
  },
};

/** Adds a batch to the state. */
function workIn({ tag, val: batch }) {
  if (tag !== "columns") throw "the input has columns";
  if (columns === null) throw "process was called before begin";
  const changes = new Map();
  eachFlight(columns, batch, (flight) => {
    const before = changes.get(flight.key);
    const change = route.one(flight);
    changes.set(flight.key, before ? route.plus(flight.key, before, change) : change);
  });

  // One call reads the old values for the whole batch, whatever its size. The keys are sorted, so that the
  // same records make the same calls.
  const routes = [...changes].map(([key, change]) => ({ key, change, bytes: encoder.encode(key) }));
  routes.sort((a, b) => compareBytes(a.bytes, b.bytes));
  const keyLens = Uint32Array.from(routes, ({ bytes }) => bytes.length);
  const keys = joined(routes.map(({ bytes }) => bytes));
  const old = asked(() => state.getMany(DEFAULT, { lens: keyLens, bytes: keys }));

  let at = 0;
  const values = routes.map(({ key, change }, index) => {
    const value = old.bytes.subarray(at, (at += old.lens[index]));
    if (old.present[index] === 0) return encoder.encode(route.write(change));
    return encoder.encode(route.write(route.plus(key, route.read(key, decoder.decode(value)), change)));
  });
  const update = {
    ops: new Uint8Array(routes.length),
    keyLens,
    valueLens: Uint32Array.from(values, (value) => value.length),
    keys,
    values: joined(values),
  };
  asked(() => state.apply(DEFAULT, update));
}

/** Calls the state. If it refuses, throws the engine's text, which says where the error is. */
function asked(question) {
  try {
    return question();
  } catch (error) {
    throw error?.payload?.val ?? error;
  }
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function compareBytes(a, b) {
  const differs = a.findIndex((byte, at) => byte !== b[at]);
  return differs < 0 || differs >= b.length ? a.length - b.length : a[differs] - b[differs];
}
