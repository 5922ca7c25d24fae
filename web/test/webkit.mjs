// WebKitGTK, driven without its automation mode, in which it keeps nothing on disk: no kill could be
// survived there. The browser opens one page of ours, which asks this process what to do and does it in
// frames of its own origin, one for each page that a test opens.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { end } from "./processes.mjs";

/** Where the page that drives lies; `serve` must mount this folder's `test/` there. */
const DRIVER = "/test/driver.html";

/**
 * WebAssembly is interpreted unless `ALLUVIUM_WEBKIT_JIT` is set: code of WebKitGTK 2.50's compilers traps
 * or reckons wrongly now and then, see web/README.md, and a test that fails by chance says nothing of ours.
 */
const INTERPRETED = process.env.ALLUVIUM_WEBKIT_JIT ? {} : { JSC_useBBQJIT: "0", JSC_useOMGJIT: "0" };

/** A browser whose page has not asked by then is taken for one that cannot start. */
const STARTS_WITHIN_MS = 60_000;

let screen;

/** A display server of this run's own, on a number that is free. */
async function displayed() {
  screen ??= (async () => {
    // Without -noreset it starts anew whenever its last client is gone, as after each kill, and turns away who comes then.
    const options = ["-displayfd", "1", "-screen", "0", "1400x1000x24", "-nolisten", "tcp", "-noreset"];
    const server = spawn("Xvfb", options, { stdio: ["ignore", "pipe", "ignore"] });
    process.once("exit", () => server.kill());
    const [number] = await once(server.stdout, "data");
    return `:${String(number).trim()}`;
  })();
  return screen;
}

/**
 * One browser on a profile; `mailbox` is where its page asks and answers; `around` is the
 * environment to add to, and `begun` is told of its process.
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
  const late = setTimeout(() => mailbox.end(id), STARTS_WITHIN_MS);
  await mailbox.ask(id, ["ready"]);
  clearTimeout(late);
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

/** A page as the tests know it, in a frame. */
function page(mailbox, id, frame) {
  const ask = (...what) => mailbox.ask(id, what);
  const evaluate = (what, ...args) => ask("evaluate", frame, typeof what === "string" ? `() => (${what})` : String(what), args);
  const waitForFunction = async (what, { timeout = 60_000 } = {}, ...args) => {
    for (const until = Date.now() + timeout; !(await evaluate(what, ...args)); ) {
      if (Date.now() > until) throw new Error(`waited ${timeout} ms for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return {
    evaluate,
    waitForFunction,
    goto: (address) => ask("goto", frame, address),
    reload: () => ask("reload", frame),
    title: () => evaluate("document.title"),
    close: () => ask("close", frame),
    on() {},
  };
}

/** Questions to pages and their answers, over the server of the tests: pass its POSTs to `posted`, and set its `origin`. */
export function mailboxes() {
  const boxes = new Map();
  let last = 0;
  const deliver = (box) => {
    if (box.waiting === undefined || box.questions.length === 0) return;
    box.waiting(JSON.stringify(box.questions.shift()));
    box.waiting = undefined;
  };
  return {
    origin: undefined,
    register() {
      boxes.set(String(++last), { questions: [], answers: new Map(), waiting: undefined });
      return String(last);
    },
    ask(id, what) {
      const box = boxes.get(id);
      if (box === undefined) return Promise.reject(new Error("the browser is gone"));
      return new Promise((resolve, reject) => {
        const number = ++last;
        box.answers.set(number, { resolve, reject });
        box.questions.push([number, ...what]);
        deliver(box);
      });
    },
    /** What a page POSTs: an answer, or nothing; gives the next question as soon as there is one. */
    posted(path, body) {
      const id = path.match(/^\/driver\/(\d+)$/)?.[1];
      if (id === undefined) return undefined;
      const box = boxes.get(id);
      if (box === undefined) return "[]";
      const { number, result, error } = JSON.parse(body);
      const answered = box.answers.get(number);
      box.answers.delete(number);
      if (error !== undefined) answered?.reject(new Error(error));
      else answered?.resolve(result);
      if (number !== undefined) return undefined;
      return new Promise((resolve) => {
        box.waiting = resolve;
        deliver(box);
      });
    },
    end(id) {
      for (const { reject } of boxes.get(id)?.answers.values() ?? []) reject(new Error("the browser is gone"));
      boxes.get(id)?.waiting?.("[]");
      boxes.delete(id);
    },
  };
}
