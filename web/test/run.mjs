// The tests in real browsers. `node run.mjs [part of a test's name]`; ALLUVIUM_SEED=n replays its kills.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import { browsers, kill, launch as launchOn, missing, moveProfile, profile } from "./browsers.mjs";
import { packaged } from "./packaged.mjs";
import { serve } from "./server.mjs";
import { scripts } from "./golden.mjs";
import { random } from "./stream.mjs";
import { mailboxes } from "./webkit.mjs";

const here = fileURLToPath(new URL("./", import.meta.url));
const root = join(here, "../..");
const golden = join(root, "tests/golden/v2");
const filter = process.argv[2] ?? "";
const seed = Number(process.env.ALLUVIUM_SEED ?? Date.now() % 1_000_000);
const kills = Number(process.env.ALLUVIUM_KILLS ?? 20);
const tally = { passed: 0, failed: 0, skipped: 0 };

/** Thrown by a test that cannot run here. */
class Skipped extends Error {}

function skip(name, why) {
  tally.skipped++;
  console.log(`SKIPPED ${name}: ${why}`);
}

async function test(name, run) {
  if (!name.includes(filter)) return;
  const started = performance.now();
  try {
    const note = await run();
    tally.passed++;
    console.log(`ok      ${name} (${Math.round(performance.now() - started)} ms)${note ? `: ${note}` : ""}`);
  } catch (error) {
    if (error instanceof Skipped) return skip(name, error.message);
    tally.failed++;
    console.log(`FAILED  ${name}: ${error.stack ?? error}`);
  }
}

