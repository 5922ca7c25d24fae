import type { Clock, JsDirectory } from "./wasm/alluvium_wasm.js";
import type { WasmSource } from "./engine.js";
import type { Integer } from "./text.js";

export type { Clock };
export type { JsDirectory as CheckpointDirectory };

/** How checkpoints are opened. */
export interface OpenOptions {
  /** What they are called within their storage: letters, digits, `.`, `_` and `-`, at most 64. */
  name: string;
  /**
   * Where they are kept. `"indexeddb"` (the default) works everywhere; `"opfs"` is faster and works in
   * dedicated workers; `"memory"` lasts as long as this object. Or a directory of your own, such as
   * `fileDirectory(path)` of `alluvium/node`.
   */
  storage?: "indexeddb" | "opfs" | "memory" | JsDirectory;
  /** How many checkpoints stay. Default 3. */
  maxRetained?: number;
  /** How long after a checkpoint the next is due, for `shouldCheckpoint`. Default 60 s. */
  intervalMs?: number;
  /** Checkpoints that may be on their way at once. Default 4. */
  maxInFlight?: number;
  /** Whether checkpoints write what changed (the default) or the whole state each time. */
  incremental?: boolean;
  /** Bytes that recovery may read per live byte. Default 1.25. */
  recoveryReadRatio?: number;
  /**
   * Bytes of live records that one checkpoint may rewrite for recovery's sake, or a 64th of the state
   * where that is more; it bounds how long the thread is busy with it. Less than about three times
   * what changes, and recovery reads more. Default: four times what the checkpoint changed, or 1 MiB.
   */
  maxRebaseBytes?: number;
  /** Memory past which a mutation is refused. Default none. */
  memoryLimitBytes?: number;
  /** Whether a storage without checkpoints is a fresh start (the default) or an error. */
  create?: boolean;
  /** Whether a damaged newest checkpoint may be passed over for an older one; see `recovered`. */
  allowFallback?: boolean;
  /** One kept checkpoint instead of the newest. */
  checkpoint?: Integer;
  /**
   * What to do when another tab or worker has these checkpoints open: `"fail"` (the default) with an
   * error of kind `"fenced"`, `"wait"` until it goes away, or `"steal"`: the other is fenced.
   */
  whenTaken?: "fail" | "wait" | "steal";
  /** Ends waiting. */
  signal?: AbortSignal;
  /** Identity of a new storage, 16 bytes; random by default. For deterministic bytes. */
  storeId?: Uint8Array;
  /** Where time comes from. For deterministic bytes. */
  clock?: Clock;
  /** Where the engine's wasm comes from, if not from beside this module. Taken on the first open. */
  wasm?: WasmSource;
}

/** One checkpoint, as its metadata says. */
export interface CheckpointMetadata {
  id: bigint;
  epoch: bigint;
  timestampMs: number;
  walPosition: bigint;
  sourceOffsets: Map<string, bigint>;
  watermark: bigint | null;
  /** Bytes of all files that it names. */
  sizeBytes: number;
  keyCount: number;
  isIncremental: boolean;
  parentId: bigint | null;
  /** Its files, some shared with others. */
  files: string[];
  /** Not written by Alluvium but by the format that it continues; the next fields are null. */
  isOriginal: boolean;
  keysChanged: number | null;
  tombstones: number | null;
  bytesChanged: number | null;
  bytesWritten: number | null;
  /** Bytes of all live keys and values. */
  stateBytes: number | null;
  /** Equal for equal states. */
  stateDigest: string | null;
  /** Whether an opaque state belongs to it; see `loadState`. */
  hasState: boolean;
  annotations: Map<string, string>;
}

/** A checkpoint of a listing: its metadata, or what is wrong with it. */
export type ListedCheckpoint = { id: bigint; metadata: CheckpointMetadata; damage?: never } | { id: bigint; metadata?: never; damage: string };

/** What a checkpoint cost. */
export interface CheckpointStatistics {
  id: bigint;
  keysChanged: number;
  tombstones: number;
  bytesChanged: number;
  deltaBytes: number;
  /** Of rebased files that it published; maintenance created them before. */
  rebasedBytes: number;
  bytesWritten: number;
  /** The stall of the stream, in microseconds. */
  freezeUs: number;
  /** Until it was durable and the storage had been listed again, in microseconds. */
  writeUs: number;
}

/** What tidying up did. */
export interface MaintenanceReport {
  deleted: string[];
  reclaimedBytes: number;
  /** Of rebased files that were created, for the next checkpoint to name. */
  rebasedBytes: number;
  /** What went wrong; tried again after the next checkpoint. */
  errors: string[];
}

/** What opening found. */
export interface RecoverySummary {
  checkpointId: bigint;
  keyCount: number;
  bytesRead: number;
  /** Newer checkpoints that were passed over because they are damaged. */
  skipped: { id: bigint; reason: string }[];
  isOriginal: boolean;
}

/** What verification found. */
export interface VerifyReport {
  isDamaged: boolean;
  checkpoints: number;
  files: number;
  bytes: number;
  findings: { path: string; severity: "damage" | "leftover" | "foreign"; what: string }[];
}

/** Memory of the engine, in bytes. */
export interface MemoryUsage {
  stateBytes: number;
  logBytes: number;
  payloadBytes: number;
}

/** What is told as it happens. */
export interface CheckpointEvents {
  /** Frozen; being written from now on. */
  begin: { pending: number };
  /** Durable. */
  checkpoint: { metadata: CheckpointMetadata; statistics: CheckpointStatistics };
  /** Tidied up after a checkpoint. */
  maintenance: MaintenanceReport;
  /** Another tab or worker took over; nothing more can be written from here. */
  fenced: { reason: string };
}
