// Tests of calls: two tabs, misuse, and the limit of maintenance.

import { same } from "../harness.mjs";
import { open } from "../pages.mjs";

export async function twoTabs(browser) {
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
  // Without the lock, exclusive creation is the fence. Here two writers share one database.
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
  await third.close();
  // One that is still opening loses to the one that takes over, which is never fenced by it.
  const thief = await open(browser);
  await thief.evaluate(async () => {
    const filled = await alluvium.Checkpoints.open({ name: "stolen" });
    for (let key = 0; key < 30_000; key++) filled.put(`key-${key}`, "v");
    await filled.checkpoint();
    await filled.close();
  });
  for (let delayMs = 0; delayMs < 24; delayMs += 3) {
    // Each call of the one that loses is refused, as soon as it has heard of it.
    const losing = other.evaluate(async () => {
      try {
        const opened = await alluvium.Checkpoints.open({ name: "stolen" });
        for (const end = Date.now() + 20_000; Date.now() < end; ) {
          opened.put("who", "the loser");
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        return "it was never told";
      } catch (error) {
        return error.kind;
      }
    });
    const winning = thief.evaluate(async (delayMs) => {
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      window.c = await alluvium.Checkpoints.open({ name: "stolen", whenTaken: "steal" });
    }, delayMs);
    same(`the one that lost after ${delayMs} ms`, await losing, "fenced");
    await winning;
    same("the thief", await thief.evaluate(() => c.checkpoint().then(() => c.close()).then(() => "written", (error) => error.kind)), "written");
  }
  await other.close();
  await thief.close();
}

/** A page that goes to the background has the time to take a checkpoint. */
export async function hidden(browser) {
  const page = await open(browser);
  await page.evaluate(async () => {
    window.c = await alluvium.Checkpoints.open({ name: "hidden" });
    await c.checkpoint();
    window.saved = [];
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") c.checkpoint({ ifChanged: true }).then(({ id }) => saved.push(Number(id)));
    });
    c.put("draft", "written while it was seen");
  });
  const other = await open(browser);
  await other.page.bringToFront();
  const saved = () =>
    page.evaluate(async () => {
      for (const end = Date.now() + 30_000; saved.length === 0 && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 10));
      return [document.visibilityState, ...saved, c.isChanged];
    });
  same("saved when it was hidden", await saved(), ["hidden", 2, false]);
  await other.close();
  await page.close();
}

export async function misuse(page) {
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
      backpressure: await kind(() => checkpoints.checkpoint({ whenBusy: "fail" })),
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
    const closing = checkpoints.close();
    found.closing = await kind(() => checkpoints.get("a"));
    await closing;
    found.closed = await kind(() => checkpoints.checkpoint());
    found.closedRead = await kind(() => checkpoints.list());
    const again = await alluvium.Checkpoints.open({ name: "misuse" });
    found.after = again.getText("a");
    // `await using` calls this method. Browsers without `await using` lack the symbol.
    await (typeof Symbol.asyncDispose === "symbol" ? again[Symbol.asyncDispose]() : again.close());
    found.disposed = await kind(() => again.get("a"));
    // A restore whose reads wait until it has been found out what a put does meanwhile.
    const { memoryDirectory } = await import("/testing/testing/index.js");
    const storage = memoryDirectory();
    const { read } = storage;
    const held = await alluvium.Checkpoints.open({ name: "held", storage });
    held.put("a", "1");
    const { id } = await held.checkpoint();
    let [isReading, go] = [() => {}, () => {}];
    const reading = new Promise((resolve) => (isReading = resolve));
    const gate = new Promise((resolve) => (go = resolve));
    storage.read = (path) => (isReading(), gate.then(() => read(path)));
    const restoring = held.restore(id);
    await reading;
    found.during = await kind(() => held.put("a", "2"));
    go();
    await restoring;
    await held.close();
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
    closing: "closed",
    closed: "closed",
    closedRead: "closed",
    after: "1",
    disposed: "closed",
    during: "busy",
  });
}

/** `maxRebaseBytes` limits how much the maintenance of one checkpoint rewrites. The lowest limit is a 64th of the state. */
export async function bounded(page) {
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
  // A 64th of 4.4 MB, half as much again because hashes are uneven, and the parts of a file that are not records.
  const oneGroup = (4_400_000 / 64) * 1.5 + 8192;
  if (!(free > 1e6 && held > 0 && held <= oneGroup)) throw new Error(`${free} bytes without a bound, ${held} with one`);
  return `${free} bytes without a bound, ${held} with one`;
}
