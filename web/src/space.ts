import { writeBytes } from "./calls.js";
import { Watched } from "./live/watched.js";
import type { KeyRange } from "./range.js";
import { type Bytes, jsonOf, jsonText, textOf } from "./text.js";

/** Keyed state in memory: the default namespace, or one that was declared. */
export class Space<V = Uint8Array, I = V extends Uint8Array ? Bytes : V> extends Watched<V, I> {
  /**
   * Replaces the value of a key by what `change` returns for it, and returns that. It gets `undefined` for a key that
   * does not exist, and deletes the key by returning `undefined`.
   */
  update(key: Bytes, change: (value: V | undefined) => (V & I) | undefined): V | undefined {
    const value = change(this.get(key));
    if (value === undefined) this.delete(key);
    else this.put(key, value);
    return value;
  }

  /** Returns the value of a key as text. */
  getText(key: Bytes): string | undefined {
    return this.read(key, textOf);
  }

  /** Sets the value of a key to JSON, whatever the codec is. */
  putJson(key: Bytes, value: unknown): void {
    this[writeBytes](key, jsonText(value), false);
  }

  /** Parses the value of a key as JSON and returns it. `T` is what the caller expects: it is not checked. */
  getJson<T = unknown>(key: Bytes): T | undefined {
    return this.read(key, jsonOf<T>);
  }

  /** Yields all entries. */
  [Symbol.iterator](): Generator<[key: Uint8Array, value: V], void, undefined> {
    return this.entries();
  }

  /** Yields the same entries as `scan`, with keys as texts. */
  *scanText(range: KeyRange = {}): Generator<[key: string, value: V], void, undefined> {
    for (const [key, value] of this.scan(range)) yield [textOf(key), value];
  }
}
