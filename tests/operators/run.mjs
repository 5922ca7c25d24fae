// The example operators on real data: what they emit is what another language computes, whatever happens meanwhile.
//
// node run.mjs ALLUVIUM TARGET, with the components in TARGET/wasm32-wasip2/release.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { DAY, EXAMPLES, caller, killedOften, runArguments } from "./examples.mjs";
import { aircraft, board, boardTotals, fleet, joined, lateDays, lateSessions, overdue, records, routes, unique, weather } from "./reference.mjs";
import { report, test } from "../runner.mjs";

const [alluvium, target] = process.argv.slice(2).map((path) => resolve(path));
const folder = join(target, "wasm32-wasip2/release");
const KILLS = Number(process.env.ALLUVIUM_KILLS ?? 20);
const scratch = mkdtempSync(join(tmpdir(), "alluvium-operators-"));
process.on("exit", () => rmSync(scratch, { recursive: true }));

// By the name of each: what it must emit, and after how many records there is a checkpoint.
const CHECKS = {
  weather: { reference: weather, every: 50 },
  aircraft: { reference: aircraft, every: 300 },
  routes: { reference: routes, every: 300 },
  unique: { reference: unique, every: 300 },
  // The week in which an aircraft is told once is that of the watermark, which moves at cuts.
  overdue: { reference: overdue, every: 300, byCuts: true },
  board: { reference: board, every: 300 },
  fleet: { reference: fleet, every: 700 },
  joined: { reference: joined, every: 700 },
};
const operators = Object.entries(EXAMPLES).map(([name, example]) => ({ name, ...example, ...CHECKS[name] }));

