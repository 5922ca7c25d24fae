// The types of alluvium-plugin. README.md has the tour.

// Only what is marked so is exported. Without this line, a file of declarations exports everything.
export {};

/** A number that is whole, or a BigInt beyond 2^53. */
export type Integer = number | bigint;

// ── Types of values ──────────────────────────────────────────────────────────────────────────────────────────────────

// What only this package makes has a member that others cannot name, so an object that only looks like it is refused.
declare const of: unique symbol;
declare const columnOf: unique symbol;
declare const rowOf: unique symbol;
declare const merging: unique symbol;

/**
 * What a value is. JavaScript does not tell 6 from 6.0, so a type says how a value is written: operators in all
 * languages write the same bytes.
 */
export interface Type<T> {
  readonly [of]: T;
  /** What a value is, with its article. */
  readonly name: string;
  /** Writes a value as JSON. A value of another type is a TypeError. */
  write(value: T): string;
}

/** A type that a column can have. */
export interface ColumnType<T> extends Type<T> {
  /** Reads a field. What it is not is a `Refusal`. */
  column(text: string): T;
}

/** A type that a key of the state can have. */
export interface KeyType<T> extends Type<T> {
  /** Returns the bytes of a key, which have the order of the keys. */
  bytes(value: T): Uint8Array;
  /** Reads a key from its bytes. Bytes of another key are a `Refusal`. */
  of(bytes: Uint8Array): T;
}

/** A type of keys that all have as many bytes. Such a key can be the owner of the entries of an `OrderedMap`. */
export interface FixedKeyType<T> extends KeyType<T> {
  /** How many bytes each key has. */
  readonly byteLength: number;
}

/** The value that a type is of. */
export type ValueOf<T> = T extends Type<infer V> ? V : never;

/** A text. */
export const text: ColumnType<string> & KeyType<string>;
/** A whole number of at most 2^53. A column with a larger one is refused. */
export const integer: ColumnType<number> & FixedKeyType<number>;
/** A whole number of 64 bits, as a BigInt. Its bytes are those of `integer`. */
export const bigint: ColumnType<bigint> & FixedKeyType<bigint>;
/** A whole number of 64 bits without a sign, as a BigInt. Its bytes as a key are those of `u64` in Rust. */
export const unsigned: ColumnType<bigint> & FixedKeyType<bigint>;
/** A text of exactly so many bytes of UTF-8, such as the code of an airport. A text of another length is refused. */
export function code(bytes: number): ColumnType<string> & FixedKeyType<string>;
/** A number of 64 bits with a fraction, which is written with `.0` if it is whole. */
export const number: ColumnType<number>;
/** True or false. */
export const boolean: ColumnType<boolean>;
/** A time, in milliseconds since 1970. A column has these or RFC 3339, and JSON has RFC 3339. */
export const time: ColumnType<number> & KeyType<number>;

/** A value that may be missing, which is null. An empty field and `NA` are none. */
export function optional<T>(type: ColumnType<T>): ColumnType<T | null>;
export function optional<T>(type: Type<T>): Type<T | null>;
/** Values of different types: an array of this length. */
export function tuple<T extends Type<any>[]>(...types: T): Type<{ -readonly [I in keyof T]: ValueOf<T[I]> }>;
/** Any number of values of one type: an array. */
export function list<T>(type: Type<T>): Type<T[]>;
/**
 * Named values: an object, whose members are written in this order. Each must be there, and may be null if it is
 * optional. With `isClosed`, `readJson` refuses what has other members.
 */
export function record<M extends Record<string, Type<any>>>(
  members: M,
  more?: { isClosed?: boolean },
): Type<{ [N in keyof M]: ValueOf<M[N]> }>;
/** A key of several parts: an array of them. */
export function key<T extends [KeyType<any>, KeyType<any>, ...KeyType<any>[]]>(
  ...parts: T
): KeyType<{ -readonly [I in keyof T]: ValueOf<T[I]> }>;

// ── Rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A field that is read from a column of another name. */
export interface Column<T> {
  readonly [columnOf]: T;
  readonly name: string;
  readonly type: ColumnType<T>;
}

/** What the rows of an input have. */
export interface Row<R> {
  readonly [rowOf]: R;
}

type FieldOf<F> = F extends Column<infer V> ? V : ValueOf<F>;

