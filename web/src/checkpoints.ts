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

/** Entries that cross from the engine at once. */
const PAGE_ENTRIES = 4096;

/**
 * Keyed state with incremental checkpoints.
 *
 * State, source offsets, watermark and epoch become durable together, with `checkpoint()`, or not at
 * all. Opening brings back the newest checkpoint. Reading and changing the state is synchronous and in
 * memory; it may go on while a checkpoint is being written, and belongs to the next one then.
 */
export class Checkpoints {
  readonly name: string;
  readonly #instance: Instance;
  readonly #engine: EngineHandle;
  readonly #lock: Lock;
  readonly #listeners = new Map<keyof CheckpointEvents, Set<(detail: never) => void>>();
  /** Writes and what needs everything for itself, one after the other. */
  #tail: Promise<unknown> = Promise.resolve();
  #pending = 0;
  /** Why nothing can be called any more. */
  #ended: AlluviumError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(name: string, life: Instance, engine: EngineHandle, lock: Lock) {
    this.name = name;
    this.#instance = life;
    this.#engine = engine;
    this.#lock = lock;
  }

  /** Opens checkpoints and recovers the newest, or starts anew where there is none. */
  static async open(options: OpenOptions): Promise<Checkpoints> {
    const { name, storage = "indexeddb", clock = systemClock, whenTaken = "fail" } = options;
    if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(name)) {
      throw new AlluviumError("invalid-input", `name ${JSON.stringify(name)}: letters, digits, ".", "_" and "-", at most 64`);
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

  /** What opening found; `null` when it started anew. */
  get recovered(): RecoverySummary | null {
    return this.#call((engine) => engine.recovered() as RecoverySummary | null);
  }

  /** Sets a key's value. Durable with the next checkpoint. */
  put(key: Bytes, value: Bytes): void {
    this.#call((engine) => engine.put(bytesOf(key), bytesOf(value)));
  }

  /** Removes a key; whether it was there. */
  delete(key: Bytes): boolean {
    return this.#call((engine) => engine.delete(bytesOf(key)));
  }

  /** The value of a key. */
  get(key: Bytes): Uint8Array | undefined {
    return this.#call((engine) => engine.get(bytesOf(key)));
  }

  /** The values of many keys, in their order: one call instead of many. */
  getMany(keys: readonly Bytes[]): (Uint8Array | undefined)[] {
    const packed = packKeys(keys.map(bytesOf));
    return unpackValues(this.#call((engine) => engine.getMany(packed)), keys.length);
  }

  /** Whether a key is there. */
  has(key: Bytes): boolean {
    return this.get(key) !== undefined;
  }

  /** The value of a key as text. */
  getText(key: Bytes): string | undefined {
    const value = this.get(key);
    return value && textOf(value);
  }

  /** Sets a key's value to JSON. */
  putJson(key: Bytes, value: unknown): void {
    this.put(key, jsonBytes(value));
  }

  /** The value of a key, which is JSON. */
  getJson(key: Bytes): unknown {
    const value = this.get(key);
    return value && jsonOf(value);
  }

  /** Applies a batch, all of it or nothing, and empties it; how many mutations it held. */
  apply(batch: BatchWriter): number {
    const packed = batch.pack();
    const count = this.#call((engine) => engine.apply(packed));
    batch.clear();
    return count;
  }

  /** Applies a buffer as `BatchWriter.pack` makes it. */
  applyPacked(packed: Uint8Array): number {
    return this.#call((engine) => engine.apply(packed));
  }

  /** Live keys. */
  get size(): number {
    return this.#call((engine) => engine.size());
  }

  /**
   * Entries in order of their keys' bytes, those that start with `prefix`. The keys are those of now;
   * values are read as the walk gets to them, in pages, and keys deleted meanwhile are left out.
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
      // After a panic there is nothing left to be freed.
      if (this.#instance.panic === undefined) walk.free();
    }
  }

  /** As `entries`, of texts. */
  *textEntries(prefix: Bytes = ""): Generator<[key: string, value: string], void, undefined> {
    for (const [key, value] of this.entries(prefix)) yield [textOf(key), textOf(value)];
  }

  [Symbol.iterator](): Generator<[key: Uint8Array, value: Uint8Array], void, undefined> {
    return this.entries();
  }

  /** The epoch; it never goes backwards. */
  get epoch(): bigint {
    return this.#call((engine) => engine.epoch());
  }
  set epoch(epoch: Integer) {
    this.#call((engine) => engine.setEpoch(unsigned("epoch", epoch)));
  }

  /** For each source, how far it was consumed. */
  get sourceOffsets(): Map<string, bigint> {
    return this.#call((engine) => engine.sourceOffsets() as Map<string, bigint>);
  }

  /** How far one source was consumed; 0 before anything was. */
  sourceOffset(source: string): bigint {
    return this.sourceOffsets.get(source) ?? 0n;
  }

  /** Sets how far a source was consumed; it never goes backwards. */
  setSourceOffset(source: string, offset: Integer): void {
    this.#call((engine) => engine.setSourceOffset(source, unsigned("offset", offset)));
  }

  /** The watermark, in milliseconds of Unix time. */
  get watermark(): bigint | undefined {
    return this.#call((engine) => engine.watermark());
  }

  /** Raises the watermark; an earlier one is passed over. */
  setWatermark(watermarkMs: Integer): void {
    this.#call((engine) => engine.setWatermark(signed("watermark", watermarkMs)));
  }

  /** Attaches a short text to the checkpoints to come. */
  setAnnotation(name: string, value: string): void {
    this.#call((engine) => engine.setAnnotation(name, value));
  }

  /** The caller's position that the newest checkpoint has. */
  get walPosition(): bigint {
    return this.#call((engine) => engine.walPosition());
  }

  /** The id of the newest checkpoint. */
  get latestCheckpointId(): bigint | undefined {
    return this.#call((engine) => engine.latestCheckpointId());
  }

  /** Memory that the engine holds. */
  get memory(): MemoryUsage {
    return this.#call((engine) => engine.memory() as MemoryUsage);
  }

  /** Whether the next checkpoint is due by its interval. */
  shouldCheckpoint(): boolean {
    return this.#call((engine) => engine.shouldCheckpoint());
  }

  /**
   * Takes a checkpoint of the state as it is now; resolves when it is durable. The state may be changed
   * meanwhile, and several may be on their way: they are written in order.
   */
  async checkpoint(options: { walPosition?: Integer } = {}): Promise<CheckpointMetadata & { statistics: CheckpointStatistics }> {
    const { walPosition } = options;
    const position = walPosition === undefined ? undefined : unsigned("walPosition", walPosition);
    // Synchronous from the call up to here: this is the moment that is checkpointed.
    const prepared = this.#call((engine) => engine.prepare(position));
    this.#emit("begin", { pending: ++this.#pending });
    const written = this.#enqueue(async () => {
      const finished = await this.#write(prepared);
      const { metadata, statistics } = finished as { metadata: CheckpointMetadata; statistics: CheckpointStatistics };
      return { finished, metadata, statistics };
    });
    // Tidying up comes next in the queue, and is not waited for.
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
   * Takes a checkpoint with an opaque state of the caller's own beside the keyed one, and with these
   * offsets and this watermark, which become the current ones.
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

  /** The opaque state of a checkpoint. */
  loadState(id: Integer): Promise<Uint8Array> {
    return this.#inTurn((engine) => engine.loadState(unsigned("id", id))) as Promise<Uint8Array>;
  }

  /** Every checkpoint, newest first; a damaged one says what is wrong with it. */
  list(): Promise<ListedCheckpoint[]> {
    return this.#inTurn((engine) => engine.list()) as Promise<ListedCheckpoint[]>;
  }

  /**
   * Goes back to a kept checkpoint: it becomes the state, and the newest checkpoint. What was not
   * checkpointed is lost.
   */
  restore(id: Integer): Promise<CheckpointMetadata> {
    return this.#inTurn((engine) => engine.restore(unsigned("id", id))) as Promise<CheckpointMetadata>;
  }

  /** Deletes one checkpoint; its id is never given again. */
  deleteCheckpoint(id: Integer): Promise<MaintenanceReport> {
    return this.#inTurn((engine) => engine.deleteCheckpoint(unsigned("id", id))) as Promise<MaintenanceReport>;
  }

  /** Lets all but the newest `keep` go. */
  cleanup(keep: number): Promise<MaintenanceReport> {
    return this.#inTurn((engine) => engine.cleanup(Number(unsigned("keep", keep)))) as Promise<MaintenanceReport>;
  }

  /** Deletes what no kept checkpoint names. */
  collectGarbage(): Promise<MaintenanceReport> {
    return this.#inTurn((engine) => engine.collectGarbage()) as Promise<MaintenanceReport>;
  }

  /** Reads every byte of the storage and says what is wrong with it. */
  verify(): Promise<VerifyReport> {
    return this.#inTurn((engine) => engine.verify()) as Promise<VerifyReport>;
  }

  /** One checkpoint as a file that stands alone (tar): the newest, or the one with `id`. */
  async exportCheckpoint(id?: Integer): Promise<Blob> {
    const chosen = id === undefined ? undefined : unsigned("id", id);
    const archive = (await this.#inTurn((engine) => engine.exportArchive(chosen))) as Uint8Array<ArrayBuffer>;
    return new Blob([archive], { type: "application/x-tar" });
  }

  /**
   * Brings in a file that `exportCheckpoint` or the command line made: it becomes the state, and the
   * newest checkpoint. What was not checkpointed is lost; a file that is refused changes nothing.
   */
  async importCheckpoint(file: Blob | BufferSource): Promise<CheckpointMetadata> {
    const bytes = new Uint8Array(
      file instanceof Blob ? await file.arrayBuffer() : ArrayBuffer.isView(file) ? viewBytes(file) : file,
    );
    return (await this.#inTurn((engine) => engine.importArchive(bytes))) as CheckpointMetadata;
  }

  /** Calls `listener` on every event of a kind, until the function that it gives back is called. */
  on<K extends keyof CheckpointEvents>(event: K, listener: (detail: CheckpointEvents[K]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Awaits what is being written, then gives up state, storage and lock. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      const last = this.#tail;
      this.#ended ??= new AlluviumError("closed", `${this.name} is closed: open it anew`);
      await last;
      // After a panic there is nothing left to be closed.
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
   * What reads the storage takes its turn among what is written: nothing is deleted beneath it. The
   * state may be read and changed meanwhile.
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
        // A listener's mistake is its own: not the checkpoint's.
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
