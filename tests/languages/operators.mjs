// Windows, sessions, top-N, joins and a deduplication over the SDKs of four languages: the same state, the same output and
// the same errors, each continues where another stopped, and their work is divided among workers.
//
// node operators.mjs ALLUVIUM TARGET FOLDER, with the components of Rust in TARGET and what build.sh left in FOLDER.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { DAY, EXAMPLES, FLIGHTS, HOURS, PLANES, killed } from "../operators/examples.mjs";
import { report, test } from "../runner.mjs";
import { alluvium, call, command, components, missing, ok, scratch, state } from "./plugins.mjs";

const { weather, aircraft, board, joined, routes, unique, fleet } = EXAMPLES;

// A record takes JavaScript and Python most of a millisecond, so that a month of them takes minutes. `make torture` runs
// over every record (ALLUVIUM_EACH=1), and `make test` over each sixth one.
const EACH = Number(process.env.ALLUVIUM_EACH ?? 6);
const some = new Map();
/** Returns a file with each so manieth record of one. All planes are there, because others name them, and all questions. */
function thinned(path) {
  if (EACH === 1 || path === PLANES || !path.endsWith(".csv.gz")) return path;
  if (!some.has(path)) {
    const [names, ...records] = gunzipSync(readFileSync(path)).toString().trimEnd().split("\n");
    some.set(path, join(scratch, `some-${some.size}.csv`));
    writeFileSync(some.get(path), `${[names, ...records.filter((_, at) => at % EACH === 0)].join("\n")}\n`);
  }
  return some.get(path);
}
const thin = (operator) => ({ ...operator, inputs: Object.fromEntries(Object.entries(operator.inputs).map(([name, path]) => [name, thinned(path)])) });
/** The arguments of a run whose last output has the results of the operator, too. */
const withResults = ({ args }) => args.filter((argument) => argument !== "--no-results");
const OPERATORS = { weather, aircraft, routes, unique, fleet, joined, board };

for (const [name, over] of Object.entries(OPERATORS)) {
  const operator = thin(over);
  const plugins = components(name);
  let whole;
  let before;
  for (const [language, plugin] of plugins) {
    await test(`${name} in ${language}: the state before the end, and all that is emitted`, () => {
      const run = command(plugin, operator, `${name}-${language}`);
      const started = performance.now();
      ok(call(...run.args, "--no-finish"));
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      const found = state(run.dir);
      ok(call(...withResults(run)));
      const emitted = run.emitted();
      whole ??= emitted;
      before ??= found;
      assert.ok(emitted[0].split("\n").length > 90 && found.dump.length > 1000, "there is something to compare");
      assert.equal(found.digest, before.digest, "the digest of the state");
      assert.equal(found.dump, before.dump);
      assert.deepEqual(emitted, whole);
      console.log(`      ${seconds} s`);
    });
  }

  await test(`${name}: begun in one language and continued in the next, with kills: ${[...plugins.keys()].join(", ")}`, async () => {
    const runs = [...plugins.values()].map((plugin) => command(plugin, { ...operator, every: 900 }, `${name}-relay`));
    for (const { args } of runs) await killed(alluvium, args);
    ok(call(...withResults(runs.at(-1))));
    // A kill may move a cut, and with it the place of a line, but no line is lost or doubled.
    const sorted = (texts) => texts.map((text) => text.split("\n").sort());
    assert.deepEqual(sorted(runs[0].emitted()), sorted(whole));
  });
}

// Disordered and late records, numbers and times in all their forms, and texts beyond ASCII.
const header = "origin,time_hour,temp";
const file = (lines) => {
  const path = join(scratch, "input.csv");
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
};
/// Runs the weather over these lines in each language, and returns what `look` sees, which is the same.
const eachLanguage = (lines, { delay = 0, every = 1, more = ["--no-finish"] }, look) => {
  const found = [...components("weather")].map(([language, plugin]) => {
    const run = command(plugin, { ...weather, inputs: { records: file(lines) }, delay, every }, "case", ...more);
    run.clean();
    return [language, look(call(...run.args), run)];
  });
  for (const [language, seen] of found) assert.deepEqual(seen, found[0][1], language);
  return found[0][1];
};

const CASES = {
  "numbers in all their forms": ["+.5", "5.", "-1e3", "1E+2", "-0", "1e300", "1e-7", "123456789012345680", "0.1", "5e-324", "NA", ""].map(
    (temp, at) => `EWR${at},2013-01-01T05:00:00Z,${temp}`,
  ),
  "sums that leave the numbers": ["1e308", "1e308", "-1e308", "-1e308", "-1e308"].map((temp) => `EWR,2013-01-01T05:00:00Z,${temp}`),
  "times in all their forms": ["1357016400000", "+0", "-1", "2013-01-01T05:00:00.25Z", "2013-01-01t05:00:00z", "2013-01-01T07:00:00+02:00", "2012-12-31T23:30:00-05:30"].map(
    (time, at) => `EWR${at},${time},1`,
  ),
  "names beyond ASCII, in the order of their bytes": ["Ａ", "𝒳", "é", "\u{7f}", '"a""b"', "c\\d", "\u0001", ""].map((name) => `${name},2013-01-01T05:00:00Z,1.5`),
};
for (const [name, lines] of Object.entries(CASES)) {
  await test(`the same windows: ${name}`, () => {
    const end = ["end,2013-02-01T00:00:00Z,1", "end,2013-02-02T00:00:00Z,1"];
    // The command itself reads the times that it follows in one form.
    const more = name.startsWith("times") ? ["--time-column", ""] : undefined;
    const found = eachLanguage([header, ...lines, ...end], { more }, (done, { emitted, dir }) => {
      ok(done);
      return { emitted: emitted(), state: state(dir) };
    });
    assert.ok(found.emitted[0].split("\n").length > 1, JSON.stringify(found));
  });
}

