// The connection of one client: whom it talks to, and what becomes of what it asked when the other side goes away.

import { AlluviumError } from "../error.js";
import type { Lock } from "../lock.js";
import { alive, hasLocks, whenGone } from "./locks.js";
import { type Answered, type Asked, type Call, type Endpoint, type Message, PROTOCOL, channelName, endpointOf, messageOf, randomId } from "./protocol.js";
import { Requests } from "./requests.js";
import { Value } from "./store.js";
import { type Remote, Watches } from "./watches.js";
import type { Where } from "../live/where.js";

/**
 * Where the engine is: the name that those who `lead` have, a port or a channel, or a function that makes one. The function
 * is called again if what it connected to has gone.
 */
export type Source = string | Endpoint | (() => Endpoint);

/** After how many milliseconds without an answer it is connected again: at first, and at most. */
const AGAIN_MS = { first: 1_000, most: 8_000 };

/** Whether a client is connected, looks for the engine, or was closed. */
export type Status = "connecting" | "connected" | "closed";

/** Talks to the side that serves the checkpoints. */
export class Link {
  readonly id = randomId();
  readonly status = new Value<Status>("connecting");
  readonly #source: Source;
  readonly #requests: Requests;
  readonly #watches: Watches;
  #endpoint: Endpoint | undefined;
  /** The generation of the other side, if there is one. */
  #server: string | undefined;
  #stopWaiting = (): void => {};
  /** What connects again, if nothing answers. */
  #again: ReturnType<typeof setTimeout> | undefined;
  /** Its own lock, if it holds one. */
  #lock: Lock | undefined;
  /** What makes every call fail, once it is set. */
  #ended: AlluviumError | undefined;

  constructor(source: Source, timeoutMs: number) {
    this.#source = source;
    const send = (asked: Asked): void => this.#send(asked);
    this.#requests = new Requests(send, timeoutMs);
    this.#watches = new Watches(send, timeoutMs);
    void alive(this.id).then((lock) => {
      this.#lock = lock;
      if (this.#ended === undefined) this.#open();
      else lock?.release();
    });
  }

  /** Asks for something. The answer is that of the first side that gives one. */
  async ask<T>(call: Call, space: string | undefined): Promise<T> {
    if (this.#ended !== undefined) throw this.#ended;
    return this.#requests.ask<T>(call, space, this.#server !== undefined);
  }

  /** Why it has ended, if it was closed or cannot go on. */
  get ended(): AlluviumError | undefined {
    return this.#ended;
  }

  /** Watches keys. The returned function ends this. */
  watch(where: Where, isLive: boolean, space: string | undefined, remote: Remote): () => void {
    if (this.#ended !== undefined) throw this.#ended;
    return this.#watches.add({ where, isLive, space }, remote, this.#server !== undefined);
  }

  /** Ends it. Calls that wait for an answer fail. */
  close(why: AlluviumError = new AlluviumError("closed", "the client is closed")): void {
    if (this.#ended !== undefined) return;
    try {
      this.#send({ says: "bye" });
    } catch {
      // The channel was closed before. The other side notices by the lock.
    }
    this.#ended = why;
    this.#leave();
    this.status.set("closed");
    this.#requests.end(why);
    this.#watches.end(why);
    this.#lock?.release();
  }

  #open(): void {
    const source = this.#source;
    try {
      this.#endpoint = typeof source === "string" ? new BroadcastChannel(channelName(source)) : typeof source === "function" ? endpointOf("what the function that connects returned", source()) : source;
    } catch (cause) {
      if (cause instanceof AlluviumError) return this.close(cause);
      return this.close(new AlluviumError("io", `the function that connects failed: ${String(cause)}`, { cause }));
    }
    this.#endpoint.addEventListener("message", this.#received);
    this.#endpoint.start?.();
    this.#post(undefined, { says: "who", holdsLock: this.#lock !== undefined });
  }

  /**
   * Connects to what comes after a side that has gone. For a moment, Firefox connects to a SharedWorker that has ended, and
   * nothing answers there. So a port without an answer is given up for another one. A worker of one's own is not: the
   * function would start one more.
   */
  #reopen(againMs: number): void {
    this.#leave();
    this.#open();
    if (this.#endpoint instanceof MessagePort) this.#again = setTimeout(() => this.#reopen(Math.min(2 * againMs, AGAIN_MS.most)), againMs);
  }

  /** Leaves the other side. What this client has made is closed, and what it was given is not. */
  #leave(): void {
    this.#server = undefined;
    this.#stopWaiting();
    clearTimeout(this.#again);
    this.#endpoint?.removeEventListener("message", this.#received);
    if (typeof this.#source !== "object") this.#endpoint?.close?.();
    this.#endpoint = undefined;
  }

  readonly #received = ({ data }: MessageEvent): void => {
    const message = messageOf<Answered>(data);
    if (message === undefined || (message.to !== undefined && message.to !== this.id)) return;
    // Other clients of the channel say things, too.
    if (message.says === "hello") this.#greeted(message);
    if (message.from !== this.#server) return;
    if (message.says === "bye") this.#lost();
    else if (message.says === "reply") this.#requests.answered(message);
    else if (message.says === "told") this.#watches.told(message, message.from);
    else if (message.says === "failed") this.#watches.failed(message);
  };

  #greeted({ alluvium, from, to, holdsLock }: Message<Answered & { says: "hello" }>): void {
    if (alluvium !== PROTOCOL) return this.close(new AlluviumError("invalid-input", `the engine's side speaks version ${alluvium} of the protocol, and this client version ${PROTOCOL}: reload the older of both`));
    if (from === this.#server) return;
    if (this.#server !== undefined) this.#lost();
    // It was a greeting for all, so the other side does not know this client yet.
    if (to === undefined) this.#post(from, { says: "who", holdsLock: this.#lock !== undefined });
    this.#server = from;
    clearTimeout(this.#again);
    if (holdsLock && hasLocks()) this.#stopWaiting = whenGone(from, () => from === this.#server && this.#lost(true));
    this.#requests.connected();
    this.#watches.connected();
    this.status.set("connected");
  }

  /** The other side has gone. What it did with changes that it did not answer is not known. */
  #lost(hasGone = false): void {
    this.#server = undefined;
    this.#stopWaiting();
    this.#requests.lost();
    this.#watches.lost();
    this.status.set("connecting");
    if (hasGone && typeof this.#source === "function") this.#reopen(AGAIN_MS.first);
  }

  #send(asked: Asked): void {
    if (this.#server !== undefined) this.#post(this.#server, asked);
  }

  #post(to: string | undefined, asked: Asked): void {
    this.#endpoint?.postMessage({ alluvium: PROTOCOL, from: this.id, to, ...asked });
  }
}
