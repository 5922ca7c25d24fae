// The browsers that are installed, started with a profile of their own.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import puppeteer from "puppeteer-core";

import { end, strike } from "./processes.mjs";
import { launchWebKit } from "./webkit.mjs";

const chromiumFlags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What may be tested, and where it is. */
export const browsers = [
  { name: "chromium", browser: "chrome", paths: [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"], args: chromiumFlags, packages: "chromium" },
  {
    name: "chromium-idb-sqlite",
    browser: "chrome",
    paths: [process.env.CHROMIUM, "/usr/bin/chromium"],
    args: [...chromiumFlags, "--enable-features=IdbSqliteBackingStore"],
    packages: "chromium",
  },
  { name: "firefox", browser: "firefox", paths: [process.env.FIREFOX, "/usr/bin/firefox-esr", "/usr/bin/firefox"], args: [], packages: "firefox-esr" },
  {
    name: "webkit",
    browser: "webkit",
    paths: [process.env.WEBKIT, ...["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/webkit2gtk-4.1/MiniBrowser`)],
    args: [],
    needs: "/usr/bin/Xvfb",
    packages: "webkit2gtk-driver xvfb",
  },
].map((entry) => ({ ...entry, path: existsSync(entry.needs ?? "/") ? entry.paths.find((path) => path && existsSync(path)) : undefined }));

/** Why a browser that is not installed is passed over. */
export const missing = ({ packages }) => `not installed: apt-get install ${packages}`;

/** Where a browser's files go: a folder of this run's, each browser with its profile and its temporary files in it. */
const BEGINS = "alluvium-browser-";

/** First processes of the browsers that run, and the folders that are there: nothing of either outlives this process. */
const running = new Set();
const folders = new Set();
process.on("exit", () => {
  for (const pid of running) strike(pid);
  for (const folder of folders) remove(folder);
});
for (const [name, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]]) process.once(name, () => process.exit(128 + number));

/** A browser that was struck a moment ago may still put a file into what is being removed. */
const remove = (folder) => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });

/** What a run left that was itself killed: its folders bear its number, and nobody has that any more. */
function sweep() {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(BEGINS) && Number(name.slice(BEGINS.length).split("-")[0]);
    if (!pid) continue;
    try {
      process.kill(pid, 0);
    } catch (error) {
      if (error.code === "ESRCH") remove(join(tmpdir(), name));
    }
  }
}

/** A profile's folder, with one for temporary files beside it; both removed by `discard`. */
export async function profile() {
  sweep();
  const folder = mkdtempSync(join(tmpdir(), `${BEGINS}${process.pid}-`));
  folders.add(folder);
  const path = join(folder, "profile");
  mkdirSync(path);
  const discard = async () => (remove(folder), void folders.delete(folder));
  return { path, folder, discard };
}

/**
 * Gives a profile another folder. After a kill the driver of Firefox puts preferences back into the
 * old one, at a time of its own, and would pull them from under the next start.
 */
export async function moveProfile(moved, round) {
  const path = `${moved.path.replace(/-moved\d+$/, "")}-moved${round}`;
  renameSync(moved.path, path);
  moved.path = path;
}

/** Starts a browser on a profile that `profile` made; Firefox with preferences, WebKit with the server that its page asks. */
export async function launch(kind, userDataDir, { preferences, mailbox } = {}) {
  const { browser, path, args } = kind;
  const temporary = join(dirname(userDataDir), "tmp");
  mkdirSync(temporary, { recursive: true });
  const env = { ...process.env, TMPDIR: temporary };
  const started = (child) => {
    running.add(child.pid);
    child.once("exit", () => running.delete(child.pid));
  };
  if (browser === "webkit") return launchWebKit(kind, userDataDir, mailbox, env, started);
  const options = { browser, executablePath: path, args, userDataDir, env, headless: true, protocolTimeout: 300_000 };
  const launched = await puppeteer.launch({ ...options, ...(preferences && { extraPrefsFirefox: preferences }) });
  started(launched.process());
  return launched;
}

/** SIGKILL to the browser and everything it started, as a power button would; resolves when all of it is dead. Nothing if it is gone. */
export async function kill(launched) {
  const { pid, exitCode, signalCode } = launched.process();
  // Its number may be somebody else's by now.
  if (exitCode !== null || signalCode !== null) return;
  await end(pid);
  await launched.close().catch(() => {});
}
