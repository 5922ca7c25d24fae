// A directory in the origin private file system. It uses synchronous access handles, which only dedicated
// workers have.
//
// A file is written under a name that starts with a dot, flushed, and then moved to its own name. A listed
// file is therefore whole. The last file of a batch gets its name last. A move replaces an existing file, so a
// lock covers the check and the move and makes creation exclusive. Flushing contents reaches the disk. No
// specification says when names reach it, so a name may be missing after a power failure, though not after a
// crash of the browser.

import { AlluviumError, type AlluviumErrorKind } from "./error.js";
import type { CheckpointDirectory } from "./types.js";

/** A file handle with methods that OPFS has and TypeScript's library lacks. */
type MovableFile = FileSystemFileHandle & {
  move(parent: FileSystemDirectoryHandle, name: string): Promise<void>;
  createSyncAccessHandle(): Promise<SyncAccessHandle>;
};

/** A synchronous access handle. Only dedicated workers have it, so TypeScript's library for windows lacks it. */
interface SyncAccessHandle {
  truncate(bytes: number): void;
  write(content: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  flush(): void;
  close(): void;
}

function failure(kind: AlluviumErrorKind | "out-of-range", path: string, message: string): Error {
  return Object.assign(new Error(message), { kind, path });
}

const isNotFound = (thrown: unknown) => thrown instanceof DOMException && thrown.name === "NotFoundError";

/** Keeps files in a directory of the origin private file system. */
export class OpfsDirectory implements CheckpointDirectory {
  readonly #root: FileSystemDirectoryHandle;
  readonly #lock: string;

  private constructor(root: FileSystemDirectoryHandle, lock: string) {
    this.#root = root;
    this.#lock = lock;
  }

  /** Opens `alluvium/{name}` and creates it if it does not exist. */
  static async open(name: string): Promise<OpfsDirectory> {
    const support = globalThis.FileSystemFileHandle?.prototype as Partial<MovableFile> | undefined;
    if (typeof support?.createSyncAccessHandle !== "function" || typeof support.move !== "function") {
      throw new AlluviumError("invalid-input", 'storage "opfs" works only in a dedicated worker, and not in every browser; use "indexeddb" instead');
    }
    try {
      const all = await (await navigator.storage.getDirectory()).getDirectoryHandle("alluvium", { create: true });
      return new OpfsDirectory(await all.getDirectoryHandle(name, { create: true }), `alluvium/opfs/${name}/files`);
    } catch (cause) {
      throw new AlluviumError("io", `the origin private file system could not be opened: ${String(cause)}`, { cause });
    }
  }

