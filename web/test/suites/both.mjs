// Runs the tests of test/both, in Node and in pages.

import { test } from "../harness.mjs";

/** The tests, by module. */
const tests = {
  area: { texts: "texts are encoded as TextEncoder does", growth: "views and values when the memory grows", batches: "batches" },
  wrong: { names: "names that are no texts", ranges: "ranges that are misspelt", choices: "options that are misspelt", things: "things that are none", carriers: "what carries no messages", numbers: "numbers of more than 32 bits" },
  spaces: { ranges: "ranges of ordered namespaces", merging: "merges and counts", times: "expiry and timers", declaring: "declarations of namespaces" },
  live: { changing: "changes that are watched", resets: "changes that are resets", iterating: "changes as an iterator" },
  callbacks: { fencing: "changes when another writer takes over", disturbing: "callbacks that throw" },
  clients: { calls: "calls of clients", living: "live values and ranges of clients", iterators: "changes of clients as an iterator" },
  losses: {
    gaps: "clients whose messages are lost",
    takingOver: "clients when another engine's side takes over",
    versions: "clients of another version",
  },
  recovering: {
    busyEngine: "watches that begin while the engine is busy",
    busySide: "a watch that is told that the engine is busy",
    snapshots: "what a client keeps of snapshots",
    reusing: "live values with one subscriber after another",
    closedClient: "live values of a client that ends",
    closedChannel: "a channel that is closed during a call",
    deniedLocks: "clients where locks are denied",
  },
  free: {
    deleting: "the state while checkpoints are deleted",
    deletedNewest: "a checkpoint beside the deletion of the newest",
    withState: "checkpoints with a state among others",
    beside: "restores and imports among checkpoints",
    endless: "a restore beside checkpoints without a pause",
  },
  kept: {
    positions: "positions",
    closing: "the end of checkpoints that are busy",
    closed: "checkpoints that a migration closes",
    older: "an older checkpoint that is opened",
    room: "refused checkpoints among those that wait",
    batches: "batches of clients that fail",
    clocks: "clocks that fail",
  },
  lives: {
    busy: "checkpoints while others are under way",
    unchanged: "checkpoints without changes",
    syncs: "syncs",
    reading: "a reader beside a writer",
    versions: "versions of the state",
    olderStates: "versions of restored states",
    failedMigrations: "migrations of restored states",
    codecs: "codecs and JSON",
  },
};

async function each(prefix, run) {
  for (const [module, names] of Object.entries(tests)) {
    for (const [name, what] of Object.entries(names)) await test(`${prefix}: ${what}`, () => run(module, name));
  }
}

/** Calls `listener` with each uncaught error of this process, until the returned function is called. */
function onUncaught(listener) {
  process.on("uncaughtException", listener);
  return () => process.off("uncaughtException", listener);
}

/** Runs them in Node. */
export async function inNode() {
  const alluvium = await import("../../dist/node.js");
  const client = await import("../../dist/client/index.js");
  const library = await import("devalue");
  await each("node", async (module, name) => (await import(`../both/${module}.mjs`))[name](alluvium, { client, library, onUncaught }));
}

/** Runs them in a page. */
export async function inPage(kind, page) {
  await each(kind, async (module, name) => {
    const failure = await page.evaluate(
      async (module, name) => {
        try {
          const onUncaught = (listener) => {
            const told = (event) => (event.preventDefault(), listener(event.type === "error" ? event.error : event.reason));
            const types = ["error", "unhandledrejection"];
            types.forEach((type) => addEventListener(type, told));
            return () => types.forEach((type) => removeEventListener(type, told));
          };
          const client = await import("/testing/client/index.js");
          await (await import(`/test/both/${module}.mjs`))[name](alluvium, { client, onUncaught });
        } catch (error) {
          return error.stack ?? String(error);
        }
      },
      module,
      name,
    );
    if (failure) throw new Error(failure);
  });
}
