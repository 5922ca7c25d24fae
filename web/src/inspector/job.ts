// Reads the manifest of a job: what its log says about the parts.

import type { Checkpoints } from "../checkpoints.js";
import { make, table } from "./dom.js";
import { count } from "./values.js";

interface PartOfJob {
  store: string;
  checkpoint: number;
  range: [string, string];
  keys: number;
  bytes: number;
  others: string[];
}

const isPart = (value: Partial<PartOfJob> | undefined): value is PartOfJob =>
  typeof value?.store === "string" && typeof value.checkpoint === "number" && Array.isArray(value.range) && Array.isArray(value.others);

function read<T>(log: Checkpoints, key: string): T | undefined {
  try {
    return log.getJson<T>(key);
  } catch (thrown) {
    throw new Error(`log: the value of ${JSON.stringify(key)} is not JSON`, { cause: thrown });
  }
}

/** Returns a section with the parts of a job. `open` shows the directory of a part, by its path in the job. */
export function jobOf(log: Checkpoints, open: (path: string, checkpoint: number) => void): HTMLElement {
  const job = read<{ generation?: number; parts?: number; stores?: string[] }>(log, "job");
  if (job === undefined) throw new Error('log: it has no "job", so it is not the log of a job');
  const lines: (Node | string)[][] = [];
  for (let worker = 0; worker < Number(job.parts ?? 0); worker++) {
    const key = `part:${String(worker).padStart(8, "0")}`;
    const part = read<Partial<PartOfJob>>(log, key);
    if (!isPart(part)) throw new Error(`log: ${JSON.stringify(key)} does not describe a part`);
    const button = make("button", { type: "button", "aria-label": `Show part ${worker}` }, "Show");
    button.addEventListener("click", () => open(`parts/${part.store}`, part.checkpoint));
    lines.push([String(worker), part.store, String(part.checkpoint), part.range.join(" to "), count(part.keys), count(part.bytes), part.others.join(", ") || "none", button]);
  }
  const isSpread = lines.some((line) => line[6] !== "none");
  const note = isSpread ? "A part with segments of others cannot be opened alone. `alluvium cluster export` writes the whole state to a file, which this page opens." : "";
  const said = `Generation ${count(job.generation)}, ${count(job.parts)} parts, ${count(job.stores?.length)} workers. The positions of the job are those of its log.`;
  return make("section", {}, make("h2", {}, "The job"), make("p", {}, said), make("p", { class: "note" }, note), table("Parts", ["#worker", "directory", "#checkpoint", "hashes", "#keys", "#bytes", "segments of others", "state"], lines));
}
