// The example operators: on which data they run, how a run is started, and how it is killed.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const data = (name) => fileURLToPath(new URL(`../data/${name}`, import.meta.url));

// The weather comes airport by airport, so one is a month behind the other. Flights are a day out of order at most.
export const DAY = 24 * 3600 * 1000;
export const [FLIGHTS, HOURS, PLANES] = ["flights-2013-01", "weather-2013-01", "planes"].map((name) => data(`${name}.csv.gz`));
export const EXAMPLES = {
  weather: { inputs: { records: HOURS }, outputs: ["windows", "late"], delay: 32 * DAY },
  aircraft: { inputs: { records: FLIGHTS }, outputs: ["windows", "late"], delay: DAY },
  routes: { inputs: { records: FLIGHTS }, outputs: ["windows", "late"], delay: DAY },
  unique: { inputs: { records: FLIGHTS }, outputs: ["unique", "late"], delay: DAY },
  overdue: { inputs: { flights: FLIGHTS }, outputs: ["overdue"], delay: DAY },
  board: {
    inputs: { departures: FLIGHTS, questions: data("questions.ndjson") },
    outputs: ["answers"],
    delay: DAY,
  },
  fleet: {
    inputs: { flights: FLIGHTS, planes: PLANES },
    outputs: ["joined"],
    delay: DAY,
    more: ["--time-column", "planes="],
  },
  joined: {
    inputs: { flights: FLIGHTS, weather: HOURS, planes: PLANES },
    outputs: ["flights"],
    delay: 32 * DAY,
    more: ["--time-column", "planes="],
    // Its tables have keys of different kinds.
    isDivisible: false,
  },
};

/** Returns the arguments that connect inputs and outputs to files, and set the time. */
export function connections({ inputs, outputs, delay, more = [] }, files) {
  const args = ["--watermark-delay", String(delay)];
  for (const [input, source] of Object.entries(inputs)) args.push("--input", `${input}=${source}`);
  for (const [number, output] of outputs.entries()) args.push("--output", `${output}=${files[number]}`);
  return [...args, ...more];
}

/** Returns the arguments of a run over a directory, whose outputs are these files. They have what is emitted, and no results. */
export const runArguments = (plugin, example, dir, files) =>
  ["run", plugin, "--dir", dir, "--no-results", "--checkpoint-every", String(example.every), ...connections(example, files)];

/** Returns the function that runs the command and returns what it printed. If it does not end with the exit code, that is in the error. */
export const caller = (alluvium) => (args, expected = 0) => {
  const { status, stdout, stderr, error } = spawnSync(alluvium, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  if (error) throw error;
  assert.equal(status, expected, stderr);
  return { stdout, stderr };
};

/** Kills runs so many times, each at the moment that `moment` gives for `killed`. None of them may come to its end. */
export async function killedOften(alluvium, args, times, moment) {
  for (let kills = 0; kills < times; kills += 1) {
    assert.ok(await killed(alluvium, args, ...moment()), `it came to its end after ${kills} kills`);
  }
}

/** Starts a run, and kills it when it has taken so many checkpoints, or epochs of a job, or a little later. Returns whether it was killed. */
export function killed(alluvium, args, checkpoints = 1, later = 0) {
  return new Promise((done, fail) => {
    const process = spawn(alluvium, [...args, "--json"], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    process.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
      if (said.split(/"event":"(?:checkpoint|epoch)"/).length > checkpoints) setTimeout(() => process.kill("SIGKILL"), later);
    });
    process.on("error", fail);
    process.on("close", (status, signal) => {
      if (signal === "SIGKILL") done(true);
      else if (status === 0) done(false);
      else fail(new Error(said));
    });
  });
}
