// What the tests of operators in several languages share: the components of each, and runs of the command over them.
//
// The arguments of such a test are ALLUVIUM TARGET FOLDER, with the components of Rust in TARGET and what build.sh left in
// FOLDER.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runArguments } from "../operators/examples.mjs";

const [target, folder] = process.argv.slice(3);
export const alluvium = process.argv[2];

/** What build.sh could not build, one line each. */
export const missing = readFileSync(join(folder, "missing"), "utf8").trim().split("\n").filter(Boolean);
const LANGUAGES = [["JavaScript", "js"], ["Python", "py"], ["C", "c"]].filter(
  ([language]) => !missing.some((line) => line.startsWith(`${language}:`)),
);

/** A folder that goes away with the test. */
export const scratch = mkdtempSync(join(tmpdir(), "alluvium-operators-"));
process.on("exit", () => rmSync(scratch, { recursive: true }));

/** Returns the components of a plugin by language. That of Rust may be an example of its crate. */
export const components = (name, inRust = name) =>
  new Map([
    ["Rust", join(target, `wasm32-wasip2/release/${inRust}.wasm`)],
    ...LANGUAGES.map(([language, end]) => [language, join(folder, `${name}-${end}.wasm`)]),
  ]);

/** Returns what a run of a plugin over a directory is started with, and what is emitted there. */
export function command(plugin, operator, at, ...also) {
  const dir = join(scratch, at);
  const files = operator.outputs.map((name) => `${dir}.${name}.ndjson`);
  const args = [...runArguments(plugin, { every: 2000, ...operator }, dir, files), ...also];
  // A file to which nothing was emitted is not there.
  const emitted = () => files.map((file) => (existsSync(file) ? readFileSync(file, "utf8") : ""));
  const clean = () => [dir, ...files].forEach((path) => rmSync(path, { recursive: true, force: true }));
  return { dir, args, emitted, clean };
}

/** Runs the command, and returns its status and what it said. */
export function call(...args) {
  const { status, stdout, stderr, error } = spawnSync(alluvium, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  if (error) throw error;
  return { status, stdout, stderr };
}

/** Returns what a call printed, which has not failed. */
export function ok({ status, stdout, stderr }) {
  assert.equal(status, 0, stderr);
  return stdout;
}

/** The digest of the state, which has the timers in it, and what a dump shows of it. */
export const state = (dir) => ({ digest: JSON.parse(ok(call("show", dir, "--json"))).alluvium.state_digest, dump: call("dump", dir).stdout });
