// A directory in the origin private file system, by synchronous access handles: in dedicated workers.
//
// A file is written under a name that starts with a dot, flushed, and moved to its own name: a listed
// file is whole. The last of a batch is named last. That creation is exclusive is held by a lock over
// looking and moving, since a move replaces. Flushing reaches the disk; that the names do, at once, no
// specification says: after a power cut (not a crash of the browser) a name may be missing.

import { AlluviumError, type AlluviumErrorKind } from "./error.js";
import type { CheckpointDirectory } from "./types.js";

/** What OPFS has and TypeScript's library does not know. */
type MovableFile = FileSystemFileHandle & {
  move(parent: FileSystemDirectoryHandle, name: string): Promise<void>;
  createSyncAccessHandle(): Promise<SyncAccessHandle>;
};

/** Only in dedicated workers, which TypeScript's library for windows leaves out. */
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

export class OpfsDirectory implements CheckpointDirectory {
  readonly #root: FileSystemDirectoryHandle;
  readonly #lock: string;

  private constructor(root: FileSystemDirectoryHandle, lock: string) {
    this.#root = root;
    this.#lock = lock;
  }

  /** Opens `alluvium/{name}`, which is made when it is not there. */
  static async open(name: string): Promise<OpfsDirectory> {
    const support = globalThis.FileSystemFileHandle?.prototype as Partial<MovableFile> | undefined;
    if (typeof support?.createSyncAccessHandle !== "function" || typeof support.move !== "function") {
      throw new AlluviumError("invalid-input", 'storage "opfs" needs a dedicated worker of a browser that has it; use "indexeddb"');
    }
    try {
      const all = await (await navigator.storage.getDirectory()).getDirectoryHandle("alluvium", { create: true });
      return new OpfsDirectory(await all.getDirectoryHandle(name, { create: true }), `alluvium/opfs/${name}/files`);
    } catch (cause) {
      throw new AlluviumError("io", `the origin private file system: ${String(cause)}`, { cause });
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
            // Gone meanwhile, or being written: not a file yet.
            if (bytes !== undefined) entries.push([prefix + name, bytes, name.startsWith(".") ? 2 : 0]);
          }
        }
      } catch (thrown) {
        // The folder went while it was looked into, with all that was in it.
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
      throw failure("out-of-range", path, `${length} bytes at ${offset} of a file of ${file.size}`);
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
        // Leftovers cost space and nothing else; a failure here must not hide the one above.
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

  /** A directory goes with its last file. */
  async #tidy(path: string): Promise<void> {
    const parent = directoryOf(path);
    if (parent === undefined) return;
    for await (const _ of (await this.#root.getDirectoryHandle(parent)).keys()) return;
    await this.#root.removeEntry(parent);
  }

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
      // A directory of that name is no file.
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
    // A leftover of a write that was cut short may be longer.
    access.truncate(0);
    const written = content.length === 0 ? 0 : access.write(content as Uint8Array<ArrayBuffer>, { at: 0 });
    if (written !== content.length) throw failure("no-space", path, `${written} of ${content.length} bytes written`);
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
