// Checkpoints that were opened only to be shown, and are closed together.

import { Checkpoints } from "../checkpoints.js";
import { AlluviumError } from "../error.js";
import type { OpenOptions } from "../types.js";

/** What is opened for one thing that is shown. */
export class Scope {
  readonly #parts = new Set<() => Promise<void>>();
  readonly #ended: () => void;
  #isClosed = false;

  constructor(ended: () => void = () => {}) {
    this.#ended = ended;
  }

  /** Whether what this is for is not shown any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Opens checkpoints, which are closed with this scope. It is an error if they come too late. */
  async open(options: OpenOptions): Promise<Checkpoints> {
    this.#check();
    const opening = Checkpoints.open(options);
    this.#parts.add(() => opening.then((checkpoints) => checkpoints.close()));
    const checkpoints = await opening;
    this.#check();
    return checkpoints;
  }

  /** Returns a scope for a part, which is closed with this one if it is not closed before. */
  inner(): Scope {
    const close = () => inner.close();
    const inner = new Scope(() => this.#parts.delete(close));
    this.#parts.add(close);
    if (this.#isClosed) void inner.close();
    return inner;
  }

  /** Closes everything. Resolves when nothing is left. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // What could not be opened has nothing to close.
    await Promise.allSettled([...this.#parts].map((close) => close()));
    this.#parts.clear();
    this.#ended();
  }

  #check(): void {
    if (this.#isClosed) throw new AlluviumError("closed", "this is not shown any more");
  }
}
