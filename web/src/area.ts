// The area of the engine's memory in which keys and values are passed. Nothing is allocated for a call, and no bytes are
// copied twice.

import { refuseGone } from "./checks.js";
import type { Instance } from "./engine.js";
import { AlluviumError } from "./error.js";
import { type Bytes, type Integer, bytesOf, longTextBytes, signed, writeText } from "./text.js";
import { areaFor, engineMemory } from "./wasm/alluvium_wasm.js";

/** The area begins with the address and the length of the last answer. What is given to the engine follows. */
const GIVEN = 8;

/** So many bytes are copied one by one. For more, the call that copies them is faster. */
const FEW_BYTES = 24;

/** The memory of the engine. Its buffer is another one after it has grown. */
interface EngineMemory {
  readonly buffer: ArrayBuffer;
}

/**
 * Writes what a call needs, and reads what it found.
 *
 * Memory that grows detaches every view of it: a detached view has no bytes. A view is therefore taken again whenever it
 * has none, and never kept by anybody else.
 */
export class Area {
  readonly #memory: EngineMemory;
  #bytes = new Uint8Array(0);
  #numbers = new DataView(new ArrayBuffer(0));
  #address = 0;
  #room = 0;

  constructor(memory: EngineMemory) {
    this.#memory = memory;
  }

  /** Writes a key or a value so many bytes behind the beginning. Returns its length. */
  write(at: number, what: Bytes): number {
    if (typeof what === "string") {
      const bytes = longTextBytes(what);
      if (bytes === undefined) return writeText(what, this.#view(at + 3 * what.length), this.#address + GIVEN + at);
      what = bytes;
    } else if (!(what instanceof Uint8Array)) {
      what = bytesOf(what);
    }
    // A view of this very memory would lose its bytes if the area grows.
    if (what.buffer === this.#memory.buffer) what = what.slice();
    const { length } = what;
    const into = this.#view(at + length);
    const start = this.#address + GIVEN + at;
    if (length > FEW_BYTES) into.set(what, start);
    else if (length === 0) refuseGone(what);
    else for (let index = 0; index < length; index++) into[start + index] = what[index]!;
    return length;
  }

  /** Writes a signed number of 64 bits, little-endian. Returns its length. */
  writeInteger(at: number, value: Integer): number {
    this.#view(at + 8);
    const start = this.#address + GIVEN + at;
    if (typeof value === "number" && Number.isSafeInteger(value)) {
      this.#numbers.setInt32(start, value | 0, true);
      this.#numbers.setInt32(start + 4, Math.floor(value / 2 ** 32), true);
    } else {
      this.#numbers.setBigInt64(start, signed("count", value), true);
    }
    return 8;
  }

  /** Writes a number of 32 bits, little-endian. */
  writeLength(at: number, value: number): void {
    this.#view(at + 4);
    this.#numbers.setUint32(this.#address + GIVEN + at, value, true);
  }

  /** Returns a view of so many bytes behind the beginning, to be filled at once. */
  room(bytes: number): Uint8Array {
    const view = this.#view(bytes);
    return view.subarray(this.#address + GIVEN, this.#address + GIVEN + bytes);
  }

  /** Returns the answer of the last call as a view of the engine's memory. It is good until the next call. */
  answer(): Uint8Array {
    const bytes = this.#view(0);
    const start = this.#numbers.getUint32(this.#address, true);
    return bytes.subarray(start, start + this.#numbers.getUint32(this.#address + 4, true));
  }

  /** Returns a copy of the answer of the last call. */
  copy(): Uint8Array<ArrayBuffer> {
    const bytes = this.#view(0);
    const start = this.#numbers.getUint32(this.#address, true);
    return bytes.slice(start, start + this.#numbers.getUint32(this.#address + 4, true));
  }

  /** Returns all of the memory, after making sure of so many bytes in the area. */
  #view(needed: number): Uint8Array<ArrayBuffer> {
    if (needed > this.#room || this.#bytes.length === 0) this.#renew(needed);
    return this.#bytes;
  }

  #renew(needed: number): void {
    if (needed > 0x7fff_ffff) throw new AlluviumError("limit-exceeded", `${needed} bytes at once: one call takes at most 2 GiB`);
    this.#room = Math.max(needed, this.#room, 1 << 16);
    this.#address = areaFor(this.#room);
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#numbers = new DataView(this.#memory.buffer);
  }
}

const areas = new WeakMap<Instance, Area>();

/** Returns the area of an instance of the engine. */
export function areaOf(instance: Instance): Area {
  const area = areas.get(instance) ?? new Area(engineMemory() as EngineMemory);
  areas.set(instance, area);
  return area;
}
