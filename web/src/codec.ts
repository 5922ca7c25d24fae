// How values are written as bytes, and read again.

import { callable } from "./checks.js";
import { AlluviumError } from "./error.js";
import { type Bytes, type Integer, jsonOf, jsonText, signed, textOf } from "./text.js";

/**
 * Writes values as bytes and reads them. `V` is what is read, and `I` what may be written.
 *
 * The state is compared by its bytes: a codec that writes equal values differently makes states differ that mean the
 * same. Each codec says whether it does.
 */
export interface Codec<V, I = V> {
  /** Returns a value's bytes, or a text that stands for its UTF-8. */
  write(value: I): Bytes;
  /** Reads a value. The bytes are good only during the call: copy what is to stay. */
  read(bytes: Uint8Array): V;
}

/** Values are bytes, and a string stands for its UTF-8. This is what is used if no codec is given. */
export const raw: Codec<Uint8Array, Bytes> = {
  write: (value) => value,
  read: (bytes) => bytes.slice(),
};

/** Checks a codec that was given, or returns `raw`. */
export function codecOf<V, I>(codec: Codec<V, I> | undefined): Codec<V, I> {
  if (codec === undefined) return raw as unknown as Codec<V, I>;
  for (const member of ["write", "read"] as const) callable(`codec: its ${member}`, codec?.[member]);
  return codec;
}

/** Values are texts, which are written as UTF-8. Equal texts have equal bytes. */
export const text: Codec<string> = {
  write(value) {
    if (typeof value !== "string") throw new AlluviumError("invalid-input", `a value of the codec "text" is a string, not ${typeof value}`);
    return value;
  },
  read: textOf,
};

const integer = new Uint8Array(8);
const integerView = new DataView(integer.buffer);

/**
 * Values are signed integers of 64 bits, little-endian. They are what `merge: "add"` adds up. Equal integers have equal
 * bytes.
 */
export const int64: Codec<bigint, Integer> = {
  write(value) {
    integerView.setBigInt64(0, signed("value", value), true);
    return integer;
  },
  read(bytes) {
    if (bytes.length !== 8) throw new AlluviumError("invalid-input", `an integer of 64 bits has 8 bytes, and this value has ${bytes.length}`);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigInt64(0, true);
  },
};

/**
 * Values are written as JSON. What JSON cannot hold is lost or refused: `undefined`, `Map`, `Date`, `bigint`, cycles.
 *
 * The bytes follow the order in which the members of an object were set. Equal objects that were built in another order
 * have other bytes.
 */
export function json<V>(): Codec<V> {
  return { write: jsonText, read: (bytes) => jsonOf(bytes) as V };
}

/** A library that writes values as text and reads them, such as `devalue` or `superjson`. */
export interface Serializer {
  /** Writes a value as text. */
  stringify(value: unknown): string;
  /** Reads what `stringify` wrote. */
  parse(text: string): unknown;
}

/**
 * Values are written by a library of yours, for what `structuredClone` copies and JSON does not hold: `Map`, `Set`,
 * `Date`, `bigint`, typed arrays, cycles. Browsers do not give out the bytes of their own structured clone.
 *
 * The bytes are as deterministic as the library's text. With `devalue`, as with JSON, they follow the order of members
 * and of the entries of a `Map` or `Set`, and they may differ between versions of the library.
 */
export function serialized<V>(library: Serializer): Codec<V> {
  return {
    write: (value) => library.stringify(value),
    read(bytes) {
      const written = textOf(bytes);
      try {
        return library.parse(written) as V;
      } catch (cause) {
        throw new AlluviumError("invalid-input", `this value cannot be read by the library of its codec: ${String(cause)}`, { cause });
      }
    },
  };
}