/**
 * Says what the rows of an input have: each member is read from the column of its name. The member of the type `time` is
 * the time of the record, if there is one such member.
 */
export function row<S extends Record<string, ColumnType<any> | Column<any>>>(
  shape: S,
): Row<{ [N in keyof S]: FieldOf<S[N]> }>;
/** Reads a field of a row from the column of this name. */
export function column<T>(name: string, type: ColumnType<T>): Column<T>;

/** Reads the rows of an input, in an operator of your own. */
export class Rows<R> {
  constructor(row: Row<R>);
  /** Finds the columns in a header. A header without some of them is refused. */
  begin(header: string[]): void;
  /** Reads a batch. A record that cannot be read is refused by its number. */
  read(batch: Batch): R[];
}

/**
 * Reads the records of an input of bytes, each of which is JSON of a type. A record that is none is refused by its
 * number.
 */
export function readJson<T>(batch: Batch, type: Type<T>): T[];

// ── Times ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Returns a duration of so many milliseconds, which is what all durations are. */
export function milliseconds(count: number): number;
/** Returns so many seconds in milliseconds. */
export function seconds(count: number): number;
/** Returns so many minutes in milliseconds. */
export function minutes(count: number): number;
/** Returns so many hours in milliseconds. */
export function hours(count: number): number;
/** Returns so many days of 24 hours in milliseconds. */
export function days(count: number): number;
/** Reads a time: milliseconds since 1970, or RFC 3339. What is none is a `Refusal`. */
export function parseTime(text: string): Integer;
/** Writes a time as RFC 3339, or its milliseconds if it is beyond the calendar. */
export function formatTime(ms: Integer): string;

// ── Windows ──────────────────────────────────────────────────────────────────────────────────────────────────────────

type Part = string | number | bigint;

// The last form has the compiler see how many parts an array has, and the type of each.
/** What a key can be. */
export type Key = Part | readonly Part[] | readonly [Part, Part, ...Part[]];

/** What a type of keys is of that has such a key. */
type Wide<K> = K extends string
  ? string
  : K extends number
    ? number
    : K extends bigint
      ? bigint
      : { -readonly [I in keyof K]: Wide<K[I]> };

/** The type of such keys. It is compared with the keys, and does not decide what they are. */
type KeyTypeOf<K> = KeyType<Wide<NoInfer<K>>>;

/** Windows, before it is said which key they have. */
export interface Lengths {
  /**
   * Allows records to come so many milliseconds later than the end of their window. The result is emitted at the end, and
   * again when the watermark moves next after such a record. Without it, none may come later.
   */
  lateness(ms: number): Lengths;
  /**
   * Takes the key of each record from its row, and the time: that of the row, or what `at` returns. A record without a
   * time is refused. The type of the keys is seen from a row of samples; if it is not, name it as `key`.
   */
  by<R, K extends Key>(row: Row<R>, keyOf: (row: R) => K, more?: Placing<R, K>): Keyed<R>;
}

/** Windows of one length, each beginning where the one before it ends, at multiples of their length since 1970. */
export const Tumbling: {
  of(ms: number): Lengths;
  hours(count: number): Lengths;
  minutes(count: number): Lengths;
};
/**
 * Windows of one length that overlap, because a window begins after each step. A record is in at most 1,000 of them.
 */
export const Sliding: { of(ms: number, stepMs: number): Lengths };
/** Windows that begin with a record and end when no other has come for a gap. */
export const Session: { gap(ms: number): Lengths };

/** Windows for each key, before it is said what they compute. */
export interface Keyed<R> {
  /** Counts the records. */
  count(): Windows;
  /** Adds up a number of each record, in their order. Records with null are passed over. */
  sum(of: (row: R) => number | null): Windows;
  /** Computes the mean of a number of each record. Records with null are passed over. */
  mean(of: (row: R) => number | null): Windows;
  /** Finds the least of a number of each record. Records with null are passed over. */
  min(of: (row: R) => number | null): Windows;
  /** Finds the greatest of a number of each record. Records with null are passed over. */
  max(of: (row: R) => number | null): Windows;
  /**
   * Finds the `limit` most frequent items, of which each record has one: `[{"item": …, "count": …}, …]`, of equally
   * frequent ones the first in the order of their keys. The type of the items is seen from a row of samples; if it is
   * not, name it as `item`.
   */
  top<I extends Key>(limit: number, of: (row: R) => I, more?: { item?: KeyTypeOf<I> }): Windows;
  /** Computes a value of your own. */
  aggregate<K, V>(aggregate: Aggregate<R, K, V>): Windows;
}

