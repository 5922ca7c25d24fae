/// <reference lib="esnext.disposable" preserve="true" />
import { callable, counted, listed, oneOf, record, texted, viewed } from "./checks.js";
import { CheckedClock } from "./clock.js";
import { type Codec, codecOf } from "./codec.js";
import { Commits } from "./commits.js";
import { asynchronous } from "./directory.js";
import { Engine, instance, setWasmSource } from "./engine.js";
import { AlluviumError } from "./error.js";
import { Listeners } from "./events.js";
import { beforeReplaced, intervalMs, replacing } from "./for-sources.js";
import { acquire } from "./lock.js";
import { Namespace, Timers, declarationOf } from "./namespace.js";
import { OpfsDirectory } from "./opfs.js";
import { withJson } from "./plain.js";
import type { BytesSource } from "./platform.js";
import { type Schema, bringUpToDate, checkAnnotations, checkSchema } from "./schema.js";
import { Session } from "./session.js";
import { KeyedState } from "./state.js";
import { nameOf } from "./storage.js";
import { type Bytes, type Integer, signed, unsigned } from "./text.js";
import { WAYS } from "./turns.js";
import type {
  CheckpointEvents,
  CheckpointMetadata,
  CheckpointOptions,
  ListedCheckpoint,
  MaintenanceReport,
  OpenOptions,
  RecoverySummary,
  VerifyReport,
  WrittenCheckpoint,
} from "./types.js";
import type { Engine as EngineHandle } from "./wasm/alluvium_wasm.js";

/**
 * Keyed state with incremental checkpoints.
 *
 * `checkpoint()` makes state, source offsets, watermark and epoch durable together, or not at all. Opening
 * recovers the newest checkpoint. Reading and changing the state is synchronous and happens in memory. The state
 * may also be changed while a checkpoint is being written. Such changes belong to the next checkpoint.
 */
export class Checkpoints<V = Uint8Array, I = V extends Uint8Array ? Bytes : V> extends KeyedState<V, I> {
  /** The name in the storage. */
  readonly name: string;
  /** Whether these checkpoints can only be read. */
  readonly isReadOnly: boolean;
  /** @internal */
  readonly [intervalMs]: number;
  readonly #session: Session;
  readonly #listeners = new Listeners();
  readonly #commits: Commits;
  readonly #declare: () => void;
  readonly #schema: Schema;
  /** Settles when no other checkpoint is about to become the state. */
  #arriving: Promise<void> | undefined;

  private constructor(session: Session, options: OpenOptions, codec: Codec<V, I> | undefined) {
    super(session, codec);
    const { readOnly = false } = options;
    const namespaces = record("option namespaces", options.namespaces ?? {});
    this.name = session.name;
    this.isReadOnly = readOnly;
    this[intervalMs] = Number(options.intervalMs ?? 60_000);
    this.#session = session;
    this.#schema = { schemaVersion: options.schemaVersion ?? undefined, migrate: options.migrate ?? undefined };
    session.hasMemoryLimit = options.memoryLimitBytes !== undefined;
    this.#commits = new Commits(session, this.#listeners, { maxInFlight: options.maxInFlight ?? 4, whenBusy: options.whenBusy ?? "queue" });
    const declarations = readOnly ? [] : Object.entries(namespaces).map(([name, declared]) => declarationOf(name, declared));
    this.#declare = () => declarations.forEach((declared) => session.call((engine) => engine.declare(declared)));
  }

