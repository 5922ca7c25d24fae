// The area of the engine's memory in which keys and values are passed: encoding, and what becomes of it when the memory
// grows.

import { randoms, refused, same } from "./common.mjs";

/** Every text is encoded as TextEncoder does it, in single calls and in batches. */
export async function texts({ BatchWriter, Checkpoints }) {
  const checkpoints = await Checkpoints.open({ name: "texts", storage: "memory" });
  const random = randoms(7);
  const parts = ["a", "key-", "0", "\u007f", "\u0080", "ü", "€", "😀", "\ud800", "\udc00", "\0", "\uffff"];
  const encoder = new TextEncoder();
  const seen = new Map();
  const batch = new BatchWriter();
  for (let round = 0; round < 3000; round++) {
    // Lengths around the one above which the browser encodes.
    const count = round % 50 === 0 ? 1000 + Math.floor(random() * 60) : Math.floor(random() * 12);
    let text = "";
    for (let at = 0; at < count; at++) text += round % 3 === 0 ? "k" : parts[Math.floor(random() * parts.length)];
    const value = `${text}|${round}`;
    if (round % 2) checkpoints.put(text, value);
    else if (batch.put(text, value).size === 40) checkpoints.apply(batch);
    else continue;
    seen.set(text, value);
  }
  checkpoints.apply(batch);
  for (const [text, value] of seen) {
    const bytes = checkpoints.get(encoder.encode(text));
    if (bytes === undefined || !checkpoints.has(text)) throw new Error(`${JSON.stringify(text)} is not found by its bytes`);
    // A later round may have put another value. It has the same text before its number.
    const found = new TextDecoder().decode(bytes);
    const expected = new TextDecoder().decode(encoder.encode(value));
    if (found.slice(0, found.lastIndexOf("|")) !== expected.slice(0, expected.lastIndexOf("|"))) throw new Error(`${JSON.stringify(text)} has another value`);
  }
  same("getMany", checkpoints.getMany(["ü", "nothing", ""]).map((value) => value && [...value].length > 0), [...["ü", "nothing", ""].map((key) => (seen.has(key) ? true : undefined))]);
  await refused("a number as key", () => checkpoints.put(7, "x"), /^invalid-input: keys and values are Uint8Array or string, not number/);
  await refused("a key that is too long", () => checkpoints.put("x".repeat(70_000), "x"), /^limit-exceeded: /);
  await checkpoints.close();
}

/** No call returns or stores wrong bytes when the memory grows during it, or since the call before it. */
export async function growth({ BatchWriter, Checkpoints }) {
  const one = await Checkpoints.open({ name: "growth-one", storage: "memory" });
  const two = await Checkpoints.open({ name: "growth-two", storage: "memory" });
  const random = randoms(11);
  const model = new Map();
  const bytes = (number, length) => new Uint8Array(length).fill(number);
  let grown = 0;
  let size = 0;
  for (let round = 0; round < 400; round++) {
    const key = `key-${Math.floor(random() * 60)}`;
    // Values that double now and then make the area and the state grow.
    const length = round % 40 === 39 ? 1 << (10 + round / 40) : Math.floor(random() * 2000);
    const value = bytes(round, length);
    const before = size;
    if (round % 3 === 0) one.put(key, value);
    else if (round % 3 === 1) one.apply(new BatchWriter().put(key, value));
    else one.put(key, "x".repeat(length));
    model.set(key, round % 3 === 2 ? bytes(120, length) : value);
    // The other state grows the same memory between two calls.
    two.put(`other-${round}`, bytes(round, 20_000));
    size = one.memory.stateBytes + two.memory.stateBytes;
    if (size > before) grown++;
    const [asked, expected] = [...model][Math.floor(random() * model.size)];
    const found = one.get(asked);
    if (found.length !== expected.length || found.some((byte, at) => byte !== expected[at])) throw new Error(`round ${round}: ${asked} has other bytes`);
    same("read", one.read(asked, (view) => view.length), expected.length);
    const many = one.getMany([...model.keys()]);
    [...model.values()].forEach((expected, at) => {
      if (many[at].length !== expected.length || many[at].some((byte, index) => byte !== expected[index])) throw new Error(`round ${round}: getMany has other bytes`);
    });
  }
  if (grown < 20) throw new Error(`the states grew only ${grown} times`);
  // A value that is a view of the engine's own memory is copied before that memory grows. Key and value fill the area to
  // its last byte, so that a key with one more byte makes it grow.
  const full = 2 ** 22 - 8 - "large".length;
  one.put("large", bytes(5, full));
  one.read("large", (view) => two.put("copied", view));
  const copied = two.get("copied");
  same("a view as value", [copied.length, copied.every((byte) => byte === 5)], [full, true]);
  // What was returned stays as it is, whatever happens then.
  const kept = [one.get("large"), ...one.getMany(["large"])];
  one.put("large", bytes(6, 3_000_000));
  two.put("more", bytes(1, 30_000_000));
  same("kept", kept.map((value) => [value.length, value[0], value.at(-1)]), [[full, 5, 5], [full, 5, 5]]);
  await one.close();
  await two.close();
}

/** A batch that is refused is still there, whole, and nothing of it is applied. */
export async function batches({ BatchWriter, Checkpoints, int64 }) {
  const checkpoints = await Checkpoints.open({ name: "batches", storage: "memory", namespaces: { totals: { merge: "add" } } });
  const totals = checkpoints.namespace("totals", int64);
  const batch = new BatchWriter(int64);
  batch.put("a", 5n).count("a").merge("a", -2n).count("b", 2n ** 40n).delete("c");
  same("size", [batch.size, batch.bytes, batch.packedBytes], [5, 5 + 32, 8 + 45 + 37]);
  await refused("the default namespace merges nothing", () => checkpoints.apply(batch), /^invalid-input: record 1: unknown operation 2/);
  same("still there", [batch.size, checkpoints.size], [5, 0]);
  same("applied", [totals.apply(batch), totals.get("a"), totals.get("b"), totals.get("c"), batch.size], [5, 4n, 2n ** 40n, undefined, 0]);
  const plain = new BatchWriter().put("a", "12345678");
  await refused("a key of a wrong type", () => plain.put(7, "x"), /^invalid-input: /);
  await refused("a value of a wrong type", () => plain.put("key", {}), /^invalid-input: /);
  same("what is refused is not in the batch", [plain.size, plain.bytes], [1, 9]);
  same("packed", checkpoints.applyPacked(plain.pack()), 1);
  same("and applied", checkpoints.getText("a"), "12345678");
  await checkpoints.close();
}
