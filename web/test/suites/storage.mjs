// Tests of storage in a browser: terminated workers, listings, quotas, and storage that is deleted.

import { profile } from "../browsers.mjs";
import { same, seed } from "../harness.mjs";
import { inWorker, open } from "../pages.mjs";
import { launch, origin } from "../site.mjs";
import { random } from "../stream.mjs";

/** Terminates one worker after another. Each time the state is that of a whole batch, and no acknowledged batch is lost. */
export async function terminated(page, storage) {
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
              // The time starts with the first checkpoint, so that each round writes.
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

/** Lists checkpoints while others are deleted. */
export async function listing(page, storage) {
  const batches = 60;
  const { listings, deleted } = await inWorker(page, { task: "list", name: `listing-${storage}`, storage, seed, batches });
  // With fewer, listings and deletions would not have overlapped.
  if (listings < 10 || deleted < batches) throw new Error(`only ${listings} listings, ${deleted} files deleted`);
  return `${listings} listings, ${deleted} files deleted meanwhile`;
}

export async function cleared(page) {
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
    const again = await alluvium.Checkpoints.open({ name: "cleared" });
    kinds.push(again.size);
    await again.close();
    return kinds;
  });
  same("errors after the storage went", outcome, ["io", "reopen", 0]);
}

export async function quota(browser) {
  // This origin is used for nothing else.
  const apart = origin.replace("localhost", "127.0.0.1");
  const page = await open(browser, apart);
  const session = await page.page.createCDPSession();
  // The quota is set before anything is written, because Chromium remembers for a while how much space was left.
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

/** Firefox takes the quota from its preferences. It gives an origin at least 10 MiB. */
export async function quotaByPreference(kind) {
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
