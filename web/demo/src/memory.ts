// What the page remembers. It keeps the settings and what its charts show for good, and the tally and the story of the last
// kill as long as the tab is open.

import { keysOfThisDevice } from "./archive.js";
import type { Row, Settings } from "./protocol.js";
import type { Telling } from "./story.js";

export interface Tally {
  kills: number;
  crashes: number;
  proofs: number;
  equal: number;
}

const SETTINGS = "alluvium-demo-settings";
const TALLY = "alluvium-demo-tally";
const CRASH = "alluvium-demo-crash";
const STORY = "alluvium-demo-story";
const HISTORY = "alluvium-demo-history";

/** The rates that the slider offers. */
export const RATES = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, Infinity];

/** The source of a new visitor, and of an address that names a number of keys. */
export const archiveHere = () => `archive-${keysOfThisDevice()}` as const;

const fresh: Settings = { source: archiveHere(), storage: "indexeddb", rate: 1_000, every: 1_000, ranking: "mean", isPaused: false };

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
  const isKnown = /^(flights|firehose-[1-9]\d{0,5}|archive-[1-9]\d{0,6})$/.test(found.source);
  const isOtherSize = found.source.startsWith("archive-") && new URLSearchParams(location.search).has("keys");
  const source = isKnown && !isOtherSize ? found.source : fresh.source;
  return { ...found, source, rate: RATES.includes(rate) ? rate : fresh.rate, every: Number.isInteger(found.every) && found.every > 0 ? found.every : fresh.every };
}
export const keepSettings = (settings: Settings) => write(() => localStorage, SETTINGS, settings);

export const recallTally = (): Tally => ({ kills: 0, crashes: 0, proofs: 0, equal: 0, ...read<Tally>(() => sessionStorage, TALLY) });
export const keepTally = (tally: Tally) => write(() => sessionStorage, TALLY, tally);

/** The checkpoints that the charts of a storage show, oldest first. */
export const recallHistory = (store: string): Row[] => {
  const { rows } = read<{ rows: Row[] }>(() => localStorage, `${HISTORY}/${store}`);
  return Array.isArray(rows) ? rows : [];
};
export const keepHistory = (store: string, rows: Row[]) => write(() => localStorage, `${HISTORY}/${store}`, { rows });

export const recallStory = (store: string): Partial<Telling> => read<Telling>(() => sessionStorage, `${STORY}/${store}`);
export const keepStory = (store: string, telling: Telling) => write(() => sessionStorage, `${STORY}/${store}`, telling);

/** Notes for the page after the reload how many records this page has seen. */
export const noteCrash = (records: number) => write(() => sessionStorage, CRASH, { records });
/** Returns the note of `noteCrash` and deletes it. */
export function takeCrash(): number | undefined {
  const { records } = read<{ records: number }>(() => sessionStorage, CRASH);
  write(() => sessionStorage, CRASH, {});
  return records;
}
