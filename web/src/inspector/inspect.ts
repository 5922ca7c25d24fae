// Shows checkpoints in an element: a list of them, and the keys, offsets and differences of those that are chosen.

import type { Checkpoints } from "../checkpoints.js";
import type { CheckpointMetadata } from "../types.js";
import { differencesOf, stateAt } from "./differences.js";
import { make, table } from "./dom.js";
import { entriesOf } from "./entries.js";
import type { Scope } from "./scope.js";
import { partsOf } from "./spaces.js";
import { count, messageOf, shown } from "./values.js";

/** Shows the state of a checkpoint: its offsets, and its keys by namespace. */
function stateOf(state: Checkpoints, { id, stateDigest }: CheckpointMetadata): HTMLElement {
  const facts: [string, string][] = [
    ["epoch", String(state.epoch)],
    ["watermark", state.watermark === undefined ? "none" : `${state.watermark} ms`],
    ["state digest", stateDigest ?? "unknown"],
  ];
  const offsets = [...state.sourceOffsets].map(([source, at]) => [source, "(whole)", String(at)]);
  const partitions = [...state.positions].flatMap(([source, all]) =>
    [...all].filter(([partition]) => partition !== "" || !state.sourceOffsets.has(source)).map(([partition, at]) => [source, partition || "(whole)", typeof at === "bigint" ? String(at) : shown(at, "auto")]),
  );
  const positions = [...offsets, ...partitions];
  const list = make("dl", { class: "facts" }, ...facts.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text))));
  const sources = positions.length === 0 ? make("p", { class: "note" }, "No source has a position.") : table("Positions of sources", ["source", "partition", "position"], positions);
  return make("section", {}, make("h2", {}, `Checkpoint ${id}`), list, sources, entriesOf(partsOf(state)));
}

function lineOf(metadata: CheckpointMetadata, open: HTMLElement): (Node | string)[] {
  const { id, timestampMs, keyCount, keysChanged, bytesWritten, stateBytes, sizeBytes, annotations } = metadata;
  const notes = [...annotations].map(([name, value]) => `${name}: ${value}`).join(", ");
  return [String(id), new Date(timestampMs).toISOString(), count(keyCount), count(keysChanged), count(bytesWritten), count(stateBytes), count(sizeBytes), notes, open];
}

const HEADS = ["#id", "taken", "#keys", "#changed", "#bytes written", "#bytes of state", "#bytes of files", "annotations", "state"];

/**
 * Shows checkpoints in an element. They are only read. The copies of their states are closed with the scope. Resolves when
 * the newest state is shown.
 */
export async function inspect(element: HTMLElement, checkpoints: Checkpoints<any, any>, scope: Scope): Promise<void> {
  const listed = await checkpoints.list();
  const chosen = make("div", { class: "chosen" });
  const status = make("p", { role: "status", class: "note" });
  /** What is shown now, and what is wanted. The entries are walked through page by page, so the state stays open meanwhile. */
  let [shown, wanted]: (Scope | undefined)[] = [];
  const show = async (metadata: CheckpointMetadata) => {
    if (wanted !== shown) void wanted?.close();
    const mine = (wanted = scope.inner());
    try {
      const state = stateOf(await stateAt(checkpoints, metadata.id, mine), metadata);
      if (mine.isClosed) return;
      void shown?.close();
      shown = mine;
      chosen.replaceChildren(state);
      status.textContent = "";
    } catch (thrown) {
      if (mine.isClosed) return;
      status.textContent = `Checkpoint ${metadata.id} cannot be read: ${messageOf(thrown)}`;
      void mine.close();
      wanted = shown;
    }
  };
  const lines = listed.map(({ id, metadata, damage }) => {
    if (metadata === undefined) return [String(id), "", "", "", "", "", "", `damaged: ${damage}`, ""];
    const open = make("button", { type: "button", "aria-label": `Show checkpoint ${id}` }, "Show");
    open.addEventListener("click", () => void show(metadata));
    return lineOf(metadata, open);
  });
  const whole = listed.flatMap(({ metadata }) => metadata ?? []);
  element.replaceChildren(make("section", {}, make("h2", {}, "Checkpoints"), table("Checkpoints", HEADS, lines), status), chosen);
  if (whole.length > 1) element.append(differencesOf(checkpoints, whole.map(({ id }) => id), scope));
  if (whole[0] !== undefined) await show(whole[0]);
}
