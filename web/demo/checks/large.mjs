// The large state: it is filled while the stream runs, and a checkpoint writes a sliver of it, also after kills.

import { verbsOf } from "../drive.mjs";
import { check, equal, holds, pause, random, same } from "./tally.mjs";

const isFilled = () => document.querySelector("#filling").textContent === "" && document.querySelector("#keys").textContent === "20,000";

/** Runs these checks on a demo that is open. */
export async function large({ demo, choose, startOver }) {
  const { page } = demo;

  await check("the demo opens on a large state, and the stream runs while it is written", async () => {
    const source = await page.$eval("#source", (select) => select.selectedOptions[0].text);
    same("source", source, "20,000 routes, 1,000 of them in use");
    await demo.records(1);
    await demo.until(isFilled);
    await demo.set({ rate: 2_000, every: 500 });
    const from = await demo.number("records");
    await demo.records(from + 2_500);
    const shares = (await demo.rows()).filter(({ records }) => records > from + 500).map(({ share }) => share);
    holds(`checkpoints: ${shares}`, shares.length >= 2);
    holds(`the smallest wrote ${Math.min(...shares)} of the state`, Math.min(...shares) < 0.05);
    // Both bars have the same scale.
    await demo.press("#pause");
    await demo.until(() => document.querySelector("#state").dataset.state === "paused" && document.getAnimations().length === 0);
    const [whole, part, share] = await page.evaluate(() => [
      ...["#state-bar", "#last-bar"].map((id) => document.querySelector(id).getBoundingClientRect().width),
      Number.parseFloat(document.querySelector("#last-share").textContent) / 100,
    ]);
    holds(`bars of ${whole} and ${part} pixels for ${share}`, Math.abs(part / whole - share) < 0.002 || part === 1);
    await demo.press("#pause");
    return `${(100 * Math.min(...shares)).toFixed(2)} % of the state`;
  });

  await check("kills while the large state is written lose nothing", async () => {
    await page.goto(demo.address.replace("20000", "200000"));
    await demo.set({ rate: 10_000, every: 100 });
    await startOver();
    const newest = () => Math.max(0, ...[...document.querySelectorAll("#checkpoint-rows tr[data-id]")].map(({ dataset }) => Number(dataset.id)));
    /** Kills the worker. Returns how many keys its recovery proved. */
    const killed = async () => {
      const proof = await demo.kill();
      equal(proof);
      return Number(proof.text.match(/([\d,]+) keys/)[1].replaceAll(",", ""));
    };
    const written = [];
    for (let kill = 0; kill < 4; kill++) {
      await demo.until(() => document.querySelectorAll("#checkpoint-rows tr[data-id]").length > 0);
      await pause(random() * 50);
      written.push(await killed());
    }
    holds(`the state was written already: ${written}`, written[0] < 200_000);
    // The page shows every key before a checkpoint holds it. One checkpoint may have begun before the last key was
    // written, so the one after it is the first that is sure to hold all of them.
    // What the page shows may still be of before the kill. Once there are more records, it is of after it.
    await demo.records((await demo.number("records")) + 1);
    await demo.until(() => document.querySelector("#keys").textContent === "200,000");
    const before = await page.evaluate(newest);
    await demo.until(`(${newest})() >= ${before + 2}`);
    same("keys", await killed(), 200_000);
    return `recovered with ${written.join(", ")} keys`;
  });

  await check("without a number in the address, a desktop gets a million keys and a small device a tenth of them", async () => {
    for (const [deviceMemory, keys] of [[2, "100,000"], [8, "1,000,000"]]) {
      // A visitor who comes for the first time: nothing is kept from another visit.
      const visitor = await demo.browser.createBrowserContext();
      try {
        const first = await visitor.newPage();
        await first.evaluateOnNewDocument((values) => {
          for (const [name, value] of Object.entries(values)) Object.defineProperty(navigator, name, { value });
        }, { deviceMemory, hardwareConcurrency: 8 });
        await first.goto(demo.address.split("?")[0]);
        same("source", await first.$eval("#source", (select) => select.selectedOptions[0].text), `${keys} routes, 1,000 of them in use`);
        const { records, until } = verbsOf(first);
        await records(1);
        await until((keys) => document.querySelector("#filling").textContent === "" && document.querySelector("#keys").textContent === keys, keys);
      } finally {
        await visitor.close();
      }
    }
    await page.bringToFront();
  });

  await check("the story of a kill has every step, with its figures", async () => {
    await page.goto(demo.address);
    await demo.set({ rate: 1_000, every: 1_000 });
    await demo.until(isFilled);
    await demo.records((await demo.number("records")) + 1_300);
    equal(await demo.kill());
    await demo.until(() => !document.querySelector("#steps .waits"));
    const steps = await page.$$eval("#steps li", (lines) => lines.map((line) => line.textContent));
    const figure = (at) => Number(steps[at].match(/\d[\d,]*/)[0].replaceAll(",", ""));
    same("steps", steps.map((step) => step.split(/ [+\d]| equal/)[0]).join(), "Cut,After it,Kill,Rollback,Replay,Proof");
    same("the cut and the rollback", figure(0), figure(3));
    same("what came after the cut, and the kill", figure(0) + figure(1), figure(2));
    same("what was replayed", figure(4), figure(1));
    holds(`the proof: ${steps[5]}`, steps[5].includes("equal 20,000 keys"));
    const label = await page.$eval("#timeline", (chart) => chart.getAttribute("aria-label"));
    holds(`the chart says ${label}`, label.includes("Rollback"));
  });

  await check("the lines of code that the page shows run, and a second run counts nothing twice", async () => {
    for (const _ of [1, 2]) {
      await page.$eval("#lines-result", (element) => (element.textContent = ""));
      await demo.press("#run-lines");
      await demo.until(() => document.querySelector("#lines-result").textContent !== "");
      const said = await demo.text("lines-result");
      holds(`the page says ${said}`, said.startsWith("anna is 2,"));
    }
  });
  await choose("source", "flights");
}
