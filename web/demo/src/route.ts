// The aggregation: what the plugin `delays` does, to the byte, so that the `alluvium run` command goes
// on with a checkpoint made here, and the other way round.

/** The value of one key, in the order of its JSON. */
export interface Route {
  flights: number;
  /** How many of them have no departure time. */
  cancelled: number;
  /** The sum of the arrival delays of those that have one. */
  arr_delay_min: number;
  /** The largest of these delays; null when there is none. */
  worst_arr_delay_min: number | null;
}

/** What is done with one record. */
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

/** Both together. */
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

/** The bytes of a value, as text. */
export function encode({ flights, cancelled, arr_delay_min, worst_arr_delay_min }: Route): string {
  return JSON.stringify({ flights, cancelled, arr_delay_min, worst_arr_delay_min });
}

/** The value of a key; what another program wrote there is an error. */
export function decode(key: string, text: string): Route {
  const route = JSON.parse(text) as Route;
  const { flights, cancelled, arr_delay_min, worst_arr_delay_min } = route;
  // Past 2⁵³ JavaScript would round what the plugin counts exactly.
  const isWhole = [flights, cancelled, arr_delay_min, worst_arr_delay_min ?? 0].every(Number.isSafeInteger);
  if (!isWhole) throw new Error(`state of ${JSON.stringify(key)} is not from this aggregation: ${text}`);
  return route;
}