/**
 * An operator that computes an aggregate for each key and window.
 *
 * It has the input `records` and the outputs `windows` and `late`. When the watermark has reached the end of a window, it
 * emits a line `{"key": …, "from": …, "to": …, "value": …}` to the first, the windows of one end in the order of their
 * keys. A record that comes too late for all of its windows is a line `{"key": …, "time": …}` of the second.
 */
export interface Windows {
  /** Sets the name of the operator, which its state belongs to. Without it, that is the name of its file. */
  named(name: string): Windows;
  /** Makes the operator. */
  make(): Operator;
}

/**
 * Computes a value of many records, one by one. What it keeps meanwhile is a part of the state: its bytes are the same
 * for the same records in the same order.
 */
export interface Aggregate<R, K, V> {
  /** The type of the value. */
  readonly type: Type<V>;
  begin(): K;
  add(kept: K, row: R): K;
  /** Joins two, of which the second has the later records. */
  join(kept: K, later: K): K;
  value(kept: K): V;
  write(kept: K): Uint8Array;
  read(bytes: Uint8Array): K | undefined;
}

export interface Counted {
  count: number;
  number: number;
}

export const Count: new () => Aggregate<any, number, number>;
export const Sum: new <R>(of: (row: R) => number | null) => Aggregate<R, Counted, number | null>;
export const Mean: new <R>(of: (row: R) => number | null) => Aggregate<R, Counted, number | null>;
export const Min: new <R>(of: (row: R) => number | null) => Aggregate<R, Counted, number | null>;
export const Max: new <R>(of: (row: R) => number | null) => Aggregate<R, Counted, number | null>;
/** The most frequent items. It keeps all items of a window, because a rare one may become frequent. */
export const Top: new <R, I extends Key>(
  limit: number,
  of: (row: R) => I,
  item: KeyTypeOf<I>,
) => Aggregate<R, Map<string, number>, { item: I; count: number }[]>;
/** A value of your own, which takes records one by one. It is kept as JSON of its type. */
export const Fold: new <R, T>(
  type: Type<T>,
  begin: () => NoInfer<T>,
  add: (value: T, row: R) => NoInfer<T>,
  join: (value: T, later: T) => NoInfer<T>,
) => Aggregate<R, T, T>;

// ── Deduplication and joins ──────────────────────────────────────────────────────────────────────────────────────────

/** How the key and the time of a record are taken: as in `by` of windows. */
export interface Placing<R, K = any> {
  at?: (row: R) => Integer | null;
  key?: KeyTypeOf<K>;
}

/**
 * An operator that lets a record pass if no other one of its key has passed within a duration of event time.
 *
 * It has the input `records`. A record that passes is a line of the output `unique`, as its row is in JSON. Any other is
 * a line `{"key": …, "time": …}` of the output `duplicates`. One that comes later than the watermark by more than the
 * lateness is such a line of the output `late`, because what was before it may be forgotten.
 */
export class Deduplicate {
  private constructor();
  /** Takes the key of each record from its row, and the time: that of the row, or what `at` returns. */
  static by<R, K extends Key>(row: Row<R>, keyOf: (row: R) => K, more?: Placing<R, K>): Deduplicate;
  /** Sets within how many milliseconds another record of a key is a duplicate. Without it, that is one day. */
  within(ms: number): Deduplicate;
  /** Allows records to come so many milliseconds later than the watermark. */
  lateness(ms: number): Deduplicate;
  /** Sets the name of the operator, which its state belongs to. Without it, that is the name of its file. */
  named(name: string): Deduplicate;
  /** Makes the operator. */
  make(): Operator;
}

/**
 * An operator that joins the records of two streams that have the same key and times that are near.
 *
 * It has the inputs `left` and `right`. Each pair whose right time is not earlier than the left one by more than
 * `before`, and not later by more than `after`, is a line `{"key": …, "left": …, "right": …}` of the output `joined`, with
 * both rows in JSON. It is emitted when the second of the two has come. A record that comes later than the watermark by
 * more than the lateness is a line `{"key": …, "time": …}` of the output `late`, because what it would join may be gone.
 */
