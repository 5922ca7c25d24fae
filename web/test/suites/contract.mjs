// Tests of the conformance suite for directories written in JavaScript (`alluvium/testing`): the package's own pass
// it, and directories with one fault each do not.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { same } from "../harness.mjs";
import { inWorker } from "../pages.mjs";

const { conformance, checks, memoryDirectory } = await import("../../dist/testing/index.js");
const { Checkpoints, fileDirectory } = await import("../../dist/node.js");

/** Every check ran and passed. */
export function contracted({ passed, failed }, { handles = "many" } = {}) {
  same("failed checks", failed, []);
  same("checks that passed", passed, handles === "one" ? checks.all : [...checks.all, ...checks.sharing]);
  return `${passed.length} checks`;
}

const failure = (kind, path) => Object.assign(new Error(kind), { kind, path });
const turn = () => new Promise((resolve) => setTimeout(resolve));

/** Each fault with a check that finds it. `files` is the content of the directory `right`. */
const FAULTS = {
  "lists backwards": ["a listing is in order of path", ({ right }) => ({ list: async () => (await right.list()).reverse() })],
  "lists the first thousand": ["a listing of a thousand files is whole", ({ right }) => ({ list: async () => (await right.list()).slice(0, 1000) })],
  "lists nothing": ["a file may be empty", () => ({ list: async () => [] })],
  "returns an ArrayBuffer": ["a file reads back whole", ({ right }) => ({ read: async (path) => (await right.read(path)).buffer })],
  "stores the whole buffer of a view": ["a part of a larger buffer is stored alone", ({ right }) => ({ create: (paths, contents) => right.create(paths, contents.map(({ buffer }) => new Uint8Array(buffer))) })],
  "keeps the caller's bytes": ["a file does not change with the bytes that it was made of", ({ right, files }) => ({ create: (paths, contents) => right.create(paths, contents).then(() => paths.forEach((path, at) => files.set(path, contents[at]))) })],
  "reads a megabyte at most": ["a file may have five MiB", ({ right }) => ({ read: async (path) => (await right.read(path)).slice(0, 1 << 20) })],
  "misplaces a piece": ["a file may have five MiB", ({ files }) => ({ readRange: async (path, offset, length) => files.get(path).slice(offset - (offset > 1 << 20 ? 1 : 0)).slice(0, length) })],
  "cuts ranges": ["ranges past the end are out of range", ({ right, files }) => ({ readRange: async (path, offset, length) => (files.has(path) ? files.get(path).slice(offset, offset + length) : right.readRange(path, offset, length)) })],
  "does not look for an empty range": ["what is not there is not found", ({ right }) => ({ readRange: (path, offset, length) => (length === 0 ? new Uint8Array() : right.readRange(path, offset, length)) })],
  "throws errors without a kind": ["what is not there is not found", ({ files }) => ({ read: async (path) => files.get(path)?.slice() ?? Promise.reject(new Error(`no ${path}`)) })],
  "reads one file at a time": [
    "several reads may be under way at once",
    ({ right }) => {
      let at;
      return { read: async (path) => ((at = path), await turn(), right.read(at)) };
    },
  ],
  "replaces files": ["a taken name fails the batch", ({ right }) => ({ create: async (paths, contents) => (await right.delete(paths), right.create(paths, contents)) })],
  "creates the first file only": ["a batch spans directories in any order", ({ right }) => ({ create: (paths, contents) => right.create(paths.slice(0, 1), contents) })],
  "names no path": ["a taken name fails the batch", ({ right }) => ({ create: (paths, contents) => right.create(paths, contents).catch(({ kind }) => Promise.reject(failure(kind, undefined))) })],
  "commits first": [
    "the last file of a batch appears last",
    ({ right }) => ({
      create: async (paths, contents) => {
        await right.create(paths.slice(-1), contents.slice(-1));
        await turn();
        await turn();
        await right.create(paths.slice(0, -1), contents.slice(0, -1));
      },
    }),
  ],
  "takes a name twice": ["a name twice in a batch fails it", ({ right }) => ({ create: (paths, contents) => right.create([...new Set(paths)], [...new Set(paths)].map((path) => contents[paths.lastIndexOf(path)])) })],
  "shortens long names": ["names may be 64 characters long", ({ right }) => ({ create: (paths, contents) => right.create(paths.map((path) => path.slice(0, 100)), contents) })],
  "refuses to delete what is not there": [
    "deleting twice is no error",
    ({ right, files }) => ({
      delete: async (paths) => {
        const missing = paths.find((path) => !files.has(path));
        if (missing !== undefined) throw failure("not-found", missing);
        await right.delete(paths);
      },
    }),
  ],
  "deletes by prefix": ["deleting leaves the other files", ({ right, files }) => ({ delete: (paths) => right.delete([...files.keys()].filter((name) => paths.some((path) => name.startsWith(path)))) })],
  "deletes nothing": ["a deleted name is free again", () => ({ delete: async () => {} })],
  "leaves empty directories": [
    "a directory goes with its last file",
    ({ right }) => {
      const left = new Set();
      return {
        list: async () => [...(await right.list()), ...[...left].map((name) => [name, 0, 1])],
        delete: async (paths) => (paths.forEach((path) => path.includes("/") && left.add(path.split("/")[0])), right.delete(paths)),
      };
    },
  ],
  "looks, then writes": [
    "of two handles that create at once exactly one wins",
    ({ right, files }) => ({
      create: async (paths, contents) => {
        const taken = paths.find((path, at) => files.has(path) || paths.indexOf(path) < at);
        if (taken !== undefined) throw failure("already-exists", taken);
        await turn();
        paths.forEach((path, at) => files.set(path, contents[at].slice()));
      },
    }),
  ],
};

