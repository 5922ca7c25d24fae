// The table of what differs between two checkpoints: a line for each key, a column for each figure of its value.

import { cell, make } from "./dom.js";
import { count } from "./format.js";
import type { Change } from "./protocol.js";

/** Reads a value of the aggregation. Other programs may have written other values. */
function figures(text: string | null): Record<string, number | null> | undefined {
  if (text === null) return {};
  try {
    const value: unknown = JSON.parse(text);
    const isFlat = typeof value === "object" && value !== null && Object.values(value).every((of) => of === null || typeof of === "number");
    return isFlat ? (value as Record<string, number | null>) : undefined;
  } catch {
    return undefined;
  }
}

const head = (text: string, isNumber = true) => make("th", isNumber ? { scope: "col", class: "number" } : { scope: "col" }, text);

/** Returns the heads and the lines. Values that are not figures are shown as they are. */
export function differenceTable(changes: Change[]): [heads: HTMLElement, lines: HTMLElement[]] {
  const read = changes.map(({ key, before, after }) => ({ key, before: figures(before), after: figures(after), isNew: before === null, isGone: after === null }));
  const isFlat = read.every(({ before, after }) => before !== undefined && after !== undefined);
  if (!isFlat) {
    const lines = changes.map(({ key, before, after }) => make("tr", {}, make("th", { scope: "row" }, key), cell(before ?? "not there"), cell(after ?? "not there")));
    return [make("tr", {}, head("key", false), head("before", false), head("after", false)), lines];
  }
  const names = [...new Set(read.flatMap(({ before, after }) => [...Object.keys(before ?? {}), ...Object.keys(after ?? {})]))];
  const lines = read.map(({ key, before, after, isNew, isGone }) =>
    make("tr", {}, make("th", { scope: "row" }, key), cell(isNew ? "added" : isGone ? "removed" : "changed"), ...names.map((name) => cell(step(before?.[name], after?.[name]), "number"))),
  );
  return [make("tr", {}, head("key", false), head("what", false), ...names.map((name) => head(name.replaceAll("_", " ")))), lines];
}

/** Shows a figure and how it came about. */
function step(before: number | null | undefined, after: number | null | undefined): string {
  const shown = (value: number | null | undefined) => (value === null || value === undefined ? "–" : count(value));
  return before === after ? shown(after) : `${shown(before)} → ${shown(after)}`;
}
