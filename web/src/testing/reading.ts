// Checks of listing and reading.

import { type Check, creates, lists, reads, readsRange, refuses } from "./support.js";

export const reading: Record<string, Check> = {
  async "a new directory is empty"({ open }) {
    const directory = await open();
    await lists(directory, []);
  },

  async "a listing is in order of path"({ open }) {
    const directory = await open();
    await creates(directory, [["b/2", "22"], ["c", "ccc"], ["b/1", "1"], ["b-", ""]]);
    await creates(directory, [["a/9", ""]]);
    // "-" sorts before "/": listings are ordered by whole paths, not by directories.
    await lists(directory, [["a/9", 0], ["b-", 0], ["b/1", 1], ["b/2", 2], ["c", 3]]);
  },

  async "a listing of a thousand files is whole"({ open }) {
    const directory = await open();
    // Storage in the network lists a thousand names at a time.
    const path = (number: number) => `many/${String(number).padStart(4, "0")}`;
    const all = Array.from({ length: 1003 }, (_, number) => path(number));
    await creates(directory, all.map((path) => [path, "x"]));
    await lists(directory, all.map((path) => [path, 1]));
  },

  async "a file reads back whole"({ open }) {
    const directory = await open();
    const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await creates(directory, [["segments/bytes", everyByte], ["plain", "plain"]]);
    await reads(directory, "segments/bytes", everyByte);
    await reads(directory, "plain", "plain");
  },

  async "a file may be empty"({ open }) {
    const directory = await open();
    await creates(directory, [["empty", ""]]);
    await lists(directory, [["empty", 0]]);
    await reads(directory, "empty", "");
    await readsRange(directory, "empty", 0, "");
    await refuses("a byte of an empty file", directory.readRange("empty", 0, 1), "out-of-range", "empty");
  },

  async "a file may have five MiB"({ open }) {
    const directory = await open();
    // The period of the content divides no round size of a piece, so that a misplaced piece shows.
    const large = new Uint8Array(5 << 20);
    for (let at = 0; at < large.length; at++) large[at] = at % 251;
    await creates(directory, [["large", large], ["last", "last"]]);
    await reads(directory, "large", large);
    for (const [start, end] of [[(1 << 20) - 3, (4 << 20) + 5], [1_000_000, 2_000_000], [(2 << 20) - 1, (2 << 20) + 1]] as const) {
      await readsRange(directory, "large", start, large.slice(start, end));
    }
    await lists(directory, [["large", 5 << 20], ["last", 4]]);
  },

  async "a file does not change with the bytes that it was made of"({ open }) {
    const directory = await open();
    const content = Uint8Array.of(1, 2, 3);
    await creates(directory, [["kept", content]]);
    content.fill(9);
    (await directory.read("kept")).fill(8);
    await reads(directory, "kept", Uint8Array.of(1, 2, 3));
  },

  async "a part of a larger buffer is stored alone"({ open }) {
    const directory = await open();
    const part = Uint8Array.from({ length: 100 }, (_, at) => at).subarray(10, 15);
    await creates(directory, [["part", part]]);
    await lists(directory, [["part", 5]]);
    await reads(directory, "part", Uint8Array.of(10, 11, 12, 13, 14));
  },

  async "ranges are exact"({ open }) {
    const directory = await open();
    await creates(directory, [["a/f", "0123456789"]]);
    for (const [offset, length] of [[0, 10], [0, 1], [9, 1], [4, 3], [0, 0], [10, 0]] as const) {
      await readsRange(directory, "a/f", offset, "0123456789".slice(offset, offset + length));
    }
  },

  async "ranges past the end are out of range"({ open }) {
    const directory = await open();
    await creates(directory, [["f", "0123456789"]]);
    for (const [offset, length] of [[0, 11], [9, 2], [10, 1], [11, 0], [2 ** 40, 0], [2 ** 40, 1], [0, 2 ** 31], [0, 2 ** 52]] as const) {
      await refuses(`${length} bytes of f at ${offset}`, directory.readRange("f", offset, length), "out-of-range", "f");
    }
    await reads(directory, "f", "0123456789");
  },

  async "what is not there is not found"({ open }) {
    const directory = await open();
    await creates(directory, [["a/there", "x"]]);
    for (const path of ["missing", "a/missing", "missing/there", "there"]) {
      await refuses(`reading ${path}`, directory.read(path), "not-found", path);
      await refuses(`a range of ${path}`, directory.readRange(path, 0, 0), "not-found", path);
    }
  },

  async "several reads may be under way at once"({ open }) {
    const directory = await open();
    const files = Array.from({ length: 20 }, (_, number) => [`at-once/${number}`, String(number).repeat(1000)] as [string, string]);
    await creates(directory, files);
    await Promise.all(files.flatMap(([path, content]) => [reads(directory, path, content), readsRange(directory, path, 7, content.slice(7, 20))]));
  },
};
