// Checks in a real browser that the demo does what it says. Run `node web/demo/check.mjs` after
// `web/demo/build.sh`. `node web/demo/check.mjs firefox` uses Firefox. It skips the checks that need Chromium's
// downloads or its accessibility tree. ALLUVIUM_SEED=n replays the random moments. If the command is built
// (ALLUVIUM names it, otherwise target/debug is used), a checkpoint goes from the browser to it and back.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { executable, openDemo, verbsOf } from "./drive.mjs";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const flightsFile = join(root, "tests/data/flights-2013-01.csv.gz");
const command = process.env.ALLUVIUM ?? join(root, "target/debug/alluvium");
const plugin = process.env.ALLUVIUM_DELAYS ?? join(root, "target/wasm32-wasip2/release/delays.wasm");
const FLIGHTS = 27_004;

const kind = process.argv[2] ?? "chromium";
const isChromium = kind === "chromium";
let seed = Number(process.env.ALLUVIUM_SEED ?? Date.now() % 1_000_000);
console.log(`${kind}, seed ${seed}`);
/** Returns a number from 0 up to 1. The same seed gives the same numbers. */
function random() {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
}
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const tally = { passed: 0, failed: 0, skipped: 0 };
async function check(name, body) {
  try {
    const note = await body();
    tally.passed++;
    console.log(`ok      ${name}${note ? `: ${note}` : ""}`);
  } catch (error) {
    tally.failed++;
    console.log(`FAILED  ${name}: ${error.stack ?? error}`);
  }
}
function same(what, found, expected) {
  if (found !== expected) throw new Error(`${what}: found ${found}, expected ${expected}`);
}
function holds(what, condition) {
  if (!condition) throw new Error(what);
}
function equal({ verdict, text }, records) {
  holds(`the proof says ${JSON.stringify(text)}`, verdict === "equal" && /^Exactly once: [\d,]+ records, [\d,]+ keys, all equal\.$/.test(text));
  const proved = Number(text.match(/: ([\d,]+) records/)[1].replaceAll(",", ""));
  if (records !== undefined) same("records that were proved", proved, records);
  return proved;
}

/** Runs a check of something that only Chromium lets a script see. */
async function checkInChromium(name, body) {
  if (isChromium) return check(name, body);
  tally.skipped++;
  console.log(`SKIPPED ${name}: this check needs Chromium`);
}

if (executable(kind) === undefined) {
  console.log(`no ${kind}: install it, or name it in ${kind.toUpperCase()}\n0 passed, 1 failed`);
  process.exit(1);
}

const demo = await openDemo(kind);
const { page } = demo;

/** Does something that writes to the log, and waits for a line that matches `pattern`. Returns the log. */
async function said(action, pattern) {
  await page.$eval("#log", (list) => list.replaceChildren());
  await action();
  await demo.until((source) => new RegExp(source).test(document.querySelector("#log").textContent), pattern.source);
  return page.$eval("#log", (list) => list.textContent);
}

async function choose(id, value) {
  await page.select(`#${id}`, value);
}

async function startOver() {
  // The newest line of the log comes first.
  await said(() => demo.press("#start-over"), /Nothing stored[^]*Starting over/);
  await demo.until(() => document.querySelector("#state").dataset.state === "running");
}

/** Downloads the newest kept checkpoint once it has that many records. Returns the file's path. */
async function download(records) {
  await demo.until((least) => Number(document.querySelector("#checkpoint-rows tr").dataset.records) >= least, records);
  const before = new Set(await readdir(demo.downloads).catch(() => []));
  await said(() => demo.press('#checkpoint-rows tr:first-child [data-act="export"]'), /Downloaded/);
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const name = (await readdir(demo.downloads).catch(() => [])).find((found) => !before.has(found) && found.endsWith(".tar"));
    if (name) return join(demo.downloads, name);
    await pause(25);
  }
  throw new Error("the download did not come");
}

const bringIn = (path) => demo.proved(async () => (await page.$("#file")).uploadFile(path));

async function pauseStream() {
  await demo.press("#pause");
  await demo.until(() => document.querySelector("#state").dataset.state === "paused");
}

