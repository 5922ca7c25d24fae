// Tests that kill the whole browser while it takes checkpoints.

import { kill, moveProfile, profile } from "../browsers.mjs";
import { kills, same, seed, until } from "../harness.mjs";
import { open } from "../pages.mjs";
import { acknowledged, launch } from "../site.mjs";
import { random } from "../stream.mjs";

/**
 * Makes a first visit that ends normally. Chromium records only later that an origin has storage. If the browser is
 * killed during the first visit, the next start may find all storage of the origin gone, even durable records. This
 * also happens to bare strict transactions without the package. After one visit that ended normally, or after half
 * a minute, nothing is lost.
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

/** Returns how often a browser may lose a bare strict record before the test fails. */
const recordsLostMax = (kind) => (kind.name === "chromium-idb-sqlite" ? 6 : 1);

/**
 * Kills the whole browser at random moments while it takes checkpoints. Each visit first makes a bare strict record
 * durable, without the package. A browser that starts without this record has lost data that no package could keep.
 * Such losses are counted and reported, and the kills continue in a new profile.
 */
export async function killed(kind) {
  // Firefox takes five seconds to start, so it is killed less often.
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

/** Kills the browser in one profile until there were enough kills. Returns whether the browser lost the bare record before. */
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
      // Every fourth round kills at once, which is most likely during the first write after a recovery.
      if (round % 4 !== 3) {
        await until("another checkpoint was acknowledged", () => acknowledged.get(run) > before);
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

/** Runs in the page. Returns what is wrong with the recovered state, and continues the stream. */
async function recoverAndRun(seed, least, acknowledged) {
  const checkpoints = await alluvium.Checkpoints.open({ name: "killed", whenTaken: "wait" });
  const problem = stream.wrong(checkpoints, seed, least);
  const report = await checkpoints.verify();
  const told = (number) => fetch(acknowledged, { method: "POST", body: String(number) });
  stream.run(alluvium, checkpoints, seed, told).catch(() => {});
  return problem ?? (report.isDamaged ? JSON.stringify(report.findings) : undefined);
}

/** Runs in the page, without the package. Returns the record that the last visit made durable, and replaces it. */
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