await test("the same windows: a month of records, airport by airport, many of them late", () => {
  const [names, ...records] = gunzipSync(readFileSync(HOURS)).toString().trimEnd().split("\n");
  const found = eachLanguage([names, ...records], { delay: 21 * DAY, every: 300 }, (done, { emitted, dir }) => {
    ok(done);
    return { emitted: emitted(), state: state(dir) };
  });
  const [windows, late] = found.emitted.map((text) => text.split("\n").length);
  assert.ok(windows > 10 && late > 100, `${windows} windows, ${late} late records`);
});

const good = "EWR,2013-01-01T05:00:00Z,1";
const ERRORS = [
  ["a number that is none", [header, good, "EWR,2013-01-01T05:00:00Z,1_0"], 'record 2: temp: "1_0" is no number'],
  ["an infinity", [header, good, "EWR,2013-01-01T05:00:00Z,1e999"], 'record 2: temp: "1e999" is no number'],
  ["a time that is none", [header, good, "EWR,soon,1"], "soon"],
  ["a column that is missing", ["origin,temp,other", "EWR,1,2"], "time_hour"],
];
for (const [name, lines, expected] of ERRORS) {
  await test(`the same error: ${name}`, () => {
    const error = eachLanguage(lines, {}, ({ status, stderr }) => {
      assert.equal(status, 2, stderr);
      return stderr.split("\n").find((line) => line.startsWith("error"));
    });
    assert.ok(error.includes(expected), error);
  });
}

/// Runs a plugin over so many workers, and returns what the job and its outputs are then.
function divided(plugin, operator, inputs, workers, at, ...also) {
  const job = join(scratch, at);
  const files = operator.outputs.map((name) => `${job}.${name}.ndjson`);
  const args = ["cluster", "run", plugin, "--job", job, "--workers", String(workers), ...also];
  for (const [input, source] of Object.entries(inputs)) args.push("--input", `${input}=${source}`);
  for (const [number, output] of operator.outputs.entries()) args.push("--output", `${output}=${files[number]}`);
  const done = call(...args);
  return { done, job, emitted: () => files.map((file) => (existsSync(file) ? readFileSync(file, "utf8") : "")) };
}
/// Deals the first records of a file, and then some of them again, to three partitions, which the workers read.
function dealt(path, at, count) {
  const folder = join(scratch, at);
  mkdirSync(folder);
  const [names, ...records] = gunzipSync(readFileSync(path)).toString().trimEnd().split("\n");
  for (let part = 0; part < 3; part += 1) {
    const those = [...records.slice(0, count), ...records.slice(0, count / 20)].filter((_, number) => number % 3 === part);
    writeFileSync(join(folder, `${part}.csv`), `${[names, ...those].join("\n")}\n`);
  }
  return folder;
}

// A job in every language, with one worker and with three. Their state and output are those of the first.
const flights = { records: dealt(FLIGHTS, "dealt-flights", 4000) };
const planes = { flights: flights.records, planes: dealt(PLANES, "dealt-planes", 4000) };
const cuts = ["--watermark-delay", String(DAY / 4), "--epoch-records", "300", "--no-finish"];
const DIVIDED = {
  aircraft: { ...aircraft, inputs: flights },
  unique: { ...unique, inputs: flights, outputs: ["unique", "duplicates", "late"] },
  fleet: { ...fleet, inputs: planes },
};
for (const [name, operator] of Object.entries(DIVIDED)) {
  let first;
  for (const [language, plugin] of components(name)) {
    for (const workers of [1, 3]) {
      await test(`${name} in ${language} over ${workers} ${workers === 1 ? "worker" : "workers"}: the state and all that is emitted`, () => {
        const { done, job, emitted } = divided(plugin, operator, operator.inputs, workers, `job-${name}-${language}-${workers}`, ...cuts, ...(operator.more ?? []));
        ok(done);
        const { state_digest: digest, keys, parts } = JSON.parse(ok(call("cluster", "status", "--job", job, "--json")));
        assert.equal(parts.filter((part) => part.keys > 100).length, workers, "each worker has a part of the state");
        const found = { digest, keys, emitted: emitted() };
        assert.ok(found.emitted.every((text) => text.split("\n").length > 30), "there is something to compare");
        first ??= found;
        assert.deepEqual(found, first);
      });
    }
  }
}

await test("the same error: an operator that does not say which keys its records belong to", () => {
  const inputs = Object.fromEntries(Object.entries(joined.inputs).map(([input, path]) => [input, dealt(path, `dealt-joined-${input}`, 10)]));
  for (const [language, plugin] of components("joined")) {
    const { done } = divided(plugin, joined, inputs, 1, `job-joined-${language}`, "--time-column", "planes=");
    assert.equal(done.status, 2, `${language}: ${done.stderr}`);
    assert.match(done.stderr, /the operator does not say which keys its records belong to, so its work cannot be divided/, language);
  }
});

for (const line of missing) console.log(`SKIPPED  ${line}`);
report();
