// The package: what it exports, and its command.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import * as all from "../src/index.js";

const path = (of) => fileURLToPath(new URL(of, import.meta.url));
const read = (of) => readFileSync(path(of), "utf8");
const sources = readdirSync(path("../src"), { recursive: true }).filter((name) => name.endsWith(".js"));

test("the types name what the package exports", () => {
  const declared = [...read("../index.d.ts").matchAll(/^export (?:const|function|class) (\w+)/gm)].map(
    ([, name]) => name,
  );
  assert.deepEqual([...new Set(declared)].sort(), Object.keys(all).sort());
});

test("only component.js needs a component", () => {
  const needing = sources.filter((name) => /from "alluvium:/.test(read(`../src/${name}`)));
  assert.deepEqual(needing, ["component.js"]);
  const modules = sources.filter((name) => /from "(?!\.)(?!alluvium:)/.test(read(`../src/${name}`)));
  assert.deepEqual(modules.sort(), ["build.js", "cli.js"], "an operator needs no other package");
});

test("versions are exact", () => {
  const { dependencies, files, exports, bin } = JSON.parse(read("../package.json"));
  for (const version of Object.values(dependencies)) assert.match(version, /^\d+\.\d+\.\d+$/);
  assert.ok(files.includes("wit") && files.includes("src"));
  for (const file of [exports["."].default, exports["."].types, exports["./component"].types, bin["alluvium-plugin"]]) {
    assert.ok(read(`../${file}`).length > 0, file);
  }
});

test("the command says how it is used", () => {
  const run = (...args) => spawnSync(process.execPath, [path("../src/cli.js"), ...args], { encoding: "utf8" });
  const help = run("--help");
  assert.equal(help.status, 0);
  assert.match(help.stdout, /alluvium-plugin build FILE \[-o FILE.wasm\]/);
  assert.match(run("--version").stdout, /^alluvium-plugin \d+\.\d+\.\d+\n$/);
  for (const [args, message] of [
    [[], /^alluvium-plugin: what should it do\?\n/],
    [["bild", "x.js"], /it cannot bild/],
    [["build"], /build takes one file/],
    [["build", "a.js", "b.js"], /build takes one file/],
    [["build", "--x"], /Unknown option '--x'/],
  ]) {
    const { status, stderr } = run(...args);
    assert.equal(status, 2);
    assert.match(stderr, message);
  }
});

test("the examples of the README run", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "alluvium-readme-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const blocks = [...read("../README.md").matchAll(/^```js\n(.*?)^```$/gms)].map(([, block]) => block);
  const [sensors, clicks, meters, run] = blocks.map((block) =>
    block.replaceAll('"alluvium-plugin"', JSON.stringify(new URL("../src/index.js", import.meta.url).href)),
  );
  assert.equal(blocks.length, 4);
  for (const [name, text] of Object.entries({ sensors, clicks, meters, run }))
    writeFileSync(join(folder, `${name}.mjs`), text.replace("clicks.js", "clicks.mjs"));
  const load = (name) => import(pathToFileURL(join(folder, `${name}.mjs`)).href);
  const harness = new all.Harness((await load("sensors")).default);
  harness.feed("id,time,value\na,0,1\na,1,2\n");
  harness.finish();
  assert.match(harness.emitted()[0], /"value":1\.5\}$/);
  const metered = new all.Harness((await load("meters")).default);
  metered.feedRecords(0, ['{"sensor":"k1","at":"2","litres":5}', '{"sensor":"k1","at":"1","litres":7}']);
  assert.equal(metered.emitted()[1], '[["1970-01-01T00:00:00.002Z",5],["1970-01-01T00:00:00.001Z",7]]');
  assert.deepEqual(metered.results(), ['{"key":"k1","litres":12}']);
  const log = context.mock.method(console, "log", () => {});
  await load("run");
  const said = /^console\.log.*; \/\/ (.*)$/m.exec(run)[1];
  const list = log.mock.calls[0].arguments[0];
  assert.equal(`[ ${list.map((line) => `'${line}'`).join(", ")} ]`, said);
});
