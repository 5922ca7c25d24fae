// The browsers that are installed, started with a profile of their own.

import { existsSync } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import puppeteer from "puppeteer-core";

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

/** A profile's folder, removed by `discard`. */
export async function profile() {
  const path = await mkdtemp(join(tmpdir(), "alluvium-profile-"));
  const made = { path, discard: () => rm(made.path, { recursive: true, force: true, maxRetries: 5 }) };
  return made;
}

/**
 * Gives a profile another folder. After a kill the driver of Firefox puts preferences back into the
 * old one, at a time of its own, and would pull them from under the next start.
 */
export async function moveProfile(moved, round) {
  const path = `${moved.path.replace(/-moved\d+$/, "")}-moved${round}`;
  await rename(moved.path, path);
  moved.path = path;
}

/** Starts a browser on a profile; Firefox with preferences, WebKit with the server that its page asks. */
export function launch(kind, userDataDir, { preferences, mailbox } = {}) {
  const { browser, path, args } = kind;
  if (browser === "webkit") return launchWebKit(kind, userDataDir, mailbox);
  const options = { browser, executablePath: path, args, userDataDir, headless: true, protocolTimeout: 300_000 };
  return puppeteer.launch({ ...options, ...(preferences && { extraPrefsFirefox: preferences }) });
}

/** SIGKILL to the browser and everything it started, as a power button would; nothing if it is gone. */
export async function kill(launched) {
  const { pid, exitCode, signalCode } = launched.process();
  if (exitCode !== null || signalCode !== null) return;
  const gone = new Promise((resolve) => launched.process().once("exit", resolve));
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    process.kill(pid, "SIGKILL");
  }
  await gone;
  await launched.close().catch(() => {});
}
