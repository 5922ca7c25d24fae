// Workers and tabs end at random moments.

import { check, equal, holds, pause, random, same } from "./tally.mjs";

/** Runs these checks on a demo that is open. */
export async function kills({ demo, choose, startOver }) {
  const { page } = demo;

  await check("the demo opens, and only requests its own origin", async () => {
    await choose("source", "flights");
    await demo.set({ rate: 5_000, every: 500 });
    await startOver();
    await demo.records(1_000);
    same("origins", [...demo.requests].join(), new URL(demo.address).origin);
  });

  await check("the worker is killed ten times at random moments", async () => {
    let newest = 0;
    const offsets = [];
    for (let kill = 0; kill < 10; kill++) {
      await pause(30 + random() * 300);
      const proved = equal(await demo.kill());
      holds(`${proved} records after ${newest}: a reported checkpoint is gone`, proved >= newest);
      offsets.push((newest = proved));
    }
    return `recovered at ${offsets.join(", ")}`;
  });

  await check("the tab crashes", async () => {
    const before = await demo.number("records");
    await demo.reloadedBy("#crash");
    await demo.until(() => document.querySelector("#proof").dataset.verdict !== "none");
    const proved = equal(await demo.proof());
    holds("the log tells of the crash", (await demo.text("log")).includes("The tab crashed"));
    const story = await demo.text("steps");
    holds(`the story tells of it: ${story}`, /The tab ends.*A new worker opens checkpoint \d+/.test(story));
    const shown = await page.$eval("#chart-bytes", (chart) => Number(chart.getAttribute("aria-label").match(/, (\d+) checkpoints/)[1]));
    const kept = (await demo.rows()).length;
    holds(`the charts show ${shown} checkpoints after the reload, and ${kept} are kept`, shown > kept);
    return `recovered at ${proved}, seen ${before}`;
  });

  await check("the worker is killed ten times by the page's own button", async () => {
    await startOver();
    await demo.set({ rate: 1_000, every: 200 });
    await demo.records(400);
    await demo.checkpointed();
    const before = await page.$eval("#log", (list) => list.querySelectorAll(".good").length);
    await demo.press("#kill-ten");
    await demo.until(() => document.querySelector("#kill-ten").textContent === "Kill it ten times" && !document.querySelector("#kill-ten").disabled);
    const proofs = await page.$eval("#log", (list) => list.querySelectorAll(".good").length);
    same("proofs that said equal", proofs - before, 10);
  });
}
