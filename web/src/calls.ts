import { type BatchWriter, unpack } from "./batch.js";
import { refuse } from "./checks.js";
import { type Codec, codecOf, raw, text } from "./codec.js";
import { idOf } from "./live/where.js";
import { readMany } from "./many.js";
import { ENDS, type KeyRange, type Resolved, after, within } from "./range.js";
import type { Session } from "./session.js";
import { type Bytes, type Integer, textOf } from "./text.js";

/** How many entries the first page of a walk has, and the largest one. Each page has four times as many. */
const FIRST_PAGE = 64;
const LARGEST_PAGE = 4096;

/** The name of a method that only this package calls, so that it is no part of what callers see. */
export const writeBytes: unique symbol = Symbol("writeBytes");

/** Where a namespace is in the engine. It is found again after another checkpoint became the state. */
export interface Place {
  id: number;
  isOrdered: boolean;
}

/** The calls of the engine on keyed state: on the default namespace, or one that was declared. */
export class Calls<V = Uint8Array, I = V extends Uint8Array ? Bytes : V> {
  readonly #session: Session;
  readonly #codec: Codec<V, I>;
  /** Whether values are bytes, which are copied once. */
  readonly #isRaw: boolean;
  readonly #find: () => Place;
  #place: Place = { id: 0, isOrdered: false };
  #era = -1;

  /** @internal */
  constructor(session: Session, codec: Codec<V, I> | undefined, find: () => Place) {
    this.#session = session;
    this.#codec = codecOf(codec);
    this.#isRaw = (this.#codec as unknown) === raw;
    this.#find = find;
  }

