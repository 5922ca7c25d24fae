// The entry for Node. The engine is read from the package. Checkpoints can be kept in a directory of the
// file system, with the same bytes as on every other platform.

import { randomBytes } from "node:crypto";
import { open, link, mkdir, readdir, rmdir, readFile, unlink, stat, lstat } from "node:fs/promises";
import modules from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { setWasmSource } from "./engine.js";
import type { AlluviumErrorKind } from "./error.js";
import type { CheckpointDirectory } from "./types.js";

/**
 * Reads the engine's wasm. It is beside this module. A bundle may leave it behind, and one in CommonJS has no
 * `import.meta.url`. Then it is that of the installed package.
 */
async function readWasm(): Promise<Uint8Array<ArrayBuffer>> {
  const address: string | undefined = import.meta.url;
  const from = address ?? (typeof __filename === "string" ? __filename : join(process.cwd(), "main.js"));
  // Bundlers look for the second form.
  const beside = address === undefined ? join(dirname(from), "wasm/alluvium_wasm_bg.wasm") : fileURLToPath(new URL("./wasm/alluvium_wasm_bg.wasm", import.meta.url));
  try {
    return await readFile(beside);
  } catch (thrown) {
    if (codeOf(thrown) !== "ENOENT") throw thrown;
    // webpack would follow an imported `createRequire`, and take the wasm for a module.
    return readFile(modules.createRequire(from).resolve("alluvium/alluvium.wasm"));
  }
}

setWasmSource(readWasm);

export * from "./index.js";

type SystemError = Error & { code?: string };
const codeOf = (thrown: unknown) => (thrown as SystemError | undefined)?.code;

/** Translates an error of the file system into one that the engine understands. */
function translated(path: string, thrown: unknown): Error {
  const kinds: Record<string, AlluviumErrorKind> = {
    ENOENT: "not-found",
    ENOTDIR: "not-found",
    EISDIR: "not-found",
    EEXIST: "already-exists",
    ENOSPC: "no-space",
    EDQUOT: "no-space",
  };
  const error = thrown as SystemError & { kind?: string };
  const kind = error.kind ?? kinds[error.code ?? ""] ?? "io";
  return Object.assign(new Error(error.message, { cause: thrown }), { kind, path });
}

async function translating<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw translated(path, thrown);
  }
}

/** Syncs a directory, so that the names in it survive a power failure. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Returns a directory of the file system, to pass as `storage`. The command line and this package can open
 * each other's directories. Node has no file locks, so a second writer is fenced only when it writes.
 */
