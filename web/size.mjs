// Measures what the entries of the package are when they are downloaded: the modules that an entry imports and, where
// it runs the engine, the wasm. Each file is compressed separately, as a host sends it: by gzip and by Brotli, both at
// their highest level. Types, source maps and the names of functions do not count, nor does React.
//
//   node size.mjs [--check]   prints the sizes and the budget; with --check it fails if a page is over it

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const BUDGET_KIB = 256;
const ENGINE = "wasm/alluvium_wasm_bg.wasm";
const root = fileURLToPath(new URL("./", import.meta.url));
const dist = join(root, "dist");

/** Returns the bytes of a file, compressed in both ways. */
export function compressed(path) {
  const content = readFileSync(path);
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  return { gzip: gzipSync(content, { level: 9 }).length, brotli: brotliCompressSync(content, { params }).length };
}

/** Adds up sizes. */
export const added = (sizes) =>
  sizes.reduce((sum, { gzip, brotli }) => ({ gzip: sum.gzip + gzip, brotli: sum.brotli + brotli }), { gzip: 0, brotli: 0 });

/** Returns a file of `dist` and everything that it imports. */
export function loaded(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  if (!path.endsWith(".js")) return found;
  const imports = /(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g;
  for (const [, to] of readFileSync(join(dist, path), "utf8").matchAll(imports)) loaded(join(dirname(path), to), found);
  return found;
}

/** Returns the files that an entry needs. A page fetches the engine by its address, so no module imports it there. */
function files(path) {
  const modules = loaded(path);
  const isInside = modules.has("wasm/inlined.js");
  return modules.has("wasm/alluvium_wasm.js") && !isInside ? new Set([...modules, ENGINE]) : modules;
}

/** Returns the bytes that an entry needs, compressed in both ways. */
export const entrySize = (path) => added([...files(path)].map((file) => compressed(join(dist, file))));

/** Returns the path of each entry of the package that has modules, by its name. `index` is the package itself. */
export function entryPaths() {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const modules = Object.entries(exports).filter(([, to]) => to.default?.endsWith(".js"));
  return Object.fromEntries(modules.map(([name, to]) => [name === "." ? "index" : name.slice(2), to.default.replace("./dist/", "")]));
}

/** The entries that need no engine, because they only read from elsewhere. */
export const entries = { client: "client/index.js", react: "react/index.js", sources: "sources/index.js" };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const kib = (bytes) => (bytes / 1024).toFixed(1).padStart(7);
  const line = (name, { gzip, brotli }) => console.log(`${name.padEnd(24)} ${kib(gzip)} ${kib(brotli)}`);
  console.log(`${"size in KiB".padEnd(24)} ${"gzip".padStart(7)} ${"brotli".padStart(7)}`);
  line("the engine alone", compressed(join(dist, ENGINE)));
  for (const [name, path] of Object.entries(entryPaths())) line(name === "index" ? "alluvium" : `alluvium/${name}`, entrySize(path));
  const { gzip } = entrySize("index.js");
  console.log(`web_package_kib ${kib(gzip).trim()} (alluvium, gzip), budget ${BUDGET_KIB} KiB`);
  if (gzip > BUDGET_KIB * 1024) {
    console.error("the package is over its budget");
    if (process.argv.includes("--check")) process.exit(1);
  }
}
