// Tells watchers what changed in the state of one session.

import type { AlluviumError } from "../error.js";
import { attempt } from "../events.js";
import { readMany } from "../many.js";
import type { Declared, TimeDomain } from "../namespace.js";
import type { Session } from "../session.js";
import { type Notice, type Watcher, MOST_CHANGES, Watchers } from "./watchers.js";
import { type Wanted, idOf, keyOf } from "./where.js";

/** The number of a namespace that the current state does not have. Its watchers wait for a state that has it. */
const NOWHERE = -1;

/**
 * Collects the keys that are changed, and tells their watchers once what changed in one turn of the program: all changes
 * that are made without waiting in between are one notice. Values are read when the notice is made. So a notice has the
 * newest value of each key, also where it was merged, and never half of a batch.
 */
export class Feed {
  readonly #session: Session;
  /** The watchers by namespace. */
  readonly #spaces = new Map<number, Watchers>();
  /** Those whose watching has not ended. */
  readonly #active = new Set<Watcher>();
  /** What is not delivered yet, in order. */
  readonly #outbox: [Watcher, Notice | { end: AlluviumError | undefined }][] = [];
  #sequence = 0;
  #isChanged = false;
  #isDelivering = false;
  /** The namespaces whose entries expire, as of one era. */
  #expiring: { era: number; spaces: Declared[] } | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Whether anybody watches. */
  get isWatched(): boolean {
    return this.#spaces.size > 0;
  }

  /**
   * Adds a watcher. Returns the sequence number that its first notice follows. What was changed before in the same turn is in
   * the notice of the others, and not in that of the new one.
   */
  add(watcher: Watcher): number {
    const id = watcher.find();
    // What was not watched may have changed the state, so it has another number than before.
    if (!this.isWatched) this.#sequence++;
    this.#active.add(watcher);
    this.#put(id, watcher, this.#sequence);
    return this.#sequence;
  }

  /** Removes a watcher. */
  remove(watcher: Watcher): void {
    this.#active.delete(watcher);
    for (const [id, watchers] of this.#spaces) {
      watchers.remove(watcher);
      if (watchers.since.size === 0) this.#spaces.delete(id);
    }
  }

  /** Takes note of a changed key, of which only the bytes of this moment count. */
  touch(namespace: number, key: Uint8Array): void {
    const watchers = this.#spaces.get(namespace);
    if (watchers?.touch(idOf(key))) this.#changed();
  }

  /** Takes note of the changed keys of a packed batch. */
  touchPacked(namespace: number, packed: Uint8Array): void {
    const watchers = this.#spaces.get(namespace);
    if (watchers === undefined) return;
    const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
    const count = view.getUint32(0, true);
    if (count > MOST_CHANGES) return this.reset(namespace);
    let [start, isWanted] = [8 + 9 * count, false];
    for (let at = 0; at < count; at++) {
      const end = start + view.getUint32(8 + 4 * at, true);
      isWanted = watchers.touch(idOf(packed.subarray(start, end))) || isWanted;
      start = end;
    }
    if (isWanted) this.#changed();
  }

  /** Takes note that a part of a namespace changed, which is not told key by key. */
  reset(namespace: number, range?: Pick<Wanted, "from" | "to">): void {
    if (this.#spaces.get(namespace)?.reset(range)) this.#changed();
  }

  /** Takes note that another state took the place of the one that there was. Namespaces may have other numbers there. */
  replaced(): void {
    const all = [...this.#spaces.values()].flatMap(({ since }) => [...since]);
    this.#spaces.clear();
    for (const [watcher, since] of all) {
      let id = NOWHERE;
      try {
        id = watcher.find();
      } catch {
        // The new state does not have the namespace. Its watchers read that themselves after the reset.
      }
      this.#put(id, watcher, since).reset();
    }
    if (all.length > 0) this.#changed();
  }

  /**
   * Runs a call that moves a clock, by which entries may expire. The engine deletes some of them then, so sizes say whether
   * any has expired. With a limit to the memory it may fail to.
   */
  clockMoves(clock: TimeDomain, move: () => void): void {
    const spaces = this.#expiringBy(clock);
    const sizes = () => spaces.reduce((sum, { id }) => sum + this.#session.call((engine) => engine.size(id)), 0);
    if (!spaces.some(({ id }) => this.#spaces.has(id))) return move();
    const before = sizes();
    move();
    if (this.#session.hasMemoryLimit || sizes() < before) this.clockMoved(clock);
  }

  /** Takes note that entries may have expired by a clock. */
  clockMoved(clock: TimeDomain): void {
    for (const { id } of this.#expiringBy(clock)) this.reset(id);
  }

  /**
   * Tells the watchers now what was changed until now. It throws if the engine cannot be asked, such as during a restore.
   * Nothing is forgotten then: it is told when the engine is free.
   */
  flush(): void {
    if (!this.#isChanged) return;
    this.#sequence++;
    for (const [id, watchers] of this.#spaces) {
      this.#outbox.push(...watchers.notices(this.#sequence, (ids) => readMany(this.#session, id, ids.map(keyOf))));
    }
    this.#isChanged = false;
    this.#deliver();
  }

  /** Does the same if the engine can be asked. */
  tryFlush(): void {
    try {
      this.flush();
    } catch {
      // The engine is busy, and the session flushes after the operation. Or it has failed, which ends the watching.
    }
  }

  /** Tells all watchers that nothing follows. */
  end(error: AlluviumError | undefined): void {
    for (const watchers of this.#spaces.values()) for (const watcher of watchers.since.keys()) this.#outbox.push([watcher, { end: error }]);
    this.#spaces.clear();
    this.#deliver();
  }

  /** Delivers notices in order. What a callback changes or watches comes after what is being delivered. */
  #deliver(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    for (let next = this.#outbox.shift(); next !== undefined; next = this.#outbox.shift()) {
      const [watcher, what] = next;
      // A callback before it may have ended the watching.
      if (!this.#active.has(watcher)) continue;
      if ("end" in what) this.#active.delete(watcher);
      attempt(() => ("end" in what ? watcher.ended(what.end) : watcher.told(what)));
    }
    this.#isDelivering = false;
  }

  #put(id: number, watcher: Watcher, since: number): Watchers {
    const watchers = this.#spaces.get(id) ?? new Watchers();
    this.#spaces.set(id, watchers);
    watchers.add(watcher, since);
    return watchers;
  }

  /** Lets the watchers be told at the end of this turn. */
  #changed(): void {
    if (this.#isChanged) return;
    this.#isChanged = true;
    queueMicrotask(() => this.tryFlush());
  }

  #expiringBy(clock: TimeDomain): Declared[] {
    const { era } = this.#session;
    if (this.#expiring?.era !== era) {
      const all = this.#session.call((engine) => engine.namespaces() as Declared[]);
      this.#expiring = { era, spaces: all.filter(({ expires }) => expires !== undefined) };
    }
    return this.#expiring.spaces.filter(({ expires }) => expires === clock);
  }
}
