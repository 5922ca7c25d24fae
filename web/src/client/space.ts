import { BatchWriter, takeOut, unpack } from "../batch.js";
import { type Codec, codecOf, text } from "../codec.js";
import { callable, listed, refuse } from "../checks.js";
import type { AlluviumError } from "../error.js";
import { attempt, uncaught } from "../events.js";
import { queued } from "../live/queue.js";
import type { Changes } from "../live/watched.js";
import { type Where, idOf, keyOf, wantedBy } from "../live/where.js";
import { type KeyRange, within } from "../range.js";
import type { Bytes } from "../text.js";
import type { Link } from "./link.js";
import { Live } from "./live.js";
import { Mirror } from "./mirror.js";
import type { Told } from "./protocol.js";

/** What changed among the keys that a client watches. */
export interface ClientChanges<V> extends Changes<V> {
  /** The engine's side that it comes from. Another one may have recovered an older checkpoint: it begins with a reset. */
  generation: string;
}

/** How a live range is shown. */
export interface LiveOptions<K> {
  /** How keys are read. They are texts by default; the codec `raw` leaves them as they are. */
  keys?: Codec<K, any> | undefined;
}

/** A part of the state with keys of its own, as a client reads and changes it. */
export class ClientSpace<V = Uint8Array, I = V extends Uint8Array ? Bytes : V> {
  readonly #link: Link;
  readonly #codec: Codec<V, I>;
  readonly #name: string | undefined;

  /** @internal */
  constructor(link: Link, codec: Codec<V, I> | undefined, name: string | undefined) {
    this.#link = link;
    this.#codec = codecOf(codec);
    this.#name = name;
  }

  /** Returns the value of a key. */
  async get(key: Bytes): Promise<V | undefined> {
    return this.#read(await this.#link.ask<Uint8Array | undefined>({ call: "get", key }, this.#name));
  }

  /** Returns the values of many keys of one moment, in the order of the keys. */
  async getMany(keys: readonly Bytes[]): Promise<(V | undefined)[]> {
    listed("keys", keys);
    return (await this.#link.ask<(Uint8Array | undefined)[]>({ call: "getMany", keys }, this.#name)).map((value) => this.#read(value));
  }

  /**
   * Returns the entries of a range of one moment. In a namespace that is not ordered, the engine looks at every key for
   * that.
   */
  async scan(range: KeyRange = {}): Promise<[key: Uint8Array, value: V][]> {
    within(range);
    const packed = await this.#link.ask<Uint8Array>({ call: "scan", range }, this.#name);
    return [...unpack(packed)].map(([key, value]) => [key.slice(), this.#codec.read(value)]);
  }

  /** Sets the value of a key. Resolves when the state has it. A checkpoint makes it durable. */
  async put(key: Bytes, value: I): Promise<void> {
    await this.apply(new BatchWriter<V, I>(this.#codec).put(key, value));
  }

  /** Deletes a key. */
  async delete(key: Bytes): Promise<void> {
    await this.apply(new BatchWriter<V, I>(this.#codec).delete(key));
  }

  /**
   * Applies a batch completely or not at all, and empties it. Resolves with the number of its mutations. After an error,
   * the batch holds them again, after those of earlier calls that failed and before what was added meanwhile. An error of kind `"disconnected"` says that it may have
   * been applied or not.
   */
  async apply(batch: BatchWriter<V, I> | BatchWriter): Promise<number> {
    if (typeof batch?.pack !== "function") refuse("a BatchWriter is applied, and this is none");
    const { packed, takeBack } = batch[takeOut]();
    try {
      return await this.#link.ask<number>({ call: "apply", packed }, this.#name);
    } catch (thrown) {
      takeBack();
      throw thrown;
    }
  }

  /**
   * Calls `callback` whenever keys change: one key, or those of a range. A new engine's side, and everything that
   * `Checkpoints.subscribe` tells so, is a reset. `failed` is called if they cannot be watched; without it, that is an
   * uncaught error. The returned function ends this.
   */
  subscribe(where: Where, callback: (changes: ClientChanges<V>) => void, failed: (error: AlluviumError) => void = uncaught): () => void {
    callable("callback", callback);
    const onEnd = (error: AlluviumError): void => void (error.kind === "closed" || failed(error));
    return this.#watch(where, callback, failed, onEnd);
  }

  /** Returns the same changes as an asynchronous iterator. It ends when the client is closed or `signal` is aborted. */
  changes(where: Where = {}, { signal }: { signal?: AbortSignal | undefined } = {}): AsyncIterableIterator<ClientChanges<V>> {
    const watch = (push: (changes: ClientChanges<V>) => void, end: (error?: AlluviumError) => void): (() => void) =>
      this.#watch(where, push, end, (error) => end(error.kind === "closed" ? undefined : error));
    return queued(watch, signal);
  }

  /** Returns the value of a key, kept up to date while it has a subscriber. It is `undefined` at first. */
  liveValue(key: Bytes): Live<V | undefined> {
    const id = idOf(key);
    const mirror = new Mirror<V>((_, bytes) => this.#codec.read(bytes));
    return new Live(this.#link, { where: keyOf(id), space: this.#name }, mirror, () => mirror.get(id));
  }

  /**
   * Returns the entries of a range in order, kept up to date while they have a subscriber. There are none at first. The
   * client holds the whole range, of which `reverse` and `limit` choose what is shown. An entry is the same object until
   * it changes.
   */
  live(range: KeyRange): Live<readonly (readonly [key: string, value: V])[]>;
  live<K>(range: KeyRange, options: LiveOptions<K>): Live<readonly (readonly [key: K, value: V])[]>;
  live<K>(range: KeyRange, { keys = text as unknown as Codec<K, any> }: LiveOptions<K> = {}): Live<readonly (readonly [key: K, value: V])[]> {
    const { reverse, limit } = within(range);
    const { reverse: _reverse, limit: _limit, ...where } = range;
    const mirror = new Mirror<readonly [K, V]>((id, bytes) => [keys.read(keyOf(id)), this.#codec.read(bytes)]);
    return new Live<readonly (readonly [K, V])[]>(this.#link, { where, space: this.#name }, mirror, () => mirror.list(reverse, limit));
  }

  #watch(where: Where, callback: (changes: ClientChanges<V>) => void, failed: (error: AlluviumError) => void, ended: (error: AlluviumError) => void): () => void {
    wantedBy(where);
    let last: number | undefined;
    const told = ({ sequence, since, isReset, changes }: Told, generation: string): void => {
      // At the very beginning, there is nothing to be told.
      const [isFirst, before] = [last === undefined, since ?? last ?? sequence];
      last = sequence;
      if (isFirst) return;
      const read = changes.map(([id, value]) => ({ key: keyOf(id), value: this.#read(value) }));
      callback({ generation, sequence, since: before, isReset: isReset || since === undefined, changes: read });
    };
    return this.#link.watch(where, false, this.#name, { told: (notice, generation) => attempt(() => told(notice, generation)), failed, ended });
  }

  #read(value: Uint8Array | undefined): V | undefined {
    return value === undefined ? undefined : this.#codec.read(value);
  }
}