export class IntervalJoin {
  private constructor();
  /** Takes the keys of the records of both inputs, which are of one type, and their times. */
  static by<L, R, K extends Key>(
    left: [row: Row<L>, keyOf: (row: L) => K, more?: Placing<L, K>],
    right: [row: Row<R>, keyOf: (row: R) => K, more?: Placing<R, K>],
  ): IntervalJoin;
  /** Sets how many milliseconds earlier, and how many later than the left one the time of a right record may be. */
  between(beforeMs: number, afterMs: number): IntervalJoin;
  /** Allows records to come so many milliseconds later than the watermark. */
  lateness(ms: number): IntervalJoin;
  /** Has left records emitted, without a right one, when the watermark says that none will come. */
  outer(): IntervalJoin;
  /** Sets the name of the operator, which its state belongs to. Without it, that is the name of its file. */
  named(name: string): IntervalJoin;
  /** Makes the operator. */
  make(): Operator;
}

/**
 * A table: the last row of each key of an input, which records of a stream are joined with. `lookup` returns the key of
 * the row that belongs to a record of the stream.
 */
export class Table<T, S = any, K extends Key = any> {
  constructor(
    input: string,
    of: [row: Row<T>, keyOf: (row: T) => K, more?: Pick<Placing<T, K>, "key">],
    lookup: (record: S) => Wide<NoInfer<K>>,
  );
  private readonly lookup: (record: S) => Wide<K>;
  private readonly of: T;
}

/**
 * An operator that joins each record of a stream with the rows of tables that belong to it.
 *
 * Its inputs are the stream and the tables, in this order. A record waits in the state until the watermark has reached
 * its time and the time of `wait`. Then what has come of the tables by then is looked up, and a line of the output
 * `joined` is emitted. So the order of the inputs among each other does not matter, and the lines come in the order of
 * the records' times and keys. Its work can be divided if records are looked up by their own key.
 */
export class TableJoin<S, F extends any[]> {
  private constructor();
  private readonly of: [S, F];
  /** Names the input of the stream, and takes the keys and times of its records from their rows. */
  static by<S, F extends any[], K extends Key>(
    input: string,
    of: [row: Row<S>, keyOf: (row: S) => K, more?: Placing<S, K>],
    ...tables: { [I in keyof F]: Table<F[I], S> }
  ): TableJoin<S, F>;
  /** Sets how many milliseconds longer a record waits for what belongs to it. */
  wait(ms: number): TableJoin<S, F>;
  /** Makes the line that is emitted of a record and of the row of each table that was found for it, or null. */
  emit<V>(type: Type<V>, line: (record: S, ...found: { [I in keyof F]: F[I] | null }) => NoInfer<V>): TableJoin<S, F>;
  /** Sets the name of the operator, which its state belongs to. Without it, that is the name of its file. */
  named(name: string): TableJoin<S, F>;
  /** Makes the operator. */
  make(): Operator;
}

// ── State ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A clock: the time in the records, which the watermark follows, or that of the machine. */
export type Clock = "event" | "processing";

/** Values by key, in a namespace of its own. Name the keys of a batch with `prefetch`: then it costs one read. */
export class MapState<K, V> {
  constructor(name: string, key: KeyType<K>, value: Type<V>);
  readonly name: string;
  /** Returns the map whose entries go away by themselves, so many milliseconds after they were set. */
  expires(clock: Clock, afterMs: number): MapState<K, V>;
  namespace(): Namespace;
  prefetch(keys: Iterable<K>, context: Context): void;
  get(key: K, context: Context): V | undefined;
  /**
   * Returns a page of entries in the order of their keys, for results: at most `limit`, and with `start` the first ones.
   * An empty page is the end.
   */
  page(start: boolean, limit: number, context: Context): [K, V][];
  /** Returns all entries, in the order of their keys, for a migration. All of them are in memory then. */
  entries(context: Context): [K, V][];
  set(key: K, value: V, context: Context): void;
  delete(key: K, context: Context): void;
}

/** One value of the whole operator. An operator with such a value cannot be divided by key. */
export class ValueState<V> {
  constructor(name: string, value: Type<V>);
  namespace(): Namespace;
  get(context: Context): V | undefined;
  set(value: V, context: Context): void;
}

/**
 * A list for each key: what was pushed last is at its end. A push reads and writes the whole list, so it is for some
 * hundreds of items.
 */
