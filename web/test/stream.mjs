// A deterministic stream. Its state after n batches is known, so a recovered checkpoint can be compared with it.

/** A small deterministic random generator (mulberry32), so that a run can be replayed. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Yields the mutations of batch `number`: pairs of key and value, or of key and undefined for a delete. */
export function* mutations(seed, number) {
  const next = random(seed * 1_000_003 + number);
  yield ["batch", String(number)];
  for (let count = 0; count < 200; count++) {
    const key = `key-${Math.floor(next() * 500)}`;
    yield [key, next() < 0.2 ? undefined : `${number}:${"x".repeat(Math.floor(next() * 300))}`];
  }
}

/** Returns the state after `batches` batches, as one text. */
export function expected(seed, batches) {
  const state = new Map();
  for (let number = 1; number <= batches; number++) {
    for (const [key, value] of mutations(seed, number)) value === undefined ? state.delete(key) : state.set(key, value);
  }
  return JSON.stringify([...state].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Returns the state of checkpoints, as one text. */
export const found = (checkpoints) => JSON.stringify([...checkpoints.textEntries()]);

/** Applies one batch after another, each with a checkpoint, of which two are in progress at a time. Calls `acknowledged` for each. */
export async function run(alluvium, checkpoints, seed, acknowledged, batches = Infinity) {
  const writer = new alluvium.BatchWriter();
  let before = Promise.resolve();
  for (let number = Number(checkpoints.sourceOffset("stream")) + 1; number <= batches; number++) {
    for (const [key, value] of mutations(seed, number)) value === undefined ? writer.delete(key) : writer.put(key, value);
    checkpoints.apply(writer);
    checkpoints.setSourceOffset("stream", number);
    checkpoints.setWatermark(number * 1000);
    const last = before;
    before = checkpoints.checkpoint().then(() => acknowledged(number));
    await last;
  }
  await before;
}

/** Says what is wrong with checkpoints that were recovered after `acknowledged` batches, or undefined if nothing is. */
export function wrong(checkpoints, seed, acknowledged) {
  const batches = Number(checkpoints.sourceOffset("stream"));
  if (batches < acknowledged) return `batch ${acknowledged} was acknowledged, ${batches} recovered`;
  if (batches > 0 && checkpoints.watermark !== BigInt(batches * 1000)) return `watermark ${checkpoints.watermark} of another checkpoint`;
  if (found(checkpoints) !== expected(seed, batches)) return `the state is not that after ${batches} batches`;
  return undefined;
}

/** Makes a storage. When it has created a file, the next text that the engine makes fails, in the middle of its work. */
export function breaking() {
  const none = () => Promise.reject(new Error("nothing here"));
  const create = async () => {
    const { decode } = TextDecoder.prototype;
    TextDecoder.prototype.decode = () => {
      TextDecoder.prototype.decode = decode;
      throw new Error("the decoder fell off the wall");
    };
  };
  return { storage: { list: async () => [], read: none, readRange: none, create, delete: async () => {} } };
}
