// The calls of one client that wait for an answer.

import { AlluviumError } from "../error.js";
import { type Answered, type Asked, type Call, errorOf, isWrite } from "./protocol.js";

interface Pending {
  asked: Asked & { says: "call" };
  /** Whether it was sent. */
  isSent: boolean;
  resolve(result: unknown): void;
  reject(error: AlluviumError): void;
}

/**
 * Sends calls, again if the other side has gone and another one is there. A change or a checkpoint is sent once: whether the
 * side that has gone did it is not known. Each call has an answer or an error within a time.
 */
export class Requests {
  readonly #send: (asked: Asked) => void;
  readonly #timeoutMs: number;
  readonly #pending = new Map<number, Pending>();
  #last = 0;

  constructor(send: (asked: Asked) => void, timeoutMs: number) {
    this.#send = send;
    this.#timeoutMs = timeoutMs;
  }

  /** Asks for something, now if another side is there. */
  ask<T>(call: Call, space: string | undefined, isConnected: boolean): Promise<T> {
    const request = ++this.#last;
    return new Promise<T>((resolve, reject) => {
      const late = setTimeout(() => {
        this.#pending.delete(request);
        const what = pending.isSent ? "the engine's side did not answer" : "no engine's side was there";
        reject(new AlluviumError("disconnected", `${call.call}: ${what} within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
      const done = (): void => {
        clearTimeout(late);
        this.#pending.delete(request);
      };
      const pending: Pending = {
        asked: { says: "call", request, space, ...call },
        isSent: false,
        resolve: (result) => (done(), resolve(result as T)),
        reject: (error) => (done(), reject(error)),
      };
      this.#pending.set(request, pending);
      if (isConnected) this.#submit(pending);
    });
  }

  /** Takes an answer. */
  answered({ request, result, failure }: Answered & { says: "reply" }): void {
    const pending = this.#pending.get(request);
    if (failure === undefined) return pending?.resolve(result);
    // It ended while the call was on its way. The next one answers reads.
    if (failure.kind === "closed" && pending !== undefined && !isWrite(pending.asked)) return;
    pending?.reject(errorOf(failure));
  }

  /** Another side is there. */
  connected(): void {
    for (const pending of this.#pending.values()) this.#submit(pending);
  }

  /** The other side has gone. */
  lost(): void {
    for (const pending of this.#pending.values()) {
      if (!pending.isSent || !isWrite(pending.asked)) continue;
      pending.reject(new AlluviumError("disconnected", `${pending.asked.call}: the engine's side has gone before it answered, and may have done it or not`));
    }
  }

  /** Makes all calls fail. */
  end(why: AlluviumError): void {
    for (const pending of this.#pending.values()) pending.reject(why);
  }

  #submit(pending: Pending): void {
    pending.isSent = true;
    try {
      this.#send(pending.asked);
    } catch (thrown) {
      // It has something in it that cannot be sent.
      pending.reject(new AlluviumError("invalid-input", `${pending.asked.call}: ${String(thrown)}`, { cause: thrown }));
    }
  }
}
