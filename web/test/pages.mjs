// What tests do with pages.

import { same } from "./harness.mjs";
import { origin } from "./site.mjs";

export async function open(browser, from = origin) {
  const page = await browser.newPage();
  await page.goto(`${from}/test/page.html`);
  await page.waitForFunction("document.title === 'ready'");
  return page;
}

/** One task in a worker of the page. */
export const inWorker = (page, task) =>
  page.evaluate(
    (task) =>
      new Promise((resolve, reject) => {
        const worker = new Worker("/test/worker.mjs", { type: "module" });
        worker.onerror = (event) => reject(new Error(event.message));
        worker.onmessage = ({ data }) => {
          if (data.ready) worker.postMessage(task);
          else if ("result" in data) resolve(data.result), worker.terminate();
          else if ("error" in data) reject(new Error(data.error)), worker.terminate();
        };
      }),
    task,
  );

export function conformant(report) {
  same("failed checks", report.failed, []);
  same("checks that ran", report.passed.length, report.expected);
  return `${report.passed.length} checks`;
}

/** Storages that a browser has in workers. */
export async function storagesOf(page) {
  const opfs = await page.evaluate(async () => {
    try {
      await navigator.storage.getDirectory();
      return "move" in FileSystemFileHandle.prototype;
    } catch {
      return false;
    }
  });
  return opfs ? ["indexeddb", "opfs"] : ["indexeddb"];
}
