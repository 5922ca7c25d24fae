// Ordered and merged state, by random commands against a model. Many commands are one batch, so that what waits in the
// cache is seen by those that follow. A crash loses the batches since the last checkpoint, which are fed again.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Harness, Merged, OrderedMap, add, append, greatest, integer, least, unsigned, union } from "../src/index.js";
import { random } from "./random.js";

// The greatest owner has no successor.
const OWNERS = [0n, 1n, 255n, 2n ** 64n - 1n];
const utf8 = (of) => new TextEncoder().encode(String(of));

/** Does the commands of each record, and emits their answers as JSON. */
class Commands {
  ordered = new OrderedMap("ordered", unsigned, integer, integer);
  merged = [
    new Merged("sums", unsigned, add),
    new Merged("least", unsigned, least(integer)),
    new Merged("greatest", unsigned, greatest(integer)),
    new Merged("texts", unsigned, append),
    new Merged("sets", unsigned, union(integer)),
  ];

  describe() {
    const outputs = [{ name: "answers", format: "records" }];
    const inputs = [{ name: "commands", format: "records" }];
    return { name: "commands", inputs, outputs, namespaces: [this.ordered, ...this.merged] };
  }

  process(_input, { lens, bytes }, context) {
    let at = 0;
    for (const length of lens) {
      const [name, owner, ...rest] = JSON.parse(new TextDecoder().decode(bytes.slice(at, at + length)));
      at += length;
      context.emitBytes(0, utf8(shown(this[name](OWNERS[owner], context, ...rest))));
    }
  }

  set(owner, context, key, value) {
    this.ordered.set(owner, key, value, context);
  }

  delete(owner, context, key) {
    this.ordered.delete(owner, key, context);
  }

  get(owner, context, key) {
    return this.ordered.get(owner, key, context);
  }

  range(owner, context, range) {
    return this.ordered.range(owner, range, context);
  }

  deleteRange(owner, context, range) {
    return this.ordered.deleteRange(owner, range, context);
  }

  merge(owner, context, operand) {
    for (const of of this.merged) of.merge(owner, of.name === "texts" ? utf8(operand) : operand, context);
  }

  forget(owner, context) {
    for (const of of this.merged) of.delete(owner, context);
  }

  values(owner, context) {
    return this.merged.map((of) => of.get(owner, context));
  }
}

/** What the commands answer, by an array of entries for each owner, and an array of operands. */
class Model {
  ordered = OWNERS.map(() => new Map());
  merged = OWNERS.map(() => []);

  set(owner, key, value) {
    this.ordered[owner].set(key, value);
  }

  delete(owner, key) {
    this.ordered[owner].delete(key);
  }

  get(owner, key) {
    return this.ordered[owner].get(key);
  }

  range(owner, { from = -Infinity, after = -Infinity, to = Infinity, through = Infinity, limit, reverse = false }) {
    const isIn = ([key]) => key >= from && key > after && key < to && key <= through;
    const found = [...this.ordered[owner]].filter(isIn).sort((a, b) => a[0] - b[0]);
    return (reverse ? found.reverse() : found).slice(0, limit);
  }

  deleteRange(owner, range) {
    const gone = this.range(owner, range);
    for (const [key] of gone) this.delete(owner, key);
    return gone.length;
  }

  merge(owner, operand) {
    this.merged[owner].push(operand);
  }

  forget(owner) {
    this.merged[owner] = [];
  }

  values(owner) {
    const operands = this.merged[owner];
    if (operands.length === 0) return new Array(5).fill(undefined);
    const sum = operands.reduce((all, operand) => all + BigInt(operand), 0n);
    const set = [...new Set(operands)].sort((a, b) => a - b);
    return [sum, set[0], set[set.length - 1], utf8(operands.join("")), set];
  }
}

/** Shows an answer: BigInts and bytes as texts, and what is not there as null. */
function shown(answer) {
  const part = (_, it) =>
    typeof it === "bigint" ? `${it}n` : it instanceof Uint8Array ? `bytes ${it}` : it === undefined ? null : it;
  return JSON.stringify(answer ?? null, part);
}

/** Draws a command: its name, an owner by number, and the rest. */
function command(next) {
  const [owner, key] = [next(OWNERS.length), next(12) - 6];
  const range = () => {
    const [from, to] = [next(14) - 7, next(14) - 7];
    return { ...[{}, { from }, { after: from }][next(3)], ...[{}, { to }, { through: to }][next(3)] };
  };
  const kind = next(24);
  if (kind < 8) return ["set", owner, key, next(100)];
  if (kind < 10) return ["delete", owner, key];
  if (kind < 12) return ["get", owner, key];
  if (kind < 15) return ["range", owner, { ...range(), limit: next(8), reverse: next(2) === 1 }];
  if (kind < 17) return ["deleteRange", owner, range()];
  if (kind < 20) return ["values", owner];
  return kind === 20 ? ["forget", owner] : ["merge", owner, key];
}

test("ranges and merges are those of a model, through crashes", () => {
  const answered = new Map();
  for (let seed = 0; seed < 60; seed += 1) {
    const next = random(seed);
    const batches = Array.from({ length: 20 }, () => Array.from({ length: 1 + next(12) }, () => command(next)));
    const model = new Model();
    const expected = batches.flat().map(([name, ...rest]) => shown(model[name](...rest)));
    const harness = new Harness(Commands);
    let [done, durable] = [0, 0];
    while (done < batches.length) {
      harness.feedRecords(
        0,
        batches[done].map((each) => JSON.stringify(each)),
      );
      done += 1;
      const chance = next(4);
      if (chance === 0) {
        harness.checkpoint();
        durable = done;
      } else if (chance === 1) {
        harness.crash();
        done = durable;
      }
    }
    assert.deepEqual(harness.emitted(), expected, `seed ${seed}`);
    batches.flat().forEach(([name], at) => {
      if (/[1-9]/.test(expected[at])) answered.set(name, (answered.get(name) ?? 0) + 1);
    });
  }
  // A model that finds nothing would agree with anything.
  for (const name of ["get", "range", "deleteRange", "values"]) assert.ok(answered.get(name) > 100, name);
});

test("a batch that is refused merges nothing", () => {
  const harness = new Harness(Commands);
  const merge = JSON.stringify(["merge", 1, 5]);
  assert.throws(() => harness.feedRecords(0, [merge, "{"]), SyntaxError);
  assert.deepEqual(harness.entries("sums"), []);
  harness.feedRecords(0, [merge, merge]);
  const [[key, sum]] = harness.entries("sums");
  assert.deepEqual([...key, ...sum], [0, 0, 0, 0, 0, 0, 0, 1, 10, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(harness.entries("sets")[0][1].length, 9, "a set is kept as the engine reads it");
});
