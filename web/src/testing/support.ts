// What the checks of the conformance suite share: calls on a directory, and comparisons of what they return.

import type { AlluviumErrorKind } from "../error.js";
import type { CheckpointDirectory } from "../types.js";

/** What a check gets: a function that opens the check's storage, and one that closes a handle. */
export interface Storage {
  open(): Promise<CheckpointDirectory>;
  close(directory: CheckpointDirectory): Promise<void>;
}

/** One check. It throws if the directory does not do what it must. */
export type Check = (storage: Storage) => Promise<void>;

/** The kinds of errors that a check may expect. */
export type Kind = Extract<AlluviumErrorKind, "not-found" | "already-exists"> | "out-of-range";

const encoder = new TextEncoder();

/** Returns the UTF-8 of a text. Bytes stay what they are. */
export const bytes = (content: string | Uint8Array): Uint8Array => (typeof content === "string" ? encoder.encode(content) : content);

/** Compares what a check found with what it expected. */
export function same(what: string, found: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}: found ${left}, expected ${right}`);
}

/** Compares bytes. They may be long, so the error names only the first that differs. */
function sameBytes(what: string, found: unknown, expected: Uint8Array): void {
  if (!(found instanceof Uint8Array)) throw new Error(`${what}: found ${Object.prototype.toString.call(found)}, expected a Uint8Array`);
  same(`${what}: the number of bytes`, found.length, expected.length);
  for (let at = 0; at < expected.length; at++) {
    if (found[at] !== expected[at]) throw new Error(`${what}: byte ${at} is ${found[at]}, expected ${expected[at]}`);
  }
}

/** Files by path. */
export type Files = [path: string, content: string | Uint8Array][];

/** Starts to create files. */
export const create = (directory: CheckpointDirectory, files: Files): Promise<void> =>
  directory.create(files.map(([path]) => path), files.map(([, content]) => bytes(content)));

async function allowed<T>(what: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (thrown) {
    throw new Error(`${what} was refused: ${told(thrown)}`, { cause: thrown });
  }
}

/** Creates files, which must be possible. */
export const creates = (directory: CheckpointDirectory, files: Files): Promise<void> =>
  allowed(`creating ${files.map(([path]) => path).join(", ")}`, create(directory, files));

/** Deletes files, which must be possible. */
export const deletes = (directory: CheckpointDirectory, paths: string[]): Promise<void> =>
  allowed(`deleting ${paths.join(", ")}`, directory.delete(paths));

/** Reads a file, and compares its content. */
export async function reads(directory: CheckpointDirectory, path: string, content: string | Uint8Array): Promise<void> {
  sameBytes(path, await allowed(`reading ${path}`, directory.read(path)), bytes(content));
}

/** Reads a range of a file, and compares it. */
export async function readsRange(directory: CheckpointDirectory, path: string, offset: number, content: string | Uint8Array): Promise<void> {
  const expected = bytes(content);
  const what = `${expected.length} bytes of ${path} at ${offset}`;
  sameBytes(what, await allowed(`reading ${what}`, directory.readRange(path, offset, expected.length)), expected);
}

/** Returns the paths of a listing. */
export async function names(directory: CheckpointDirectory): Promise<string[]> {
  return (await allowed("listing", directory.list())).map(([path]) => path);
}

/** Compares the listing with files, given as path and length. */
export async function lists(directory: CheckpointDirectory, files: [path: string, bytes: number][]): Promise<void> {
  same("the listing", await allowed("listing", directory.list()), files.map(([path, length]) => [path, length, 0]));
}

/**
 * Checks that a call fails with an error of this kind, on this path. If the error has no path, the engine takes it for
 * the one that was asked for: of a batch, the last.
 */
export async function refuses(what: string, call: Promise<unknown>, kind: Kind, path: string, asked = path): Promise<void> {
  let found: unknown;
  try {
    found = await call;
  } catch (thrown) {
    const { kind: foundKind, path: foundPath = asked } = (thrown ?? {}) as { kind?: string; path?: string };
    if (foundKind === kind && foundPath === path) return;
    throw new Error(`${what}: found ${told(thrown)}, expected an error with kind ${JSON.stringify(kind)} and path ${JSON.stringify(path)}`, { cause: thrown });
  }
  throw new Error(`${what}: it succeeded with ${Object.prototype.toString.call(found)}, expected an error with kind ${JSON.stringify(kind)}`);
}

/** Describes what was thrown. */
export function told(thrown: unknown): string {
  const { kind, path } = (thrown ?? {}) as { kind?: unknown; path?: unknown };
  return `${String(thrown)} (kind ${JSON.stringify(kind)}, path ${JSON.stringify(path)})`;
}
