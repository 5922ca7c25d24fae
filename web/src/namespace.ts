import type { Place } from "./calls.js";
import { counted, members, record, refuse as refused, texted } from "./checks.js";
import type { Codec } from "./codec.js";
import { AlluviumError } from "./error.js";
import type { Session } from "./session.js";
import { Space } from "./space.js";
import { type Bytes, type Integer, signed } from "./text.js";

/** Which clock times belong to: the watermark, or the processing time. Both are set by the caller. */
export type TimeDomain = "event" | "processing";

/**
 * How a value is merged into the one that is there: `"add"` adds signed integers of 64 bits (see the codec `int64`),
 * `"min"` and `"max"` keep the smaller or larger value in the order of their bytes, `"append"` appends, and
 * `"set-union"` joins sets of the engine's form.
 */
export type MergeOperator = "add" | "min" | "max" | "append" | "set-union";

/** When the entries of a namespace expire. */
export interface Expiry {
  /** The clock that counts. */
  clock: TimeDomain;
  /** How many milliseconds after it was written last an entry expires. */
  afterMs: number;
}

/** What namespaces of entries can declare. */
export interface EntriesDeclaration {
  /** When entries go away by themselves. They stay by default. */
  expires?: Expiry | undefined;
  /** How `merge` and `count` change a value. */
  merge?: MergeOperator | undefined;
  /** The version of what is stored in it, which the state keeps. */
  schema?: number | undefined;
}

/** A namespace whose keys are looked up. */
export interface HashedNamespace extends EntriesDeclaration {
  /** The kind, which is the default. */
  kind?: "hashed" | undefined;
}

/** A namespace whose keys also have ranges. */
export interface OrderedNamespace extends EntriesDeclaration {
  /** The kind. */
  kind: "ordered";
  /** How many bytes at the beginning of a key say where it belongs when the state is divided. */
  bytes: number;
}

/** A namespace of timers, which are times with keys. */
export interface TimerNamespace {
  /** The kind. */
  kind: "timers";
  /** The clock of the timers. The default is `"event"`. */
  clock?: TimeDomain | undefined;
  /** The version of what is stored in it, which the state keeps. */
  schema?: number | undefined;
}

/** The declaration of a namespace. */
export type NamespaceDeclaration = HashedNamespace | OrderedNamespace | TimerNamespace;

/** A declaration as the engine writes and reads it. */
export interface Declared {
  id: number;
  name: string;
  kind: "hashed" | "ordered" | "event-timers" | "processing-timers";
  route_bytes?: number;
  expires?: TimeDomain;
  expires_after_ms?: number | bigint;
  merge?: string;
  schema?: number;
}

/** Returns a declaration for the engine. A member that does not belong there is an error that names it. */
export function declarationOf(name: string, declaration: NamespaceDeclaration): Omit<Declared, "id"> & { id: 0 } {
  const { kind = "hashed", bytes, clock = "event", expires, merge, schema = 0, ...rest } = record(`namespace ${JSON.stringify(name)}`, declaration) as unknown as Record<string, unknown> & {
    kind?: string;
    expires?: Expiry;
  };
  const refuse = (what: string): never => refused(`namespace ${JSON.stringify(name)}: ${what}`);
  const unknown = Object.keys(rest);
  if (unknown.length > 0) refuse(`a declaration has no ${unknown.join(", ")}`);
  if (!["hashed", "ordered", "timers"].includes(kind)) refuse(`a kind is "hashed", "ordered" or "timers", and not ${JSON.stringify(kind)}`);
  if ((kind === "ordered") !== (bytes !== undefined)) refuse('"bytes" belongs to kind "ordered", and it needs it: how many bytes of a key say where it belongs');
  if (kind === "ordered" && !(Number.isInteger(bytes) && Number(bytes) >= 1 && Number(bytes) <= 65_535)) refuse(`bytes: ${String(bytes)} is not a number from 1 to 65535`);
  if (kind !== "timers" && "clock" in declaration) refuse('"clock" belongs to kind "timers"');
  const isClock = (of: unknown) => of === "event" || of === "processing";
  if (kind === "timers" && !isClock(clock)) refuse(`a clock is "event" or "processing", and not ${JSON.stringify(clock)}`);
  if (expires !== undefined) {
    if (kind === "timers") refuse("timers do not expire");
    members(`namespace ${JSON.stringify(name)}: expires`, expires, ["clock", "afterMs"]);
    if (!isClock(expires.clock)) refuse(`expires.clock is "event" or "processing", and not ${JSON.stringify(expires.clock)}`);
    if (!Number.isSafeInteger(expires.afterMs) || expires.afterMs < 1) refuse(`expires.afterMs: ${String(expires.afterMs)} is not a number of milliseconds`);
  }
  if (merge !== undefined && !["add", "min", "max", "append", "set-union"].includes(merge as string)) refuse(`there is no merge ${JSON.stringify(merge)}`);
  counted(`namespace ${JSON.stringify(name)}: schema`, schema);
  return {
    id: 0,
    name,
    kind: kind === "timers" ? `${clock as TimeDomain}-timers` : (kind as "hashed" | "ordered"),
    ...(kind === "ordered" && { route_bytes: bytes as number }),
    ...(expires !== undefined && { expires: expires.clock, expires_after_ms: expires.afterMs }),
    ...(merge !== undefined && { merge: merge === "add" ? "add-i64" : (merge as string) }),
    ...(schema !== 0 && { schema: schema as number }),
  };
}

