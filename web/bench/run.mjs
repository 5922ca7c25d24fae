// Runs the benchmarks in Chromium with a fresh profile, and writes the report.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { browsers, launch, profile } from "../test/browsers.mjs";
import { added, compressed, entryPaths, entrySize } from "../size.mjs";
import { serve } from "../test/server.mjs";
import { handover } from "./handover.mjs";
import { drawn } from "./plot.mjs";

/** The files below node_modules that a page downloads for each peer. */
const downloads = {
  dexie: ["dexie/dist/modern/dexie.min.mjs"],
  "idb-keyval": ["idb-keyval/dist/index.js"],
  "wa-sqlite": ["wa-sqlite/dist/wa-sqlite-async.mjs", "wa-sqlite/dist/wa-sqlite-async.wasm", "wa-sqlite/src/sqlite-api.js", "wa-sqlite/src/examples/IDBBatchAtomicVFS.js"],
  "sqlite-opfs": ["@sqlite.org/sqlite-wasm/dist/index.mjs", "@sqlite.org/sqlite-wasm/dist/sqlite3.wasm"],
  pglite: ["@electric-sql/pglite/dist/index.js", "@electric-sql/pglite/dist/pglite.wasm", "@electric-sql/pglite/dist/pglite.data"],
};

const web = fileURLToPath(new URL("../", import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(web, "../target");
const isQuick = process.argv.includes("--quick");
/** Only the calls are measured and printed. There is no report then. */
const isCalls = process.argv.includes("--calls");
const [entries, changed, rounds] = isQuick ? [100_000, 10_000, 15] : [1_000_000, 10_000, 50];
const kind = browsers.find(({ name, path }) => name === (process.env.ALLUVIUM_BROWSER ?? "chromium") && path);
if (!kind) {
  console.log("SKIPPED: no Chromium is installed");
  process.exit(0);
}

let done;
const result = new Promise((resolve) => (done = resolve));
const { origin, close } = await serve(
  [
    ["/dist/", join(web, "dist")],
    ["/bench/", join(web, "bench")],
    ["/node_modules/", join(web, "node_modules")],
  ],
  { posted: (path, body) => (path === "/figures" ? done(JSON.parse(body)) : console.log(JSON.parse(body))) },
);
const { path, discard } = await profile();
const browser = await launch(kind, path);
const page = await browser.newPage();
page.on("pageerror", (error) => done({ error: String(error) }));
await page.goto(`${origin}/bench/page.html?${new URLSearchParams({ entries, changed, rounds, only: isCalls ? "calls" : "" })}`);
const { figures, error } = await result;
if (error) {
  await browser.close();
  throw new Error(error);
}
const version = await browser.version();
await page.close();
const HANDED_OVER = 100_000;
if (!isCalls) figures.handover = await handover(browser, origin, HANDED_OVER);

const kib = (bytes) => Math.round((bytes / 1024) * 10) / 10;
const sizes = {};
for (const [name, path] of Object.entries(entryPaths())) sizes[name === "index" ? "alluvium" : `alluvium_${name}`] = entrySize(path);
for (const [name, paths] of Object.entries(downloads)) sizes[name] = added(paths.map((path) => compressed(join(web, "node_modules", path))));

const round = (value) => Math.round(value * 100) / 100;
const row = (name, value, unit, goal, against) => ({ name, value: round(value), goal, unit, against });
const what = {
  dexie: "Dexie bulkPut, strict",
  "idb-keyval": "idb-keyval setMany",
  "wa-sqlite": "wa-sqlite, its pages in IndexedDB, one transaction",
  "sqlite-opfs": "SQLite's own build on OPFS in a worker, one transaction",
  pglite: "PGlite on IndexedDB, one INSERT",
};
const rows = [
  row("web_commit_vs_raw", figures.vsRaw, "×", "≤ 1.5", "one raw strict put of the same bytes"),
  row("web_commit_vs_dexie", figures.vsDexie, "×", "≥ 30", "Dexie bulkPut of the same entries"),
  row("web_recover_vs_raw", figures.recover / figures.read, "×", "≤ 3", "reading the same bytes"),
  row("web_handover_ms", figures.handover, "ms", "≤ 1000", `from the kill of a tab that leads until another one answers a read, ${HANDED_OVER.toLocaleString("en")} entries`),
  row("web_get_vs_map", figures.getVsMap, "×", "≤ 4", "a get against a Map of as many entries, texts as keys"),
  row("web_put_vs_map", figures.putVsMap, "×", "≤ 4", "a put against Map.set"),
  row("web_batch_put_ns", figures.batchPutNs, "ns", "≤ 150", "a put in batches of 500, applied"),
  row("web_merge_vs_map", figures.mergeVsMap, "×", "≤ 2", "adding to a count against Map.get and Map.set"),
  row("web_scan_first_ms", figures.scanFirstMs, "ms", "≤ 1", "the first 100 entries of a prefix of an ordered namespace"),
  row("web_package_kib", kib(sizes.alluvium.gzip), "KiB", "≤ 256", "wasm and modules, by gzip"),
  row("web_commit_ms", figures.ours, "ms", null, `${changed} changed of ${entries}, ${figures.bytes} bytes`),
  row("web_commit_write_ms", figures.write, "ms", null, "encoding and the transaction, part of the commit"),
  row("web_commit_raw_ms", figures.raw, "ms", null, "one raw strict put of the same bytes"),
  row("web_commit_idb_puts_ms", figures.puts, "ms", null, "one strict transaction of single puts"),
  ...Object.keys(downloads)
    .filter((name) => name in figures)
    .map((name) => row(`web_commit_${name.replaceAll("-", "_")}_ms`, figures[name], "ms", null, what[name])),
  row("web_freeze_us", figures.freezeUs, "µs", null, "the pause of the stream; the clock has steps of 5 µs"),
  row("web_recover_ms", figures.recover, "ms", null, `${figures.recoveredBytes} bytes of segments`),
  row("web_recover_raw_ms", figures.read, "ms", null, `reading ${figures.readBytes} bytes`),
  row("web_get_ns", figures.getNs, "ns", null, "a single get"),
  row("web_view_ns", figures.viewNs, "ns", null, "a value read without a copy"),
  row("web_absent_ns", figures.absentNs, "ns", null, "a key that does not exist"),
  row("web_get_many_ns", figures.getManyNs, "ns", null, "one of 500 keys of getMany"),
  row("web_map_get_ns", figures.mapGetNs, "ns", null, "Map.get"),
  row("web_put_ns", figures.putNs, "ns", null, "a single put"),
  row("web_writer_put_ns", figures.writerNs, "ns", null, "a put into a BatchWriter that is not applied"),
  row("web_map_put_ns", figures.mapPutNs, "ns", null, "Map.set"),
  row("web_count_ns", figures.countNs, "ns", null, "a count"),
  row("web_map_count_ns", figures.mapCountNs, "ns", null, "Map.get and Map.set"),
  row("web_walk_first_ms", figures.walkFirstMs, "ms", null, "the first entries of a prefix where keys are not ordered"),
  row("web_walk_all_first_ms", figures.walkAllFirstMs, "ms", null, "the first 100 entries of all where keys are not ordered"),
  ...Object.entries(sizes).flatMap(([name, { gzip, brotli }]) => [
    row(`web_size_${name}`, kib(gzip), "KiB", null, "by gzip"),
    row(`web_size_${name}_brotli`, kib(brotli), "KiB", null, "by Brotli"),
  ]),
];
for (const { name, value, unit, goal } of rows.filter(({ value }) => Number.isFinite(value))) console.log(`${name.padEnd(28)} ${value} ${unit}${goal ? `  (goal ${goal})` : ""}`);
for (const [name, why] of Object.entries(figures.refused)) console.log(`${name} did not run: ${why}`);
if (isCalls) {
  await browser.close();
  await discard();
  close();
  process.exit(0);
}
const folder = join(target, "bench");
mkdirSync(folder, { recursive: true });
const report = join(folder, "web-report.json");
const { refused } = figures;
writeFileSync(report, `${JSON.stringify({ browser: version, entries, changed, rounds, rows, refused }, null, 2)}\n`);
const bars = [
  ["alluvium", figures.ours],
  ["one raw put of the same bytes", figures.raw],
  ["raw IndexedDB puts", figures.puts],
  ...Object.keys(downloads).map((name) => [name, figures[name]]),
].filter(([, ms]) => ms !== undefined);
const picture = join(folder, "web-commit");
await drawn(browser, origin, bars, `${changed.toLocaleString("en")} entries made durable, ${version}`, picture);
await browser.close();
await discard();
close();
console.log(`${report}\n${picture}.svg`);
process.exit(0);
