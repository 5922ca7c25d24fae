// What a person does with the demo, and waits for.

import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { pause } from "./tally.mjs";

/** The acts on one demo that is open. */
export function actsOf(demo) {
  const { page } = demo;

  /** Does something that writes to the log, and waits for a line that matches `pattern`. Returns the log. */
  async function said(action, pattern) {
    await page.$eval("#log", (list) => list.replaceChildren());
    await action();
    await demo.until((source) => new RegExp(source).test(document.querySelector("#log").textContent), pattern.source);
    return page.$eval("#log", (list) => list.textContent);
  }

  async function choose(id, value) {
    await page.select(`#${id}`, value);
  }

  async function startOver() {
    // A stream that was paused before would stay paused.
    if (await page.$eval("#pause", (button) => button.getAttribute("aria-pressed") === "true")) await demo.press("#pause");
    // The newest line of the log comes first.
    await said(() => demo.press("#start-over"), /Nothing stored[^]*Starting over/);
    await demo.until(() => document.querySelector("#state").dataset.state === "running");
  }

  /** Downloads the newest kept checkpoint once it has that many records. Returns the file's path. */
  async function download(records) {
    await demo.until((least) => Number(document.querySelector("#checkpoint-rows tr")?.dataset.records) >= least, records);
    const before = new Set(await readdir(demo.downloads).catch(() => []));
    await said(() => demo.press('#checkpoint-rows tr:first-child [data-act="file"]'), /Downloaded/);
    for (const end = Date.now() + 60_000; Date.now() < end; ) {
      const name = (await readdir(demo.downloads).catch(() => [])).find((found) => !before.has(found) && found.endsWith(".tar"));
      if (name) return join(demo.downloads, name);
      await pause(25);
    }
    throw new Error("the download did not come");
  }

  /** Compares the two checkpoints that are chosen. */
  async function compared() {
    await page.$eval("#diff", (region) => (region.hidden = true));
    await page.$eval("#diff-form", (form) => form.requestSubmit());
    await demo.until(() => !document.querySelector("#diff").hidden);
    return demo.text("diff-text");
  }

  const bringIn = (path) => demo.proved(async () => (await page.$("#file")).uploadFile(path), "import");

  async function pauseStream() {
    await demo.press("#pause");
    await demo.until(() => document.querySelector("#state").dataset.state === "paused");
  }

  return { said, choose, startOver, download, compared, bringIn, pauseStream };
}
