// Runs the tests in real browsers: `node run.mjs [part of a test's name]`. ALLUVIUM_SEED=n replays the kills.

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { browsers, missing, profile } from "./browsers.mjs";
import { Skipped, filesOf, golden, older, same, seed, skip, tally, test, until } from "./harness.mjs";
import { packaged } from "./packaged.mjs";
import { conformant, inWorker, open, storagesOf } from "./pages.mjs";
import { close, launch, origin, packagedFolder, reports } from "./site.mjs";
import { inNode, inPage } from "./suites/both.mjs";
import { bounded, hidden, misuse, twoTabs } from "./suites/calls.mjs";
import { closing, faults, memoryRecovers, nodeContract, opfsContract } from "./suites/contract.mjs";
import { panics, reloads, traps, unfetched } from "./suites/endings.mjs";
import { commandLine, goldenRead, goldenScript, nodeFiles } from "./suites/formats.mjs";
import { reactOnServer, solid, svelte, vue, withoutEngine } from "./suites/frameworks.mjs";
import { embedded, withoutPage } from "./suites/inspector.mjs";
import { killed } from "./suites/kills.mjs";
import { deadPorts, leadingTabs, leadingWorkers, refusedLeaders, sharedWorkers } from "./suites/leading.mjs";
import { cleared, listing, quota, quotaByPreference, terminated } from "./suites/storage.mjs";
import { directories, given, options } from "./suites/values.mjs";

async function inOneBrowser(kind, browser, page) {
  const name = (what) => `${kind.name}: ${what}`;
  await test(name("conformance on IndexedDB in a window"), async () =>
    conformant(
      await page.evaluate(async () => {
        await (await alluvium.Checkpoints.open({ name: "warm-up", storage: "memory" })).close();
        return testing.runConformance("indexeddb", `window-${Date.now()}-`);
      }),
    ),
  );
  const storages = await storagesOf(page);
  if (!storages.includes("opfs")) skip(name("OPFS"), "this browser has none with move()");
  if (storages.includes("opfs")) await test(name("the contract of directories on OPFS"), () => opfsContract(page));
  for (const storage of storages) {
    await test(name(`conformance on ${storage} in a worker`), async () => conformant(await inWorker(page, { task: "conformance", storage })));
    await test(name(`a worker terminated mid-write on ${storage}`), () => terminated(page, storage));
    await test(name(`listing beside garbage collection on ${storage}`), () => listing(page, storage));
  }
  for (const [script, files] of readdirSync(golden).map((script) => [script, filesOf(join(golden, script))])) {
    await test(name(`golden ${script}`), () => goldenScript(page, script, files));
  }
  for (const [script, files] of readdirSync(older).map((script) => [script, filesOf(join(older, script))])) {
    await test(name(`golden ${script} of version 2`), () => goldenRead(page, `v2-${script}`, files));
  }
  await inPage(kind.name, page);
  await test(name("two tabs: fenced, hand-over, take-over"), () => twoTabs(browser));
  await test(name("a tab that leads is killed"), () => leadingTabs(kind, browser));
  await test(name("a worker that leads is killed"), () => leadingWorkers(kind, browser));
  await test(name("a SharedWorker that serves is killed"), () => sharedWorkers(kind, browser));
  await test(name("a port that is not served"), () => deadPorts(browser));
  await test(name("leaders that cannot lead"), () => refusedLeaders(kind, browser));
  await test(name("an inspector in a page that is not ours"), () => embedded(page));
  await test(name("storage deleted underneath"), () => cleared(page));
  if (kind.browser === "chrome") await test(name("a page in the background"), () => hidden(browser));
  await test(name("after close, in flight, out of range"), () => misuse(page));
  await test(name("maintenance within its bound"), () => bounded(page));
  await test(name("a failed fetch of the engine"), () => unfetched(browser));
  await test(name("a panic in the engine"), () => panics(browser));
  await test(name("a reload loop"), () => reloads(browser));
  await test(name("a trap in the engine"), () => traps(browser));
  if (kind.browser === "chrome") await test(name("a quota forced small"), () => quota(browser));
  else if (kind.browser === "firefox") await test(name("a quota forced small"), () => quotaByPreference(kind));
  else skip(name("a quota forced small"), "WebKitGTK has nothing that forces one");
  await test(name("a checkpoint goes to the command line and back"), () => commandLine(page));
}

console.log(`seed ${seed}`);
await test("node: what the engine gives has the documented names and types", given);
await test("node: options of a wrong type are named", options);
await test("node: a directory of JavaScript", directories);
await test("node: conformance on a file directory, golden directories open", nodeFiles);
await test("node: the contract of directories finds each fault", faults);
await test("node: the contract of directories with one handle at a time", closing);
await test("node: the contract of directories on a file directory", nodeContract);
await test("node: what a directory in memory keeps is recovered", memoryRecovers);
await test("node: a live value in Svelte's stores", svelte);
await test("node: a live value in Solid", solid);
await test("node: a live value in Vue", vue);
await test("node: the hooks where React renders on a server", reactOnServer);
await test("node: the entries for readers have no engine", withoutEngine);
await test("node: the entry of the inspector where there is no page", withoutPage);
await inNode();
for (const kind of browsers) {
  if (kind.path === undefined) {
    skip(kind.name, missing(kind));
    continue;
  }
  if (process.env.ALLUVIUM_BROWSERS && !process.env.ALLUVIUM_BROWSERS.split(",").includes(kind.name)) continue;
  const { path, discard } = await profile();
  let browser;
  try {
    browser = await launch(kind, path);
    await inOneBrowser(kind, browser, await open(browser));
    if (kind.name === "chromium") {
      for (const [bundler, url, reported] of await packaged(packagedFolder, test)) {
        await test(`npm tarball in ${bundler}`, async () => {
          const page = await browser.newPage();
          await page.goto(`${origin}${url}`);
          await until(`the page in ${bundler} reported`, () => reports.has(bundler));
          same("what the page reports", reports.get(bundler), reported);
          await page.close();
        });
      }
    }
  } catch (error) {
    tally.failed++;
    console.log(`FAILED  ${kind.name}: ${error.stack}`);
  } finally {
    await browser?.close().catch(() => {});
    await discard();
  }
  await test(`${kind.name}: killed`, () => {
    // About one start in 600 did not load its page within a minute (see docs/evidence.md). The cause is unknown, so this
    // test runs only when it is selected.
    if (kind.name === "webkit" && !process.env.ALLUVIUM_BROWSERS) throw new Skipped("about one start in 600 hangs in WebKitGTK 2.50, see docs/evidence.md; ALLUVIUM_BROWSERS=webkit runs this test");
    return killed(kind);
  });
}
close();
rmSync(packagedFolder, { recursive: true, force: true });
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exit(tally.failed === 0 ? 0 : 1);
