// What the page knows: the settings, the worker, its role among the tabs, and what it has seen of the stream.

import { Charts } from "./charts.js";
import { by, log, setText } from "./dom.js";
import { type Role, queue } from "./leader.js";
import { keepHistory, keepStory, recallHistory, recallSettings, recallStory, recallTally } from "./memory.js";
import { Mirror } from "./mirror.js";
import type { FromWorker, Row, ToWorker } from "./protocol.js";
import { Story } from "./story.js";
import { CheckpointTable } from "./tables.js";
import { Timeline } from "./timeline.js";

export const settings = recallSettings();
export const tally = recallTally();
export const charts = new Charts();
export const timeline = new Timeline();
export const table = new CheckpointTable((what, id) => send(what === "restore" ? { type: "restore", id } : { type: "export", id, to: what }));
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
  role: "waiting" as Role | "waiting",
  story: new Story(),
  /** The ids of the checkpoints that are kept, newest first. */
  kept: [] as string[],
  /** The newest message of each kind that a mirror shows. */
  last: new Map<string, FromWorker>(),
  /** How the next worker opens the storage. It is the plain way again once a worker has opened it. */
  opening: plainly,
  /** A file that is imported as soon as the stream is open. */
  arriving: undefined as Blob | undefined,
  /** How many proofs of each kind there were. */
  proofs: { recovery: 0, restore: 0, import: 0, end: 0 },
  /** Whether this page has just taken over the storage. */
  hasTakenOver: false,
  whenProved: [] as (() => void)[],
};

/** What hears the worker. `main.ts` sets these functions. */
export const hearing: { hear(message: FromWorker): void; failed(kind: string, message: string): void; killed(records: number): void } = { hear() {}, failed() {}, killed() {} };

export const send = (message: ToWorker) => live.worker?.postMessage(message);

export const ordered = () => [...history.values()].sort((a, b) => Number(a.id) - Number(b.id));
const store = () => `${settings.storage}/${settings.source}`;

export const mirror = new Mirror({
  isMirror: () => live.role === "mirror",
  snapshot: () => ({ history: ordered().slice(-120), kept: live.kept, total: live.total, story: live.story.telling, last: [...live.last.values()] }),
  show(snapshot) {
    live.total = snapshot.total;
    live.story = new Story(snapshot.story);
    history.clear();
    for (const row of snapshot.history) history.set(row.id, row);
    live.kept = snapshot.kept;
    hearing.hear({ type: "kept", rows: snapshot.kept.map((id) => history.get(id)).filter((row) => row !== undefined) });
    for (const message of snapshot.last) hearing.hear(message);
    timeline.show(live.story.telling);
  },
  hear: (message) => hearing.hear(message),
  killed: (records) => hearing.killed(records),
  forgotten: () => forget(),
});

export function setState(state: string, text = state): void {
  const shown = live.role === "mirror" ? `mirrors another tab: ${text}` : text;
  by("state").dataset.state = state;
  setText("state", shown);
}

/**
 * Starts a new worker. The old one is terminated even while it works. What the old one was told about how to open is
 * told to the new one too, unless the old one has done it. A tab that mirrors has no worker.
 */
export function begin(how: Partial<Opening> = {}): void {
  live.worker?.terminate();
  live.worker = undefined;
  live.opening = { ...live.opening, ...how };
  by("failure").hidden = true;
  if (live.role !== "leader") return;
  setState("starting");
  const born = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "stream" });
  born.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    // A message of a terminated worker may still arrive. It is ignored.
    if (born !== live.worker) return;
    hearing.hear(data);
    mirror.said(data);
    if (["opened", "progress", "routes", "proved"].includes(data.type)) live.last.set(data.type, data);
  };
  born.onerror = ({ message }) => {
    if (born === live.worker) hearing.failed("error", message || "the worker could not be loaded");
  };
  live.worker = born;
  send({ type: "open", settings: { ...settings }, ...live.opening });
  if (live.arriving) send({ type: "import", file: live.arriving });
}

/** Turns to the storage that the settings name, and queues for its stream. `steal` takes it from another tab. */
export function settle({ steal = false } = {}): void {
  live.worker?.terminate();
  live.worker = undefined;
  live.role = "waiting";
  live.opening = plainly;
  forget();
  live.story = new Story(recallStory(store()));
  for (const row of recallHistory(store())) history.set(row.id, row);
  charts.show(ordered());
  timeline.show(live.story.telling);
  mirror.join(store());
  queue(store(), became, { steal });
}

/** Takes the stream from the tab that has it, even if that one does not answer. */
export function takeOver(): void {
  live.hasTakenOver = true;
  setTimeout(() => (live.hasTakenOver = false), 5_000);
  live.opening = { ...plainly, whenTaken: "steal" };
  queue(store(), became, { steal: true });
}

function became(role: Role): void {
  const before = live.role;
  live.role = role;
  document.body.dataset.role = role;
  by("mirror").hidden = role === "leader";
  for (const control of document.querySelectorAll<HTMLButtonElement | HTMLFieldSetElement>("[data-acts]")) control.disabled = role === "mirror";
  if (role === "leader") {
    if (before === "mirror") log("This tab has the stream now.");
    return begin();
  }
  begin();
  log(before === "leader" ? "Another tab has taken over the stream. This tab mirrors it." : "Another tab has the stream. This tab mirrors it.");
  setState("mirroring", "waiting for it");
  mirror.hello();
}

/** Keeps what the charts and the timeline show. */
export function keep(): void {
  keepHistory(store(), ordered().slice(-120));
  keepStory(store(), live.story.telling);
}

export function forget(): void {
  history.clear();
  live.kept = [];
  live.last.clear();
  live.story = new Story();
  charts.show([]);
  timeline.show(live.story.telling);
  table.show([]);
  for (const id of ["diff", "differences", "link-box"]) by(id).hidden = true;
  by("proof").dataset.verdict = "none";
  setText("proof-verdict", "Nothing to prove yet");
  setText("proof-text", "Kill it: after each recovery every key is compared with a count without a kill.");
  for (const [id, text] of [["newest", "none"], ["last-bytes", "–"], ["size-bytes", "–"], ["last-share", ""]] as const) setText(id, text);
  by("last-bar").style.width = "0";
}
