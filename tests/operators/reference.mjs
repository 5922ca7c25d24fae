// What the example operators must emit, computed another way: all records at once, in JavaScript.
import { gunzipSync } from "node:zlib";
import { readFileSync } from "node:fs";

/// Reads a compressed CSV file without quotes, as one object for each record.
export function records(path) {
  const [header, ...lines] = gunzipSync(readFileSync(path)).toString().trim().split("\n");
  const names = header.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((field, at) => [names[at], field])));
}

const HOUR = 3600 * 1000;

const time = (ms) => new Date(ms).toISOString().replace(".000Z", "Z");
const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/// Windows in the order in which they are emitted: of their ends, and of their keys.
const inOrder = (windows) =>
  windows
    .sort((a, b) => a.to - b.to || byBytes(a.key, b.key) || a.from - b.from)
    .map(({ key, from, to, value }) => ({ key, from: time(from), to: time(to), value }));

/// The mean temperature of each day at each airport.
export function weather(all) {
  const day = 24 * HOUR;
  const days = new Map();
  for (const { origin, time_hour, temp } of all) {
    const from = Math.floor(Date.parse(time_hour) / day) * day;
    const id = `${origin} ${from}`;
    const window = days.get(id) ?? { key: origin, from, to: from + day, sum: 0, count: 0 };
    if (temp !== "NA") {
      window.sum += Number(temp);
      window.count += 1;
    }
    days.set(id, window);
  }
  const value = ({ sum, count }) => (count === 0 ? null : sum / count);
  return inOrder([...days.values()].map((window) => ({ ...window, value: value(window) })));
}

/// The flights of each aircraft, in their order.
function byAircraft(all) {
  const flights = new Map();
  for (const one of all) {
    if (!flights.has(one.tailnum)) flights.set(one.tailnum, []);
    flights.get(one.tailnum).push(one);
  }
  return flights;
}

/// How many flights each aircraft makes without a pause of twelve hours.
export function aircraft(all) {
  const gap = 12 * HOUR;
  const sessions = [];
  for (const [key, flights] of byAircraft(all)) {
    let open;
    for (const at of flights.map(({ time_hour }) => Date.parse(time_hour)).sort((a, b) => a - b)) {
      if (open === undefined || at > open.to) sessions.push((open = { key, from: at, to: at, value: 0 }));
      open.to = at + gap;
      open.value += 1;
    }
  }
  return inOrder(sessions);
}

const number = (text) => (text === undefined || text === "NA" ? null : Number(text));

/// Each flight with the weather at its airport in that hour, and with its plane.
export function joined(flights, weather, planes) {
  const hours = new Map(weather.map((one) => [`${one.origin} ${one.time_hour}`, one]));
  const aircraft = new Map(planes.map((one) => [one.tailnum, one]));
  const bytes = ({ carrier, flight, hour }) => {
    const key = Buffer.alloc(16);
    // Numbers of flights and times are positive: their order is that of their bytes.
    key.writeBigUInt64BE(BigInt(flight), 0);
    key.writeBigUInt64BE(BigInt(Date.parse(hour)), 8);
    return Buffer.concat([Buffer.from(carrier), Buffer.from([0, 1]), key]);
  };
  return flights
    .map(({ carrier, flight, tailnum, origin, dest, time_hour: hour }) => {
      const at = hours.get(`${origin} ${hour}`) ?? {};
      const plane = aircraft.get(tailnum);
      const of = { manufacturer: plane?.manufacturer ?? null, seats: number(plane?.seats) };
      return { carrier, flight: Number(flight), hour, tailnum, origin, dest, temp: number(at.temp), visib: number(at.visib), ...of };
    })
    .map((line) => [Date.parse(line.hour), bytes(line), line])
    .sort((a, b) => a[0] - b[0] || Buffer.compare(a[1], b[1]))
    .map(([, , line]) => line);
}

/// Each flight with its aircraft: in the order of the hours, in an hour in that of the aircraft, and then of the input.
export function fleet(flights, planes) {
  const aircraft = new Map(planes.map((plane) => [plane.tailnum, plane]));
  return flights
    .map(({ carrier, flight, tailnum, time_hour: hour }) => {
      const plane = aircraft.get(tailnum);
      const of = { manufacturer: plane?.manufacturer ?? null, seats: number(plane?.seats) };
      return { carrier, flight: Number(flight), hour, tailnum, ...of };
    })
    .sort((a, b) => Date.parse(a.hour) - Date.parse(b.hour) || byBytes(a.tailnum, b.tailnum));
}

/// The three most frequent destinations of each day and origin.
export function routes(all) {
  const days = new Map();
  for (const { origin, dest, time_hour } of all) {
    const from = Math.floor(Date.parse(time_hour) / (24 * HOUR)) * 24 * HOUR;
    const id = `${origin} ${from}`;
    if (!days.has(id)) days.set(id, { key: origin, from, to: from + 24 * HOUR, counts: new Map() });
    const { counts } = days.get(id);
    counts.set(dest, (counts.get(dest) ?? 0) + 1);
  }
  const first = (counts) =>
    [...counts]
      .map(([item, count]) => ({ item, count }))
      .sort((a, b) => b.count - a.count || byBytes(a.item, b.item))
      .slice(0, 3);
  return inOrder([...days.values()].map((day) => ({ ...day, value: first(day.counts) })));
}

/// The flights with which an aircraft goes to a place for the first time in a week, in the order of the input.
export function unique(all) {
  const passed = new Map();
  return all.flatMap(({ tailnum, dest, time_hour }) => {
    const times = passed.get(`${tailnum} ${dest}`) ?? [];
    const at = Date.parse(time_hour);
    if (times.some((time) => Math.abs(time - at) < 7 * 24 * HOUR)) return [];
    passed.set(`${tailnum} ${dest}`, [...times, at]);
    return [{ tailnum, dest, time_hour }];
  });
}

/// Aircraft without another flight for two days, each at most once a week. The week is that of the watermark, which
/// moves after every so many records.
export function overdue(all, { delay, every }) {
  const alerts = [];
  for (const [tailnum, of] of byAircraft(all)) {
    const times = of.map(({ time_hour }) => Date.parse(time_hour));
    for (const [at, flight] of of.entries()) {
      const due = times[at] + 48 * HOUR;
      if (times.some((time) => time > times[at] && time <= due)) continue;
      alerts.push({ due, tailnum, line: { tailnum, last: flight.time_hour, dest: flight.dest } });
    }
  }
  alerts.sort((a, b) => a.due - b.due || byBytes(a.tailnum, b.tailnum));
  const watermarks = [];
  let most = -Infinity;
  for (const [number, { time_hour }] of all.entries()) {
    most = Math.max(most, Date.parse(time_hour));
    if ((number + 1) % every === 0 || number + 1 === all.length) watermarks.push(most - delay);
  }
  const told = new Map();
  return alerts.flatMap(({ due, tailnum, line }) => {
    const watermark = watermarks.find((at) => at >= due) ?? watermarks.at(-1);
    if (told.get(tailnum) > watermark) return [];
    told.set(tailnum, watermark + 7 * 24 * HOUR);
    return [line];
  });
}
