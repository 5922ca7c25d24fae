// Helpers for pages of the tests.

import { same } from "./harness.mjs";
import { mailbox, origin } from "./site.mjs";
import { openTab } from "./tabs.mjs";

/** Opens a page of the tests. It has the package, and the engine's functions for tests. */
export const open = (browser, from = origin) => openTab(browser, mailbox, `${from}/test/page.html`);

/** Runs one task in a worker of the page. */
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

/** Returns the storages that a browser has in workers. */
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
