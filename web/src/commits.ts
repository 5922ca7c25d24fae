import { callable, oneOf, record, refuse } from "./checks.js";
import { AlluviumError } from "./error.js";
import type { Listeners } from "./events.js";
import { withJson } from "./plain.js";
import type { Session } from "./session.js";
import { type Integer, unsigned } from "./text.js";
import { Turns, WAYS, type WhenBusy } from "./turns.js";
import type {
  CheckpointMetadata,
  CheckpointOptions,
  CheckpointStatistics,
  ListedCheckpoint,
  MaintenanceReport,
  WrittenCheckpoint,
} from "./types.js";
import type { Engine as EngineHandle, Finished, Prepared } from "./wasm/alluvium_wasm.js";

/** A checkpoint that calls with `whenBusy: "join"` wait for, and the options of the last of them. */
interface Joined {
  taken: Promise<WrittenCheckpoint>;
  options: CheckpointOptions;
}

/** Takes checkpoints and syncs, each in its turn. */
export class Commits {
  readonly #session: Session;
  readonly #listeners: Listeners;
  readonly #turns: Turns;
  readonly #whenBusy: WhenBusy;
  /** The checkpoint that was frozen last. */
  #last: Promise<WrittenCheckpoint> | undefined;
  #joined: Joined | undefined;
  /** Whether the state is between two versions. */
  #isMigrating = false;

  constructor(session: Session, listeners: Listeners, { maxInFlight, whenBusy }: { maxInFlight: number; whenBusy: WhenBusy }) {
    this.#session = session;
    this.#listeners = listeners;
    this.#turns = new Turns(maxInFlight);
    this.#whenBusy = whenBusy;
  }

  /** Takes note that another checkpoint may be the newest, or none. */
  forget(): void {
    this.#last = undefined;
  }

  /** Runs a migration. What it has done by halves must not become durable, so until its end nothing does. */
  async migrating(migrate: () => Promise<void>): Promise<void> {
    this.#isMigrating = true;
    try {
      await migrate();
    } finally {
      this.#isMigrating = false;
    }
  }

