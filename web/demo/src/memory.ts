// What the page remembers. It keeps the settings for good, and the tally as long as the tab is open.

import type { Settings } from "./protocol.js";

export interface Tally {
  kills: number;
  crashes: number;
  proofs: number;
  equal: number;
}

const SETTINGS = "alluvium-demo-settings";
const TALLY = "alluvium-demo-tally";
const CRASH = "alluvium-demo-crash";

/** The rates that the slider offers. */
export const RATES = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, Infinity];

const fresh: Settings = { source: "flights", storage: "indexeddb", rate: 1_000, every: 1_000, ranking: "mean", isPaused: false };

function read<T extends object>(storage: () => Storage, name: string): Partial<T> {
  try {
    return JSON.parse(storage().getItem(name) ?? "{}") as Partial<T>;
  } catch {
    // If the storage is missing or has invalid contents, the page starts as for a new visitor.
    return {};
  }
}

function write(storage: () => Storage, name: string, value: unknown): void {
  try {
    storage().setItem(name, JSON.stringify(value));
  } catch {
    // If the storage is blocked or full, the value is only forgotten at the next reload.
  }
}

export function recallSettings(): Settings {
  const found = { ...fresh, ...read<Settings>(() => localStorage, SETTINGS) };
  // JSON has no Infinity, so it is read as null.
  const rate = found.rate === null ? Infinity : found.rate;
  return { ...found, rate: RATES.includes(rate) ? rate : fresh.rate, every: Number.isInteger(found.every) && found.every > 0 ? found.every : fresh.every };
}
export const keepSettings = (settings: Settings) => write(() => localStorage, SETTINGS, settings);

export const recallTally = (): Tally => ({ kills: 0, crashes: 0, proofs: 0, equal: 0, ...read<Tally>(() => sessionStorage, TALLY) });
export const keepTally = (tally: Tally) => write(() => sessionStorage, TALLY, tally);

/** Notes for the page after the reload how many records this page has seen. */
export const noteCrash = (records: number) => write(() => sessionStorage, CRASH, { records });
/** Returns the note of `noteCrash` and deletes it. */
export function takeCrash(): number | undefined {
  const { records } = read<{ records: number }>(() => sessionStorage, CRASH);
  write(() => sessionStorage, CRASH, {});
  return records;
}
