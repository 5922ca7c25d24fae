// The tables of routes, kept checkpoints and differences.

import { by, cell, make, setText } from "./dom.js";
import { differenceTable } from "./difference.js";
import { bytes, clockTime, count, microseconds, minutes } from "./format.js";
import type { FromWorker, Ranking, Row } from "./protocol.js";

const TITLES: Record<Ranking, string> = { mean: "mean arrival delay, min", worst: "worst arrival delay, min", flights: "flights" };

export function showRoutes({ rows, flights, cancelled, ranked }: Extract<FromWorker, { type: "routes" }>, ranking: Ranking): void {
  setText("flights", count(flights));
  setText("cancelled", count(cancelled));
  setText("ranked", count(ranked));
  setText("bar-title", TITLES[ranking]);
  const figure = (row: (typeof rows)[number]) => ({ mean: row.meanMin, worst: row.worstMin ?? 0, flights: row.flights })[ranking];
  const most = Math.max(1, ...rows.map(figure));
  const body = by("route-rows");
  if (rows.length === 0) return body.replaceChildren(make("tr", {}, make("td", { colspan: "5" }, "no flights yet")));
  rows.forEach((row, at) => {
    const [carrier, route] = row.key.split(":");
    const texts = [`${carrier} ${(route ?? "").replace("-", " → ")}`, count(row.flights), minutes(row.meanMin), row.worstMin === null ? "–" : count(row.worstMin)];
    let line = body.children[at] as HTMLTableRowElement | undefined;
    if (line === undefined || line.children.length !== 5) {
      const heads = [make("th", { scope: "row" }), ...[1, 2, 3].map(() => cell("", "number"))];
      const made = make("tr", {}, ...heads, make("td", { class: "bar", "aria-hidden": "true" }, make("span")));
      if (line) line.replaceWith(made);
      else body.append(made);
      line = made;
    }
    texts.forEach((text, column) => (line.children[column]!.textContent = text));
    (line.querySelector(".bar span") as HTMLElement).style.width = `${Math.max(0, (100 * figure(row)) / most)}%`;
  });
  while (body.children.length > rows.length) body.lastElementChild?.remove();
}

/** The table of kept checkpoints. Its rows do not move while the pointer is over them, so that they can be clicked. */
export class CheckpointTable {
  #rows: Row[] = [];
  #hasActed = false;
  readonly #body = by("checkpoint-rows");
  readonly #lines = new Map<string, HTMLTableRowElement>();

  constructor(readonly act: (what: "restore" | "file" | "link", id: string) => void) {
    this.#body.addEventListener("pointerleave", () => {
      this.#hasActed = false;
      this.#render();
    });
    this.#body.addEventListener("click", ({ target }) => {
      const { act: what, id } = (target as HTMLElement).dataset;
      if (id === undefined) return;
      this.#hasActed = true;
      this.act(what as "restore" | "file" | "link", id);
    });
  }

  show(rows: Row[]): void {
    this.#rows = rows;
    if (!this.#body.matches(":hover") || this.#hasActed) this.#render();
  }

  #render(): void {
    const rows = this.#rows;
    if (rows.length === 0) {
      this.#lines.clear();
      this.#body.replaceChildren(make("tr", {}, make("td", { colspan: "10" }, "none yet")));
    } else {
      const ids = new Set(rows.map(({ id }) => id));
      for (const line of [...this.#body.children] as HTMLTableRowElement[]) {
        if (line.dataset.id !== undefined && ids.has(line.dataset.id)) continue;
        // If the row that is removed has the focus, the focus moves to the table.
        if (line.contains(document.activeElement)) (line.closest(".scroll") as HTMLElement).focus({ preventScroll: true });
        this.#lines.delete(line.dataset.id ?? "");
        line.remove();
      }
      rows.forEach((row, at) => {
        const line = this.#line(row);
        if (this.#body.children[at] !== line) this.#body.insertBefore(line, this.#body.children[at] ?? null);
      });
    }
    this.#offer("diff-before", rows, 1);
    this.#offer("diff-after", rows, 0);
  }

  #line(row: Row): HTMLTableRowElement {
    const known = this.#lines.get(row.id);
    const isTimed = row.statistics !== undefined;
    if (known !== undefined && known.dataset.timed === String(isTimed)) return known;
    const line = make("tr", { "data-id": row.id, "data-timed": String(isTimed), "data-records": String(row.records) });
    if (row.bytesWritten !== null && row.stateBytes) line.dataset.share = String(row.bytesWritten / row.stateBytes);
    const id = cell(row.id, "number");
    if (row.damage !== undefined) {
      line.className = "damaged";
      line.append(id, make("td", { colspan: "9" }, `damaged: ${row.damage}`));
    } else {
      const button = (what: string, text: string) =>
        make("button", { type: "button", "data-act": what, "data-id": row.id, "aria-label": `${text} checkpoint ${row.id}` }, text);
      const { statistics } = row;
      line.append(
        id,
        cell(count(row.records), "number"),
        cell(clockTime(row.timestampMs), "number optional"),
        cell(count(row.keys), "number optional"),
        cell(row.keysChanged === null ? "–" : count(row.keysChanged), "number optional"),
        cell(bytes(row.bytesWritten), "number"),
        cell(bytes(row.stateBytes), "number optional"),
        cell(statistics ? count(statistics.writeUs) : "–", "number optional"),
        cell(microseconds(statistics?.freezeUs), "number optional"),
        make("td", {}, make("div", { class: "buttons" }, button("restore", "Restore"), button("file", "Download"), button("link", "Link"))),
      );
    }
    known?.replaceWith(line);
    this.#lines.set(row.id, line);
    return line;
  }

  /** Fills a select with checkpoints. The chosen one stays chosen if it is still kept. */
  #offer(id: string, rows: Row[], otherwise: number): void {
    const select = by<HTMLSelectElement>(id);
    const usable = rows.filter(({ damage }) => damage === undefined);
    const before = select.dataset.chosen !== undefined ? select.value : "";
    if ([...select.options].map(({ value }) => value).join() === usable.map(({ id }) => id).join()) return;
    // If an open list changed while it is used, the click would choose something else.
    if (document.activeElement === select && usable.some(({ id }) => id === select.value)) return;
    select.replaceChildren(...usable.map((row) => make("option", { value: row.id }, `${row.id}: ${count(row.records)} records`)));
    const kept = usable.findIndex(({ id }) => id === before);
    select.selectedIndex = kept >= 0 ? kept : Math.min(otherwise, usable.length - 1);
  }
}

export function showDiff({ before, after, changes, added, removed, changed, same }: Extract<FromWorker, { type: "diffed" }>): void {
  const total = added + removed + changed;
  const shown = changes.length < total ? `; the first ${count(changes.length)} follow` : "";
  setText(
    "diff-text",
    `From checkpoint ${before} to ${after}: ${count(changed)} keys changed, ${count(added)} added, ${count(removed)} removed, ${count(same)} the same${shown}.`,
  );
  const [heads, lines] = differenceTable(changes);
  by("diff-heads").replaceChildren(heads);
  by("diff-rows").replaceChildren(...lines);
  const region = by("diff");
  region.hidden = false;
  region.focus({ preventScroll: true });
  region.scrollIntoView({ block: "nearest" });
}
