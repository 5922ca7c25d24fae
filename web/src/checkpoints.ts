import { asynchronous } from "./directory.js";
import { Engine, instance, setWasmSource } from "./engine.js";
import { AlluviumError } from "./error.js";
import { Listeners } from "./events.js";
import { acquire } from "./lock.js";
import { OpfsDirectory } from "./opfs.js";
import { Session } from "./session.js";
import { KeyedState } from "./state.js";
import { type Integer, signed, unsigned } from "./text.js";
import type {
  CheckpointEvents,
  CheckpointMetadata,
  CheckpointStatistics,
  ListedCheckpoint,
  MaintenanceReport,
  OpenOptions,
  RecoverySummary,
  VerifyReport,
} from "./types.js";
import type { Clock, Engine as EngineHandle, Finished, Prepared } from "./wasm/alluvium_wasm.js";

const systemClock: Clock = {
  unixMs: () => Date.now(),
  monotonicUs: () => performance.now() * 1000,
};

/**
 * Keyed state with incremental checkpoints.
 *
 * `checkpoint()` makes state, source offsets, watermark and epoch durable together, or not at all. Opening
 * recovers the newest checkpoint. Reading and changing the state is synchronous and happens in memory. The state
 * may also be changed while a checkpoint is being written. Such changes belong to the next checkpoint.
 */
export class Checkpoints extends KeyedState {
  readonly name: string;
  readonly #session: Session;
  readonly #listeners = new Listeners();
  #pending = 0;

  private constructor(session: Session) {
    super(session);
    this.name = session.name;
    this.#session = session;
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
      const directory = typeof storage === "object" ? asynchronous(storage) : storage === "opfs" ? await OpfsDirectory.open(name) : undefined;
      const settings = {
        ...options,
        checkpoint: options.checkpoint === undefined ? undefined : unsigned("checkpoint", options.checkpoint),
        storeId: options.storeId ?? crypto.getRandomValues(new Uint8Array(16)),
        writer: options.writer ?? crypto.getRandomValues(new Uint8Array(8)),
      };
      const kind = typeof storage === "string" ? storage : "directory";
      const engine = (await life.run(() => Engine.open(kind, `alluvium/${name}`, directory, clock, settings))) as EngineHandle;
      opened = new Checkpoints(new Session(name, life, engine, lock));
      return opened;
    } catch (thrown) {
      lock.release();
      throw thrown;
    }
  }

  /** What opening recovered, or `null` if no checkpoint was found. */
  get recovered(): RecoverySummary | null {
    return this.#session.call((engine) => engine.recovered() as RecoverySummary | null);
  }

  /**
   * Takes a checkpoint of the state at the moment of the call. Resolves when the checkpoint is durable. The
   * state may be changed meanwhile. Several checkpoints may be in progress; they are written in order.
   */
  async checkpoint(options: { walPosition?: Integer } = {}): Promise<CheckpointMetadata & { statistics: CheckpointStatistics }> {
    const { walPosition } = options;
    const position = walPosition === undefined ? undefined : unsigned("walPosition", walPosition);
    // Everything up to here is synchronous, so the checkpoint holds the state at the moment of the call.
    const prepared = this.#session.call((engine) => engine.prepare(position));
    this.#listeners.emit("begin", { pending: ++this.#pending });
    const written = this.#session.enqueue(async () => {
      const finished = await this.#write(prepared);
      const { metadata, statistics } = finished as { metadata: CheckpointMetadata; statistics: CheckpointStatistics };
      return { finished, metadata, statistics };
    });
    // Maintenance is next in the queue. The caller does not wait for it.
    this.#session.enqueue(async () => this.#maintain((await written).finished)).catch(() => {});
    const { metadata, statistics } = await written;
    this.#listeners.emit("checkpoint", { metadata, statistics });
    return { ...metadata, statistics };
  }

  async #write(prepared: Prepared): Promise<Finished> {
    try {
      return await this.#session.run<Finished>((engine) => engine.write(prepared));
    } catch (thrown) {
      if (thrown instanceof AlluviumError && thrown.kind === "fenced") this.#fence(thrown.message);
      throw thrown;
    } finally {
      this.#pending--;
    }
  }

  async #maintain(finished: Finished): Promise<void> {
    const report = await this.#session.run<MaintenanceReport>(() => finished.maintain());
    this.#listeners.emit("maintenance", report);
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
    return this.#session.inTurn((engine) => engine.writeWithState(position, offsets, mark, state));
  }

  /** Returns the opaque state of a checkpoint. */
  loadState(id: Integer): Promise<Uint8Array> {
    return this.#session.inTurn((engine) => engine.loadState(unsigned("id", id)));
  }

  /** Lists every checkpoint, newest first. For a damaged one, `damage` says what is wrong. */
  list(): Promise<ListedCheckpoint[]> {
    return this.#session.inTurn((engine) => engine.list());
  }

  /**
   * Restores a kept checkpoint. It becomes the state, and also the newest checkpoint. Changes that no checkpoint
   * contains are lost.
   */
  restore(id: Integer): Promise<CheckpointMetadata> {
    return this.#session.inTurn((engine) => engine.restore(unsigned("id", id)));
  }

  /** Deletes one checkpoint. Its id is never used again. */
  deleteCheckpoint(id: Integer): Promise<MaintenanceReport> {
    return this.#session.inTurn((engine) => engine.deleteCheckpoint(unsigned("id", id)));
  }

  /** Deletes all checkpoints except the newest `keep`. */
  cleanup(keep: number): Promise<MaintenanceReport> {
    return this.#session.inTurn((engine) => engine.cleanup(Number(unsigned("keep", keep))));
  }

  /** Deletes the files that no kept checkpoint names. */
  collectGarbage(): Promise<MaintenanceReport> {
    return this.#session.inTurn((engine) => engine.collectGarbage());
  }

  /** Reads every byte of the storage and reports what is wrong with it. */
  verify(): Promise<VerifyReport> {
    return this.#session.inTurn((engine) => engine.verify());
  }

  /** Exports one checkpoint as a self-contained tar file: the newest, or the one with `id`. */
  async exportCheckpoint(id?: Integer): Promise<Blob> {
    const chosen = id === undefined ? undefined : unsigned("id", id);
    const archive = await this.#session.inTurn<Uint8Array<ArrayBuffer>>((engine) => engine.exportArchive(chosen));
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
    return this.#session.inTurn((engine) => engine.importArchive(bytes));
  }

  /** Calls `listener` on every event of a kind. The returned function ends this. */
  on<K extends keyof CheckpointEvents>(event: K, listener: (detail: CheckpointEvents[K]) => void): () => void {
    return this.#listeners.on(event, listener);
  }

  /** Waits until everything in progress is written, then releases the state, the storage and the lock. */
  close(): Promise<void> {
    return this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #fence(reason: string): void {
    if (this.#session.fence(reason)) this.#listeners.emit("fenced", { reason });
  }
}

function viewBytes(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
