// What a person asks for while the demo opens takes effect: settings, a new start, and a file.

import { check, equal, holds, pause, same } from "./tally.mjs";

/** Runs these checks on a demo that is open. */
export async function settings({ demo, startOver }) {
  const { page } = demo;

  await check("settings that are made while the demo opens take effect", async () => {
    await demo.set({ rate: 5_000, every: 500 });
    await startOver();
    await demo.records(2_000);
    await demo.checkpointed();
    // One task does all of this, so the new worker has not even loaded when the settings change.
    const act = () => {
      document.querySelector("#kill").click();
      const every = document.querySelector("#every");
      every.value = "700";
      every.dispatchEvent(new Event("change", { bubbles: true }));
      document.querySelector("#pause").click();
    };
    const at = equal(await demo.proved(() => page.evaluate(act), "recovery"));
    await demo.until(() => document.querySelector("#state").dataset.state === "paused");
    await pause(500);
    same("records while it is paused", await demo.number("records"), at);
    await demo.press("#pause");
    await demo.records(at + 2_500);
    const rows = (await demo.rows()).filter(({ records }) => records > at);
    holds(`checkpoints every 700 records: ${rows.map(({ records }) => records)}`, rows.length >= 2 && rows.every(({ records }) => records % 700 === 0));
  });

  await check("a new start that is killed while it opens is a new start all the same", async () => {
    await demo.set({ rate: 50, every: 500 });
    const before = await demo.number("records");
    await page.$eval("#log", (list) => list.replaceChildren());
    await page.evaluate(() => {
      document.querySelector("#start-over").click();
      document.querySelector("#kill").click();
    });
    await demo.until(() => /Nothing stored|Recovered/.test(document.querySelector("#log").textContent));
    const said = await demo.text("log");
    holds(`after ${before} records the page says ${said}`, said.includes("Nothing stored"));
  });
}
