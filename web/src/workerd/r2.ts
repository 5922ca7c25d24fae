// A directory in a bucket of R2.
//
// Each file is one object. It is put only if there is none of its name, so that of two writers that create the same
// name one fails. The last file of a batch is put last, after all others are stored.

import type { CheckpointDirectory } from "../types.js";
import { failure } from "./failure.js";

/** An object of a bucket. */
export interface R2ObjectLike {
  /** The name of the object in its bucket. */
  readonly key: string;
  /** The bytes of its content. */
  readonly size: number;
}

/** An object of a bucket, with its content. */
export interface R2BodyLike extends R2ObjectLike {
  /** Reads the content, or the range that was asked for. */
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** One page of the objects of a bucket. */
export interface R2PageLike {
  /** The objects of this page. */
  objects: R2ObjectLike[];
  /** Whether another page follows. */
  truncated: boolean;
  /** Where the page after this one begins. */
  cursor?: string;
}

/** The part of a bucket that the directory uses. A binding of R2 has it. */
export interface R2BucketLike {
  /** Returns an object without its content, or `null` if there is none. */
  head(key: string): Promise<R2ObjectLike | null>;
  /** Returns an object with its content or a range of it, or `null` if there is none. */
  get(key: string, options?: { range?: { offset: number; length: number } }): Promise<R2BodyLike | null>;
  /** Writes an object, and returns `null` if the condition did not hold. */
  put(key: string, value: Uint8Array, options: { onlyIf: { etagDoesNotMatch: string } }): Promise<R2ObjectLike | null>;
  /** Deletes objects. */
  delete(keys: string[]): Promise<void>;
  /** Lists the objects whose names have a prefix, page by page. */
  list(options: { prefix: string; cursor?: string }): Promise<R2PageLike>;
}

/** One call deletes at most this many objects. */
const DELETED_AT_ONCE = 1000;

/** Keeps files as objects of a bucket, whose keys start with a prefix. Other objects are not touched. */
export class R2Directory implements CheckpointDirectory {
  readonly #bucket: R2BucketLike;
  readonly #prefix: string;

  /** Makes a directory of the objects whose keys start with `prefix` and a slash. */
  constructor(bucket: R2BucketLike, prefix = "alluvium") {
    this.#bucket = bucket;
    this.#prefix = prefix === "" ? "" : `${prefix.replace(/\/+$/, "")}/`;
  }

  async list(): Promise<[string, number, number][]> {
    const entries: [string, number, number][] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#bucket.list({ prefix: this.#prefix, ...(cursor !== undefined && { cursor }) });
      for (const { key, size } of page.objects) entries.push([key.slice(this.#prefix.length), size, 0]);
      cursor = page.truncated ? page.cursor : undefined;
    } while (cursor !== undefined);
    return entries.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  async read(path: string): Promise<Uint8Array> {
    const object = await this.#bucket.get(this.#key(path));
    if (object === null) throw failure("not-found", path, "there is no such object");
    return new Uint8Array(await object.arrayBuffer());
  }

  async readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    // A range without bytes, or one past the end, is something that a bucket may refuse or cut in its own way.
    const found = await this.#bucket.head(this.#key(path));
    if (found === null) throw failure("not-found", path, "there is no such object");
    if (offset + length > found.size) throw failure("out-of-range", path, `cannot read ${length} bytes at ${offset}: the object has ${found.size}`);
    if (length === 0) return new Uint8Array(0);
    const object = await this.#bucket.get(this.#key(path), { range: { offset, length } });
    if (object === null) throw failure("not-found", path, "the object was deleted meanwhile");
    return new Uint8Array(await object.arrayBuffer());
  }

  async create(paths: string[], contents: Uint8Array[]): Promise<void> {
    paths.forEach((path, at) => {
      if (paths.indexOf(path) < at) throw failure("already-exists", path, "the name is twice in one batch");
    });
    const put = async (path: string, content: Uint8Array) => {
      const object = await this.#bucket.put(this.#key(path), content, { onlyIf: { etagDoesNotMatch: "*" } });
      if (object === null) throw failure("already-exists", path, "the name is taken");
    };
    const last = paths.length - 1;
    // All are waited for, so that none is still on its way when the caller deletes what is left of a failed batch.
    const settled = await Promise.allSettled(paths.slice(0, last).map((path, at) => put(path, contents[at]!)));
    for (const result of settled) if (result.status === "rejected") throw result.reason;
    if (last >= 0) await put(paths[last]!, contents[last]!);
  }

  async delete(paths: string[]): Promise<void> {
    for (let at = 0; at < paths.length; at += DELETED_AT_ONCE) {
      await this.#bucket.delete(paths.slice(at, at + DELETED_AT_ONCE).map((path) => this.#key(path)));
    }
  }

  #key(path: string): string {
    return this.#prefix + path;
  }
}
