// An opened engine with its lock and its queue.

import type { Engine as EngineHandle } from "./wasm/alluvium_wasm.js";
import { type Area, areaOf } from "./area.js";
import type { CheckedClock } from "./clock.js";
import type { Instance } from "./engine.js";
import { AlluviumError } from "./error.js";
import { attempt } from "./events.js";
import { Feed } from "./live/feed.js";
import type { Watcher } from "./live/watchers.js";
import type { Lock } from "./lock.js";

/** What a call of the engine returns if it failed. */
const FAILED = -2;

/** Runs the calls on one engine: synchronous ones at once, operations on the storage one after another. */
export class Session {
  readonly name: string;
  /** What the engine asks for the time. */
  readonly clock: CheckedClock;
  /** Where keys and values are passed to the engine. */
  readonly area: Area;
  /** How often another checkpoint has become the state. Ids of namespaces are those of one such time. */
  era = 0;
  /** Whether the memory of the state is limited. */
  hasMemoryLimit = false;
  /** What tells watchers about changes, as long as there are any. */
  feed: Feed | undefined;
  readonly #instance: Instance;
  readonly #engine: EngineHandle;
  readonly #lock: Lock;
  /** The end of the queue. Operations on the storage run one after another. */
  #tail: Promise<unknown> = Promise.resolve();
  /** The reason why every further call fails, if there is one. */
  #ended: AlluviumError | undefined;
  #closing: Promise<void> | undefined;
  /** The feed, with the sequence number that it has reached. It stays when the last watcher has gone. */
  #feed: Feed | undefined;
  /** Settles when no other checkpoint is becoming the state any more. */
  #replacing: Promise<void> | undefined;
  /** Those who are told that another checkpoint is about to become the state. */
  readonly #beforeReplaced = new Set<() => void>();
  /** Those who are told once that the session has ended. */
  readonly #endings = new Set<(error: AlluviumError | undefined) => void>();
  readonly #forgetInstance: () => void;

  constructor(name: string, life: Instance, engine: EngineHandle, lock: Lock, clock: CheckedClock) {
    this.name = name;
    this.clock = clock;
    this.#instance = life;
    this.#engine = engine;
    this.#lock = lock;
    this.area = areaOf(life);
    this.#forgetInstance = life.whenEnded((error) => this.#end(error));
  }

  /** The engine, for a call that is made very often. It throws if the session has ended. */
  get engine(): EngineHandle {
    this.#check();
    return this.#engine;
  }

  /** Runs such a call, which returns a number. A trap becomes the error that it is for `call`. */
  quick(call: () => number): number {
    try {
      return call();
    } catch (thrown) {
      return this.#instance.call(() => {
        throw thrown;
      });
    }
  }

  /** Returns what a call returned, or throws what it failed with. */
  checked(returned: number): number {
    if (returned === FAILED) {
      this.call((engine) => {
        throw engine.failure();
      });
    }
    return returned;
  }

  /** Whether the engine panicked. After a panic there is nothing left to free or close. */
  get hasPanicked(): boolean {
    return this.#instance.panic !== undefined;
  }

  /** Runs a synchronous call. */
  call<T>(call: (engine: EngineHandle) => T): T {
    this.#check();
    return this.callInTurn(call);
  }

  /** Runs a synchronous call of what is in the queue. It is done even if the session was closed since it was queued. */
  callInTurn<T>(call: (engine: EngineHandle) => T): T {
    return this.#instance.call(() => call(this.#engine));
  }

  /** Runs an asynchronous call without waiting for its turn. */
  run<T>(call: (engine: EngineHandle) => Promise<unknown>): Promise<T> {
    return this.#instance.run(() => call(this.#engine)) as Promise<T>;
  }

  /**
   * Runs a call on the storage in turn with the writes, so nothing is deleted while it reads. The state may be
   * read and changed meanwhile.
   */
  async inTurn<T>(call: (engine: EngineHandle) => Promise<unknown>): Promise<T> {
    this.#check();
    // What was changed just before the call began may not have been told yet, because the engine was busy.
    return this.enqueue(() => this.run<T>(call).finally(() => this.feed?.tryFlush()));
  }

  /** Runs `work` after everything that is queued. */
  enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => {});
    return done;
  }

  /** Makes every further call fail with `"fenced"`. Returns whether the session was still usable before. */
  fence(reason: string): boolean {
    if (this.#ended !== undefined) return false;
    // What was changed before is told before the end.
    this.feed?.tryFlush();
    this.#ended = new AlluviumError("fenced", reason);
    this.#end(this.#ended);
    return true;
  }

  /** Calls `listener` once when the session ends: with an error, unless it is closed. The returned function takes that back. */
  whenEnded(listener: (error: AlluviumError | undefined) => void): () => void {
    this.#check();
    this.#endings.add(listener);
    return () => void this.#endings.delete(listener);
  }

  /** Adds a watcher. Returns the sequence number of the state, which the first notice follows, and what ends the watching. */
  watch(watcher: Watcher): { sequence: number; stop: () => void } {
    this.#check();
    this.#feed ??= new Feed(this);
    const feed = this.#feed;
    const sequence = feed.add(watcher);
    this.feed = feed;
    const stop = (): void => {
      feed.remove(watcher);
      // Without watchers, changes cost nothing more.
      if (!feed.isWatched) this.feed = undefined;
    };
    return { sequence, stop };
  }

  /**
   * What settles when the engine can be called again, if another checkpoint is becoming the state. Until then, calls fail
   * as `"busy"`, and what they would do belongs to no state.
   */
  get replacing(): Promise<void> | undefined {
    return this.#replacing;
  }

  /** Calls `listener` whenever another checkpoint is about to become the state. The returned function ends this. */
  beforeReplaced(listener: () => void): () => void {
    this.#beforeReplaced.add(listener);
    return () => void this.#beforeReplaced.delete(listener);
  }

  /** Takes note that another checkpoint is about to become the state. Returns what says that this is over. */
  beginReplacing(): () => void {
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    const over: Promise<void> = Promise.all([this.#replacing, ended]).then(() => {
      if (this.#replacing === over) this.#replacing = undefined;
    });
    this.#replacing = over;
    for (const listener of this.#beforeReplaced) attempt(listener);
    return end;
  }

  /** Takes note that another checkpoint has become the state, which `prepare` makes ready. */
  replaced(prepare: () => void = () => {}): void {
    this.era++;
    try {
      prepare();
    } finally {
      this.feed?.replaced();
    }
  }

  /** Tells that nothing follows. */
  #end(error: AlluviumError | undefined): void {
    const { feed } = this;
    this.feed = undefined;
    this.#forgetInstance();
    feed?.end(error);
    const endings = [...this.#endings];
    this.#endings.clear();
    for (const ending of endings) attempt(() => ending(error));
  }

  /** Waits until everything in the queue is done, then releases the engine and the lock. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.feed?.tryFlush();
      this.#ended ??= new AlluviumError("closed", `${this.name} is closed: open it again`);
      this.#end(undefined);
      // What is in the queue may add something to it: a sync that needs a checkpoint takes one.
      for (let last; last !== this.#tail; await last) last = this.#tail;
      if (!this.hasPanicked) {
        this.#engine.close();
        this.#engine.free();
      }
      this.#lock.release();
    })();
    return this.#closing;
  }

  #check(): void {
    if (this.#ended !== undefined) throw new AlluviumError(this.#ended.kind, this.#ended.message);
    this.#instance.check();
  }
}
