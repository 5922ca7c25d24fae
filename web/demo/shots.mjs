// Takes screenshots of the demo's first view at both widths, light and dark: `node web/demo/shots.mjs FOLDER`.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openDemo } from "./drive.mjs";

const folder = process.argv[2] ?? "screenshots";
await mkdir(folder, { recursive: true });
const demo = await openDemo();
try {
  const { page } = demo;
  await demo.set({ rate: 2_000, every: 500 });
  await demo.press("#start-over");
  await demo.records(9_000);
  await demo.kill();
  await demo.records(12_500);
  await demo.kill();
  await demo.records(16_000);
  await demo.press("#pause");
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.activeElement.blur());
  for (const scheme of ["light", "dark"]) {
    for (const [width, height] of [[1400, 1060], [390, 1400]]) {
      await page.setViewport({ width, height });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      await page.screenshot({ path: join(folder, `demo-${width}-${scheme}.png`) });
    }
  }
} finally {
  await demo.close();
}
