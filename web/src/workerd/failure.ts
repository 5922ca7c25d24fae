// The errors of the directories in this folder.

import type { AlluviumErrorKind } from "../error.js";

/** Makes an error that the engine understands. */
export function failure(kind: AlluviumErrorKind | "out-of-range", path: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { kind, path });
}
