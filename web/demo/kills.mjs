// The demo in every browser that is installed, the whole browser killed ten times: each time it comes
// back, goes on, and proves its figures. `node web/demo/kills.mjs [browser]` after `web/demo/build.sh`.

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

/** In the page: the records of its newest checkpoint, and what it proved since it was opened. */
const state = () => {
  const proof = document.querySelector("#proof");
  const text = (id) => document.querySelector(id)?.textContent ?? "";
  return {
    proofs: Number(proof?.dataset.count ?? 0),
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

/** The rounds in one browser; what is wrong is thrown. */
async function killed(kind, origin) {
  const next = random(seed);
  const home = await profile();
  let browser;
  let version;
  let least = 0;
  try {
    // A first visit that ends in order, of which nothing is expected: of what is stored in it Chromium may
    // lose all, where the visit is killed; with its SQLite backend, where it just ends.
    browser = await launch(kind, home.path, { mailbox });
    const first = await browser.newPage();
    await first.goto(`${origin}/demo/`);
    await until(first, "the first checkpoint", ({ committed }) => committed > 0);
    await browser.close();
    for (let round = 0; round <= KILLS; round++) {
      if (kind.browser === "firefox") await moveProfile(home, round);
      browser = await launch(kind, home.path, { mailbox });
      version ??= await browser.version();
      const page = await browser.newPage();
      await page.goto(`${origin}/demo/`);
      if (round > 0) {
        const { verdict, said, text } = await until(page, "a proof", ({ proofs }) => proofs > 0);
        const proved = Number(said.match(/^Exactly once: ([\d,]+) records/)?.[1].replaceAll(",", "") ?? Number.NaN);
        // At the stream's end there is a proof too, whatever came back.
        if (verdict !== "equal" || !text.startsWith("After a recovery") || !(proved >= least)) {
          throw new Error(`seed ${seed}, after ${round} kills, ${least} records checkpointed: ${said} ${text}`);
        }
        least = proved;
      }
      if (round === KILLS) break;
      // At least one more checkpoint each time, and what the page says is durable must come back.
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
