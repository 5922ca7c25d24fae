// Runs the tests of runtimes and bundlers other than those of run.mjs: `node run.mjs [part of a test's name]`.
// web/dist is built before, and the packages of package.json are installed in target/edge. ALLUVIUM_EDGE_KILLS=n says
// how often each runtime is killed, and ALLUVIUM_SEED=n replays the kills.

import { missing } from "../browsers.mjs";
import { skip, tally, test as counted } from "../harness.mjs";
import { pages } from "./pages.mjs";
import { install } from "./project.mjs";
import { cutOff, durable, endsTooEarly } from "./suites/durable-stream.mjs";
import { killedPage, readers } from "./suites/killed-page.mjs";
import { commonJs, script, scriptWithout, vercel } from "./suites/loading.mjs";
import { policy, serviceWorker, sharedWorker, withBun, withEsbuild, withRollup } from "./suites/recipes.mjs";
import { bun, deno } from "./suites/runtimes.mjs";
import { events, iterables, misuse, replaced, silent, sockets } from "./suites/sources.mjs";
import { bindingTypes, entryTypes, sourceTypes } from "./suites/types.mjs";
import { guide, inWorkerd, killedReader, killedWorkerd, worker } from "./suites/workerd.mjs";

/** A runtime that does not answer within this time hangs. */
const ENDS_WITHIN_MS = 120_000 + 8_000 * Number(process.env.ALLUVIUM_EDGE_KILLS ?? 0);

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
await test("recipe: esbuild", () => withEsbuild(inPage));
await test("recipe: Bun's bundler", () => withBun(inPage));
await test("recipe: Rollup", () => withRollup(inPage));
await test("recipe: a SharedWorker", () => sharedWorker(inPage));
await test("recipe: a service worker", () => serviceWorker(inPage));
await test("recipe: a security policy", () => policy(inPage));
await test("Bun", bun);
await test("Deno", deno);
await test("sources: iterables", iterables);
await test("sources: what is wrong is an error", misuse);
await test("sources: a checkpoint while the source is silent", silent);
await test("sources: other checkpoints become the state", replaced);
await test("sources: the types of what they take", sourceTypes);
await test("the types of every entry", entryTypes);
await test("sources: a Durable Stream", durable);
await test("sources: a Durable Stream that is cut off before an offset", cutOff);
await test("sources: a Durable Stream that ends before what was read", endsTooEarly);
await test("sources: server-sent events", events);
await test("sources: a WebSocket", sockets);
for (const kind of readers) {
  const name = `${kind.name}: a page that reads a stream, killed`;
  if (kind.path === undefined) skip(name, missing(kind));
  else await test(name, () => killedPage(kind));
}
const object = await worker();
await test("workerd: the types of its bindings", bindingTypes);
await test("workerd: the class of the guide, killed once", guide);
for (const storage of ["sqlite", "r2"]) {
  await test(`workerd: checkpoints and the contract of directories on ${storage}`, () => inWorkerd(object, storage));
  await test(`workerd: killed with ${storage}`, () => killedWorkerd(object, storage));
  await test(`workerd: an object that reads a stream, killed with ${storage}`, () => killedReader(object, storage));
}
await close();
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exit(tally.failed === 0 ? 0 : 1);