function same(what, found, expected) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}: found ${left}, expected ${right}`);
}

/** Every file below a folder, by relative path. */
function filesOf(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const path = (entry) => join(entry.parentPath ?? entry.path, entry.name);
  return Object.fromEntries(entries.map((entry) => [relative(folder, path(entry)), readFileSync(path(entry))]).sort());
}

// What a page told, by the run that it belongs to: a page that another test left behind counts nowhere.
const acknowledged = new Map();
const mailbox = mailboxes();
const { origin, close } = await serve(
  [
    ["/testing/wasm/", join(here, "wasm")],
    ["/testing/", join(here, "../dist")],
    ["/test/", here],
    ["/golden/", golden],
    ["/packaged/", join(tmpdir(), `alluvium-packaged-${process.pid}`)],
  ],
  {
    posted: (path, body) => {
      const run = path.match(/^\/acknowledged\/(.+)$/)?.[1];
      if (acknowledged.has(run)) acknowledged.set(run, Math.max(acknowledged.get(run), Number(body)));
      return mailbox.posted(path, body);
    },
  },
);
mailbox.origin = origin;
const launch = (kind, path, preferences) => launchOn(kind, path, { mailbox, preferences });

async function open(browser, from = origin) {
  const page = await browser.newPage();
  await page.goto(`${from}/test/page.html`);
  await page.waitForFunction("document.title === 'ready'");
  return page;
}

/** One task in a worker of the page. */
const inWorker = (page, task) =>
  page.evaluate(
    (task) =>
      new Promise((resolve, reject) => {
        const worker = new Worker("/test/worker.mjs", { type: "module" });
        worker.onerror = (event) => reject(new Error(event.message));
        worker.onmessage = ({ data }) => {
          if (data.ready) worker.postMessage(task);
          else if ("result" in data) resolve(data.result), worker.terminate();
          else if ("error" in data) reject(new Error(data.error)), worker.terminate();
        };
      }),
    task,
  );

function conformant(report) {
  same("failed checks", report.failed, []);
  same("checks that ran", report.passed.length, report.expected);
  return `${report.passed.length} checks`;
}

/** Storages that a browser has in workers. */
async function storagesOf(page) {
  const opfs = await page.evaluate(async () => {
    try {
      await navigator.storage.getDirectory();
      return "move" in FileSystemFileHandle.prototype;
    } catch {
      return false;
    }
  });
  return opfs ? ["indexeddb", "opfs"] : ["indexeddb"];
}

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
  for (const storage of storages) {
    await test(name(`conformance on ${storage} in a worker`), async () => conformant(await inWorker(page, { task: "conformance", storage })));
    await test(name(`a worker terminated mid-write on ${storage}`), () => terminated(page, storage));
    await test(name(`listing beside garbage collection on ${storage}`), () => listing(page, storage));
  }
  for (const [script, files] of readdirSync(golden).map((script) => [script, filesOf(join(golden, script))])) {
    await test(name(`golden ${script}`), () => goldenScript(page, script, files));
  }
  await test(name("two tabs: fenced, hand-over, take-over"), () => twoTabs(browser));
  await test(name("storage deleted underneath"), () => cleared(page));
  await test(name("after close, in flight, out of range"), () => misuse(page));
  await test(name("maintenance within its bound"), () => bounded(page));
  await test(name("a panic in the engine"), () => panics(browser));
  await test(name("a reload loop"), () => reloads(browser));
  await test(name("a trap in the engine"), () => traps(browser));
  if (kind.browser === "chrome") await test(name("a quota forced small"), () => quota(browser));
  else if (kind.browser === "firefox") await test(name("a quota forced small"), () => quotaByPreference(kind));
  else skip(name("a quota forced small"), "WebKitGTK has nothing that forces one");
  await test(name("a checkpoint goes to the command line and back"), () => commandLine(page));
}

/** Worker after worker is cut off; each time the state is that of a whole batch, none acknowledged lost. */
async function terminated(page, storage) {
  const next = random(seed);
  const name = `terminated-${storage}`;
  let least = 0;
  for (let round = 0; round < 8; round++) {
    least = await page.evaluate(
      ({ name, storage, seed, afterMs, least }) =>
        new Promise((resolve, reject) => {
          let last = least;
          const worker = new Worker("/test/worker.mjs", { type: "module" });
          worker.onmessage = ({ data }) => {
            if (data.ready) {
              worker.postMessage({ task: "stream", name, storage, seed });
            } else if (data.error) {
              reject(new Error(data.error));
            } else if (data.acknowledged) {
              // The clock starts with the first checkpoint: each round writes.
              if (last === least) setTimeout(() => (worker.terminate(), resolve(last)), afterMs);
              last = data.acknowledged;
            }
          };
        }),
      { name, storage, seed, afterMs: next() * 80, least },
    );
    same(`round ${round}`, await inWorker(page, { task: "check", name, storage, seed, acknowledged: least }), undefined);
    least += 2;
  }
  return `8 workers, ${least} batches`;
}

/** Checkpoints are listed while others are deleted beneath. */
async function listing(page, storage) {
  const batches = 60;
  const { listings, deleted } = await inWorker(page, { task: "list", name: `listing-${storage}`, storage, seed, batches });
  // Fewer would not have met each other.
  if (listings < 10 || deleted < batches) throw new Error(`only ${listings} listings, ${deleted} files deleted`);
  return `${listings} listings, ${deleted} files deleted meanwhile`;
}

async function goldenScript(page, script, files) {
  // What a script does with the original's files, or with a log of its own, only natives do.
  if (script in scripts) {
    // Written here, byte for byte what was written natively.
    const found = await page.evaluate(async (script) => {
      window.states ??= {};
      states[script] = JSON.stringify(await golden.replay(alluvium, script));
      const files = await testing.readDatabase(`alluvium/golden-${script}`);
      return files.map(([path, content]) => [path, Array.from(content)]);
    }, script);
    same("names", found.map(([path]) => path), Object.keys(files));
    for (const [path, content] of found) {
      const bytes = Buffer.from(content);
      const at = bytes.findIndex((byte, at) => byte !== files[path][at]);
      const near = (of) => of.subarray(Math.max(0, at - 20), at + 40).toString("latin1");
      if (!bytes.equals(files[path])) throw new Error(`${path} at ${at}: found ${near(bytes)}, expected ${near(files[path])}`);
    }
  }
  // Written natively, opened here.
  const listed = Object.entries(files).map(([path, content]) => [path, Array.from(content)]);
  const opened = await page.evaluate(
    async (script, listed) => {
      await (await alluvium.Checkpoints.open({ name: "warm-up", storage: "memory" })).close();
      const contents = listed.map(([, content]) => new Uint8Array(content));
      await testing.writeDatabase(`alluvium/native-${script}`, listed.map(([path]) => path), contents);
      const checkpoints = await alluvium.Checkpoints.open({ name: `native-${script}` });
      const state = JSON.stringify([...checkpoints.entries()].map(([key, value]) => [[...key], [...value]]));
      const report = await checkpoints.verify();
      await checkpoints.close();
      return { damaged: report.isDamaged, checkpoints: report.checkpoints, same: window.states?.[script] === undefined || states[script] === state };
    },
    script,
    listed,
  );
  const count = Object.keys(files).filter((path) => path.endsWith("metadata.json")).length;
  same("the native directory opened", opened, { damaged: false, checkpoints: count, same: true });
}

async function twoTabs(browser) {
  const [one, other] = [await open(browser), await open(browser)];
  await one.evaluate(async () => {
    window.c = await alluvium.Checkpoints.open({ name: "tabs" });
    c.put("who", "one");
    await c.checkpoint();
  });
  const tryOpen = (page) => page.evaluate(() => alluvium.Checkpoints.open({ name: "tabs" }).then(() => "opened", (error) => error.kind));
  same("while the first has it", await tryOpen(other), "fenced");
  const waiting = other.evaluate(async () => {
    window.c = await alluvium.Checkpoints.open({ name: "tabs", whenTaken: "wait" });
    return c.getText("who");
  });
  await one.close();
  same("after the first has gone", await waiting, "one");
  const third = await open(browser);
  same("taken over", await third.evaluate(async () => {
    window.c = await alluvium.Checkpoints.open({ name: "tabs", whenTaken: "steal" });
    c.put("who", "three");
    return (await c.checkpoint()).keyCount;
  }), 1);
  same("the one taken over", await other.evaluate(() => c.checkpoint().then(() => "written", (error) => error.kind)), "fenced");
  // Without the lock, creation itself is the fence: two writers on one database.
  const fence = await third.evaluate(async () => {
    const locks = LockManager.prototype.request;
    LockManager.prototype.request = (name, options, held) => Promise.resolve(held({ name }));
    const [stale, fresh] = [await alluvium.Checkpoints.open({ name: "fence" }), await alluvium.Checkpoints.open({ name: "fence" })];
    LockManager.prototype.request = locks;
    stale.put("who", "stale");
    fresh.put("who", "fresh");
    await fresh.checkpoint();
    const kind = await stale.checkpoint().then(() => "written", (error) => error.kind);
    await stale.close();
    await fresh.close();
    const after = await alluvium.Checkpoints.open({ name: "fence" });
    return [kind, after.getText("who"), (await after.list()).length];
  });
  same("two writers without a lock", fence, ["fenced", "fresh", 1]);
  await other.close();
  await third.close();
}

async function cleared(page) {
  const outcome = await page.evaluate(async () => {
    const checkpoints = await alluvium.Checkpoints.open({ name: "cleared" });
    checkpoints.put("a", "b");
    await checkpoints.checkpoint();
    await alluvium.destroy("cleared");
    const kinds = [];
    for (let attempt = 0; attempt < 2; attempt++) {
      checkpoints.put("c", "d");
      kinds.push(await checkpoints.checkpoint().then(() => "written", (error) => error.kind));
    }
    await checkpoints.close();
    const anew = await alluvium.Checkpoints.open({ name: "cleared" });
    kinds.push(anew.size);
    await anew.close();
    return kinds;
  });
  same("errors after the storage went", outcome, ["io", "reopen", 0]);
}

async function misuse(page) {
  const kinds = await page.evaluate(async () => {
    const kind = async (call) => {
      try {
        return await call(), "none";
      } catch (error) {
        return error instanceof alluvium.AlluviumError ? error.kind : String(error);
      }
    };
    const checkpoints = await alluvium.Checkpoints.open({ name: "misuse", maxInFlight: 2 });
    checkpoints.put("a", "1");
    const flights = [checkpoints.checkpoint(), checkpoints.checkpoint()];
    const found = {
      backpressure: await kind(() => checkpoints.checkpoint()),
      unsafe: await kind(() => checkpoints.setSourceOffset("s", 2 ** 53)),
      negative: await kind(() => checkpoints.setSourceOffset("s", -1)),
      tooLarge: await kind(() => checkpoints.setSourceOffset("s", 1n << 64n)),
      largest: await kind(() => checkpoints.setSourceOffset("s", (1n << 64n) - 1n)),
      backwards: await kind(() => checkpoints.setSourceOffset("s", 1)),
      packed: await kind(() => checkpoints.applyPacked(new Uint8Array([9, 9, 9, 9, 9]))),
      notBytes: await kind(() => checkpoints.put("a", 7)),
      missing: await kind(() => checkpoints.restore(99)),
      archive: await kind(() => checkpoints.importCheckpoint(new Blob(["no archive"]))),
      name: await kind(() => alluvium.Checkpoints.open({ name: "../x" })),
      option: await kind(() => alluvium.Checkpoints.open({ name: "option", maxRetained: 0 })),
      type: await kind(() => alluvium.Checkpoints.open({ name: "option", maxRetained: "3" })),
      absent: await kind(() => alluvium.Checkpoints.open({ name: "absent", create: false })),
      opfsInWindow: await kind(() => alluvium.Checkpoints.open({ name: "window", storage: "opfs" })),
    };
    await Promise.all(flights);
    let isRestored = false;
    const restoring = checkpoints.restore(1).finally(() => (isRestored = true));
    // Its turn comes after the tidying up of the checkpoints before it.
    do {
      await new Promise((resolve) => setTimeout(resolve));
      found.during = await kind(() => checkpoints.put("a", "2"));
    } while (found.during === "none" && !isRestored);
    await restoring;
    const closing = checkpoints.close();
    found.closing = await kind(() => checkpoints.get("a"));
    await closing;
    found.closed = await kind(() => checkpoints.checkpoint());
    found.closedRead = await kind(() => checkpoints.list());
    const again = await alluvium.Checkpoints.open({ name: "misuse" });
    found.after = again.getText("a");
    // `await using` calls this; browsers without it have no such symbol.
    await (typeof Symbol.asyncDispose === "symbol" ? again[Symbol.asyncDispose]() : again.close());
    found.disposed = await kind(() => again.get("a"));
    return found;
  });
  same("kinds", kinds, {
    backpressure: "backpressure",
    unsafe: "invalid-input",
    negative: "invalid-input",
    tooLarge: "invalid-input",
    largest: "none",
    backwards: "invalid-input",
    packed: "invalid-input",
    notBytes: "invalid-input",
    missing: "not-found",
    archive: "corruption",
    name: "invalid-input",
    option: "invalid-input",
    type: "invalid-input",
    absent: "not-found",
    opfsInWindow: "invalid-input",
    during: "busy",
    closing: "closed",
    closed: "closed",
    closedRead: "closed",
    after: "1",
    disposed: "closed",
  });
}

/** `maxRebaseBytes` bounds what one checkpoint's maintenance rewrites, down to a 64th of the state. */
async function bounded(page) {
  const most = (bound) =>
    page.evaluate(async (bound) => {
      const checkpoints = await alluvium.Checkpoints.open({ name: "bounded", storage: "memory", ...bound });
      const rebased = [];
      checkpoints.on("maintenance", (report) => rebased.push(report.rebasedBytes));
      const value = new Uint8Array(100);
      const writer = new alluvium.BatchWriter();
      for (let number = 0; number < 40_000; number++) writer.put(`key-${number}`, value);
      for (let round = 0; round < 12; round++) {
        for (let at = 0; at < 10_000; at++) writer.put(`key-${(round * 10_000 + at * 7) % 40_000}`, value.fill(round));
        checkpoints.apply(writer);
        await checkpoints.checkpoint();
      }
      await checkpoints.close();
      return Math.max(...rebased);
    }, bound);
  const [free, held] = [await most({}), await most({ maxRebaseBytes: 1 })];
  // A 64th of 4.4 MB, a half more where hashes are uneven, and what a file holds beside its records.
  const oneGroup = (4_400_000 / 64) * 1.5 + 8192;
  if (!(free > 1e6 && held > 0 && held <= oneGroup)) throw new Error(`${free} bytes without a bound, ${held} with one`);
  return `${free} bytes without a bound, ${held} with one`;
}

async function panics(browser) {
  const page = await open(browser);
  const outcome = await page.evaluate(async () => {
    const checkpoints = await alluvium.Checkpoints.open({ name: "panics" });
    checkpoints.put("a", "stored");
    await checkpoints.checkpoint();
    checkpoints.put("b", "not stored");
    const flight = checkpoints.checkpoint().then(() => "written", (error) => error.kind);
    // In a turn of its own: the trap goes to nobody who awaits it.
    testing.panicNow(true).catch(() => {});
    const kinds = [await flight];
    for (const call of [() => checkpoints.put("a", "c"), () => checkpoints.get("a"), () => [...checkpoints]]) {
      try {
        call();
        kinds.push("none");
      } catch (error) {
        kinds.push(error.kind);
      }
    }
    await checkpoints.close();
    const anew = await alluvium.Checkpoints.open({ name: "panics" });
    kinds.push(anew.getText("a"), (await anew.verify()).isDamaged);
    anew.put("a", "again");
    await anew.checkpoint();
    await anew.close();
    return kinds;
  });
  // The checkpoint in flight may have become durable before the panic or not; either way it is told.
  if (!["panic", "written"].includes(outcome[0])) throw new Error(`in flight: ${outcome[0]}`);
  same("after a panic", outcome.slice(1), ["panic", "panic", "panic", "stored", false]);
  await page.close();
}

/** What throws in a later turn of a call, past all who await it, settles the call all the same. */
async function traps(browser) {
  const page = await open(browser);
  const outcome = await page.evaluate(async () => {
    const checkpoints = await alluvium.Checkpoints.open({ name: "traps", ...stream.breaking() });
    checkpoints.put("a", "b");
    const kinds = [await checkpoints.checkpoint().then(() => "written", (error) => error.kind)];
    kinds.push(await checkpoints.list().then(() => "listed", (error) => error.kind));
    await checkpoints.close();
    const anew = await alluvium.Checkpoints.open({ name: "traps" });
    anew.put("a", "again");
    const waiting = anew.importCheckpoint(new Uint8Array(10)).catch((error) => error.kind);
    kinds.push(await waiting);
    // Unreachable code, as running out of memory is.
    testing.trapLater().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 100));
    kinds.push(await anew.list().then(() => "listed", (error) => error.kind));
    return kinds;
  });
  same("after a trap", outcome, ["panic", "panic", "corruption", "panic"]);
  await page.close();
}

async function reloads(browser) {
  const page = await open(browser);
  const next = random(seed + 1);
  let least = 0;
  for (let round = 0; round < 12; round++) {
    const problem = await page.evaluate(
      async (seed, least) => {
        const checkpoints = await alluvium.Checkpoints.open({ name: "reloads", whenTaken: "wait" });
        const problem = stream.wrong(checkpoints, seed, least);
        stream.run(alluvium, checkpoints, seed, (number) => sessionStorage.setItem("last", number)).catch(() => {});
        return problem;
      },
      seed,
      least,
    );
    same(`round ${round}`, problem, undefined);
    await new Promise((resolve) => setTimeout(resolve, 20 + next() * 150));
    await page.reload();
    await page.waitForFunction("document.title === 'ready'");
    least = Number(await page.evaluate(() => sessionStorage.getItem("last")));
  }
  await page.close();
  if (least < 12) throw new Error(`only ${least} batches in 12 rounds`);
  return `12 reloads, ${least} batches`;
}

async function quota(browser) {
  // An origin of its own, in which nothing else is stored.
  const apart = origin.replace("localhost", "127.0.0.1");
  const page = await open(browser, apart);
  const session = await page.createCDPSession();
  // Before anything is written: Chromium remembers for a while how much was left.
  await session.send("Storage.overrideQuotaForOrigin", { origin: apart, quotaSize: 1_000_000 });
  await page.evaluate(async () => {
    window.c = await alluvium.Checkpoints.open({ name: "quota" });
    c.put("small", "kept");
    await c.checkpoint();
  });
  const kinds = await page.evaluate(async () => {
    const kinds = [];
    for (let number = 0; number < 8; number++) c.put(`large-${number}`, crypto.getRandomValues(new Uint8Array(65536)).toString().repeat(4));
    for (let attempt = 0; attempt < 2; attempt++) kinds.push(await c.checkpoint().then(() => "written", (error) => error.kind));
    await c.close();
    window.c = await alluvium.Checkpoints.open({ name: "quota" });
    kinds.push(c.getText("small"), c.size, (await c.verify()).isDamaged);
    return kinds;
  });
  same("over the quota", kinds, ["no-space", "reopen", "kept", 1, false]);
  await session.send("Storage.overrideQuotaForOrigin", { origin: apart });
  same("space freed", await page.evaluate(async () => {
    c.put("large", "x".repeat(3_000_000));
    await c.checkpoint();
    return (await c.verify()).isDamaged;
  }), false);
  await page.close();
}

/** Firefox takes its quota from its preferences: 10 MiB is the least that it gives an origin. */
async function quotaByPreference(kind) {
  const { path, discard } = await profile();
  const browser = await launch(kind, path, { "dom.quotaManager.temporaryStorage.fixedLimit": 10_240 });
  try {
    const page = await open(browser);
    const kinds = await page.evaluate(async () => {
      let checkpoints = await alluvium.Checkpoints.open({ name: "quota" });
      checkpoints.put("small", "kept");
      await checkpoints.checkpoint();
      for (let number = 0; number < 24; number++) checkpoints.put(`large-${number}`, crypto.getRandomValues(new Uint8Array(65536)).toString().repeat(4));
      const kinds = [];
      for (let attempt = 0; attempt < 2; attempt++) kinds.push(await checkpoints.checkpoint().then(() => "written", (error) => error.kind));
      await checkpoints.close();
      checkpoints = await alluvium.Checkpoints.open({ name: "quota" });
      kinds.push(checkpoints.getText("small"), checkpoints.size, (await checkpoints.verify()).isDamaged);
      checkpoints.put("after", "all");
      kinds.push((await checkpoints.checkpoint()).keyCount);
      return kinds;
    });
    same("over the quota", kinds, ["no-space", "reopen", "kept", 1, false, 2]);
  } finally {
    await browser.close();
    await discard();
  }
}

/** Out of the browser, into the command line's hands, and in again. */
async function commandLine(page) {
  const binary = [process.env.ALLUVIUM, ...["release", "debug"].map((kind) => join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), kind, "alluvium"))];
  const alluvium = binary.find((path) => path && existsSync(path));
  const commands = alluvium ? execFileSync(alluvium, ["--help"]).toString() : "";
  if (!["import", "export", "verify"].every((command) => commands.includes(command))) {
    throw new Skipped("no alluvium command with import, export and verify; build it first, or set ALLUVIUM");
  }
  const folder = mkdtempSync(join(tmpdir(), "alluvium-cli-"));
  try {
    const exported = await page.evaluate(async () => {
      const checkpoints = await alluvium.Checkpoints.open({ name: `cli-${Date.now()}` });
      for (let number = 0; number < 100; number++) checkpoints.put(`route-${number}`, `${number}`);
      checkpoints.setSourceOffset("input", 1000);
      await checkpoints.checkpoint();
      const archive = await checkpoints.exportCheckpoint();
      await checkpoints.close();
      return Array.from(new Uint8Array(await archive.arrayBuffer()));
    });
    const [archive, directory, back] = ["out.tar", "run", "back.tar"].map((name) => join(folder, name));
    writeFileSync(archive, Uint8Array.from(exported));
    execFileSync(alluvium, ["import", archive, directory]);
    execFileSync(alluvium, ["verify", directory]);
    execFileSync(alluvium, ["export", directory, back]);
    same("the archive that came back", readFileSync(back).equals(readFileSync(archive)), true);
    const imported = await page.evaluate(async (bytes) => {
      const checkpoints = await alluvium.Checkpoints.open({ name: `cli-back-${Date.now()}` });
      const { sourceOffsets } = await checkpoints.importCheckpoint(new Uint8Array(bytes));
      const found = [Number(sourceOffsets.get("input")), checkpoints.size, checkpoints.getText("route-42")];
      await checkpoints.close();
      return found;
    }, Array.from(readFileSync(back)));
    same("the state that came back", imported, [1000, 100, "42"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * A first visit that ends in order. Chromium writes down lazily that an origin has storage at all: a
 * browser killed during the first visit may come up with all of that origin's storage thrown away,
 * whatever was durable in it. This needs no checkpoint to happen: bare strict transactions are lost
 * with it. After one visit that ended in order, or half a minute, nothing is.
 */
async function firstVisit(kind, path) {
  const browser = await launch(kind, path);
  const page = await open(browser);
  await page.evaluate(async () => {
    const checkpoints = await alluvium.Checkpoints.open({ name: "visited" });
    await checkpoints.checkpoint();
    await checkpoints.close();
  });
  await browser.close();
}

/** So often a browser may come up without a bare strict record of the visit before, until that is held against it. */
const recordsLostMax = (kind) => (kind.name === "chromium-idb-sqlite" ? 6 : 1);

/**
 * The whole browser, killed at random moments while it checkpoints. Each visit makes a bare strict record durable
 * first, without the package: a browser that comes up without it has lost what no package could keep. That is counted
 * and said, and the kills go on in a new profile.
 */
async function killed(kind) {
  // Firefox takes five seconds to come up: fewer there.
  const times = kind.browser === "firefox" ? Math.ceil(kills * 0.3) : kills;
  const next = random(seed + 2);
  const sum = { kills: 0, told: 0, recoveries: 0, lost: 0 };
  while (sum.kills < times) {
    const isLost = await killedSeries(kind, times, next, sum);
    sum.lost += isLost;
    if (sum.lost > recordsLostMax(kind)) throw new Error(`seed ${seed}: ${sum.lost} times in ${sum.kills} kills the browser lost a bare strict record`);
  }
  if (sum.told < times / 2) throw new Error(`only ${sum.told} checkpoints were acknowledged`);
  const lost = sum.lost > 0 ? `; ${sum.lost} times the browser came up without a bare strict record, and its profile was given up` : "";
  return `seed ${seed}: ${sum.kills} kills, ${sum.told} checkpoints acknowledged, ${sum.recoveries} recoveries checked${lost}`;
}

/** Kills in one profile, until there were enough; whether the browser lost the bare record before. */
async function killedSeries(kind, times, next, sum) {
  const home = await profile();
  const run = `${kind.name}-${seed}-${sum.lost}`;
  acknowledged.set(run, 0);
  let browser;
  try {
    await firstVisit(kind, home.path);
    for (let round = 0; ; round++) {
      if (round > 0 && kind.browser === "firefox") await moveProfile(home, round);
      browser = await launch(kind, home.path);
      const page = await open(browser);
      const before = acknowledged.get(run);
      const kept = await page.evaluate(bareRecord, round);
      if (round > 0 && kept !== round - 1) return true;
      same(`seed ${seed}, after ${sum.kills} kills`, await page.evaluate(recoverAndRun, seed, before, `/acknowledged/${run}`), undefined);
      sum.recoveries++;
      if (sum.kills === times) return false;
      // Every fourth round at once, which is most likely within the first write after a recovery.
      if (round % 4 !== 3) {
        await page.waitForFunction(`document.title === 'ready'`);
        while (acknowledged.get(run) === before) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await new Promise((resolve) => setTimeout(resolve, next() * 120));
      await kill(browser);
      sum.kills++;
    }
  } finally {
    sum.told += acknowledged.get(run);
    acknowledged.delete(run);
    if (browser) await kill(browser);
    await home.discard();
  }
}

/** In the page: what is wrong with what was recovered; goes on with the stream in any case. */
async function recoverAndRun(seed, least, acknowledged) {
  const checkpoints = await alluvium.Checkpoints.open({ name: "killed", whenTaken: "wait" });
  const problem = stream.wrong(checkpoints, seed, least);
  const report = await checkpoints.verify();
  const told = (number) => fetch(acknowledged, { method: "POST", body: String(number) });
  stream.run(alluvium, checkpoints, seed, told).catch(() => {});
  return problem ?? (report.isDamaged ? JSON.stringify(report.findings) : undefined);
}

/** In the page, without the package: the record that the visit before made durable, and this visit's in its place. */
async function bareRecord(round) {
  const asked = (request) =>
    new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
  const opening = indexedDB.open("bare", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("records");
  const database = await asked(opening);
  const transaction = database.transaction("records", "readwrite", { durability: "strict" });
  const durable = new Promise((resolve, reject) => Object.assign(transaction, { oncomplete: resolve, onabort: () => reject(transaction.error) }));
  const store = transaction.objectStore("records");
  const kept = asked(store.get("round"));
  store.put(round, "round");
  await durable;
  database.close();
  return (await kept) ?? null;
}

/** The suite of every directory on Node's files, and what the command line makes of them. */
async function nodeFiles() {
  const { default: init, runConformance } = await import("./wasm/alluvium_wasm.js");
  const { Checkpoints, fileDirectory } = await import("../dist/node.js");
  await init({ module_or_path: readFileSync(join(here, "wasm/alluvium_wasm_bg.wasm")) });
  const folder = mkdtempSync(join(tmpdir(), "alluvium-node-"));
  try {
    const said = conformant(await runConformance("node", "", (name) => fileDirectory(join(folder, name))));
    for (const script of readdirSync(golden)) {
      const checkpoints = await Checkpoints.open({ name: script, storage: fileDirectory(join(golden, script)), create: false });
      same(`${script} is damaged`, (await checkpoints.verify()).isDamaged, false);
      await checkpoints.close();
    }
    return said;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

console.log(`seed ${seed}`);
await test("node: conformance on a file directory, golden directories open", nodeFiles);
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
      for (const [bundler, url] of await packaged(join(tmpdir(), `alluvium-packaged-${process.pid}`), test)) {
        await test(`npm tarball in ${bundler}`, async () => {
          const page = await browser.newPage();
          await page.goto(`${origin}${url}`);
          await page.waitForFunction("document.title.startsWith('done')", { timeout: 60_000 });
          same("the page's figures", await page.title(), "done 2 keys, offset 7");
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
    // One start in some six hundred never loaded its page within a minute: web/README.md says what was seen. Until
    // that is understood this runs when it is asked for.
    if (kind.name === "webkit" && !process.env.ALLUVIUM_BROWSERS) throw new Skipped("one start in some 600 hangs in WebKitGTK 2.50, see web/README.md; ALLUVIUM_BROWSERS=webkit runs it");
    return killed(kind);
  });
}
close();
rmSync(join(tmpdir(), `alluvium-packaged-${process.pid}`), { recursive: true, force: true });
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exit(tally.failed === 0 ? 0 : 1);
