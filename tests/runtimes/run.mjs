// The same program, engine and plugin in every WASI runtime that is here, held to what they do natively.
//
// node run.mjs ALLUVIUM NATIVE COMPOSED.wasm FOLDER, FOLDER with node_modules (jco) and venv (wasmtime for
// Python) as build.sh leaves them. It prints the table of README's section "Runtimes".
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const [alluvium, native, composed, folder] = process.argv.slice(2).map((path) => resolve(path));
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "alluvium-runtimes-"));
process.on("exit", () => rmSync(scratch, { recursive: true }));

const input = join(scratch, "input");
mkdirSync(input);
writeFileSync(join(input, "flights.csv"), gunzipSync(readFileSync(here("../data/flights-2013-01.csv.gz"))));

// Of each runtime: how to ask its version, and the command that runs the program over a directory.
const wasmtime = process.env.WASMTIME ?? "wasmtime";
const python = join(folder, "venv/bin/python3");
const transpiled = join(folder, "transpiled");
const inJco = (dir, args) => [process.execPath, [here("in_jco.mjs"), transpiled, dir, input, ...args]];
const jcoVersion = () => {
  const { version } = JSON.parse(readFileSync(join(folder, "node_modules/@bytecodealliance/jco/package.json"), "utf8"));
  return `${version}, Node ${process.versions.node}`;
};
const runtimes = [
  {
    name: "wasmtime, the command",
    version: () => output(wasmtime, ["--version"]).replace(/^wasmtime (\S+).*/s, "$1"),
    command: (dir, args) => [wasmtime, ["run", "--dir", `${dir}::checkpoints`, "--dir", `${input}::input`, composed, ...args]],
  },
  {
    name: "wasmtime for Python",
    version: () => output(python, ["-c", "from importlib.metadata import version; print(version('wasmtime'))"]),
    command: (dir, args) => [python, [here("in_wasmtime.py"), composed, dir, input, ...args]],
  },
  { name: "jco", version: jcoVersion, prepare: transpile, command: inJco },
  {
    name: "jco, its directory sync taken away",
    version: jcoVersion,
    command: inJco,
    env: { WITHOUT_DIRECTORY_SYNC: "1" },
    weaker: /cannot sync directories/,
  },
  // These run core modules only, as far as we know: what they answer to a component is told as it is.
  ...["wasmer", "wasmedge", "spin"].map((name) => ({
    name,
    version: () => output(name, ["--version"]),
    command: (dir, args) => [name, ["run", composed, "--", ...args]],
    isOther: true,
  })),
];

function output(command, args) {
  const { status, stdout, error } = spawnSync(command, args, { encoding: "utf8" });
  if (error || status !== 0) throw new Error(`${command} is not here`);
  return stdout.trim();
}

