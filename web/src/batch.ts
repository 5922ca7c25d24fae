import { AlluviumError } from "./error.js";
import { type Bytes, bytesOf } from "./text.js";

/**
 * Collects puts and deletes, to apply them in one call. This is two to four times faster than single calls.
 *
 * A batch is applied completely or not at all. After `apply` the writer is empty again and keeps its memory.
 */
export class BatchWriter {
  #count = 0;
  #keys = new Uint8Array(1 << 12);
  #keyBytes = 0;
  #values = new Uint8Array(1 << 14);
  #valueBytes = 0;
  #keyLens: number[] = [];
  #valueLens: number[] = [];
  #ops: number[] = [];

  /** The number of mutations in the batch. */
  get size(): number {
    return this.#count;
  }

  /** The bytes of the keys and values in the batch. */
  get bytes(): number {
    return this.#keyBytes + this.#valueBytes;
  }

  /** Adds a put of a key. */
  put(key: Bytes, value: Bytes): this {
    return this.#push(0, bytesOf(key), bytesOf(value));
  }

  /** Adds a delete of a key. */
  delete(key: Bytes): this {
    return this.#push(1, bytesOf(key), empty);
  }

  /** Empties the batch. */
  clear(): void {
    this.#count = this.#keyBytes = this.#valueBytes = 0;
    this.#keyLens.length = this.#valueLens.length = this.#ops.length = 0;
  }

  #push(op: number, key: Uint8Array, value: Uint8Array): this {
    this.#keys = append(this.#keys, this.#keyBytes, key);
    this.#values = append(this.#values, this.#valueBytes, value);
    this.#keyBytes += key.length;
    this.#valueBytes += value.length;
    this.#keyLens.push(key.length);
    this.#valueLens.push(value.length);
    this.#ops.push(op);
    this.#count++;
    return this;
  }

  /**
   * Packs the batch into one little-endian buffer of columns: the count and the bytes of all keys (u32 each),
   * the length of each key, the length of each value (u32 each), the operations (u8 each: 0 is a put, 1 a
   * delete), the keys, and the values.
   */
  pack(): Uint8Array {
    const count = this.#count;
    const packed = new Uint8Array(8 + 9 * count + this.#keyBytes + this.#valueBytes);
    const view = new DataView(packed.buffer);
    view.setUint32(0, count, true);
    view.setUint32(4, this.#keyBytes, true);
    for (let at = 0; at < count; at++) {
      view.setUint32(8 + 4 * at, this.#keyLens[at]!, true);
      view.setUint32(8 + 4 * (count + at), this.#valueLens[at]!, true);
    }
    packed.set(this.#ops, 8 + 8 * count);
    packed.set(this.#keys.subarray(0, this.#keyBytes), 8 + 9 * count);
    packed.set(this.#values.subarray(0, this.#valueBytes), 8 + 9 * count + this.#keyBytes);
    return packed;
  }
}

const empty = new Uint8Array(0);

function append(to: Uint8Array<ArrayBuffer>, used: number, what: Uint8Array): Uint8Array<ArrayBuffer> {
  const needed = used + what.length;
  if (needed > 0xffff_ffff) throw new AlluviumError("limit-exceeded", "a batch holds at most 4 GiB of keys and of values");
  if (needed > to.length) {
    const larger = new Uint8Array(Math.max(needed, 2 * to.length));
    larger.set(to.subarray(0, used));
    to = larger;
  }
  to.set(what, used);
  return to;
}

/** Yields the entries of a packed buffer of puts. */
export function* unpack(packed: Uint8Array): Generator<[Uint8Array, Uint8Array], void, undefined> {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const count = view.getUint32(0, true);
  let key = 8 + 9 * count;
  let value = key + view.getUint32(4, true);
  for (let at = 0; at < count; at++) {
    const keyEnd = key + view.getUint32(8 + 4 * at, true);
    const valueEnd = value + view.getUint32(8 + 4 * (count + at), true);
    yield [packed.slice(key, keyEnd), packed.slice(value, valueEnd)];
    key = keyEnd;
    value = valueEnd;
  }
}

/** Packs keys in the form that the engine's `getMany` takes. */
export function packKeys(keys: readonly Uint8Array[]): Uint8Array {
  const bytes = keys.reduce((sum, key) => sum + key.length, 0);
  const packed = new Uint8Array(4 + 4 * keys.length + bytes);
  const view = new DataView(packed.buffer);
  view.setUint32(0, keys.length, true);
  let end = 4 + 4 * keys.length;
  keys.forEach((key, at) => {
    view.setUint32(4 + 4 * at, key.length, true);
    packed.set(key, end);
    end += key.length;
  });
  return packed;
}

/** Unpacks the values that the engine's `getMany` returns. */
export function unpackValues(packed: Uint8Array, count: number): (Uint8Array | undefined)[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  let start = 4 * count;
  return Array.from({ length: count }, (_, at) => {
    const length = view.getUint32(4 * at, true);
    if (length === 0xffff_ffff) return undefined;
    start += length;
    return packed.slice(start - length, start);
  });
}
