// What `alluvium new` leaves in each language: its tests pass, its formatter has nothing to change, its types are right,
// and its plugin runs.
//
// node new.mjs ALLUVIUM FOLDER, with what build.sh left in FOLDER. The projects find the SDKs and the tools there.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

import { report, test } from "../runner.mjs";

const [alluvium, folder] = process.argv.slice(2).map((path) => resolve(path));
const missing = readFileSync(join(folder, "missing"), "utf8").trim().split("\n").filter(Boolean);
const projects = join(folder, "new");
rmSync(projects, { recursive: true, force: true });
mkdirSync(projects);
process.on("exit", () => rmSync(projects, { recursive: true, force: true }));

// A name with a hyphen and a digit, which names in code cannot have everywhere.
const NAME = "my-sensors2";
const IDENT = "my_sensors2";
const venv = join(folder, "venv/bin");
const sdk = join(folder, "sdk");
const env = { ...process.env, PATH: `${venv}:${join(folder, "node_modules/.bin")}:${process.env.PATH}`, PYTHONPATH: join(sdk, "python"), MYPY_CACHE_DIR: join(folder, ".mypy_cache") };

const TYPES_OF_NODE = ["--noEmit", "--checkJs", "--types", "node", "--module", "nodenext", "--target", "es2024"];

// The formatters are given files and no folders: in folders, they leave out what git ignores.
const LANGUAGES = {
  js: {
    language: "JavaScript",
    operator: `${IDENT}.js`,
    format: [["prettier", "--check", `${IDENT}.js`, "test/windows.test.js", "package.json"]],
    types: [["tsc", "--strict", ...TYPES_OF_NODE, `${IDENT}.js`, "test/windows.test.js"]],
    test: ["node", "--test"],
    passed: /pass 2\b/,
    build: ["node", join(sdk, "js/src/cli.js"), "build", `${IDENT}.js`],
    lines: 10,
  },
  python: {
    language: "Python",
    operator: `${IDENT}.py`,
    format: [["black", "--check", `${IDENT}.py`, "test_windows.py"]],
    types: [["mypy", "--strict", `${IDENT}.py`, "test_windows.py"]],
    test: ["python3", "-m", "unittest", "--verbose"],
    passed: /Ran 2 tests/,
    build: ["python3", "-m", "alluvium_plugin", "build", `${IDENT}.py`],
    lines: 10,
  },
  c: {
    language: "C",
    operator: "operator.c",
    format: [["clang-format", "--dry-run", "--Werror", "operator.c", "tests/windows.c"]],
    types: [],
    test: ["make", "test"],
    passed: /1 passed, 0 failed/,
    build: ["make"],
    lines: 12,
  },
};

for (const [lang, { language, operator, format, types, test: tests, passed, build, lines }] of Object.entries(LANGUAGES)) {
  if (missing.some((line) => line.startsWith(`${language}:`))) {
    console.log(`SKIPPED  ${language}`);
    continue;
  }
  const project = join(projects, lang, NAME);
  const run = (...command) => {
    const { status, stdout, stderr, error } = spawnSync(command[0], command.slice(1), { cwd: project, env, encoding: "utf8" });
    if (error) throw error;
    assert.equal(status, 0, `${command.join(" ")}\n${stdout}${stderr}`);
    return stdout + stderr;
  };
  const created = () => spawnSync(alluvium, ["new", "--lang", lang, "--sdk", sdk, project], { encoding: "utf8" });
  await test(`alluvium new --lang ${lang}`, () => {
    mkdirSync(join(projects, lang));
    const first = created();
    assert.equal(first.status, 0, first.stderr);
    assert.equal(created().status, 2, "a folder that is there stays");
    const comment = /^\s*(\/\/|#(?!include)|""".*"""$|$)/;
    const code = readFileSync(join(project, operator), "utf8").split("\n").filter((line) => !comment.test(line));
    assert.ok(code.length <= lines, `${code.length} lines`);
    for (const command of [...format, ...types]) run(...command);
    assert.match(run(...tests), passed);
    run(...build);
    run(alluvium, "run", `${IDENT}.wasm`, "--dir", "run", "--input", "samples.csv", "--time-column", "time", "--output", "windows.ndjson");
    const windows = readFileSync(join(project, "windows.ndjson"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(
      windows.map(({ key, value }) => [key, value]),
      [["cellar", 11], ["kitchen", 22], ["cellar", 11.5], ["kitchen", 22]],
    );
    console.log(`      ${code.length} lines`);
  });
  // Names that the tests of a project have for something else.
  await test(`alluvium new --lang ${lang}: a name that a test uses is taken or works`, () => {
    const found = { works: 0, taken: 0 };
    for (const name of ["assert", "harness", "header", "hour", "late", "operator", "plugin", "test"]) {
      const folder = join(projects, lang, name);
      const { status, stderr } = spawnSync(alluvium, ["new", "--lang", lang, "--sdk", sdk, folder], { encoding: "utf8" });
      found[status === 0 ? "works" : "taken"] += 1;
      if (status === 0) {
        const tried = spawnSync(tests[0], tests.slice(1), { cwd: folder, env, encoding: "utf8" });
        assert.equal(tried.status, 0, `${name}\n${tried.stdout}${tried.stderr}`);
      } else assert.match(stderr, /a plugin cannot be called/);
    }
    assert.ok(found.works > 3, JSON.stringify(found));
  });
}
report();
