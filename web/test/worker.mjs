// Runs tasks of the tests in a worker. Each message is one task. The answer is its result or its error.

import * as alluvium from "/testing/index.js";
import * as testing from "/testing/wasm/alluvium_wasm.js";
import { OpfsDirectory } from "/testing/opfs.js";
import { conformance } from "/testing/testing/index.js";
import { run, wrong } from "/test/stream.mjs";

const tasks = {
  /** Runs the conformance suite of directories. */
  async conformance({ storage }) {
    await (await alluvium.Checkpoints.open({ name: "warm-up", storage: "memory" })).close();
    const open = storage === "opfs" ? (name) => OpfsDirectory.open(name.replaceAll("/", "-")) : undefined;
    return testing.runConformance(storage, `conformance-${Date.now()}-`, open);
  },
  /** Holds OPFS to the contract that directories written in JavaScript have. */
  async contract() {
    const run = Date.now();
    const { passed, failed } = await conformance((name) => OpfsDirectory.open(`contract-${run}-${name}`));
    return { passed, failed };
  },
  /** Takes checkpoints without end, and reports each one. */
  async stream({ name, storage, seed }) {
    const checkpoints = await alluvium.Checkpoints.open({ name, storage, maxRetained: 3 });
    await run(alluvium, checkpoints, seed, (acknowledged) => postMessage({ acknowledged }));
  },
  /** Says what is wrong after a stream was terminated. Then it takes two more checkpoints and checks again. */
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
   * Lists checkpoints again and again, while checkpoints are written and older ones are deleted. A checkpoint that is
   * deleted during a listing is not damage. The newest acknowledged checkpoint is in every listing that follows.
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