/** Finds a namespace of the state that there is. */
export function find(session: Session, name: string): Declared {
  const declared = session.call((engine) => engine.declared(texted("the name of a namespace", name)) as Declared | null);
  if (declared === null) {
    throw new AlluviumError("not-found", `namespace ${JSON.stringify(name)} is not declared: name it among the namespaces when you open the checkpoints`);
  }
  return declared;
}

const holdsTimers = ({ kind }: Declared) => kind === "event-timers" || kind === "processing-timers";

/** A declared namespace: a part of the state with keys of its own. Its values are what its codec writes. */
export class Namespace<V = Uint8Array, I = V extends Uint8Array ? Bytes : V> extends Space<V, I> {
  /** Its name. */
  readonly name: string;

  /** @internal */
  constructor(session: Session, name: string, codec?: Codec<V, I>) {
    const place = (): Place => {
      const declared = find(session, name);
      if (holdsTimers(declared)) throw new AlluviumError("invalid-input", `namespace ${JSON.stringify(name)} holds timers: use timers(name)`);
      return { id: declared.id, isOrdered: declared.kind === "ordered" };
    };
    super(session, codec, place);
    this.name = name;
    place();
  }
}

/** A timer: a time, in milliseconds of its clock, and the key that it is for. */
export interface Timer {
  /** The time, in milliseconds of its clock. */
  at: bigint;
  /** The key. */
  key: Uint8Array;
}

/** Which timers are wanted. */
export interface WantedTimers {
  /** Those that are set for this time or an earlier one. Without it, it is what the clock of the namespace shows. */
  upTo?: Integer | undefined;
  /** The most timers, 1,000 by default. */
  limit?: number | undefined;
}

/**
 * Timers, in a namespace of their own. They are a part of the state. Their clock is the watermark or the processing time,
 * both of which the caller sets.
 */
export class Timers {
  /** The name of their namespace. */
  readonly name: string;
  readonly #session: Session;
  #id = 0;
  #era = -1;

  /** @internal */
  constructor(session: Session, name: string) {
    this.name = name;
    this.#session = session;
    this.#namespace();
  }

  /** Sets a timer for a key. There is one timer for each time and key, so setting it again changes nothing. */
  set(at: Integer, key: Bytes): void {
    const { area } = this.#session;
    this.#session.call((engine) => engine.setTimer(this.#namespace(), signed("at", at), area.write(0, key)));
  }

  /** Deletes a timer. Returns whether it was set. */
  delete(at: Integer, key: Bytes): boolean {
    const { area } = this.#session;
    return this.#session.call((engine) => engine.deleteTimer(this.#namespace(), signed("at", at), area.write(0, key)));
  }

  /** Returns the timers that are due, the earliest first, and leaves them set. As long as the clock was not set, none is. */
  due({ upTo, limit = 1000 }: WantedTimers = {}): Timer[] {
    return this.#session.call((engine) => engine.timers(this.#namespace(), ...limits(upTo, limit)) as Timer[]);
  }

  /** Deletes the timers that are due and returns them, the earliest first. Call it until it returns none. */
  take({ upTo, limit = 1000 }: WantedTimers = {}): Timer[] {
    return this.#session.call((engine) => engine.takeTimers(this.#namespace(), ...limits(upTo, limit)) as Timer[]);
  }

  /** The number of timers that are set. */
  get size(): number {
    return this.#session.checked(this.#session.call((engine) => engine.size(this.#namespace())));
  }

  /** The time that the clock of these timers shows, in milliseconds, if it was set. */
  get clock(): bigint | undefined {
    return this.#session.call((engine) => engine.clock(this.#namespace()));
  }

  #namespace(): number {
    const { era } = this.#session;
    if (this.#era !== era) {
      const declared = find(this.#session, this.name);
      if (!holdsTimers(declared)) throw new AlluviumError("invalid-input", `namespace ${JSON.stringify(this.name)} does not hold timers: use namespace(name)`);
      this.#id = declared.id;
      this.#era = era;
    }
    return this.#id;
  }
}

/** Checks which timers are wanted. */
function limits(upTo: Integer | undefined, limit: number): [bigint | undefined, number] {
  return [upTo === undefined ? undefined : signed("upTo", upTo), counted("limit", limit, 1)];
}
