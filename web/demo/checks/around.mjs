// The page as a whole, and the way to the command line and back.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { FLIGHTS, check, checkInChromium, equal, holds, isChromium, same, tally } from "./tally.mjs";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
const flightsFile = join(root, "tests/data/flights-2013-01.csv.gz");
const command = process.env.ALLUVIUM ?? join(root, "target/debug/alluvium");
const plugin = process.env.ALLUVIUM_DELAYS ?? join(root, "target/wasm32-wasip2/release/delays.wasm");

/** Checks that the page can be read and used at both widths. */
export async function readable({ demo }) {
  const { page } = demo;

  await check("the page is readable at both widths, and every control has a name", async () => {
    for (const width of [390, 1400]) {
      await page.setViewport({ width, height: 900 });
      const scrolled = await page.evaluate(() => document.documentElement.scrollWidth);
      holds(`the page is ${scrolled} wide in a window of ${width}`, scrolled <= width);
    }
    if (!isChromium) return "only the widths";
    const nodes = [];
    const walk = (node) => {
      nodes.push(node);
      node.children?.forEach(walk);
    };
    walk(await page.accessibility.snapshot());
    const controls = nodes.filter(({ role }) => /^(button|combobox|slider|spinbutton|checkbox|progressbar|img)$/.test(role));
    holds("there are controls", controls.length >= 12);
    const nameless = controls.filter(({ name }) => !name);
    same("nameless controls", JSON.stringify(nameless), "[]");
    return `${controls.length} controls`;
  });
}

/** Checks that a checkpoint goes to the command line and back. */
export async function commandLine({ demo, bringIn, choose, download, pauseStream, startOver }) {
  if (existsSync(command) && existsSync(plugin)) {
    await checkInChromium("a stream begins in the browser, continues in the command and opens in the browser again", async () => {
      await choose("storage", "indexeddb");
      await demo.set({ rate: 5_000, every: 1_000 });
      await startOver();
      await demo.records(9_000);
      await pauseStream();
      const begun = await download(9_000);
      const at = (await demo.rows())[0].records;
      const [there, alone, tar] = ["continued", "uninterrupted", "continued.tar"].map((name) => join(demo.folder, name));
      await run(command, ["import", begun, there]);
      const feed = (dir) => run(command, ["run", plugin, "--dir", dir, "--input", flightsFile, "--checkpoint-every", "1000"], { maxBuffer: 1 << 26 });
      const [continued, whole] = [await feed(there), await feed(alone)];
      same("results of the two runs", continued.stdout, whole.stdout);
      const dumps = await Promise.all([there, alone].map((dir) => run(command, ["dump", dir], { maxBuffer: 1 << 26 })));
      same("the two states", dumps[0].stdout, dumps[1].stdout);
      await run(command, ["export", there, tar]);
      equal(await bringIn(tar), FLIGHTS);
      same("flights", await demo.number("flights"), FLIGHTS);
      return `from ${at} records`;
    });
  } else {
    tally.skipped++;
    console.log(`SKIPPED the command and back: ${existsSync(command) ? plugin : command} is not built`);
  }
}
