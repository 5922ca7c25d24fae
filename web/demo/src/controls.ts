// What the controls do.

import { estimate, persist } from "alluvium";
import { by, log, make, setText } from "./dom.js";
import * as format from "./format.js";
import { RATES, archiveHere, keepSettings, keepTally, noteCrash } from "./memory.js";
import { begin, forget, history, keep, live, mirror, send, settings, settle, takeOver, tally, timeline } from "./page.js";
import type { Settings } from "./protocol.js";
import { showTally } from "./shown.js";
import { offer } from "./sharing.js";

function kill(): void {
  tally.kills++;
  showTally();
  killedAt(live.records);
  mirror.killed(live.records);
  begin();
}

/** Shows that the worker was killed, by this tab or by the one that it mirrors. */
export function killedAt(records: number): void {
  log(`Killed the worker at about ${format.count(records)} records.`);
  live.story.killed("worker", records);
  timeline.show(live.story.telling);
}

async function killTen(): Promise<void> {
  const button = by<HTMLButtonElement>("kill-ten");
  button.disabled = true;
  for (let left = 10; left > 0; left--) {
    button.textContent = `${left} to go`;
    await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 700));
    if (by("state").dataset.state === "failed") break;
    // If the worker is killed before its first checkpoint, no proof follows, so there is nothing to wait for.
    const isRecovering = history.size > 0;
    kill();
    if (isRecovering) await new Promise<void>((resolve) => live.whenProved.push(resolve));
  }
  button.disabled = false;
  button.textContent = "Kill it ten times";
}

export async function showStorage(): Promise<void> {
  const { usageBytes, quotaBytes, isPersistent } = await estimate();
  setText("usage", usageBytes === undefined ? "unknown" : format.bytes(usageBytes));
  setText("quota", quotaBytes === undefined ? "" : `of ${format.bytes(quotaBytes)}`);
  setText("persistent", isPersistent ? "yes" : "no");
  by<HTMLButtonElement>("persist").disabled = isPersistent;
}

export function showSettings(): void {
  const source = by<HTMLSelectElement>("source");
  for (const name of new Set([archiveHere(), settings.source])) {
    if ([...source.options].some(({ value }) => value === name)) continue;
    const keys = Number(name.split("-")[1]);
    const text = name.startsWith("archive-") ? `${format.count(keys)} routes, ${format.count(Math.min(keys, 1_000))} of them in use` : `firehose over ${format.count(keys)} routes`;
    source.prepend(make("option", { value: name }, text));
  }
  source.value = settings.source;
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
  if (isElsewhere) settle();
  else send({ type: "settings", settings: { ...settings } });
}

/** Runs the lines that the page shows. They are a module of their own, which the build made of the same file. */
async function runLines(): Promise<void> {
  const button = by<HTMLButtonElement>("run-lines");
  button.disabled = true;
  const begun = performance.now();
  try {
    // A module runs once under one address.
    const { anna } = (await import(new URL(`./ten-lines.js?${Date.now()}`, import.meta.url).href)) as typeof import("./ten-lines.js");
    setText("lines-result", `anna is ${String(anna)}, in ${format.milliseconds(performance.now() - begun)}. Run it again: nothing is counted twice.`);
  } catch (thrown) {
    setText("lines-result", `It failed: ${String(thrown)}`);
  }
  button.disabled = false;
}

export function listen(): void {
  const on = (id: string, event: string, does: () => void) => by(id).addEventListener(event, does);
  on("kill", "click", kill);
  on("kill-ten", "click", () => void killTen());
  on("crash", "click", () => {
    tally.crashes++;
    keepTally(tally);
    noteCrash(live.records);
    live.story.killed("tab", live.records);
    keep();
    // Nothing is saved, and the worker gets no message. It ends with the page.
    location.reload();
  });
  on("pause", "click", () => change({ isPaused: !settings.isPaused }));
  on("start-over", "click", () => {
    log("Starting over: everything that was stored for this stream is deleted.");
    forget();
    mirror.forgotten();
    begin({ fresh: true });
  });
  on("retry", "click", () => begin());
  for (const id of ["take-over", "take-over-fenced"]) on(id, "click", takeOver);
  on("run-lines", "click", () => void runLines());
  void offer((source, file) => {
    live.arriving = file;
    // A worker that begins later imports it by itself.
    if (source !== settings.source) change({ source: source as Settings["source"] });
    else if (live.role === "leader") send({ type: "import", file });
    else log("The state in the link is opened as soon as this tab has the stream.");
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