export class ListState<K, V> {
  constructor(name: string, key: KeyType<K>, item: Type<V>);
  /** Returns the lists that go away by themselves, so many milliseconds after something was pushed to them. */
  expires(clock: Clock, afterMs: number): ListState<K, V>;
  namespace(): Namespace;
  prefetch(keys: Iterable<K>, context: Context): void;
  /** Adds an item to the list of a key, and returns how many it has then. */
  push(key: K, item: V, context: Context): number;
  get(key: K, context: Context): V[];
  /** Returns the list of a key, and leaves none. */
  take(key: K, context: Context): V[];
}

/** A count for each key. */
export class Counter<K> {
  constructor(name: string, key: KeyType<K>);
  namespace(): Namespace;
  /** Adds to the count of a key, and returns what it is then. */
  add(key: K, count: number, context: Context): number;
  get(key: K, context: Context): number;
}

/**
 * Which keys of an owner are meant: from one end to the other, or up to the end of the owner where neither of two is
 * given. `from` and `through` belong to the range, `after` and `to` do not.
 */
export type KeyRange<K> = ({ from?: K; after?: never } | { from?: never; after?: K }) &
  ({ to?: K; through?: never } | { to?: never; through?: K });

/**
 * Values by an owner and a key, in the order of the keys, in a namespace of its own. All owners have as many bytes.
 *
 * The entries of an owner stay together when the state is divided, so `route` returns the bytes of the owner. Ranges
 * cost what they find, however large the state is. What waits in the context is written before a range is read.
 */
export class OrderedMap<O, K, V> {
  constructor(name: string, owner: FixedKeyType<O>, key: KeyType<K>, value: Type<V>);
  readonly name: string;
  /** Returns the map whose entries go away by themselves, so many milliseconds after they were set. */
  expires(clock: Clock, afterMs: number): OrderedMap<O, K, V>;
  namespace(): Namespace;
  get(owner: O, key: K, context: Context): V | undefined;
  set(owner: O, key: K, value: V, context: Context): void;
  delete(owner: O, key: K, context: Context): void;
  /**
   * Returns the first entries of a range, at most `limit`, which may be `Infinity`. With `reverse`, these are the last
   * ones, and the last of them comes first.
   */
  range(owner: O, range: KeyRange<K> & { limit: number; reverse?: boolean }, context: Context): [K, V][];
  /** Deletes a range, and returns how many entries there were. */
  deleteRange(owner: O, range: KeyRange<K>, context: Context): number;
}

/** How values are merged: what is merged into them, and what they are then. */
export interface MergeOperator<V, R = V> {
  readonly [merging]: [(operand: V) => void, R];
}

/** Adds whole numbers. A sum that leaves the range of 64 bits wraps around. */
export const add: MergeOperator<Integer, bigint>;
/** Keeps the least value. */
export function least<T>(type: KeyType<T>): MergeOperator<T>;
/** Keeps the greatest value. */
export function greatest<T>(type: KeyType<T>): MergeOperator<T>;
/** Writes bytes behind those that are there. A value grows with each of them, so something must delete it. */
export const append: MergeOperator<Uint8Array>;
/** Adds an element to a set, which is an array of its elements in the order of their keys. */
export function union<T>(type: KeyType<T>): MergeOperator<T, T[]>;

/**
 * Values by key that the engine merges, in a namespace of its own: sums, extremes, sets. A change does not read what is
 * there, so a batch that only merges costs one write.
 */
export class Merged<K, V, R = V> {
  constructor(name: string, key: KeyType<K>, operator: MergeOperator<V, R>);
  readonly name: string;
  /** Returns the values that go away by themselves, so many milliseconds after something was merged into them. */
  expires(clock: Clock, afterMs: number): Merged<K, V, R>;
  namespace(): Namespace;
  /** Merges an operand into the value of a key. */
  merge(key: K, operand: V, context: Context): void;
  /** Returns the value of a key, or undefined if nothing was merged into it. What waits is merged before. */
  get(key: K, context: Context): R | undefined;
  /**
   * Returns a page of values in the order of their keys, for results: at most `limit`, and with `start` the first ones.
   * An empty page is the end.
   */
  page(start: boolean, limit: number, context: Context): [K, R][];
  delete(key: K, context: Context): void;
}

// ── Operators of your own ────────────────────────────────────────────────────────────────────────────────────────────

