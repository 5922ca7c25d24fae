// The streams. Records are read by number, and a number always gives the same record. Exactly-once needs this,
// and so does its proof.

import { type Past, archive } from "./archive.js";
import type { Visit } from "./route.js";

export interface Source {
  /** The number of records. It is Infinity for a firehose. */
  readonly total: number;
  /** What the state begins with, before the first record. Most sources begin with nothing. */
  readonly past?: Past;
  /** Visits the records from number `from` up to, but not including, `to`. */
  each(from: number, to: number, visit: Visit): void;
}

/** The name of the source offset, which says how many records were consumed. The command uses the same name. */
export const INPUT = "input";

export type SourceName = "flights" | `firehose-${number}` | `archive-${number}`;

export async function openSource(name: SourceName): Promise<Source> {
  if (name === "flights") return flights();
  const keys = Number(name.split("-")[1]);
  return name.startsWith("archive-") ? archive(keys) : firehose(keys);
}

const isMissing = (field: string) => field === "" || field === "NA";

/** Opens a month of departures from New York. */
async function flights(): Promise<Source> {
  const address = new URL("./flights-2013-01.csv.gz", import.meta.url);
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address.pathname}: ${response.status} ${response.statusText}`);
  const lines = (await text(await response.blob())).split("\n");
  if (lines.at(-1) === "") lines.pop();
  const header = lines.shift()?.split(",") ?? [];
  const column = (name: string) => {
    const at = header.indexOf(name);
    if (at < 0) throw new Error(`${address.pathname} has no column ${name}; it has ${header.join(", ")}`);
    return at;
  };
  const [carrier, origin, dest, depTime, arrDelay, timeHour] = [
    column("carrier"), column("origin"), column("dest"), column("dep_time"), column("arr_delay"), column("time_hour"),
  ];
  const records = lines.map((line, at) => {
    const wrong = (what: string) => new Error(`${address.pathname}, record ${at + 1}: ${what}`);
    if (line.includes('"')) throw wrong("it has a quoted field, which this reader does not support");
    const fields = line.split(",");
    if (fields.length !== header.length) throw wrong(`it has ${fields.length} fields, but the header has ${header.length}`);
    const field = (position: number) => fields[position]!;
    const key = `${field(carrier)}:${field(origin)}-${field(dest)}`;
    const delay = isMissing(field(arrDelay)) ? null : Number(field(arrDelay));
    if (delay !== null && !Number.isSafeInteger(delay)) throw wrong(`the delay ${field(arrDelay)} is not an integer`);
    const time = isMissing(field(timeHour)) ? null : Date.parse(field(timeHour));
    if (time !== null && Number.isNaN(time)) throw wrong(`the time ${field(timeHour)} is not a valid date`);
    return { key, isCancelled: isMissing(field(depTime)), delay, time };
  });
  return {
    total: records.length,
    each(from, to, visit) {
      for (const { key, isCancelled, delay, time } of records.slice(from, to)) visit(key, isCancelled, delay, time);
    },
  };
}

/** Returns the text of a file that may be gzipped. Some hosts unpack the file, and others send it unchanged. */
async function text(blob: Blob): Promise<string> {
  const [first, second] = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  const isGzip = first === 0x1f && second === 0x8b;
  return new Response(isGzip ? blob.stream().pipeThrough(new DecompressionStream("gzip")) : blob).text();
}

const CARRIERS = ["9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV"];
const ORIGINS = ["EWR", "JFK", "LGA"];
export const BEGINS_MS = Date.UTC(2013, 1, 1);

/** Returns the name of a route. */
export function routeName(at: number): string {
  const [carrier, rest] = [CARRIERS[at % CARRIERS.length]!, Math.floor(at / CARRIERS.length)];
  const [origin, dest] = [ORIGINS[rest % ORIGINS.length]!, Math.floor(rest / ORIGINS.length)];
  // The destinations are AAA, BAA, CAA and so on, which is enough for twenty million routes.
  const letter = (n: number) => String.fromCharCode(65 + (Math.floor(n) % 26));
  return `${carrier}:${origin}-${letter(dest)}${letter(dest / 26)}${letter(dest / 676)}${dest < 17_576 ? "" : letter(dest / 17_576)}`;
}

/** Returns a record. Its place is from 0 up to 1. Most places are near 0, so that some routes are far busier than others. */
export function recordOf(number: number): { place: number; isCancelled: boolean; delay: number | null } {
  const [a, b] = [mix(number), mix(number ^ 0x5bd1_e995)];
  const isCancelled = b % 50 === 0;
  return { place: (a / 2 ** 32) ** 3, isCancelled, delay: isCancelled ? null : Math.floor(((b >>> 8) / 2 ** 24) ** 4 * 200) - 25 };
}

/** Generates endless records over `keys` routes. */
function firehose(keys: number): Source {
  const names = Array.from({ length: keys }, (_, at) => routeName(at));
  return {
    total: Infinity,
    each(from, to, visit) {
      for (let number = from; number < to; number++) {
        const { place, isCancelled, delay } = recordOf(number);
        visit(names[Math.floor(keys * place)]!, isCancelled, delay, BEGINS_MS + number * 10);
      }
    },
  };
}

/** Returns 32 random-looking bits for a number. It applies the finaliser of MurmurHash3 to both halves. */
export function mix(number: number): number {
  let bits = (number ^ Math.imul(Math.floor(number / 2 ** 32) + 1, 0x9e37_79b9)) | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
