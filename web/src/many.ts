// Reads the values of many keys in one call of the engine.

import { unpackValues } from "./batch.js";
import { listed } from "./checks.js";
import type { Session } from "./session.js";
import type { Bytes } from "./text.js";

/** Returns the values of keys of a namespace, in the order of the keys. They share one buffer. */
export function readMany(session: Session, namespace: number, keys: readonly Bytes[]): (Uint8Array | undefined)[] {
  const { engine, area } = session;
  const count = listed("keys", keys).length;
  area.writeLength(0, count);
  let end = 4 + 4 * count;
  for (let at = 0; at < count; at++) {
    const length = area.write(end, keys[at]!);
    area.writeLength(4 + 4 * at, length);
    end += length;
  }
  session.checked(session.quick(() => engine.getMany(namespace, end)));
  return unpackValues(area.copy(), count);
}
