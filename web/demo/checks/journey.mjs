// A checkpoint on its way through everything: a browser, the inspector, the command, a Durable Object, and a browser again.

import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { install, within } from "../../test/edge/project.mjs";
import { started, worker } from "../../test/edge/suites/workerd.mjs";
import { verbsOf } from "../drive.mjs";
import { command, flightsFile, plugin, run } from "./command.mjs";
import { FLIGHTS, checkInChromium, equal, same, tally } from "./tally.mjs";

const inspector = fileURLToPath(new URL("../dist/inspector.html", import.meta.url));

/** Returns the digest that the inspector shows of the newest checkpoint in a file. */
async function inspected(demo, file) {
  const page = await demo.browser.newPage();
  try {
    await page.goto(pathToFileURL(inspector).href);
    await (await page.$("main >>> #file")).uploadFile(file);
    await verbsOf(page).until(() => document.querySelector("main > div").shadowRoot.querySelector(".chosen .facts") !== null);
    const facts = await page.$$eval("main >>> .chosen .facts > div", (all) => all.map(({ children: [name, text] }) => [name.textContent, text.textContent]));
    return Object.fromEntries(facts)["state digest"];
  } finally {
    await page.close();
  }
}

/** Gives a file to a Durable Object, which imports it, verifies it and exports it again. */
async function carried(demo, file) {
  install();
  const { ask, kill } = await started(await worker(), join(demo.folder, "objects"));
  try {
    return await ask("carries", { task: "carried", archive: (await readFile(file)).toString("base64") });
  } finally {
    await kill();
  }
}

/** Checks that the digest is the same at each stop. */
export async function journey({ demo, bringIn, choose, download, pauseStream, startOver }) {
  const missing = [command, plugin, within("miniflare")].find((path) => !existsSync(path));
  if (missing !== undefined) {
    tally.skipped++;
    console.log(`SKIPPED a checkpoint's journey: ${missing} is not there`);
    return;
  }
  await checkInChromium("a checkpoint has the same digest in a browser, the inspector, the command, a Durable Object and a browser again", async () => {
    await choose("source", "flights");
    await choose("storage", "indexeddb");
    await demo.set({ rate: 5_000, every: 1_000 });
    await startOver();
    await demo.records(6_000);
    await pauseStream();
    const begun = await download(6_000);
    const path = (name) => join(demo.folder, name);
    /** Imports a file and returns what the command says of it. The state is read, and compared with the digest. */
    const taken = async (file, dir) => {
      await run(command, ["import", file, path(dir)]);
      await run(command, ["verify", path(dir)]);
      return JSON.parse((await run(command, ["show", path(dir), "--json"])).stdout).alluvium.state_digest;
    };
    same("the inspector and the command, at the beginning", await inspected(demo, begun), await taken(begun, "journey"));

    await run(command, ["run", plugin, "--dir", path("journey"), "--input", flightsFile, "--no-results"], { maxBuffer: 1 << 26 });
    await run(command, ["export", path("journey"), path("journey.tar")]);
    const digest = await taken(path("journey.tar"), "journey-again");
    same("the inspector", await inspected(demo, path("journey.tar")), digest);
    const object = await carried(demo, path("journey.tar"));
    same("the Durable Object", `${object.digest}, ${object.isDamaged}`, `${digest}, false`);
    await writeFile(path("object.tar"), Buffer.from(object.archive, "base64"));
    equal(await bringIn(path("object.tar")), FLIGHTS);
    same("the browser", await taken(await download(FLIGHTS), "journey-back"), digest);
    return digest;
  });
}
