// Starts the installed browsers, each with its own profile.

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

/** The browsers that can be tested. `path` is set if the browser is installed. */
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

/** Says why a browser that is not installed is skipped. */
export const missing = ({ packages }) => `not installed: apt-get install ${packages}`;

/** The start of a folder's name. Each browser has one folder per run, for its profile and its temporary files. */
const BEGINS = "alluvium-browser-";

/** The first process of each running browser, and the existing folders. Both are removed when this process exits. */
const running = new Set();
const folders = new Set();
process.on("exit", () => {
  for (const pid of running) strike(pid);
  for (const folder of folders) remove(folder);
});
for (const [name, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]]) process.once(name, () => process.exit(128 + number));

/** Removes a folder. It tries several times, because a browser that was just killed may still write a file into it. */
const remove = (folder) => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });

/** Removes the folders of earlier runs that were killed. Each folder's name has its run's process id, which is free by then. */
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

/** Makes a folder for a profile, and one for temporary files beside it. `discard` removes both. */
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
 * Moves a profile to another folder. After a kill, Firefox's driver restores preferences in the old folder at some
 * later time. It would change them while the next browser starts.
 */
export async function moveProfile(moved, round) {
  const path = `${moved.path.replace(/-moved\d+$/, "")}-moved${round}`;
  renameSync(moved.path, path);
  moved.path = path;
}

/** Starts a browser on a profile that `profile` made. Firefox takes `preferences`. WebKit needs the `mailbox` that its page asks. */
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

/** Kills the browser and everything that it started, with SIGKILL. Resolves when all of it is dead. Does nothing if the browser is gone. */
export async function kill(launched) {
  const { pid, exitCode, signalCode } = launched.process();
  // Another process may have its id by now.
  if (exitCode !== null || signalCode !== null) return;
  await end(pid);
  await launched.close().catch(() => {});
}
