import { refuseGone } from "./checks.js";
import { AlluviumError } from "./error.js";

/** A key or a value. Both are bytes; a string stands for its UTF-8. */
export type Bytes = Uint8Array | string;

/** A 64-bit integer. Results are always `bigint`; arguments may also be safe integers. */
export type Integer = bigint | number;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Returns the bytes of a key or value. */
export function bytesOf(bytes: Bytes): Uint8Array {
  if (typeof bytes === "string") return encoder.encode(bytes);
  if (bytes instanceof Uint8Array) {
    if (bytes.length === 0) refuseGone(bytes);
    return bytes;
  }
  throw new AlluviumError("invalid-input", `keys and values are Uint8Array or string, not ${typeof bytes}`);
}

/** A text of more units is encoded by the browser, which is faster then, and takes no room that is not needed. */
const LONG_TEXT = 1024;

/** Returns the bytes of a long text, and nothing for one that `writeText` takes. */
export function longTextBytes(text: string): Uint8Array | undefined {
  return text.length > LONG_TEXT ? encoder.encode(text) : undefined;
}

/**
 * Writes a text as UTF-8 and returns how many bytes it has. There must be room for three bytes for each of its units.
 * Most keys are ASCII, for which a call of the browser's encoder costs several times as much as the loop.
 */
export function writeText(text: string, into: Uint8Array, at: number): number {
  const { length } = text;
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return index + encoder.encodeInto(text.slice(index), into.subarray(at + index)).written;
    into[at + index] = unit;
  }
  return length;
}

/** Decodes a key or value as UTF-8. Throws if it is not valid UTF-8. */
export function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new AlluviumError("invalid-input", "these bytes are not valid UTF-8", { cause });
  }
}

/** Writes a value as JSON. Throws if JSON cannot hold it. */
export function jsonText(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value) as string | undefined;
  } catch (cause) {
    throw new AlluviumError("invalid-input", `this value cannot be written as JSON: ${String(cause)}`, { cause });
  }
  if (text === undefined) throw new AlluviumError("invalid-input", `a value of type ${typeof value} cannot be written as JSON`);
  return text;
}

/** Encodes a value as JSON text in bytes. */
export function jsonBytes(value: unknown): Uint8Array {
  return encoder.encode(jsonText(value));
}

/** Parses JSON text in bytes. `T` is what the caller expects: it is not checked. */
export function jsonOf<T = unknown>(bytes: Uint8Array): T {
  const text = textOf(bytes);
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new AlluviumError("invalid-input", `these bytes are not valid JSON: ${String(cause)}`, { cause });
  }
}

/** Checks that an integer lies between `least` and `most`. WebAssembly would silently wrap one that does not. */
function integer(name: string, value: Integer, least: bigint, most: bigint): bigint {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new AlluviumError("invalid-input", `${name}: ${value} is not a safe integer; pass a bigint`);
  }
  const whole = typeof value === "bigint" || typeof value === "number" ? BigInt(value) : undefined;
  if (whole === undefined || whole < least || whole > most) {
    throw new AlluviumError("invalid-input", `${name}: ${String(value)} is not an integer from ${least} to ${most}`);
  }
  return whole;
}

/** Checks an unsigned 64-bit integer. */
export const unsigned = (name: string, value: Integer): bigint => integer(name, value, 0n, (1n << 64n) - 1n);

/** Checks a signed 64-bit integer. */
export const signed = (name: string, value: Integer): bigint => integer(name, value, -(1n << 63n), (1n << 63n) - 1n);
