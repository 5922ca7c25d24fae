// Pages of the project in Chromium. What a page reports goes over a POST, not over the debugging protocol.

import { browsers, kill, launch, profile } from "../browsers.mjs";
import { serve } from "../server.mjs";
import { project } from "./project.mjs";

/** After this time without a report, waiting for a page fails. */
const REPORTS_WITHIN_MS = 60_000;

/** Serves the project, and starts Chromium. `inPage(path)` opens a page and returns what it reported. */
export async function pages() {
  let tell;
  const site = await serve([["/", project]], { posted: (path, body) => (path === "/reported" && tell?.(body), undefined) });
  const kind = browsers.find(({ name }) => name === "chromium");
  if (kind.path === undefined) throw new Error("chromium is not installed");
  const { path, discard } = await profile();
  const browser = await launch(kind, path);
  return {
    async inPage(path) {
      const page = await browser.newPage();
      try {
        return await new Promise((resolve, reject) => {
          const late = setTimeout(() => reject(new Error(`${path} reported nothing within ${REPORTS_WITHIN_MS} ms`)), REPORTS_WITHIN_MS);
          tell = (body) => (clearTimeout(late), resolve(body));
          page.goto(site.origin + path).catch(reject);
        });
      } finally {
        tell = undefined;
        await page.close();
      }
    },
    async close() {
      await kill(browser);
      await discard();
      site.close();
    },
  };
}
