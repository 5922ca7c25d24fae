import { type BatchWriter, packKeys, unpack, unpackValues } from "./batch.js";
import { Engine, type Instance, instance, setWasmSource } from "./engine.js";
import { AlluviumError } from "./error.js";
import { type Lock, acquire } from "./lock.js";
import { OpfsDirectory } from "./opfs.js";
import { type Bytes, type Integer, bytesOf, jsonBytes, jsonOf, signed, textOf, unsigned } from "./text.js";
import type {
  CheckpointEvents,
  CheckpointMetadata,
  CheckpointStatistics,
  ListedCheckpoint,
  MaintenanceReport,
  MemoryUsage,
  OpenOptions,
  RecoverySummary,
  VerifyReport,
} from "./types.js";
import type { Clock, Engine as EngineHandle, Finished, Prepared } from "./wasm/alluvium_wasm.js";

const systemClock: Clock = {
  unixMs: () => Date.now(),
  monotonicUs: () => performance.now() * 1000,
};

/** How many entries one call fetches from the engine. */
const PAGE_ENTRIES = 4096;

/**
 * Keyed state with incremental checkpoints.
 *
 * `checkpoint()` makes state, source offsets, watermark and epoch durable together, or not at all. Opening
 * recovers the newest checkpoint. Reading and changing the state is synchronous and happens in memory. The state
 * may also be changed while a checkpoint is being written. Such changes belong to the next checkpoint.
 */