  async list(): Promise<[string, number, number][]> {
    const entries: [string, number, number][] = [];
    const walk = async (directory: FileSystemDirectoryHandle, prefix: string) => {
      let isEmpty = true;
      try {
        for await (const [name, handle] of directory.entries()) {
          isEmpty = false;
          if (handle.kind === "directory") await walk(handle as FileSystemDirectoryHandle, `${prefix}${name}/`);
          else {
            const bytes = await this.#sizeOf(handle as FileSystemFileHandle);
            // A file without a size was deleted meanwhile, or is still being written. It is not listed.
            if (bytes !== undefined) entries.push([prefix + name, bytes, name.startsWith(".") ? 2 : 0]);
          }
        }
      } catch (thrown) {
        // The directory was removed while it was being read, with everything in it.
        if (prefix !== "" && isNotFound(thrown)) return;
        throw thrown;
      }
      if (isEmpty && prefix !== "") entries.push([prefix.slice(0, -1), 0, 1]);
    };
    await walk(this.#root, "");
    return entries.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  async #sizeOf(file: FileSystemFileHandle): Promise<number | undefined> {
    try {
      return (await file.getFile()).size;
    } catch (thrown) {
      if (isNotFound(thrown)) return undefined;
      throw thrown;
    }
  }

  async read(path: string): Promise<Uint8Array> {
    return new Uint8Array(await (await this.#file(path)).arrayBuffer());
  }

  async readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    const file = await this.#file(path);
    if (offset + length > file.size) {
      throw failure("out-of-range", path, `cannot read ${length} bytes at ${offset}: the file has ${file.size}`);
    }
    return new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
  }

  create(paths: string[], contents: Uint8Array[]): Promise<void> {
    return this.#alone(async () => {
      const parents: FileSystemDirectoryHandle[] = [];
      const files: MovableFile[] = [];
      try {
        for (const [at, path] of paths.entries()) {
          if (paths.indexOf(path) < at || (await this.#find(path)) !== undefined) {
            throw failure("already-exists", path, "");
          }
        }
        for (const [at, path] of paths.entries()) {
          const parent = (parents[at] = await this.#parent(path, true));
          files[at] = await writeTemporary(parent, `.${baseOf(path)}.tmp`, path, contents[at]!);
        }
        // All contents are on disk before the first name appears.
        for (const [at, path] of paths.entries()) await files[at]!.move(parents[at]!, baseOf(path));
      } catch (thrown) {
        // A leftover only costs space. A failure to remove it must not hide the error above.
        for (const [at, path] of paths.entries()) {
          const parent = parents[at];
          await parent?.removeEntry(`.${baseOf(path)}.tmp`).catch(() => {});
          if (parent !== undefined) await this.#tidy(path).catch(() => {});
        }
        throw thrown;
      }
    });
  }

  delete(paths: string[]): Promise<void> {
    return this.#alone(async () => {
      for (const path of paths) {
        try {
          await (await this.#parent(path, false)).removeEntry(baseOf(path));
          await this.#tidy(path);
        } catch (thrown) {
          if (!isNotFound(thrown)) throw thrown;
        }
      }
    });
  }

  /** Removes the directory of `path` if it is empty. */
  async #tidy(path: string): Promise<void> {
    const parent = directoryOf(path);
    if (parent === undefined) return;
    for await (const _ of (await this.#root.getDirectoryHandle(parent)).keys()) return;
    await this.#root.removeEntry(parent);
  }

  /** Runs `work` while no other context creates or deletes files here. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    return (await navigator.locks.request(this.#lock, work)) as T;
  }

  #parent(path: string, create: boolean): Promise<FileSystemDirectoryHandle> {
    const parent = directoryOf(path);
    return parent === undefined ? Promise.resolve(this.#root) : this.#root.getDirectoryHandle(parent, { create });
  }

  async #find(path: string): Promise<FileSystemFileHandle | undefined> {
    try {
      return await (await this.#parent(path, false)).getFileHandle(baseOf(path));
    } catch (thrown) {
      // A directory of that name does not count as a file.
      if (isNotFound(thrown) || (thrown instanceof DOMException && thrown.name === "TypeMismatchError")) return undefined;
      throw thrown;
    }
  }

  async #file(path: string): Promise<File> {
    const handle = await this.#find(path);
    if (handle === undefined) throw failure("not-found", path, "");
    return handle.getFile();
  }
}

async function writeTemporary(
  parent: FileSystemDirectoryHandle,
  name: string,
  path: string,
  content: Uint8Array,
): Promise<MovableFile> {
  const file = (await parent.getFileHandle(name, { create: true })) as MovableFile;
  const access = await file.createSyncAccessHandle();
  try {
    // A write that was cut short may have left a longer file.
    access.truncate(0);
    const written = content.length === 0 ? 0 : access.write(content as Uint8Array<ArrayBuffer>, { at: 0 });
    if (written !== content.length) throw failure("no-space", path, `only ${written} of ${content.length} bytes were written`);
    access.flush();
  } finally {
    access.close();
  }
  return file;
}

function directoryOf(path: string): string | undefined {
  const at = path.indexOf("/");
  return at < 0 ? undefined : path.slice(0, at);
}

function baseOf(path: string): string {
  return path.slice(path.indexOf("/") + 1);
}
