// The flights are read to their end, and their checkpoints are used.

import { readFile } from "node:fs/promises";

import { FLIGHTS, check, checkInChromium, equal, holds, same } from "./tally.mjs";

/** Runs these checks on a demo that is open. */
export async function flights({ demo, bringIn, choose, compared, download, said, startOver }) {
  const { page } = demo;

  await check("the flights run to their end", async () => {
    await demo.set({ rate: 20_000, every: 1_000 });
    equal(await demo.proved(() => demo.complete(), "end"), FLIGHTS);
    same("flights", await demo.number("flights"), FLIGHTS);
    same("keys", await demo.number("keys"), 307);
    same("watermark", await page.$eval("#watermark", (element) => element.parentElement.textContent.replace(/\s+/g, " ").trim()), "1 Feb 2013 04:00 UTC");
  });

  await check("the worker is killed at the end, and nothing is lost", async () => {
    equal(await demo.kill(), FLIGHTS);
    same("flights", await demo.number("flights"), FLIGHTS);
  });

  await check("every byte is verified", () => said(() => demo.press("#verify"), /nothing is damaged/).then(() => ""));

  await check("two checkpoints are compared", async () => {
    const text = await compared();
    const [changed, added, removed, unchanged] = ["keys changed", "added", "removed", "the same"].map((what) => Number(text.match(new RegExp(`([\\d,]+) ${what}`))[1]));
    const listed = await page.$$eval("#diff-rows tr", (lines) => lines.length);
    same("keys in all", changed + added + removed + unchanged, 307);
    same("listed", listed, changed + added + removed);
    holds("something changed", changed > 0);
    return text;
  });

  await check("an older checkpoint is restored, and the stream runs to its end again", async () => {
    const rows = await demo.rows();
    const older = rows[3];
    holds(`an older one is kept: ${JSON.stringify(rows)}`, older && older.records < FLIGHTS);
    await demo.set({ rate: 1_000, every: 1_000 });
    equal(await demo.proved(() => demo.press(`tr[data-id="${older.id}"] [data-act="restore"]`), "restore"), older.records);
    await page.mouse.move(0, 0);
    await demo.set({ rate: 20_000, every: 1_000 });
    equal(await demo.proved(() => demo.complete(), "end"), FLIGHTS);
    same("flights", await demo.number("flights"), FLIGHTS);
    return `checkpoint ${older.id}, ${older.records} records`;
  });

  let archive;
  await checkInChromium("a checkpoint is downloaded, and imported again after starting over", async () => {
    archive = await download(FLIGHTS);
    holds("a tar", (await readFile(archive)).subarray(257, 262).toString() === "ustar");
    await startOver();
    equal(await bringIn(archive), FLIGHTS);
  });

  await checkInChromium("a proof that must fail fails", async () => {
    await choose("source", "firehose-1000");
    await demo.until(() => document.querySelector("#records").textContent !== "0" && document.querySelector("#state").dataset.state === "running");
    const { verdict, text } = await bringIn(archive);
    same("verdict", verdict, "differs");
    const listed = await page.$$eval("#difference-list li", (lines) => lines.length);
    holds("differences are listed", listed > 0);
    await startOver();
    return text;
  });
}
