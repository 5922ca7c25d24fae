// A large state of which little is in use. It begins with many routes, each with a past. The records then concern a few of
// them. Every route and every record follow from their numbers, so that a proof can count all of them again.

import type { Route } from "./route.js";
import { BEGINS_MS, type Source, mix, recordOf, routeName } from "./source.js";

/** How many routes the records concern. */
const IN_USE = 1_000;

/** What the state begins with. It is written in batches, and how far it is written is a position of the checkpoint. */
export interface Past {
  readonly keys: number;
  /** How many of the first keys the records concern. */
  readonly inUse: number;
  key(at: number): string;
  value(at: number): Route;
}

/** The name of the position that says how many keys of the past are written. */
export const PAST = "past";

/** Opens the archive over `keys` routes. */
export function archive(keys: number): Source {
  const inUse = Math.min(keys, IN_USE);
  const names = Array.from({ length: inUse }, (_, at) => routeName(at));
  return {
    total: Infinity,
    past: { keys, inUse, key: (at) => names[at] ?? routeName(at), value: past },
    each(from, to, visit) {
      for (let number = from; number < to; number++) {
        const { place, isCancelled, delay } = recordOf(number);
        visit(names[Math.floor(inUse * place)]!, isCancelled, delay, BEGINS_MS + number * 10);
      }
    },
  };
}

/** Returns the past of a route. */
function past(at: number): Route {
  const bits = mix(at);
  const flights = 20 + (bits % 380);
  return {
    flights,
    cancelled: (bits >>> 9) % 9,
    arr_delay_min: flights * (((bits >>> 13) % 25) - 6),
    worst_arr_delay_min: 30 + ((bits >>> 18) % 290),
  };
}

/** How many routes a device gets: a million, or a tenth of them on a small one. `?keys=N` in the address says another number. */
export function keysOfThisDevice(): number {
  const wanted = new URLSearchParams(location.search).get("keys");
  if (wanted !== null && /^\d{1,7}$/.test(wanted) && Number(wanted) > 0) return Number(wanted);
  const { deviceMemory = 8, hardwareConcurrency } = navigator as Navigator & { deviceMemory?: number };
  const isSmall = deviceMemory < 4 || hardwareConcurrency < 2 || matchMedia("(max-device-width: 599px), (pointer: coarse)").matches;
  return isSmall ? 100_000 : 1_000_000;
}
