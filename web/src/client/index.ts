/**
 * Reads and changes checkpoints from elsewhere than where they are open: a page from its worker, a tab from another one.
 *
 * ```ts
 * import { Checkpoints } from "alluvium";
 * import { lead } from "alluvium/client";
 *
 * const { client } = lead({ name: "orders", open: () => Checkpoints.open({ name: "orders", whenTaken: "wait" }) });
 * const orders = client.live({ prefix: "order-" });
 * orders.subscribe((entries) => console.log(entries.length)); // in every tab
 * ```
 *
 * This entry does not load the engine.
 */
export { BatchWriter } from "../batch.js";
export { type Codec, type Serializer, int64, json, raw, serialized, text } from "../codec.js";
export { AlluviumError, type AlluviumErrorKind } from "../error.js";
export type { Change, Changes } from "../live/watched.js";
export type { Where } from "../live/where.js";
export type { KeyRange } from "../range.js";
export { type Bytes, type Integer, jsonBytes, jsonOf, textOf } from "../text.js";
export { type Client, type ConnectOptions, connect } from "./client.js";
export { type LeadOptions, type Leading, lead } from "./lead.js";
export type { Source, Status } from "./link.js";
export type { Live, Version } from "./live.js";
export type { Endpoint } from "./protocol.js";
export { type ServeOptions, type Served, serve } from "./serve.js";
export type { ClientChanges, ClientSpace, LiveOptions } from "./space.js";
export type { Store } from "./store.js";
