// Opens the demo in every installed browser and kills the whole browser ten times. Each time the demo must
// recover, continue and prove its figures. Run `node web/demo/kills.mjs [browser]` after `web/demo/build.sh`.

import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { browsers, kill, launch, missing, moveProfile, profile } from "../test/browsers.mjs";
import { mailboxes } from "../test/mailbox.mjs";
import { serve } from "../test/server.mjs";
import { random } from "../test/stream.mjs";

const KILLS = 10;
const web = fileURLToPath(new URL("../", import.meta.url));
const seed = Number(process.env.ALLUVIUM_SEED ?? Date.now() % 1_000_000);
const mailbox = mailboxes();

/** Runs in the page. Returns the records of the newest checkpoint, and what the page proved last. */
const state = () => {
  const proof = document.querySelector("#proof");
  const text = (id) => document.querySelector(id)?.textContent ?? "";
  return {
    verdict: proof?.dataset.verdict,
    said: text("#proof-verdict"),
    text: text("#proof-text"),
    committed: Math.max(0, ...Array.from(document.querySelectorAll("#checkpoint-rows tr[data-id]"), (row) => Number(row.dataset.records))),
  };
};

async function until(page, what, condition) {
  for (const end = Date.now() + 60_000; ; ) {
    const found = await page.evaluate(state);
    if (condition(found)) return found;
    if (Date.now() > end) throw new Error(`${what}: still ${JSON.stringify(found)} after a minute`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Runs the rounds in one browser. Throws if something is wrong. */
async function killed(kind, origin) {
  const next = random(seed);
  const home = await profile();
  let browser;
  let version;
  let least = 0;
  try {
    // The first visit ends normally, and the test expects nothing of it. Chromium may lose everything that a
    // first visit stored if it is killed. With its SQLite backend this also happens when the visit just ends.
    browser = await launch(kind, home.path, { mailbox });
    const first = await browser.newPage();
    await first.goto(`${origin}/demo/?keys=20000`);
    await until(first, "the first checkpoint", ({ committed }) => committed > 0);
    await browser.close();
    for (let round = 0; round <= KILLS; round++) {
      if (kind.browser === "firefox") await moveProfile(home, round);
      browser = await launch(kind, home.path, { mailbox });
      version ??= await browser.version();
      const page = await browser.newPage();
      await page.goto(`${origin}/demo/?keys=20000`);
      if (round > 0) {
        const { verdict, said, text } = await until(page, "a proof", ({ verdict }) => verdict === "equal" || verdict === "differs");
        const proved = Number(said.match(/^Exactly once: ([\d,]+) records/)?.[1].replaceAll(",", "") ?? Number.NaN);
        // The end of the stream is proved too, even if nothing was recovered. Such a proof does not count.
        if (verdict !== "equal" || !text.startsWith("After a recovery") || !(proved >= least)) {
          throw new Error(`seed ${seed}, after ${round} kills, ${least} records checkpointed: ${said} ${text}`);
        }
        least = proved;
      }
      if (round === KILLS) break;
      // Each round takes at least one more checkpoint. What the page reports as durable must be recovered.
      await until(page, "another checkpoint", ({ committed }) => committed > least);
      await new Promise((resolve) => setTimeout(resolve, next() * 700));
      least = (await page.evaluate(state)).committed;
      await kill(browser);
    }
    return `${version}, seed ${seed}: ${KILLS} kills, ${least} records in the end, each recovery proved`;
  } finally {
    if (browser) await kill(browser);
    await home.discard();
  }
}

let failed = 0;
const mounts = [
  ["/demo/", join(web, "demo/dist")],
  ["/test/", join(web, "test")],
];
const { origin, close } = await serve(mounts, { posted: (path, body) => mailbox.posted(path, body) });
mailbox.origin = origin;
for (const kind of browsers.filter(({ name }) => process.argv[2] === undefined || process.argv[2] === name)) {
  const name = `${kind.name}: the demo, its browser killed ${KILLS} times`;
  if (kind.path === undefined) {
    console.log(`SKIPPED ${name}: ${missing(kind)}`);
    continue;
  }
  try {
    console.log(`ok      ${name}: ${await killed(kind, origin)}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}: ${error.stack}`);
  }
}
close();
process.exit(failed === 0 ? 0 : 1);