try {
  await check("the demo opens, and only requests its own origin", async () => {
    await demo.set({ rate: 5_000, every: 500 });
    await startOver();
    await demo.records(1_000);
    same("origins", [...demo.requests].join(), new URL(demo.address).origin);
  });

  await check("the worker is killed ten times at random moments", async () => {
    let newest = 0;
    const offsets = [];
    for (let kill = 0; kill < 10; kill++) {
      await pause(50 + random() * 500);
      const proved = equal(await demo.kill());
      holds(`${proved} records after ${newest}: a reported checkpoint is gone`, proved >= newest);
      offsets.push((newest = proved));
    }
    return `recovered at ${offsets.join(", ")}`;
  });

  await check("the tab crashes", async () => {
    const before = await demo.number("records");
    await demo.reloadedBy("#crash");
    await demo.until(() => document.querySelector("#proof").dataset.verdict !== "none");
    const proved = equal(await demo.proof());
    holds("the log tells of the crash", (await demo.text("log")).includes("The tab crashed"));
    return `recovered at ${proved}, seen ${before}`;
  });

  await check("the worker is killed ten times by the page's own button", async () => {
    await startOver();
    await demo.set({ rate: 1_000, every: 200 });
    await demo.records(400);
    const before = await page.$eval("#log", (list) => list.querySelectorAll(".good").length);
    await demo.press("#kill-ten");
    await demo.until(() => document.querySelector("#kill-ten").textContent === "Kill it ten times" && !document.querySelector("#kill-ten").disabled);
    const proofs = await page.$eval("#log", (list) => list.querySelectorAll(".good").length);
    same("proofs that said equal", proofs - before, 10);
  });

  await check("the flights run to their end", async () => {
    await demo.set({ rate: 20_000, every: 1_000 });
    await demo.proved(() => demo.complete());
    equal(await demo.proof(), FLIGHTS);
    same("flights", await demo.number("flights"), FLIGHTS);
    same("keys", await demo.number("keys"), 307);
    same("watermark", await page.$eval("#watermark", (element) => element.parentElement.textContent.replace(/\s+/g, " ").trim()), "1 Feb 2013 04:00 UTC");
  });

  await check("the worker is killed at the end, and nothing is lost", async () => {
    equal(await demo.kill(), FLIGHTS);
    same("flights", await demo.number("flights"), FLIGHTS);
  });

  await check("every byte is verified", () => said(() => demo.press("#verify"), /nothing is damaged/).then(() => ""));

  await check("two checkpoints are compared", async () => {
    await page.$eval("#diff-form", (form) => form.requestSubmit());
    await demo.until(() => !document.querySelector("#diff").hidden);
    const text = await demo.text("diff-text");
    const [changed, added, removed, unchanged] = ["keys changed", "added", "removed", "the same"].map((what) => Number(text.match(new RegExp(`([\\d,]+) ${what}`))[1]));
    const listed = await page.$$eval("#diff-rows tr", (lines) => lines.length);
    same("keys in all", changed + added + removed + unchanged, 307);
    same("listed", listed, changed + added + removed);
    holds("something changed", changed > 0);
    return text;
  });

  await check("an older checkpoint is restored, and the stream runs to its end again", async () => {
    const rows = await demo.rows();
    const older = rows[3];
    holds(`an older one is kept: ${JSON.stringify(rows)}`, older && older.records < FLIGHTS);
    await demo.set({ rate: 1_000, every: 1_000 });
    equal(await demo.proved(() => demo.press(`tr[data-id="${older.id}"] [data-act="restore"]`)), older.records);
    await page.mouse.move(0, 0);
    await demo.set({ rate: 20_000, every: 1_000 });
    await demo.proved(() => demo.complete());
    equal(await demo.proof(), FLIGHTS);
    same("flights", await demo.number("flights"), FLIGHTS);
    return `checkpoint ${older.id}, ${older.records} records`;
  });

  let archive;
  await checkInChromium("a checkpoint is downloaded, and imported again after starting over", async () => {
    archive = await download(FLIGHTS);
    holds("a tar", (await readFile(archive)).subarray(257, 262).toString() === "ustar");
    await startOver();
    equal(await bringIn(archive), FLIGHTS);
  });

  await checkInChromium("a proof that must fail fails", async () => {
    await choose("source", "firehose-1000");
    await demo.until(() => document.querySelector("#records").textContent !== "0" && document.querySelector("#state").dataset.state === "running");
    const { verdict, text } = await bringIn(archive);
    same("verdict", verdict, "differs");
    const listed = await page.$$eval("#difference-list li", (lines) => lines.length);
    holds("differences are listed", listed > 0);
    await startOver();
    return text;
  });

  await check("the firehose: a checkpoint writes only what changed, also after kills", async () => {
    await choose("source", "firehose-20000");
    await demo.set({ rate: 200_000, every: 500_000 });
    await startOver();
    await demo.records(1_000_000);
    await demo.set({ rate: 5_000, every: 500 });
    const begun = await demo.number("records");
    await demo.records(begun + 5_000);
    equal(await demo.kill());
    const recovered = await demo.number("records");
    await demo.until((least) => Number(document.querySelector("#checkpoint-rows tr").dataset.records) >= least, recovered + 10_000);
    // One of these checkpoints may include a compacted file of at least 1 MiB, which is most of so small a state.
    // At least half of them never do.
    const shares = (await demo.rows()).filter(({ records }) => records > recovered).map(({ share }) => Math.round(100 * share));
    holds(`${shares.length} kept checkpoints after the recovery`, shares.length >= 3);
    const median = shares.toSorted((a, b) => a - b)[Math.floor(shares.length / 2)];
    holds(`checkpoints of 500 records over 20,000 keys wrote ${shares.join(", ")} % of the state`, median <= 25);
    return `${shares.join(", ")} % of the state`;
  });

  await check("the origin private file system survives kills", async () => {
    holds("it is offered", await page.$eval("#storage option[value=opfs]", (option) => !option.disabled));
    await choose("source", "flights");
    await choose("storage", "opfs");
    await demo.set({ rate: 5_000, every: 500 });
    await startOver();
    await demo.records(1_000);
    const offsets = [];
    for (let kill = 0; kill < 5; kill++) {
      await pause(50 + random() * 400);
      offsets.push(equal(await demo.kill()));
    }
    return `recovered at ${offsets.join(", ")}`;
  });

  await check("a second tab is fenced, and takes over when told to", async () => {
    await demo.set({ rate: 500, every: 100 });
    await startOver();
    await demo.records(200);
    const second = await demo.browser.newPage();
    try {
      await second.goto(demo.address);
      const { press, until } = verbsOf(second);
      await until(() => document.querySelector("#take-over")?.checkVisibility());
      const why = await second.$eval("#failure-text", (element) => element.textContent);
      holds(`the second says ${why}`, why.includes("fenced"));
      await press("#take-over");
      await until(() => document.querySelector("#proof").dataset.verdict === "equal");
      await demo.until(() => document.querySelector("#state").dataset.state === "failed");
      const lost = await demo.text("failure-text");
      holds(`the first says ${lost}`, lost.includes("fenced"));
    } finally {
      // A page behind another one draws nothing, so it would wait forever.
      await second.close();
      await page.bringToFront();
    }
    equal(await demo.proved(() => demo.press("#retry")));
  });

  await check("the page is readable at both widths, and every control has a name", async () => {
    for (const width of [390, 1400]) {
      await page.setViewport({ width, height: 900 });
      const scrolled = await page.evaluate(() => document.documentElement.scrollWidth);
      holds(`the page is ${scrolled} wide in a window of ${width}`, scrolled <= width);
    }
    if (!isChromium) return "only the widths";
    const nodes = [];
    const walk = (node) => {
      nodes.push(node);
      node.children?.forEach(walk);
    };
    walk(await page.accessibility.snapshot());
    const controls = nodes.filter(({ role }) => /^(button|combobox|slider|spinbutton|checkbox|progressbar|img)$/.test(role));
    holds("there are controls", controls.length >= 12);
    const nameless = controls.filter(({ name }) => !name);
    same("nameless controls", JSON.stringify(nameless), "[]");
    return `${controls.length} controls`;
  });

  if (existsSync(command) && existsSync(plugin)) {
    await checkInChromium("a stream begins in the browser, continues in the command and opens in the browser again", async () => {
      await choose("storage", "indexeddb");
      await demo.set({ rate: 5_000, every: 1_000 });
      await startOver();
      await demo.records(9_000);
      await pauseStream();
      const begun = await download(9_000);
      const at = (await demo.rows())[0].records;
      const [there, alone, tar] = ["continued", "uninterrupted", "continued.tar"].map((name) => join(demo.folder, name));
      await run(command, ["import", begun, there]);
      const feed = (dir) => run(command, ["run", plugin, "--dir", dir, "--input", flightsFile, "--checkpoint-every", "1000"], { maxBuffer: 1 << 26 });
      const [continued, whole] = [await feed(there), await feed(alone)];
      same("results of the two runs", continued.stdout, whole.stdout);
      const dumps = await Promise.all([there, alone].map((dir) => run(command, ["dump", dir], { maxBuffer: 1 << 26 })));
      same("the two states", dumps[0].stdout, dumps[1].stdout);
      await run(command, ["export", there, tar]);
      equal(await bringIn(tar), FLIGHTS);
      same("flights", await demo.number("flights"), FLIGHTS);
      return `from ${at} records`;
    });
  } else {
    tally.skipped++;
    console.log(`SKIPPED the command and back: ${existsSync(command) ? plugin : command} is not built`);
  }

  await check("the page had no error", () => same("errors", demo.errors.join("\n"), ""));
} finally {
  await demo.close();
}
console.log(`${tally.passed} passed, ${tally.failed} failed${tally.skipped ? `, ${tally.skipped} skipped` : ""}`);
process.exit(tally.failed > 0 ? 1 : 0);
