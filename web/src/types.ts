import type { Clock, JsDirectory } from "./wasm/alluvium_wasm.js";
import type { WasmSource } from "./engine.js";
import type { NamespaceDeclaration } from "./namespace.js";
import type { WithJson } from "./plain.js";
import type { Schema } from "./schema.js";
import type { WhenBusy } from "./turns.js";
import type { Integer } from "./text.js";

export type { Clock };
export type { JsDirectory as CheckpointDirectory };

/** The options of `Checkpoints.open`. */
export interface OpenOptions extends Schema {
  /** The name of the checkpoints in their storage: at most 64 letters, digits, `.`, `_` and `-`. */
  name: string;
  /**
   * Where the checkpoints are kept. `"indexeddb"` (the default) works everywhere. `"opfs"` is faster and works
   * only in dedicated workers. `"memory"` lasts as long as this object. You can also pass a directory of your
   * own, such as `fileDirectory(path)` of `alluvium/node`.
   */
  storage?: "indexeddb" | "opfs" | "memory" | JsDirectory | undefined;
  /** How many checkpoints are kept. The default is 3. */
  maxRetained?: number | undefined;
  /** How long after a checkpoint `shouldCheckpoint` says that the next one is due. The default is 60 s. */
  intervalMs?: number | undefined;
  /** How many checkpoints may be under way before `whenBusy` says what happens. The default is 4. */
  maxInFlight?: number | undefined;
  /** What `checkpoint()` does if checkpoints are under way. The default is `"queue"`. */
  whenBusy?: WhenBusy | undefined;
  /**
   * The namespaces that are declared: parts of the state with keys of their own. A name that the state has already must
   * be declared in the same way, but for how long its entries stay, and its schema.
   */
  namespaces?: Record<string, NamespaceDeclaration> | undefined;
  /**
   * Opens for reading only, beside a writer. It takes no lock, writes nothing, and has the newest checkpoint of the
   * moment; `refresh` reads the newest one again. Without a checkpoint it is an error of kind `"not-found"`.
   */
  readOnly?: boolean | undefined;
  /** Whether checkpoints write only what changed (the default), or the whole state each time. */
  incremental?: boolean | undefined;
  /** How many bytes recovery may read per live byte. The default is 1.25. */
  recoveryReadRatio?: number | undefined;
  /**
   * How many bytes of live records the compaction after one checkpoint may rewrite, or a 64th of the state if
   * that is more. This bounds how long compaction keeps the thread busy. If it is less than about three times
   * what changes, recovery reads more. The default is four times what the checkpoint changed, or 1 MiB.
   */
  maxRebaseBytes?: number | undefined;
  /** The memory above which a mutation is refused. There is no limit by default. */
  memoryLimitBytes?: number | undefined;
  /**
   * Whether a storage without checkpoints is a fresh start (the default), or an error. Files of checkpoints without
   * any checkpoint are always an error.
   */
  create?: boolean | undefined;
  /** Whether an older checkpoint may be recovered if the newest is damaged. `recovered` says which were skipped. */
  allowFallback?: boolean | undefined;
  /** The id of a kept checkpoint to recover instead of the newest. */
  checkpoint?: Integer | undefined;
  /**
   * What to do if another tab or worker has these checkpoints open. `"fail"` (the default) throws an error of
   * kind `"fenced"`. `"wait"` waits until the other one closes. `"steal"` takes over, and the other one is
   * fenced.
   */
  whenTaken?: "fail" | "wait" | "steal" | undefined;
  /** Ends the waiting of `whenTaken: "wait"`. */
  signal?: AbortSignal | undefined;
  /** The identity of a new storage, 16 bytes. It is random by default. Set it for deterministic bytes. */
  storeId?: Uint8Array | undefined;
  /** The number of this writer in the names of its files, 8 bytes. It is random by default. Set it for deterministic bytes. */
  writer?: Uint8Array | undefined;
  /** The clock. Set it for deterministic bytes. */
  clock?: Clock | undefined;
  /** Where the engine's wasm comes from, if it is not beside this module. Only the first open uses it. */
  wasm?: WasmSource | undefined;
}

/** The options of one checkpoint. */
export interface CheckpointOptions {
  /**
   * The position in a log of your own. A number belongs to the state of this moment, so such a checkpoint never waits for
   * its turn. A function is asked when the state is frozen.
   */
  walPosition?: Integer | (() => Integer) | undefined;
  /** What happens if checkpoints are under way. The default is what `open` was given. */
  whenBusy?: WhenBusy | undefined;
  /** Resolves with the newest checkpoint, without writing one, if nothing was changed since. */
  ifChanged?: boolean | undefined;
}

/** A checkpoint that is durable, and what it cost. */
export interface WrittenCheckpoint extends CheckpointMetadata {
  /** What it cost. */
  statistics: CheckpointStatistics;
}

