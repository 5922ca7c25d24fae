// The package in workerd, the runtime of Cloudflare's workers, which miniflare starts.

import { mkdtempSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { root, same, seed, until } from "../../harness.mjs";
import { random } from "../../stream.mjs";
import { contracted } from "../../suites/contract.mjs";
import { appended, durableServer } from "../durable.mjs";
import { bundled, project, served, written } from "../project.mjs";

const here = fileURLToPath(new URL("../", import.meta.url));
/** How often workerd is killed with each storage. */
const kills = Number(process.env.ALLUVIUM_EDGE_KILLS ?? 5);

/** Bundles a worker as wrangler does: the condition `workerd`, and the wasm as a module beside it. */
export async function worker(entry = join(here, "object.mjs")) {
  const outdir = join(project, basename(entry, ".mjs"));
  const { metafile } = await bundled({
    entryPoints: [entry],
    nodePaths: [join(project, "node_modules")],
    outdir,
    format: "esm",
    metafile: true,
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
    loader: { ".wasm": "copy" },
    outExtension: { ".js": ".mjs" },
  });
  const wasm = Object.keys(metafile.outputs).filter((path) => path.endsWith(".wasm"));
  same("the wasm files of the worker", wasm.length, 1);
  return join(outdir, basename(entry));
}

/** Starts workerd. `ask` sends a task to one of its objects. */
export async function started(script, storage, className = "Keeper") {
  const { child, kill } = served([join(here, "serve-object.mjs"), script, storage, className]);
  try {
    const address = await new Promise((resolve, reject) => {
      createInterface(child.stdout).once("line", resolve);
      child.once("exit", (code) => reject(new Error(`miniflare ended with ${code}`)));
    });
    const ask = async (object, task) => {
      const answer = await fetch(new URL(object, address), { method: "POST", body: JSON.stringify(task) });
      if (!answer.ok) throw new Error(await answer.text());
      return answer.json();
    };
    return { ask, kill };
  } catch (error) {
    await kill();
    throw error;
  }
}

const scratch = () => mkdtempSync(join(project, "workerd-"));

/** Everything that needs no kill, for one storage. */
export async function inWorkerd(script, storage) {
  const { ask, kill } = await started(script, scratch());
  try {
    // Objects of one isolate share the engine, and open it at once. In the bucket they would share their checkpoints.
    const objects = storage === "r2" ? ["a"] : ["a", "b", "c"];
    for (const count of [1, 2]) {
      const once = await Promise.all(objects.map((object) => ask(object, { task: "once", storage })));
      for (const said of once) same("a checkpoint, its position, damage, one package", said, [count, "7_8", false, true]);
    }
    same("two writers", await ask("fenced", { task: "fenced", storage }), ["fenced", "fresh"]);
    return contracted(await ask("conformance", { task: "conformance", storage }));
  } finally {
    await kill();
  }
}

/** Kills workerd at random moments while it takes checkpoints. Each time the state is that of a whole batch, and none that was told is lost. */
export async function killedWorkerd(script, storage) {
  const next = random(seed + 7);
  const folder = scratch();
  let [told, checked] = [0, 0];
  for (let round = 0; round <= kills; round++) {
    const { ask, kill } = await started(script, folder);
    try {
      same(`seed ${seed}, after ${round} kills`, await ask("kept", { task: "recover", storage, seed, least: told }), null);
      checked++;
      if (round === kills) break;
      let isKilled = false;
      const writing = (async () => {
        while (!isKilled) told = await ask("kept", { task: "batches", seed });
      })();
      // The kill is what ends it. Any other error fails the test.
      const ended = writing.catch((error) => isKilled || Promise.reject(error));
      const least = told;
      // Every fourth round kills at once, which is most likely during the first write after a recovery.
      if (round % 4 !== 3) await Promise.race([until("another checkpoint was told", () => told > least), ended]);
      await new Promise((resolve) => setTimeout(resolve, next() * 80));
      isKilled = true;
      await kill();
      await ended;
    } finally {
      await kill();
    }
  }
  if (told < kills / 2) throw new Error(`seed ${seed}: only ${told} checkpoints were told`);
  return `seed ${seed}: ${kills} kills, ${told} checkpoints told, ${checked} recoveries checked`;
}

/** The records that are appended to the stream between two kills. */
const RECORDS = 120;

/**
 * A Durable Object reads a stream of a server into its state. workerd is killed again and again, and the server is killed
 * and started again twice. Afterwards the object has every record exactly once.
 */
export async function killedReader(script, storage) {
  const next = random(seed + 23);
  const [folder, data] = [scratch(), mkdtempSync(join(project, "streams-"))];
  let server = await durableServer(data);
  const url = `http://127.0.0.1:${server.port}/orders`;
  const total = RECORDS * (kills + 1);
  let [durable, restarts] = [0, 0];
  try {
    for (let round = 0; round <= kills; round++) {
      await appended(url, round * RECORDS, (round + 1) * RECORDS);
      const { ask, kill } = await started(script, folder);
      try {
        const { recovered, isDamaged } = await ask("reader", { task: "reopen", storage });
        const after = `seed ${seed}, after ${round} kills`;
        same(`${after}: damage`, isDamaged, false);
        if (recovered < durable) throw new Error(`${after}: ${durable} records were durable, ${recovered} were recovered`);
        let isKilled = false;
        const live = round % 2 === 0 ? "sse" : "long-poll";
        const reading = ask("reader", { task: "read", url, total, live });
        // The kill is what ends it. Any other error fails the test.
        const ended = reading.catch((error) => isKilled || Promise.reject(error));
        if (round === kills) {
          same(`${after}: records, each once`, await ended, total);
          break;
        }
        if (round === Math.floor(kills / 3) || round === Math.floor((2 * kills) / 3)) {
          await server.kill();
          server = await durableServer(data, server.port);
          restarts++;
        }
        const progress = async () => (durable = Math.max(durable, await ask("reader", { task: "progress" })));
        if (round % 4 !== 3) {
          while ((await progress()) <= recovered) await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 5))]);
        }
        await new Promise((resolve) => setTimeout(resolve, next() * 60));
        isKilled = true;
        await kill();
        await ended;
      } finally {
        await kill();
      }
    }
    const { ask, kill } = await started(script, folder);
    try {
      same("records after another start", (await ask("reader", { task: "reopen", storage })).recovered, total);
    } finally {
      await kill();
    }
    return `seed ${seed}: ${kills} kills, ${restarts} restarts of the server, ${total} records, each once`;
  } finally {
    await server.kill();
  }
}

/** The class that the guide shows does what it says. */
export async function guide() {
  const [, code] = readFileSync(join(root, "docs/guides/browser.md"), "utf8").match(/```text\n(import \{ DurableObject \}[^`]*class Orders [^]*?)```/);
  const serves = `
export default {
  async fetch(request, env) {
    return Response.json(await env.KEEPER.get(env.KEEPER.idFromName("guide")).order(await request.json()));
  },
};`;
  const [script, folder] = [await worker(written("guide.mjs", code + serves)), scratch()];
  for (const expected of [12, 24]) {
    const { ask, kill } = await started(script, folder, "Orders");
    try {
      same("the total", await ask("", { customer: "anna", amount: 12 }), expected);
    } finally {
      await kill();
    }
  }
}
