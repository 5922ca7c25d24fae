// The tally of the checks, their comparisons and their random moments.

export const kind = process.argv[2] ?? "chromium";
export const isChromium = kind === "chromium";
export const FLIGHTS = 27_004;

let seed = Number(process.env.ALLUVIUM_SEED ?? Date.now() % 1_000_000);
console.log(`${kind}, seed ${seed}`);
/** Returns a number from 0 up to 1. The same seed gives the same numbers. */
export function random() {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
}
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const tally = { passed: 0, failed: 0, skipped: 0 };
export async function check(name, body) {
  try {
    const note = await body();
    tally.passed++;
    console.log(`ok      ${name}${note ? `: ${note}` : ""}`);
  } catch (error) {
    tally.failed++;
    console.log(`FAILED  ${name}: ${error.stack ?? error}`);
  }
}
export function same(what, found, expected) {
  if (found !== expected) throw new Error(`${what}: found ${found}, expected ${expected}`);
}
export function holds(what, condition) {
  if (!condition) throw new Error(what);
}
export function equal({ verdict, text }, records) {
  holds(`the proof says ${JSON.stringify(text)}`, verdict === "equal" && /^Exactly once: [\d,]+ records, [\d,]+ keys, all equal\.$/.test(text));
  const proved = Number(text.match(/: ([\d,]+) records/)[1].replaceAll(",", ""));
  if (records !== undefined) same("records that were proved", proved, records);
  return proved;
}

/** Runs a check of something that only Chromium lets a script see. */
export async function checkInChromium(name, body) {
  if (isChromium) return check(name, body);
  tally.skipped++;
  console.log(`SKIPPED ${name}: this check needs Chromium`);
}
