// Points in event time, in milliseconds since 1970 UTC, and durations in milliseconds.

import { parseInteger } from "./integers.js";
import { quoted } from "./json.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./integers.js").Integer} Integer */

// Years before 0 have six digits, so that a time is read as it was written.
const RFC3339 =
  /^((?:-00)?\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

// What every language of plugins can write as a date: a day less than the years -9999 to 9999, for the offsets.
const FIRST_MS = -377705023201 * SECOND_MS;
const LAST_MS = 253402207200 * SECOND_MS + 999;

/** The last time of a Date. An operator can compute with it and with a duration, and numbers do not round. */
const DATE_MAX = 8.64e15;

/** Whether a time is one that an operator cannot compute with. @param {Integer} time */
export const isBeyondDate = (time) => time > DATE_MAX || time < -DATE_MAX;

/** Refuses such a time. @param {string} text */
export const beyondDate = (text) => new Refusal(`${quoted(text)} is beyond the times of a Date`);

/** Returns a duration of so many milliseconds, which is what all durations are. @param {number} count */
export const milliseconds = (count) => duration(count, 1);
/** Returns so many seconds in milliseconds. @param {number} count */
export const seconds = (count) => duration(count, SECOND_MS);
/** Returns so many minutes in milliseconds. @param {number} count */
export const minutes = (count) => duration(count, MINUTE_MS);
/** Returns so many hours in milliseconds. @param {number} count */
export const hours = (count) => duration(count, HOUR_MS);
/** Returns so many days of 24 hours in milliseconds. @param {number} count */
export const days = (count) => duration(count, DAY_MS);

/**
 * Returns a duration in whole milliseconds, rounded down.
 *
 * @param {number} count
 * @param {number} unit
 * @returns {number}
 */
function duration(count, unit) {
  if (typeof count !== "number" || !(count >= 0) || count * unit > Number.MAX_SAFE_INTEGER) {
    throw new RangeError(`${String(count)} is no duration: give a number, as minutes(5), or milliseconds`);
  }
  return Math.floor(count * unit);
}

/**
 * Reads a time: milliseconds since 1970, or RFC 3339.
 *
 * @param {string} text
 * @returns {Integer}
 */
export function parseTime(text) {
  const time = parseInteger(text) ?? parseDate(text);
  if (time === undefined) throw new Refusal(`${quoted(text)} is no time, as 2013-01-01T05:00:00Z`);
  return time;
}

/** @param {string} text @returns {number | undefined} */
function parseDate(text) {
  const parts = RFC3339.exec(text);
  if (parts === null) return undefined;
  const day = dayOf(parts[1]);
  const [hour, minute] = [Number(parts[2]), Number(parts[3])];
  // A leap second is the second before it, because this scale of times has none.
  const second = parts[4] === undefined ? 0 : parts[4] === "60" ? 59 : Number(parts[4]);
  if (day === undefined || hour > 23 || minute > 59 || second > 59) return undefined;
  let whole = day * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS;
  if (parts[6] !== undefined) {
    const [offsetHours, offsetMinutes] = [Number(parts[7]), Number(parts[8])];
    if (offsetHours > 25 || offsetMinutes > 59) return undefined;
    const offset = offsetHours * HOUR_MS + offsetMinutes * MINUTE_MS;
    whole += parts[6] === "-" ? offset : -offset;
  }
  if (parts[5] !== undefined) {
    const fraction = Number(parts[5].padEnd(9, "0")) / 1e6;
    // Before 1970, rounding towards 1970 is rounding up.
    whole += whole < 0 ? Math.ceil(fraction) : Math.floor(fraction);
  }
  return whole < FIRST_MS || whole > LAST_MS ? undefined : whole;
}

// Many times of a stream are of one day, and a day costs most of the work.
let parsed = { text: "1970-01-01", day: /** @type {number | undefined} */ (0) };
let formatted = { text: "1970-01-01", day: 0 };

/** Returns the days since 1970 of a date, or undefined if there is no such day. @param {string} text */
function dayOf(text) {
  if (parsed.text !== text) {
    const isBefore0 = text.startsWith("-");
    const [digits, month, day] = text.slice(isBefore0 ? 1 : 0).split("-").map(Number);
    const year = isBefore0 ? -digits : digits;
    const isYear = !isBefore0 || year < 0;
    const isDay = isYear && month >= 1 && month <= 12 && day >= 1 && day <= daysOfMonth(year, month);
    parsed = { text, day: isDay ? daysSince1970(year, month, day) : undefined };
  }
  return parsed.day;
}

/**
 * Writes a time as RFC 3339, or its milliseconds if it is beyond the calendar.
 *
 * @param {Integer} ms
 * @returns {string}
 */
export function formatTime(ms) {
  if (typeof ms !== "number" || ms < FIRST_MS || ms > LAST_MS) return String(ms);
  const day = Math.floor(ms / DAY_MS);
  if (formatted.day !== day) formatted = { text: dateText(day), day };
  const left = ms - day * DAY_MS;
  const [hour, minute] = [TWO[Math.floor(left / HOUR_MS)], TWO[Math.floor(left / MINUTE_MS) % 60]];
  const second = TWO[Math.floor(left / SECOND_MS) % 60];
  return `${formatted.text}T${hour}:${minute}:${second}${fractionText(left % SECOND_MS)}Z`;
}

/** Numbers of two digits. */
const TWO = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, "0"));

/** @param {number} ms */
function fractionText(ms) {
  return ms === 0 ? "" : `.${String(ms).padStart(3, "0").replace(/0+$/, "")}`;
}

/** @param {number} day */
function dateText(day) {
  const { year, month, dayOfMonth } = dateOf(day);
  const digits = String(Math.abs(year));
  const yearText = year < 0 ? `-${digits.padStart(6, "0")}` : digits.padStart(4, "0");
  return `${yearText}-${TWO[month]}-${TWO[dayOfMonth]}`;
}

/** @param {number} year @param {number} month */
function daysOfMonth(year, month) {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

// The days are counted in years that begin with March, so that the day of a leap year is the last one, and in cycles
// of 400 years, which have 146,097 days each. Day 0 of the first cycle is 719,468 days before 1970.
const CYCLE_DAYS = 146097;
const BEFORE_1970 = 719468;

/** @param {number} year @param {number} month @param {number} day */
function daysSince1970(year, month, day) {
  const fromMarch = month > 2 ? year : year - 1;
  const cycle = Math.floor(fromMarch / 400);
  const yearOfCycle = fromMarch - cycle * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const leapDays = Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100);
  return cycle * CYCLE_DAYS + yearOfCycle * 365 + leapDays + dayOfYear - BEFORE_1970;
}

/** @param {number} days */
function dateOf(days) {
  const shifted = days + BEFORE_1970;
  const cycle = Math.floor(shifted / CYCLE_DAYS);
  const day = shifted - cycle * CYCLE_DAYS;
  const leapDays = Math.floor(day / 1460) - Math.floor(day / 36524) + Math.floor(day / 146096);
  const yearOfCycle = Math.floor((day - leapDays) / 365);
  const dayOfYear = day - (365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const dayOfMonth = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  return { year: yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0), month, dayOfMonth };
}
