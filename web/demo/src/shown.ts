// Shows what the worker says.

import { by, log, make, setText } from "./dom.js";
import * as format from "./format.js";
import { keepTally } from "./memory.js";
import { begin, charts, history, keep, live, ordered, plainly, setState, settings, table, tally, timeline } from "./page.js";
import { download, share } from "./sharing.js";
import type { FromWorker, Row } from "./protocol.js";
import { showDiff, showRoutes } from "./tables.js";

export function failed(kind: string, message: string): void {
  if ((kind === "fenced" || kind === "io") && live.hasTakenOver) {
    // The other tab finished a write while this one took over. It is fenced now, so opening again succeeds.
    live.hasTakenOver = false;
    log("The other tab finished one last write. Opening again from there.");
    return begin();
  }
  setState("failed");
  setText("failure-text", `The stream stopped (${kind}): ${message}`);
  by("take-over-fenced").hidden = kind !== "fenced";
  by("failure").hidden = false;
  log(`Stopped, ${kind}: ${message}`, "bad");
}

export function hear(message: FromWorker): void {
  switch (message.type) {
    case "ready": {
      const opfs = by<HTMLSelectElement>("storage").options[1]!;
      opfs.disabled = !message.hasOpfs;
      opfs.text = message.hasOpfs ? "origin private file system" : "origin private file system (not in this browser)";
      return;
    }
    case "opened": {
      live.total = message.total;
      const { recovered, tookMs } = message;
      if (recovered === null) log("Nothing stored yet: starting from the first record.");
      else {
        setState("proving", "proving itself");
        const { id, keys, bytesRead, records: at } = recovered;
        log(`Recovered checkpoint ${id} in ${format.milliseconds(tookMs)}: ${format.count(at)} records, ${format.count(keys)} keys, ${format.bytes(bytesRead)} read.`);
      }
      live.opening = plainly;
      live.story.opened(recovered?.id ?? null, recovered?.records ?? 0, tookMs);
      timeline.show(live.story.telling);
      // What is remembered of a storage that is gone is shown no more.
      if (recovered === null) {
        history.clear();
        charts.show([]);
      }
      return;
    }
    case "proving":
      return setText("proof-text", `Counting from scratch: ${format.count(message.done)} of ${format.count(message.of)} ${message.what}.`);
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
      live.kept = message.rows.map(({ id }) => id);
      keep();
      setText("newest", message.rows[0]?.id ?? "none");
      showWritten(ordered().at(-1));
      setText("size-bytes", format.bytes(message.rows[0]?.sizeBytes));
      return;
    case "complete":
      setState("complete", "complete");
      log(`The stream is complete: ${format.count(message.records)} records.`);
      return;
    case "restored":
      live.arriving = undefined;
      setState("proving", "proving itself");
      log(message.how === "restore" ? `Restored checkpoint ${message.from} as checkpoint ${message.id} (now the newest).` : `Imported ${message.from} as checkpoint ${message.id}.`);
      return;
    case "exported":
      if (message.to === "link") return void share(settings.source, message.id, message.file);
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
      if (message.what === "import") live.arriving = undefined;
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
  // A test can wait for the kind of proof that it asked for.
  by("proof").dataset[after] = String(++live.proofs[after]);
  if (after === "recovery") live.story.proved({ isEqual, keys, records: consumed, tookMs });
  timeline.show(live.story.telling);
  keep();
  by("differences").hidden = isEqual;
  by<HTMLDetailsElement>("differences").open = !isEqual;
  const lines = differences.map(({ key, expected, found }) => make("li", {}, `${key}: expected ${expected ?? "nothing"}, found ${found ?? "nothing"}`));
  by("difference-list").replaceChildren(...lines);
  log(verdict, isEqual ? "good" : "bad");
  if (after !== "end" && by("state").dataset.state === "proving") setState(settings.isPaused ? "paused" : "running");
  for (const resolve of live.whenProved.splice(0)) resolve();
}

function progressed({ records: now, keys, past, perSecond, watermarkMs, payloadBytes, memoryBytes, waiting, isPaused }: Extract<FromWorker, { type: "progress" }>): void {
  const { total } = live;
  live.records = now;
  live.story.seen(now);
  timeline.show(live.story.telling);
  const isFilling = past.written < past.of;
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
  // An endless stream has a progress bar only while the state is filled.
  bar.parentElement!.hidden = total === Infinity && !isFilling;
  bar.value = isFilling ? past.written / past.of : total === Infinity ? 0 : now / total;
  const what = isFilling ? "Part of the large state that is written" : "Part of the records that is consumed";
  if (bar.getAttribute("aria-label") !== what) bar.setAttribute("aria-label", what);
  setText("filling", isFilling ? `The large state is being written: ${format.count(past.written)} of ${format.count(past.of)} keys. The stream runs already.` : "");
  if (by("state").dataset.state !== "complete" || now < total) {
    setState(isPaused ? "paused" : "running", isPaused ? "paused" : waiting ? "waiting for the storage" : "running");
  }
}

function checkpointed(row: Row): void {
  history.set(row.id, row);
  // The history keeps more checkpoints than the charts can show.
  for (const id of history.keys()) {
    if (history.size <= 400) break;
    history.delete(id);
  }
  setText("newest", row.id);
  showWritten(row);
  charts.show(ordered());
  live.story.cut(row.id, row.records, row.timestampMs);
  timeline.show(live.story.telling);
}

/** Shows what a checkpoint wrote beside the state that there is, both to the same scale. */
function showWritten(row: Row | undefined): void {
  if (row === undefined || row.bytesWritten === null || !row.stateBytes) return;
  const share = (100 * row.bytesWritten) / row.stateBytes;
  setText("last-bytes", format.bytes(row.bytesWritten));
  setText("last-share", `${format.percent(share)} of the state`);
  // Compaction can write more than the state, if the state is tiny.
  const most = Math.max(100, share);
  by("last-bar").style.width = `${(100 * share) / most}%`;
  by("state-bar").style.width = `${10_000 / most}%`;
}

export function showTally(): void {
  keepTally(tally);
  const { kills, crashes, proofs: all, equal } = tally;
  const times = (number: number, what: string) => `${format.count(number)} ${what}${number === 1 ? "" : "s"}`;
  setText("tally", all + kills + crashes === 0 ? "" : `In this tab: ${times(kills, "kill")}, ${times(crashes, "crash").replace("crashs", "crashes")}; ${format.count(equal)} of ${times(all, "proof")} equal.`);
}
