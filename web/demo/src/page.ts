// What the page knows: the settings, the worker, and what it has seen of the stream.

import { Charts } from "./charts.js";
import { by, setText } from "./dom.js";
import { recallSettings, recallTally } from "./memory.js";
import type { FromWorker, Row, ToWorker } from "./protocol.js";
import { CheckpointTable } from "./tables.js";

export const settings = recallSettings();
export const tally = recallTally();
export const charts = new Charts();
export const table = new CheckpointTable((what, id) => send({ type: what, id }));
/** Every checkpoint since the stream was chosen, by id. */
export const history = new Map<string, Row>();

/** How a worker opens the storage. */
export type Opening = Pick<Extract<ToWorker, { type: "open" }>, "whenTaken" | "fresh">;
export const plainly: Opening = { whenTaken: "wait", fresh: false };

/** The stream as the page sees it. */
export const live = {
  worker: undefined as Worker | undefined,
  records: 0,
  total: Infinity,
  /** How the next worker opens the storage. It is the plain way again once a worker has opened it. */
  opening: plainly,
  /** How many proofs of each kind there were. */
  proofs: { recovery: 0, restore: 0, import: 0, end: 0 },
  /** Whether this page has just taken over the storage. */
  hasTakenOver: false,
  whenProved: [] as (() => void)[],
};

/** What hears the worker. `main.ts` sets both functions. */
export const hearing: { hear(message: FromWorker): void; failed(kind: string, message: string): void } = { hear() {}, failed() {} };

export const send = (message: ToWorker) => live.worker?.postMessage(message);

export function setState(state: string, text = state): void {
  by("state").dataset.state = state;
  setText("state", text);
}

/**
 * Starts a new worker. The old one is terminated even while it works. What the old one was told about how to open is
 * told to the new one too, unless the old one has done it.
 */
export function begin(how: Partial<Opening> = {}): void {
  live.worker?.terminate();
  live.opening = { ...live.opening, ...how };
  by("failure").hidden = true;
  setState("starting");
  const born = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "stream" });
  born.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    // A message of a terminated worker may still arrive. It is ignored.
    if (born === live.worker) hearing.hear(data);
  };
  born.onerror = ({ message }) => {
    if (born === live.worker) hearing.failed("error", message || "the worker could not be loaded");
  };
  live.worker = born;
  send({ type: "open", settings: { ...settings }, ...live.opening });
}

export function forget(): void {
  history.clear();
  charts.show([]);
  table.show([]);
  by("diff").hidden = true;
  by("proof").dataset.verdict = "none";
  setText("proof-verdict", "Nothing to prove yet");
  setText("proof-text", "After each recovery every key is compared with a count from scratch.");
  by("differences").hidden = true;
  setText("newest", "none");
  setText("last-bytes", "–");
  setText("size-bytes", "–");
}
