// A copy of the entries that are watched.

import { unpack } from "../batch.js";
import { idOf } from "../live/where.js";

/** An entry, which stays the same object until its value has other bytes. */
interface Entry<E> {
  bytes: Uint8Array;
  made: E | undefined;
}

/** The entries of a watched range. Each is made into what readers get when they ask for it. */
export class Mirror<E> {
  readonly #make: (id: string, bytes: Uint8Array) => E;
  #entries = new Map<string, Entry<E>>();
  /** The ids in order, if they are known. */
  #ids: string[] | undefined;

  constructor(make: (id: string, bytes: Uint8Array) => E) {
    this.#make = make;
  }

  /** Takes all entries, as a packed batch. Returns whether any is another than before. */
  replace(packed: Uint8Array): boolean {
    const before = this.#entries;
    const after = new Map<string, Entry<E>>();
    let same = 0;
    for (const [key, bytes] of unpack(packed)) {
      const id = idOf(key);
      const known = before.get(id);
      const isKnown = known !== undefined && isSame(known.bytes, bytes);
      if (isKnown) same++;
      // The bytes share the buffer of the batch, which would stay as long as one entry of it.
      after.set(id, isKnown ? known : { bytes: bytes.slice(), made: undefined });
    }
    this.#entries = after;
    this.#ids = undefined;
    return same !== after.size || same !== before.size;
  }

  /** Takes changes. Returns whether any changed an entry. */
  change(changes: readonly [id: string, value: Uint8Array | undefined][]): boolean {
    let isChanged = false;
    for (const [id, bytes] of changes) {
      const known = this.#entries.get(id);
      if (bytes === undefined ? known === undefined : known !== undefined && isSame(known.bytes, bytes)) continue;
      isChanged = true;
      if ((known === undefined) !== (bytes === undefined)) this.#ids = undefined;
      if (bytes === undefined) this.#entries.delete(id);
      else this.#entries.set(id, { bytes, made: undefined });
    }
    return isChanged;
  }

  /** Returns one entry. */
  get(id: string): E | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    entry.made ??= this.#make(id, entry.bytes);
    return entry.made;
  }

  /** Returns the entries in the order of their keys, or against it, and not more than `limit`. */
  list(reverse: boolean, limit: number): E[] {
    this.#ids ??= [...this.#entries.keys()].sort();
    const { length } = this.#ids;
    const ids = reverse ? this.#ids.slice(Math.max(0, length - limit)).reverse() : this.#ids.slice(0, limit);
    return ids.map((id) => this.get(id)!);
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