export function fileDirectory(path: string): CheckpointDirectory {
  // It is compared with the parents of files, and it stays the same if the process goes to another directory.
  const root = resolve(path);
  const at = (path: string) => join(root, ...path.split("/"));
  return {
    async list() {
      const entries: [string, number, number][] = [];
      // Another writer may delete what a listing has just found. Then it is not listed.
      const unlessGone = <T>(found: Promise<T>) => found.catch((thrown: unknown) => (codeOf(thrown) === "ENOENT" ? undefined : Promise.reject(thrown)));
      const walk = async (prefix: string, depth: number): Promise<void> => {
        const found = await (prefix === "" ? readdir(root, { withFileTypes: true }) : unlessGone(readdir(at(prefix), { withFileTypes: true })));
        if (found === undefined) return;
        if (found.length === 0 && prefix !== "") entries.push([prefix, 0, 1]);
        for (const entry of found) {
          const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
          if (path === ".lock") continue;
          if (entry.isDirectory() && depth < 16) await walk(path, depth + 1);
          else if (entry.isFile()) {
            const size = (await unlessGone(stat(at(path))))?.size;
            if (size !== undefined) entries.push([path, size, /^\.(tmp-.*|.*\.tmp)$/.test(entry.name) ? 2 : 0]);
          } else entries.push([path, 0, 3]);
        }
      };
      return translating("", async () => {
        await mkdir(root, { recursive: true });
        await walk("", 0);
        return entries.sort(([a], [b]) => (a < b ? -1 : 1));
      });
    },
    read: (path) =>
      translating(path, async () => {
        await refuseLinks(at(path));
        return new Uint8Array(await readFile(at(path)));
      }),
    readRange: (path, offset, length) =>
      translating(path, async () => {
        await refuseLinks(at(path));
        const handle = await open(at(path), "r");
        try {
          const { size } = await handle.stat();
          if (offset + length > size) {
            const message = `cannot read ${length} bytes at ${offset}: the file has ${size}`;
            throw Object.assign(new Error(message), { kind: "out-of-range" });
          }
          const bytes = new Uint8Array(length);
          for (let got = 0; got < length; ) {
            const { bytesRead } = await handle.read(bytes, got, length - got, offset + got);
            if (bytesRead === 0) throw Object.assign(new Error(`the file ends at ${offset + got}`), { kind: "out-of-range" });
            got += bytesRead;
          }
          return bytes;
        } finally {
          await handle.close();
        }
      }),
    async create(paths, contents) {
      // Two writers may create the same name at once. Each must write a file of its own until it gets the name.
      const mine = randomBytes(8).toString("hex");
      const temporary = (path: string) => join(dirname(at(path)), `.tmp-${mine}-${paths.indexOf(path)}`);
      const written: string[] = [];
      let working = "";
      try {
        for (const [index, path] of paths.entries()) {
          working = path;
          if (paths.indexOf(path) < index) throw Object.assign(new Error("the path is twice in one batch"), { code: "EEXIST" });
          await lstat(at(path)).then(
            () => Promise.reject(Object.assign(new Error("the file exists already"), { code: "EEXIST" })),
            (thrown: unknown) => (["ENOENT", "ENOTDIR"].includes(codeOf(thrown) ?? "") ? undefined : Promise.reject(thrown)),
          );
        }
        for (const [index, path] of paths.entries()) {
          working = path;
          await mkdir(dirname(at(path)), { recursive: true });
          const handle = await open(temporary(path), "wx");
          written.push(path);
          try {
            await handle.writeFile(contents[index]!);
            await handle.sync();
          } finally {
            await handle.close();
          }
        }
        const parents = [...new Set(paths.map((path) => dirname(at(path))))];
        for (const [index, path] of paths.entries()) {
          working = path;
          // The last file is the commit. All other names must be durable before it gets its name.
          if (index === paths.length - 1 && index > 0) for (const parent of [...parents, root]) await sync(parent);
          // A link never replaces an existing file. A rename would.
          await link(temporary(path), at(path));
        }
        for (const parent of [...parents, root]) await sync(parent);
      } catch (thrown) {
        throw translated(working, thrown);
      } finally {
        for (const path of written) await unlink(temporary(path)).catch(() => {});
      }
    },
    async delete(paths) {
      const parents = new Set<string>();
      for (const path of paths) {
        await translating(path, async () => {
          try {
            const found = await lstat(at(path));
            if (found.isDirectory()) await rmdir(at(path));
            else if (found.isFile()) await unlink(at(path));
            else throw Object.assign(new Error("it is not a regular file"), { kind: "invalid-input" });
            parents.add(dirname(at(path)));
          } catch (thrown) {
            if (!["ENOENT", "ENOTDIR"].includes(codeOf(thrown) ?? "")) throw thrown;
          }
        });
      }
      for (const parent of parents) {
        if (parent === root) continue;
        // A directory is removed with its last file.
        await rmdir(parent).catch(() => sync(parent).catch(() => {}));
      }
      if (parents.size > 0) await translating("", () => sync(root));
    },
  };

  async function refuseLinks(path: string): Promise<void> {
    const found = await lstat(path);
    if (found.isDirectory()) throw Object.assign(new Error("it is a directory"), { code: "EISDIR" });
    if (!found.isFile()) throw Object.assign(new Error("it is not a regular file"), { kind: "invalid-input" });
  }
}
