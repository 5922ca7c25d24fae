// A real `wasmtime serve` with the handler of wasm/examples/counter and the engine, killed with SIGKILL at random moments
// while clients send requests. Each answered request is counted exactly once.
//
// node serve.mjs ALLUVIUM COMPONENTS FOLDER, COMPONENTS with the components as cargo builds them. KILLS=20.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

const [alluvium, components, folder] = process.argv.slice(2).map((path) => resolve(path));
const kills = Number(process.env.KILLS ?? 20);
const wasmtime = process.env.WASMTIME ?? "wasmtime";
const wac = process.env.WAC ?? "wac";
const PATHS = ["/", "/orders", "/orders/7", "/a%20b"];
const CLIENTS = 3;

for (const command of [wasmtime, wac]) {
  if (spawnSync(command, ["--version"]).error) {
    console.log(`SKIPPED  wasmtime serve: ${command} is not here`);
    process.exit(0);
  }
}

const scratch = mkdtempSync(join(tmpdir(), "alluvium-serve-"));
const data = join(scratch, "data");
mkdirSync(data);
mkdirSync(folder, { recursive: true });

const composed = join(folder, "counter.wasm");
const plugged = spawnSync(wac, ["plug", join(components, "request_counter.wasm"), "--plug", join(components, "alluvium_wasm.wasm"), "-o", composed], { encoding: "utf8" });
assert.equal(plugged.status, 0, plugged.stderr);

const free = createServer().listen(0, "127.0.0.1");
await once(free, "listening");
const { port } = free.address();
free.close();
await once(free, "close");

/** Starts the server; resolves when it takes requests. */
async function serve() {
  const args = ["serve", "-S", "cli", "--dir", `${data}::data`, "--addr", `127.0.0.1:${port}`, composed];
  const child = spawn(wasmtime, args, { stdio: ["ignore", "ignore", "pipe"] });
  const lines = createInterface({ input: child.stderr });
  const said = [];
  for await (const line of lines) {
    said.push(line);
    if (!line.includes("Serving HTTP")) continue;
    // What it says later is read, so that the pipe is never full.
    child.stderr.resume();
    return child;
  }
  throw new Error(`wasmtime serve did not start: ${said.join("\n")}`);
}

/** Of each path: the numbers that were answered, and how many requests had no answer or another one. */
const answered = new Map(PATHS.map((path) => [path, new Set()]));
const unanswered = new Map(PATHS.map((path) => [path, 0]));
const refusals = new Map();
const refused = (why) => refusals.set(why, (refusals.get(why) ?? 0) + 1);

async function request(path) {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    const text = await response.text();
    if (response.status === 200) return Number(text);
    refused(`${response.status} ${text.trim().slice(0, 200)}`);
  } catch (error) {
    refused(error.cause?.code ?? error.message);
  }
  return undefined;
}

async function client(isOver) {
  while (!isOver()) {
    const path = PATHS[randomInt(PATHS.length)];
    const number = await request(path);
    if (number === undefined) {
      unanswered.set(path, unanswered.get(path) + 1);
      continue;
    }
    assert.ok(Number.isInteger(number) && !answered.get(path).has(number), `${path}: ${number} was answered twice`);
    answered.get(path).add(number);
  }
}

let server;
try {
  for (let kill = 0; kill < kills; kill++) {
    server = await serve();
    let isKilled = false;
    const clients = Promise.all(Array.from({ length: CLIENTS }, () => client(() => isKilled)));
    await setTimeout(randomInt(50, 600));
    server.kill("SIGKILL");
    await once(server, "exit");
    isKilled = true;
    await clients;
  }
  server = await serve();
  let all = 0;
  for (const path of PATHS) {
    const [told, open] = [answered.get(path).size, unanswered.get(path)];
    const number = await request(path);
    assert.ok(number !== undefined, `${path}: no answer after the last kill: ${[...refusals.keys()].at(-1)}`);
    assert.ok(told + 1 <= number && number <= told + open + 1, `${path}: ${told} answered, ${open} not, and then ${number}`);
    assert.ok([...answered.get(path)].every((earlier) => earlier < number), `${path}: ${number} came after a higher one`);
    all += told;
  }
  server.kill("SIGKILL");
  await once(server, "exit");
  const verified = spawnSync(alluvium, ["verify", data], { encoding: "utf8" });
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
  assert.ok(all >= kills, `only ${all} requests were answered`);
  const open = [...unanswered.values()].reduce((sum, count) => sum + count, 0);
  console.log(`ok    wasmtime serve: ${kills} kills, ${all} answered requests are counted once, ${open} had no answer`);
  for (const [why, count] of refusals) console.log(`      ${count} × ${why}`);
} finally {
  server?.kill("SIGKILL");
  rmSync(scratch, { recursive: true });
}
