// The types of the SDKs for JavaScript and Python: compilers take the samples in types/, which then run, and refuse each
// wrong use there. What is declared for JavaScript is what the package has.
//
// node types.mjs FOLDER, with what build.sh left in FOLDER. The samples find the SDKs and the compilers there.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { report, test } from "../runner.mjs";

const folder = resolve(process.argv[2]);
const missing = readFileSync(join(folder, "missing"), "utf8").trim().split("\n").filter(Boolean);
const samples = join(folder, "types");
rmSync(samples, { recursive: true, force: true });
cpSync(new URL("types", import.meta.url).pathname, samples, { recursive: true });
process.on("exit", () => rmSync(samples, { recursive: true, force: true }));
const source = (name) => readFileSync(join(samples, name), "utf8");

/** Runs a command in a folder of FOLDER, and returns what it printed. If it fails, that is in the error. */
function run(at, command, args, env = {}) {
  const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", ...env };
  const options = { cwd: join(folder, at), env: environment, encoding: "utf8" };
  const { status, stdout, stderr, error } = spawnSync(command, args, options);
  if (error) throw error;
  assert.equal(status, 0, `${[command, ...args].join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

/** Checks that the samples use all of these names. */
function uses(names, ...files) {
  // What is only imported is not used.
  const text = files.map((file) => source(file).replace(/^from alluvium_plugin import \([^)]*\)/m, "")).join("");
  assert.deepEqual(
    [...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(text)),
    [],
    `${files} leave out`,
  );
}

// A package must be right under every option that a project may have.
const STRICTEST = {
  strict: true,
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noFallthroughCasesInSwitch: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
};
const NODE = { module: "nodenext", target: "es2024", lib: ["es2024"], types: ["node"] };
// The package needs neither the types of Node nor those of a browser.
const BARE = { module: "nodenext", target: "es2022", lib: ["es2022"], types: [] };

/** Compiles files of FOLDER. */
function compile(include, compilerOptions) {
  const options = { noEmitOnError: true, outDir: join(samples, "out"), rootDir: folder, ...compilerOptions };
  const config = { compilerOptions: options, include: include.map((path) => join(folder, path)) };
  writeFileSync(join(samples, "tsconfig.json"), JSON.stringify(config));
  run("types", join(folder, "node_modules/.bin/tsc"), ["--project", "."]);
}

async function javascript() {
  const SAMPLES = ["types/*.ts"];
  await test("JavaScript: the compiler takes right uses, which run, and refuses wrong ones", () => {
    compile(SAMPLES, { ...STRICTEST, ...BARE, rootDir: samples });
    run(".", "node", ["types/out/own.js"]);
  });
  await test("JavaScript: a bundler finds the types, too", () => {
    compile(SAMPLES, { ...STRICTEST, ...BARE, module: "es2022", moduleResolution: "bundler", noEmit: true });
  });
  await test("JavaScript: what is declared is what there is, and a sample uses it", async () => {
    const { code, used, missing } = await import(pathToFileURL(join(samples, "names.mjs")).href);
    assert.deepEqual(missing, [], "the samples make no object of");
    uses(used, "ready.ts", "own.ts");
    writeFileSync(join(samples, "names.ts"), code);
    compile(SAMPLES, { ...STRICTEST, ...BARE, noEmit: true });
  });
  const checked = { ...NODE, allowJs: true, checkJs: true, noEmit: true, strict: true };
  await test("JavaScript: the types that the SDK's own comments name", () => {
    compile(["sdk/js/src", "types/interfaces.d.ts"], checked);
  });
  // They name no types, so those of parameters may be unknown. Everything else is seen.
  await test("JavaScript: the example plugins", () => {
    compile(["plugins/javascript"], { ...checked, ...BARE, noImplicitAny: false });
  });
}

async function python() {
  const cache = ["--cache-dir", join(folder, ".mypy_cache")];
  const mypy = (at, args, env) => run(at, join(folder, "venv/bin/mypy"), [...cache, ...args], env);
  const STRICT = ["--strict", "--enable-error-code", "ignore-without-code"];
  const files = (at) => readdirSync(join(folder, at)).filter((name) => name.endsWith(".py"));
  await test("Python: mypy takes right uses, which run, and refuses wrong ones", () => {
    mypy("types", [...STRICT, ...files("types")]);
    for (const file of ["ready.py", "own.py"]) run("types", join(folder, "venv/bin/python3"), [file]);
  });
  await test("Python: a sample uses what is public", () => {
    const names = run("types", join(folder, "venv/bin/python3"), ["names.py"]).split(/\s+/).filter(Boolean);
    assert.ok(names.length > 100, `${names.length} names`);
    uses(new Set(names), "ready.py", "own.py");
  });
  await test("Python: the package and its tests", () => mypy("sdk/python", []));
  // What a component has is newer than what the package needs.
  const componentize = join(folder, "venv/bin/componentize-py");
  const bindings = join(samples, "bindings");
  const inComponent = ["--strict", "--python-version", "3.14"];
  await test("Python: what is only in a component, with the interfaces", () => {
    run(".", componentize, ["-d", "wit", "-w", "migrating-keyed-timed-plugin", "bindings", bindings]);
    mypy("sdk/python", [...inComponent, "-p", "alluvium_plugin.component"], { MYPYPATH: bindings });
  });
  await test("Python: the example plugins", () => {
    mypy("plugins/python", [...STRICT, ...files("plugins/python")]);
    mypy("plugins/delays-py", [...inComponent, ...files("plugins/delays-py")], { MYPYPATH: bindings });
  });
}

let tried = 0;
for (const [language, tests] of [
  ["JavaScript", javascript],
  ["Python", python],
]) {
  const what = missing.find((line) => line.startsWith(`${language}:`));
  if (what) console.error(`SKIPPED: the types of the SDK for ${what}`);
  else {
    tried += 1;
    await tests();
  }
}
if (tried > 0) report();