/** One checkpoint, as its metadata describes it. */
export interface CheckpointMetadata extends WithJson {
  /** The id of the checkpoint. A newer one has a larger id. */
  id: bigint;
  /** The epoch of the state. */
  epoch: bigint;
  /** When the checkpoint was frozen, in milliseconds of Unix time. */
  timestampMs: number;
  /** The position in a log of the caller's own. */
  walPosition: bigint;
  /** How far each source was consumed. */
  sourceOffsets: Map<string, bigint>;
  /** The watermark, in milliseconds of Unix time. */
  watermark: bigint | null;
  /** The bytes of all files that the checkpoint names. */
  sizeBytes: number;
  /** The number of live keys. */
  keyCount: number;
  /** Whether only changes were written, and not the whole state. */
  isIncremental: boolean;
  /** The checkpoint that this one builds on. */
  parentId: bigint | null;
  /** The files of the checkpoint. Other checkpoints may share some of them. */
  files: string[];
  /** Whether LaminarDB wrote the checkpoint. The next fields are null then. */
  isOriginal: boolean;
  /** The number of keys that changed since the checkpoint before. */
  keysChanged: number | null;
  /** How many of these were deleted. */
  tombstones: number | null;
  /** The bytes of the keys and values that changed. */
  bytesChanged: number | null;
  /** The bytes of the segments that were written. */
  bytesWritten: number | null;
  /** The bytes of all live keys and values. */
  stateBytes: number | null;
  /** A digest of the state. Equal states have equal digests. */
  stateDigest: string | null;
  /** Whether the checkpoint has an opaque state, which `loadState` returns. */
  hasState: boolean;
  /** The short texts that the caller attached. */
  annotations: Map<string, string>;
}

/** A checkpoint of a listing that is whole. */
export interface WholeCheckpoint extends WithJson {
  /** Its id. */
  id: bigint;
  /** Its metadata. */
  metadata: CheckpointMetadata;
  /** It has no damage. */
  damage?: never;
}

/** A checkpoint of a listing whose metadata cannot be read. */
export interface DamagedCheckpoint extends WithJson {
  /** Its id. */
  id: bigint;
  /** It has no metadata. */
  metadata?: never;
  /** What is wrong with it. */
  damage: string;
}

/** One checkpoint of a listing. It has its metadata, or the damage that was found. */
export type ListedCheckpoint = WholeCheckpoint | DamagedCheckpoint;

/** What one checkpoint cost. */
export interface CheckpointStatistics extends WithJson {
  /** The id of the checkpoint. */
  id: bigint;
  /** The number of keys that changed. */
  keysChanged: number;
  /** How many of these were deleted. */
  tombstones: number;
  /** The bytes of the keys and values that changed. */
  bytesChanged: number;
  /** The bytes of the file with the changes. */
  deltaBytes: number;
  /** The bytes of compacted files that this checkpoint names. Maintenance had created them before. */
  rebasedBytes: number;
  /** The bytes of all segments that the checkpoint wrote. */
  bytesWritten: number;
  /** The pause of the stream, in microseconds. */
  freezeUs: number;
  /** The time until the checkpoint was durable and the storage had been listed again, in microseconds. */
  writeUs: number;
}

/** What retention, garbage collection and compaction did after a checkpoint. */
export interface MaintenanceReport {
  /** The paths of the files that were deleted. */
  deleted: string[];
  /** The bytes of these files. */
  reclaimedBytes: number;
  /** The bytes of compacted files that were created. The next checkpoint names them. */
  rebasedBytes: number;
  /** The errors. What failed is tried again after the next checkpoint. */
  errors: string[];
}

/** A checkpoint that is damaged, and was left out. */
export interface SkippedCheckpoint {
  /** Its id. */
  id: bigint;
  /** What is wrong with it. */
  reason: string;
}

/** What opening recovered. */
export interface RecoverySummary extends WithJson {
  /** The checkpoint that was recovered. */
  checkpointId: bigint;
  /** The number of live keys. */
  keyCount: number;
  /** The bytes of segments and logs that were read. */
  bytesRead: number;
  /** How many changes were replayed from the log after the checkpoint. */
  walEntries: number;
  /** Newer checkpoints that were skipped because they are damaged. */
  skipped: SkippedCheckpoint[];
  /** Whether LaminarDB wrote the checkpoint. */
  isOriginal: boolean;
}

/** What verification found in one file. */
export interface Finding {
  /** The path of the file. */
  path: string;
  /** Whether it is damage, a file that no checkpoint names, a rest of a write that was cut short, or not ours. */
  severity: "damage" | "orphan" | "leftover" | "foreign";
  /** What it is, in words. */
  what: string;
}

/** What verification found. */
export interface VerifyReport {
  /** Whether anything is damaged. */
  isDamaged: boolean;
  /** The number of checkpoints. */
  checkpoints: number;
  /** The number of files. */
  files: number;
  /** The bytes of all files. */
  bytes: number;
  /** What was found, file by file. */
  findings: Finding[];
}

/** The memory that the engine uses, in bytes. */
export interface MemoryUsage {
  /** Memory for the state: records and tables. */
  stateBytes: number;
  /** Memory for the changes that no checkpoint has taken yet. */
  logBytes: number;
  /** The bytes of all live keys and values. */
  payloadBytes: number;
}

/** The events that `Checkpoints.on` listens to. */
export interface CheckpointEvents {
  /** A checkpoint is frozen, and its writing begins. */
  begin: {
    /** How many checkpoints are under way, this one included. */
    pending: number;
  };
  /** A checkpoint is durable. */
  checkpoint: {
    /** Its metadata. */
    metadata: CheckpointMetadata;
    /** What it cost. */
    statistics: CheckpointStatistics;
  };
  /** The maintenance after a checkpoint is done. */
  maintenance: MaintenanceReport;
  /** Another tab or worker took over. This object can write nothing any more. */
  fenced: {
    /** Who took over, in words. */
    reason: string;
  };
}
