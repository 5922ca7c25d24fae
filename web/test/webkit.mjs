// Starts and drives WebKitGTK. Its automation mode is not used, because it keeps nothing on disk there, so no
// kill could be survived. The browser opens driver.html, which opens a frame for each page that a test opens.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { end } from "./processes.mjs";

/** The path of the page that opens the frames. `serve` must mount this folder there. */
const DRIVER = "/test/driver.html";

/**
 * WebAssembly is interpreted unless `ALLUVIUM_WEBKIT_JIT` is set. Code that WebKitGTK 2.50 compiles sometimes traps
 * or computes wrong results (see docs/evidence.md). A test that fails by chance would say nothing about the package.
 */
const INTERPRETED = process.env.ALLUVIUM_WEBKIT_JIT ? {} : { JSC_useBBQJIT: "0", JSC_useOMGJIT: "0" };

let screen;

/** Starts a display server for this run, on a free number. */
async function displayed() {
  screen ??= (async () => {
    // Without -noreset the server resets when its last client is gone, as after each kill, and refuses clients meanwhile.
    const options = ["-displayfd", "1", "-screen", "0", "1400x1000x24", "-nolisten", "tcp", "-noreset"];
    const server = spawn("Xvfb", options, { stdio: ["ignore", "pipe", "ignore"] });
    process.once("exit", () => server.kill());
    const [number] = await once(server.stdout, "data");
    return `:${String(number).trim()}`;
  })();
  return screen;
}

/**
 * Starts a browser on a profile. Its page asks and answers through `mailbox`. `around` is the environment to which
 * variables are added. `begun` is called with the browser's process.
 */
export async function launchWebKit({ path, args }, userDataDir, mailbox, around, begun) {
  const folders = { HOME: ".", XDG_DATA_HOME: "data", XDG_CACHE_HOME: "cache", XDG_CONFIG_HOME: "config", XDG_RUNTIME_DIR: "run" };
  const env = { ...around, ...INTERPRETED, DISPLAY: await displayed(), GDK_BACKEND: "x11", WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" };
  for (const [name, folder] of Object.entries(folders)) {
    env[name] = join(userDataDir, folder);
    mkdirSync(env[name], { recursive: true, mode: 0o700 });
  }
  const id = mailbox.register();
  const started = spawn(path, [...args, `${mailbox.origin}${DRIVER}?${id}`], { env, detached: true, stdio: "ignore" });
  begun(started);
  const gone = new Promise((resolve) => started.once("exit", resolve).once("error", resolve));
  gone.then(() => mailbox.end(id));
  await mailbox.arrived(id);
  return {
    process: () => started,
    version: async () => (await mailbox.ask(id, ["evaluate", undefined, "() => navigator.userAgent", []])).replace(/^.*(Version\/\S+).*$/, "WebKitGTK $1"),
    newPage: async () => page(mailbox, id, await mailbox.ask(id, ["open"])),
    async close() {
      if (started.exitCode === null && started.signalCode === null) process.kill(-started.pid, "SIGTERM");
      await gone;
      await end(started.pid);
    },
  };
}

/** A page in a frame. `evaluate` is for pages that do not ask the mailbox themselves, such as the demo. */
function page(mailbox, id, frame) {
  const ask = (...what) => mailbox.ask(id, what);
  return {
    evaluate: (what, ...args) => ask("evaluate", frame, String(what), args),
    goto: (address) => ask("goto", frame, address),
    close: () => ask("close", frame),
  };
}
