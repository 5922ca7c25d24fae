// The page. It starts workers, terminates them without warning, and shows what they report.

import { estimate, persist } from "alluvium";
import { Charts } from "./charts.js";
import { by, log, make, setText } from "./dom.js";
import * as format from "./format.js";
import { RATES, keepSettings, keepTally, noteCrash, recallSettings, recallTally, takeCrash } from "./memory.js";
import type { FromWorker, Row, Settings, ToWorker } from "./protocol.js";
import { CheckpointTable, showDiff, showRoutes } from "./tables.js";

const settings = recallSettings();
const tally = recallTally();
const charts = new Charts();
const table = new CheckpointTable((what, id) => send({ type: what, id }));
/** Every checkpoint since the stream was chosen, by id. */
const history = new Map<string, Row>();

let worker: Worker | undefined;
let records = 0;
let total = Infinity;
/** Whether the worker has opened the stream and has not failed. */
let isLive = false;
let proofs = 0;
/** Whether this page has just taken over the storage. */
let hasTakenOver = false;
const whenProved: (() => void)[] = [];

const send = (message: ToWorker) => worker?.postMessage(message);

function setState(state: string, text = state): void {
  by("state").dataset.state = state;
  setText("state", text);
}

/** Starts a new worker. The old one is terminated even while it works. */
function begin({ fresh = false, whenTaken = "wait" as "wait" | "steal" } = {}): void {
  worker?.terminate();
  isLive = false;
  by("failure").hidden = true;
  setState("starting");
  const born = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "stream" });
  born.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    // A message of a terminated worker may still arrive. It is ignored.
    if (born === worker) hear(data);
  };
  born.onerror = ({ message }) => {
    if (born === worker) failed("error", message || "the worker could not be loaded");
  };
  worker = born;
  send({ type: "open", settings: { ...settings }, whenTaken, fresh });
}

