// One plugin in four languages: the same state, results and errors, and each goes on where another stopped.
//
// node run.mjs ALLUVIUM DELAYS.wasm FOLDER, with what build.sh left in FOLDER.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

import { report, test } from "../runner.mjs";

const [alluvium, rust, folder] = process.argv.slice(2);
const input = fileURLToPath(new URL("../data/flights-2013-01.csv.gz", import.meta.url));
const built = (name) => join(folder, `delays-${name}.wasm`);
const languages = new Map([["Rust", rust]]);
for (const [language, name] of [["JavaScript", "js"], ["Python", "py"], ["C", "c"]]) {
  if (existsSync(built(name))) languages.set(language, built(name));
}
const missing = readFileSync(join(folder, "missing"), "utf8").trim().split("\n").filter(Boolean);
const scratch = mkdtempSync(join(tmpdir(), "alluvium-languages-"));
process.on("exit", () => rmSync(scratch, { recursive: true }));

function call(...args) {
  const { status, stdout, stderr, error } = spawnSync(alluvium, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  if (error) throw error;
  return { status, stdout, stderr };
}

function run(plugin, dir, from, ...more) {
  const started = performance.now();
  const done = call("run", plugin, "--dir", dir, "--input", from, "--checkpoint-every", "1000", ...more);
  return { ...done, seconds: (performance.now() - started) / 1000 };
}

function ok({ status, stdout, stderr }) {
  assert.equal(status, 0, stderr);
  return stdout;
}

const sha256 = (text) => createHash("sha256").update(text).digest("hex").slice(0, 16);
const dump = (dir) => ok(call("dump", dir));
const stateDigest = (dir) => JSON.parse(ok(call("show", dir, "--json"))).alluvium.state_digest;

// What the Rust plugin makes of the whole month is what the others are held to.
const whole = join(scratch, "Rust");
const rows = [];
let expected;
for (const [language, plugin] of languages) {
  await test(`${language}: state and results of 27,004 flights`, () => {
    const dir = join(scratch, language);
    const done = run(plugin, dir, input);
    const results = ok(done);
    const again = run(plugin, dir, input);
    assert.equal(ok(again), results, "a second run finds nothing left to do and prints the same");
    const found = { state: stateDigest(dir), dump: sha256(dump(dir)), results: sha256(results) };
    expected ??= found;
    const size = `${(statSync(plugin).size / 1e6).toFixed(2)} MB`;
    rows.push([language, size, `${again.seconds.toFixed(1)} s`, found.state, found.dump, found.results]);
    assert.ok(results.split("\n").length > 200, results);
    assert.deepEqual(found, expected);
  });
}

await test(`one directory, begun in one language and continued in the next: ${[...languages.keys()].join(", ")}`, () => {
  const dir = join(scratch, "relay");
  const plugins = [...languages.values()];
  for (let at = 0; at < 27_004; at += 1_900) {
    ok(run(plugins[(at / 1_900) % plugins.length], dir, input, "--stop-after", "1900"));
  }
  assert.equal(ok(run(plugins.at(-1), dir, input)), ok(run(rust, whole, input)), "the results");
  assert.equal(stateDigest(dir), expected.state);
  assert.equal(dump(dir), dump(whole));
  assert.equal(ok(call("verify", dir, "--json")).includes('"damage"'), false);
});

// Wrong input is refused in the same words, and what was checkpointed before stays.
const header = "flight,carrier,origin,dest,dep_time,arr_delay";
const good = "1,UA,EWR,IAH,517,11";
const cases = [
  ["a delay that is no number", [header, good, "2,UA,EWR,IAH,517,late"], 'record 2: column arr_delay: "late" is not'],
  ["a fraction", [header, good, "2,UA,EWR,IAH,517,1.5"], 'record 2: column arr_delay: "1.5" is not'],
  ["an underscore", [header, good, "2,UA,EWR,IAH,517,1_000"], 'record 2: column arr_delay: "1_000" is not'],
  ["past 64 bits", [header, good, "2,UA,EWR,IAH,517,9223372036854775808"], "record 2: column arr_delay: "],
  ["a carrier that is missing", [header, good, "2,,EWR,IAH,517,1"], "record 2: column carrier: is missing"],
  ["a separator inside a name", [header, good, "2,UA,EWR,I-H,517,1"], 'record 2: column dest: "I-H" contains "-"'],
  ["a missing column", ["carrier,origin,flight", "UA,EWR,1"], "the input has no column dest, dep_time, arr_delay; it"],
  ["a doubled column", [`${header},dest`, `${good},MIA`], "the input has more than one column dest"],
  ["a sum", [header, "1,A,B,C,1,9223372036854775807", "2,A,B,C,1,1"], 'record 2: state of "A:B-C": the sums do not'],
];
const fits = {
  "names beyond ASCII, in the order of their bytes": [header, "1,Ａ,𝒳,é,5,+7", "2,𝒳,Ａ,\u{7f},NA,-0", '3,"a""b",c\\d,e,7,007'],
  "the largest and the smallest delay": [header, "1,A,B,C,1,9223372036854775807", "2,A,B,D,1,-9223372036854775808"],
  "nothing at all": [header],
};
const file = (lines) => {
  const path = join(scratch, "input.csv");
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
};
const eachLanguage = (lines, look) => {
  const found = [...languages].map(([language, plugin]) => {
    const dir = join(scratch, "case");
    rmSync(dir, { recursive: true, force: true });
    const done = run(plugin, dir, file(lines), "--time-column", "");
    return [language, look(done, dir)];
  });
  for (const [language, seen] of found) assert.deepEqual(seen, found[0][1], language);
  return found[0][1];
};
for (const [name, lines, expected] of cases) {
  await test(`the same error: ${name}`, () => {
    const error = eachLanguage(lines, ({ status, stderr }) => {
      assert.equal(status, 2, stderr);
      return stderr.split("\n").find((line) => line.startsWith("error"));
    });
    assert.ok(error.includes(expected), error);
  });
}
for (const [name, lines] of Object.entries(fits)) {
  await test(`the same state: ${name}`, () => {
    eachLanguage(lines, (done, dir) => ({ results: ok(done), dump: call("dump", dir).stdout }));
  });
}

const lines = gunzipSync(readFileSync(input)).toString().trimEnd().split("\n");
await test("a sum past 64 bits, added to the state that is there", () => {
  const most = `${lines[0]}\n${lines[1].replace(/,11,UA,/, ",9223372036854775807,UA,")}`.split("\n");
  assert.notEqual(most[1], lines[1]);
  const found = [...languages.values()].map((plugin) => {
    const dir = join(scratch, "past");
    rmSync(dir, { recursive: true, force: true });
    // Two batches, with a checkpoint between them.
    ok(run(plugin, dir, file([...most, lines[1]]), "--stop-after", "1"));
    const { status, stderr } = run(plugin, dir, file([...most, lines[1]]));
    assert.equal(status, 2, stderr);
    return stderr.split("\n").find((line) => line.includes("64 bits"));
  });
  assert.ok(found[0]);
  for (const error of found) assert.equal(error, found[0]);
});

console.log("\n| language | component | start from a warm cache | state digest | sha256 of the dump | sha256 of the results |");
console.log("|---|---|---|---|---|---|");
for (const row of rows) console.log(`| ${row.join(" | ")} |`);
console.log();
for (const what of missing) console.log(`SKIPPED  ${what}`);
report();
