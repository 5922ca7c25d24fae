// What one client watches. Each watch begins with a sequence number, and each notice after it must follow the one before.

import type { AlluviumError } from "../error.js";
import { type Answered, type Asked, type Told, type Watching, errorOf } from "./protocol.js";

/** Somebody who is told about changes on the other side. */
export interface Remote {
  /** Is called at the beginning, with each notice, and at each new beginning. */
  told(told: Told, generation: string): void;
  /** Is called if it cannot be watched. A new beginning may follow. */
  failed(error: AlluviumError): void;
  /** Is called if the client is closed. */
  ended(error: AlluviumError): void;
}

interface Watch {
  watching: Watching;
  remote: Remote;
  /** The sequence number that the next notice must follow. There is none before the beginning. */
  last: number | undefined;
  /** Begins again if no beginning comes. */
  late: ReturnType<typeof setTimeout> | undefined;
}

/** Keeps the watches of a client, also when another side takes over. */
export class Watches {
  readonly #send: (asked: Asked) => void;
  readonly #timeoutMs: number;
  readonly #watches = new Map<number, Watch>();
  #last = 0;

  constructor(send: (asked: Asked) => void, timeoutMs: number) {
    this.#send = send;
    this.#timeoutMs = timeoutMs;
  }

  /** Begins to watch, now if another side is there. The returned function ends it. */
  add(wanted: Pick<Watching, "where" | "isLive" | "space">, remote: Remote, isConnected: boolean): () => void {
    const number = ++this.#last;
    const watch: Watch = { watching: { watch: number, attempt: 0, ...wanted }, remote, last: undefined, late: undefined };
    this.#watches.set(number, watch);
    if (isConnected) this.#begin(watch);
    return () => {
      if (!this.#watches.delete(number)) return;
      clearTimeout(watch.late);
      this.#send({ says: "unwatch", watch: number });
    };
  }

  /** Takes a notice. If one is missing before it, the watch begins again. */
  told(told: Told, generation: string): void {
    const watch = this.#watches.get(told.watch);
    // What an attempt before this one was told is of no use.
    if (watch?.watching.attempt !== told.attempt) return;
    const isBeginning = told.since === undefined;
    if (!isBeginning && watch.last === undefined) return;
    if (!isBeginning && told.since !== watch.last) return this.#begin(watch);
    clearTimeout(watch.late);
    watch.last = told.sequence;
    watch.remote.told(told, generation);
  }

  /** Takes note that something cannot be watched. */
  failed({ watch: number, attempt, failure }: Answered & { says: "failed" }): void {
    const watch = this.#watches.get(number);
    if (watch?.watching.attempt !== attempt) return;
    // The engine runs something else for a moment. The watch begins again when no beginning has come in time.
    if (failure.kind === "busy") return;
    clearTimeout(watch.late);
    watch.remote.failed(errorOf(failure));
  }

  /** Another side is there. All watches begin again. */
  connected(): void {
    for (const watch of this.#watches.values()) this.#begin(watch);
  }

  /** The other side has gone. */
  lost(): void {
    for (const watch of this.#watches.values()) clearTimeout(watch.late);
  }

  /** Ends all watches. */
  end(error: AlluviumError): void {
    const all = [...this.#watches.values()];
    this.#watches.clear();
    for (const { late, remote } of all) {
      clearTimeout(late);
      remote.ended(error);
    }
  }

  #begin(watch: Watch): void {
    watch.last = undefined;
    watch.watching = { ...watch.watching, attempt: watch.watching.attempt + 1 };
    clearTimeout(watch.late);
    watch.late = setTimeout(() => this.#begin(watch), this.#timeoutMs);
    this.#send({ says: "watch", ...watch.watching });
  }
}
