import { AlluviumError } from "./error.js";

/**
 * What `checkpoint()` does if checkpoints are under way:
 *
 * - `"queue"` freezes the state at once, as long as no more than `maxInFlight` checkpoints are under way. After that it
 *   waits for its turn, and freezes the state then.
 * - `"join"` takes one checkpoint for all calls that are made while another one is under way. It freezes the state when
 *   that one is durable.
 * - `"fail"` throws an error of kind `"backpressure"` if `maxInFlight` checkpoints are under way.
 */
export type WhenBusy = "queue" | "join" | "fail";

/** All of these. */
export const WAYS: readonly WhenBusy[] = ["queue", "join", "fail"];

/** Says when a checkpoint may be frozen. */
export class Turns {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  /** How many wait for a moment without checkpoints under way. */
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The number of checkpoints that are frozen and not yet written. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Notes that a checkpoint was frozen, and returns how many are. */
  begin(): number {
    return ++this.#underWay;
  }

  /** Notes that a checkpoint was written, or that this failed. The next one may be frozen. */
  end(): void {
    this.#underWay--;
    this.next();
  }

  /** Lets the next one freeze its checkpoint, if there is room for it. */
  next(): void {
    if (this.#held === 0 && this.#underWay < this.#most) this.#waiting.shift()?.();
  }

  /** Lets checkpoints wait, so that a moment comes without any under way. The returned function ends that. */
  hold(): () => void {
    this.#held++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#held--;
      for (let free = this.#most - this.#underWay; free > 0; free--) this.next();
    };
  }

  /** Returns whether another checkpoint may be frozen at once. */
  isFree(whenBusy: WhenBusy): boolean {
    // One that cannot wait is not held.
    const isHeld = this.#held > 0 && whenBusy !== "fail";
    return !isHeld && this.#waiting.length === 0 && this.#underWay < (whenBusy === "join" ? 1 : this.#most);
  }

  /** Says that too many checkpoints are under way. */
  refusal(): AlluviumError {
    return new AlluviumError("backpressure", `${this.#underWay} checkpoints are under way, and maxInFlight is ${this.#most}: await one, or call checkpoint with whenBusy "queue" or "join"`);
  }

  /** Takes one more checkpoint when it is its turn. Those that came first are first. */
  wait<T>(take: () => Promise<T>): Promise<T> {
    return new Promise((resolve) => this.#waiting.push(() => resolve(take())));
  }

  /** Lets all that wait freeze their checkpoints now, because nothing comes after them. */
  release(): void {
    for (const go of this.#waiting.splice(0)) go();
  }
}
