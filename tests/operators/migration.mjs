// A plugin whose state is migrated: what version 1 has left is continued by version 2, with kill -9 before the migration, in it
// and after it.
//
// node migration.mjs ALLUVIUM TARGET, with the components in TARGET/wasm32-wasip2/release.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { FLIGHTS, caller, killed, runArguments } from "./examples.mjs";
import { report, test } from "../runner.mjs";

const [alluvium, target] = process.argv.slice(2).map((path) => resolve(path));
const folder = join(target, "wasm32-wasip2/release");
const [VERSION_1, VERSION_2] = [join(folder, "examples/carriers_1.wasm"), join(folder, "carriers.wasm")];
const scratch = mkdtempSync(join(tmpdir(), "alluvium-migration-"));
process.on("exit", () => rmSync(scratch, { recursive: true }));

const flights = { inputs: { flights: FLIGHTS }, outputs: ["flights"], delay: 0, every: 700 };

function command(at) {
  const dir = join(scratch, at);
  const output = `${dir}.ndjson`;
  return { dir, output, args: (plugin, ...more) => [...runArguments(plugin, flights, dir, [output]), ...more] };
}

const call = caller(alluvium);

const shown = (dir) => JSON.parse(call(["show", dir, "--json"]).stdout).alluvium;
const version = (dir) => shown(dir).annotations["plugin.schema-version"];

/// Starts a run that migrates, and kills it after so many milliseconds, unless it has ended before.
const killedAfter = (args, ms) =>
  new Promise((done, fail) => {
    const running = spawn(alluvium, args, { stdio: ["ignore", "ignore", "ignore"] });
    const timer = setTimeout(() => running.kill("SIGKILL"), ms);
    running.on("error", fail);
    running.on("close", (_, signal) => (clearTimeout(timer), done(signal === "SIGKILL")));
  });

const whole = command("whole");
await test("version 2 from the beginning", () => {
  call(whole.args(VERSION_2));
  assert.match(call(["dump", whole.dir]).stdout, /miles/);
  assert.equal(version(whole.dir), "2");
});

await test("what version 1 has left is continued by version 2, with kills before, in and after the migration", async () => {
  const migrated = command("migrated");
  // Until version 1 was killed twice, each time after a few checkpoints.
  for (let kills = 0; kills < 2; kills += 1) assert.ok(await killed(alluvium, migrated.args(VERSION_1), 3, kills), "a kill");
  assert.equal(version(migrated.dir), "1");
  const refused = call(migrated.args(VERSION_2), 2).stderr;
  assert.match(refused, /schema version 1/);
  assert.match(refused, /--migrate/);
  const tried = call(migrated.args(VERSION_2, "--migrate", "--dry-run"));
  assert.match(tried.stderr, /to 2/);
  assert.equal(version(migrated.dir), "1", "a trial changes nothing");
  // The kills move through the start, the migration and the first batches, until one comes after a migration.
  let kills = 0;
  for (let ms = 4; version(migrated.dir) === "1" && ms < 60_000; ms = Math.ceil(ms * 1.3)) {
    kills += await killedAfter(migrated.args(VERSION_2, "--migrate"), ms);
    // The state is of one version, and never of both.
    const found = version(migrated.dir);
    const values = call(["dump", migrated.dir]).stdout.match(/\[[0-9]+,-?[0-9]+\]|"?miles/g) ?? [];
    const isOld = values.map((value) => value.startsWith("["));
    assert.ok(values.length > 0 && isOld.every((old) => old === (found === "1")), `${found}: ${values}`);
  }
  assert.ok(kills > 3, `${kills} kills`);
  assert.ok(await killed(alluvium, migrated.args(VERSION_2), 2), "and one after it");
  call(migrated.args(VERSION_2));
  assert.equal(version(migrated.dir), "2");
  assert.equal(shown(migrated.dir).state_digest, shown(whole.dir).state_digest);
  assert.equal(call(["dump", migrated.dir]).stdout, call(["dump", whole.dir]).stdout);
  assert.equal(readFileSync(migrated.output, "utf8"), readFileSync(whole.output, "utf8"));
  console.log(`      ${kills} kills`);
});

await test("version 1 does not continue what version 2 has left", () => {
  const { stderr } = call(whole.args(VERSION_1), 2);
  assert.match(stderr, /schema version 2/);
});

report();
