// A directory in the SQLite storage of a Durable Object.
//
// A batch of files is one transaction, so it is there as a whole or not at all. `sync` waits until the transaction is
// on disk. A row of that storage has at most 2 MB, so the content of a file is in pieces.

import type { CheckpointDirectory } from "../types.js";
import { failure } from "./failure.js";

/** The part of a Durable Object's storage that the directory uses. `ctx.storage` of a class with SQLite has it. */
export interface DurableObjectStorageLike {
  /** The database of the object. */
  sql: {
    /** Runs one statement with values for its parameters, and returns its rows. */
    exec(query: string, ...bindings: (string | number | ArrayBuffer)[]): Iterable<Record<string, unknown>>;
  };
  /** Runs a function in a transaction. If it throws, nothing of it stays. */
  transactionSync<T>(closure: () => T): T;
  /** Waits until everything that was written is on disk. */
  sync(): Promise<void>;
}

/** The bytes of a piece. With its key it stays below the 2 MB of a row. */
const PIECE_BYTES = 1 << 20;

/**
 * Keeps files in the SQLite storage of a Durable Object, in the tables `alluvium_files` and `alluvium_pieces`. Other
 * tables are not touched. Several names are several directories, which share nothing.
 */
export class DurableObjectDirectory implements CheckpointDirectory {
  readonly #storage: DurableObjectStorageLike;
  readonly #name: string;

  /** Makes a directory in the storage of a Durable Object, and creates its tables if they do not exist. */
  constructor(storage: DurableObjectStorageLike, name = "alluvium") {
    this.#storage = storage;
    this.#name = name;
    storage.transactionSync(() => {
      this.#rows("CREATE TABLE IF NOT EXISTS alluvium_files (directory TEXT NOT NULL, path TEXT NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (directory, path)) WITHOUT ROWID");
      this.#rows("CREATE TABLE IF NOT EXISTS alluvium_pieces (directory TEXT NOT NULL, path TEXT NOT NULL, piece INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (directory, path, piece))");
    });
  }

  async list(): Promise<[string, number, number][]> {
    const rows = this.#rows<{ path: string; bytes: number }>("SELECT path, bytes FROM alluvium_files WHERE directory = ? ORDER BY path", this.#name);
    return [...rows].map(({ path, bytes }) => [path, bytes, 0]);
  }

  async read(path: string): Promise<Uint8Array> {
    return this.#content(path, 0, this.#bytesOf(path));
  }

  async readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    const bytes = this.#bytesOf(path);
    if (offset + length > bytes) throw failure("out-of-range", path, `cannot read ${length} bytes at ${offset}: the file has ${bytes}`);
    return this.#content(path, offset, offset + length);
  }

  async create(paths: string[], contents: Uint8Array[]): Promise<void> {
    this.#storage.transactionSync(() => {
      for (const [at, path] of paths.entries()) {
        const content = contents[at]!;
        if (this.#find(path) !== undefined) throw failure("already-exists", path, "the name is taken");
        this.#rows("INSERT INTO alluvium_files (directory, path, bytes) VALUES (?, ?, ?)", this.#name, path, content.length);
        for (let start = 0; start < content.length; start += PIECE_BYTES) {
          const piece = content.slice(start, start + PIECE_BYTES).buffer as ArrayBuffer;
          this.#rows("INSERT INTO alluvium_pieces (directory, path, piece, content) VALUES (?, ?, ?, ?)", this.#name, path, start / PIECE_BYTES, piece);
        }
      }
    });
    await this.#storage.sync();
  }

  async delete(paths: string[]): Promise<void> {
    this.#storage.transactionSync(() => {
      for (const path of paths) {
        for (const table of ["alluvium_pieces", "alluvium_files"]) this.#rows(`DELETE FROM ${table} WHERE directory = ? AND path = ?`, this.#name, path);
      }
    });
    await this.#storage.sync();
  }

  /** Returns the bytes from `start` to `end`, and reads only the pieces in which they are. */
  #content(path: string, start: number, end: number): Uint8Array {
    const content = new Uint8Array(end - start);
    const [first, last] = [Math.floor(start / PIECE_BYTES), Math.ceil(end / PIECE_BYTES)];
    const rows = this.#rows<{ piece: number; content: ArrayBuffer }>(
      "SELECT piece, content FROM alluvium_pieces WHERE directory = ? AND path = ? AND piece >= ? AND piece < ? ORDER BY piece",
      this.#name,
      path,
      first,
      last,
    );
    let missing = end - start;
    for (const row of rows) {
      const at = row.piece * PIECE_BYTES;
      const part = new Uint8Array(row.content).subarray(Math.max(0, start - at), end - at);
      content.set(part, Math.max(0, at - start));
      missing -= part.length;
    }
    if (missing !== 0) throw failure("io", path, `${missing} bytes from ${start} to ${end} are missing in alluvium_pieces`);
    return content;
  }

  #bytesOf(path: string): number {
    const bytes = this.#find(path);
    if (bytes === undefined) throw failure("not-found", path, "there is no such file");
    return bytes;
  }

  #find(path: string): number | undefined {
    const [row] = this.#rows<{ bytes: number }>("SELECT bytes FROM alluvium_files WHERE directory = ? AND path = ?", this.#name, path);
    return row?.bytes;
  }

  #rows<T>(query: string, ...bindings: (string | number | ArrayBuffer)[]): Iterable<T> {
    return this.#storage.sql.exec(query, ...bindings) as Iterable<T>;
  }
}
