// The aggregation. It produces the same bytes as the plugin `delays`. `alluvium run` can therefore continue a
// checkpoint that was made here, and this page can continue one of the command.

/** The value of one key. The fields have the order of its JSON. */
export interface Route {
  flights: number;
  /** The number of flights without a departure time. */
  cancelled: number;
  /** The sum of the arrival delays of the flights that have one. */
  arr_delay_min: number;
  /** The largest of these delays, or null if there is none. */
  worst_arr_delay_min: number | null;
}

/** The function that is called for each record. */
export type Visit = (key: string, isCancelled: boolean, arrDelayMin: number | null, timeMs: number | null) => void;

/** Adds one record to the sums. */
export function add(sums: Map<string, Route>, key: string, isCancelled: boolean, arrDelayMin: number | null): void {
  let route = sums.get(key);
  if (route === undefined) {
    route = { flights: 0, cancelled: 0, arr_delay_min: 0, worst_arr_delay_min: null };
    sums.set(key, route);
  }
  route.flights += 1;
  if (isCancelled) route.cancelled += 1;
  if (arrDelayMin !== null) {
    route.arr_delay_min += arrDelayMin;
    route.worst_arr_delay_min = Math.max(route.worst_arr_delay_min ?? arrDelayMin, arrDelayMin);
  }
}

/** Returns the sums of both. */
export function merge(old: Route, change: Route): Route {
  const { worst_arr_delay_min: a } = old;
  const { worst_arr_delay_min: b } = change;
  return {
    flights: old.flights + change.flights,
    cancelled: old.cancelled + change.cancelled,
    arr_delay_min: old.arr_delay_min + change.arr_delay_min,
    worst_arr_delay_min: a === null ? b : b === null ? a : Math.max(a, b),
  };
}

/** Encodes a value as JSON text. */
export function encode({ flights, cancelled, arr_delay_min, worst_arr_delay_min }: Route): string {
  return JSON.stringify({ flights, cancelled, arr_delay_min, worst_arr_delay_min });
}

/** Decodes the value of a key. Throws if another program wrote something else there. */
export function decode(key: string, text: string): Route {
  const route = JSON.parse(text) as Route;
  const { flights, cancelled, arr_delay_min, worst_arr_delay_min } = route;
  // JavaScript would round integers above 2⁵³, which the plugin counts exactly.
  const isWhole = [flights, cancelled, arr_delay_min, worst_arr_delay_min ?? 0].every(Number.isSafeInteger);
  if (!isWhole) throw new Error(`state of ${JSON.stringify(key)} is not from this aggregation: ${text}`);
  return route;
}