  /** Opens checkpoints and recovers the newest one. Without a checkpoint, the state starts empty. */
  static async open(options: OpenOptions): Promise<Checkpoints>;
  /** Opens checkpoints whose values are written and read by a codec. */
  static async open<V, I = V>(options: OpenOptions & { codec: Codec<V, I> }): Promise<Checkpoints<V, I>>;
  static async open<V, I>(options: OpenOptions & { codec?: Codec<V, I> }): Promise<Checkpoints<V, I>> {
    const { name, storage = "indexeddb", readOnly = false } = record("the options of open", options);
    nameOf("option name", name);
    if (typeof storage !== "object") oneOf("option storage", storage, ["indexeddb", "opfs", "memory"]);
    const whenTaken = oneOf("option whenTaken", options.whenTaken ?? "fail", ["fail", "wait", "steal"]);
    oneOf("option whenBusy", options.whenBusy ?? "queue", WAYS);
    checkSchema(options);
    codecOf(options.codec);
    const clock = new CheckedClock(options.clock);
    for (const member of ["storeId", "writer"] as const) if (ArrayBuffer.isView(options[member])) viewed(`option ${member}`, options[member]);
    const { wasm } = options;
    if (wasm !== undefined) setWasmSource(() => wasm);
    const life = await instance();
    const takenOver = `${name} was taken over by another tab or worker`;
    let opened: Checkpoints<V, I> | undefined;
    let isLost = false;
    const lost = () => {
      isLost = true;
      if (opened !== undefined) opened.#commits.fence(takenOver);
    };
    // A reader needs no lock: it changes nothing.
    const isShared = (storage === "indexeddb" || storage === "opfs") && !readOnly;
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
      const session = new Session(name, life, engine, lock, clock);
      try {
        // The state was recovered for nothing. The one that has taken over must not find another writer.
        if (isLost) throw new AlluviumError("fenced", takenOver);
        const made = new Checkpoints(session, options, options.codec);
        opened = made;
        made.#declare();
        await made.#bringUpToDate(made.recovered === null);
      } catch (thrown) {
        // Nothing was written, so the newest checkpoint is as it was.
        await session.close();
        throw thrown;
      }
      return opened;
    } catch (thrown) {
      lock.release();
      throw thrown;
    }
  }

  /**
   * Returns a declared namespace: a part of the state with keys of its own. It is declared when the checkpoints are
   * opened, and the state keeps the declaration.
   */
  namespace(name: string): Namespace;
  namespace<W, J = W>(name: string, codec: Codec<W, J>): Namespace<W, J>;
  namespace<W, J>(name: string, codec?: Codec<W, J>): Namespace<W, J> {
    return new Namespace<W, J>(this.#session, name, codec);
  }

  /** Returns a declared namespace of timers. */
  timers(name: string): Timers {
    return new Timers(this.#session, name);
  }

  /** @internal */
  get [replacing](): Promise<void> | undefined {
    return this.#session.replacing;
  }

  /** @internal */
  [beforeReplaced](listener: () => void): () => void {
    return this.#session.beforeReplaced(listener);
  }

  /** The names of the declared namespaces. */
  get namespaces(): string[] {
    return this.#session.call((engine) => engine.namespaces() as { name: string }[]).map(({ name }) => name);
  }

  /**
   * Deletes entries that have expired, at most `limit` of them, and returns how many. What has expired is never read,
   * and the engine deletes some of it with each change. This deletes more, when there is time.
   */
  deleteExpired(limit = 1000): number {
    return this.#session.call((engine) => engine.deleteExpired(counted("limit", limit)));
  }

  /** What opening recovered, or `null` if no checkpoint was found. */
  get recovered(): RecoverySummary | null {
    const found = this.#session.call((engine) => engine.recovered() as RecoverySummary | null);
    return found && withJson(found);
  }

  /** Whether anything was changed since the last checkpoint was frozen. */
  get isChanged(): boolean {
    return this.#session.call((engine) => engine.isChanged());
  }

  /**
   * Takes a checkpoint of the state. Resolves when the checkpoint is durable. The state may be changed meanwhile.
   *
   * The state is that of the moment of the call, unless so many checkpoints are under way that `whenBusy` lets it wait
   * for its turn. It then also holds what was changed until then. Checkpoints are written in order.
   *
   * A checkpoint of a state that has not changed writes its metadata only, and with `ifChanged` nothing.
   */
  checkpoint(options: CheckpointOptions = {}): Promise<WrittenCheckpoint> {
    return this.#commits.checkpoint(options);
  }

  /**
   * Makes all changes so far durable without a checkpoint, by writing them to a log that opening replays. It costs less
   * than a checkpoint if little has changed, and recovery then takes longer. If there is no checkpoint yet that a log
   * could follow, it takes one.
   *
   * `walPosition` is asked for the position in a log of your own when the changes are copied.
   */
  sync(options: { walPosition?: (() => Integer) | undefined } = {}): Promise<void> {
    return this.#commits.sync(options);
  }

  /** The bytes of the log that follow the newest checkpoint. */
  get walBytes(): number {
    return this.#session.call((engine) => engine.walBytes());
  }

  /**
   * Reads the newest checkpoint again, which another tab, worker or process may have written since. Only checkpoints that
   * were opened with `readOnly` need it. The state of before can be read until then. Returns what was recovered.
   *
   * A checkpoint of another `schemaVersion` is refused, and the state of before stays.
   */
  async refresh(): Promise<RecoverySummary> {
    const accept = (annotations: Map<string, string>): void => checkAnnotations(this, this.#schema, annotations);
    const [found] = await this.#replace("refresh", async (engine) => (await engine.refresh(accept)) as RecoverySummary);
    return found;
  }

  /**
   * Takes a checkpoint that also contains an opaque state of the caller. The given offsets and watermark become
   * the current ones. All of it is of the moment of the call, however many checkpoints are under way.
   */
  async checkpointWithState(
    state: Uint8Array,
    options: { walPosition?: Integer | undefined; sourceOffsets?: Iterable<[string, Integer]> | undefined; watermark?: Integer | undefined } = {},
  ): Promise<WrittenCheckpoint> {
    this.#commits.refuseMigrating("checkpointWithState");
    const { walPosition, watermark, sourceOffsets = this.sourceOffsets } = record("the options of checkpointWithState", options);
    const bytes = viewed("state", state);
    const position = walPosition === undefined ? undefined : unsigned("walPosition", walPosition);
    callable("sourceOffsets: its iterator", sourceOffsets?.[Symbol.iterator]);
    const offsets = [...sourceOffsets].map((of) => {
      const [name, offset] = listed("offset of a source", of) as [string, Integer];
      return [texted("offset of a source", name), unsigned("offset", offset)];
    });
    const mark = watermark === undefined ? this.watermark : signed("watermark", watermark);
    return this.#commits.freeze(() => {
      const prepared = this.#session.call((engine) => engine.prepareWithState(position, offsets, mark, bytes));
      this.#session.feed?.clockMoved("event");
      return prepared;
    });
  }

  /** Returns the opaque state of a checkpoint. */
  loadState(id: Integer): Promise<Uint8Array> {
    return this.#session.inTurn((engine) => engine.loadState(unsigned("id", id)));
  }

  /** Lists every checkpoint, newest first. For a damaged one, `damage` says what is wrong. */
  list(): Promise<ListedCheckpoint[]> {
    return this.#session.inTurn<ListedCheckpoint[]>((engine) => engine.list()).then((listed) => listed.map(withJson));
  }

  /**
   * Restores a kept checkpoint. It becomes the state, and also the newest checkpoint. Changes that no checkpoint
   * contains are lost.
   *
   * One of an older `schemaVersion` is migrated as by `open`, and a checkpoint of the new version is the newest then. If
   * the migration throws, these checkpoints are closed.
   */
  async restore(id: Integer): Promise<CheckpointMetadata> {
    const wanted = unsigned("id", id);
    const [restored, migrated] = await this.#replace("restore", async (engine) => {
      if (this.#schema.schemaVersion !== undefined) {
        const found = ((await engine.list()) as ListedCheckpoint[]).find(({ id }) => id === wanted)?.metadata;
        if (found !== undefined) checkAnnotations(this, this.#schema, found.annotations);
      }
      return (await engine.restore(wanted)) as CheckpointMetadata;
    });
    return migrated ?? restored;
  }

  /** Lets another checkpoint become the state, and brings that up to date. */
  async #replace<T extends object>(what: string, replace: (engine: EngineHandle) => Promise<T>): Promise<[T, WrittenCheckpoint | undefined]> {
    this.#commits.refuseMigrating(what);
    let upToDate: Promise<WrittenCheckpoint | undefined> | undefined;
    const end = this.#session.beginReplacing();
    const turn = this.#commits.replacing<T>(async (engine, isThere) => {
      this.#commits.refuseMigrating(what);
      const found = await replace(engine);
      this.#commits.forget();
      // It may be from before a namespace was declared.
      this.#session.replaced(this.#declare);
      // It begins before anybody else can see the state, and waits for checkpoints, which come behind this turn.
      upToDate = this.#bringUpToDate(false);
      upToDate.catch(() => {});
      isThere();
      return withJson(found);
    });
    const settled = (): void => void (this.#arriving === arriving && (this.#arriving = undefined));
    const arriving: Promise<void> = turn.then(settled, settled);
    this.#arriving = arriving;
    try {
      const by = await turn;
      try {
        return [by, await upToDate];
      } catch (thrown) {
        // The state is of no version. What is stored is whole, and the next open migrates it.
        await this.#close();
        throw thrown;
      }
    } finally {
      end();
    }
  }

  #bringUpToDate(isFresh: boolean): Promise<WrittenCheckpoint | undefined> {
    return bringUpToDate(this, this.#schema, { isFresh, migrating: (work) => this.#commits.migrating(work) });
  }

  /** Deletes one checkpoint. Its id is never used again. */
  async deleteCheckpoint(id: Integer): Promise<MaintenanceReport> {
    const wanted = unsigned("id", id);
    this.#commits.forget();
    return this.#session.inTurn((engine) => engine.deleteCheckpoint(wanted));
  }

  /** Deletes all checkpoints except the newest `keep`. */
  async cleanup(keep: number): Promise<MaintenanceReport> {
    const newest = counted("keep", keep);
    this.#commits.forget();
    return this.#session.inTurn((engine) => engine.cleanup(newest));
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
   * checkpoint. Changes that no checkpoint contains are lost. A file that is refused changes nothing. One of an older
   * `schemaVersion` is migrated, as by `restore`.
   */
  async importCheckpoint(file: Blob | BytesSource): Promise<CheckpointMetadata> {
    // It is read meanwhile, and what is frozen after this call comes after the import.
    const reading = file instanceof Blob ? file.arrayBuffer() : viewed("the file", file);
    if (reading instanceof Promise) reading.catch(() => {});
    const [imported, migrated] = await this.#replace("importCheckpoint", async (engine) => {
      const bytes = viewed("the file", await reading);
      if (this.#schema.schemaVersion !== undefined) checkAnnotations(this, this.#schema, (engine.archiveMetadata(bytes) as CheckpointMetadata).annotations);
      return (await engine.importArchive(bytes)) as CheckpointMetadata;
    });
    return migrated ?? imported;
  }

  /** Calls `listener` on every event of a kind. The returned function ends this. */
  on<K extends keyof CheckpointEvents>(event: K, listener: (detail: CheckpointEvents[K]) => void): () => void {
    oneOf("event", event, ["begin", "checkpoint", "maintenance", "fenced"]);
    return this.#listeners.on(event, callable("listener", listener));
  }

  /** Waits until everything in progress is written, then releases the state, the storage and the lock. */
  close(): Promise<void> {
    // Before another checkpoint is the state, what waits for that cannot be frozen.
    return this.#arriving === undefined ? this.#close() : this.#arriving.then(() => this.close());
  }

  #close(): Promise<void> {
    // Checkpoints that wait for their turn are frozen now.
    this.#commits.freezeAll();
    return this.#session.close();
  }

  /** Closes these checkpoints, at the end of an `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
