// Adds flights up, with one route for each key of the state, and reads and writes its value as JSON.
//
// The sums are BigInt, and this file reads and writes their digits itself. A Number would round above 2^53, and
// plugins in all languages must write the same bytes.

const U64_MAX = 2n ** 64n - 1n;
const I64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const VALUE = /^\{"flights":(\d+),"cancelled":(\d+),"arr_delay_min":(-?\d+),"worst_arr_delay_min":(null|-?\d+)\}$/;

export const one = ({ cancelled, delayMinutes }) => ({
  flights: 1n,
  cancelled: cancelled ? 1n : 0n,
  delay: delayMinutes ?? 0n,
  worst: delayMinutes,
});

/** Returns the sum of both routes. Throws if a sum is too large. */
export function plus(key, a, b) {
  const sum = {
    flights: a.flights + b.flights,
    cancelled: a.cancelled + b.cancelled,
    delay: a.delay + b.delay,
    // `null` is less than any delay.
    worst: a.worst === null || (b.worst !== null && b.worst > a.worst) ? b.worst : a.worst,
  };
  if (!fits(sum)) throw `state of ${JSON.stringify(key)}: the sums do not fit 64 bits any more`;
  return sum;
}

export function write({ flights, cancelled, delay, worst }) {
  return `{"flights":${flights},"cancelled":${cancelled},"arr_delay_min":${delay},"worst_arr_delay_min":${worst}}`;
}

export function read(key, text) {
  const found = VALUE.exec(text);
  const route = found && {
    flights: BigInt(found[1]),
    cancelled: BigInt(found[2]),
    delay: BigInt(found[3]),
    worst: found[4] === "null" ? null : BigInt(found[4]),
  };
  if (!route || !fits(route)) throw `state of ${JSON.stringify(key)} is not from this plugin: ${text}`;
  return route;
}

/** Returns one line of the results: the key, followed by the route's members. */
export function line(key, text) {
  return `{"key":${JSON.stringify(key)},${write(read(key, text)).slice(1)}`;
}

function fits({ flights, cancelled, delay, worst }) {
  const isI64 = (number) => number >= I64.min && number <= I64.max;
  return flights <= U64_MAX && cancelled <= U64_MAX && isI64(delay) && (worst === null || isI64(worst));
}
