import { type Codec, codecOf, int64 } from "./codec.js";
import { AlluviumError } from "./error.js";
import { type Bytes, type Integer, bytesOf, longTextBytes, writeText } from "./text.js";

/** What a mutation does, as the engine reads it. */
const PUT = 0;
const DELETE = 1;
const MERGE = 2;

/** A column of bytes that grows. */
class Column {
  bytes = new Uint8Array(1 << 12);
  length = 0;

  /** Makes room for so many more bytes. */
  reserve(more: number): Uint8Array {
    const needed = this.length + more;
    if (needed > this.bytes.length) {
      if (needed > 0x7fff_ffff) throw new AlluviumError("limit-exceeded", "a batch holds at most 2 GiB of keys and of values");
      const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    return this.bytes;
  }

  /** Adds a key or a value, and returns its length. */
  push(what: Bytes): number {
    let length: number;
    if (typeof what === "string" && what.length <= 1024) {
      length = writeText(what, this.reserve(3 * what.length), this.length);
    } else {
      const bytes = typeof what === "string" ? longTextBytes(what)! : bytesOf(what);
      this.reserve(bytes.length).set(bytes, this.length);
      length = bytes.length;
    }
    this.length += length;
    return length;
  }

  /** Adds a number of 32 bits, little-endian. */
  pushLength(length: number): void {
    const into = this.reserve(4);
    const at = this.length;
    into[at] = length;
    into[at + 1] = length >>> 8;
    into[at + 2] = length >>> 16;
    into[at + 3] = length >>> 24;
    this.length = at + 4;
  }

  /** Adds one byte. */
  pushByte(byte: number): void {
    this.reserve(1)[this.length++] = byte;
  }

  /** Puts bytes between those that are there. */
  insert(at: number, bytes: Uint8Array): void {
    const { length } = bytes;
    this.reserve(length).copyWithin(at + length, at, this.length);
    this.bytes.set(bytes, at);
    this.length += length;
  }

  /** Copies the column, and returns where it ends. */
  copy(into: Uint8Array, at: number): number {
    into.set(this.bytes.subarray(0, this.length), at);
    return at + this.length;
  }
}

/** The name of a method that only this package calls: it takes all mutations out of the batch, until they are applied. */
export const takeOut: unique symbol = Symbol("takeOut");

/** Mutations that were taken out of a batch and came back: when they were taken, and their bytes in each column. */
interface Returned {
  taken: number;
  lengths: number[];
}

/**
 * Collects puts, deletes and merges, to apply them in one call. This is several times faster than single calls.
 *
 * A batch is applied completely or not at all. After `apply` the writer is empty again and keeps its memory.
 */
export class BatchWriter<V = Uint8Array, I = V extends Uint8Array ? Bytes : V> {
  readonly #codec: Codec<V, I>;
  readonly #keyLens = new Column();
  readonly #valueLens = new Column();
  readonly #ops = new Column();
  readonly #keys = new Column();
  readonly #values = new Column();
  /** How often mutations were taken out. */
  #taken = 0;
  /** Those that came back are at the beginning, in the order in which they were taken. */
  #returned: Returned[] = [];

  /** Makes an empty batch. Values are bytes, or what the codec writes. */
  constructor(codec?: Codec<V, I>) {
    this.#codec = codecOf(codec);
  }

  /** The number of mutations in the batch. */
  get size(): number {
    return this.#ops.length;
  }

  /** The bytes of the keys and values in the batch. */
  get bytes(): number {
    return this.#keys.length + this.#values.length;
  }

  /** Adds a put of a key. */
  put(key: Bytes, value: I): this {
    return this.#push(PUT, key, this.#codec.write(value));
  }

  /** Adds a delete of a key. */
  delete(key: Bytes): this {
    return this.#push(DELETE, key, "");
  }

  /** Adds a merge into a key, for a namespace that declares how values are merged. */
  merge(key: Bytes, value: I): this {
    return this.#push(MERGE, key, this.#codec.write(value));
  }

