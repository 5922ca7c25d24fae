// Uses the demo like a person would, in a real browser with a fresh profile.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { browsers, launch, profile } from "../test/browsers.mjs";

/** Returns the path of a browser, `"chromium"` or `"firefox"`, or undefined if it is not installed. */
export const executable = (kind) => browsers.find(({ name }) => name === kind)?.path;

/** Starts `serve.mjs` on a free port. Returns its address. */
async function serve() {
  const script = fileURLToPath(new URL("serve.mjs", import.meta.url));
  const server = spawn(process.execPath, [script, "0"], { stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => server.kill());
  const said = await Promise.race([once(server.stdout, "data"), once(server, "exit").then(() => undefined)]);
  if (said === undefined) throw new Error("serve.mjs ended before it said its address");
  return { address: String(said[0]).trim(), stop: () => server.kill() };
}

/** How many routes the large state of a demo has that is driven. A visitor's has up to a million. */
const KEYS = 20_000;

/** Opens the demo. In Chromium, `downloads` is the folder that the page's downloads go to. */
export async function openDemo(kind = "chromium", keys = KEYS) {
  const executablePath = executable(kind);
  if (executablePath === undefined) throw new Error(`no ${kind}: install it, or name it in ${kind.toUpperCase()}`);
  const { path, folder, discard } = await profile();
  const server = await serve();
  const browser = await launch(browsers.find(({ name }) => name === kind), path);
  const close = async () => {
    await browser.close();
    server.stop();
    await discard();
  };
  try {
    const page = await browser.newPage();
    await page.setViewport({ width: 1400, height: 1000 });
    const errors = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    const requests = new Set();
    page.on("request", (request) => request.url().startsWith("data:") || requests.add(new URL(request.url()).origin));
    const downloads = join(folder, "downloads");
    if (kind === "chromium") {
      const session = await browser.target().createCDPSession();
      await session.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: downloads, eventsEnabled: true });
    }
    const address = `${server.address}?keys=${keys}`;
    await page.goto(address);
    return { page, browser, errors, requests, downloads, folder, address, close, ...verbsOf(page) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Returns the functions that use a page of the demo. */
export function verbsOf(page) {
  const text = (id) => page.$eval(`#${id}`, (element) => element.textContent);
  const number = async (id) => Number((await text(id)).replaceAll(",", ""));

  /** Returns what the page shows of itself, for an error: its state, and the newest lines of its log. */
  const seen = () =>
    page.evaluate(() => {
      const lines = [...document.querySelectorAll("#log > *")].slice(0, 8).map((line) => line.textContent);
      return `the state is ${document.querySelector("#state")?.dataset.state}, and the log, newest first: ${lines.join(" | ")}`;
    });

  /**
   * Waits until a condition holds in the page. Each check is a separate call that returns at once. If the
   * debugging protocol waited for a promise of the page, a garbage collection there could lose that promise.
   */
  const until = async (condition, ...args) => {
    for (const end = Date.now() + 120_000; !(await page.evaluate(condition, ...args)); ) {
      if (Date.now() > end) throw new Error(`two minutes passed before ${condition} held for ${JSON.stringify(args)}; ${await seen()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  /** Presses a control through its `click` method. The page may move it while a mouse pointer is on its way. */
  const press = (selector) =>
    page.$eval(selector, (element) => {
      if (!element.checkVisibility() || element.disabled) throw new Error(`cannot be pressed: ${element.outerHTML}`);
      element.click();
    });

  /**
   * Does something that ends in a proof, and returns that proof. `after` says which one: `"recovery"`, `"restore"`,
   * `"import"` or `"end"`. A proof of another kind may still be on its way from what was done before.
   */
  const proved = async (action, after) => {
    const before = await page.$eval("#proof", (element, after) => element.dataset[after] ?? "0", after);
    await action();
    await until((after, count) => (document.querySelector("#proof").dataset[after] ?? "0") !== count, after, before);
    return proof();
  };
  /** Waits for a first checkpoint. Before it there is nothing to recover, and so nothing to prove. */
  const checkpointed = () => until(() => document.querySelector("#newest").textContent !== "none");
  const proof = async () => ({ verdict: await page.$eval("#proof", (element) => element.dataset.verdict), text: await text("proof-verdict") });

  return {
    text,
    number,
    until,
    proved,
    proof,
    /** Waits until that many records are consumed. */
    records: (least) => until((n) => Number(document.querySelector("#records").textContent.replaceAll(",", "")) >= n, least),
    complete: () => until(() => document.querySelector("#state").dataset.state === "complete"),
    press,
    checkpointed,
    /** Kills the worker, and waits for the proof that its recovery ends in. */
    async kill() {
      await checkpointed();
      return proved(() => press("#kill"), "recovery");
    },
    /**
     * Presses a control that reloads the page. Resolves when the new document has loaded. The control is pressed in
     * a separate task, so that the call returns before the navigation begins.
     */
    async reloadedBy(selector) {
      const loaded = new Promise((resolve) => page.once("load", resolve));
      await page.$eval(selector, (element) => void setTimeout(() => element.click()));
      await loaded;
    },
    /** Sets the rate and the checkpoint interval. The rate must be one that the slider offers. */
    async set({ rate, every }) {
      const rates = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, Infinity];
      await page.evaluate(
        (step, interval) => {
          const enter = (id, value, event) => {
            const input = document.querySelector(id);
            input.value = value;
            input.dispatchEvent(new Event(event, { bubbles: true }));
          };
          enter("#rate", step, "input");
          enter("#every", interval, "change");
        },
        String(rates.indexOf(rate)),
        String(every),
      );
    },
    rows: () =>
      page.$$eval("#checkpoint-rows tr[data-id]", (lines) =>
        lines.map(({ dataset: { id, records, share } }) => ({ id, records: Number(records), share: Number(share) })),
      ),
  };
}
