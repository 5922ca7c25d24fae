// Runs the tests of runtimes and bundlers other than those of run.mjs: `node run.mjs [part of a test's name]`.
// web/dist is built before, and the packages of package.json are installed in target/edge.

import { tally, test as counted } from "../harness.mjs";
import { pages } from "./pages.mjs";
import { install } from "./project.mjs";
import { commonJs, script, scriptWithout, vercel } from "./suites/loading.mjs";

/** A runtime that does not answer within this time hangs. */
const ENDS_WITHIN_MS = 240_000;

const test = (name, run) =>
  counted(name, async () => {
    let late;
    const hangs = new Promise((_, reject) => (late = setTimeout(() => reject(new Error(`it took more than ${ENDS_WITHIN_MS} ms`)), ENDS_WITHIN_MS)));
    try {
      return await Promise.race([run(), hangs]);
    } finally {
      clearTimeout(late);
    }
  });

install();
const { inPage, close } = await pages();
await test("bundles in CommonJS for Node", commonJs);
await test("a script that holds the engine, in a page", () => script(inPage));
await test("a script that does not hold the engine", scriptWithout);
await test("Vercel's edge runtime", vercel);
await close();
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exit(tally.failed === 0 ? 0 : 1);