  /** Refuses a call that would make the state durable, or replace it, while it is between two versions. */
  refuseMigrating(what: string): void {
    if (this.#isMigrating) refuse(`${what}: the state of ${this.#session.name} is being migrated, and a checkpoint is taken when that is done`);
  }

  /**
   * Runs work that puts another state in the place of the one that there is, when no checkpoint is under way: one that
   * was frozen would be of a state that is gone. Those that can wait for their turn are frozen after `work` has called
   * what it gets, which says that the new state is there.
   */
  async replacing<T>(work: (engine: EngineHandle, isThere: () => void) => Promise<T>): Promise<T> {
    const letGo = this.#turns.hold();
    try {
      for (;;) {
        const done = await this.#session.inTurn<{ by: T } | undefined>(async (engine) => (this.#turns.underWay > 0 ? undefined : { by: await work(engine, letGo) }));
        if (done !== undefined) return done.by;
      }
    } finally {
      letGo();
    }
  }

  /** Freezes the checkpoints now that wait for their turn. */
  freezeAll(): void {
    this.#turns.release();
  }

  /** Makes every further call fail, because another writer has taken over. */
  fence(reason: string): void {
    if (this.#session.fence(reason)) this.#listeners.emit("fenced", { reason });
  }

  /** Takes a checkpoint, now or in its turn. */
  checkpoint(options: CheckpointOptions): Promise<WrittenCheckpoint> {
    const turns = this.#turns;
    let whenBusy: WhenBusy;
    try {
      this.refuseMigrating("checkpoint");
      const { walPosition, ifChanged = false } = record("the options of a checkpoint", options);
      whenBusy = oneOf("whenBusy", options.whenBusy ?? this.#whenBusy, WAYS);
      if (ifChanged && !this.#session.call((engine) => engine.isChanged())) return this.#newest(options);
      // A position that was given belongs to the state of this moment, so this checkpoint cannot wait.
      const canWait = walPosition === undefined || typeof walPosition === "function";
      if (!canWait || turns.isFree(whenBusy)) return this.#take(options);
      // A call that waits has the errors that it would have had at once.
      this.#session.call(() => {});
      if (whenBusy === "fail") throw turns.refusal();
    } catch (thrown) {
      return Promise.reject(thrown);
    }
    if (whenBusy === "queue") return turns.wait(() => this.#take(options));
    if (this.#joined !== undefined) {
      this.#joined.options = options;
      return this.#joined.taken;
    }
    const taken = turns.wait(() => {
      const joined = this.#joined;
      this.#joined = undefined;
      return this.#take(joined?.options ?? options);
    });
    this.#joined = { taken, options };
    return taken;
  }

  /** Freezes the state now, and writes it in its turn. */
  #take({ walPosition }: CheckpointOptions): Promise<WrittenCheckpoint> {
    return this.freeze(() => {
      const given = typeof walPosition === "function" ? walPosition() : walPosition;
      const position = given === undefined ? undefined : unsigned("walPosition", given);
      return this.#session.call((engine) => engine.prepare(position));
    });
  }

  /** Freezes the state now by `prepare`, which is synchronous, and writes it in its turn. */
  async freeze(prepare: () => Prepared): Promise<WrittenCheckpoint> {
    let prepared: Prepared;
    try {
      // It may have waited until the state was restored from an older version.
      this.refuseMigrating("checkpoint");
      this.#session.clock.check();
      prepared = prepare();
    } catch (thrown) {
      this.#turns.next();
      throw thrown;
    }
    this.#listeners.emit("begin", { pending: this.#turns.begin() });
    const written = this.#session.enqueue(async () => {
      const finished = await this.#write(prepared);
      const { metadata, statistics } = finished as { metadata: CheckpointMetadata; statistics: CheckpointStatistics };
      return { finished, metadata: withJson(metadata), statistics: withJson(statistics) };
    });
    // Maintenance is next in the queue. The caller does not wait for it.
    this.#session.enqueue(async () => this.#maintain((await written).finished)).catch(() => {});
    const result = written.then(({ metadata, statistics }) => {
      this.#listeners.emit("checkpoint", { metadata, statistics });
      return withJson({ ...metadata, statistics });
    });
    this.#last = result;
    return result;
  }

  /** Returns the newest checkpoint when it is durable, with statistics that say that nothing was written for it. */
  async #newest(options: CheckpointOptions): Promise<WrittenCheckpoint> {
    const newest = await (this.#last ?? this.#listed());
    // It may have been deleted since it was asked for.
    if (newest === undefined && (this.#last !== undefined || this.#session.call((engine) => engine.isChanged()))) return this.checkpoint(options);
    if (newest === undefined) throw new AlluviumError("corruption", `the newest checkpoint of ${this.#session.name} cannot be read: list() says why`);
    const statistics = withJson({
      id: newest.id,
      keysChanged: 0,
      tombstones: 0,
      bytesChanged: 0,
      deltaBytes: 0,
      rebasedBytes: 0,
      bytesWritten: 0,
      freezeUs: 0,
      writeUs: 0,
    });
    return withJson({ ...newest, statistics });
  }

  /** Returns the newest checkpoint of the storage. */
  async #listed(): Promise<CheckpointMetadata | undefined> {
    const [newest] = await this.#session.inTurn<ListedCheckpoint[]>((engine) => engine.list());
    return newest?.metadata;
  }

  async #write(prepared: Prepared): Promise<Finished> {
    try {
      return await this.#fencing(() => this.#session.run<Finished>((engine) => engine.write(prepared)));
    } finally {
      this.#turns.end();
    }
  }

  /** Runs a write. If another writer was there, every further call fails. */
  async #fencing<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (thrown) {
      if (thrown instanceof AlluviumError && thrown.kind === "fenced") this.fence(thrown.message);
      throw thrown;
    }
  }

  async #maintain(finished: Finished): Promise<void> {
    const report = await this.#session.run<MaintenanceReport>(() => finished.maintain());
    this.#listeners.emit("maintenance", report);
  }

  /** Writes a log of the changes, or takes a checkpoint if no log can follow one. */
  async sync(options: { walPosition?: (() => Integer) | undefined }): Promise<void> {
    const { walPosition } = record("the options of sync", options);
    if (walPosition !== undefined) callable("walPosition", walPosition);
    this.refuseMigrating("sync");
    // The session may have been closed since this call. What was changed before it becomes durable all the same.
    const instead = await this.#session.inTurn<{ taken: Promise<unknown> | undefined } | undefined>(async () => {
      this.refuseMigrating("sync");
      // Checkpoints that were frozen after this call hold all that it is for.
      if (this.#turns.underWay > 0) return { taken: this.#last };
      this.#session.clock.check();
      const position = walPosition && unsigned("walPosition", walPosition());
      const syncing = this.#session.callInTurn((engine) => engine.prepareSync(position));
      // It is written in the next turn, so it cannot be awaited in this one.
      if (syncing.needsCheckpoint) return { taken: this.freeze(() => this.#session.callInTurn((engine) => engine.prepare(position))) };
      await this.#fencing(() => this.#session.run((engine) => engine.writeSync(syncing)));
      return undefined;
    });
    await instead?.taken;
  }
}
