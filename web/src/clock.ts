import { callable, refuse } from "./checks.js";
import { AlluviumError } from "./error.js";
import type { Clock } from "./wasm/alluvium_wasm.js";

/** The clock of the system. */
const system: Clock = {
  unixMs: () => Date.now(),
  monotonicUs: () => performance.now() * 1000,
};

/**
 * A clock of the caller, as the engine asks it. What a clock throws would leave the engine in the middle of its work, and
 * end every open state with it. So the engine gets the last time that there was, and a check says what is wrong.
 */
export class CheckedClock implements Clock {
  readonly #clock: Clock;
  readonly #last = { unixMs: 0, monotonicUs: 0 };
  /** Whether the clock failed to tell the time since the last check that found it in order. */
  #hasFailed = false;

  /** Checks that there is a clock which tells the time. */
  constructor(clock: Clock = system) {
    this.#clock = clock;
    for (const member of ["unixMs", "monotonicUs"] as const) callable(`option clock: its ${member}`, clock[member]);
    this.check();
  }

  /** Throws if the clock does not tell the time. */
  check(): void {
    this.#hasFailed = true;
    this.#ask("unixMs");
    this.#ask("monotonicUs");
    this.#hasFailed = false;
  }

  /** Does the same if the clock failed before. It is for calls that are made very often. */
  checkAsked(): void {
    if (this.#hasFailed) this.check();
  }

  unixMs(): number {
    return this.#told("unixMs");
  }

  monotonicUs(): number {
    return this.#told("monotonicUs");
  }

  #told(member: "unixMs" | "monotonicUs"): number {
    try {
      this.#ask(member);
    } catch {
      this.#hasFailed = true;
    }
    return this.#last[member];
  }

  #ask(member: "unixMs" | "monotonicUs"): void {
    let time: unknown;
    try {
      time = this.#clock[member]();
    } catch (cause) {
      throw new AlluviumError("invalid-input", `option clock: its ${member} failed: ${String(cause)}`, { cause });
    }
    if (typeof time !== "number" || Number.isNaN(time)) refuse(`option clock: its ${member} returned ${String(time)}, which is no number`);
    this.#last[member] = time;
  }
}
