// Formats figures for people.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const count = (value: number) => whole.format(value);
export const minutes = (value: number) => tenth.format(value).replace("-", "−");

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value < 1024) return `${count(value)} B`;
  const units = ["KiB", "MiB", "GiB"];
  let [scaled, unit] = [value / 1024, 0];
  while (scaled >= 1024 && unit < units.length - 1) [scaled, unit] = [scaled / 1024, unit + 1];
  return `${tenth.format(scaled)} ${units[unit]}`;
}

/** Formats a share in percent. It is never rounded to nothing. */
export const percent = (value: number) => (value >= 10 ? `${count(value)} %` : value >= 0.01 ? `${value.toFixed(2)} %` : "less than 0.01 %");

export const milliseconds = (value: number) => (value < 10 ? `${tenth.format(value)} ms` : `${count(value)} ms`);

export const clockTime = (timestampMs: number) => new Date(timestampMs).toLocaleTimeString("en-GB");

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const hour = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });

/** Formats a moment of the stream in UTC. Returns the day and the time of day. */
export const moment = (timestampMs: number): [string, string] => [day.format(timestampMs), `${hour.format(timestampMs)} UTC`];

/** The step of the browser's clock, in microseconds. It is smaller in isolated pages. */
export const clockStepUs = globalThis.crossOriginIsolated ? 5 : 100;

/** Formats a measured time. A time below one step of the clock is shown as "< step" instead of 0. */
export function microseconds(value: number | undefined): string {
  if (value === undefined) return "–";
  return value < clockStepUs ? `< ${clockStepUs}` : count(value);
}
