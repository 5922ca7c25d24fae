// Finds the routes at the top.

import type { Checkpoints } from "alluvium";
import type { Past } from "./archive.js";
import type { FromWorker, Ranking, RouteRow } from "./protocol.js";
import { decode } from "./route.js";

const SHOWN_ROUTES = 12;

/** The entries to rank: all of them, or of a state with a past those that the records concern. */
function* candidates(checkpoints: Checkpoints, past: Past | undefined): Generator<[string, string]> {
  if (past === undefined) return yield* checkpoints.textEntries();
  const keys = Array.from({ length: past.inUse }, (_, at) => past.key(at));
  const decoder = new TextDecoder();
  for (const [at, value] of checkpoints.getMany(keys).entries()) {
    if (value !== undefined) yield [keys[at]!, decoder.decode(value)];
  }
}

/** Returns the routes at the top, and the sums over all that were ranked. */
export function topRoutes(checkpoints: Checkpoints, past: Past | undefined, ranking: Ranking, consumed: number): Omit<Extract<FromWorker, { type: "routes" }>, "type"> {
  const rows: RouteRow[] = [];
  let [flights, cancelled, ranked] = [0, 0, 0];
  // A route with one very late flight would lead the means forever, so routes need a minimum of flights.
  const least = Math.min(20, Math.floor(consumed / 500));
  for (const [key, value] of candidates(checkpoints, past)) {
    const route = decode(key, value);
    ranked++;
    flights += route.flights;
    cancelled += route.cancelled;
    const departed = route.flights - route.cancelled;
    if (departed === 0 || departed < least) continue;
    rows.push({ key, flights: route.flights, cancelled: route.cancelled, meanMin: route.arr_delay_min / departed, worstMin: route.worst_arr_delay_min });
  }
  const figure = {
    mean: (row: RouteRow) => row.meanMin,
    worst: (row: RouteRow) => row.worstMin ?? -Infinity,
    flights: (row: RouteRow) => row.flights,
  }[ranking];
  rows.sort((a, b) => figure(b) - figure(a) || (a.key < b.key ? -1 : 1));
  return { rows: rows.slice(0, SHOWN_ROUTES), flights, cancelled, ranked };
}
