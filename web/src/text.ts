import { AlluviumError } from "./error.js";

/** Keys and values are bytes; a string stands for its UTF-8. */
export type Bytes = Uint8Array | string;

/** What may pass 2⁵³ is a `bigint`; a whole, safe number is taken too. */
export type Integer = bigint | number;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The bytes of a key or value. */
export function bytesOf(bytes: Bytes): Uint8Array {
  if (typeof bytes === "string") return encoder.encode(bytes);
  if (bytes instanceof Uint8Array) return bytes;
  throw new AlluviumError("invalid-input", `keys and values are Uint8Array or string, not ${typeof bytes}`);
}

/** The text of a key or value; what is no UTF-8 is an error. */
export function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new AlluviumError("invalid-input", "these bytes are no UTF-8 text", { cause });
  }
}

/** A value as JSON text in bytes. */
export function jsonBytes(value: unknown): Uint8Array {
  const text = JSON.stringify(value);
  if (text === undefined) throw new AlluviumError("invalid-input", `${typeof value} has no JSON`);
  return encoder.encode(text);
}

/** The value of JSON text in bytes. */
export function jsonOf(bytes: Uint8Array): unknown {
  const text = textOf(bytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AlluviumError("invalid-input", `these bytes are no JSON: ${String(cause)}`, { cause });
  }
}

/** An integer of `bits` bits; wasm would wrap what does not fit. */
function integer(name: string, value: Integer, least: bigint, most: bigint): bigint {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new AlluviumError("invalid-input", `${name}: ${value} is no safe integer; give a bigint`);
  }
  const whole = typeof value === "bigint" || typeof value === "number" ? BigInt(value) : undefined;
  if (whole === undefined || whole < least || whole > most) {
    throw new AlluviumError("invalid-input", `${name}: ${String(value)} is not an integer from ${least} to ${most}`);
  }
  return whole;
}

/** An unsigned 64-bit integer. */
export const unsigned = (name: string, value: Integer): bigint => integer(name, value, 0n, (1n << 64n) - 1n);

/** A signed 64-bit integer. */
export const signed = (name: string, value: Integer): bigint => integer(name, value, -(1n << 63n), (1n << 63n) - 1n);
