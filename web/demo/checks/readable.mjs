// The page can be read and used by everybody: at both widths, in both colour schemes, by keyboard.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { check, checkInChromium, holds, isChromium, same } from "./tally.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WIDTHS = [390, 1280];

/** Returns what axe finds on a page, or an empty text. */
export async function violations(page, until) {
  // A page that forbids eval lets the debugging protocol evaluate a script all the same.
  await page.evaluate(axe);
  await page.evaluate(() => {
    globalThis.found = undefined;
    void globalThis.axe.run({ resultTypes: ["violations"] }).then(({ violations }) => (globalThis.found = violations));
  });
  await until(() => globalThis.found !== undefined);
  return page.evaluate(() => globalThis.found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`)).join("\n"));
}

/** Runs these checks on a demo that is open. */
export async function readable({ demo, choose, compared }) {
  const { page } = demo;
  const before = page.viewport();

  await check("the page is readable at both widths", async () => {
    for (const width of WIDTHS) {
      await page.setViewport({ width, height: 900 });
      const scrolled = await page.evaluate(() => document.documentElement.scrollWidth);
      holds(`the page is ${scrolled} wide in a window of ${width}`, scrolled <= width);
    }
  });

  await checkInChromium("axe finds nothing at both widths and in both colour schemes", async () => {
    await choose("source", "flights");
    await demo.set({ rate: 1_000, every: 500 });
    await demo.until(() => document.querySelectorAll("#checkpoint-rows tr[data-id]").length > 1 && document.querySelector("#state").dataset.state !== "proving");
    await compared();
    for (const value of ["light", "dark"]) {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }, { name: "prefers-reduced-motion", value: "reduce" }]);
      for (const width of WIDTHS) {
        await page.setViewport({ width, height: 900 });
        same(`${value}, ${width}`, await violations(page, demo.until), "");
        same("what moves", await page.evaluate(() => document.getAnimations().length), 0);
      }
    }
    await page.emulateMediaFeatures([]);
  });

  if (isChromium) {
    await check("every control has a name, and the keyboard reaches it", async () => {
      await page.setViewport({ width: 1280, height: 900 });
      // The stream stands still, so that no row of a table is replaced while the keyboard is on its way.
      await demo.press("#pause");
      try {
        await demo.until(() => ["paused", "complete"].includes(document.querySelector("#state").dataset.state));
        await demo.until(() => document.querySelector("#newest").textContent === document.querySelector("#checkpoint-rows tr").dataset.id);
        await page.evaluate(() => {
          document.activeElement?.blur();
          addEventListener("focusin", ({ target }) => (target.dataset.reached = "yes"));
        });
        const all = () => page.$$eval("button, select, input, summary, [tabindex='0']", (found) => found.filter((one) => one.checkVisibility() && !one.matches(":disabled")).map(({ outerHTML, dataset }) => [dataset.reached, outerHTML.slice(0, 100)]));
        const { length } = await all();
        for (let presses = 0; presses < length + 20; presses++) await page.keyboard.press("Tab");
        const missed = (await all()).filter(([reached]) => reached === undefined);
        same("controls that the keyboard does not reach", missed.join("\n"), "");
        return `${length} controls`;
      } finally {
        await demo.press("#pause");
      }
    });
  }
  await page.setViewport(before);
}
