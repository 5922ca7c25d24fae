import { BatchWriter } from "../batch.js";
import type { Checkpoints } from "../checkpoints.js";
import { listed, record, refuse } from "../checks.js";
import { AlluviumError } from "../error.js";
import { uncaught } from "../events.js";
import { afterReplacing } from "../for-sources.js";
import { rangeBytes, watchBytes, whenEnded } from "../live/watched.js";
import type { Notice } from "../live/watchers.js";
import type { Where } from "../live/where.js";
import type { Lock } from "../lock.js";
import { type KeyRange, within } from "../range.js";
import type { Space } from "../space.js";
import { alive, hasLocks, whenGone } from "./locks.js";
import { type Answered, type Asked, type Call, type Endpoint, type Message, PROTOCOL, type Told, type Watching, endpointOf, failureOf, messageOf, randomId } from "./protocol.js";

/** The options of `serve`. */
export interface ServeOptions {
  /** Whether clients can only read. */
  readOnly?: boolean | undefined;
}

/** The engine's side of a channel or port. */
export interface Served {
  /** Its generation: clients get it with what they are told. */
  readonly generation: string;
  /** The number of clients that are known to be there. */
  readonly clients: number;
  /** The number of keys and ranges that clients watch. */
  readonly watches: number;
  /** Ends it, and tells the clients. The checkpoints stay open. */
  stop(): void;
}

interface Peer {
  /** What ends each watch. */
  watches: Map<number, () => void>;
  /** Takes back the waiting for its end. */
  forget: () => void;
}

/**
 * Lets clients read checkpoints through a port or a channel, and change them unless that is forbidden. It ends when the
 * checkpoints are closed or lost.
 */
export function serve(checkpoints: Checkpoints<any, any>, endpoint: Endpoint, options: ServeOptions = {}): Served {
  if (typeof checkpoints?.[whenEnded] !== "function") refuse("only open checkpoints are served");
  const { readOnly = checkpoints.isReadOnly } = record("the options of serve", options);
  return new Server(checkpoints, endpointOf("what is served through", endpoint), readOnly);
}

class Server implements Served {
  readonly generation = randomId();
  readonly #checkpoints: Checkpoints<any, any>;
  readonly #endpoint: Endpoint;
  readonly #readOnly: boolean;
  readonly #peers = new Map<string, Peer>();
  readonly #forget: () => void;
  /** Its own lock, if it holds one. */
  #lock: Lock | undefined;
  #hasStopped = false;

