import { type BatchWriter, packKeys, unpack, unpackValues } from "./batch.js";
import type { Session } from "./session.js";
import { type Bytes, type Integer, bytesOf, jsonBytes, jsonOf, signed, textOf, unsigned } from "./text.js";
import type { MemoryUsage } from "./types.js";

/** How many entries one call fetches from the engine. */
const PAGE_ENTRIES = 4096;

/** Keyed state in memory, and the position of the stream that it belongs to. */
export class KeyedState {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Sets the value of a key. The next checkpoint makes it durable. */
  put(key: Bytes, value: Bytes): void {
    this.#session.call((engine) => engine.put(bytesOf(key), bytesOf(value)));
  }

  /** Deletes a key. Returns whether it existed. */
  delete(key: Bytes): boolean {
    return this.#session.call((engine) => engine.delete(bytesOf(key)));
  }

  /** Returns the value of a key. */
  get(key: Bytes): Uint8Array | undefined {
    return this.#session.call((engine) => engine.get(bytesOf(key)));
  }

  /** Returns the values of many keys, in the order of the keys. It is faster than many calls of `get`. */
  getMany(keys: readonly Bytes[]): (Uint8Array | undefined)[] {
    const packed = packKeys(keys.map(bytesOf));
    return unpackValues(this.#session.call((engine) => engine.getMany(packed)), keys.length);
  }

  /** Returns whether a key exists. */
  has(key: Bytes): boolean {
    return this.get(key) !== undefined;
  }

  /** Returns the value of a key as text. */
  getText(key: Bytes): string | undefined {
    const value = this.get(key);
    return value && textOf(value);
  }

  /** Sets the value of a key to JSON. */
  putJson(key: Bytes, value: unknown): void {
    this.put(key, jsonBytes(value));
  }

  /** Parses the value of a key as JSON and returns it. */
  getJson(key: Bytes): unknown {
    const value = this.get(key);
    return value && jsonOf(value);
  }

  /** Applies a batch completely or not at all, and empties it. Returns how many mutations it held. */
  apply(batch: BatchWriter): number {
    const packed = batch.pack();
    const count = this.#session.call((engine) => engine.apply(packed));
    batch.clear();
    return count;
  }

  /** Applies a buffer that `BatchWriter.pack` made. Returns how many mutations it held. */
  applyPacked(packed: Uint8Array): number {
    return this.#session.call((engine) => engine.apply(packed));
  }

  /** The number of live keys. */
  get size(): number {
    return this.#session.call((engine) => engine.size());
  }

  /**
   * Yields the entries whose keys start with `prefix`, in the order of the keys' bytes. The keys are those that
   * exist when the walk begins. Values are read in pages as the walk reaches them. Keys that are deleted
   * meanwhile are left out.
   */
  *entries(prefix: Bytes = ""): Generator<[key: Uint8Array, value: Uint8Array], void, undefined> {
    const walk = this.#session.call((engine) => engine.walk(bytesOf(prefix)));
    try {
      for (;;) {
        const page = this.#session.call(() => walk.next(PAGE_ENTRIES));
        if (page.length <= 8) return;
        yield* unpack(page);
      }
    } finally {
      if (!this.#session.hasPanicked) walk.free();
    }
  }

  /** Yields the same entries as `entries`, as texts. */
  *textEntries(prefix: Bytes = ""): Generator<[key: string, value: string], void, undefined> {
    for (const [key, value] of this.entries(prefix)) yield [textOf(key), textOf(value)];
  }

  [Symbol.iterator](): Generator<[key: Uint8Array, value: Uint8Array], void, undefined> {
    return this.entries();
  }

  /** The epoch. It never goes backwards. */
  get epoch(): bigint {
    return this.#session.call((engine) => engine.epoch());
  }
  set epoch(epoch: Integer) {
    this.#session.call((engine) => engine.setEpoch(unsigned("epoch", epoch)));
  }

  /** The offset of each source: how far it was consumed. */
  get sourceOffsets(): Map<string, bigint> {
    return this.#session.call((engine) => engine.sourceOffsets() as Map<string, bigint>);
  }

  /** Returns how far one source was consumed. It is 0 if nothing was. */
  sourceOffset(source: string): bigint {
    return this.sourceOffsets.get(source) ?? 0n;
  }

  /** Sets how far a source was consumed. The offset never goes backwards. */
  setSourceOffset(source: string, offset: Integer): void {
    this.#session.call((engine) => engine.setSourceOffset(source, unsigned("offset", offset)));
  }

  /**
   * The positions in the partitions of sources, by source and partition: an offset, or bytes that only the source
   * understands. A source that numbers its records needs only `sourceOffset`.
   */
  get positions(): Map<string, Map<string, bigint | Uint8Array>> {
    return this.#session.call((engine) => engine.positions() as Map<string, Map<string, bigint | Uint8Array>>);
  }

  /** Returns the position in one partition of a source, if there is one. */
  position(source: string, partition = ""): bigint | Uint8Array | undefined {
    return this.positions.get(source)?.get(partition);
  }

  /**
   * Sets the position in one partition of a source: an integer, or at most 1 KiB that only the source understands. A
   * string stands for its UTF-8. Such bytes cannot be compared, so nothing keeps a position from going backwards.
   */
  setPosition(source: string, position: Bytes | Integer, partition = ""): void {
    this.#session.call((engine) => {
      if (typeof position === "bigint" || typeof position === "number") engine.setPositionOffset(source, partition, unsigned("position", position));
      else engine.setPositionBytes(source, partition, bytesOf(position));
    });
  }

  /** The watermark, in milliseconds of Unix time. */
  get watermark(): bigint | undefined {
    return this.#session.call((engine) => engine.watermark());
  }

  /** Raises the watermark. A lower value is ignored. */
  setWatermark(watermarkMs: Integer): void {
    this.#session.call((engine) => engine.setWatermark(signed("watermark", watermarkMs)));
  }

  /** Attaches a short text to all later checkpoints. */
  setAnnotation(name: string, value: string): void {
    this.#session.call((engine) => engine.setAnnotation(name, value));
  }

  /** The WAL position that the caller gave the newest checkpoint. */
  get walPosition(): bigint {
    return this.#session.call((engine) => engine.walPosition());
  }

  /** The id of the newest checkpoint. */
  get latestCheckpointId(): bigint | undefined {
    return this.#session.call((engine) => engine.latestCheckpointId());
  }

  /** The memory that the engine holds. */
  get memory(): MemoryUsage {
    return this.#session.call((engine) => engine.memory() as MemoryUsage);
  }

  /** Returns whether the interval since the last checkpoint has passed. */
  shouldCheckpoint(): boolean {
    return this.#session.call((engine) => engine.shouldCheckpoint());
  }
}
