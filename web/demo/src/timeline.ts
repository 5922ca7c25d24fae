// Shows the story of the last kill: as a chart of the records in the state over time, and as steps in words.

import "./language.js";
import uPlot from "uplot";
import { by, make, oncePerFrame } from "./dom.js";
import { count, milliseconds } from "./format.js";
import type { Kill, Telling } from "./story.js";

const BEFORE_MS = 2_500;
const AFTER_MS = 1_500;
const LIVE_MS = 12_000;

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The part of the time that is shown: around the kill, or what is newest. */
function span({ moments, kill }: Telling): [number, number] {
  const newest = moments.at(-1)?.at ?? Date.now();
  if (kill === null) return [newest - LIVE_MS, newest];
  const until = Math.max(kill.replayed?.at ?? newest, kill.rollback?.at ?? kill.at) + AFTER_MS;
  return [kill.at - BEFORE_MS, Math.max(kill.at + AFTER_MS, Math.min(until, newest))];
}

/** The columns of the chart: seconds, the stream, what was lost, what was replayed, the checkpoints. */
function columns(telling: Telling): uPlot.AlignedData {
  const { moments, cuts, kill } = telling;
  const [from, to] = span(telling);
  const origin = kill?.at ?? to;
  const rows: [at: number, runs: number | null, lost: number | null, again: number | null, cut: number | null][] = [];
  const isIn = ({ at }: { at: number }) => at >= from && at <= to;
  const { rollback, replayed } = kill ?? {};
  for (const { at, records } of moments.filter(isIn)) {
    const isReplay = rollback && at >= rollback.at && at <= (replayed?.at ?? Infinity);
    const isEnd = isReplay && at === replayed?.at;
    rows.push([at, isReplay && !isEnd ? null : records, null, isReplay ? records : null, null]);
  }
  for (const { at, records } of cuts.filter(isIn)) rows.push([at, null, null, null, records]);
  if (kill) {
    rows.push([kill.at, kill.records, kill.records, null, null]);
    if (rollback) rows.push([rollback.at, null, rollback.records, rollback.records, null]);
  }
  rows.sort((a, b) => a[0] - b[0]);
  const column = (at: 2 | 3 | 4) => rows.map((row) => row[at]);
  // A missing figure is bridged (undefined). Between the kill and the end of the replay there is a gap (null).
  const ends = kill?.at ?? Infinity;
  const runs = rows.map(([at, records]) => records ?? (at > ends && at < (replayed?.at ?? Infinity) ? null : undefined));
  return [rows.map(([at]) => (at - origin) / 1000), runs, column(2), column(3), column(4)];
}

function options(host: HTMLElement, isKilled: () => boolean): uPlot.Options {
  const axis = { stroke: css("--soft"), font: "12px system-ui, sans-serif", ticks: { show: false }, grid: { stroke: css("--line"), width: 1 } };
  const none = { show: false };
  return {
    width: host.clientWidth,
    height: host.clientHeight,
    legend: none,
    cursor: none,
    scales: { x: { time: false } },
    series: [
      {},
      { stroke: css("--accent"), width: 2.5, points: none },
      { stroke: css("--bad"), width: 2, dash: [5, 4], spanGaps: true, points: none },
      { stroke: css("--second"), width: 4, spanGaps: true, points: none },
      { width: 0, paths: () => null, points: { show: true, size: 9, fill: css("--card"), stroke: css("--good"), width: 2 } },
    ],
    axes: [
      { ...axis, grid: none, size: 24, values: (_, at) => at.map((seconds) => seconds === 0 && isKilled() ? "kill" : `${seconds > 0 ? "+" : seconds < 0 ? "−" : ""}${Math.abs(seconds)} s`) },
      { ...axis, size: 72, values: (_, at) => at.map(count) },
    ],
  };
}

/** The steps, each with its figure. A step that has not happened has no text yet. */
function steps(kill: Kill | null, newest: Telling["cuts"][number] | undefined): [name: string, figure: string, text: string][] {
  const { rollback, replayed, proof } = kill ?? {};
  const isNew = rollback?.id === null;
  const cut = rollback ?? newest;
  const lost = kill && cut ? Math.max(0, kill.records - cut.records) : undefined;
  const seconds = rollback && replayed ? milliseconds(replayed.at - rollback.at) : "";
  return [
    ["Cut", cut ? count(cut.records) : "", isNew ? "There was no checkpoint yet." : cut ? `Checkpoint ${cut.id} is durable: state and position at this record.` : ""],
    ["After it", lost === undefined ? "" : `+ ${count(lost)}`, lost === undefined ? "" : "more records are counted, in memory only."],
    ["Kill", kill ? count(kill.records) : "", kill ? `The ${kill.what} ends without warning. Its memory is gone.` : ""],
    ["Rollback", rollback ? count(rollback.records) : "", rollback ? (isNew ? "A new worker begins at the first record." : `A new worker opens checkpoint ${rollback.id} in ${milliseconds(rollback.tookMs)}.`) : ""],
    ["Replay", replayed ? count(lost ?? 0) : "", replayed ? `records are read again, in ${seconds}. The stream continues.` : ""],
    ["Proof", proof ? (proof.isEqual ? "equal" : "not equal") : "", proof ? `${count(proof.keys)} keys against a count without a kill, of ${count(proof.records)} records.` : isNew ? "Nothing was recovered, so there is nothing to prove." : ""],
  ];
}

export class Timeline {
  #plot: uPlot | undefined;
  #telling: Telling | undefined;
  readonly #drawSoon = oncePerFrame(() => this.#draw());
  #frozen = "";

  constructor() {
    const host = by("timeline");
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#plot?.destroy();
      this.#plot = undefined;
      this.#draw();
    });
    new ResizeObserver(() => this.#plot?.setSize({ width: host.clientWidth, height: host.clientHeight })).observe(host);
  }

  /** Shows a telling, at most once a frame. */
  show(telling: Telling): void {
    this.#telling = telling;
    this.#drawSoon();
  }

  #draw(): void {
    if (this.#telling === undefined) return;
    const host = by("timeline");
    const data = columns(this.#telling);
    if (this.#plot === undefined) this.#plot = new uPlot(options(host, () => this.#telling?.kill !== null), data, host);
    else this.#plot.setData(data);
    const { kill, cuts } = this.#telling;
    const told = steps(kill, cuts.at(-1));
    const key = JSON.stringify(told);
    if (key === this.#frozen) return;
    this.#frozen = key;
    const isGood = kill?.proof?.isEqual;
    by("steps").replaceChildren(
      ...told.map(([name, figure, text], at) =>
        make("li", { class: text === "" ? "waits" : at === 5 ? (isGood ? "good" : "bad") : at === 2 ? "bad" : "" }, make("b", {}, name), " ", make("strong", {}, figure), " ", make("span", {}, text)),
      ),
    );
    by("timeline").setAttribute("aria-label", `Records in the state over time. ${told.filter(([, , text]) => text).map((step) => step.join(" ")).join(" ")}`);
  }
}
