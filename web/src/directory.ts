// A directory of the caller, as the engine calls it.

import { AlluviumError } from "./error.js";
import type { CheckpointDirectory } from "./types.js";

const METHODS = ["list", "read", "readRange", "create", "delete"] as const;

/**
 * Wraps a directory so that each method returns a promise and calls the directory's own method. The engine waits for
 * promises only, and a method that throws at once must reject like any other.
 */
export function asynchronous(directory: CheckpointDirectory): CheckpointDirectory {
  const missing = METHODS.filter((method) => typeof directory?.[method] !== "function");
  if (missing.length > 0) throw new AlluviumError("invalid-input", `the directory in the option storage has no method ${missing.join(", ")}`);
  return {
    list: async () => directory.list(),
    read: async (path) => directory.read(path),
    readRange: async (path, offset, length) => directory.readRange(path, offset, length),
    create: async (paths, contents) => directory.create(paths, contents),
    delete: async (paths) => directory.delete(paths),
  };
}
