/**
 * The entry `alluvium/sources`: streams that are read from the position that a checkpoint holds.
 *
 * ```ts
 * import { stream } from "@durable-streams/client";
 * import { Checkpoints } from "alluvium";
 * import { consume, durableStream } from "alluvium/sources";
 *
 * const checkpoints = await Checkpoints.open({ name: "orders" });
 * const orders = durableStream<Order>("orders", (offset, signal) => stream({ url, offset, live: true, signal }));
 * await consume(checkpoints, orders, ({ customer, amount }) => {
 *   checkpoints.putJson(customer, Number(checkpoints.getJson(customer) ?? 0) + amount);
 * });
 * ```
 *
 * No library comes with it. `durableStream` takes what `stream` of `@durable-streams/client` returns, and
 * `serverEvents` an `EventSource`.
 *
 * @module
 */
export { type ConsumeOptions, consume, positionOf } from "./consume.js";
export { type StreamResponseLike, durableStream } from "./durable-stream.js";
export { iterable, positioned } from "./iterable.js";
export { type EventSourceLike, type ServerEventsOptions, serverEvents } from "./server-events.js";
export { ConnectionLost, type Position, type Received, type Source } from "./source.js";
export { type WebSocketLike, type WebSocketProtocol, webSocket } from "./web-socket.js";
