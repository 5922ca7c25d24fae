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
export type WrittenCheckpoint = CheckpointMetadata & { statistics: CheckpointStatistics };

/** One checkpoint, as its metadata describes it. */
export interface CheckpointMetadata extends WithJson {
  id: bigint;
  epoch: bigint;
  timestampMs: number;
  walPosition: bigint;
  sourceOffsets: Map<string, bigint>;
  watermark: bigint | null;
  /** The bytes of all files that the checkpoint names. */
  sizeBytes: number;
  keyCount: number;
  isIncremental: boolean;
  parentId: bigint | null;
  /** The files of the checkpoint. Other checkpoints may share some of them. */
  files: string[];
  /** Whether LaminarDB wrote the checkpoint. The next fields are null then. */
  isOriginal: boolean;
  keysChanged: number | null;
  tombstones: number | null;
  bytesChanged: number | null;
  bytesWritten: number | null;
  /** The bytes of all live keys and values. */
  stateBytes: number | null;
  /** A digest of the state. Equal states have equal digests. */
  stateDigest: string | null;
  /** Whether the checkpoint has an opaque state, which `loadState` returns. */
  hasState: boolean;
  annotations: Map<string, string>;
}

/** One checkpoint of a listing. It has its metadata, or the damage that was found. */
export type ListedCheckpoint = WithJson & ({ id: bigint; metadata: CheckpointMetadata; damage?: never } | { id: bigint; metadata?: never; damage: string });

/** What one checkpoint cost. */
export interface CheckpointStatistics extends WithJson {
  id: bigint;
  keysChanged: number;
  tombstones: number;
  bytesChanged: number;
  deltaBytes: number;
  /** The bytes of compacted files that this checkpoint names. Maintenance had created them before. */
  rebasedBytes: number;
  bytesWritten: number;
  /** The pause of the stream, in microseconds. */
  freezeUs: number;
  /** The time until the checkpoint was durable and the storage had been listed again, in microseconds. */
  writeUs: number;
}

/** What retention, garbage collection and compaction did after a checkpoint. */
export interface MaintenanceReport {
  deleted: string[];
  reclaimedBytes: number;
  /** The bytes of compacted files that were created. The next checkpoint names them. */
  rebasedBytes: number;
  /** The errors. What failed is tried again after the next checkpoint. */
  errors: string[];
}

/** What opening recovered. */
export interface RecoverySummary extends WithJson {
  checkpointId: bigint;
  keyCount: number;
  bytesRead: number;
  /** How many changes were replayed from the log after the checkpoint. */
  walEntries: number;
  /** Newer checkpoints that were skipped because they are damaged. */
  skipped: { id: bigint; reason: string }[];
  isOriginal: boolean;
}

/** What verification found. */
export interface VerifyReport {
  isDamaged: boolean;
  checkpoints: number;
  files: number;
  bytes: number;
  findings: { path: string; severity: "damage" | "orphan" | "leftover" | "foreign"; what: string }[];
}

/** The memory that the engine uses, in bytes. */
export interface MemoryUsage {
  stateBytes: number;
  logBytes: number;
  payloadBytes: number;
}

/** The events that `Checkpoints.on` listens to. */
export interface CheckpointEvents {
  /** A checkpoint is frozen, and its writing begins. */
  begin: { pending: number };
  /** A checkpoint is durable. */
  checkpoint: { metadata: CheckpointMetadata; statistics: CheckpointStatistics };
  /** The maintenance after a checkpoint is done. */
  maintenance: MaintenanceReport;
  /** Another tab or worker took over. This object can write nothing any more. */
  fenced: { reason: string };
}