// A file to which nothing was emitted is not there.
const lines = (path) => (existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").filter(Boolean) : []);

function command(operator, at, output = join(scratch, `${at}.ndjson`)) {
  const dir = join(scratch, at);
  const late = `${dir}.late.ndjson`;
  return { args: runArguments(join(folder, `${operator.name}.wasm`), operator, dir, [output, late]), dir, output, late };
}

const call = caller(alluvium);
const run = (args, expected) => call(args, expected).stderr;

/// Numbers that are the same for the same seed.
function random(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

for (const operator of operators) {
  const whole = command(operator, operator.name);
  await test(`${operator.name}: what it emits is what JavaScript computes`, () => {
    run(whole.args);
    assert.deepEqual(lines(whole.output).map(JSON.parse), operator.reference(...Object.values(operator.inputs).map(records), operator));
    assert.deepEqual(lines(whole.late), [], "nothing was late");
    const again = run(whole.args);
    assert.match(again, /nothing left to do/);
  });

  await test(`${operator.name}: the engine without a sandbox writes the same`, () => {
    const native = command(operator, `${operator.name}-native`);
    run([...native.args, "--engine", "native"]);
    assert.equal(readFileSync(native.output, "utf8"), readFileSync(whole.output, "utf8"));
    const dump = (dir) => call(["dump", dir]).stdout;
    assert.equal(dump(native.dir), dump(whole.dir));
  });

  await test(`${operator.name}: ${KILLS} kills change no byte`, async () => {
    const next = random(7);
    const { args, output, late } = command(operator, `${operator.name}-killed`);
    await killedOften(alluvium, args, KILLS, () => [1 + next(2), next(4)]);
    run(args);
    assert.equal(readFileSync(output, "utf8"), readFileSync(whole.output, "utf8"));
    assert.deepEqual(lines(late), []);
  });

  if (!operator.byCuts) await test(`${operator.name}: other batches within the same cuts change no byte`, () => {
    const { args, dir, output } = command(operator, `${operator.name}-batches`);
    // Each of these runs ends within a cut, and so takes one more checkpoint. The clocks are where they were.
    for (const records of [1, 7, 400]) run([...args, "--stop-after", String(records)]);
    run(args);
    const sorted = (path) => lines(path).sort();
    assert.deepEqual(sorted(output), sorted(whole.output), dir);
  });

  await test(`${operator.name}: a restored checkpoint emits the same again`, () => {
    const { args, dir } = command(operator, `${operator.name}-restored`);
    run([...args, "--stop-after", String(operator.every * 4), "--max-retained", "100"]);
    const listed = call(["list", dir, "--json"]).stdout;
    const ids = [...listed.matchAll(/"id":\s*(\d+)/g)].map(([, id]) => Number(id));
    run(["restore", dir, String(Math.min(...ids))]);
    const again = join(scratch, `${operator.name}-again.ndjson`);
    run([...command(operator, `${operator.name}-restored`, again).args, "--new-output"]);
    assert.ok(lines(again).length > 10);
    assert.deepEqual(lines(again), lines(whole.output).slice(-lines(again).length));
  });
}

// With less delay than the records are out of order, some are late. Both outputs have records then.
for (const [name, delay, every, reference] of [["weather", 20 * DAY, 50, lateDays], ["routes", DAY / 24, 300, lateDays], ["aircraft", DAY / 24, 300, lateSessions]]) {
  const operator = { ...operators.find((operator) => operator.name === name), delay, every };
  await test(`${name}: what comes late is what JavaScript computes, and ${KILLS} kills change no byte of both outputs`, async () => {
    const [whole, cut] = [command(operator, `${name}-late`), command(operator, `${name}-late-killed`)];
    run(whole.args);
    const expected = reference(records(operator.inputs.records), name, operator);
    const again = expected.windows.length - new Set(expected.windows.map(({ key, from }) => key + from)).size;
    assert.ok(expected.late.length > 50 && expected.windows.length > 50, `${expected.late.length} late`);
    assert.deepEqual(lines(whole.late).map(JSON.parse), expected.late);
    assert.deepEqual(lines(whole.output).map(JSON.parse), expected.windows);
    const next = random(11);
    await killedOften(alluvium, cut.args, KILLS, () => [1 + next(2), next(4)]);
    run(cut.args);
    for (const output of ["output", "late"]) assert.equal(readFileSync(cut[output], "utf8"), readFileSync(whole[output], "utf8"));
    console.log(`      ${expected.late.length} late records, ${again} windows emitted again`);
  });
}

await test("board: its results are what the engine has merged, and a changed parameter is told", () => {
  const { args, output } = command(operators.find(({ name }) => name === "board"), "board-results");
  run([...args, "--no-finish"]);
  const answers = lines(output).length;
  const told = run([...args.filter((arg) => arg !== "--no-results"), "--parameter", "hours=12"]);
  const results = lines(output).slice(answers).map((line) => JSON.parse(line)).filter(({ key }) => key);
  assert.deepEqual(results, boardTotals(records(EXAMPLES.board.inputs.departures)));
  assert.match(told, /answers go back 12 hours, and went back 24 before/);
});

await test("records after the end are refused, and --no-finish leaves the end open", () => {
  const input = join(scratch, "growing.csv");
  const grow = (...hours) => hours.forEach((at) => appendFileSync(input, `EWR,2013-01-01T${at}:00:00Z,${Number(at)}\n`));
  const operator = { ...operators[0], inputs: { records: input }, delay: 0 };
  for (const [at, ...more] of [["ended"], ["open", "--no-finish"]]) {
    writeFileSync(input, "origin,time_hour,temp\n");
    grow("02", "04");
    const { args, output } = command(operator, at);
    run([...args, ...more]);
    grow("06");
    if (more.length === 0) {
      assert.match(run(args, 2), /has new records, but the plugin was told of the end.*--no-finish/s);
      assert.equal(JSON.parse(lines(output)[0]).value, 3);
    } else {
      assert.deepEqual(lines(output), []);
      run(args);
      assert.deepEqual(lines(output).map((line) => JSON.parse(line).value), [4]);
    }
  }
});

await test("a partition without records holds the watermark until it is idle", async () => {
  const folder = join(scratch, "partitions");
  mkdirSync(folder);
  const days = (days) => days.map((at) => `EWR,2013-01-0${at}T00:00:00Z,${at}\n`).join("");
  writeFileSync(join(folder, "quiet.csv"), `origin,time_hour,temp\n${days([1])}`);
  writeFileSync(join(folder, "busy.csv"), `origin,time_hour,temp\n${days([1, 2, 4])}`);
  const { args, output } = command({ ...operators[0], inputs: { records: folder }, delay: 0 }, "idle");
  // Nothing ends here, so only the idle timeout lets the watermark pass the quiet file.
  const running = spawn(alluvium, [...args, "--follow", "--idle-timeout", "200", "--sync-interval", "50"], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  running.stderr.setEncoding("utf8").on("data", (text) => (said += text));
  const ended = new Promise((done) => running.on("close", done));
  const deadline = Date.now() + 60_000;
  while (lines(output).length < 2 && Date.now() < deadline && running.exitCode === null) await new Promise((done) => setTimeout(done, 20));
  running.kill("SIGTERM");
  assert.equal(await ended, 0, said);
  assert.deepEqual(lines(output).map((line) => JSON.parse(line).value), [1, 2], said);
});

await test("alluvium new: a project that passes its tests, and whose plugin runs", () => {
  const project = join(scratch, "my-sensors");
  const sdk = fileURLToPath(new URL("../../wasm/sdk", import.meta.url));
  run(["new", project, "--sdk", sdk]);
  assert.match(run(["new", project], 2), /my-sensors/, "a folder that is there stays");
  const code = readFileSync(join(project, "src/lib.rs"), "utf8").split("\n").map((line) => line.trim());
  const lines = code.filter((line) => line && !line.startsWith("//"));
  assert.ok(lines.length <= 12, `${lines.length} lines`);
  const env = { ...process.env, CARGO_TARGET_DIR: join(target, "new") };
  const cargo = (...args) => {
    const done = spawnSync("cargo", args, { cwd: project, env, encoding: "utf8" });
    assert.equal(done.status, 0, `${done.stdout}${done.stderr}`);
    return done.stdout;
  };
  cargo("fmt", "--check");
  assert.match(cargo("test", "--offline", "--quiet"), /2 passed/);
  cargo("build", "--offline", "--release", "--quiet", "--target", "wasm32-wasip2");
  const plugin = join(target, "new/wasm32-wasip2/release/my_sensors.wasm");
  const output = join(scratch, "sensors.ndjson");
  const dir = join(scratch, "sensors");
  run(["run", plugin, "--dir", dir, "--input", join(project, "samples.csv"), "--time-column", "time", "--output", output]);
  assert.deepEqual(
    readFileSync(output, "utf8").trim().split("\n").map((line) => JSON.parse(line)).map(({ key, value }) => [key, value]),
    [["cellar", 11], ["kitchen", 22], ["cellar", 11.5], ["kitchen", 22]],
  );
});

report();
