// What the example operators must emit, computed another way: all records at once, in JavaScript.
import { gunzipSync } from "node:zlib";
import { readFileSync } from "node:fs";

/// Reads lines of JSON, or a compressed CSV file without quotes, as one object for each record.
export function records(path) {
  if (path.endsWith(".ndjson")) return readFileSync(path, "utf8").trim().split("\n").map((line) => JSON.parse(line));
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

const DAY = 24 * HOUR;
const dayOf = ({ time_hour }) => Math.floor(Date.parse(time_hour) / DAY) * DAY;

/// The mean temperature.
const MEAN = {
  begin: () => ({ sum: 0, count: 0 }),
  add(kept, { temp }) {
    if (temp === "NA") return;
    kept.sum += Number(temp);
    kept.count += 1;
  },
  value: ({ sum, count }) => (count === 0 ? null : sum / count),
};

/// The three most frequent destinations.
const TOP = {
  begin: () => new Map(),
  add: (counts, { dest }) => counts.set(dest, (counts.get(dest) ?? 0) + 1),
  value: (counts) =>
    [...counts]
      .map(([item, count]) => ({ item, count }))
      .sort((a, b) => b.count - a.count || byBytes(a.item, b.item))
      .slice(0, 3),
};

/// The days of each airport, of all records at once: there is no time, and so nothing is late.
function days(all, { begin, add, value }) {
  const days = new Map();
  for (const one of all) {
    const [key, from] = [one.origin, dayOf(one)];
    const id = `${key} ${from}`;
    if (!days.has(id)) days.set(id, { key, from, to: from + DAY, kept: begin() });
    add(days.get(id).kept, one);
  }
  return inOrder([...days.values()].map((day) => ({ ...day, value: value(day.kept) })));
}

/// The mean temperature of each day at each airport.
export const weather = (all) => days(all, MEAN);

/// The days of each airport and the records that come too late for them, with a watermark that moves after every so many
/// records. A record that comes after the end of its day, and within the lateness that the operator allows, has the day
/// emitted again.
export function lateDays(all, name, { delay, every }) {
  const { begin, add, value, lateness } = { weather: { ...MEAN, lateness: HOUR }, routes: { ...TOP, lateness: 2 * HOUR } }[name];
  const [open, windows, late] = [new Map(), [], []];
  let [watermark, most, again] = [-Infinity, -Infinity, new Set()];
  for (let first = 0; first < all.length; first += every) {
    for (const one of all.slice(first, first + every)) {
      const [key, from] = [one.origin, dayOf(one)];
      most = Math.max(most, Date.parse(one.time_hour));
      if (from + DAY + lateness <= watermark) {
        late.push({ key, time: one.time_hour });
        continue;
      }
      const id = `${key} ${from}`;
      if (!open.has(id)) open.set(id, { key, from, to: from + DAY, kept: begin(), isTold: false });
      const day = open.get(id);
      add(day.kept, one);
      if (day.to <= watermark) again.add(day);
    }
    const isEnd = first + every >= all.length;
    watermark = isEnd ? Infinity : Math.max(watermark, most - delay);
    const told = [...open.values()].filter((day) => day.to <= watermark && (!day.isTold || again.has(day)));
    windows.push(...inOrder(told.map((day) => ({ ...day, value: value(day.kept) }))));
    for (const day of told) day.isTold = true;
    for (const [id, day] of open) if (day.to + lateness <= watermark) open.delete(id);
    again = new Set();
  }
  return { windows, late };
}

/// The sessions of each aircraft and the records that come too late for them, in the same way. A record may join
/// sessions. It is late if the whole that it would be a part of is closed.
export function lateSessions(all, name, { delay, every }) {
  const [gap, lateness] = [12 * HOUR, 2 * HOUR];
  const [open, windows, late] = [new Map(), [], []];
  let [watermark, most] = [-Infinity, -Infinity];
  for (let first = 0; first < all.length; first += every) {
    for (const { tailnum: key, time_hour } of all.slice(first, first + every)) {
      const at = Date.parse(time_hour);
      most = Math.max(most, at);
      const sessions = open.get(key) ?? [];
      const joined = sessions.filter(({ from, to }) => from <= at + gap && at <= to);
      const from = Math.min(at, ...joined.map((one) => one.from));
      const to = Math.max(at + gap, ...joined.map((one) => one.to));
      if (to + lateness <= watermark) {
        late.push({ key, time: time_hour });
        continue;
      }
      const value = joined.reduce((sum, one) => sum + one.value, 1);
      // A session that is as long as before is emitted again only if it has ended.
      const isSame = joined.length === 1 && joined[0].from === from && joined[0].to === to;
      const isTold = isSame && joined[0].isTold && to > watermark;
      open.set(key, [...sessions.filter((one) => !joined.includes(one)), { key, from, to, value, isTold }]);
    }
    watermark = first + every >= all.length ? Infinity : Math.max(watermark, most - delay);
    const told = [...open.values()].flat().filter(({ to, isTold }) => to <= watermark && !isTold);
    windows.push(...inOrder([...told]));
    for (const session of told) session.isTold = true;
    for (const [key, sessions] of open) open.set(key, sessions.filter(({ to }) => to + lateness > watermark));
  }
  return { windows, late };
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
export const routes = (all) => days(all, TOP);

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

/// For each question the last departures of its airport in the day before, in the order of the times that are asked for.
export function board(departures, questions) {
  const answer = ({ origin, at, last }) => {
    const end = Date.parse(at);
    const found = departures
      .map(({ origin, time_hour, carrier, flight, dest }) => ({ origin, at: time_hour, flight: { carrier, number: Number(flight), dest } }))
      .filter((one) => one.origin === origin && Date.parse(one.at) >= end - DAY && Date.parse(one.at) < end)
      .sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || byBytes(b.flight.carrier, a.flight.carrier) || b.flight.number - a.flight.number);
    return { origin, before: at, departures: found.slice(0, last).map(({ at, flight }) => ({ at, flight })) };
  };
  return [...questions].sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || byBytes(a.origin, b.origin)).map(answer);
}

/// What is added up of each airport.
export function boardTotals(departures) {
  return ["EWR", "JFK", "LGA"].map((key) => {
    const of = departures.filter(({ origin }) => origin === key);
    const latest = Math.max(...of.map(({ time_hour }) => Date.parse(time_hour)));
    return { key, flights: of.length, latest: time(latest), destinations: [...new Set(of.map(({ dest }) => dest))].sort(byBytes) };
  });
}
