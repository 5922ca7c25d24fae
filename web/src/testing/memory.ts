// A directory in memory, as an example of the contract, and for tests of one's own.

import type { CheckpointDirectory } from "../types.js";

function failure(kind: string, path: string, message: string): Error {
  return Object.assign(new Error(message), { kind, path });
}

/**
 * Returns a directory that keeps its files in `files`. Checkpoints that are opened on it again recover what was
 * written, for as long as `files` lives.
 */
export function memoryDirectory(files = new Map<string, Uint8Array>()): CheckpointDirectory {
  const found = (path: string): Uint8Array => {
    const content = files.get(path);
    if (content === undefined) throw failure("not-found", path, "there is no such file");
    return content;
  };
  return {
    async list() {
      const entries = [...files].map(([path, content]): [string, number, number] => [path, content.length, 0]);
      return entries.sort(([a], [b]) => (a < b ? -1 : 1));
    },
    read: async (path) => found(path).slice(),
    async readRange(path, offset, length) {
      const content = found(path);
      if (offset + length > content.length) throw failure("out-of-range", path, `cannot read ${length} bytes at ${offset}: the file has ${content.length}`);
      return content.slice(offset, offset + length);
    },
    // There is no await between the checks and the changes, so that nothing comes in between.
    async create(paths, contents) {
      paths.forEach((path, at) => {
        if (files.has(path) || paths.indexOf(path) < at) throw failure("already-exists", path, "the name is taken");
      });
      paths.forEach((path, at) => files.set(path, contents[at]!.slice()));
    },
    async delete(paths) {
      for (const path of paths) files.delete(path);
    },
  };
}
