// Runs tests and counts them, and has the helpers that all of them use.

import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const here = fileURLToPath(new URL("./", import.meta.url));
export const root = join(here, "../..");
/** The golden directories: those of this version, and those of an older one, which are only read. */
export const golden = join(root, "tests/golden/v3");
export const older = join(root, "tests/golden/v2");
const filter = process.argv[2] ?? "";
export const seed = Number(process.env.ALLUVIUM_SEED ?? Date.now() % 1_000_000);
export const kills = Number(process.env.ALLUVIUM_KILLS ?? 20);
export const tally = { passed: 0, failed: 0, skipped: 0 };

/** A test throws this if it cannot run here. */
export class Skipped extends Error {}

export function skip(name, why) {
  tally.skipped++;
  console.log(`SKIPPED ${name}: ${why}`);
}

export async function test(name, run) {
  if (!name.includes(filter)) return;
  const started = performance.now();
  try {
    const note = await run();
    tally.passed++;
    console.log(`ok      ${name} (${Math.round(performance.now() - started)} ms)${note ? `: ${note}` : ""}`);
  } catch (error) {
    if (error instanceof Skipped) return skip(name, error.message);
    tally.failed++;
    console.log(`FAILED  ${name}: ${error.stack ?? error}`);
  }
}

export function same(what, found, expected) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}: found ${left}, expected ${right}`);
}

/** Returns every file below a folder, by its relative path. */
export function filesOf(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const path = (entry) => join(entry.parentPath ?? entry.path, entry.name);
  return Object.fromEntries(entries.map((entry) => [relative(folder, path(entry)), readFileSync(path(entry))]).sort());
}

/** Waits until a condition in this process holds. */
export async function until(what, condition) {
  for (const end = Date.now() + 120_000; !condition(); ) {
    if (Date.now() > end) throw new Error(`two minutes passed before ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