/** Opens directories with one fault. The same name opens the same storage. */
function faulty(change) {
  const storages = new Map();
  return (name) => {
    const files = storages.get(name) ?? new Map();
    storages.set(name, files);
    const right = memoryDirectory(files);
    return { ...right, ...change({ right, files }) };
  };
}

/** The suite is worth something only if it finds faults. */
export async function faults() {
  contracted(await conformance(faulty(() => ({}))));
  contracted(await conformance(faulty(() => ({})), { handles: "one" }), { handles: "one" });
  for (const [fault, [check, change]] of Object.entries(FAULTS)) {
    const { failed } = await conformance(faulty(change));
    if (!failed.some((found) => found.check === check)) throw new Error(`a directory that ${fault} passed "${check}"; it failed ${JSON.stringify(failed)}`);
  }
  // A directory that forgets what a closed handle wrote, and one whose handles each have a storage of their own.
  const forgetting = await conformance(() => memoryDirectory());
  const missed = ["files outlive the handle", "two handles see the same files"].filter((check) => !forgetting.failed.some((found) => found.check === check));
  same("checks that a forgetful directory passed", missed, []);
  let said;
  try {
    forgetting.assert();
  } catch (error) {
    said = error.message;
  }
  if (!/checks failed:\nfiles outlive the handle: /.test(said)) throw new Error(`assert said ${said}`);
  const { failed } = await conformance(() => ({ list: async () => [] }));
  if (!/no method read, readRange, create, delete/.test(failed[0]?.what)) throw new Error(`missing methods: ${JSON.stringify(failed[0])}`);
  return `${Object.keys(FAULTS).length + 1} faults found`;
}

/** Every handle is closed, and no more than one is open where only one may be. */
export async function closing() {
  const storages = new Map();
  const open = new Map();
  let most = 0;
  const report = await conformance(
    (name) => {
      if (!storages.has(name)) storages.set(name, new Map());
      const directory = memoryDirectory(storages.get(name));
      open.set(directory, name);
      most = Math.max(most, [...open.values()].filter((other) => other === name).length);
      return directory;
    },
    { handles: "one", close: (directory) => void open.delete(directory) },
  );
  same("the most handles, and those that are left", [most, open.size], [1, 0]);
  return contracted(report, { handles: "one" });
}

export async function nodeContract() {
  const folder = mkdtempSync(join(tmpdir(), "alluvium-contract-"));
  try {
    // A path may end with a slash, and go through a folder and back.
    contracted(await conformance((name) => fileDirectory(`${folder}/./and/../${name}-slash/`)));
    return contracted(await conformance((name) => fileDirectory(join(folder, name))));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the suite's own directory keeps is recovered from it. */
export async function memoryRecovers() {
  const files = new Map();
  for (const count of [1, 2, 3]) {
    const checkpoints = await Checkpoints.open({ name: "memory", storage: memoryDirectory(files) });
    same("the count before", checkpoints.getJson("count") ?? 0, count - 1);
    checkpoints.putJson("count", count);
    await checkpoints.checkpoint();
    await checkpoints.close();
  }
}

export const opfsContract = async (page) => contracted(await inWorker(page, { task: "contract" }));