/** Records of an input: fields one after the other with their lengths, or whole records. */
export type Batch =
  | { format: "columns"; count: number; fieldLens: Uint32Array; fields: Uint8Array }
  | { format: "records"; lens: Uint32Array; bytes: Uint8Array };

/**
 * An operator. A module exports as default a class of it, a function that makes it, or it itself.
 *
 * Everything that must survive belongs in the state. A call that throws a `Refusal` has changed nothing there, and has
 * emitted nothing. Everything else that is thrown is a bug, and ends the plugin.
 */
export interface Operator {
  /** Returns what the operator says of itself. It is always the same. */
  describe(): Description;
  /**
   * Rewrites the state that another version of the operator has left, of the schema version `fromVersion`, to that of
   * `describe`. It is called once, before `open`, and without parameters. It emits nothing. If it fails, the state is as
   * it was. A host offers to migrate the state of an operator that has this method.
   */
  migrate?(fromVersion: number, context: Context): void;
  /** Starts a run. The context has the parameters. */
  open?(context: Context): void;
  /** Begins an input of columns, which have these names. An operator whose inputs are bytes is not asked. */
  begin?(input: number, header: string[]): void;
  /** Works in a batch of an input. */
  process(input: number, batch: Batch, context: Context): void;
  /**
   * Returns the key of each record of a batch, so that the work can be divided among workers. Whatever the operator
   * does with a record or a timer, it touches only entries and timers of that key: in a hashed namespace the key
   * itself. The answer does not depend on the state. Without it, the operator runs with one worker only.
   */
  route?(input: number, batch: Batch): Uint8Array[];
  /** Does the work of timers that are set for one time, in the order of their keys. */
  onTimers?(namespace: string, at: Integer, keys: Uint8Array[], context: Context): void;
  /** Does what is left to do when all inputs have ended. */
  finish?(context: Context): void;
  /** Returns a page of results: lines of JSON, sorted by their first member, `"key"`. An empty page is the end. */
  results?(start: boolean, limit: number, context: Context): string[];
}

/** What a module exports as its operator. */
export type Exported = Operator | Maker | (new () => Operator) | (() => Operator | Maker);

/** What makes an operator: windows, a deduplication, or a join. */
export type Maker = Windows | Deduplicate | IntervalJoin | TableJoin<any, any>;

export interface Description {
  /** The name, which all versions of the operator have. Without it, that is the name of its file. */
  name?: string;
  /** The version of what the operator keeps in its state: 1 if none is given. */
  schemaVersion?: number;
  /** The inputs: of columns by their name alone, or of records. */
  inputs: (string | { name: string; format: "columns" | "records" })[];
  /** The outputs: of lines by their name alone, or of records. */
  outputs?: (string | { name: string; format: "lines" | "records" })[];
  /** The namespaces, or the state that has them. */
  namespaces?: (Namespace | { namespace(): Namespace })[];
  parameters?: Parameter[];
}

/** What the user of an operator can set. Without a default, the user must. */
export interface Parameter {
  name: string;
  default?: string;
  doc?: string;
}

export type Merge = "add" | "min" | "max" | "append" | "set-union";

export type Namespace = {
  name: string;
  expires?: { clock: Clock; afterMs: number };
  merge?: Merge;
} & ({ kind: "hashed" } | { kind: "ordered"; bytes: number } | { kind: "timers"; clock: Clock });

type More = Pick<Namespace, "expires" | "merge">;

/** A namespace of timers by a clock, `event` if none is given. */
export function timers(name: string, clock?: Clock): Namespace;
/** A namespace whose entries are kept by the hash of their key. */
export function hashed(name: string, more?: More): Namespace;
/** A namespace in the order of its keys, of which so many bytes at the start say who owns a key. */
export function ordered(name: string, bytes: number, more?: More): Namespace;

/** A key and its value. */
export type Entry = [Uint8Array, Uint8Array];

