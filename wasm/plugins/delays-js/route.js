// Adding flights up: one route for each key of the state, and its value as JSON.
//
// The sums are BigInt, and the JSON is written and read here, digit for digit: a Number would round
// past 2^53, and the state must be the same bytes whatever language wrote it.

const U64_MAX = 2n ** 64n - 1n;
const I64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const VALUE = /^\{"flights":(\d+),"cancelled":(\d+),"arr_delay_min":(-?\d+),"worst_arr_delay_min":(null|-?\d+)\}$/;

export const one = ({ cancelled, delayMinutes }) => ({
  flights: 1n,
  cancelled: cancelled ? 1n : 0n,
  delay: delayMinutes ?? 0n,
  worst: delayMinutes,
});

/** Both together; an error when a sum is too large. */
export function plus(key, a, b) {
  const sum = {
    flights: a.flights + b.flights,
    cancelled: a.cancelled + b.cancelled,
    delay: a.delay + b.delay,
    // None is less than any delay.
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

/** One line of the results: the route's members after its key. */
export function line(key, text) {
  return `{"key":${JSON.stringify(key)},${write(read(key, text)).slice(1)}`;
}

function fits({ flights, cancelled, delay, worst }) {
  const isI64 = (number) => number >= I64.min && number <= I64.max;
  return flights <= U64_MAX && cancelled <= U64_MAX && isI64(delay) && (worst === null || isI64(worst));
}
