// The worker. It owns the checkpoints and the stream, and proves the state after each recovery.

import { AlluviumError, Checkpoints, destroy } from "alluvium";
import { compact } from "./compact.js";
import { compare } from "./compare.js";
import { prove } from "./proof.js";
import type { FromWorker, Settings, ToWorker } from "./protocol.js";
import { openSource } from "./source.js";
import { MAX_RETAINED, Stream } from "./stream.js";

/** How long to wait for the lock. A worker that was just terminated may still hold it. */
const LOCK_PATIENCE_MS = 4_000;

/** Sends a message to the page. The end of the stream is proved like a recovery. */
function tell(message: FromWorker): void {
  postMessage(message);
  if (message.type === "complete") enqueue("end", proveTheEnd);
}

let stream: Stream | undefined;
let hasFailed = false;
/** The newest settings. They are not a request that waits for its turn: what is under way uses them, too. */
let settings: Settings;
/** The queue of requests. They are handled one after another. */
let queue: Promise<void> = Promise.resolve();

function fail(thrown: unknown): void {
  stream?.stop();
  if (hasFailed) return;
  hasFailed = true;
  const kind = thrown instanceof AlluviumError ? thrown.kind : "error";
  tell({ type: "failed", kind, message: thrown instanceof Error ? thrown.message : String(thrown) });
}

async function open({ source: name, storage }: Settings, whenTaken: "wait" | "steal", fresh: boolean): Promise<void> {
  const source = await openSource(name);
  const store = `demo-${name}`;
  const begun = performance.now();
  if (fresh) await destroyPatiently(store, storage);
  const checkpoints = await Checkpoints.open({
    name: store,
    storage,
    maxRetained: MAX_RETAINED,
    whenTaken,
    signal: AbortSignal.timeout(LOCK_PATIENCE_MS),
  });
  const { recovered } = checkpoints;
  stream = new Stream(checkpoints, source, settings, tell, fail);
  tell({
    type: "opened",
    recovered: recovered && {
      id: String(recovered.checkpointId),
      keys: recovered.keyCount,
      bytesRead: recovered.bytesRead,
      records: stream.consumed,
    },
    tookMs: performance.now() - begun,
    total: source.total,
  });
  await stream.kept.tell();
  const opened = stream;
  const start = () => {
    opened.tellProgress(false);
    opened.tellRoutes();
    if (!hasFailed) opened.start();
  };
  if (recovered) await proveNow(opened, "recovery", start);
  else start();
}

/** Deletes a storage. A worker that was just terminated may still be connected to it, so this is tried for a while. */
async function destroyPatiently(store: string, storage: Settings["storage"]): Promise<void> {
  for (const until = performance.now() + LOCK_PATIENCE_MS; ; ) {
    try {
      return await destroy(store, storage);
    } catch (thrown) {
      const isBusy = thrown instanceof AlluviumError ? thrown.kind === "busy" : thrown instanceof DOMException;
      if (!isBusy || performance.now() > until) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Proves the state. `start` is called once, as soon as the stream may continue. */
async function proveNow(of: Stream, after: "recovery" | "restore" | "import" | "end", start = () => {}): Promise<void> {
  let hasStarted = false;
  const released = () => {
    if (!hasStarted) start();
    hasStarted = true;
  };
  const proof = await prove(of.checkpoints, of.source, { released, progress: (done, total, what) => tell({ type: "proving", done, of: total, what }) });
  tell({ type: "proved", proof, after });
  released();
}

/** Proves the state at the end of the stream. If a restore took the stream back meanwhile, there is nothing to prove. */
async function proveTheEnd(): Promise<void> {
  if (stream?.isComplete) await proveNow(stream, "end");
}

/** Restores or imports a checkpoint. The new state is proved before the stream continues. */
async function replace(of: Stream, how: "restore" | "import", from: string, change: () => Promise<{ id: bigint }>): Promise<void> {
  of.stop();
  try {
    const { id } = await change();
    of.rewind();
    tell({ type: "restored", id: String(id), from, how });
    await of.kept.tell();
    await proveNow(of, how);
    of.tellProgress(false);
    of.tellRoutes();
  } finally {
    if (!hasFailed) of.start();
  }
}

async function handle(message: ToWorker): Promise<void> {
  if (message.type === "open") {
    return open(message.settings, message.whenTaken, message.fresh);
  }
  const live = stream;
  if (live === undefined) return;
  const { checkpoints } = live;
  switch (message.type) {
    case "settings":
      // A worker that has failed waits for its end.
      if (!hasFailed) live.start();
      return;
    case "restore":
      return replace(live, "restore", message.id, () => checkpoints.restore(BigInt(message.id)));
    case "import": {
      const { name = "the archive" } = message.file as File;
      return replace(live, "import", name, () => checkpoints.importCheckpoint(message.file));
    }
    case "export": {
      const { id, to } = message;
      const file = await checkpoints.exportCheckpoint(BigInt(id));
      return tell({ type: "exported", id, to, file: to === "link" ? await compact(file) : file });
    }
    case "diff": {
      const { before, after } = message;
      const difference = await compare(checkpoints, live.settings.storage, BigInt(before), BigInt(after));
      return tell({ type: "diffed", before, after, ...difference });
    }
    case "verify": {
      const { files, bytes, checkpoints: count, findings } = await checkpoints.verify();
      const texts = findings.filter(({ severity }) => severity === "damage").map(({ path, what }) => `${path}: ${what}`);
      return tell({ type: "verified", files, bytes, checkpoints: count, findings: texts });
    }
  }
}

/** Requests that may be refused without stopping the stream. */
const refusable = new Set(["restore", "import", "export", "diff", "verify"]);

function enqueue(what: string, work: () => Promise<void>): void {
  queue = queue.then(work).catch((thrown: unknown) => {
    const isFatal = thrown instanceof AlluviumError && ["fenced", "reopen", "panic", "closed"].includes(thrown.kind);
    if (isFatal || !refusable.has(what)) fail(thrown);
    else tell({ type: "refused", what, message: thrown instanceof Error ? thrown.message : String(thrown) });
  });
}

onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if ("settings" in data) {
    const hasOtherRanking = stream !== undefined && stream.settings.ranking !== data.settings.ranking;
    settings = data.settings;
    if (stream !== undefined) stream.settings = settings;
    if (hasOtherRanking) enqueue("settings", async () => stream?.tellRoutes());
  }
  enqueue(data.type, () => handle(data));
};

const handles = globalThis.FileSystemFileHandle?.prototype as object | undefined;
tell({ type: "ready", hasOpfs: handles !== undefined && "createSyncAccessHandle" in handles && "move" in handles });
