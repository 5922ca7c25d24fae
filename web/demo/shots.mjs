// Takes screenshots of the demo's first view at both widths, light and dark: `node web/demo/shots.mjs FOLDER`.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openDemo } from "./drive.mjs";

const KEYS = 1_000_000;

const folder = process.argv[2] ?? "screenshots";
await mkdir(folder, { recursive: true });
const demo = await openDemo("chromium", KEYS);
try {
  const { page } = demo;
  const begun = Date.now();
  await demo.records(1);
  console.log(`the first record is shown after ${Date.now() - begun} ms`);
  await demo.until((keys) => document.querySelector("#keys").textContent === keys, KEYS.toLocaleString("en"));
  console.log(`${KEYS} keys are written after ${Date.now() - begun} ms`);
  await demo.records(9_400);
  const killed = Date.now();
  await demo.kill();
  console.log(`a kill is proved after ${Date.now() - killed} ms`);
  await demo.until(() => !document.querySelector("#steps .waits"));
  await demo.records((await demo.number("records")) + 2_200);
  await demo.press("#pause");
  await demo.until(() => document.querySelector("#state").dataset.state === "paused");
  console.log(`a checkpoint wrote ${await demo.text("last-bytes")}, the state has ${await demo.text("state-bytes")}`);
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.activeElement.blur());
  for (const scheme of ["light", "dark"]) {
    for (const [width, height] of [[1280, 1060], [390, 1400]]) {
      await page.setViewport({ width, height });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      await page.screenshot({ path: join(folder, `demo-${width}-${scheme}.png`) });
    }
  }
} finally {
  await demo.close();
}
