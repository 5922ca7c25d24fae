/**
 * Portable incremental checkpoints for stream state, in the browser.
 *
 * ```ts
 * import { Checkpoints } from "alluvium";
 *
 * const checkpoints = await Checkpoints.open({ name: "orders" });
 * let next = checkpoints.sourceOffset("orders");   // where to continue
 * checkpoints.putJson("total", { count: 1 });
 * checkpoints.setSourceOffset("orders", ++next);
 * await checkpoints.checkpoint();                  // everything is durable together
 * ```
 */
export { BatchWriter } from "./batch.js";
export type { Calls } from "./calls.js";
export { Checkpoints } from "./checkpoints.js";
export { type Codec, type Serializer, int64, json, raw, serialized, text } from "./codec.js";
export { type WasmSource, setWasmSource } from "./engine.js";
export { AlluviumError, type AlluviumErrorKind } from "./error.js";
export {
  type EntriesDeclaration,
  type Expiry,
  type HashedNamespace,
  type MergeOperator,
  Namespace,
  type NamespaceDeclaration,
  type OrderedNamespace,
  type TimeDomain,
  type Timer,
  type TimerNamespace,
  Timers,
  type WantedTimers,
} from "./namespace.js";
export type { Change, Changes, Watched } from "./live/watched.js";
export type { Where } from "./live/where.js";
export type { WithJson } from "./plain.js";
export type { BytesSource, WasmModule } from "./platform.js";
export type { KeyRange } from "./range.js";
export type { Schema } from "./schema.js";
export type { Space } from "./space.js";
export type { KeyedState } from "./state.js";
export { type StorageEstimate, destroy, estimate, persist } from "./storage.js";
export { type Bytes, type Integer, jsonBytes, jsonOf, textOf } from "./text.js";
export type { WhenBusy } from "./turns.js";
export type * from "./types.js";
