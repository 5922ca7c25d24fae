// Shows what differs between two checkpoints, as a table.

import type { Checkpoints } from "../checkpoints.js";
import { choice, labelled, make, table } from "./dom.js";
import type { Scope } from "./scope.js";
import { partsOf, titleOf } from "./spaces.js";
import { count, messageOf, shown } from "./values.js";

const SHOWN = 500;

/** Returns a copy of the state of a checkpoint. The checkpoints that it comes from do not change. */
export async function stateAt(of: Checkpoints<any, any>, id: bigint, scope: Scope): Promise<Checkpoints> {
  const copy = await scope.open({ name: "copy", storage: "memory" });
  await copy.importCheckpoint(await of.exportCheckpoint(id));
  return copy;
}

const isSame = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, at) => byte === b[at]);
/** A key as the key of a Map: each byte is a character. */
const asKey = (bytes: Uint8Array) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

/** Compares two states. Returns the lines of a table, and how many keys differ. */
function compare(before: Checkpoints, after: Checkpoints): { lines: string[][]; differing: number; same: number } {
  const [old, now] = [before, after].map((state) => new Map(partsOf(state).map((part) => [part.name, part])));
  const lines: string[][] = [];
  let [differing, same] = [0, 0];
  const note = (name: string, what: string, key: Uint8Array, a: Uint8Array | undefined, b: Uint8Array | undefined) => {
    differing++;
    if (lines.length < SHOWN) lines.push([shown(key, "auto"), titleOf(name), what, a ? shown(a, "auto") : "–", b ? shown(b, "auto") : "–"]);
  };
  for (const name of new Set([...old!.keys(), ...now!.keys()])) {
    // Timers may have one key at several times, so their times belong to what is compared.
    const values = new Map<string, [Uint8Array, Uint8Array][]>();
    for (const entry of old!.get(name)?.entries("") ?? []) values.set(asKey(entry[0]), [...(values.get(asKey(entry[0])) ?? []), entry]);
    for (const [key, value] of now!.get(name)?.entries("") ?? []) {
      const found = values.get(asKey(key)) ?? [];
      const at = found.findIndex(([, was]) => isSame(was, value));
      const [was] = found.splice(Math.max(0, at), 1);
      if (at >= 0) same++;
      else note(name, was ? "changed" : "added", key, was?.[1], value);
    }
    for (const [key, value] of [...values.values()].flat()) note(name, "removed", key, value, undefined);
  }
  return { lines, differing, same };
}

/** Returns a section in which two of the checkpoints are compared. */
export function differencesOf(checkpoints: Checkpoints<any, any>, ids: bigint[], scope: Scope): HTMLElement {
  const options = ids.map((id): [string, string] => [String(id), `checkpoint ${id}`]);
  const [from, to] = [choice(options), choice(options)];
  from.selectedIndex = Math.min(1, ids.length - 1);
  const button = make("button", { type: "button" }, "Compare");
  const note = make("p", { role: "status", class: "note" });
  const host = make("div");
  button.addEventListener("click", async () => {
    button.disabled = true;
    const compared = scope.inner();
    try {
      const [before, after] = [await stateAt(checkpoints, BigInt(from.value), compared), await stateAt(checkpoints, BigInt(to.value), compared)];
      const { lines, differing, same } = compare(before, after);
      note.textContent = `${count(differing)} keys differ, ${count(same)} are the same.${lines.length < differing ? ` The first ${lines.length} follow.` : ""}`;
      host.replaceChildren(table("Differences", ["key", "namespace", "what", "before", "after"], lines));
    } catch (thrown) {
      note.textContent = `They cannot be compared: ${messageOf(thrown)}`;
      host.replaceChildren();
    } finally {
      await compared.close();
    }
    button.disabled = false;
  });
  const controls = make("div", { class: "row" }, labelled("From", from), labelled("To", to), button);
  return make("section", { class: "differences" }, make("h2", {}, "Compare two"), controls, note, host);
}
