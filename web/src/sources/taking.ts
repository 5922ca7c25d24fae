// Takes the checkpoints of a source that is read.

import type { Checkpoints } from "../checkpoints.js";
import { intervalMs } from "../for-sources.js";

/** How often it is asked in an interval whether a checkpoint is due. The clock of the checkpoints need not be that of timers. */
const PARTS_OF_INTERVAL = 8;
const LONGEST_WAIT_MS = 0x7fff_ffff;

/** Takes a checkpoint when one is due, one after another, also while nothing comes. */
export class Taking {
  readonly #checkpoints: Checkpoints<any, any>;
  readonly #failed: () => void;
  #writing: Promise<unknown> = Promise.resolve();
  #waiting: ReturnType<typeof setTimeout> | undefined;

  /** `failed` is called when a checkpoint failed. `written` throws the error. */
  constructor(checkpoints: Checkpoints<any, any>, failed: () => void) {
    this.#checkpoints = checkpoints;
    this.#failed = failed;
  }

  /** Waits until the last checkpoint is durable. */
  async written(): Promise<void> {
    await this.#writing;
  }

  /** Takes a checkpoint if one is due, when the last one is durable, unless `signal` is aborted then. */
  async whenDue(signal: AbortSignal): Promise<void> {
    if (signal.aborted || !this.#checkpoints.shouldCheckpoint()) return;
    await this.#writing;
    if (!signal.aborted) this.#take();
  }

  /** Takes a checkpoint when one is due. Records that none holds become durable even if no other record comes. */
  wait(): void {
    this.rest();
    const waitMs = Math.min(Math.max(this.#checkpoints[intervalMs] / PARTS_OF_INTERVAL, 1), LONGEST_WAIT_MS);
    this.#waiting = setTimeout(() => {
      try {
        if (this.#checkpoints.shouldCheckpoint()) this.#take();
        else this.wait();
      } catch (thrown) {
        this.#note(Promise.reject(thrown as Error));
      }
    }, waitMs);
    // Only the source keeps Node alive.
    (this.#waiting as { unref?: () => void }).unref?.();
  }

  /** Waits no more. */
  rest(): void {
    clearTimeout(this.#waiting);
  }

  #take(): void {
    this.#note(this.#checkpoints.checkpoint({ whenBusy: "queue" }));
  }

  #note(writing: Promise<unknown>): void {
    this.#writing = writing;
    // It is awaited before the next one, and at the end, which comes at once: a silent source would hide the error.
    writing.catch(this.#failed);
  }
}
