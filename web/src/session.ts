// An opened engine with its lock and its queue.

import type { Engine as EngineHandle } from "./wasm/alluvium_wasm.js";
import { type Area, areaOf } from "./area.js";
import type { Instance } from "./engine.js";
import { AlluviumError } from "./error.js";
import type { Lock } from "./lock.js";

/** What a call of the engine returns if it failed. */
const FAILED = -2;

/** Runs the calls on one engine: synchronous ones at once, operations on the storage one after another. */
export class Session {
  readonly name: string;
  /** Where keys and values are passed to the engine. */
  readonly area: Area;
  /** How often another checkpoint has become the state. Ids of namespaces are those of one such time. */
  era = 0;
  readonly #instance: Instance;
  readonly #engine: EngineHandle;
  readonly #lock: Lock;
  /** The end of the queue. Operations on the storage run one after another. */
  #tail: Promise<unknown> = Promise.resolve();
  /** The reason why every further call fails, if there is one. */
  #ended: AlluviumError | undefined;
  #closing: Promise<void> | undefined;

  constructor(name: string, life: Instance, engine: EngineHandle, lock: Lock) {
    this.name = name;
    this.#instance = life;
    this.#engine = engine;
    this.#lock = lock;
    this.area = areaOf(life);
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
    return this.enqueue(() => this.run<T>(call));
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
    this.#ended = new AlluviumError("fenced", reason);
    return true;
  }

  /** Waits until everything in the queue is done, then releases the engine and the lock. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      const last = this.#tail;
      this.#ended ??= new AlluviumError("closed", `${this.name} is closed: open it again`);
      await last;
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
