// Checks of what callers give. The engine's glue would write a value of another type beside the memory that it made for it,
// and the engine of every open state would end with that. So each value is checked before the engine is called.

import { AlluviumError } from "./error.js";

/** Says in few words what a value is. */
function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : String(value);
}

/** Throws the error of a call that is wrong. */
export function refuse(what: string): never {
  throw new AlluviumError("invalid-input", what);
}

/** Checks a text. */
export function texted(name: string, value: unknown): string {
  return typeof value === "string" ? value : refuse(`${name}: ${shown(value)} is not a string`);
}

/** Checks a number that the engine takes in 32 bits. It would take another one modulo 2^32. */
export function counted(name: string, value: unknown, least = 0): number {
  const isRight = typeof value === "number" && Number.isInteger(value) && value >= least && value <= 0xffff_ffff;
  return isRight ? value : refuse(`${name}: ${shown(value)} is not an integer from ${least} to 4294967295`);
}

/** Checks one of a few texts. */
export function oneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  return allowed.includes(value as T) ? (value as T) : refuse(`${name}: ${shown(value)} is not one of ${allowed.map(shown).join(", ")}`);
}

/** Checks a function. */
export function callable<F>(name: string, value: F): F {
  return typeof value === "function" ? value : refuse(`${name}: ${shown(value)} is not a function`);
}

/** Checks an object with members, which is neither a list nor bytes nor a `Map`. */
export function record<T>(name: string, value: T): T & object {
  return Object.prototype.toString.call(value) === "[object Object]" ? (value as T & object) : refuse(`${name}: ${shown(value)} is not an object`);
}

/** Checks an object that has no other members than these. A member that is misspelt would be as if it were left out. */
export function members<T>(name: string, value: T, allowed: readonly string[]): T & object {
  const unknown = Object.keys(record(name, value)).filter((member) => !allowed.includes(member));
  return unknown.length === 0 ? (value as T & object) : refuse(`${name} has no ${unknown.join(", ")}`);
}

/** Checks a list. */
export function listed<T>(name: string, value: readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : refuse(`${name}: ${shown(value)} is not an array`);
}

/** A method that every typed array has, and that throws if the array is not within its buffer. */
const { indexOf } = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;

/** Refuses bytes that are not there any more. Only bytes of length 0 can be such. */
export function refuseGone(bytes: ArrayBufferView | ArrayBuffer, name = "these bytes"): void {
  try {
    if (!ArrayBuffer.isView(bytes)) new Uint8Array(bytes);
    else if (bytes instanceof DataView) void bytes.byteLength;
    else indexOf.call(bytes as Uint8Array, 0);
  } catch (cause) {
    throw new AlluviumError("invalid-input", `${name}: they are not there any more: their buffer was transferred, or has become shorter`, { cause });
  }
}

/** Checks bytes, and returns a view of them. */
export function viewed(name: string, value: unknown): Uint8Array<ArrayBuffer> {
  const isView = ArrayBuffer.isView(value);
  if (!isView && !/^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value))) return refuse(`${name}: ${shown(value)} is not bytes`);
  const bytes = value as ArrayBufferView<ArrayBuffer> | ArrayBuffer;
  // A `DataView` that is not within its buffer has no length.
  if (bytes instanceof DataView || bytes.byteLength === 0) refuseGone(bytes, name);
  return isView ? new Uint8Array((bytes as ArrayBufferView<ArrayBuffer>).buffer, (bytes as ArrayBufferView).byteOffset, bytes.byteLength) : new Uint8Array(bytes as ArrayBuffer);
}
