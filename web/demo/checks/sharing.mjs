// A checkpoint goes to somebody else by a link, or by a file if it is too large.

import { verbsOf } from "../drive.mjs";
import { check, checkInChromium, equal, holds, same } from "./tally.mjs";

/** Runs these checks on a demo that is open. */
export async function sharing({ demo, choose, said, startOver }) {
  const { page } = demo;
  let link;

  await check("a small state is a link, and opening it elsewhere gives that state", async () => {
    await choose("source", "flights");
    await demo.set({ rate: 5_000, every: 1_000 });
    await startOver();
    await demo.records(9_500);
    await demo.press("#pause");
    await demo.until(() => document.querySelector("#state").dataset.state === "paused");
    const row = (await demo.rows())[0];
    await said(() => demo.press(`tr[data-id="${row.id}"] [data-act="link"]`), /The link to checkpoint/);
    link = await page.$eval("#link", (input) => input.value);
    holds(`${link.length} characters`, link.length > 1_000 && link.length < 16_500);
    // Another person has another storage: here, that of a context without anything in it.
    const context = await demo.browser.createBrowserContext();
    try {
      const other = await context.newPage();
      await other.goto(link);
      const there = verbsOf(other);
      await there.until(() => document.querySelector("#offer-open").checkVisibility());
      equal(await there.proved(() => there.press("#offer-open"), "import"), row.records);
      same("the source", await other.$eval("#source", (select) => select.value), "flights");
      same("the address is clean", new URL(await other.evaluate(() => location.href)).hash, "");
    } finally {
      await context.close();
      await page.bringToFront();
    }
    await demo.press("#pause");
    return `${link.length} characters for ${row.records} records`;
  });

  await check("a link that was cut off or changed says so, and changes nothing", async () => {
    const records = await demo.number("records");
    // A bomb: 64 MiB of zeros, compressed with deflate.
    const bomb = await page.evaluate(async () => {
      const packed = await new Response(new Blob([new Uint8Array(1 << 23)]).stream().pipeThrough(new CompressionStream("deflate-raw"))).arrayBuffer();
      return btoa(Array.from(new Uint8Array(packed), (byte) => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
    });
    const second = await demo.browser.newPage();
    try {
      const wrong = [
        [link.slice(0, -40), "cut off"],
        [link.replace("#state=flights", "#state=<b>"), "not of the form"],
        [`${demo.address}#state=flights.${"A".repeat(20_000)}`, "longer than"],
        [`${demo.address}#state=flights.${bomb}`, "unpacks to more than"],
      ];
      for (const [address, why] of wrong) {
        await second.goto("about:blank");
        await second.goto(address);
        const there = verbsOf(second);
        await there.until(() => document.querySelector("#offer-text").textContent !== "");
        const text = await there.text("offer-text");
        holds(`${why}: the page says ${text}`, text.includes("cannot be opened") && text.includes(why));
        same("it can be opened", await second.$eval("#offer-open", (button) => button.checkVisibility()), false);
      }
    } finally {
      await second.close();
      await page.bringToFront();
    }
    holds("the first tab has lost nothing", (await demo.number("records")) >= records);
  });

  await checkInChromium("a large state is a file", async () => {
    await choose("source", "firehose-20000");
    await demo.set({ rate: 200_000, every: 50_000 });
    await startOver();
    await demo.until(() => Number(document.querySelector("#checkpoint-rows tr")?.dataset.records) >= 100_000);
    const log = await said(() => demo.press('#checkpoint-rows tr:first-child [data-act="link"]'), /Downloaded/);
    holds(`the log says ${log}`, log.includes("too large for a link"));
    await demo.set({ rate: 1_000, every: 1_000 });
  });
}
