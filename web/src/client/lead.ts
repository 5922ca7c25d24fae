import type { Checkpoints } from "../checkpoints.js";
import { callable, record, texted } from "../checks.js";
import type { Codec } from "../codec.js";
import { AlluviumError } from "../error.js";
import { uncaught } from "../events.js";
import { whenEnded } from "../live/watched.js";
import type { Bytes } from "../text.js";
import { type Client, type ConnectOptions, connect } from "./client.js";
import { hasLocks } from "./locks.js";
import { channelName } from "./protocol.js";
import { type ServeOptions, type Served, serve } from "./serve.js";

/** The options of `lead`. */
export interface LeadOptions<V = Uint8Array, I = V extends Uint8Array ? Bytes : V> extends ConnectOptions<V, I>, ServeOptions {
  /** The name that those have in common of whom one leads. */
  name: string;
  /** Opens the checkpoints, when it is this tab's or worker's turn to lead. Closing it aborts `signal`. */
  open: (signal: AbortSignal) => Promise<Checkpoints<any, any>>;
  /**
   * Does the work of the leader, such as reading a stream. `signal` is aborted when it does not lead any more. The
   * checkpoints are closed when this has ended.
   */
  onLead?: ((checkpoints: Checkpoints<any, any>, signal: AbortSignal) => void | Promise<void>) | undefined;
  /**
   * Is called with what `open` or `onLead` throws, and with what ends the checkpoints otherwise. Without it, that is an
   * uncaught error.
   */
  onError?: ((error: unknown) => void) | undefined;
}

/** One of those of whom one leads. */
export interface Leading<V = Uint8Array, I = V extends Uint8Array ? Bytes : V> {
  /** Reads the checkpoints, wherever they are open. */
  readonly client: Client<V, I>;
  /** Whether this one leads. */
  readonly isLeading: boolean;
  /** Ends it. A leader takes a last checkpoint first, so that the next one has everything. */
  close(): Promise<void>;
}

/**
 * Lets one of many tabs or workers of an origin open checkpoints, and all of them read these. When the leader is closed or
 * killed, another one opens the same checkpoints. What the leader had not made durable when it was killed is lost, as with
 * every crash.
 */
export function lead(options: LeadOptions): Leading;
export function lead<V, I = V>(options: LeadOptions<V, I> & { codec: Codec<V, I> }): Leading<V, I>;
export function lead<V, I>(options: LeadOptions<V, I>): Leading<V, I> {
  if (!hasLocks()) throw new AlluviumError("invalid-input", "lead needs Web Locks, which pages have if they come from HTTPS or localhost");
  texted("option name", record("the options of lead", options).name);
  callable("option open", options.open);
  return new Candidate(options);
}

class Candidate<V, I> implements Leading<V, I> {
  readonly client: Client<V, I>;
  readonly #options: LeadOptions<V, I>;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #isLeading = false;

  constructor(options: LeadOptions<V, I>) {
    this.#options = options;
    this.client = connect(options.name, options as ConnectOptions<V, I> & { codec: Codec<V, I> });
    this.#ended = this.#run();
  }

  get isLeading(): boolean {
    return this.#isLeading;
  }

  close(): Promise<void> {
    this.#closing.abort();
    this.client.close();
    return this.#ended;
  }

  /** Leads whenever it is its turn, until it is closed or cannot. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let canLead = true;
    while (canLead && !signal.aborted) {
      try {
        await navigator.locks.request(`alluvium/lead/${this.#options.name}`, { signal }, async () => {
          canLead = await this.#lead();
        });
      } catch (thrown) {
        // Closing it ends the waiting.
        if (!signal.aborted) this.#failed(thrown);
        canLead = false;
      }
    }
  }

  /** Leads once. Returns whether this one may lead again. */
  async #lead(): Promise<boolean> {
    const { name, open, onLead, readOnly } = this.#options;
    let checkpoints: Checkpoints<any, any>;
    try {
      checkpoints = await open(this.#closing.signal);
    } catch (thrown) {
      // Another one may be able to. And closing it ends the waiting.
      if (!this.#closing.signal.aborted) this.#failed(thrown);
      return false;
    }
    const channel = new BroadcastChannel(channelName(name));
    let served: Served;
    try {
      served = serve(checkpoints, channel, { readOnly });
    } catch (thrown) {
      // They have ended already, so there is nothing to lead with.
      channel.close();
      await checkpoints.close();
      this.#failed(thrown);
      return false;
    }
    const working = new AbortController();
    const over = new Promise<AlluviumError | undefined>((resolve) => {
      checkpoints[whenEnded](resolve);
      const closed = () => resolve(undefined);
      if (this.#closing.signal.aborted) closed();
      this.#closing.signal.addEventListener("abort", closed);
    });
    this.#isLeading = true;
    const work = Promise.resolve()
      .then(() => onLead?.(checkpoints, working.signal))
      .catch((thrown: unknown) => this.#failed(thrown));
    const error = await over;
    this.#isLeading = false;
    served.stop();
    working.abort();
    await work;
    if (error !== undefined) this.#failed(error);
    else if (!checkpoints.isReadOnly) await checkpoints.checkpoint({ ifChanged: true, whenBusy: "queue" }).catch((thrown: unknown) => (isClosed(thrown) ? undefined : this.#failed(thrown)));
    await checkpoints.close();
    channel.close();
    return true;
  }

  #failed(thrown: unknown): void {
    const { onError } = this.#options;
    try {
      if (onError === undefined) throw thrown;
      onError(thrown);
    } catch (error) {
      uncaught(error);
    }
  }
}

/** Whether the checkpoints were closed by somebody else, who took the last checkpoint then. */
const isClosed = (thrown: unknown): boolean => thrown instanceof AlluviumError && thrown.kind === "closed";
