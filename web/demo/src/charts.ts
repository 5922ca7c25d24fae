// The two charts of the checkpoints: bytes and time. The table shows the same figures, and the labels of the
// charts say them in words.

import "./language.js";
import uPlot from "uplot";
import { by, oncePerFrame } from "./dom.js";
import { bytes, clockStepUs, count } from "./format.js";
import type { Row } from "./protocol.js";

const SHOWN = 120;

type Chart = { plot: uPlot; host: HTMLElement };

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options(host: HTMLElement, series: uPlot.Series[], scale: uPlot.Scale, yAxis: uPlot.Axis): uPlot.Options {
  const axis = { stroke: css("--soft"), font: "12px system-ui, sans-serif", ticks: { show: false }, grid: { stroke: css("--line"), width: 1 } };
  return {
    width: host.clientWidth,
    height: host.clientHeight,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, range: (_, least, most) => [least - 0.6, most + 0.6] }, y: scale },
    series: [{}, ...series],
    axes: [
      { ...axis, grid: { show: false }, size: 24, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], values: (_, at) => at.map((id) => `#${id}`) },
      { ...axis, size: 72, ...yAxis },
    ],
  };
}

function byteOptions(host: HTMLElement, line: uPlot.Series, colour: string): uPlot.Options {
  const bars = { stroke: colour, fill: colour, paths: uPlot.paths.bars!({ size: [0.6, 24] }), points: { show: false } };
  // The axis has steps that are powers of two, so that they are round figures in KiB and MiB.
  const incrs = Array.from({ length: 30 }, (_, at) => 256 * 2 ** at);
  const scale: uPlot.Scale = { range: (_, __, most) => [0, Math.max(1024, most * 1.08)] };
  return options(host, [line, bars], scale, { incrs, values: (_, at) => at.map((value) => bytes(value)) });
}

function timeOptions(host: HTMLElement, line: uPlot.Series, colour: string): uPlot.Options {
  const dots = { stroke: colour, width: 0, paths: () => null, points: { show: true, size: 5, fill: colour, stroke: colour } };
  const named: [number, string][] = [[1, "1 µs"], [100, "100 µs"], [10_000, "10 ms"], [1_000_000, "1 s"]];
  return options(host, [line, dots], { distr: 3, log: 10, range: [1, 1_000_000] }, {
    splits: () => named.map(([us]) => us),
    filter: (_, splits) => splits,
    values: () => named.map(([, name]) => name),
  });
}

export class Charts {
  #bytes: Chart | undefined;
  #time: Chart | undefined;
  #rows: Row[] = [];
  readonly #drawSoon = oncePerFrame(() => this.#draw());

  constructor() {
    const remake = () => {
      for (const chart of [this.#bytes, this.#time]) chart?.plot.destroy();
      this.#bytes = this.#time = undefined;
      this.#draw();
    };
    // A canvas does not follow the colours and the width of the page by itself.
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", remake);
    new ResizeObserver(() => {
      for (const chart of [this.#bytes, this.#time]) {
        if (chart) chart.plot.setSize({ width: chart.host.clientWidth, height: chart.host.clientHeight });
      }
    }).observe(by("chart-bytes"));
  }

  /** Shows these checkpoints, oldest first. */
  show(rows: Row[]): void {
    this.#rows = rows.filter(({ bytesWritten }) => bytesWritten !== null).slice(-SHOWN);
    this.#drawSoon();
  }

  #draw(): void {
    const rows = this.#rows;
    const ids = rows.map(({ id }) => Number(id));
    const atLeastAStep = (value: number | undefined) => (value === undefined ? null : Math.max(value, clockStepUs));
    this.#bytes = this.#update(this.#bytes, "chart-bytes", [ids, rows.map((row) => row.stateBytes), rows.map((row) => row.bytesWritten)]);
    this.#time = this.#update(this.#time, "chart-time", [
      ids,
      rows.map((row) => atLeastAStep(row.statistics?.writeUs)),
      rows.map((row) => atLeastAStep(row.statistics?.freezeUs)),
    ]);
    this.#describe();
  }

  #update(chart: Chart | undefined, id: "chart-bytes" | "chart-time", data: uPlot.AlignedData): Chart {
    if (chart !== undefined) {
      chart.plot.setData(data);
      return chart;
    }
    const host = by(id);
    const line: uPlot.Series = { stroke: css("--accent"), width: 2, points: { show: false } };
    const second = css("--second");
    const settings = id === "chart-bytes" ? byteOptions(host, line, second) : timeOptions(host, line, second);
    return { plot: new uPlot(settings, data, host), host };
  }

  #describe(): void {
    const last = this.#rows.at(-1);
    if (last === undefined) return;
    const { bytesWritten, stateBytes, statistics } = last;
    const over = `${this.#rows.length} checkpoints; `;
    const size = `the last wrote ${bytes(bytesWritten)}, the state has ${bytes(stateBytes)}`;
    by("chart-bytes").setAttribute("aria-label", `Bytes by checkpoint, ${over}${size}`);
    const time = statistics ? `the last was durable in ${count(statistics.writeUs)} µs, its pause was ${count(statistics.freezeUs)} µs` : "";
    by("chart-time").setAttribute("aria-label", `Time by checkpoint, ${over}${time}`);
  }
}