  /** Sets the value of a key. The next checkpoint makes it durable. */
  put(key: Bytes, value: I): void {
    this[writeBytes](key, this.#codec.write(value), false);
  }

  /** Merges a value into that of a key, in one call, as the namespace declares it. */
  merge(key: Bytes, value: I): void {
    this[writeBytes](key, this.#codec.write(value), true);
  }

  /**
   * Adds to the count of a key, in one call, in a namespace that declares `merge: "add"`. The count of a key that does
   * not exist is 0. The codec `int64` reads it.
   */
  count(key: Bytes, by: Integer = 1): void {
    const session = this.#session;
    const { engine, area } = session;
    const id = this.#id();
    const keyBytes = area.write(0, key);
    const length = area.writeInteger(keyBytes, by);
    session.checked(session.quick(() => engine.merge(id, keyBytes, length)));
    session.feed?.touch(id, area.room(keyBytes));
  }

  /** @internal */
  protected [writeBytes](key: Bytes, value: Bytes, isMerge: boolean): void {
    const session = this.#session;
    const { engine, area } = session;
    const id = this.#id();
    const keyBytes = area.write(0, key);
    const valueBytes = area.write(keyBytes, value);
    session.checked(session.quick(() => (isMerge ? engine.merge(id, keyBytes, valueBytes) : engine.put(id, keyBytes, valueBytes))));
    session.feed?.touch(id, area.room(keyBytes));
  }

  /** Deletes a key. Returns whether it existed. */
  delete(key: Bytes): boolean {
    const session = this.#session;
    const { engine, area } = session;
    const id = this.#id();
    const keyBytes = area.write(0, key);
    const existed = session.checked(session.quick(() => engine.delete(id, keyBytes))) > 0;
    if (existed) session.feed?.touch(id, area.room(keyBytes));
    return existed;
  }

  /** Looks for a key. If it exists, the area has its value. */
  #look(key: Bytes): boolean {
    const session = this.#session;
    const { engine, area } = session;
    const id = this.#id();
    const keyBytes = area.write(0, key);
    return session.checked(session.quick(() => engine.get(id, keyBytes))) >= 0;
  }

  /** Returns the value of a key. */
  get(key: Bytes): V | undefined {
    if (!this.#look(key)) return undefined;
    const { area } = this.#session;
    return this.#isRaw ? (area.copy() as V) : this.#codec.read(area.answer());
  }

  /**
   * Reads the bytes of a value without copying them, and returns what `use` makes of them. The view that `use` gets is
   * good until the next call of any checkpoints, and must not be kept.
   */
  read<T>(key: Bytes, use: (bytes: Uint8Array) => T): T | undefined {
    return this.#look(key) ? use(this.#session.area.answer()) : undefined;
  }

  /** Returns whether a key exists. */
  has(key: Bytes): boolean {
    return this.#look(key);
  }

  /**
   * Returns the values of many keys, in the order of the keys. It is faster than many calls of `get`. Values that are
   * bytes share one buffer.
   */
  getMany(keys: readonly Bytes[]): (V | undefined)[] {
    const values = readMany(this.#session, this.#id(), keys);
    if (this.#isRaw) return values as (V | undefined)[];
    return values.map((value) => value && this.#codec.read(value));
  }

  /** Applies a batch completely or not at all, and empties it. Returns how many mutations it held. */
  apply(batch: BatchWriter<V, I> | BatchWriter): number {
    const session = this.#session;
    const { engine, area } = session;
    const id = this.#id();
    let bytes: number;
    try {
      bytes = batch.packedBytes;
      batch.packInto(area.room(bytes));
    } catch (thrown) {
      if (typeof batch?.packInto !== "function") refuse("a BatchWriter is applied, and this is none");
      throw thrown;
    }
    const count = session.checked(session.quick(() => engine.apply(id, bytes)));
    session.feed?.touchPacked(id, area.room(bytes));
    batch.clear();
    return count;
  }

  /** Applies a buffer that `BatchWriter.pack` made. Returns how many mutations it held. */
  applyPacked(packed: Uint8Array): number {
    const session = this.#session;
    const { engine, area } = session;
    const id = this.#id();
    const bytes = area.write(0, packed);
    const count = session.checked(session.quick(() => engine.apply(id, bytes)));
    session.feed?.touchPacked(id, area.room(bytes));
    return count;
  }

  /**
   * The number of keys. In a namespace whose entries expire, an entry that has expired counts until the engine deletes
   * it.
   */
  get size(): number {
    const id = this.#id();
    return this.#session.checked(this.#session.call((engine) => engine.size(id)));
  }

  /**
   * Yields the entries whose keys start with `prefix`, in the order of the keys' bytes.
   *
   * In an ordered namespace it finds the first one at once, as `scan` does. In any other, it looks at every key before
   * the first entry, and sorts as the walk proceeds: the keys are those that exist when it begins. Values are read in
   * pages as the walk reaches them, and keys that are deleted meanwhile are left out.
   */
  *entries(prefix: Bytes = ""): Generator<[key: Uint8Array, value: V], void, undefined> {
    const id = this.#id();
    if (this.#place.isOrdered) return yield* this.scan({ prefix });
    const session = this.#session;
    const walk = session.call((engine) => engine.walk(id, session.area.write(0, prefix)));
    try {
      for (let limit = FIRST_PAGE; ; limit = Math.min(4 * limit, LARGEST_PAGE)) {
        session.call(() => walk.next(limit));
        const page = session.area.copy();
        if (page.length <= 8) return;
        for (const [key, value] of unpack(page)) yield [key.slice(), this.#codec.read(value)];
      }
    } finally {
      if (!session.hasPanicked) walk.free();
    }
  }

  /** Yields the same entries as `entries`, as texts. */
  *textEntries(prefix: Bytes = ""): Generator<[key: string, value: string], void, undefined> {
    for (const [key, value] of this.#as(text).entries(prefix)) yield [textOf(key), value];
  }

  /** Returns the same namespace with another codec. */
  #as<W>(codec: Codec<W>): Calls<W, W> {
    return new Calls<W, W>(this.#session, codec, () => (this.#id(), this.#place));
  }

  /**
   * Yields the entries of a range of keys, in the order of the keys' bytes or against it. Only an ordered namespace has
   * ranges. What it costs follows what is found.
   *
   * The state may change meanwhile. The entries come in pages, so what is put behind the current page is found too.
   */
  *scan(range: KeyRange = {}): Generator<[key: Uint8Array, value: V], void, undefined> {
    const session = this.#session;
    let { from, to, reverse, limit } = within(range);
    for (let size = FIRST_PAGE; limit > 0; size = Math.min(4 * size, LARGEST_PAGE)) {
      const wanted = Math.min(size, limit);
      const id = this.#id();
      const [lower, upper] = this.#ends({ from, to });
      session.checked(session.call((engine) => engine.scan(id, lower, upper, reverse, wanted)));
      let last: Uint8Array | undefined;
      let found = 0;
      for (const [key, value] of unpack(session.area.copy())) {
        last = key.slice();
        found++;
        yield [last, this.#codec.read(value)];
      }
      if (last === undefined) return;
      limit -= found;
      if (reverse) to = last;
      else from = after(last);
    }
  }

  /** Deletes the entries of a range of keys of an ordered namespace. Returns how many there were. */
  deleteRange(range: Omit<KeyRange, "limit" | "reverse">): number {
    const session = this.#session;
    const id = this.#id();
    const resolved = within(range, "a range that is deleted", ENDS);
    const [lower, upper] = this.#ends(resolved);
    const count = session.checked(session.call((engine) => engine.deleteRange(id, lower, upper)));
    // To tell each key, it would have to be read first. The watchers of the range read what is left.
    if (count > 0) session.feed?.reset(id, { from: idOf(resolved.from), to: resolved.to === undefined ? undefined : idOf(resolved.to) });
    return count;
  }

  /** Writes the ends of a range into the area, and returns their lengths. */
  #ends({ from, to }: Pick<Resolved, "from" | "to">): [lower: number, upper: number | undefined] {
    const { area } = this.#session;
    const lower = area.write(0, from);
    return [lower, to === undefined ? undefined : area.write(lower, to)];
  }

  /** Returns the id of the namespace, which is found again if another checkpoint has become the state. */
  #id(): number {
    const { era } = this.#session;
    if (this.#era !== era) {
      this.#place = this.#find();
      this.#era = era;
    }
    return this.#place.id;
  }
}
