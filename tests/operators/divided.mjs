// The example operators with their work divided: the state of one worker is split in two by the hash of its keys, both are
// killed again and again, and one worker continues with all of it. State and output are those of `alluvium run`.
//
// node divided.mjs ALLUVIUM TARGET, with the components in TARGET/wasm32-wasip2/release.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";

import { EXAMPLES, caller, connections, killedOften, runArguments } from "./examples.mjs";
import { report, test } from "../runner.mjs";

const [alluvium, target] = process.argv.slice(2).map((path) => resolve(path));
const KILLS = Number(process.env.ALLUVIUM_SPLIT_KILLS ?? 4);
const scratch = mkdtempSync(join(tmpdir(), "alluvium-divided-"));
process.on("exit", () => rmSync(scratch, { recursive: true }));

// EWR, JFK and LGA have hashes that begin with 28 and 29, and so belong to one of two workers. The hash of BOS does not.
const AIRPORTS = ["weather", "routes", "board"];
/** Returns a copy of a file in which an airport has another name, and whose records are in the order of their last field, the time. */
function renamed(path) {
  if (path.endsWith(".ndjson")) return copied(path, readFileSync(path, "utf8"));
  const [header, ...lines] = gunzipSync(readFileSync(path)).toString().trim().split("\n");
  const hour = (line) => line.slice(line.lastIndexOf(","));
  return copied(path, [header, ...lines.sort((a, b) => (hour(a) < hour(b) ? -1 : Number(hour(a) > hour(b)))), ""].join("\n"));
}
function copied(path, text) {
  const copy = join(scratch, basename(path, ".gz"));
  writeFileSync(copy, text.replaceAll("LGA", "BOS"));
  return copy;
}

const call = caller(alluvium);
const run = (...args) => call(args).stdout;

/** Returns the lines of the outputs in the order of their bytes: at one time, workers emit in another order than one process. */
const sorted = (files) => files.map((file) => (existsSync(file) ? readFileSync(file, "utf8").split("\n").sort() : []));

for (const [name, { isDivisible = true, ...of }] of Object.entries(EXAMPLES)) {
  if (!isDivisible) continue;
  const inputs = Object.entries(of.inputs).map(([input, path]) => [input, AIRPORTS.includes(name) ? renamed(path) : path]);
  const example = { ...of, inputs: Object.fromEntries(inputs), every: name === "weather" ? 50 : 600 };
  const at = (what) => join(scratch, `${name}-${what}`);
  const plugin = join(target, "wasm32-wasip2/release", `${name}.wasm`);
  const filesOf = (what) => example.outputs.map((output) => at(`${what}-${output}.ndjson`));

  await test(`${name}: split in two, killed ${KILLS} times and merged, it has the state and the output of one process`, async () => {
    const one = (...more) => run(...runArguments(plugin, example, at("one"), filesOf("one")), ...more);
    one("--no-finish");
    const [job, files] = [at("job"), filesOf("job")];
    const arguments_ = ["cluster", "run", plugin, "--job", job, "--epoch-records", String(example.every), ...connections(example, files)];
    const status = () => JSON.parse(run("cluster", "status", "--job", job, "--json"));

    run(...arguments_, "--stop-after-epochs", "3");
    assert.equal(status().parts.length, 1);
    await killedOften(alluvium, [...arguments_, "--workers", "2"], KILLS, () => [2]);
    const { parts, epoch, is_finished } = status();
    assert.deepEqual([parts.length, is_finished], [2, false]);
    assert.ok(parts.every((part) => part.keys > 0), JSON.stringify(parts));
    run(...arguments_, "--stop-after-epochs", "2");
    assert.deepEqual([status().parts.length, status().epoch], [1, epoch + 2]);
    run(...arguments_, "--workers", "2", "--no-finish");

    assert.equal(status().state_digest, JSON.parse(run("show", at("one"), "--json")).alluvium.state_digest);
    run("cluster", "export", "--job", job, at("job.tar"));
    run("import", at("job.tar"), at("imported"));
    assert.equal(run("dump", at("imported")), run("dump", at("one")));
    // The end has the rest: all windows close, and all timers fire.
    one();
    run(...arguments_);
    assert.equal(status().is_finished, true);
    assert.deepEqual(sorted(files), sorted(filesOf("one")));
    assert.ok(sorted(files)[0].length > 40);
  });
}

report();
