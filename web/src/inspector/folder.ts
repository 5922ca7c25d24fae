// Reads directories that were picked, dropped or chosen. They are only read.

import type { CheckpointDirectory } from "../types.js";

/** The files of a folder by their paths, with / between names. */
export type Files = ReadonlyMap<string, Blob>;

/** Returns the files of an `<input webkitdirectory>`. The first name of each path is the folder that was chosen. */
export const filesOfInput = (list: Iterable<File>): Files => new Map(Array.from(list, (file) => [file.webkitRelativePath.split("/").slice(1).join("/") || file.name, file]));

type Handle = FileSystemDirectoryHandle & AsyncIterable<[string, FileSystemHandle]>;

/** Returns the files of a folder that was picked by File System Access. */
export async function filesOfHandle(handle: FileSystemDirectoryHandle, at = ""): Promise<Files> {
  const files = new Map<string, Blob>();
  for await (const [name, found] of handle as Handle) {
    if (found.kind === "file") files.set(at + name, await (found as FileSystemFileHandle).getFile());
    else for (const [path, file] of await filesOfHandle(found as FileSystemDirectoryHandle, `${at}${name}/`)) files.set(path, file);
  }
  return files;
}

/** Returns the files of a folder that was dropped. */
export async function filesOfEntry(folder: FileSystemDirectoryEntry, at = ""): Promise<Files> {
  const files = new Map<string, Blob>();
  const reader = folder.createReader();
  // A reader gives its entries in parts, and the last part is empty.
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return files;
    for (const entry of entries) {
      if (entry.isFile) files.set(at + entry.name, await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)));
      else for (const [path, file] of await filesOfEntry(entry as FileSystemDirectoryEntry, `${at}${entry.name}/`)) files.set(path, file);
    }
  }
}

/** Returns the files below a folder. */
export const below = (files: Files, folder: string): Files =>
  new Map([...files].filter(([path]) => path.startsWith(`${folder}/`)).map(([path, file]) => [path.slice(folder.length + 1), file]));

/** A job has a log of manifests, and parts. */
export const isJob = (files: Files) => [...files.keys()].some((path) => /^log\/checkpoint_[0-9a-f]+\//.test(path));

/** An error as the engine understands it. */
const failure = (kind: string, path: string, message: string, cause?: unknown) => Object.assign(new Error(message, { cause }), { kind, path });

const refuse = (): never => {
  throw failure("io", "", "the inspector only reads");
};

/** Returns a directory over files. Nothing can be written to it. */
export function directoryOf(files: Files): CheckpointDirectory {
  const find = (path: string): Blob => {
    const file = files.get(path);
    if (file === undefined) throw failure("not-found", path, "there is no such file");
    return file;
  };
  const read = async (file: Blob, path: string): Promise<Uint8Array> => {
    try {
      return new Uint8Array(await file.arrayBuffer());
    } catch (thrown) {
      throw failure("io", path, `it cannot be read: ${String(thrown)}`, thrown);
    }
  };
  return {
    list: async () => [...files].map(([path, { size }]): [string, number, number] => [path, size, 0]).sort(([a], [b]) => (a < b ? -1 : 1)),
    read: async (path) => read(find(path), path),
    readRange: async (path, offset, length) => {
      const file = find(path);
      if (offset + length > file.size) throw failure("out-of-range", path, `cannot read ${length} bytes at ${offset}: the file has ${file.size}`);
      return read(file.slice(offset, offset + length), path);
    },
    create: async () => refuse(),
    delete: async () => refuse(),
  };
}
