import type { Codec } from "../codec.js";
import { record, refuse, texted } from "../checks.js";
import type { Bytes } from "../text.js";
import { Link, type Source, type Status } from "./link.js";
import { endpointOf } from "./protocol.js";
import { ClientSpace } from "./space.js";
import type { Store } from "./store.js";

/** The options of `connect`. */
export interface ConnectOptions<V = Uint8Array, I = V extends Uint8Array ? Bytes : V> {
  /** How values of the default namespace are written and read. They are bytes by default. */
  codec?: Codec<V, I> | undefined;
  /** After how many milliseconds without an answer a call fails. The default is 10,000. */
  timeoutMs?: number | undefined;
}

/**
 * Reads and changes checkpoints that are open elsewhere: in a worker, or in another tab.
 *
 * If the engine's side goes away and another one comes, calls that read are sent again, and everything that is watched
 * begins again. A call has an answer or an error within `timeoutMs`.
 */
export class Client<V = Uint8Array, I = V extends Uint8Array ? Bytes : V> extends ClientSpace<V, I> {
  readonly #link: Link;
  readonly #spaces = new Map<string, { codec: unknown; space: ClientSpace<any, any> }>();

  /** @internal */
  constructor(link: Link, codec: Codec<V, I> | undefined) {
    super(link, codec, undefined);
    this.#link = link;
  }

  /** Whether the client is connected. */
  get status(): Store<Status> {
    return this.#link.status;
  }

  /** Returns a declared namespace. It is the same object for the same name and codec. */
  namespace(name: string): ClientSpace;
  namespace<W, J = W>(name: string, codec: Codec<W, J>): ClientSpace<W, J>;
  namespace<W, J>(name: string, codec?: Codec<W, J>): ClientSpace<W, J> {
    let known = this.#spaces.get(texted("the name of a namespace", name));
    if (known === undefined || known.codec !== codec) {
      known = { codec, space: new ClientSpace<W, J>(this.#link, codec, name) };
      this.#spaces.set(name, known);
    }
    return known.space;
  }

  /** Makes everything durable that was changed until now. Resolves with the id of the newest checkpoint. */
  checkpoint(): Promise<bigint> {
    return this.#link.ask<bigint>({ call: "checkpoint" }, undefined);
  }

  /** Ends the connection. Calls that wait for an answer fail with an error of kind `"closed"`. */
  close(): void {
    this.#link.close();
  }
}

/**
 * Connects to checkpoints that are open elsewhere: to those who `lead` by their name, or to what called `serve` through a
 * port, a channel or a worker. Give a function that makes the port if it can be made again after a crash.
 */
export function connect(to: Source, options?: ConnectOptions): Client;
export function connect<V, I = V>(to: Source, options: ConnectOptions<V, I> & { codec: Codec<V, I> }): Client<V, I>;
export function connect<V, I>(to: Source, options: ConnectOptions<V, I> = {}): Client<V, I> {
  const { codec, timeoutMs = 10_000 } = record("the options of connect", options);
  // A timer of more milliseconds would fire at once.
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > 0x7fff_ffff) refuse(`timeoutMs: ${String(timeoutMs)} is not a number of milliseconds`);
  if (typeof to !== "string" && typeof to !== "function") endpointOf("what is connected to", to);
  return new Client(new Link(to, timeoutMs), codec);
}