  constructor(checkpoints: Checkpoints<any, any>, endpoint: Endpoint, readOnly: boolean) {
    this.#checkpoints = checkpoints;
    this.#endpoint = endpoint;
    this.#readOnly = readOnly;
    this.#forget = checkpoints[whenEnded](() => this.stop());
    // Clients wait for the end of this lock, so it is held before they know of it.
    void alive(this.generation).then((lock) => {
      this.#lock = lock;
      if (this.#hasStopped) return lock?.release();
      endpoint.addEventListener("message", this.#received);
      endpoint.start?.();
      this.#greet(undefined);
    });
  }

  get clients(): number {
    return this.#peers.size;
  }

  get watches(): number {
    return [...this.#peers.values()].reduce((sum, { watches }) => sum + watches.size, 0);
  }

  stop(): void {
    if (this.#hasStopped) return;
    this.#hasStopped = true;
    this.#forget();
    for (const id of [...this.#peers.keys()]) this.#drop(id);
    this.#endpoint.removeEventListener("message", this.#received);
    try {
      this.#post(undefined, { says: "bye" });
    } catch {
      // The channel was closed before. Clients notice by the lock.
    }
    this.#lock?.release();
  }

  readonly #received = ({ data }: MessageEvent): void => {
    const message = messageOf<Asked>(data);
    if (message === undefined || this.#hasStopped || (message.to !== undefined && message.to !== this.generation)) return;
    // A client of another version learns from the greeting that it is one.
    if (message.alluvium !== PROTOCOL) this.#greet(message.from);
    else if (message.says === "who") this.#greet(message.from, message.holdsLock);
    else if (message.to !== undefined) this.#asked(message);
  };

  #greet(client: string | undefined, holdsLock = false): void {
    if (client !== undefined && !this.#peers.has(client)) {
      this.#peers.set(client, { watches: new Map(), forget: holdsLock && hasLocks() ? whenGone(client, () => this.#drop(client)) : () => {} });
    }
    this.#send(client, { says: "hello", holdsLock: this.#lock !== undefined });
  }

  #asked(message: Message<Exclude<Asked, { says: "who" }>>): void {
    const { from } = message;
    const peer = this.#peers.get(from);
    if (message.says === "bye") return this.#drop(from);
    if (message.says === "call") return void this.#answer(from, message.request, message, message.space);
    peer?.watches.get(message.watch)?.();
    peer?.watches.delete(message.watch);
    if (message.says === "watch" && peer !== undefined) void this.#watchInTurn(from, peer, message);
  }

  /** Answers a call. If another checkpoint is becoming the state, that is done first: a client cannot know when it is. */
  async #answer(client: string, request: number, call: Call, space: string | undefined): Promise<void> {
    try {
      const result = await afterReplacing(this.#checkpoints, () => this.#run(call, space));
      this.#send(client, { says: "reply", request, result });
    } catch (thrown) {
      this.#send(client, { says: "reply", request, failure: failureOf(thrown) });
    }
  }

  /** Runs a call. Everything but a checkpoint is done without waiting, so calls are done in the order in which they come. */
  #run(call: Call, name: string | undefined): unknown {
    const space = this.#space(name);
    if (this.#readOnly && (call.call === "apply" || call.call === "checkpoint")) throw new AlluviumError("invalid-input", "clients can only read these checkpoints");
    switch (call.call) {
      case "get":
        return space.read(call.key, (bytes) => bytes.slice());
      case "getMany":
        return listed("keys", call.keys).map((key) => space.read(key, (bytes) => bytes.slice()));
      case "scan":
        within(call.range);
        return packed(space, call.range);
      case "apply":
        return space.applyPacked(call.packed);
      case "checkpoint":
        return this.#checkpoints.checkpoint({ whenBusy: "join", ifChanged: true }).then(({ id }) => id);
      default:
        throw new AlluviumError("invalid-input", `there is no call ${JSON.stringify((call as { call: unknown }).call)}`);
    }
  }

  /** Begins to watch, like a call when no other checkpoint is becoming the state. */
  async #watchInTurn(client: string, peer: Peer, watching: Watching): Promise<void> {
    let isWanted = true;
    peer.watches.set(watching.watch, () => void (isWanted = false));
    await afterReplacing(this.#checkpoints, () => {
      if (!isWanted) return;
      // What cannot be watched is no watch.
      peer.watches.delete(watching.watch);
      this.#watch(client, peer, watching);
    });
  }

  #watch(client: string, peer: Peer, { watch, attempt, where, isLive, space }: Watching): void {
    const tell = (told: Partial<Told> & { sequence: number }): void => this.#send(client, { says: "told", watch, attempt, isReset: false, changes: [], ...told });
    /** Tells the entries, which are those of a sequence number. */
    const begin = (sequence: number): void => tell({ sequence, isReset: true, ...(isLive && { entries: packed(this.#space(space), where) }) });
    const guarded = (work: () => void): void => {
      try {
        work();
      } catch (thrown) {
        this.#send(client, { says: "failed", watch, attempt, failure: failureOf(thrown) });
      }
    };
    const told = ({ sequence, since, isReset, changes }: Notice): void => {
      // Each value is sent without the buffer that it shares with others.
      if (!isReset) tell({ sequence, since, changes: changes.map(([id, value]) => [id, value?.slice()]) });
      else if (isLive) guarded(() => begin(sequence));
      else tell({ sequence, since, isReset });
    };
    guarded(() => {
      const { sequence, stop } = this.#space(space)[watchBytes](where, { told, ended() {} });
      peer.watches.set(watch, stop);
      begin(sequence);
    });
  }

  /** Forgets a client. */
  #drop(id: string): void {
    const peer = this.#peers.get(id);
    this.#peers.delete(id);
    peer?.forget();
    for (const stop of peer?.watches.values() ?? []) stop();
  }

  #space(name: string | undefined): Space<any, any> {
    return name === undefined ? this.#checkpoints : this.#checkpoints.namespace(name);
  }

  /** Says something, unless it has stopped. A channel that somebody has closed is the end of it. */
  #send(to: string | undefined, answered: Answered): void {
    if (this.#hasStopped) return;
    try {
      this.#post(to, answered);
    } catch (thrown) {
      this.stop();
      if (!(thrown instanceof DOMException && thrown.name === "InvalidStateError")) uncaught(thrown);
    }
  }

  #post(to: string | undefined, answered: Answered): void {
    this.#endpoint.postMessage({ alluvium: PROTOCOL, from: this.generation, to, ...answered });
  }
}

/** Returns the entries of a range, or that of one key, as a packed batch. */
function packed(space: Space<any, any>, where: KeyRange | Where): Uint8Array {
  const batch = new BatchWriter();
  if (typeof where === "string" || where instanceof Uint8Array) space.read(where, (bytes) => batch.put(where, bytes));
  else for (const [key, value] of space[rangeBytes](where)) batch.put(key, value);
  return batch.pack();
}