  /** Adds so many to the count of a key, for a namespace with `merge: "add"`. */
  count(key: Bytes, by: Integer = 1): this {
    return this.#push(MERGE, key, int64.write(by));
  }

  /** Empties the batch. */
  clear(): void {
    for (const column of this.#columns()) column.length = 0;
    this.#returned = [];
  }

  /** @internal */
  [takeOut](): { packed: Uint8Array; takeBack: () => void } {
    const returned = { taken: ++this.#taken, lengths: this.#columns().map(({ length }) => length) };
    const packed = this.pack();
    this.clear();
    return { packed, takeBack: () => this.#takeBack(packed, returned) };
  }

  /** Takes mutations back: after those that were taken before them, and before all others. */
  #takeBack(packed: Uint8Array, returned: Returned): void {
    const before = this.#returned.filter(({ taken }) => taken < returned.taken);
    let from = 8;
    for (const [index, column] of this.#columns().entries()) {
      const length = returned.lengths[index]!;
      const at = before.reduce((sum, { lengths }) => sum + lengths[index]!, 0);
      column.insert(at, packed.subarray(from, (from += length)));
    }
    this.#returned.splice(before.length, 0, returned);
  }

  /** The columns, in the order in which they are packed. */
  #columns(): Column[] {
    return [this.#keyLens, this.#valueLens, this.#ops, this.#keys, this.#values];
  }

  #push(op: number, key: Bytes, value: Bytes): this {
    const [keyBytes, valueBytes] = [this.#keys.length, this.#values.length];
    try {
      const keyLength = this.#keys.push(key);
      const valueLength = this.#values.push(value);
      this.#keyLens.pushLength(keyLength);
      this.#valueLens.pushLength(valueLength);
      this.#ops.pushByte(op);
    } catch (thrown) {
      // What is refused is not in the batch.
      this.#keys.length = keyBytes;
      this.#values.length = valueBytes;
      throw thrown;
    }
    return this;
  }

  /** The bytes that the packed batch has. */
  get packedBytes(): number {
    return 8 + 9 * this.size + this.bytes;
  }

  /**
   * Packs the batch into one little-endian buffer of columns: the count and the bytes of all keys (u32 each),
   * the length of each key, the length of each value (u32 each), the operations (u8 each: 0 is a put, 1 a
   * delete, 2 a merge), the keys, and the values.
   */
  pack(): Uint8Array {
    return this.packInto(new Uint8Array(this.packedBytes));
  }

  /** Packs the batch into a buffer of `packedBytes` bytes, and returns it. */
  packInto(packed: Uint8Array): Uint8Array {
    const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
    view.setUint32(0, this.size, true);
    view.setUint32(4, this.#keys.length, true);
    let at = 8;
    for (const column of this.#columns()) at = column.copy(packed, at);
    return packed;
  }
}

/** Yields the entries of a packed buffer of puts, as views of it. */
export function* unpack(packed: Uint8Array): Generator<[Uint8Array, Uint8Array], void, undefined> {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const count = view.getUint32(0, true);
  let key = 8 + 9 * count;
  let value = key + view.getUint32(4, true);
  for (let at = 0; at < count; at++) {
    const keyEnd = key + view.getUint32(8 + 4 * at, true);
    const valueEnd = value + view.getUint32(8 + 4 * (count + at), true);
    yield [packed.subarray(key, keyEnd), packed.subarray(value, valueEnd)];
    key = keyEnd;
    value = valueEnd;
  }
}

/** Unpacks the values that the engine's `getMany` finds, as views of the buffer. */
export function unpackValues(packed: Uint8Array, count: number): (Uint8Array | undefined)[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const values = new Array<Uint8Array | undefined>(count).fill(undefined);
  let start = 4 * count;
  for (let at = 0; at < count; at++) {
    const length = view.getUint32(4 * at, true);
    if (length === 0xffff_ffff) continue;
    values[at] = packed.subarray(start, start + length);
    start += length;
  }
  return values;
}
