// The operator of the demo: delays added up by carrier and route. The same sums as the plugin `delays`
// of the command line, under the same keys, so that each goes on from the other's checkpoints.

/** Lines of the flights, without the header: fetched, decompressed, in order. */
export async function loadFlights(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const text = await new Response(response.body.pipeThrough(new DecompressionStream("gzip"))).text();
  const [header, ...lines] = text.trimEnd().split("\n");
  const columns = header.split(",");
  const at = (name) => {
    const index = columns.indexOf(name);
    if (index < 0) throw new Error(`${url} has no column ${name}`);
    return index;
  };
  const [carrier, origin, dest, departure, delay, hour] = ["carrier", "origin", "dest", "dep_time", "arr_delay", "time_hour"].map(at);
  return lines.map((line) => {
    const fields = line.split(",");
    return {
      key: `${fields[carrier]}:${fields[origin]}-${fields[dest]}`,
      carrier: fields[carrier],
      isCancelled: isMissing(fields[departure]),
      delayMin: isMissing(fields[delay]) ? null : Number(fields[delay]),
      timeMs: Date.parse(fields[hour]),
    };
  });
}

const isMissing = (field) => field === "" || field === "NA";

/** What was there, with one flight more. Members in the order of the plugin's JSON. */
export function add(route, flight) {
  const { flights, cancelled, arr_delay_min, worst_arr_delay_min: worst } = route ?? {
    flights: 0,
    cancelled: 0,
    arr_delay_min: 0,
    worst_arr_delay_min: null,
  };
  return {
    flights: flights + 1,
    cancelled: cancelled + (flight.isCancelled ? 1 : 0),
    arr_delay_min: arr_delay_min + (flight.delayMin ?? 0),
    worst_arr_delay_min: worst === null || flight.delayMin === null ? (worst ?? flight.delayMin) : Math.max(worst, flight.delayMin),
  };
}

/** The state after the first `count` flights, computed in one go: what a recovered state is held to. */
export function uninterrupted(flights, count) {
  const state = new Map();
  for (const flight of flights.slice(0, count)) state.set(flight.key, add(state.get(flight.key), flight));
  return state;
}

/** Compares a state (pairs of key and JSON text) with the uninterrupted run over as many flights. */
export function prove(flights, entries, count) {
  const expected = uninterrupted(flights, count);
  const found = new Map(entries);
  let different = 0;
  let sum = 0;
  for (const [key, route] of expected) {
    if (found.get(key) !== JSON.stringify(route)) different++;
  }
  for (const [key, text] of found) {
    if (!expected.has(key)) different++;
    sum += JSON.parse(text).flights;
  }
  return { isExact: different === 0, different, keys: found.size, flights: sum, expectedFlights: count };
}
