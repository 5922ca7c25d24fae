/**
 * The entry `alluvium/testing`. It holds a directory of your own, which you pass as `storage`, to its contract.
 *
 * ```ts
 * import { conformance, memoryDirectory } from "alluvium/testing";
 *
 * const storages = new Map();
 * const report = await conformance((name) => {
 *   if (!storages.has(name)) storages.set(name, new Map());
 *   return memoryDirectory(storages.get(name));
 * });
 * report.assert();
 * ```
 *
 * The suite cannot cause a crash. So it does not test that a created file survives one, nor that a crash never leaves
 * the last file of a batch without the files before it.
 *
 * @module
 */
import { asynchronous } from "../directory.js";
import type { CheckpointDirectory } from "../types.js";
import { creating } from "./creating.js";
import { reading } from "./reading.js";
import { reopening, sharing } from "./reopening.js";
import type { Check, Storage } from "./support.js";

export { memoryDirectory } from "./memory.js";
export type { CheckpointDirectory };

/** The options of `conformance`. */
export interface ConformanceOptions {
  /**
   * How many handles on one storage may be open at once: any number (the default), or `"one"`, because a handle holds
   * a lock. With `"one"` the checks that need two are left out. Then a second writer must be kept out by that lock.
   */
  handles?: "one" | "many";
  /** Closes a handle. It is called for each handle that was opened. */
  close?: (directory: CheckpointDirectory) => void | Promise<void>;
}

const CHECKS: Record<string, Check> = { ...reading, ...creating, ...reopening };

/** The names of the checks, in the order in which they run. Those of `sharing` need two handles on one storage. */
export const checks: {
  /** All of them. */
  readonly all: readonly string[];
  /** Those that need two handles. */
  readonly sharing: readonly string[];
} = {
  all: Object.keys(CHECKS),
  sharing: Object.keys(sharing),
};

/** A check that failed. */
export interface FailedCheck {
  /** The name of the check. */
  check: string;
  /** What it found, and what it expected. */
  what: string;
}

/** What the suite found. A report that is not read tests nothing: call `assert`. */
export class ConformanceReport {
  /** The names of the checks that passed. */
  readonly passed: string[] = [];
  /** The checks that failed. */
  readonly failed: FailedCheck[] = [];

  /** Returns how many checks passed. Throws an error that names each check that failed. */
  assert(): number {
    if (this.failed.length > 0) {
      const count = this.passed.length + this.failed.length;
      throw new Error(`${this.failed.length} of ${count} checks failed:${this.failed.map(({ check, what }) => `\n${check}: ${what}`).join("")}`);
    }
    return this.passed.length;
  }
}

/**
 * Runs every check on a storage of its own, and returns the report.
 *
 * `open` gets the name of a storage and returns a handle on it. For a new name it must open an empty storage. For a
 * name that it got before it must open the same storage again.
 */
export async function conformance(
  open: (storage: string) => CheckpointDirectory | Promise<CheckpointDirectory>,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  const report = new ConformanceReport();
  const chosen = Object.entries(options.handles === "one" ? CHECKS : { ...CHECKS, ...sharing });
  for (const [number, [check, run]] of chosen.entries()) {
    const handles = new Map<CheckpointDirectory, CheckpointDirectory>();
    const storage: Storage = {
      async open() {
        const own = await open(`check-${number + 1}`);
        // The engine calls a directory in this form, too.
        const handle = asynchronous(own);
        handles.set(handle, own);
        return handle;
      },
      async close(handle) {
        const own = handles.get(handle);
        handles.delete(handle);
        if (own !== undefined) await options.close?.(own);
      },
    };
    try {
      await run(storage);
      for (const handle of [...handles.keys()]) await storage.close(handle);
      report.passed.push(check);
    } catch (thrown) {
      report.failed.push({ check, what: thrown instanceof Error ? thrown.message : String(thrown) });
      for (const handle of [...handles.keys()]) await storage.close(handle).catch(() => {});
    }
  }
  return report;
}
