// What a client and the engine's side say to each other.

import { refuse } from "../checks.js";
import { AlluviumError, type AlluviumErrorKind } from "../error.js";
import type { KeyRange } from "../range.js";
import type { Bytes } from "../text.js";
import type { Where } from "../live/where.js";

/** The version of these messages. Pages of different versions of an application may meet in one channel. */
export const PROTOCOL = 1;

/**
 * What carries messages: a `MessagePort`, a `BroadcastChannel`, a `Worker`, or `self` in a worker. What it carries arrives
 * whole and in order.
 */
export interface Endpoint {
  /** Sends a message. */
  postMessage(message: unknown): void;
  /** Adds a listener, which gets a `MessageEvent`. Node types what its ports give as any `Event`. */
  addEventListener(type: "message", listener: (event: any) => void): void;
  /** Removes a listener. */
  removeEventListener(type: "message", listener: (event: any) => void): void;
  /** Lets a port receive. */
  start?(): void;
  /** Ends it. */
  close?(): void;
}

/** Checks what is to carry messages. */
export function endpointOf(what: string, endpoint: Endpoint): Endpoint {
  const missing = (["postMessage", "addEventListener", "removeEventListener"] as const).filter((method) => typeof endpoint?.[method] !== "function");
  return missing.length === 0 ? endpoint : refuse(`${what} is no port, channel or worker: it has no method ${missing.join(", ")}`);
}

/** A call, which the engine's side answers. */
export type Call =
  | { call: "get"; key: Bytes }
  | { call: "getMany"; keys: readonly Bytes[] }
  | { call: "scan"; range: KeyRange }
  | { call: "apply"; packed: Uint8Array }
  | { call: "checkpoint" };

/** The calls that are about the state of one side: a change, and a checkpoint that makes it durable. They are sent once. */
export const isWrite = ({ call }: Call): boolean => call === "apply" || call === "checkpoint";

/** What is watched. `attempt` counts how often a client began to watch the same. */
export interface Watching {
  watch: number;
  attempt: number;
  where: Where;
  /** Whether the entries are wanted first, and again after a reset. */
  isLive: boolean;
  space: string | undefined;
}

/** What a client says. */
export type Asked = { says: "who"; holdsLock: boolean } | ({ says: "call"; request: number; space: string | undefined } & Call) | ({ says: "watch" } & Watching) | { says: "unwatch"; watch: number } | { says: "bye" };

/** What a watcher is told. */
export interface Told {
  says: "told";
  watch: number;
  attempt: number;
  sequence: number;
  /** The number of the notice before. There is none if this is the beginning, or a beginning after a reset. */
  since?: number;
  isReset: boolean;
  /** The entries, as a packed batch of puts. */
  entries?: Uint8Array;
  /** What changed, as ids and values. */
  changes: [id: string, value: Uint8Array | undefined][];
}

/** An error on its way. */
export interface Failure {
  kind: AlluviumErrorKind;
  message: string;
}

/** What the engine's side says. */
export type Answered =
  | { says: "hello"; holdsLock: boolean }
  | { says: "bye" }
  | { says: "reply"; request: number; result?: unknown; failure?: Failure }
  | Told
  | { says: "failed"; watch: number; attempt: number; failure: Failure };

/** A message with its addresses. Without `to`, it is for all. */
export type Message<M> = { alluvium: number; from: string; to: string | undefined } & M;

/** Returns a message of this package, of whatever version. A channel may have others. */
export function messageOf<M>(data: unknown): Message<M> | undefined {
  const isOurs = typeof data === "object" && data !== null && typeof (data as Message<M>).alluvium === "number";
  return isOurs ? (data as Message<M>) : undefined;
}

/** Returns an error as it is sent. */
export const failureOf = (thrown: unknown): Failure =>
  thrown instanceof AlluviumError ? { kind: thrown.kind, message: thrown.message } : { kind: "io", message: String(thrown) };

/** Returns an error that was sent. */
export const errorOf = ({ kind, message }: Failure): AlluviumError => new AlluviumError(kind, message);

/** Returns an id that no other client or engine has. */
export const randomId = (): string => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The name of the channel of those who lead or follow. */
export const channelName = (name: string): string => `alluvium/${name}`;