function forget(): void {
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

function failed(kind: string, message: string): void {
  if ((kind === "fenced" || kind === "io") && hasTakenOver) {
    // The other tab finished a write while this one took over. It is fenced now, so opening again succeeds.
    hasTakenOver = false;
    log("The other tab finished one last write. Opening again from there.");
    return begin();
  }
  isLive = false;
  setState("failed");
  setText("failure-text", `The stream stopped (${kind}): ${message}`);
  by("take-over").hidden = kind !== "fenced";
  by("failure").hidden = false;
  log(`Stopped, ${kind}: ${message}`, "bad");
}

function hear(message: FromWorker): void {
  switch (message.type) {
    case "ready": {
      const opfs = by<HTMLSelectElement>("storage").options[1]!;
      opfs.disabled = !message.hasOpfs;
      opfs.text = message.hasOpfs ? "origin private file system" : "origin private file system (not in this browser)";
      return;
    }
    case "opened": {
      total = message.total;
      const { recovered, tookMs } = message;
      if (recovered === null) log("Nothing stored yet: starting from the first record.");
      else {
        setState("proving", "proving itself");
        const { id, keys, bytesRead, records: at } = recovered;
        log(`Recovered checkpoint ${id} in ${format.milliseconds(tookMs)}: ${format.count(at)} records, ${format.count(keys)} keys, ${format.bytes(bytesRead)} read.`);
      }
      isLive = true;
      return;
    }
    case "proving":
      return setText("proof-text", `Counting from scratch: ${format.count(message.done)} of ${format.count(message.of)} records.`);
    case "proved":
      return proved(message);
    case "progress":
      return progressed(message);
    case "routes":
      return showRoutes(message, settings.ranking);
    case "checkpoint":
      return checkpointed(message.row);
    case "kept":
      for (const row of message.rows) {
        const known = history.get(row.id);
        // If a checkpoint is damaged later, its costs are still shown.
        history.set(row.id, row.damage === undefined ? { ...known, ...row } : { ...row, ...known, damage: row.damage });
      }
      table.show(message.rows.map(({ id }) => history.get(id)!));
      charts.show(ordered());
      setText("newest", message.rows[0]?.id ?? "none");
      setText("size-bytes", format.bytes(message.rows[0]?.sizeBytes));
      return;
    case "complete":
      setState("complete", "complete");
      log(`The stream is complete: ${format.count(message.records)} records.`);
      return;
    case "restored":
      setState("proving", "proving itself");
      log(message.how === "restore" ? `Restored checkpoint ${message.from} as checkpoint ${message.id} (now the newest).` : `Imported ${message.from} as checkpoint ${message.id}.`);
      return;
    case "exported":
      return download(message.file, `alluvium-${settings.source}-checkpoint-${message.id}.tar`);
    case "diffed":
      return showDiff(message);
    case "verified": {
      const { files, bytes, checkpoints, findings } = message;
      const what = `${format.count(checkpoints)} checkpoints, ${format.count(files)} files, ${format.bytes(bytes)} read`;
      if (findings.length === 0) log(`Verified: ${what}, nothing is damaged.`, "good");
      else log(`Damaged: ${findings.join("; ")} (${what}).`, "bad");
      return;
    }
    case "refused":
      return log(`Refused to ${message.what}: ${message.message}`, "bad");
    case "failed":
      return failed(message.kind, message.message);
  }
}

function proved({ proof, after }: Extract<FromWorker, { type: "proved" }>): void {
  const { records: consumed, keys, differences, differenceCount, tookMs } = proof;
  const isEqual = differenceCount === 0;
  tally.proofs++;
  if (isEqual) tally.equal++;
  showTally();
  const what = `${format.count(consumed)} records, ${format.count(keys)} keys`;
  const verdict = isEqual ? `Exactly once: ${what}, all equal.` : `Not equal: ${format.count(differenceCount)} differences in ${what}.`;
  const when = { recovery: "After a recovery", restore: "After a restore", import: "After an import", end: "At the end of the stream" }[after];
  setText("proof-verdict", verdict);
  setText("proof-text", `${when}, everything was counted again from the first record in ${format.milliseconds(tookMs)}.`);
  by("proof").dataset.verdict = isEqual ? "equal" : "differs";
  by("proof").dataset.count = String(++proofs);
  by("differences").hidden = isEqual;
  by<HTMLDetailsElement>("differences").open = !isEqual;
  const lines = differences.map(({ key, expected, found }) => make("li", {}, `${key}: expected ${expected ?? "nothing"}, found ${found ?? "nothing"}`));
  by("difference-list").replaceChildren(...lines);
  log(verdict, isEqual ? "good" : "bad");
  if (after !== "end") setState(settings.isPaused ? "paused" : "running");
  for (const resolve of whenProved.splice(0)) resolve();
}

function progressed({ records: now, keys, perSecond, watermarkMs, payloadBytes, memoryBytes, waiting }: Extract<FromWorker, { type: "progress" }>): void {
  records = now;
  setText("records", format.count(now));
  setText("total", total === Infinity ? "" : `of ${format.count(total)}`);
  setText("per-second", format.count(perSecond));
  setText("keys", format.count(keys));
  const [day, hour] = watermarkMs === null ? ["none", ""] : format.moment(watermarkMs);
  setText("watermark", day);
  setText("watermark-time", hour);
  setText("state-bytes", format.bytes(payloadBytes));
  setText("memory-bytes", format.bytes(memoryBytes));
  const bar = by<HTMLProgressElement>("position");
  // A firehose has no end, so it has no progress bar.
  bar.parentElement!.hidden = total === Infinity;
  bar.value = total === Infinity ? 0 : now / total;
  if (by("state").dataset.state !== "complete" || now < total) {
    setState(settings.isPaused ? "paused" : "running", settings.isPaused ? "paused" : waiting ? "waiting for the storage" : "running");
  }
}

const ordered = () => [...history.values()].sort((a, b) => Number(a.id) - Number(b.id));

function checkpointed(row: Row): void {
  history.set(row.id, row);
  // The history keeps more checkpoints than the charts can show.
  for (const id of history.keys()) {
    if (history.size <= 400) break;
    history.delete(id);
  }
  setText("newest", row.id);
  const part = row.stateBytes && row.bytesWritten !== null ? ` (${format.count((100 * row.bytesWritten) / row.stateBytes)} %)` : "";
  setText("last-bytes", `${format.bytes(row.bytesWritten)}${part}`);
  charts.show(ordered());
}

function download(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  log(`Downloaded ${name}, ${format.bytes(file.size)}.`);
}

function kill(): void {
  tally.kills++;
  showTally();
  log(`Killed the worker at about ${format.count(records)} records.`);
  begin();
}

async function killTen(): Promise<void> {
  const button = by<HTMLButtonElement>("kill-ten");
  button.disabled = true;
  for (let left = 10; left > 0; left--) {
    button.textContent = `${left} to go`;
    await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 1_200));
    if (by("state").dataset.state === "failed") break;
    // If the worker is killed before its first checkpoint, no proof follows, so there is nothing to wait for.
    const isRecovering = history.size > 0;
    kill();
    if (isRecovering) await new Promise<void>((resolve) => whenProved.push(resolve));
  }
  button.disabled = false;
  button.textContent = "Kill it ten times";
}

function showTally(): void {
  keepTally(tally);
  const { kills, crashes, proofs: all, equal } = tally;
  const times = (number: number, what: string) => `${format.count(number)} ${what}${number === 1 ? "" : "s"}`;
  setText("tally", all + kills + crashes === 0 ? "" : `In this tab: ${times(kills, "kill")}, ${times(crashes, "crash").replace("crashs", "crashes")}; ${format.count(equal)} of ${times(all, "proof")} equal.`);
}