/** What an operator works with during one call. State is read through a cache, and written at the end of the call. */
export interface Context {
  /** Returns the value of a parameter. */
  parameter(name: string): string | undefined;
  /** Returns the value that a parameter had in the checkpoint that the state comes from. */
  previousParameter(name: string): string | undefined;
  /** Returns the watermark: no record with an earlier time is expected. */
  watermark(): Integer | null;
  processingTime(): Integer | null;
  /** Emits a value to an output, as a line of JSON. */
  emit<T>(output: number, type: Type<T>, value: NoInfer<T>): void;
  /** Emits a record of bytes. */
  emitBytes(output: number, bytes: Uint8Array): void;
  /** Writes a message to the host's log. */
  log(level: "debug" | "info" | "warn" | "error", message: string): void;
  /** Sets a timer for a key, in milliseconds of the namespace's clock. */
  setTimer(namespace: string, at: Integer, key: Uint8Array): void;
  /** Deletes a timer, and returns whether it was set. */
  deleteTimer(namespace: string, at: Integer, key: Uint8Array): boolean;
  /** Reads entries that will be needed, all in one call to the host. */
  prefetch(namespace: string, keys: Uint8Array[]): void;
  get(namespace: string, key: Uint8Array): Uint8Array | undefined;
  /** Sets a key to a value, or deletes it with null. */
  set(namespace: string, key: Uint8Array, value: Uint8Array | null): void;
  /** Returns entries of an ordered namespace, from a key up to another, which is not included. */
  scan(namespace: string, range: { from?: Uint8Array; to?: Uint8Array; reverse?: boolean; limit: number }): Entry[];
  /** Deletes a range of an ordered namespace, and returns how many entries it had. */
  deleteRange(namespace: string, range?: { from?: Uint8Array; to?: Uint8Array }): number;
  /** Merges values into those of keys, as the namespace declares. They wait for the end of the call, or for a read. */
  merge(namespace: string, changes: Entry[]): void;
  /** Returns the next page of a namespace of any kind, for results. */
  page(namespace: string, start: boolean, limit: number): Entry[];
  /** Writes what has changed. The end of each call does this. */
  flush(): void;
}

/** The refusal of a call, because of its input. The host undoes the call, and shows the text. */
export class Refusal extends Error {
  constructor(text: string, about?: { record?: number });
  /** What is wrong, without the number of the record. */
  readonly text: string;
  /** The record that is to blame, counted from 0 in the batch. */
  readonly record: number | undefined;
}

// ── Tests ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A time: RFC 3339, milliseconds, or a Date. */
export type Moment = string | number | bigint | Date;

/** Runs an operator in Node, without WebAssembly: fed, moved in time, crashed and recovered. */
export class Harness {
  /** Starts an operator over an empty state. Parameters without a default must be given. */
  constructor(operator: Exported, options?: { parameters?: Record<string, string> });
  /** Feeds records to the first input: CSV, whose first line names the columns. If one is refused, all are. */
  feed(csv: string): void;
  /** Feeds records to an input, by its number or name. */
  feedTo(input: number | string, csv: string): void;
  /** Feeds records to an input that takes them as bytes. */
  feedRecords(input: number | string, records: (string | Uint8Array)[]): void;
  /** Returns the key that each record of an input belongs to, as the operator says it in `route`. */
  route(input: number | string, csv: string): Uint8Array[];
  /** Returns the key that each record of an input belongs to that takes them as bytes. */
  routeRecords(input: number | string, records: (string | Uint8Array)[]): Uint8Array[];
  /** Moves the watermark, and works through the timers that are due. An earlier one changes nothing. */
  watermark(time: Moment): void;
  /** Moves the processing time, and works through the timers that are due. */
  processingTime(time: Moment): void;
  /** Ends all inputs: works through all timers of event time, and has the operator finish. */
  finish(): void;
  /** Takes a checkpoint, and shows what was emitted. */
  checkpoint(): void;
  /** Loses everything since the last checkpoint, and starts another instance over what it left. */
  crash(): void;
  /**
   * Starts another version of the operator over the last checkpoint, after it has brought the state to its own schema
   * version by `migrate`. If that fails, nothing has changed.
   */
  migrate(operator: Exported): void;
  /** Returns the lines that were emitted to the first output. */
  emitted(): string[];
  /** Returns the lines that were emitted to an output, by its number or name. */
  emittedTo(output: number | string): string[];
  /** Returns the records that were emitted to an output, as bytes. */
  recordsOf(output: number | string): Uint8Array[];
  /** Returns all results, page by page. */
  results(): string[];
  /** Returns the messages of the present instance. */
  messages(): string[];
  /** Returns the entries of a namespace, in the order of their keys. */
  entries(namespace: string): Entry[];
  /** Returns the timers of a namespace, in the order of their times and keys. */
  timers(namespace: string): { at: Integer; key: Uint8Array }[];
}
