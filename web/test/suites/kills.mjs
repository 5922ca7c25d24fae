// The whole browser, killed while it checkpoints.

import { kill, moveProfile, profile } from "../browsers.mjs";
import { kills, same, seed, until } from "../harness.mjs";
import { open } from "../pages.mjs";
import { acknowledged, launch } from "../site.mjs";
import { random } from "../stream.mjs";

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
export async function killed(kind) {
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