async function showStorage(): Promise<void> {
  const { usageBytes, quotaBytes, isPersistent } = await estimate();
  setText("usage", usageBytes === undefined ? "unknown" : format.bytes(usageBytes));
  setText("quota", quotaBytes === undefined ? "" : `of ${format.bytes(quotaBytes)}`);
  setText("persistent", isPersistent ? "yes" : "no");
  by<HTMLButtonElement>("persist").disabled = isPersistent;
}

function showSettings(): void {
  by<HTMLSelectElement>("source").value = settings.source;
  by<HTMLSelectElement>("storage").value = settings.storage;
  by<HTMLSelectElement>("ranking").value = settings.ranking;
  by<HTMLInputElement>("every").value = String(settings.every);
  const rate = by<HTMLInputElement>("rate");
  rate.value = String(RATES.indexOf(settings.rate));
  const text = settings.rate === Infinity ? "as fast as possible" : format.count(settings.rate);
  rate.setAttribute("aria-valuetext", text);
  setText("rate-text", text);
  by("pause").setAttribute("aria-pressed", String(settings.isPaused));
}

function change(changed: Partial<Settings>): void {
  const isElsewhere = (changed.source ?? settings.source) !== settings.source || (changed.storage ?? settings.storage) !== settings.storage;
  Object.assign(settings, changed);
  keepSettings(settings);
  showSettings();
  if (isElsewhere) {
    forget();
    begin();
  } else if (isLive) send({ type: "settings", settings: { ...settings } });
}

function listen(): void {
  const on = (id: string, event: string, does: () => void) => by(id).addEventListener(event, does);
  on("kill", "click", kill);
  on("kill-ten", "click", () => void killTen());
  on("crash", "click", () => {
    tally.crashes++;
    keepTally(tally);
    noteCrash(records);
    // Nothing is saved, and the worker gets no message. It ends with the page.
    location.reload();
  });
  on("pause", "click", () => change({ isPaused: !settings.isPaused }));
  on("start-over", "click", () => {
    log("Starting over: everything that was stored for this stream is deleted.");
    forget();
    begin({ fresh: true });
  });
  on("retry", "click", () => begin());
  on("take-over", "click", () => {
    hasTakenOver = true;
    setTimeout(() => (hasTakenOver = false), 5_000);
    begin({ whenTaken: "steal" });
  });
  on("source", "change", () => change({ source: by<HTMLSelectElement>("source").value as Settings["source"] }));
  on("storage", "change", () => change({ storage: by<HTMLSelectElement>("storage").value as Settings["storage"] }));
  on("ranking", "change", () => change({ ranking: by<HTMLSelectElement>("ranking").value as Settings["ranking"] }));
  on("rate", "input", () => change({ rate: RATES[Number(by<HTMLInputElement>("rate").value)]! }));
  on("every", "change", () => {
    const input = by<HTMLInputElement>("every");
    const value = input.valueAsNumber;
    if (Number.isInteger(value) && value > 0 && value <= 1_000_000) change({ every: value });
    else input.reportValidity();
  });
  on("persist", "click", () => {
    void persist().then((isPersistent) => {
      log(isPersistent ? "The browser keeps this site's storage." : "The browser did not agree to keep this site's storage. It may agree once you use the site more.");
      return showStorage();
    });
  });
  on("verify", "click", () => send({ type: "verify" }));
  by("form").addEventListener("submit", (event) => event.preventDefault());
  by("diff-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const [before, after] = [by<HTMLSelectElement>("diff-before").value, by<HTMLSelectElement>("diff-after").value];
    if (before !== "" && after !== "") send({ type: "diff", before, after });
  });
  for (const id of ["diff-before", "diff-after"]) on(id, "change", () => (by(id).dataset.chosen = ""));
  const bringIn = (file: File | undefined) => {
    if (file) send({ type: "import", file });
  };
  const file = by<HTMLInputElement>("file");
  file.addEventListener("change", () => {
    bringIn(file.files?.[0]);
    file.value = "";
  });
  const drop = by("drop");
  // A file that is dropped elsewhere on the page would otherwise replace it.
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => event.preventDefault());
  drop.addEventListener("dragover", () => drop.classList.add("over"));
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    bringIn(event.dataTransfer?.files[0]);
  });
}

listen();
showSettings();
showTally();
setText("clock-note", `This page's clock has steps of ${format.clockStepUs} µs${globalThis.crossOriginIsolated ? "" : "; with the headers COOP and COEP it would have steps of 5 µs"}.`);
const crashedAt = takeCrash();
if (crashedAt !== undefined) log(`The tab crashed at about ${format.count(crashedAt)} records; this is a new page.`);
begin();
void showStorage();
setInterval(() => void showStorage(), 2_000);
