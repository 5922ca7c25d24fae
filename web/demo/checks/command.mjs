// The way to the command line and back.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { FLIGHTS, checkInChromium, equal, same, tally } from "./tally.mjs";

export const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
export const flightsFile = join(root, "tests/data/flights-2013-01.csv.gz");
export const command = process.env.ALLUVIUM ?? join(root, "target/debug/alluvium");
export const plugin = process.env.ALLUVIUM_DELAYS ?? join(root, "target/wasm32-wasip2/release/delays.wasm");

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
