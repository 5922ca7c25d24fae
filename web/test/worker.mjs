// What the tests have run in a worker: each message is one task, answered by its result or error.

import * as alluvium from "/testing/index.js";
import * as testing from "/testing/wasm/alluvium_wasm.js";
import { OpfsDirectory } from "/testing/opfs.js";
import { run, wrong } from "/test/stream.mjs";

const tasks = {
  /** The suite of every directory. */
  async conformance({ storage }) {
    await (await alluvium.Checkpoints.open({ name: "warm-up", storage: "memory" })).close();
    const open = storage === "opfs" ? (name) => OpfsDirectory.open(name.replaceAll("/", "-")) : undefined;
    return testing.runConformance(storage, `conformance-${Date.now()}-`, open);
  },
  /** Checkpoints without end; tells of each. */
  async stream({ name, storage, seed }) {
    const checkpoints = await alluvium.Checkpoints.open({ name, storage, maxRetained: 3 });
    await run(alluvium, checkpoints, seed, (acknowledged) => postMessage({ acknowledged }));
  },
  /** What is wrong after a stream was cut off; then two checkpoints more, and once again. */
  async check({ name, storage, seed, acknowledged }) {
    let checkpoints = await alluvium.Checkpoints.open({ name, storage, maxRetained: 3, whenTaken: "wait" });
    const problem = wrong(checkpoints, seed, acknowledged);
    if (problem) return problem;
    const until = Number(checkpoints.sourceOffset("stream")) + 2;
    await run(alluvium, checkpoints, seed, () => {}, until);
    await checkpoints.close();
    checkpoints = await alluvium.Checkpoints.open({ name, storage, maxRetained: 3 });
    const report = await checkpoints.verify();
    const after = wrong(checkpoints, seed, until) ?? (report.isDamaged ? JSON.stringify(report.findings) : undefined);
    await checkpoints.close();
    return after;
  },
  /**
   * Listing after listing while checkpoints are written and those of before are deleted. What goes during a
   * listing is not damage, and the newest that was acknowledged before it is in it.
   */
  async list({ name, storage, seed, batches }) {
    const checkpoints = await alluvium.Checkpoints.open({ name, storage, maxRetained: 1 });
    let [newest, deleted, listings, isWriting] = [0n, 0, 0, true];
    checkpoints.on("checkpoint", ({ metadata }) => (newest = metadata.id));
    checkpoints.on("maintenance", (report) => (deleted += report.deleted.length));
    const writing = run(alluvium, checkpoints, seed, () => {}, batches).finally(() => (isWriting = false));
    while (isWriting) {
      const least = newest;
      const listed = await checkpoints.list();
      const ids = listed.map(({ id }) => id);
      const damaged = listed.find(({ damage }) => damage !== undefined);
      if (damaged) throw new Error(`listing ${listings}: checkpoint ${damaged.id}: ${damaged.damage}`);
      if (least > 0n && !(ids[0] >= least)) throw new Error(`listing ${listings}: ${least} was there before, ${ids} are listed`);
      if (ids.some((id, at) => at > 0 && id >= ids[at - 1])) throw new Error(`listing ${listings}: ${ids} are not newest first`);
      listings++;
    }
    await writing;
    await checkpoints.close();
    return { listings, deleted };
  },
};

onmessage = async ({ data: { task, ...options } }) => {
  try {
    postMessage({ result: await tasks[task](options) });
  } catch (error) {
    postMessage({ error: String(error), kind: error?.kind });
  }
};
postMessage({ ready: true });