export class Checkpoints {
  readonly name: string;
  readonly #instance: Instance;
  readonly #engine: EngineHandle;
  readonly #lock: Lock;
  readonly #listeners = new Map<keyof CheckpointEvents, Set<(detail: never) => void>>();
  /** The end of the queue. Operations on the storage run one after another. */
  #tail: Promise<unknown> = Promise.resolve();
  #pending = 0;
  /** The reason why every further call fails, if there is one. */
  #ended: AlluviumError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(name: string, life: Instance, engine: EngineHandle, lock: Lock) {
    this.name = name;
    this.#instance = life;
    this.#engine = engine;
    this.#lock = lock;
  }

  /** Opens checkpoints and recovers the newest one. Without a checkpoint, the state starts empty. */
  static async open(options: OpenOptions): Promise<Checkpoints> {
    const { name, storage = "indexeddb", clock = systemClock, whenTaken = "fail" } = options;
    if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(name)) {
      throw new AlluviumError("invalid-input", `name ${JSON.stringify(name)} must be 1 to 64 letters, digits, ".", "_" or "-", and must not start with "."`);
    }
    const { wasm } = options;
    if (wasm !== undefined) setWasmSource(() => wasm);
    const life = await instance();
    let opened: Checkpoints | undefined;
    const lost = () => void (opened && opened.#fence(`${name} was taken over by another tab or worker`));
    const isShared = storage === "indexeddb" || storage === "opfs";
    const lock = isShared
      ? await acquire(`alluvium/${storage}/${name}`, whenTaken, options.signal, lost)
      : { release() {} };
    try {
      const directory = typeof storage === "object" ? storage : storage === "opfs" ? await OpfsDirectory.open(name) : undefined;
      const settings = {
        ...options,
        checkpoint: options.checkpoint === undefined ? undefined : unsigned("checkpoint", options.checkpoint),
        storeId: options.storeId ?? crypto.getRandomValues(new Uint8Array(16)),
      };
      const kind = typeof storage === "string" ? storage : "directory";
      const engine = (await life.run(() => Engine.open(kind, `alluvium/${name}`, directory, clock, settings))) as EngineHandle;
      opened = new Checkpoints(name, life, engine, lock);
      return opened;
    } catch (thrown) {
      lock.release();
      throw thrown;
    }
  }

  /** What opening recovered, or `null` if no checkpoint was found. */
  get recovered(): RecoverySummary | null {
    return this.#call((engine) => engine.recovered() as RecoverySummary | null);
  }

  /** Sets the value of a key. The next checkpoint makes it durable. */
  put(key: Bytes, value: Bytes): void {
    this.#call((engine) => engine.put(bytesOf(key), bytesOf(value)));
  }

  /** Deletes a key. Returns whether it existed. */
  delete(key: Bytes): boolean {
    return this.#call((engine) => engine.delete(bytesOf(key)));
  }

  /** Returns the value of a key. */
  get(key: Bytes): Uint8Array | undefined {
    return this.#call((engine) => engine.get(bytesOf(key)));
  }

  /** Returns the values of many keys, in the order of the keys. It is faster than many calls of `get`. */
  getMany(keys: readonly Bytes[]): (Uint8Array | undefined)[] {
    const packed = packKeys(keys.map(bytesOf));
    return unpackValues(this.#call((engine) => engine.getMany(packed)), keys.length);
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
    const count = this.#call((engine) => engine.apply(packed));
    batch.clear();
    return count;
  }

  /** Applies a buffer that `BatchWriter.pack` made. Returns how many mutations it held. */
  applyPacked(packed: Uint8Array): number {
    return this.#call((engine) => engine.apply(packed));
  }

  /** The number of live keys. */
  get size(): number {
    return this.#call((engine) => engine.size());
  }

  /**
   * Yields the entries whose keys start with `prefix`, in the order of the keys' bytes. The keys are those that
   * exist when the walk begins. Values are read in pages as the walk reaches them. Keys that are deleted
   * meanwhile are left out.
   */
  *entries(prefix: Bytes = ""): Generator<[key: Uint8Array, value: Uint8Array], void, undefined> {
    const walk = this.#call((engine) => engine.walk(bytesOf(prefix)));
    try {
      for (;;) {
        const page = this.#call(() => walk.next(PAGE_ENTRIES));
        if (page.length <= 8) return;
        yield* unpack(page);
      }
    } finally {
      // After a panic there is nothing left to free.
      if (this.#instance.panic === undefined) walk.free();
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
    return this.#call((engine) => engine.epoch());
  }
  set epoch(epoch: Integer) {
    this.#call((engine) => engine.setEpoch(unsigned("epoch", epoch)));
  }

  /** The offset of each source: how far it was consumed. */
  get sourceOffsets(): Map<string, bigint> {
    return this.#call((engine) => engine.sourceOffsets() as Map<string, bigint>);
  }

  /** Returns how far one source was consumed. It is 0 if nothing was. */
  sourceOffset(source: string): bigint {
    return this.sourceOffsets.get(source) ?? 0n;
  }

  /** Sets how far a source was consumed. The offset never goes backwards. */
  setSourceOffset(source: string, offset: Integer): void {
    this.#call((engine) => engine.setSourceOffset(source, unsigned("offset", offset)));
  }

  /** The watermark, in milliseconds of Unix time. */
  get watermark(): bigint | undefined {
    return this.#call((engine) => engine.watermark());
  }

  /** Raises the watermark. A lower value is ignored. */
  setWatermark(watermarkMs: Integer): void {
    this.#call((engine) => engine.setWatermark(signed("watermark", watermarkMs)));
  }

  /** Attaches a short text to all later checkpoints. */
  setAnnotation(name: string, value: string): void {
    this.#call((engine) => engine.setAnnotation(name, value));
  }

  /** The WAL position that the caller gave the newest checkpoint. */
  get walPosition(): bigint {
    return this.#call((engine) => engine.walPosition());
  }

  /** The id of the newest checkpoint. */
  get latestCheckpointId(): bigint | undefined {
    return this.#call((engine) => engine.latestCheckpointId());
  }

  /** The memory that the engine holds. */
  get memory(): MemoryUsage {
    return this.#call((engine) => engine.memory() as MemoryUsage);
  }

  /** Returns whether the interval since the last checkpoint has passed. */
  shouldCheckpoint(): boolean {
    return this.#call((engine) => engine.shouldCheckpoint());
  }

  /**
   * Takes a checkpoint of the state at the moment of the call. Resolves when the checkpoint is durable. The
   * state may be changed meanwhile. Several checkpoints may be in progress; they are written in order.
   */
  async checkpoint(options: { walPosition?: Integer } = {}): Promise<CheckpointMetadata & { statistics: CheckpointStatistics }> {
    const { walPosition } = options;
    const position = walPosition === undefined ? undefined : unsigned("walPosition", walPosition);
    // Everything up to here is synchronous, so the checkpoint holds the state at the moment of the call.
    const prepared = this.#call((engine) => engine.prepare(position));
    this.#emit("begin", { pending: ++this.#pending });
    const written = this.#enqueue(async () => {
      const finished = await this.#write(prepared);
      const { metadata, statistics } = finished as { metadata: CheckpointMetadata; statistics: CheckpointStatistics };
      return { finished, metadata, statistics };
    });
    // Maintenance is next in the queue. The caller does not wait for it.
    this.#enqueue(async () => this.#maintain((await written).finished)).catch(() => {});
    const { metadata, statistics } = await written;
    this.#emit("checkpoint", { metadata, statistics });
    return { ...metadata, statistics };
  }

  async #write(prepared: Prepared): Promise<Finished> {
    try {
      return (await this.#instance.run(() => this.#engine.write(prepared))) as Finished;
    } catch (thrown) {
      if (thrown instanceof AlluviumError && thrown.kind === "fenced") this.#fence(thrown.message);
      throw thrown;
    } finally {
      this.#pending--;
    }
  }

  async #maintain(finished: Finished): Promise<void> {
    const report = await this.#instance.run(() => finished.maintain() as Promise<MaintenanceReport>);
    this.#emit("maintenance", report);
  }

  /**
   * Takes a checkpoint that also contains an opaque state of the caller. The given offsets and watermark become
   * the current ones.
   */
  checkpointWithState(
    state: Uint8Array,
    options: { walPosition?: Integer; sourceOffsets?: Iterable<[string, Integer]>; watermark?: Integer } = {},
  ): Promise<CheckpointMetadata> {
    const { walPosition, watermark } = options;
    const position = walPosition === undefined ? undefined : unsigned("walPosition", walPosition);
    const offsets = [...(options.sourceOffsets ?? this.sourceOffsets)].map(([name, offset]) => [name, unsigned("offset", offset)]);
    const mark = watermark === undefined ? this.watermark : signed("watermark", watermark);
    return this.#inTurn((engine) => engine.writeWithState(position, offsets, mark, state)) as Promise<CheckpointMetadata>;
  }

  /** Returns the opaque state of a checkpoint. */
  loadState(id: Integer): Promise<Uint8Array> {
    return this.#inTurn((engine) => engine.loadState(unsigned("id", id))) as Promise<Uint8Array>;
  }

  /** Lists every checkpoint, newest first. For a damaged one, `damage` says what is wrong. */
  list(): Promise<ListedCheckpoint[]> {
    return this.#inTurn((engine) => engine.list()) as Promise<ListedCheckpoint[]>;
  }

  /**
   * Restores a kept checkpoint. It becomes the state, and also the newest checkpoint. Changes that no checkpoint
   * contains are lost.
   */
  restore(id: Integer): Promise<CheckpointMetadata> {
    return this.#inTurn((engine) => engine.restore(unsigned("id", id))) as Promise<CheckpointMetadata>;
  }

  /** Deletes one checkpoint. Its id is never used again. */
  deleteCheckpoint(id: Integer): Promise<MaintenanceReport> {
    return this.#inTurn((engine) => engine.deleteCheckpoint(unsigned("id", id))) as Promise<MaintenanceReport>;
  }

  /** Deletes all checkpoints except the newest `keep`. */
  cleanup(keep: number): Promise<MaintenanceReport> {
    return this.#inTurn((engine) => engine.cleanup(Number(unsigned("keep", keep)))) as Promise<MaintenanceReport>;
  }

  /** Deletes the files that no kept checkpoint names. */
  collectGarbage(): Promise<MaintenanceReport> {
    return this.#inTurn((engine) => engine.collectGarbage()) as Promise<MaintenanceReport>;
  }

  /** Reads every byte of the storage and reports what is wrong with it. */
  verify(): Promise<VerifyReport> {
    return this.#inTurn((engine) => engine.verify()) as Promise<VerifyReport>;
  }

  /** Exports one checkpoint as a self-contained tar file: the newest, or the one with `id`. */
  async exportCheckpoint(id?: Integer): Promise<Blob> {
    const chosen = id === undefined ? undefined : unsigned("id", id);
    const archive = (await this.#inTurn((engine) => engine.exportArchive(chosen))) as Uint8Array<ArrayBuffer>;
    return new Blob([archive], { type: "application/x-tar" });
  }

  /**
   * Imports a file that `exportCheckpoint` or `alluvium export` made. It becomes the state, and also the newest
   * checkpoint. Changes that no checkpoint contains are lost. A file that is refused changes nothing.
   */
  async importCheckpoint(file: Blob | BufferSource): Promise<CheckpointMetadata> {
    const bytes = new Uint8Array(
      file instanceof Blob ? await file.arrayBuffer() : ArrayBuffer.isView(file) ? viewBytes(file) : file,
    );
    return (await this.#inTurn((engine) => engine.importArchive(bytes))) as CheckpointMetadata;
  }

  /** Calls `listener` on every event of a kind. The returned function ends this. */
  on<K extends keyof CheckpointEvents>(event: K, listener: (detail: CheckpointEvents[K]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Waits until everything in progress is written, then releases the state, the storage and the lock. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      const last = this.#tail;
      this.#ended ??= new AlluviumError("closed", `${this.name} is closed: open it again`);
      await last;
      // After a panic there is nothing left to close.
      if (this.#instance.panic === undefined) {
        this.#engine.close();
        this.#engine.free();
      }
      this.#lock.release();
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #fence(reason: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = new AlluviumError("fenced", reason);
    this.#emit("fenced", { reason });
  }

  #check(): void {
    if (this.#ended !== undefined) throw new AlluviumError(this.#ended.kind, this.#ended.message);
    this.#instance.check();
  }

  #call<T>(call: (engine: EngineHandle) => T): T {
    this.#check();
    return this.#instance.call(() => call(this.#engine));
  }

  /**
   * Runs a call on the storage in turn with the writes, so nothing is deleted while it reads. The state may be
   * read and changed meanwhile.
   */
  async #inTurn(call: (engine: EngineHandle) => Promise<unknown>): Promise<unknown> {
    this.#check();
    return this.#enqueue(() => this.#instance.run(() => call(this.#engine)));
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => {});
    return done;
  }

  #emit<K extends keyof CheckpointEvents>(event: K, detail: CheckpointEvents[K]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        (listener as (detail: CheckpointEvents[K]) => void)(detail);
      } catch (thrown) {
        // An error in a listener must not fail the checkpoint. The page gets it as an uncaught error.
        queueMicrotask(() => {
          throw thrown;
        });
      }
    }
  }
}

function viewBytes(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