function transpile() {
  const jco = join(folder, "node_modules/.bin/jco");
  const args = ["transpile", composed, "-o", transpiled, "--name", "driver", "--instantiation", "async"];
  const { status, stderr } = spawnSync(jco, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

/** Every file below a directory with its bytes, as one digest. The native lock is no part of the format. */
function digest(dir) {
  const hash = createHash("sha256");
  const files = readdirSync(dir, { recursive: true })
    .filter((path) => path !== ".lock" && statSync(join(dir, path)).isFile())
    .sort();
  for (const path of files) {
    const bytes = readFileSync(join(dir, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return { files: files.length, digest: hash.digest("hex").slice(0, 16) };
}

const FEED = ["feed", "checkpoints", "input/flights.csv", "1000"];
const [nativeDir, nativeDone] = (() => {
  const dir = join(scratch, "native");
  const done = spawnSync(native, ["feed", dir, join(input, "flights.csv"), "1000"], { encoding: "utf8", maxBuffer: 1 << 26 });
  assert.equal(done.status, 0, done.stderr);
  return [dir, done.stdout];
})();
const expected = digest(nativeDir);
const results = (text) => text.split("\n").filter((line) => line.startsWith("result "));
assert.ok(results(nativeDone).length > 200);

/** What holds in one runtime, by column; throws where it should hold and does not. */
async function check(runtime) {
  const call = (dir, args) => {
    const [command, all] = runtime.command(dir, args);
    const env = { ...process.env, ...runtime.env };
    const { status, stdout, stderr } = spawnSync(command, all, { encoding: "utf8", maxBuffer: 1 << 26, env });
    return { status, stdout, stderr };
  };
  const fresh = (name) => {
    const dir = join(scratch, name);
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir);
    return dir;
  };
  const isWeak = runtime.weaker !== undefined;

  // What the engine finds out at opening, and that strictness refuses it, before anything is written.
  let dir = fresh("strict");
  const strict = call(dir, ["feed", "--strict", ...FEED.slice(1)]);
  if (isWeak) {
    assert.notEqual(strict.status, 0, "strict must refuse");
    assert.match(strict.stderr, runtime.weaker);
    assert.deepEqual(readdirSync(dir), [], "and leave nothing behind");
  } else {
    assert.equal(strict.status, 0, strict.stderr);
  }

  // Open, put, checkpoint; and the bytes that this leaves.
  dir = fresh("feed");
  const fed = call(dir, FEED);
  assert.equal(fed.status, 0, fed.stderr);
  const weaker = fed.stdout.split("\n").filter((line) => line.startsWith("weaker "));
  assert.equal(weaker.length, isWeak ? 1 : 0, weaker.join("; "));
  assert.deepEqual(digest(dir), expected, "the directory's bytes");
  assert.deepEqual(results(fed.stdout), results(nativeDone), "the results");

  // Open again: everything is there, and nothing left to do.
  const again = call(dir, FEED);
  assert.equal(again.status, 0, again.stderr);
  assert.match(again.stdout, /^from 27004$/m);
  assert.deepEqual(results(again.stdout), results(nativeDone));
  assert.deepEqual(digest(dir), expected, "reading writes nothing");

  // Killed in the middle: the last checkpoint that was told is there, and the next run goes on from it.
  dir = fresh("killed");
  const told = await killed(runtime, dir, 7);
  const went = call(dir, FEED);
  assert.equal(went.status, 0, went.stderr);
  const from = Number(/^from (\d+)$/m.exec(went.stdout)[1]);
  assert.ok(from >= told && from < 27_004, `told ${told}, went on from ${from}`);
  assert.deepEqual(results(went.stdout), results(nativeDone), "the results after a kill");
  const verified = spawnSync(alluvium, ["verify", dir], { encoding: "utf8" });
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);

  // Exclusive creation, by what it is for.
  dir = fresh("fence");
  const fenced = call(dir, ["fence", "checkpoints"]);
  assert.equal(fenced.status, 0, fenced.stderr);
  assert.match(fenced.stdout, /^fenced: /);

  const promise = isWeak ? "no: said at opening, refused when strict" : "yes";
  return ["yes", promise, `equal, ${expected.files} files`, `from ${from} after ${told} were told`, "yes"];
}

/** Runs the feeding and kills it as soon as its nth checkpoint is told; the records told by then. */
async function killed(runtime, dir, nth) {
  const [command, args] = runtime.command(dir, FEED);
  const child = spawn(command, args, { env: { ...process.env, ...runtime.env }, stdio: ["ignore", "pipe", "inherit"], detached: true });
  let told = 0;
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const found = /^checkpoint \d+ (\d+)$/.exec(line);
    if (!found) continue;
    told = Number(found[1]);
    count += 1;
    if (count === nth) process.kill(-child.pid, "SIGKILL");
  }
  assert.ok(count >= nth, "it told of its checkpoints");
  return told;
}

const rows = [];
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const runtime of runtimes) {
  let version;
  try {
    version = runtime.version();
  } catch (error) {
    counts.skipped += 1;
    console.log(`SKIPPED  ${runtime.name}: ${error.message}`);
    continue;
  }
  try {
    if (runtime.isOther) {
      const [command, args] = runtime.command(scratch, FEED);
      const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
      assert.notEqual(status, 0, "it runs components: give it a row of its own");
      rows.push([runtime.name, version, `no: ${stderr.trim().split("\n")[0]}`, "", "", "", ""]);
    } else {
      runtime.prepare?.();
      rows.push([runtime.name, version, ...(await check(runtime))]);
    }
    counts.passed += 1;
    console.log(`ok    ${runtime.name} ${version}`);
  } catch (error) {
    counts.failed += 1;
    console.log(`FAIL  ${runtime.name} ${version}: ${error.message}`);
  }
}
console.log(`\nnatively: ${expected.files} files, ${expected.digest}; in every runtime the same program leaves:\n`);
console.log("| runtime | version | runs | directory sync | bytes of the directory | killed at the 7th checkpoint | second writer fenced |");
console.log("|---|---|---|---|---|---|---|");
for (const row of rows) console.log(`| ${row.join(" | ")} |`);
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;
