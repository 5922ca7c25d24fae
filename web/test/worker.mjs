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
};

onmessage = async ({ data: { task, ...options } }) => {
  try {
    postMessage({ result: await tasks[task](options) });
  } catch (error) {
    postMessage({ error: String(error), kind: error?.kind });
  }
};
postMessage({ ready: true });
