// Runs every code block of the README, the other pages at the top and docs/, and fails when a block
// fails, prints something else than the page says, or would be run by nothing.
//
//   node tests/docs/run.mjs ALLUVIUM TARGET [part of a page's name]
//
// ALLUVIUM is the built command, TARGET the folder that cargo builds into. The Rust blocks are
// doctests of the crate alluvium-docs-test; js blocks need the built web/dist.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { blocksOf, isExpected } from "./blocks.mjs";
import { runInBrowser, runInNode } from "./javascript.mjs";
import { brokenReferences } from "./links.mjs";
import { usesStore, withObjectStore } from "./object-store.mjs";
import { run, runShell } from "./shell.mjs";

/** The README is a landing page: no more characters than this. */
const README_CHARACTERS = 6_500;

/** Compiling the doctests may build what they use. */
const CARGO_MS = 1_800_000;

const [alluvium, target] = process.argv.slice(2, 4).map((path) => resolve(path));
const only = process.argv[4] ?? "";
const root = fileURLToPath(new URL("../..", import.meta.url));
// What the pages about plugins and hosts use; `make` sets them, too.
process.env.ALLUVIUM_ENGINE ??= join(target, "wasm32-wasip2/release/alluvium_wasm.wasm");
process.env.ALLUVIUM_DELAYS ??= join(target, "wasm32-wasip2/release/delays.wasm");
const context = { root: resolve(root), target, command: dirname(alluvium) };

const markdown = (folder) => readdirSync(join(root, folder), { recursive: true }).filter((name) => name.endsWith(".md")).map((name) => join(folder, name));
const atTheTop = readdirSync(root).filter((name) => name.endsWith(".md"));
const pages = [...atTheTop, ...markdown("docs").sort()].filter((page) => page.includes(only));

const failures = [];
const counts = { rust: 0, sh: 0, js: 0, "js node": 0 };

/** Runs `work`, and notes what it throws. */
async function attempt(what, work) {
  const started = performance.now();
  try {
    const done = await work();
    console.log(`ok    ${what}: ${done}, ${((performance.now() - started) / 1000).toFixed(1)} s`);
  } catch (error) {
    failures.push(what);
    console.log(`FAIL  ${what}: ${error.message}`);
  }
}

/** Runs the blocks of one kind of a page, and compares what they print. */
async function check(kind, blocks, runner) {
  const outputs = await runner(context, blocks);
  for (const [at, { page, line, expected }] of blocks.entries()) {
    if (expected !== undefined && !isExpected(expected, outputs[at]))
      throw new Error(`${page}:${line} prints something else.\nexpected:\n${expected}\nfound:\n${outputs[at]}`);
  }
  counts[kind] += blocks.length;
  return `${blocks.length} blocks`;
}

const runners = { sh: runShell, js: runInBrowser, "js node": runInNode };
let rust = 0;
for (const page of pages) {
  await attempt(page, async () => {
    const text = readFileSync(join(root, page), "utf8");
    const broken = brokenReferences(context.root, page);
    if (broken.length > 0) throw new Error(broken.join("\n"));
    if (page === "README.md" && [...text].length > README_CHARACTERS)
      throw new Error(`${[...text].length} characters: a landing page has at most ${README_CHARACTERS}`);
    const blocks = blocksOf(page, text);
    rust += blocks.filter(({ kind }) => kind === "rust").length;
    const done = [];
    for (const [kind, runner] of Object.entries(runners)) {
      const some = blocks.filter((block) => block.kind === kind);
      if (some.length === 0) continue;
      const checked = some.some(usesStore) ? await withObjectStore(target, () => check(kind, some, runner)) : await check(kind, some, runner);
      done.push(`${kind} ${checked ?? "SKIPPED"}`);
    }
    return done.join(", ") || "links";
  });
}
if (only === "") {
  await attempt("Rust blocks", async () => {
    // Of the whole workspace, as everything is built: for one crate alone, cargo would build wasmtime
    // once more with other features. `make` says what everything is built with.
    const all = (process.env.ALLUVIUM_CARGO ?? "--workspace").split(" ");
    const { output, ended } = await run("cargo", ["test", ...all, "--doc", "--", "tests/docs/"], { cwd: context.root }, CARGO_MS);
    if (ended !== "0") throw new Error(output);
    const results = [...output.matchAll(/^test result: ok\. (\d+) passed; (\d+) failed; (\d+) ignored/gm)];
    for (const [, passed, , ignored] of results) {
      counts.rust += Number(passed);
      if (ignored !== "0") throw new Error(`${ignored} Rust blocks are ignored: a block that does not run may not be there`);
    }
    if (counts.rust !== rust) throw new Error(`${counts.rust} Rust blocks ran, and the pages have ${rust}: name each page in tests/docs/src/lib.rs`);
    return `${counts.rust} blocks`;
  });
  const none = Object.entries(counts).filter(([, count]) => count === 0);
  if (none.length > 0) {
    failures.push("counts");
    console.log(`FAIL  no block of ${none.map(([kind]) => kind).join(", ")} ran: a run without blocks tests nothing`);
  }
}
const ran = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
console.log(`${pages.length} pages, blocks run: ${ran.join(", ")}; ${failures.length} failed`);
process.exitCode = failures.length > 0 || pages.length === 0 ? 1 : 0;
