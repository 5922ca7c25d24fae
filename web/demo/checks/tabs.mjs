// Two tabs on one storage: one has the stream, and the other mirrors it, takes over, and gives it back by closing.

import { verbsOf } from "../drive.mjs";
import { check, equal, holds, same } from "./tally.mjs";

/** Runs these checks on a demo that is open. */
export async function tabs({ demo, choose, startOver }) {
  const { page } = demo;

  await check("a second tab mirrors the first, takes over when told to, and gives the stream back when it closes", async () => {
    await choose("source", "flights");
    await choose("storage", "indexeddb");
    await demo.set({ rate: 500, every: 100 });
    await startOver();
    await demo.records(200);
    const second = await demo.browser.newPage();
    let there;
    try {
      // Without a number of keys in the address, the second tab has the settings of the first.
      await second.goto(new URL("/", demo.address).href);
      const other = verbsOf(second);
      await other.until(() => document.querySelector("#take-over").checkVisibility());
      holds("a mirror kills nothing", await second.$eval("#kill", (button) => button.disabled));
      const seen = await other.number("records");
      await other.records(Math.max(seen, 200) + 200);
      const kept = await second.$$eval("#checkpoint-rows tr[data-id]", (lines) => lines.length);
      holds(`${kept} checkpoints are mirrored`, kept > 0);

      equal(await other.proved(() => other.press("#take-over"), "recovery"));
      await demo.until(() => document.querySelector("#take-over").checkVisibility());
      const before = await other.number("records");
      await other.records(before + 200);
      // The first one now mirrors the second. It is behind it, so it is asked by its text and draws nothing.
      await demo.records(before + 200);
      holds("the first one kills nothing", await page.$eval("#kill", (button) => button.disabled));
      there = (await other.rows())[0].records;
    } finally {
      // A page behind another one draws nothing, so it would wait forever.
      await second.close();
      await page.bringToFront();
    }
    await demo.until(() => document.querySelector("#proof").dataset.verdict === "equal" && document.querySelector("#mirror").hidden && !document.querySelector("#kill").disabled);
    const now = await demo.number("records");
    holds(`the first one continues at ${now}, and ${there} were durable`, now >= there);
    equal(await demo.kill());
  });

  await check("a storage that something else holds is an error with a way out", async () => {
    await demo.set({ rate: 500, every: 100 });
    await demo.records((await demo.number("records")) + 200);
    // Whatever opens the storage without asking the demo's tabs takes the package's own lock.
    await page.evaluate(() => void navigator.locks.request("alluvium/indexeddb/demo-flights", { steal: true }, () => new Promise(() => {})).catch(() => {}));
    await demo.until(() => document.querySelector("#take-over-fenced").checkVisibility());
    const why = await demo.text("failure-text");
    holds(`the page says ${why}`, why.includes("fenced"));
    equal(await demo.proved(() => demo.press("#take-over-fenced"), "recovery"));
    same("the failure", await page.$eval("#failure", (element) => element.hidden), true);
  });
}
