// A great many windows are opened and closed, one after the other: memory and disk stay as they are.
//
// node windows.mjs ALLUVIUM TARGET; ALLUVIUM_WINDOWS says how many windows there are.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { DAY } from "./examples.mjs";
import { report, test } from "../runner.mjs";

const [alluvium, target] = process.argv.slice(2).map((path) => resolve(path));
const KEYS = 500;
const DAYS = Math.ceil(Number(process.env.ALLUVIUM_WINDOWS ?? 200_000) / KEYS);
const EVERY = 5_000;
// What the second half may usually have more than the first: of memory, two of the huge pages in which the system hands it
// out. That is 42 bytes for each of its 100,000 windows, and 8 for each of half a million.
const USUALLY = { memory: (first) => first + 4 * 2 ** 20, disk: (first) => first * 1.05 };
// And at most. A peak of memory says how many batches, outputs and checkpoints were under way at once, which depends on
// what else the machine does: it may have 16 MiB more.
const AT_MOST = { memory: (first) => first + 16 * 2 ** 20, disk: (first) => first * 1.1 };

const scratch = mkdtempSync(join(tmpdir(), "alluvium-windows-"));
process.on("exit", () => rmSync(scratch, { recursive: true }));

/// Writes one record for each key and day, in the order of the days. Each is a window of its own.
function writeRecords(path) {
  const file = openSync(path, "w");
  writeSync(file, "origin,time_hour,temp\n");
  const first = Date.UTC(2013, 0, 1);
  for (let day = 0; day < DAYS; day += 1) {
    const time = new Date(first + day * DAY).toISOString();
    let text = "";
    for (let key = 0; key < KEYS; key += 1) text += `station-${key},${time},${key % 40}\n`;
    writeSync(file, text);
  }
  closeSync(file);
}

/// The bytes of all files of a directory. A file that maintenance deletes meanwhile has none.
function bytesOf(dir) {
  let bytes = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

/// The bytes of memory that a process has had at most since this was asked last. A process that has ended has none.
function peakMemory(pid) {
  const found = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (!found) return undefined;
  const file = openSync(`/proc/${pid}/clear_refs`, "w");
  writeSync(file, "5");
  closeSync(file);
  return Number(found[1]) * 1024;
}

/// Runs, and returns what memory and disk had after each checkpoint.
async function watched(args, dir) {
  const running = spawn(alluvium, args, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((done, fail) => running.on("close", done).on("error", fail));
  const seen = [];
  let said = "";
  for await (const line of createInterface({ input: running.stderr })) {
    said += `${line}\n`;
    if (!line.includes('"checkpoint"')) continue;
    const { event, records } = JSON.parse(line);
    const memory = event === "checkpoint" && running.exitCode === null ? peakMemory(running.pid) : undefined;
    if (memory) seen.push({ records, memory, disk: bytesOf(dir) });
  }
  assert.equal(await ended, 0, said);
  return seen;
}

const sorted = (seen, what) => seen.map((at) => at[what]).sort((a, b) => a - b);
const most = (seen, what) => sorted(seen, what).at(-1);
const usually = (seen, what) => sorted(seen, what)[Math.floor(seen.length / 2)];
const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);

await test(`${KEYS * DAYS} windows, opened and closed, leave memory and disk as they were`, async () => {
  const [input, dir, output] = ["records.csv", "dir", "windows.ndjson"].map((name) => join(scratch, name));
  writeRecords(input);
  const plugin = join(target, "wasm32-wasip2/release/weather.wasm");
  const args = ["run", plugin, "--dir", dir, "--input", input, "--output", output, "--json", "--checkpoint-every", String(EVERY)];
  const seen = await watched(args, dir);
  const half = (KEYS * DAYS) / 2;
  const [first, second] = [seen.filter((at) => at.records <= half), seen.filter((at) => at.records > half)];
  assert.ok(Math.min(first.length, second.length) >= 5, `${seen.length} checkpoints were seen`);
  const used = (part, what) => `${mib(usually(part, what))} (at most ${mib(most(part, what))}) MiB of ${what}`;
  const shown = [first, second].map((part) => `${used(part, "memory")}, ${used(part, "disk")}`);
  console.log(`      first half ${shown[0]}; second half ${shown[1]}`);
  for (const what of ["memory", "disk"]) {
    const [before, after] = [usually(first, what), usually(second, what)];
    assert.ok(after <= USUALLY[what](before), `the usual ${what}: ${mib(before)} MiB, and then ${mib(after)} MiB`);
    assert.ok(most(second, what) <= AT_MOST[what](most(first, what)), `the most ${what}`);
  }
  assert.ok(most(seen, "disk") < 4 * 2 ** 20, "the directory has as much as the open windows need");

  const windows = new Set(readFileSync(output, "utf8").trim().split("\n"));
  assert.equal(windows.size, KEYS * DAYS, "each window is emitted");
  const listed = spawnSync(alluvium, ["list", dir, "--json"], { encoding: "utf8" }).stdout;
  assert.equal(JSON.parse(listed)[0].key_count, 0, "nothing is left of any window");
});

report();
