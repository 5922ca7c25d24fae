// The messages between page and worker.

import type { CheckpointStatistics } from "alluvium";
import type { Proof } from "./proof.js";
import type { SourceName } from "./source.js";

export type Ranking = "mean" | "worst" | "flights";

export interface Settings {
  source: SourceName;
  storage: "indexeddb" | "opfs";
  /** Records per second. Infinity means as fast as possible. */
  rate: number;
  /** The number of records between two checkpoints. */
  every: number;
  ranking: Ranking;
  isPaused: boolean;
}

/** A checkpoint that is kept, or was kept earlier. */
export interface Row {
  id: string;
  timestampMs: number;
  records: number;
  keys: number;
  keysChanged: number | null;
  bytesWritten: number | null;
  stateBytes: number | null;
  /** The bytes of all files that the checkpoint names. */
  sizeBytes: number;
  damage?: string;
  /** Times that were measured. They are unknown for checkpoints that an earlier worker took. */
  statistics?: Pick<CheckpointStatistics, "freezeUs" | "writeUs">;
}

export interface RouteRow {
  key: string;
  flights: number;
  cancelled: number;
  /** The mean delay of the flights that departed. */
  meanMin: number;
  worstMin: number | null;
}

export interface Change {
  key: string;
  before: string | null;
  after: string | null;
}

export type ToWorker =
  | { type: "open"; settings: Settings; whenTaken: "wait" | "steal"; fresh: boolean }
  | { type: "settings"; settings: Settings }
  | { type: "restore"; id: string }
  | { type: "import"; file: Blob }
  | { type: "export"; id: string; to: "file" | "link" }
  | { type: "diff"; before: string; after: string }
  | { type: "verify" };

export type FromWorker =
  | { type: "ready"; hasOpfs: boolean }
  | { type: "opened"; recovered: { id: string; keys: number; bytesRead: number; records: number } | null; tookMs: number; total: number }
  | { type: "proving"; done: number; of: number; what: "records" | "keys" }
  | { type: "proved"; proof: Proof; after: "recovery" | "restore" | "import" | "end" }
  | {
      type: "progress";
      records: number;
      keys: number;
      /** How many keys of the past are written, of how many. */
      past: { written: number; of: number };
      perSecond: number;
      watermarkMs: number | null;
      /** The bytes of all keys and values. */
      payloadBytes: number;
      /** The memory that the keys and values take. */
      memoryBytes: number;
      waiting: boolean;
      isPaused: boolean;
    }
  | { type: "routes"; rows: RouteRow[]; flights: number; cancelled: number; ranked: number }
  | { type: "checkpoint"; row: Row }
  | { type: "kept"; rows: Row[] }
  | { type: "complete"; records: number }
  | { type: "restored"; id: string; from: string; how: "restore" | "import" }
  | { type: "exported"; id: string; to: "file" | "link"; file: Blob }
  | { type: "diffed"; before: string; after: string; changes: Change[]; added: number; removed: number; changed: number; same: number }
  | { type: "verified"; files: number; bytes: number; checkpoints: number; findings: string[] }
  | { type: "refused"; what: string; message: string }
  | { type: "failed"; kind: string; message: string };
